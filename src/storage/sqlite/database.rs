//! The connections: one that writes, two that read.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{ConnectOptions, Connection, Sqlite, SqliteConnection, Transaction};
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard, Semaphore, SemaphorePermit};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::sql::failure::failure;

/// How long another process's write is waited for. Every write here is short: longer than this is a fault.
const BUSY: Duration = Duration::from_secs(10);
/// Two readers answer a screen while a third connection writes; each costs a thread and a cache.
const READERS: u32 = 2;
/// A page cache is at most 1 MiB a connection: the operating system caches the file anyway.
const CACHE: &str = "-1024";
/// The write-ahead log is cut back to this after a large transaction. What is deleted is overwritten: mail that was erased is not to be
/// found in free pages.
const LOG_OCTETS: &str = "16777216";
/// Pause before the journal mode is asked for again while another process holds the file.
const PAUSE: Duration = Duration::from_millis(20);

/// A database file, or one in memory.
///
/// `synchronous` is NORMAL: in WAL mode a commit is then whole for every process at once and survives the death of this
/// process, which is what the contracts ask for. After a loss of power the last commits may be missing, always all from
/// some commit on and never a part of one, so that a row never outlives the octets or the cursor it was written with; the
/// next pass reads again what is missing. FULL would cost an `fsync` for every window; it is for what nobody reads again,
/// the outbox: see [`durable_writer`](Self::durable_writer).
pub(in crate::storage) struct Database {
    /// `None` in memory: then the writer is the only connection, for the database ends with it.
    path: Option<PathBuf>,
    /// `None` once it was closed; whoever writes next opens it again.
    writer: Mutex<Option<Writer>>,
    idle_readers: std::sync::Mutex<Vec<SqliteConnection>>,
    reading: Semaphore,
}

impl Database {
    /// Opens a file, and creates it, for its owner's eyes only, when there is none.
    pub(in crate::storage) async fn open(path: &Path) -> Result<Self> {
        create_private(path).map_err(|cause| {
            Error::new(ErrorKind::Storage, "the archive's file could not be created").with_source(cause)
        })?;
        Ok(Self::around(Some(path.to_owned()), connect_writer(Some(path)).await?))
    }

    /// Opens a database that ends with this value.
    pub(in crate::storage) async fn open_in_memory() -> Result<Self> {
        Ok(Self::around(None, connect_writer(None).await?))
    }

    fn around(path: Option<PathBuf>, connection: SqliteConnection) -> Self {
        Self {
            path,
            writer: Mutex::new(Some(Writer { connection, commits: None })),
            idle_readers: std::sync::Mutex::default(),
            reading: Semaphore::new(READERS as usize),
        }
    }

    /// The connection that writes, free of what a dropped future left on it.
    pub(in crate::storage) async fn writer(&self) -> Result<Session<'_>> {
        self.writer_that_commits(WHOLE).await
    }

    /// The same, for commits that survive a loss of power.
    pub(in crate::storage) async fn durable_writer(&self) -> Result<Session<'_>> {
        self.writer_that_commits(TO_DISK).await
    }

    async fn writer_that_commits(&self, how: &'static str) -> Result<Session<'_>> {
        let mut place = self.writer.lock().await;
        let sound = match place.as_mut() {
            Some(writer) => is_sound(&mut writer.connection).await,
            None => false,
        };
        if !sound {
            if self.path.is_none() {
                return Err(Error::new(ErrorKind::Storage, "the archive in memory broke"));
            }
            let connection = connect_writer(self.path.as_deref()).await?;
            *place = Some(Writer { connection, commits: None });
        }
        let closed = |_| Error::new(ErrorKind::Storage, "the archive is being closed");
        let mut writer = MutexGuard::try_map(place, Option::as_mut).map_err(closed)?;
        if writer.commits != Some(how) {
            // Not known while it is being changed: the future may be dropped.
            writer.commits = None;
            sqlx::raw_sql(how).execute(&mut writer.connection).await.map_err(failure)?;
            writer.commits = Some(how);
        }
        Ok(Session { connection: Holder::Writer(writer), begin: "BEGIN IMMEDIATE" })
    }

    /// Closes the connections one after another, those that read first: two that close at once may each leave the log's end
    /// to the other.
    pub(in crate::storage) async fn close(&self) -> Result<()> {
        if self.path.is_none() {
            return Ok(());
        }
        let mut writer = self.writer.lock().await;
        let _all = self.reading.acquire_many(READERS).await;
        let idle =
            std::mem::take(&mut *self.idle_readers.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        for reader in idle {
            reader.close().await.map_err(failure)?;
        }
        match writer.take() {
            Some(writer) => writer.connection.close().await.map_err(failure),
            None => Ok(()),
        }
    }

    /// A connection that reads.
    pub(in crate::storage) async fn reader(&self) -> Result<Session<'_>> {
        let Some(path) = &self.path else {
            return Ok(Session { begin: "BEGIN", ..self.writer().await? });
        };
        let permit = self.reading.acquire().await.map_err(|cause| {
            Error::new(ErrorKind::Storage, "the archive is being closed").with_source(cause)
        })?;
        let mut idle = self.idle_readers.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop();
        if let Some(connection) = &mut idle
            && !is_sound(connection).await
        {
            idle = None;
        }
        let connection = match idle {
            Some(connection) => connection,
            None => options(Some(path)).pragma("query_only", "on").connect().await.map_err(failure)?,
        };
        let lent = Lent { connection: Some(connection), home: &self.idle_readers, _permit: permit };
        Ok(Session { connection: Holder::Reader(lent), begin: "BEGIN" })
    }
}

