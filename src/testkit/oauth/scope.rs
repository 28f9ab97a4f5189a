//! Scopes (RFC 6749 §3.3) as the two providers have them.

use crate::settings::OAuthProvider;

/// Where Microsoft's mail protocols are.
const OUTLOOK: &str = "https://outlook.office.com/";
/// Where Microsoft Graph is.
const GRAPH: &str = "https://graph.microsoft.com/";
/// What lets Microsoft hand out a refresh token.
pub(super) const OFFLINE: &str = "offline_access";
/// What every registration of a resource's permissions is called.
pub(super) const DEFAULT: &str = ".default";
/// What a person cannot consent to alone under Microsoft's own consent policy (learn.microsoft.com, "Manage app consent
/// policies"), where it has to do with mail.
const RESTRICTED: &[&str] = &[
    "https://outlook.office.com/IMAP.AccessAsUser.All",
    "https://outlook.office.com/POP.AccessAsUser.All",
    "https://outlook.office.com/EWS.AccessAsUser.All",
    "https://graph.microsoft.com/Mail.Read",
    "https://graph.microsoft.com/Mail.ReadBasic",
    "https://graph.microsoft.com/Mail.ReadWrite",
    "https://graph.microsoft.com/Mail.Read.Shared",
    "https://graph.microsoft.com/Mail.ReadWrite.Shared",
];

/// For what a scope is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    /// Who somebody is, and staying signed in (OIDC Core §5.4, §11).
    Identity,
    Google,
    Outlook,
    Graph,
}

/// A scope that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    /// As it was asked for.
    pub(super) asked: String,
    /// Its full name.
    pub(super) name: String,
    pub(super) resource: Resource,
}

impl Scope {
    /// A scope; `None` for one the provider does not have.
    pub(super) fn new(provider: OAuthProvider, asked: &str) -> Option<Self> {
        let (name, resource) = match provider {
            OAuthProvider::Google => google(asked)?,
            OAuthProvider::Microsoft => microsoft(asked)?,
        };
        Some(Self { asked: asked.to_owned(), name, resource })
    }

    /// All of a `scope` parameter; `None` where one is not known, or there is none.
    pub(super) fn list(provider: OAuthProvider, asked: &str) -> Option<Vec<Self>> {
        let scopes: Option<Vec<Self>> =
            asked.split_whitespace().map(|scope| Self::new(provider, scope)).collect();
        scopes.filter(|scopes| !scopes.is_empty())
    }

    /// What an answer's `scope` says of it.
    pub(super) fn told(&self, provider: OAuthProvider) -> Option<&str> {
        match provider {
            OAuthProvider::Google => Some(&self.name),
            OAuthProvider::Microsoft if self.asked == OFFLINE => None,
            OAuthProvider::Microsoft => Some(&self.asked),
        }
    }

    pub(super) fn is_identity(&self) -> bool {
        self.resource == Resource::Identity
    }
}

fn google(asked: &str) -> Option<(String, Resource)> {
    let own = |resource| Some((asked.to_owned(), resource));
    match asked {
        "openid" => own(Resource::Identity),
        "email" | "profile" => {
            Some((format!("https://www.googleapis.com/auth/userinfo.{asked}"), Resource::Identity))
        }
        "https://mail.google.com/" => own(Resource::Google),
        _ => match asked.strip_prefix("https://www.googleapis.com/auth/")? {
            "userinfo.email" | "userinfo.profile" => own(Resource::Identity),
            _ => own(Resource::Google),
        },
    }
}

fn microsoft(asked: &str) -> Option<(String, Resource)> {
    let own = |resource| Some((asked.to_owned(), resource));
    match asked {
        "openid" | "email" | "profile" | OFFLINE => own(Resource::Identity),
        _ if asked.starts_with(OUTLOOK) => own(Resource::Outlook),
        _ if asked.starts_with(GRAPH) => own(Resource::Graph),
        _ if !asked.contains('/') => Some((format!("{GRAPH}{asked}"), Resource::Graph)),
        _ => None,
    }
}

/// What is said of a scope the provider does not have.
pub(super) fn unknown(provider: OAuthProvider) -> &'static str {
    match provider {
        OAuthProvider::Google => "Some requested scopes were invalid.",
        OAuthProvider::Microsoft => "AADSTS70011: The provided scope is not valid.",
    }
}

/// Whether an administrator has to consent to it where the tenant leaves consent to Microsoft's policy.
pub(super) fn is_restricted(scope: &str) -> bool {
    RESTRICTED.iter().any(|restricted| restricted.eq_ignore_ascii_case(scope)) || scope.ends_with(DEFAULT)
}

/// Whether consent to `given` is consent to `scope`.
pub(super) fn covers(given: &str, scope: &str) -> bool {
    given.eq_ignore_ascii_case(scope)
        || given.strip_suffix(DEFAULT).is_some_and(|resource| scope.starts_with(resource))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_known_by_their_full_names() {
        let full = |provider, scope| Scope::new(provider, scope).map(|scope| scope.name);
        let (google, microsoft) = (OAuthProvider::Google, OAuthProvider::Microsoft);
        assert_eq!(full(google, "email").as_deref(), Some("https://www.googleapis.com/auth/userinfo.email"));
        assert_eq!(full(microsoft, "Mail.Send").as_deref(), Some("https://graph.microsoft.com/Mail.Send"));
        assert_eq!(full(google, "https://outlook.office.com/SMTP.Send"), None);
        assert_eq!(full(microsoft, "https://mail.google.com/"), None);
    }

    #[test]
    fn consent_to_everything_of_a_resource_is_consent_to_each() {
        let all = "https://outlook.office.com/.default";
        assert!(covers(all, "https://outlook.office.com/IMAP.AccessAsUser.All"));
        assert!(!covers(all, "https://graph.microsoft.com/Mail.Send"));
    }
}
