//! The crate's own adapters behind one connector: IMAP to read and to file, SMTP or Microsoft Graph to send.

use std::sync::Arc;

use async_trait::async_trait;

use crate::contract::{Connection, Connector, Credential, MailTransport, MessageFiler, SignInHints};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::GraphTransport;
use crate::imap::ImapConnector;
use crate::net::{CommandProbe, Dialer, HttpClient, ReachWitness};
use crate::settings::{AccountSettings, Login, Outgoing, ServerSettings};
use crate::smtp::SmtpTransport;
use crate::types::Secret;

/// Speaks to mail servers by the protocols this crate knows.
///
/// ```
/// use practicemail::{connect::Protocols, net::{Dialer, EgressPolicy}};
/// let connector = Protocols::new(Dialer::new().egress(EgressPolicy::Public));
/// # let _ = connector;
/// ```
#[derive(Clone)]
pub struct Protocols {
    dialer: Dialer,
    probe: CommandProbe,
}

impl std::fmt::Debug for Protocols {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Protocols").field("dialer", &self.dialer).finish_non_exhaustive()
    }
}

impl Protocols {
    /// Connects as the dialer does.
    pub fn new(dialer: Dialer) -> Self {
        Self { dialer, probe: Arc::new(|_| {}) }
    }

    /// Tells `probe` of every command.
    pub fn probe(mut self, probe: CommandProbe) -> Self {
        self.probe = probe;
        self
    }

    /// Connects to an account's servers and encrypts; the certificates are verified, nothing is signed in.
    ///
    /// # Errors
    /// Connection kinds.
    pub async fn reach(&self, settings: &AccountSettings) -> Result<()> {
        self.imap().reach(&settings.incoming).await?;
        match &settings.outgoing {
            Some(Outgoing::Smtp { server, login }) => self.smtp(server, login, &nothing()).greet().await,
            Some(Outgoing::Graph { server }) => {
                HttpClient::new(self.dialer.clone()).connect(server).await.map(drop)
            }
            None => Ok(()),
        }
    }

    /// Tells `witness` of every step on the way to a server.
    pub(crate) fn witnessed_by(&self, witness: ReachWitness) -> Self {
        Self { dialer: self.dialer.clone().witnessed_by(witness), probe: self.probe.clone() }
    }

    /// Connects and signs in to where messages are handed over; hands over nothing. Microsoft Graph has no sign-in of its own:
    /// that the token is taken shows with the first message.
    ///
    /// # Errors
    /// Connection and sign-in kinds.
    pub async fn reach_outgoing(&self, outgoing: &Outgoing, credential: &Credential) -> Result<()> {
        match outgoing {
            Outgoing::Smtp { server, login } => {
                let smtp = self.smtp(server, login, credential);
                smtp.reach().await?;
                smtp.close().await;
                Ok(())
            }
            Outgoing::Graph { server } => {
                HttpClient::new(self.dialer.clone()).connect(server).await.map(drop)
            }
        }
    }

    /// What it connects with.
    pub(crate) const fn dialer(&self) -> &Dialer {
        &self.dialer
    }

    fn smtp(&self, server: &ServerSettings, login: &Login, credential: &Credential) -> SmtpTransport {
        let (server, login) = (server.clone(), login.clone());
        let smtp = SmtpTransport::new(self.dialer.clone(), server, login, credential.clone());
        smtp.probe(self.probe.clone())
    }

    fn imap(&self) -> ImapConnector {
        ImapConnector::new(self.dialer.clone()).probe(self.probe.clone())
    }
}

/// Where nothing signs in.
fn nothing() -> Credential {
    Credential::Password(Secret::new(""))
}

#[async_trait]
impl Connector for Protocols {
    async fn open_reader(
        &self,
        settings: &AccountSettings,
        credential: &Credential,
        hints: &SignInHints,
    ) -> Result<Connection> {
        self.imap().open_reader(settings, credential, hints).await
    }

    async fn open_transport(
        &self,
        outgoing: &Outgoing,
        credential: &Credential,
    ) -> Result<Box<dyn MailTransport>> {
        match outgoing {
            Outgoing::Smtp { server, login } => Ok(Box::new(self.smtp(server, login, credential))),
            Outgoing::Graph { server } => {
                let Credential::Token(token) = credential else {
                    let message = "Microsoft Graph takes an access token, not a password";
                    return Err(Error::new(ErrorKind::NoUsableSignIn, message));
                };
                let http = HttpClient::new(self.dialer.clone());
                let graph = GraphTransport::new(http, server.clone(), token.clone());
                Ok(Box::new(graph.probe(self.probe.clone())))
            }
        }
    }

    async fn open_filer(
        &self,
        settings: &AccountSettings,
        credential: &Credential,
    ) -> Result<Box<dyn MessageFiler>> {
        self.imap().open_filer(settings, credential).await
    }
}
