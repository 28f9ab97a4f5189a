//! Which access token stands for whom: what an authorization server of the kit and the servers that take its tokens share.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{contract::Clock, settings::OAuthProvider, types::Timestamp};

/// The access tokens of one [`AuthorizationServer`](super::AuthorizationServer). Cheap to clone; every clone is the same.
///
/// A server of the kit that is given it takes a token that is live and stands for what it does:
///
/// | server | Google's scope | Microsoft's scope |
/// |---|---|---|
/// | [`ImapServer`](super::ImapServer) | `https://mail.google.com/` | `https://outlook.office.com/IMAP.AccessAsUser.All` |
/// | [`SmtpServer`](super::SmtpServer) | `https://mail.google.com/` | `https://outlook.office.com/SMTP.Send` |
/// | [`GraphServer`](super::GraphServer) | none | `https://graph.microsoft.com/Mail.Send` |
#[derive(Clone)]
pub struct TokenRegistry(Arc<Inner>);

struct Inner {
    provider: OAuthProvider,
    clock: Arc<dyn Clock>,
    tokens: Mutex<BTreeMap<String, AccessToken>>,
}

/// What one access token stands for.
#[derive(Clone)]
pub(crate) struct AccessToken {
    /// The person's address.
    pub(crate) address: String,
    /// The name they sign in with, where it is another.
    pub(crate) principal_name: Option<String>,
    pub(crate) scopes: BTreeSet<String>,
    pub(crate) expires: Timestamp,
    /// The consent it came from.
    pub(crate) grant: u64,
}

/// What a token is shown for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Imap,
    Smtp,
    Graph,
}

/// Why a token opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// Unknown, expired, or its grant has ended.
    Dead,
    /// Live, and for other things.
    OutOfScope,
}

impl TokenRegistry {
    pub(crate) fn new(provider: OAuthProvider, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner { provider, clock, tokens: Mutex::default() }))
    }

    /// Makes a token that stands for that.
    pub(crate) fn issue(&self, token: AccessToken) -> io::Result<String> {
        let prefix = match self.0.provider {
            OAuthProvider::Google => "ya29.kit-",
            OAuthProvider::Microsoft => "EwKit",
        };
        let text = random(prefix)?;
        self.tokens().insert(text.clone(), token);
        Ok(text)
    }

    /// What a token stands for, while it is live.
    pub(crate) fn live(&self, token: &str) -> Option<AccessToken> {
        let now = self.0.clock.now();
        self.tokens().get(token).filter(|token| now < token.expires).cloned()
    }

    /// The consent a token came from, live or not.
    pub(crate) fn grant_of(&self, token: &str) -> Option<u64> {
        self.tokens().get(token).map(|token| token.grant)
    }

    /// Ends the tokens of a consent.
    pub(crate) fn end(&self, grant: u64) {
        self.tokens().retain(|_, token| token.grant != grant);
    }

    /// Lets every token's time be over.
    pub(crate) fn expire_all(&self) {
        let now = self.0.clock.now();
        self.tokens().values_mut().for_each(|token| token.expires = token.expires.min(now));
    }

    /// Whose token it is, where it may be used for that.
    pub(crate) fn open(&self, token: &str, service: Service) -> Result<AccessToken, Closed> {
        let token = self.live(token).ok_or(Closed::Dead)?;
        let scope = scope_of(self.0.provider, service).ok_or(Closed::OutOfScope)?;
        if token.scopes.contains(scope) { Ok(token) } else { Err(Closed::OutOfScope) }
    }

    /// Every token there has been since its consent last ended: what a transcript must not show.
    pub(crate) fn secrets(&self) -> Vec<String> {
        self.tokens().keys().cloned().collect()
    }

    fn tokens(&self) -> MutexGuard<'_, BTreeMap<String, AccessToken>> {
        self.0.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for TokenRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenRegistry").field("provider", &self.0.provider).finish_non_exhaustive()
    }
}

