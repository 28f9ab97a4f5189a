//! Opening sessions.

use async_trait::async_trait;

use super::{MailTransport, MailboxReader, MessageFiler};
use crate::error::Result;
use crate::settings::{AccountSettings, Outgoing};
use crate::types::Secret;

/// What a session used of the network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionTraffic {
    /// Times it began to wait with nothing buffered after a write, plus one each for TCP and TLS.
    pub round_trips: u64,
    /// Octets received, above TLS.
    pub octets_in: u64,
    /// Octets sent, above TLS.
    pub octets_out: u64,
}

impl SessionTraffic {
    /// Puts the figures together.
    pub const fn new(round_trips: u64, octets_in: u64, octets_out: u64) -> Self {
        Self { round_trips, octets_in, octets_out }
    }
}

/// What is remembered of a server from one session to the next, so that fewer questions are asked. Opaque: it is stored
/// and given back; one that is out of date costs a round trip, nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignInHints(String);

impl SignInHints {
    /// Takes hints from storage.
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The hints, for storage.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A session just opened.
#[non_exhaustive]
pub struct Connection {
    /// The session.
    pub reader: Box<dyn MailboxReader>,
    /// What to remember for the next time.
    pub hints: SignInHints,
    /// Tells what the session has used of the network up to the moment of the call.
    pub traffic: Box<dyn Fn() -> SessionTraffic + Send + Sync>,
}

impl Connection {
    /// A session without traffic figures.
    pub fn new(reader: Box<dyn MailboxReader>) -> Self {
        Self { reader, hints: SignInHints::default(), traffic: Box::new(SessionTraffic::default) }
    }

    /// Adds what to remember.
    pub fn with_hints(mut self, hints: SignInHints) -> Self {
        self.hints = hints;
        self
    }

    /// Adds the figures.
    pub fn with_traffic(mut self, traffic: impl Fn() -> SessionTraffic + Send + Sync + 'static) -> Self {
        self.traffic = Box::new(traffic);
        self
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connection(..)")
    }
}

/// What signs in.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Credential {
    /// A password.
    Password(Secret),
    /// An OAuth access token (RFC 6750).
    Token(Secret),
}

impl Credential {
    /// What is told when a server has taken it.
    pub(crate) const fn accepted(&self) -> &'static str {
        match self {
            Self::Password(_) => "user name and password are accepted",
            Self::Token(_) => "the access token is accepted",
        }
    }
}

/// Opens sessions for accounts.
#[async_trait]
pub trait Connector: Send + Sync {
    /// Connects and signs in.
    ///
    /// # Errors
    /// Connection and sign-in kinds.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    async fn open_reader(
        &self,
        settings: &AccountSettings,
        credential: &Credential,
        hints: &SignInHints,
    ) -> Result<Connection>;

    /// A transport; it connects when it is first used.
    ///
    /// # Errors
    /// [`NoUsableSignIn`](crate::error::ErrorKind::NoUsableSignIn) where the credential is of no use for that way.
    async fn open_transport(
        &self,
        outgoing: &Outgoing,
        credential: &Credential,
    ) -> Result<Box<dyn MailTransport>>;

    /// Connects and signs in, to file what was sent.
    ///
    /// # Errors
    /// Connection and sign-in kinds.
    async fn open_filer(
        &self,
        settings: &AccountSettings,
        credential: &Credential,
    ) -> Result<Box<dyn MessageFiler>>;
}

#[async_trait]
impl<T: Connector + ?Sized> Connector for std::sync::Arc<T> {
    async fn open_reader(
        &self,
        settings: &AccountSettings,
        credential: &Credential,
        hints: &SignInHints,
    ) -> Result<Connection> {
        (**self).open_reader(settings, credential, hints).await
    }
    async fn open_transport(
        &self,
        outgoing: &Outgoing,
        credential: &Credential,
    ) -> Result<Box<dyn MailTransport>> {
        (**self).open_transport(outgoing, credential).await
    }
    async fn open_filer(
        &self,
        settings: &AccountSettings,
        credential: &Credential,
    ) -> Result<Box<dyn MessageFiler>> {
        (**self).open_filer(settings, credential).await
    }
}
