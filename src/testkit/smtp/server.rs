//! The server: built, started, asked.

use std::{collections::BTreeMap, collections::BTreeSet, fmt, io, sync::Arc, sync::Mutex};

use super::{
    filing::Targets,
    injection::{Faults, Injection},
    personality::{Manners, Personality},
    record::{Delivery, Record, SessionRecord},
    session,
};
use crate::contract::{Clock, SystemClock};
use crate::testkit::{
    certificates::{CertificateKind, Certificates},
    imap::{ImapServer, Line},
    listener::{Listener, TlsMode},
    tokens::{Doors, TokenRegistry},
};

/// What opens a user's account; never shown.
#[derive(Clone, Default)]
pub(super) struct Secrets {
    pub(super) password: Option<String>,
    pub(super) token: Option<String>,
}

/// What all sessions of a server share.
pub(super) struct Shared {
    pub(super) manners: Manners,
    pub(super) tls: TlsMode,
    pub(super) certificates: Certificates,
    pub(super) users: BTreeMap<String, Secrets>,
    pub(super) doors: Doors,
    pub(super) targets: Targets,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) faults: Faults,
    pub(super) record: Record,
    /// Addresses that were put off once.
    pub(super) greylisted: Mutex<BTreeSet<String>>,
}

/// What a server is to be; made by [`SmtpServer::builder`].
#[must_use]
pub struct SmtpServerBuilder {
    personality: Personality,
    tls: TlsMode,
    certificate: CertificateKind,
    certificates: Option<Certificates>,
    users: BTreeMap<String, Secrets>,
    doors: Doors,
    targets: Targets,
    size: Option<usize>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for SmtpServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpServerBuilder")
            .field("personality", &self.personality)
            .field("tls", &self.tls)
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

impl SmtpServerBuilder {
    /// Which kind of server it is; [`Personality::Plain`] if not said.
    pub fn personality(mut self, personality: Personality) -> Self {
        self.personality = personality;
        self
    }

    /// How it is encrypted; [`TlsMode::Implicit`] if not said.
    pub fn tls(mut self, tls: TlsMode) -> Self {
        self.tls = tls;
        self
    }

    /// What certificate it shows; [`CertificateKind::Valid`] if not said.
    pub fn certificate(mut self, certificate: CertificateKind) -> Self {
        self.certificate = certificate;
        self
    }

    /// Shows a certificate made before, so that several servers stand under one authority.
    pub fn certificates(mut self, certificates: &Certificates) -> Self {
        self.certificates = Some(certificates.clone());
        self
    }

    /// Adds a user who signs in with a password.
    pub fn user(mut self, login: &str, password: &str) -> Self {
        self.users.entry(login.to_owned()).or_default().password = Some(password.to_owned());
        self
    }

    /// Adds a user who signs in with an access token.
    pub fn token(mut self, login: &str, token: &str) -> Self {
        self.users.entry(login.to_owned()).or_default().token = Some(token.to_owned());
        self
    }

    /// Takes an authorization server's access tokens by XOAUTH2 too.
    pub fn tokens(mut self, tokens: &TokenRegistry) -> Self {
        self.doors.tokens = Some(tokens.clone());
        self
    }

    /// Knows people by their principal names, as some tenants do: an address that differs signs in nobody.
    pub fn principal_names_only(mut self) -> Self {
        self.doors.principal_names_only();
        self
    }

    /// Lets a person's token send as another mailbox too, named as the user.
    pub fn full_access(mut self, person: &str, mailbox: &str) -> Self {
        self.doors.full_access(person, mailbox);
        self
    }

    /// The largest message it takes, in octets.
    pub fn size(mut self, octets: usize) -> Self {
        self.size = Some(octets);
        self
    }

    /// Tells it the time, for trace fields and the dates of copies; the machine's if not said.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Files copies in the Sent mailboxes of that server, under the login that sent, where the personality files any.
    pub fn files_into(mut self, server: &ImapServer) -> Self {
        self.targets.files_into = Some(server.mailboxes());
        self
    }

    /// Delivers into the INBOX of every accepted recipient who is a login of that server, trace fields in front.
    pub fn delivers_into(mut self, server: &ImapServer) -> Self {
        self.targets.delivers_into = Some(server.mailboxes());
        self
    }

    /// Listens on a free port of `127.0.0.1`.
    ///
    /// # Errors
    /// When there is no port or no randomness for the keys.
    pub async fn start(self) -> io::Result<SmtpServer> {
        let mut manners = Manners::of(self.personality);
        manners.size = self.size.unwrap_or(manners.size);
        let certificates = match self.certificates {
            Some(certificates) => certificates,
            None => Certificates::new(self.certificate)?,
        };
        let shared = Arc::new(Shared {
            manners,
            tls: self.tls,
            certificates,
            users: self.users,
            doors: self.doors,
            targets: self.targets,
            clock: self.clock,
            faults: Faults::default(),
            record: Record::default(),
            greylisted: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        let listener = Listener::start(move |stream| session::serve(stream, Arc::clone(&serving))).await?;
        Ok(SmtpServer { shared, listener })
    }
}

/// A running server. Dropping it closes its port and its connections.
///
/// The [module](super) shows it at work.
pub struct SmtpServer {
    shared: Arc<Shared>,
    listener: Listener,
}

impl fmt::Debug for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpServer").field("port", &self.port()).finish_non_exhaustive()
    }
}

impl SmtpServer {
    /// A server of defaults: plain personality, implicit TLS, a valid certificate, no users.
    pub fn builder() -> SmtpServerBuilder {
        SmtpServerBuilder {
            personality: Personality::default(),
            tls: TlsMode::default(),
            certificate: CertificateKind::default(),
            certificates: None,
            users: BTreeMap::new(),
            doors: Doors::default(),
            targets: Targets::default(),
            size: None,
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// The port on `127.0.0.1`.
    pub fn port(&self) -> u16 {
        self.listener.port()
    }

    /// The authority to trust, in PEM.
    pub fn ca_pem(&self) -> &str {
        self.shared.certificates.ca_pem()
    }

    /// Arms a fault, beside those armed before; of two that fit, the earlier one counts.
    pub fn inject(&self, fault: impl Into<Injection>) {
        self.shared.faults.add(fault.into());
    }

    /// Disarms every fault.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// Every message the server took responsibility for, in order.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.shared.record.deliveries()
    }

    /// Every line received, in order, without secrets and data.
    pub fn transcript(&self) -> Vec<Line> {
        self.shared.record.lines()
    }

    /// The figures of every connection there has been, in order.
    pub fn sessions(&self) -> Vec<SessionRecord> {
        self.shared.record.sessions()
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.sessions().len()
    }

    /// How many connections there are.
    pub fn open_connections(&self) -> usize {
        self.shared.record.open_count()
    }

    /// Forgets transcript and deliveries.
    pub fn forget_record(&self) {
        self.shared.record.forget();
    }
}
