//! What consent is asked for.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::settings::OAuthProvider;

/// What a token is for. A Microsoft token is for one audience; Google's one scope opens everything
/// (learn.microsoft.com, "Scopes and permissions"; developers.google.com/workspace/gmail/imap/xoauth2-protocol).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Resource {
    /// Reading by IMAP.
    Imap,
    /// Sending by SMTP.
    Smtp,
    /// Sending by Microsoft Graph.
    GraphSend,
}

impl Resource {
    /// Whether one access token can open both.
    pub const fn shares_audience_with(self, other: Self) -> bool {
        matches!(self, Self::GraphSend) == matches!(other, Self::GraphSend)
    }

    /// The scope that opens it; `None` for what the provider does not have.
    pub const fn scope(self, provider: OAuthProvider) -> Option<&'static str> {
        match (provider, self) {
            (OAuthProvider::Google, Self::Imap | Self::Smtp) => Some("https://mail.google.com/"),
            (OAuthProvider::Google, Self::GraphSend) => None,
            (OAuthProvider::Microsoft, Self::Imap) => {
                Some("https://outlook.office.com/IMAP.AccessAsUser.All")
            }
            (OAuthProvider::Microsoft, Self::Smtp) => Some("https://outlook.office.com/SMTP.Send"),
            (OAuthProvider::Microsoft, Self::GraphSend) => Some("https://graph.microsoft.com/Mail.Send"),
        }
    }
}

/// The scopes of a request for these resources: their own, who it is, and, at Microsoft, a refresh token.
pub fn scopes(provider: OAuthProvider, resources: &[Resource]) -> Vec<&'static str> {
    let mut scopes = vec!["openid", "email"];
    if provider == OAuthProvider::Microsoft {
        // Google gives a refresh token for a parameter instead. `profile` brings preferred_username.
        scopes.extend(["profile", "offline_access"]);
    }
    for scope in resources.iter().filter_map(|resource| resource.scope(provider)) {
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    scopes
}

/// Which of the resources were not granted. A server that does not say which scopes it granted granted what was asked for
/// (RFC 6749 §5.1); a user may have unticked some.
pub fn not_granted(
    provider: OAuthProvider,
    resources: &[Resource],
    told: Option<&BTreeSet<String>>,
) -> Vec<Resource> {
    let Some(told) = told else { return Vec::new() };
    // Microsoft may answer its Graph's scopes without the resource in front.
    let short = |scope: &str| match provider {
        OAuthProvider::Microsoft => scope.rsplit('/').next().unwrap_or_default().to_owned(),
        OAuthProvider::Google => String::new(),
    };
    let has = |scope: &str| {
        let short = short(scope);
        told.iter().any(|granted| granted.eq_ignore_ascii_case(scope) || granted.eq_ignore_ascii_case(&short))
    };
    let missing = |resource: &&Resource| resource.scope(provider).is_none_or(|scope| !has(scope));
    resources.iter().filter(missing).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consent_to_sending_is_asked_for_without_consent_to_reading() {
        let asked = scopes(OAuthProvider::Microsoft, &[Resource::Smtp]).join(" ");
        assert!(asked.contains("SMTP.Send") && asked.contains("offline_access") && !asked.contains("IMAP"));
        let asked = scopes(OAuthProvider::Google, &[Resource::Imap, Resource::Smtp]);
        assert_eq!(asked, ["openid", "email", "https://mail.google.com/"]);
    }

    #[test]
    fn a_box_that_was_unticked_is_noticed() {
        let told = |scopes: &str| scopes.split(' ').map(str::to_owned).collect::<BTreeSet<_>>();
        let both = [Resource::Imap, Resource::Smtp];
        let check = |text: &str| not_granted(OAuthProvider::Microsoft, &both, Some(&told(text)));
        let imap = "https://outlook.office.com/imap.accessasuser.all";
        assert_eq!(check(imap), [Resource::Smtp]);
        assert_eq!(check(&format!("{imap} https://outlook.office.com/SMTP.Send")), []);
        assert_eq!(not_granted(OAuthProvider::Google, &both, Some(&told("openid"))), both);
        assert_eq!(not_granted(OAuthProvider::Google, &both, None), []);
    }
}
