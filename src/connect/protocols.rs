//! The crate's own adapters behind one connector: IMAP to read and to file, SMTP or Microsoft Graph to send.

use std::sync::Arc;

use async_trait::async_trait;

use crate::contract::{Connection, Connector, Credential, MailTransport, MessageFiler, SignInHints};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::GraphTransport;
use crate::imap::ImapConnector;
use crate::net::{CommandProbe, Dialer, HttpClient};
use crate::settings::{AccountSettings, Outgoing, ServerSettings};
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

    /// Connects to an IMAP server and encrypts; the certificate is verified, nothing is signed in.
    ///
    /// # Errors
    /// Connection kinds.
    pub async fn reach(&self, server: &ServerSettings) -> Result<()> {
        self.imap().reach(server).await
    }

    fn imap(&self) -> ImapConnector {
        ImapConnector::new(self.dialer.clone()).probe(self.probe.clone())
    }
}

#[async_trait]
impl Connector for Protocols {
    async fn open_reader(
        &self,
        settings: &AccountSettings,
        password: &Secret,
        hints: &SignInHints,
    ) -> Result<Connection> {
        self.imap().open_reader(settings, password, hints).await
    }

    async fn open_transport(
        &self,
        outgoing: &Outgoing,
        credential: &Credential,
    ) -> Result<Box<dyn MailTransport>> {
        match outgoing {
            Outgoing::Smtp { server, login } => {
                let (server, login) = (server.clone(), login.clone());
                let smtp = SmtpTransport::new(self.dialer.clone(), server, login, credential.clone());
                Ok(Box::new(smtp.probe(self.probe.clone())))
            }
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
        password: &Secret,
    ) -> Result<Box<dyn MessageFiler>> {
        self.imap().open_filer(settings, password).await
    }
}
