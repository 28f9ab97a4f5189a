//! Floor 8: the door. One method per thing a host does; no durable state of its own.

mod account;
mod deliveries;
mod export;
mod send;
mod send_view;
mod sync;
mod tab;
mod view;

use std::sync::Arc;

use deliveries::Deliveries;

pub use send_view::{Delivery, DeliveryRecipient, NoreplyRequest, Queued, RoutePreview};
pub use view::{
    AccountCursor, CheckReport, CheckStep, ConnectRequest, Connected, Count, Direction, DirectoryCheck,
    Exported, Health, SyncReport, Tab, TabCopy, TabMessage, Trial, UserStatus, Viewer,
};

use crate::connect::{Connections, Protocols};
use crate::contract::{
    BlobStore, Clock, Connector, CredentialStore, KeyProvider, MailStore, PracticeDirectory, SystemClock,
    User,
};
use crate::error::{Error, ErrorKind, Result};
use crate::net::{Dialer, EgressPolicy};
use crate::outbound::Turns;
use crate::outbound::worker::Worker;
use crate::types::{PracticeId, UserId};

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
    deliveries: Deliveries,
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
        let connections = Connections::new(Arc::new(protocols.clone()), storage.credentials.clone(), keys);
        Self {
            directory,
            storage,
            connections,
            clock: Arc::new(SystemClock::new()),
            protocols: Some(protocols),
            window: WINDOW,
            turns: Arc::default(),
            deliveries: Deliveries::default(),
        }
    }

    /// Sets which addresses may be connected to; undoes [`with_connector`](Self::with_connector).
    pub fn with_egress(self, egress: EgressPolicy) -> Self {
        self.with_protocols(Protocols::new(Dialer::new().egress(egress)))
    }

    /// Connects with another dialer or probe.
    pub fn with_protocols(mut self, protocols: Protocols) -> Self {
        self.connections = self.connections.with_connector(Arc::new(protocols.clone()));
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
        self.clock = clock;
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
            holder: format!("pid {}", std::process::id()).into(),
        }
    }

    async fn user(&self, practice: &PracticeId, user: &UserId) -> Result<User> {
        let unknown = || Error::new(ErrorKind::NotFound, "the directory does not know this user");
        self.directory.users(practice).await?.into_iter().find(|u| u.id == *user).ok_or_else(unknown)
    }
}
