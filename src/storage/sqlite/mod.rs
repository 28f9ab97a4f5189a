//! A mail store, blob store and credential store in one SQLite file, and a directory in SQLite tables.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use std::sync::Arc;
//! use practicemail::contract::{MailStore, SystemClock};
//! use practicemail::storage::sqlite::SqliteStore;
//! use practicemail::types::PracticeId;
//!
//! let dir = tempfile::tempdir()?;
//! let store = SqliteStore::open(dir.path().join("mail.db"), Arc::new(SystemClock::new())).await?;
//! assert!(store.accounts(&PracticeId::new("hale-und-partner")?).await?.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod accounts;
mod archive;
mod archive_store;
mod blobs;
mod changes;
mod comparison;
mod conversations;
mod copies;
mod coverage;
mod credentials;
mod cursors;
mod database;
mod directory;
mod erased_clients;
mod erased_intents;
mod erasing;
mod erasure;
#[cfg(test)]
mod explain;
mod failure;
mod filter;
mod hiding;
mod incarnation;
mod leases;
mod lock;
mod messages;
mod migrate;
mod octets;
mod orphans;
mod outbox;
mod outbox_lock;
mod outgoing;
mod outgoing_copies;
mod outgoing_list;
mod page;
mod postings;
mod practice_data;
mod practice_settings;
mod retention;
mod rows_of_before;
mod search;
mod store;
mod switches;
mod tombstones;
mod unlisted;
mod values;
mod window;

pub use self::directory::SqliteDirectory;
pub use self::practice_data::{ClientData, PracticeData};

use std::path::Path;
use std::sync::Arc;

use self::blobs::Abandoned;
use self::database::{Database, Session};
use self::failure::failure;
use self::incarnation::Incarnation;
use self::lock::LeaseLock;
use self::migrate::{Component, Migration, migrate};
use self::outbox_lock::OutboxLock;
use crate::contract::Clock;
use crate::error::Result;
use crate::types::Timestamp;

/// The second version's `min_reader` is its own: a store of before would take a sent message's copy for another message, and
/// stop at the first change of an intent in the feed. So is the third's: a store of before would connect accounts by a way that
/// is switched off, and archive copies without their keys. So is the fourth's: a store of before would archive messages into no
/// conversation, not to be searched for, and show what is hidden; and the fifth's: one of before would archive what was erased
/// anew, and send it again.
const STORE: Component = Component {
    name: "store",
    migrations: &[
        Migration { sql: include_str!("schema.sql"), min_reader: 1 },
        Migration { sql: include_str!("outbox.sql"), min_reader: 2 },
        Migration { sql: include_str!("connecting.sql"), min_reader: 3 },
        Migration { sql: include_str!("archive.sql"), min_reader: 4 },
        Migration { sql: include_str!("erasing.sql"), min_reader: 5 },
    ],
};

/// Keeps everything durable in one SQLite file. Cloning it is cheap; clones share their connections.
///
/// Open one store for a file in a process and share it. Any number of processes may read and connect accounts at once;
/// leases are one process's at a time: another one's [`acquire_lease`](crate::contract::MailStore::acquire_lease) is refused with
/// [`Busy`](crate::error::ErrorKind::Busy) at once, and succeeds as soon as the first has given its leases back, let them
/// expire, or died. (The proof of life is a lock on `<file>-lock`, an empty file that stays.) For that purpose a second
/// store on the same file counts as another process, and a process that is stopped counts as alive.
///
/// Any number of processes may send at once; a claim ends with its process, of which `<file>-outbox-lock` is the proof. The file
/// `<file>-outbox` tells whether the database was restored from a backup: then, and in a copy that comes without it, what is
/// queued waits for a person. It is not part of a backup.
///
/// A write of another process is waited for up to ten seconds. What a process committed survives its death; after a loss
/// of power the last commits may be missing, together and whole, but never a message that was queued or claimed to be sent.
#[derive(Clone)]
pub struct SqliteStore {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    lock: LeaseLock,
    outbox_lock: OutboxLock,
    incarnation: Incarnation,
    clock: Arc<dyn Clock>,
    abandoned: Abandoned,
}

impl SqliteStore {
    /// Opens a file, and creates it, readable by its owner only, when there is none.
    ///
    /// # Errors
    /// [`StorageVersion`](crate::error::ErrorKind::StorageVersion) for a file that a newer version of this crate wrote and
    /// that this one cannot read; [`StorageCorrupt`](crate::error::ErrorKind::StorageCorrupt) for one that is no SQLite
    /// database; storage kinds.
    pub async fn open(path: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Result<Self> {
        let path = path.as_ref();
        let beside = (LeaseLock::beside(path), OutboxLock::beside(path), Incarnation::beside(path));
        Self::around(Database::open(path).await?, beside, clock).await
    }

    /// Opens a store that ends with its last clone.
    ///
    /// # Errors
    /// Storage kinds.
    pub async fn open_in_memory(clock: Arc<dyn Clock>) -> Result<Self> {
        Self::around(Database::open_in_memory().await?, Default::default(), clock).await
    }

    /// Closes the file, so that nothing lies beside it but what belongs there: do so before it is copied, moved or replaced
    /// without SQLite's help. What is still written is waited for. Whoever uses the store afterwards opens it again.
    ///
    /// # Errors
    /// Storage kinds.
    pub async fn close(&self) -> Result<()> {
        self.inner.database.close().await
    }

    async fn around(
        database: Database,
        (lock, outbox_lock, incarnation): (LeaseLock, OutboxLock, Incarnation),
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let mut session = database.durable_writer().await?;
        let mut tx = session.begin().await?;
        migrate(&mut tx, &STORE).await?;
        rows_of_before::take_up(&mut tx).await?;
        if let Ok(_alone) = lock.enter() {
            blobs::sweep(&mut tx).await?;
        }
        incarnation.check(&mut tx, clock.now()).await?;
        tx.commit().await.map_err(failure)?;
        drop(session);
        let abandoned = Abandoned::default();
        Ok(Self { inner: Arc::new(Inner { database, lock, outbox_lock, incarnation, clock, abandoned }) })
    }

    fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    async fn writing(&self) -> Result<Session<'_>> {
        self.prune();
        self.inner.database.writer().await
    }

    /// For what survives a loss of power when it is answered.
    async fn durably_writing(&self) -> Result<Session<'_>> {
        self.prune();
        self.inner.database.durable_writer().await
    }

    async fn reading(&self) -> Result<Session<'_>> {
        self.prune();
        self.inner.database.reader().await
    }

    fn prune(&self) {
        let now = self.now();
        self.inner.lock.prune(now);
        self.inner.outbox_lock.prune(now);
    }
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SqliteStore(..)")
    }
}
