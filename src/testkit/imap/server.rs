//! The server: built, started, filled, asked.

use std::{
    collections::BTreeMap,
    fmt, io,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;

use super::{
    injection::{Faults, Injection},
    personality::{Manners, Personality},
    session,
    store::Store,
    transcript::{Line, Record},
    user::{UserMail, UserRecord},
};
use crate::testkit::{
    certificates::{CertificateKind, Certificates},
    listener::{Listener, TlsMode},
    tokens::{Doors, TokenRegistry},
};

/// What all sessions of a server share.
pub(super) struct Shared {
    pub(super) personality: Manners,
    pub(super) tls: TlsMode,
    pub(super) passwords: bool,
    delimiter: char,
    pub(super) certificates: Certificates,
    pub(super) doors: Doors,
    users: Mutex<BTreeMap<String, Arc<UserRecord>>>,
    pub(super) faults: Faults,
    pub(super) record: Record,
    pub(super) disconnected: watch::Sender<()>,
}

impl Shared {
    /// The user of that login, made without secrets if there is none.
    pub(super) fn user(&self, login: &str) -> Arc<UserRecord> {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let user = users.entry(login.to_owned()).or_insert_with(|| {
            Arc::new(UserRecord::new(login, Store::new(&self.personality, self.delimiter)))
        });
        Arc::clone(user)
    }

    /// Somebody without a mailbox.
    pub(super) fn nobody(&self) -> Arc<UserRecord> {
        Arc::new(UserRecord::new("", Store::new(&self.personality, self.delimiter)))
    }

    pub(super) fn known_user(&self, login: &str) -> Option<Arc<UserRecord>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner).get(login).cloned()
    }

    pub(super) fn secrets(&self) -> Vec<String> {
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let secrets = users.values().flat_map(|user| {
            let secrets = user.secrets();
            [secrets.password.clone(), secrets.token.clone()]
        });
        let tokens = self.doors.tokens.as_ref().map(TokenRegistry::secrets);
        secrets.flatten().chain(tokens.unwrap_or_default()).collect()
    }
}

/// A hold on a server's mailboxes, for other servers of the kit; it does not keep the server running.
#[derive(Clone)]
pub(crate) struct Mailboxes(Arc<Shared>);

impl Mailboxes {
    pub(crate) fn user(&self, login: &str) -> UserMail {
        UserMail(self.0.user(login))
    }

    pub(crate) fn known_user(&self, login: &str) -> Option<UserMail> {
        self.0.known_user(login).map(UserMail)
    }
}

/// What a server is to be; made by [`ImapServer::builder`].
#[must_use]
pub struct ImapServerBuilder {
    personality: Personality,
    tls: TlsMode,
    certificate: CertificateKind,
    certificates: Option<Certificates>,
    passwords: bool,
    doors: Doors,
    delimiter: char,
    added: Vec<String>,
    removed: Vec<String>,
    users: Vec<(String, String)>,
}

impl fmt::Debug for ImapServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImapServerBuilder")
            .field("personality", &self.personality)
            .field("tls", &self.tls)
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

