//! Whether a message comes from where it says (RFC 8601, RFC 7489).

use super::serial::by_name;

/// What the server that received a message found of its author's domain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Authenticity {
    /// Nothing that can be relied on.
    #[default]
    Unknown,
    /// The domain in From answers for it: DMARC passed, or an aligned DKIM signature or SPF result did.
    Pass,
    /// The domain in From does not answer for it.
    Fail,
}

impl Authenticity {
    const ALL: [Self; 3] = [Self::Unknown, Self::Pass, Self::Fail];

    /// `unknown`, `pass` or `fail`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Pass => "pass",
            Self::Fail => "fail",
        }
    }

    /// Reads what [`as_str`](Self::as_str) wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
}

by_name!(Authenticity);

/// One Authentication-Results field (RFC 8601 §2.2). Anybody can write one: it counts only when the server that received the message did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthenticationResults {
    /// Who says so, in lower case; empty where the field does not name anybody, as Exchange Online's.
    pub server: String,
    /// Whether it stands above every Received field: nothing that came with the message does.
    pub above_received: bool,
    /// What it says of the domain in From.
    pub says: Authenticity,
}

impl AuthenticationResults {
    /// What a server says.
    pub const fn new(server: String, above_received: bool, says: Authenticity) -> Self {
        Self { server, above_received, says }
    }
}
