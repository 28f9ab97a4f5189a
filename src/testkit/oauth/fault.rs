//! What an authorization server may do wrong, each thing a value.

use std::time::Duration;

/// A place of an authorization server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OAuthPlace {
    /// Where a person consents.
    Authorize,
    /// Where codes and refresh tokens are redeemed.
    Token,
    /// Where tokens are revoked; Google has it.
    Revocation,
    /// Where it is asked whose a token is.
    UserInfo,
    /// Where the other places are told (`.well-known/openid-configuration`).
    Discovery,
    /// Where an administrator consents for everybody; Microsoft has it.
    AdminConsent,
}

/// What a server does with one request in place of what it should.
///
/// Arm it with [`AuthorizationServer::inject`](super::AuthorizationServer::inject).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OAuthFault {
    /// Does nothing and answers an error object (RFC 6749 §5.2).
    Refuse {
        /// The status.
        status: u16,
        /// The error.
        error: String,
        /// Words on it; a number behind `AADSTS` in front becomes `error_codes` too.
        description: String,
    },
    /// Does nothing and answers `interaction_required` with these claims, as Conditional Access does.
    InteractionRequired {
        /// What has to come back in the `claims` of an authorization request, as JSON.
        claims: String,
    },
    /// Does nothing and answers these octets.
    Answer(Vec<u8>),
    /// Does nothing and answers 500 with a page for people.
    HtmlError,
    /// Does nothing and answers 302 to there.
    Redirect(String),
    /// Does nothing and never answers.
    Silence,
    /// Does nothing and closes the connection.
    Close,
    /// Does what it should and closes the connection without an answer: a code is used up, a refresh token rotated.
    AnswerLost,
    /// Does what it should, and answers so late.
    Late(Duration),
    /// Does what it should, and answers half of its JSON.
    MalformedJson,
    /// Does what it should, and answers with so many octets more.
    HugeBody(usize),
    /// Does what it should, and says `expires_in` as text.
    ExpiresInAsText,
    /// Does what it should, and leaves a member of the answer out: `refresh_token`, `scope`, `id_token`.
    Without(&'static str),
}

impl OAuthFault {
    /// The grant has ended; at Microsoft the description begins with its code, as in `AADSTS700082: …`.
    pub fn invalid_grant(description: &str) -> Self {
        Self::refuse(400, "invalid_grant", description)
    }

    /// The application is not known by that secret.
    pub fn invalid_client(description: &str) -> Self {
        Self::refuse(401, "invalid_client", description)
    }

    /// Come back later.
    pub fn temporarily_unavailable() -> Self {
        Self::refuse(503, "temporarily_unavailable", "A transient error has occurred.")
    }

    /// Any other error.
    pub fn refuse(status: u16, error: &str, description: &str) -> Self {
        Self::Refuse { status, error: error.to_owned(), description: description.to_owned() }
    }
}
