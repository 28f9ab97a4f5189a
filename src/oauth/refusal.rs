//! What an authorization server's refusal means.

use crate::error::{Error, ErrorKind};
use crate::settings::{OAuthProvider, Signature, Stage};

/// Where a refusal was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalStage {
    /// In what the browser came back with.
    Redirect,
    /// In the answer to a code or a refresh token.
    Token,
}

/// An authorization server's refusal: the kind it comes to, and the code it gave.
///
/// The server's own words are not kept: they may hold addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// What it comes to.
    pub kind: ErrorKind,
    /// The code: of RFC 6749, or `AADSTS` and a number.
    pub code: String,
    /// What has to be asked for the next time, as Microsoft's Conditional Access says it.
    pub claims: Option<String>,
}

impl Refusal {
    /// Reads a refusal: the provider's own codes first, the codes of RFC 6749 for what is not known.
    ///
    /// ```
    /// use practicemail::error::ErrorKind;
    /// use practicemail::oauth::{Refusal, RefusalStage};
    /// use practicemail::settings::OAuthProvider;
    ///
    /// let refusal = Refusal::of(
    ///     OAuthProvider::Microsoft,
    ///     RefusalStage::Redirect,
    ///     "access_denied",
    ///     "AADSTS90094: An administrator has set a policy",
    /// );
    /// assert_eq!((refusal.kind, refusal.code.as_str()), (ErrorKind::AdministratorApproval, "AADSTS90094"));
    /// ```
    pub fn of(provider: OAuthProvider, stage: RefusalStage, error: &str, description: &str) -> Self {
        let kind = signature(provider, stage, error, description).unwrap_or_else(|| by_error(stage, error));
        let aadsts =
            description.split(|c: char| !c.is_ascii_alphanumeric()).find(|w| w.starts_with("AADSTS"));
        let code: String = aadsts.unwrap_or(error).chars().filter(char::is_ascii_graphic).take(40).collect();
        Self { kind, code, claims: None }
    }

    /// Adds what has to be asked for the next time.
    pub(super) fn with_claims(mut self, claims: Option<String>) -> Self {
        self.claims = claims.filter(|claims| claims.len() < 4096);
        self
    }

    /// The refusal as an error.
    pub fn error(&self) -> Error {
        Error::new(self.kind, format!("the authorization server refused: {}", self.code))
    }
}

/// RFC 6749 §4.1.2.1 and §5.2, `OpenID` Connect Core §3.1.2.6.
fn by_error(stage: RefusalStage, error: &str) -> ErrorKind {
    match error {
        "access_denied" if stage == RefusalStage::Redirect => ErrorKind::ConsentDenied,
        "access_denied" => ErrorKind::BlockedByPolicy,
        "invalid_grant"
        | "interaction_required"
        | "login_required"
        | "consent_required"
        | "account_selection_required" => ErrorKind::AuthorizationRequired,
        "temporarily_unavailable" | "server_error" | "slow_down" => ErrorKind::ServerUnavailable,
        _ => ErrorKind::ApplicationMisconfigured,
    }
}

fn signature(
    provider: OAuthProvider,
    stage: RefusalStage,
    error: &str,
    description: &str,
) -> Option<ErrorKind> {
    let stage = match stage {
        RefusalStage::Redirect => Stage::OAuthRedirect,
        RefusalStage::Token => Stage::Token,
    };
    Some(Signature::find(stage, Some(provider.as_str()), error, description)?.kind())
}
