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

pub(in crate::storage) mod database;
mod incarnation;
pub(in crate::storage) mod migrate;

pub use super::sql::{ClientData, PracticeData, SqlDirectory, SqlStore};

use std::path::Path;
use std::sync::Arc;

use self::database::Database;
use self::incarnation::Incarnation;
use self::migrate::{Component, Migration, migrate};
use super::sql::failure::failure;
use super::sql::lease_lock::LeaseLock;
use super::sql::outbox_lock::OutboxLock;
use super::sql::search::fts5;
use super::sql::transaction::{EngineSession, Tx};
use super::sql::{Access, Engine, Presence, Session, blobs, rows_of_before};
use crate::contract::{Clock, SystemClock};
use crate::error::Result;

/// The second version's `min_reader` is its own: a store of before would take a sent message's copy for another message, and
/// stop at the first change of an intent in the feed. So is the third's: a store of before would connect accounts by a way that
/// is switched off, and archive copies without their keys. So is the fourth's: a store of before would archive messages into no
/// conversation, not to be searched for, and show what is hidden; the fifth's: one of before would archive what was erased
/// anew, and send it again; and the sixth's: one of before would connect an account anew and leave it stopped.
pub(in crate::storage) const STORE: Component = Component {
    name: "store",
    migrations: &[
        Migration { sql: include_str!("schema.sql"), min_reader: 1 },
        Migration { sql: include_str!("outbox.sql"), min_reader: 2 },
        Migration { sql: include_str!("connecting.sql"), min_reader: 3 },
        Migration { sql: include_str!("archive.sql"), min_reader: 4 },
        Migration { sql: include_str!("erasing.sql"), min_reader: 5 },
        Migration { sql: include_str!("scheduling.sql"), min_reader: 6 },
    ],
};

pub(in crate::storage) const DIRECTORY: Component = Component {
    name: "directory",
    migrations: &[
        Migration { sql: include_str!("directory.sql"), min_reader: 1 },
        // One of before would erase what is held.
        Migration { sql: include_str!("retention.sql"), min_reader: 2 },
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
pub type SqliteStore = SqlStore<Sqlite>;

/// SQLite, as the engine of a [`SqliteStore`].
pub struct Sqlite {
    database: Database,
    presence: Presence,
    incarnation: Incarnation,
    clock: Arc<dyn Clock>,
}

impl SqlStore<Sqlite> {
    /// Opens a file, and creates it, readable by its owner only, when there is none.
    ///
    /// # Errors
    /// [`StorageVersion`](crate::error::ErrorKind::StorageVersion) for a file that a newer version of this crate wrote and
    /// that this one cannot read; [`StorageCorrupt`](crate::error::ErrorKind::StorageCorrupt) for one that is no SQLite
    /// database; storage kinds.
    pub async fn open(path: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Result<Self> {
        let path = path.as_ref();
        let presence = Presence { leases: LeaseLock::beside(path), outbox: OutboxLock::beside(path) };
        let incarnation = Incarnation::beside(path);
        let database = Database::open(path).await?;
        Sqlite { database, presence, incarnation, clock }.opened().await
    }

    /// Opens a store that ends with its last clone.
    ///
    /// # Errors
    /// Storage kinds.
    pub async fn open_in_memory(clock: Arc<dyn Clock>) -> Result<Self> {
        let (presence, incarnation) = (Presence::default(), Incarnation::default());
        let database = Database::open_in_memory().await?;
        Sqlite { database, presence, incarnation, clock }.opened().await
    }

    /// Closes the file, so that nothing lies beside it but what belongs there: do so before it is copied, moved or replaced
    /// without SQLite's help. What is still written is waited for. Whoever uses the store afterwards opens it again.
    ///
    /// # Errors
    /// Storage kinds.
    pub async fn close(&self) -> Result<()> {
        self.engine().database.close().await
    }
}

/// A practice directory in the tables of an SQLite file; see [`SqlDirectory`].
pub type SqliteDirectory = SqlDirectory<Sqlite>;

impl SqlDirectory<Sqlite> {
    /// Opens the tables in a file, which may also be a [`SqliteStore`]'s, and creates what is missing.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::around(Database::open(path.as_ref()).await?).await
    }

    /// Opens a directory that ends with this value.
    ///
    /// # Errors
    /// Storage kinds.
    pub async fn open_in_memory() -> Result<Self> {
        Self::around(Database::open_in_memory().await?).await
    }

    /// Closes the file; as [`SqliteStore::close`].
    ///
    /// # Errors
    /// Storage kinds.
    pub async fn close(&self) -> Result<()> {
        self.engine().database.close().await
    }

    async fn around(database: Database) -> Result<Self> {
        let mut session = database.writer().await?;
        let mut tx = session.begin().await?;
        migrate(&mut tx, &DIRECTORY).await?;
        tx.commit().await.map_err(failure)?;
        drop(session);
        let (presence, incarnation) = (Presence::default(), Incarnation::default());
        Ok(Self::on(Sqlite { database, presence, incarnation, clock: Arc::new(SystemClock::new()) }))
    }
}

impl Sqlite {
    /// The store in a file whose tables are brought up to date.
    async fn opened(self) -> Result<SqlStore<Self>> {
        let mut session = self.database.durable_writer().await?;
        let mut tx = session.begin().await?;
        migrate(&mut tx, &STORE).await?;
        tx.commit().await.map_err(failure)?;
        drop(session);
        let mut session = self.session(Access::Whole).await?;
        let mut tx = session.begin().await?;
        rows_of_before::take_up(&mut tx).await?;
        if let Ok(_alone) = self.presence.leases.enter() {
            blobs::sweep(&mut tx).await?;
        }
        self.incarnation.check(&mut tx).await?;
        tx.commit().await?;
        drop(session);
        Ok(SqlStore::on(self))
    }
}

impl Engine for Sqlite {
    async fn session<'a>(&'a self, access: Access<'a>) -> Result<Session<'a>> {
        let now = self.clock.now();
        self.presence.leases.prune(now);
        self.presence.outbox.prune(now);
        let session = match access {
            Access::Reading => self.database.reader().await?,
            Access::Writing(_) => self.database.writer().await?,
            Access::Durably(_) | Access::Whole => self.database.durable_writer().await?,
        };
        Ok(Session { engine: EngineSession::Sqlite(session), clock: Some(self.clock.clone()) })
    }

    fn presence(&self) -> Option<&Presence> {
        Some(&self.presence)
    }

    async fn renew<'a>(&'a self, tx: &'a mut Tx<'_>) -> Result<()> {
        self.incarnation.renew(tx).await
    }

    async fn settle(&self) -> Result<()> {
        let mut session = self.session(Access::Whole).await?;
        let mut tx = session.begin().await?;
        self.incarnation.settle(&mut tx).await
    }

    async fn restored(&self) -> Result<()> {
        let mut session = self.session(Access::Whole).await?;
        let mut tx = session.begin().await?;
        self.incarnation.restored(&mut tx).await?;
        tx.commit().await
    }

    async fn purge(&self) -> Result<()> {
        let mut session = self.session(Access::Whole).await?;
        let mut tx = session.begin().await?;
        fts5::purge(&mut tx).await?;
        tx.commit().await?;
        drop(session);
        self.database.writer().await?.fold_log().await
    }
}

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sqlite(..)")
    }
}