impl ImapServerBuilder {
    /// Which kind of server it is; [`Personality::Dovecot`] if not said.
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
        self.users.push((login.to_owned(), password.to_owned()));
        self
    }

    /// Takes tokens only: LOGINDISABLED, and no mechanism with a password.
    pub fn without_passwords(mut self) -> Self {
        self.passwords = false;
        self
    }

    /// Takes an authorization server's access tokens by XOAUTH2 too; whoever they stand for has a mailbox.
    pub fn tokens(mut self, tokens: &TokenRegistry) -> Self {
        self.doors.tokens = Some(tokens.clone());
        self
    }

    /// Knows people by their principal names, as some tenants do: an address that differs signs in nobody.
    pub fn principal_names_only(mut self) -> Self {
        self.doors.principal_names_only();
        self
    }

    /// Lets a person's token open another mailbox too, named as the user: a shared mailbox of Microsoft's.
    pub fn full_access(mut self, person: &str, mailbox: &str) -> Self {
        self.doors.full_access(person, mailbox);
        self
    }

    /// Offers a capability the personality does not; the server does what it can of it.
    pub fn with_capability(mut self, capability: &str) -> Self {
        self.added.push(capability.to_owned());
        self
    }

    /// Does not offer a capability of the personality, and refuses its commands.
    pub fn without_capability(mut self, capability: &str) -> Self {
        self.removed.push(capability.to_owned());
        self
    }

    /// What stands between the levels of mailbox names; `/` if not said.
    pub fn delimiter(mut self, delimiter: char) -> Self {
        self.delimiter = delimiter;
        self
    }

    /// Listens on a free port of `127.0.0.1`.
    ///
    /// # Errors
    /// When there is no port or no randomness for the keys.
    pub async fn start(self) -> io::Result<ImapServer> {
        let mut personality = Manners::of(self.personality);
        self.added.iter().for_each(|capability| personality.add(capability));
        self.removed.iter().for_each(|capability| personality.remove(capability));
        let certificates = match self.certificates {
            Some(certificates) => certificates,
            None => Certificates::new(self.certificate)?,
        };
        let shared = Arc::new(Shared {
            tls: self.tls,
            passwords: self.passwords && personality.takes_passwords(),
            personality,
            delimiter: self.delimiter,
            certificates,
            doors: self.doors,
            users: Mutex::default(),
            faults: Faults::default(),
            record: Record::default(),
            disconnected: watch::Sender::new(()),
        });
        for (login, password) in self.users {
            UserMail(shared.user(&login)).set_password(&password);
        }
        let serving = Arc::clone(&shared);
        let listener = Listener::start(move |stream| session::serve(stream, Arc::clone(&serving))).await?;
        Ok(ImapServer { shared, listener })
    }
}

/// A running server. Dropping it closes its port and its connections.
///
/// The [module](super) shows it at work.
pub struct ImapServer {
    shared: Arc<Shared>,
    listener: Listener,
}

impl fmt::Debug for ImapServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImapServer").field("port", &self.port()).finish_non_exhaustive()
    }
}

impl ImapServer {
    /// A server of defaults: Dovecot, implicit TLS, a valid certificate, no users.
    pub fn builder() -> ImapServerBuilder {
        ImapServerBuilder {
            personality: Personality::default(),
            tls: TlsMode::default(),
            certificate: CertificateKind::default(),
            certificates: None,
            passwords: true,
            doors: Doors::default(),
            delimiter: '/',
            added: Vec::new(),
            removed: Vec::new(),
            users: Vec::new(),
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

    /// What a user keeps here. A login not heard of yet gets the personality's mailboxes, and can sign in once
    /// [`UserMail::set_password`] or [`UserMail::set_token`] was called.
    pub fn user(&self, login: &str) -> UserMail {
        UserMail(self.shared.user(login))
    }

    pub(crate) fn mailboxes(&self) -> Mailboxes {
        Mailboxes(Arc::clone(&self.shared))
    }

    /// Arms a fault, beside those armed before; of two that fit, the earlier one counts.
    pub fn inject(&self, fault: impl Into<Injection>) {
        self.shared.faults.add(fault.into());
    }

    /// Disarms every fault.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// Closes every connection there is; new ones are taken.
    pub fn disconnect_all(&self) {
        self.shared.disconnected.send_replace(());
    }

    /// Every line received, in order, without secrets and literals.
    pub fn transcript(&self) -> Vec<Line> {
        self.shared.record.lines()
    }

    /// Every fetch of a message's text, whole or in part: user, mailbox, UID.
    pub fn bodies_fetched(&self) -> Vec<(String, String, u32)> {
        self.shared.record.bodies()
    }

    /// How often a session changed a message's flags, be it by fetching it without PEEK.
    pub fn flags_changed(&self) -> usize {
        self.shared.record.flags_changed_count()
    }

    /// How many connections there have been.
    pub fn connections(&self) -> u32 {
        self.shared.record.opened_count()
    }

    /// How many connections there are.
    pub fn open_connections(&self) -> usize {
        self.shared.record.open_count()
    }

    /// Forgets transcript, bodies fetched and flags changed.
    pub fn forget_record(&self) {
        self.shared.record.forget();
    }
}
