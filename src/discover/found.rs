//! What was found.

use crate::settings::{AccountSettings, Login, Provider, ServerSettings, SignInWith};
use crate::types::{Address, registrable};

/// Who said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Source {
    /// The data of this crate.
    Bundled,
    /// The domain's own autoconfig document (draft-ietf-mailmaint-autoconfig).
    Autoconfig,
    /// The domain's mail exchangers (RFC 5321 §5.1), and what is known of them.
    Exchanger,
    /// Thunderbird's data base of mail services.
    Ispdb,
    /// SRV records (RFC 6186, RFC 8314).
    Srv,
    /// Microsoft's Autodiscover, which knows the domains of Microsoft 365.
    Exchange,
    /// Usual names that answered as mail servers do.
    Guess,
}

/// How far it can be relied upon, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Trust {
    /// Known to this crate.
    Bundled,
    /// Said by the domain's own server, over HTTPS.
    Provider,
    /// Said by a data base that somebody looks after, or known to this crate of a service that DNS named.
    Curated,
    /// Anybody between here and there may have said it.
    Untrusted,
}

/// With what a server is said to be content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignInOffer {
    /// A token of an OAuth grant.
    OAuth,
    /// A password, over TLS.
    Password,
}

/// What was found for an address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Discovery {
    /// Settings, the best first; all of one source.
    pub suggestions: Vec<Suggestion>,
    /// The name of the mail filter that stands before the domain's mailboxes, where one does: it hides where they are.
    pub filter: Option<&'static str>,
}

/// Settings that may be right.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Suggestion {
    /// The IMAP server.
    pub incoming: ServerSettings,
    /// The user name there.
    pub incoming_login: Login,
    /// The submission server and the user name there.
    pub outgoing: Option<(ServerSettings, Login)>,
    /// Ways of signing in, the preferred first; empty where nobody said.
    pub sign_in: Vec<SignInOffer>,
    /// Who said it.
    pub source: Source,
    /// How far it can be relied upon.
    pub trust: Trust,
    /// The foreign domain that a redirect led to, where one did.
    pub redirected_to: Option<String>,
}

impl Suggestion {
    pub(super) fn new(incoming: ServerSettings, incoming_login: Login, source: Source) -> Self {
        Self {
            incoming,
            incoming_login,
            outgoing: None,
            sign_in: Vec::new(),
            source,
            trust: Trust::Untrusted,
            redirected_to: None,
        }
    }

    pub(super) fn of_provider(
        provider: &Provider,
        address: &Address,
        source: Source,
        trust: Trust,
    ) -> Option<Self> {
        let settings = provider.account_settings(address)?;
        let login = settings.incoming_login;
        let sign_in = match (provider.oauth(), provider.sign_in_with()) {
            (_, SignInWith::OAuth(_)) => vec![SignInOffer::OAuth],
            (Some(_), _) => vec![SignInOffer::OAuth, SignInOffer::Password],
            (None, _) => vec![SignInOffer::Password],
        };
        let outgoing = settings.outgoing.map(|outgoing| (outgoing.server().clone(), login.clone()));
        Some(Self { outgoing, sign_in, trust, ..Self::new(settings.incoming, login, source) })
    }

    /// The service it belongs to, where the incoming server is one that is known.
    pub fn provider(&self) -> Option<&'static Provider> {
        Provider::of_server(self.incoming.host())
    }

    /// The domains under which the servers are registered: what the user confirms before a password is sent. An address of
    /// a machine stands for itself.
    pub fn to_confirm(&self) -> Vec<&str> {
        let outgoing = self.outgoing.as_ref().map(|(server, _)| server.host());
        let mut domains = Vec::new();
        for host in [Some(self.incoming.host()), outgoing].into_iter().flatten() {
            let domain = registrable(host).unwrap_or(host);
            if !domains.contains(&domain) {
                domains.push(domain);
            }
        }
        domains
    }

    /// The settings of an account. It signs in with OAuth where its service takes nothing else.
    pub fn account_settings(&self) -> AccountSettings {
        let mut settings = AccountSettings::new(self.incoming.clone(), self.incoming_login.clone());
        if let Some((server, login)) = &self.outgoing {
            settings = settings.sending(server.clone(), login.clone());
        }
        match self.provider().map(Provider::sign_in_with) {
            Some(SignInWith::OAuth(provider)) => settings.authorized_by(provider),
            _ => settings,
        }
    }
}
