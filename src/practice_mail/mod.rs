//! Floor 8: the door. One method per thing a host does; no durable state of its own.

mod account;
mod admin_consent;
mod attachments;
mod authorize;
mod authorize_view;
mod check;
mod client_tab;
mod consent;
mod conversations;
mod disconnect;
mod discover;
mod erase;
mod erase_view;
mod export;
mod export_view;
mod feed;
mod forget;
mod gap;
mod mailboxes;
mod measure;
mod message;
mod message_view;
mod octets;
mod privacy;
mod quiet;
mod reconcile;
mod reconcile_view;
mod reseal;
mod send;
mod send_view;
mod settings;
mod sight;
mod status;
mod status_view;
mod sync;
mod tab;
mod tab_view;
mod view;
mod waiting;
mod watch;
mod watch_view;
mod why;
mod why_view;
mod work;

use std::sync::Arc;

pub use attachments::{AttachmentStream, RawMessage};
pub use authorize_view::{
    AdminConsent, Approval, Archived, AuthorizationOutcome, AuthorizationRequest, AuthorizationUrl,
    Disconnected, Purpose, Revocation, SendBy,
};
pub use erase_view::{ErasedReport, ForgetOptions, Forgotten, Scope};
pub use export_view::{ExportReport, ExportSink, Exported, ExportedMessage};
pub use message_view::{MessageVersion, OpenMessage, ShowOptions};
pub use reconcile_view::{Reconciled, ReconciledAccount, Repair, Replayed};
pub use reseal::Resealed;
pub use send_view::{Delivery, DeliveryRecipient, NoreplyRequest, Queued, RoutePreview};
pub use settings::Switch;
pub use status_view::{Health, StatusSummary, UserStatus};
pub use tab_view::{Conversations, Count, Direction, Tab, TabConversation, TabCopy, TabMessage, TabQuery};
pub use view::{
    AccountCursor, CheckReport, CheckStep, ConnectRequest, Connected, DirectoryCheck, SyncReport, Trial,
    Viewer,
};
pub use watch_view::{WatchSink, Watched};
pub use why_view::{Ask, NotArchived, Why, WhyArchived, WhyOnServer};
pub use work::{Work, WorkOptions};

use crate::connect::{Connections, OwnedTasks, Protocols};
use crate::contract::{
    BlobStore, Clock, Connector, CredentialStore, KeyProvider, MailStore, PracticeDirectory, SystemClock,
    User,
};
use crate::discover::Sources;
use crate::error::{Error, ErrorKind, Result};
use crate::net::{Dialer, EgressPolicy};
use crate::outbound::Turns;
use crate::outbound::worker::Worker;
use crate::settings::ApplicationRegistration;
use crate::types::{PracticeId, Secret, UserId};

/// Where everything durable goes.
#[derive(Clone)]
#[non_exhaustive]
pub struct Storage {
    /// Accounts, progress, archive, change feed.
    pub mail: Arc<dyn MailStore>,
    /// The octets of messages.
    pub blobs: Arc<dyn BlobStore>,
    /// Sealed passwords.
    pub credentials: Arc<dyn CredentialStore>,
}

impl Storage {
    /// One store that keeps it all.
    pub fn of<S: MailStore + BlobStore + CredentialStore + 'static>(store: Arc<S>) -> Self {
        Self { mail: store.clone(), blobs: store.clone(), credentials: store }
    }

    /// Keeps octets elsewhere.
    pub fn with_blobs(mut self, blobs: Arc<dyn BlobStore>) -> Self {
        self.blobs = blobs;
        self
    }

    /// Keeps sealed passwords elsewhere.
    pub fn with_credentials(mut self, credentials: Arc<dyn CredentialStore>) -> Self {
        self.credentials = credentials;
        self
    }

    /// Puts another mail store in the place of this one.
    pub fn with_mail(mut self, mail: Arc<dyn MailStore>) -> Self {
        self.mail = mail;
        self
    }
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Storage(..)")
    }
}

/// Messages whose addressing headers are asked for at once: one round trip for as many as a person gets in a month.
const WINDOW: usize = 500;
/// Accounts read side by side.
const SIDE_BY_SIDE: usize = 4;