fn scope_of(provider: OAuthProvider, service: Service) -> Option<&'static str> {
    match (provider, service) {
        (OAuthProvider::Google, Service::Imap | Service::Smtp) => Some("https://mail.google.com/"),
        (OAuthProvider::Google, Service::Graph) => None,
        (OAuthProvider::Microsoft, Service::Imap) => Some("https://outlook.office.com/IMAP.AccessAsUser.All"),
        (OAuthProvider::Microsoft, Service::Smtp) => Some("https://outlook.office.com/SMTP.Send"),
        (OAuthProvider::Microsoft, Service::Graph) => Some("https://graph.microsoft.com/Mail.Send"),
    }
}

/// Something nobody guesses.
pub(crate) fn random(prefix: &str) -> io::Result<String> {
    let mut octets = [0; 32];
    getrandom::fill(&mut octets).map_err(io::Error::other)?;
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(octets)))
}

/// Who is let into which mailbox with a token.
#[derive(Clone, Default)]
pub(crate) struct Doors {
    pub(crate) tokens: Option<TokenRegistry>,
    full_access: BTreeSet<(String, String)>,
    principal_names_only: bool,
}

/// What a token and the name of a mailbox lead to.
pub(crate) enum Admission {
    /// That mailbox, by its address.
    Mailbox(String),
    /// A sign-in without a mailbox behind it: the person may not open it.
    NotConnected,
    Refused,
}

impl Doors {
    /// Lets a person's token open another mailbox too.
    pub(crate) fn full_access(&mut self, person: &str, mailbox: &str) {
        self.full_access.insert((person.to_ascii_lowercase(), mailbox.to_ascii_lowercase()));
    }

    /// Knows people by their principal names, and by no address that differs.
    pub(crate) fn principal_names_only(&mut self) {
        self.principal_names_only = true;
    }

    /// What `user=` and a token lead to.
    pub(crate) fn admit(&self, service: Service, user: &str, token: &str) -> Admission {
        let Some(tokens) = &self.tokens else { return Admission::Refused };
        let Ok(token) = tokens.open(token, service) else { return Admission::Refused };
        let (user, person) = (user.to_ascii_lowercase(), token.address.to_ascii_lowercase());
        let principal = token.principal_name.as_ref().map(|name| name.to_ascii_lowercase());
        let by_address = !self.principal_names_only || principal.is_none();
        if (by_address && user == person) || principal.as_ref() == Some(&user) {
            return Admission::Mailbox(token.address);
        }
        if self.full_access.contains(&(person, user.clone())) {
            return Admission::Mailbox(user);
        }
        match tokens.0.provider {
            OAuthProvider::Google => Admission::Refused,
            OAuthProvider::Microsoft => Admission::NotConnected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::SystemClock;

    #[test]
    fn a_token_opens_what_it_stands_for_while_it_lives() {
        let clock = SystemClock::new();
        let tokens = TokenRegistry::new(OAuthProvider::Microsoft, Arc::new(clock));
        let scopes = BTreeSet::from(["https://outlook.office.com/SMTP.Send".to_owned()]);
        let anna = AccessToken {
            address: "anna@hale.example".to_owned(),
            principal_name: Some("anna.h@hale.onmicrosoft.example".to_owned()),
            scopes,
            expires: clock.now().plus(600),
            grant: 1,
        };
        let token = tokens.issue(anna).unwrap();
        assert_eq!(tokens.open(&token, Service::Imap).err(), Some(Closed::OutOfScope));
        let mut doors = Doors { tokens: Some(tokens.clone()), ..Doors::default() };
        doors.full_access("anna@hale.example", "office@hale.example");
        let opens = |user: &str| match doors.admit(Service::Smtp, user, &token) {
            Admission::Mailbox(mailbox) => mailbox,
            Admission::NotConnected => "not connected".to_owned(),
            Admission::Refused => "refused".to_owned(),
        };
        assert_eq!(opens("Anna@hale.example"), "anna@hale.example");
        assert_eq!(opens("anna.h@hale.onmicrosoft.example"), "anna@hale.example");
        assert_eq!(opens("office@hale.example"), "office@hale.example");
        assert_eq!(opens("paul@hale.example"), "not connected");
        tokens.expire_all();
        assert_eq!(opens("anna@hale.example"), "refused");
        assert_eq!(tokens.open(&token, Service::Smtp).err(), Some(Closed::Dead));
    }
}
