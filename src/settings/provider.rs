//! What is known of mail services: one value a service, read from data. A service is data, never code of its own.

use std::sync::LazyLock;

use super::{OAuthProvider, ServerTemplate};
use crate::types::{Address, DomainName};

/// One service a line; columns and provenance at its head.
const PROVIDERS: &str = include_str!("providers.tsv");

static ALL: LazyLock<Vec<Provider>> = LazyLock::new(|| rows(PROVIDERS).filter_map(Provider::read).collect());

/// The lines of a table that are not its head, without the ends that belong to no field.
pub(super) fn rows(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}

/// A mail service, as far as it is known.
///
/// ```
/// use practicemail::settings::Provider;
/// use practicemail::types::Address;
/// let anna = Address::parse("anna@gmx.de").unwrap();
/// let gmx = Provider::of_address(&anna).unwrap();
/// let settings = gmx.account_settings(&anna).unwrap();
/// assert_eq!(settings.incoming.host(), "imap.gmx.net");
/// assert_eq!(settings.incoming_login.as_str(), "anna@gmx.de");
/// assert!(gmx.switched_off_at_first());
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Provider {
    id: &'static str,
    family: &'static str,
    name: &'static str,
    domains: Vec<&'static str>,
    incoming: Vec<ServerTemplate>,
    outgoing: Vec<ServerTemplate>,
    user_name: UserName,
    sign_in: Vec<&'static str>,
    app_passwords: AppPasswords,
    app_password_page: Option<&'static str>,
    switch: &'static str,
    exchangers: Vec<&'static str>,
    confidence: Confidence,
}

/// What a service takes for a user name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UserName {
    /// The whole address.
    Address,
    /// What stands before the `@`.
    LocalPart,
    /// Something that does not follow from the address.
    Other,
}

/// How a service holds it with app passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AppPasswords {
    /// Nothing else is taken.
    Always,
    /// Nothing else is taken, and two-step verification must be on before one can be made.
    AlwaysAfterTwoStep,
    /// Nothing else is taken where two-step verification is on.
    WithTwoStep,
    /// Taken beside the password.
    Accepted,
    /// An administrator may forbid them.
    Administrator,
    /// None is taken, nor any password.
    Refused,
    /// There are none.
    None,
    /// Not known.
    Unknown,
}

/// With what accounts of a service sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignInWith {
    /// The provider's own sign-in: passwords are refused.
    OAuth(OAuthProvider),
    /// An app password; never the account's own.
    AppPassword,
    /// The password; an app password where two-step verification is on.
    Password,
    /// What a program on the user's own machine shows, at which mail is read and handed over.
    Bridge,
    /// Nothing: no program but the service's own reads its mail.
    Nothing,
}

/// How sure what is said of a service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Confidence {
    /// One source, or sources that do not agree.
    Low,
    /// Sources that agree.
    Medium,
    /// The service's own pages, or several sources of this year.
    High,
}