const WHOLE: &str = "PRAGMA synchronous = NORMAL";
const TO_DISK: &str = "PRAGMA synchronous = FULL";

struct Writer {
    connection: SqliteConnection,
    /// How it commits, where that is known.
    commits: Option<&'static str>,
}

/// A connection for one transaction at a time.
pub(in crate::storage) struct Session<'a> {
    connection: Holder<'a>,
    begin: &'static str,
}

enum Holder<'a> {
    Writer(MappedMutexGuard<'a, Writer>),
    Reader(Lent<'a>),
}

impl Session<'_> {
    /// Moves what the log holds into the database, and empties it, as far as nobody reads it at this moment.
    pub(in crate::storage) async fn fold_log(&mut self) -> Result<()> {
        let Holder::Writer(writer) = &mut self.connection else { return Ok(()) };
        let fold = sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)");
        fold.execute(&mut writer.connection).await.map_err(failure).map(drop)
    }

    /// Begins a transaction; dropped before its commit it is rolled back.
    pub(in crate::storage) async fn begin(&mut self) -> Result<Transaction<'_, Sqlite>> {
        let connection = match &mut self.connection {
            Holder::Writer(writer) => &mut writer.connection,
            Holder::Reader(lent) => lent
                .connection
                .as_mut()
                .ok_or_else(|| Error::new(ErrorKind::Storage, "the connection was given back"))?,
        };
        connection.begin_with(self.begin).await.map_err(failure)
    }
}

/// A reading connection on loan; it goes back when dropped.
struct Lent<'a> {
    connection: Option<SqliteConnection>,
    home: &'a std::sync::Mutex<Vec<SqliteConnection>>,
    _permit: SemaphorePermit<'a>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut home = self.home.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        home.extend(self.connection.take());
    }
}

/// Whether a connection answers and has no transaction open. The rollback of a dropped one is in its queue: the answer
/// comes after it. A transaction that is open all the same is one that SQLite ended by itself (a full disk): the driver's
/// count is then wrong for good.
async fn is_sound(connection: &mut SqliteConnection) -> bool {
    connection.ping().await.is_ok() && !connection.is_in_transaction()
}

async fn connect_writer(path: Option<&Path>) -> Result<SqliteConnection> {
    let Some(path) = path else { return options(None).connect().await.map_err(failure) };
    let options = options(Some(path)).journal_mode(SqliteJournalMode::Wal);
    let tries = BUSY.as_millis() / PAUSE.as_millis();
    // Only the change to WAL itself, made once in a file's life, does not wait for others by itself.
    for _ in 0..tries {
        match options.connect().await.map_err(failure) {
            Err(error) if error.kind() == ErrorKind::Busy => tokio::time::sleep(PAUSE).await,
            done => return done,
        }
    }
    options.connect().await.map_err(failure)
}

fn options(path: Option<&Path>) -> SqliteConnectOptions {
    let options = match path {
        Some(path) => SqliteConnectOptions::new().filename(path),
        None => SqliteConnectOptions::new().in_memory(true),
    };
    options
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .pragma("cache_size", CACHE)
        .pragma("journal_size_limit", LOG_OCTETS)
        .pragma("secure_delete", "on")
        .disable_statement_logging()
}

/// Creates the file before SQLite does: the log and the index beside it take its mode over.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
