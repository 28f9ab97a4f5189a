//! The steps on the way to a server, told one by one to whoever checks settings.

use std::sync::Arc;

/// A step on the way to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ReachStep {
    /// The name has an address.
    Name,
    /// Something answers on the port.
    Connect,
    /// The connection is encrypted; the certificate is good.
    Tls,
    /// What answers greets as a mail server.
    Greeting,
    /// The server says what it can do.
    Capabilities,
    /// User name and password, or token, are accepted.
    SignIn,
}

impl ReachStep {
    /// A stable name in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Greeting => "greeting",
            Self::Capabilities => "capabilities",
            Self::SignIn => "sign_in",
        }
    }
}

/// What happens to a step. One that was begun and never passed has failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReachEvent {
    /// It was begun.
    Begun(ReachStep),
    /// It was passed; what was found.
    Passed(ReachStep, String),
}

/// Is told of every step.
pub type ReachWitness = Arc<dyn Fn(ReachEvent) + Send + Sync>;