impl Provider {
    /// Every service, those with the most users first.
    pub fn all() -> &'static [Self] {
        &ALL
    }

    /// A service by its stable name: `gmail`, `microsoft365`.
    pub fn by_id(id: &str) -> Option<&'static Self> {
        ALL.iter().find(|provider| provider.id == id)
    }

    /// The service of addresses in this domain.
    pub fn of_domain(domain: &DomainName) -> Option<&'static Self> {
        let is = |known: &str| match known.strip_prefix("*.") {
            Some(above) => ends_in(domain.as_str(), above),
            None => known == domain.as_str(),
        };
        ALL.iter().find(|provider| provider.domains.iter().any(|known| is(known)))
    }

    /// The service of an address.
    pub fn of_address(address: &Address) -> Option<&'static Self> {
        Self::of_domain(address.domain())
    }

    /// The service behind a mail exchanger (RFC 5321 §5.1): the one of which most of its name is known.
    ///
    /// ```
    /// use practicemail::settings::Provider;
    /// let exchanger = "hale-example.mail.protection.outlook.com.";
    /// assert_eq!(Provider::of_mx(exchanger).unwrap().id(), "microsoft365");
    /// ```
    pub fn of_mx(host: &str) -> Option<&'static Self> {
        let host = normalised(host);
        let known =
            ALL.iter().flat_map(|provider| provider.exchangers.iter().map(move |end| (provider, *end)));
        // Of equals the first service: `max_by_key` takes the last.
        let behind: Vec<_> = known.filter(|(_, end)| ends_in(&host, end)).collect();
        behind.into_iter().rev().max_by_key(|(_, end)| end.len()).map(|(provider, _)| provider)
    }

    /// The service that a mail server belongs to, by its name: an address of a machine is nobody's.
    pub fn of_server(host: &str) -> Option<&'static Self> {
        let host = normalised(host);
        if host.parse::<std::net::IpAddr>().is_ok() {
            return None;
        }
        ALL.iter().find(|provider| provider.servers().any(|server| server.is(&host)))
    }

    /// A stable name.
    pub const fn id(&self) -> &'static str {
        self.id
    }

    /// Its name as users know it.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// By what its servers' words are understood: services of one maker speak alike.
    pub(crate) const fn family(&self) -> &'static str {
        self.family
    }

    /// The domains of its addresses; `*.` before one stands for the names below it too.
    pub fn domains(&self) -> &[&'static str] {
        &self.domains
    }

    /// Its IMAP servers, the preferred first.
    pub fn incoming(&self) -> &[ServerTemplate] {
        &self.incoming
    }

    /// Its submission servers, the preferred first.
    pub fn outgoing(&self) -> &[ServerTemplate] {
        &self.outgoing
    }

    fn servers(&self) -> impl Iterator<Item = &ServerTemplate> {
        self.incoming.iter().chain(&self.outgoing)
    }

    /// What it takes for a user name.
    pub const fn user_name(&self) -> UserName {
        self.user_name
    }

    /// How it holds it with app passwords.
    pub const fn app_passwords(&self) -> AppPasswords {
        self.app_passwords
    }

    /// The page where users make app passwords.
    pub const fn app_password_page(&self) -> Option<&'static str> {
        self.app_password_page
    }

    /// The authorization server that this crate knows for it.
    pub fn oauth(&self) -> Option<OAuthProvider> {
        match self.family {
            "google" => Some(OAuthProvider::Google),
            "microsoft" => Some(OAuthProvider::Microsoft),
            _ => None,
        }
    }

    /// With what its accounts sign in, where no OAuth registration of the host's is at hand.
    ///
    /// ```
    /// use practicemail::settings::{OAuthProvider, Provider, SignInWith};
    /// let with = |id| Provider::by_id(id).unwrap().sign_in_with();
    /// assert_eq!(with("microsoft365"), SignInWith::OAuth(OAuthProvider::Microsoft));
    /// assert_eq!(with("gmail"), SignInWith::AppPassword);
    /// assert_eq!(with("tuta"), SignInWith::Nothing);
    /// ```
    pub fn sign_in_with(&self) -> SignInWith {
        match (self.app_passwords, self.oauth()) {
            (AppPasswords::Refused, Some(provider)) => return SignInWith::OAuth(provider),
            (AppPasswords::Refused, None) => return SignInWith::Nothing,
            _ => {}
        }
        if self.sign_in.contains(&"password") && self.app_passwords != AppPasswords::Always {
            SignInWith::Password
        } else if self.sign_in.contains(&"bridge") {
            SignInWith::Bridge
        } else {
            SignInWith::AppPassword
        }
    }

    /// Whether IMAP is off until the user, or an administrator, switches it on.
    pub fn switched_off_at_first(&self) -> bool {
        self.switch.starts_with("off: ")
    }

    /// What to do where IMAP is off; half a sentence in English.
    pub fn how_to_switch_on(&self) -> Option<&'static str> {
        self.switch.split_once(": ").map(|(_, words)| words)
    }

    /// How sure all this is.
    pub const fn confidence(&self) -> Confidence {
        self.confidence
    }

    fn read(row: &'static str) -> Option<Self> {
        let mut fields = row.split('\t');
        let mut next = || fields.next();
        let words = |field: &'static str| field.split_whitespace().collect::<Vec<_>>();
        let servers = |field: &'static str| {
            field.split_whitespace().map(ServerTemplate::read).collect::<Option<Vec<_>>>()
        };
        let (id, family) = (next()?, next()?);
        Some(Self {
            id,
            family: if family.is_empty() { id } else { family },
            name: next()?,
            domains: words(next()?),
            incoming: servers(next()?)?,
            outgoing: servers(next()?)?,
            user_name: match next()? {
                "address" => UserName::Address,
                "local_part" => UserName::LocalPart,
                "other" => UserName::Other,
                _ => return None,
            },
            sign_in: words(next()?),
            app_passwords: match next()? {
                "always" => AppPasswords::Always,
                "always_after_two_step" => AppPasswords::AlwaysAfterTwoStep,
                "with_two_step" => AppPasswords::WithTwoStep,
                "accepted" => AppPasswords::Accepted,
                "administrator" => AppPasswords::Administrator,
                "refused" => AppPasswords::Refused,
                "none" => AppPasswords::None,
                "unknown" => AppPasswords::Unknown,
                _ => return None,
            },
            app_password_page: next().filter(|page| !page.is_empty()),
            switch: next()?,
            exchangers: words(next()?),
            confidence: match next()? {
                "high" => Confidence::High,
                "medium" => Confidence::Medium,
                "low" => Confidence::Low,
                _ => return None,
            },
        })
    }
}