/// The door: accounts in, Email tabs out. Cheap to clone; dropping it loses nothing.
///
/// See the [crate documentation](crate) for a host's whole code.
#[derive(Clone)]
pub struct PracticeMail {
    directory: Arc<dyn PracticeDirectory>,
    storage: Storage,
    connections: Connections,
    clock: Arc<dyn Clock>,
    protocols: Option<Protocols>,
    window: usize,
    turns: Arc<Turns>,
    deliveries: OwnedTasks,
    sources: Sources,
    /// Says who holds a lease or a claim: the process, for people, and a number that no other machine's has.
    name: Arc<str>,
}

impl std::fmt::Debug for PracticeMail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PracticeMail").field("window", &self.window).finish_non_exhaustive()
    }
}

impl PracticeMail {
    /// Puts the host's directory, storage and keys together. Connects by IMAP, to public addresses only.
    pub fn new(directory: Arc<dyn PracticeDirectory>, storage: Storage, keys: Arc<dyn KeyProvider>) -> Self {
        let protocols = Protocols::new(Dialer::new());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let connections = Connections::new(
            (Arc::new(protocols.clone()), Dialer::new()),
            storage.mail.clone(),
            (storage.credentials.clone(), keys),
            clock.clone(),
        );
        Self {
            directory,
            storage,
            connections,
            clock,
            protocols: Some(protocols),
            window: WINDOW,
            turns: Arc::default(),
            deliveries: OwnedTasks::default(),
            sources: Sources::default(),
            name: name(),
        }
    }

    /// Sets which addresses may be connected to; undoes [`with_connector`](Self::with_connector).
    pub fn with_egress(self, egress: EgressPolicy) -> Self {
        self.with_protocols(Protocols::new(Dialer::new().egress(egress)))
    }

    /// Connects with another dialer or probe.
    pub fn with_protocols(mut self, protocols: Protocols) -> Self {
        let connector = Arc::new(protocols.clone());
        self.connections = self.connections.with_connector(connector).with_dialer(protocols.dialer().clone());
        self.protocols = Some(protocols);
        self
    }

    /// Connects in the host's own way; certificates alone cannot be tried then.
    pub fn with_connector(mut self, connector: Arc<dyn Connector>) -> Self {
        self.connections = self.connections.with_connector(connector);
        self.protocols = None;
        self
    }

    /// Tells the time by the host's clock.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.connections = self.connections.with_clock(clock.clone());
        self.clock = clock;
        self
    }

    /// Adds the product's own registration with a provider, and its client secret where it has one: users of every practice
    /// sign in with it that has none of its own.
    ///
    /// ```
    /// # use practicemail::PracticeMail;
    /// use practicemail::settings::ApplicationRegistration;
    /// use practicemail::types::Secret;
    /// # fn register(mail: PracticeMail) -> practicemail::error::Result<PracticeMail> {
    /// let google = ApplicationRegistration::google("1234.apps.googleusercontent.com", "https://books.example/mail/callback")?;
    /// let mail = mail.with_registration(google, Some(Secret::new("from the environment")));
    /// # Ok(mail) }
    /// ```
    pub fn with_registration(
        mut self,
        registration: ApplicationRegistration,
        secret: Option<Secret>,
    ) -> Self {
        self.connections = self.connections.with_registration(registration, secret);
        self
    }

    /// Sets how many messages' addressing headers are asked for at once; at least one.
    pub fn with_window(mut self, window: usize) -> Self {
        self.window = window.max(1);
        self
    }

    fn worker(&self) -> Worker {
        Worker {
            store: self.storage.mail.clone(),
            blobs: self.storage.blobs.clone(),
            directory: self.directory.clone(),
            clock: self.clock.clone(),
            sessions: Arc::new(self.connections.clone()),
            turns: self.turns.clone(),
            holder: self.name.clone(),
            is_over: Arc::new(|| false),
        }
    }

    async fn user(&self, practice: &PracticeId, user: &UserId) -> Result<User> {
        let unknown = || Error::new(ErrorKind::NotFound, "the directory does not know this user");
        self.directory.users(practice).await?.into_iter().find(|u| u.id == *user).ok_or_else(unknown)
    }
}

/// Another one for every door: processes of different machines may have the same number.
fn name() -> Arc<str> {
    let mut octets = [0; 4];
    let _ = getrandom::fill(&mut octets);
    format!("pid {} {:08x}", std::process::id(), u32::from_be_bytes(octets)).into()
}