pub(super) fn normalised(host: &str) -> String {
    host.trim().trim_end_matches('.').to_ascii_lowercase()
}

/// Whether a name is another or lies below it.
pub(super) fn ends_in(name: &str, end: &str) -> bool {
    name.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A row that cannot be read would be left out: none is.
    #[test]
    fn every_row_is_read_whole() {
        assert_eq!((rows(PROVIDERS).count(), ALL.len()), (89, 89));
        let ids: BTreeSet<_> = ALL.iter().map(|provider| provider.id).collect();
        let domains: BTreeSet<_> = ALL.iter().flat_map(|provider| &provider.domains).collect();
        assert_eq!((ids.len(), domains.len()), (89, 268));
        for (row, provider) in rows(PROVIDERS).zip(ALL.iter()) {
            assert_eq!(row.split('\t').count(), 15, "{}", provider.id);
            let written = |field: usize| row.split('\t').nth(field).unwrap().split_whitespace().count();
            assert_eq!((written(4), written(5)), (provider.incoming.len(), provider.outgoing.len()));
            let known = ["oauth", "password", "app_password", "bridge"];
            assert!(provider.sign_in.iter().all(|way| known.contains(way)), "{}", provider.id);
            assert!(["", "on", "off"].contains(&provider.switch.split(':').next().unwrap()));
            assert!(provider.app_password_page.is_none_or(|page| page.starts_with("https://")));
            assert!(row.split('\t').nth(13).is_some_and(|sources| !sources.is_empty()), "{}", provider.id);
            for server in provider.servers() {
                assert_eq!(server.settings().is_none(), server.needs_input(), "{}", server.host());
            }
            for domain in &provider.domains {
                let domain = DomainName::parse(domain.trim_start_matches("*.")).unwrap();
                assert_eq!(Provider::of_domain(&domain), Some(provider), "{domain}");
            }
        }
    }

    #[test]
    fn a_service_is_found_by_what_is_known_of_it() {
        let id = |provider: Option<&'static Provider>| provider.map(|provider| provider.id);
        let domain = |name: &str| id(Provider::of_domain(&DomainName::parse(name).unwrap()));
        assert_eq!(domain("GoogleMail.com"), Some("gmail"));
        assert_eq!(domain("hale.onmicrosoft.com"), Some("microsoft365"));
        assert_eq!(
            (domain("x.gmail.com"), domain("example.org"), domain("onmicrosoft.com.evil.example")),
            (None, None, None)
        );
        let mx = |host: &str| id(Provider::of_mx(host));
        assert_eq!(mx("ALT1.ASPMX.L.GOOGLE.COM."), Some("google-workspace"));
        assert_eq!(mx("alt2.gmail-smtp-in.l.google.com"), Some("gmail"));
        assert_eq!(mx("outlook-com.olc.protection.outlook.com"), Some("outlook-com"));
        assert_eq!(mx("mx01.ionos.co.uk"), Some("ionos-co-uk"));
        assert_eq!((mx("notmailbox.org"), mx("mx.example.org")), (None, None));
        let server = |host: &str| id(Provider::of_server(host));
        assert_eq!(server("IMAP.gmail.com"), Some("gmail"));
        assert_eq!(server("smtp-mail.outlook.com"), Some("outlook-com"));
        assert_eq!(server("ex5.mail.ovh.net"), Some("ovh-exchange"));
        assert_eq!(
            (server("ex.mail.ovh.net"), server("exa.b.mail.ovh.net"), server("127.0.0.1")),
            (None, None, None)
        );
    }

    #[test]
    fn how_to_sign_in_follows_from_what_is_known() {
        let with = |id| Provider::by_id(id).unwrap().sign_in_with();
        for id in ["microsoft365", "outlook-com"] {
            assert_eq!(with(id), SignInWith::OAuth(OAuthProvider::Microsoft));
        }
        for id in ["gmail", "google-workspace", "icloud", "yahoo", "posteo", "t-online"] {
            assert_eq!(with(id), SignInWith::AppPassword, "{id}");
        }
        for id in ["gmx-net", "ionos-de", "exchange-onprem", "infomaniak"] {
            assert_eq!(with(id), SignInWith::Password, "{id}");
        }
        assert_eq!((with("proton"), with("hey")), (SignInWith::Bridge, SignInWith::Nothing));
    }
}
