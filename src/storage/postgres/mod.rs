//! A mail store, blob store and credential store in PostgreSQL, for hosts beyond one machine.
//!
//! ```no_run
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use practicemail::storage::postgres::Postgres;
//!
//! let database = Postgres::connect("postgres://books@db.example/books").await?;
//! database.migrate().await?; // makes the tables in the schema `practicemail`, or brings them up to date
//! let store = database.open().await?;
//! # drop(store);
//! # Ok::<(), practicemail::error::Error>(())
//! # }).unwrap();
//! ```

pub(in crate::storage) mod database;
mod incarnation;
mod migrate;

pub use super::sql::{ClientData, PracticeData, SqlDirectory, SqlStore};

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, PgPool};

use self::database::{Database, Schema};
use self::incarnation::Incarnation;
use self::migrate::Component;
use super::sql::failure::failure;
use super::sql::transaction::{EngineSession, Tx};
use super::sql::{Access, Engine, Presence, Session, blobs};
use crate::contract::Clock;
use crate::error::{Error, ErrorKind, Result};

/// The schema that holds the tables, unless another is named.
const SCHEMA: &str = "practicemail";
/// Connections of a pool of the store's own: each is lent for one transaction only.
const CONNECTIONS: u32 = 10;
/// How long a connection is waited for.
const WAIT: Duration = Duration::from_secs(10);

/// Keeps everything durable in a schema of a PostgreSQL database. Cloning it is cheap; clones share their connections.
///
/// Any number of processes on any number of machines may use it at once: leases and claims end by the database's clock, writes of one
/// practice take turns, and a process that was stopped beyond its lease is refused. Nothing is left to a session, so that it works behind
/// `PgBouncer` in transaction mode, whose `ignore_startup_parameters` needs no entry for it.
///
/// Octets of messages are kept in the database too; [`Storage::with_blobs`](crate::practice_mail::Storage::with_blobs) keeps them elsewhere. What is
/// deleted is gone from the disk when the server vacuums its table.
///
/// What is queued in a database that was restored from a backup waits for a person, as soon as the store notices: when it is opened and
/// before a message may leave. The server tells a restored dump, a recovery to a point in time, and a standby that was promoted; for a
/// disk's snapshot that was put back call [`restored`](SqlStore::restored).
pub type PostgresStore = SqlStore<Postgres>;

/// A practice directory in the tables of a schema; see [`SqlDirectory`].
pub type PostgresDirectory = SqlDirectory<Postgres>;

/// A place for a [`PostgresStore`]: a database and a schema in it; and PostgreSQL as the engine of such a store.
pub struct Postgres {
    database: Database,
    clock: Option<Arc<dyn Clock>>,
    /// Known once it is open.
    incarnation: Option<Incarnation>,
}

impl Postgres {
    /// Connects to a database by its URL (postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING). TLS is used where the
    /// server offers it, and insisted on, with the server's certificate verified, by `?sslmode=verify-full`.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) for what is no such URL; storage kinds.
    pub async fn connect(url: &str) -> Result<Self> {
        // What the parser complains about is left out: it may quote the password.
        let options: PgConnectOptions = url
            .parse()
            .map_err(|_| Error::new(ErrorKind::Invalid, "this is no URL of a PostgreSQL database"))?;
        // No statement is logged: its parameters are people's. Poolers refuse parameters they do not know.
        let options = options.disable_statement_logging().extra_float_digits(None);
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(WAIT);
        Self::from_pool(pool.connect_with(options).await.map_err(failure)?)
    }

    /// Uses the host's own pool. An escape hatch: its type is that of `sqlx` 0.9, and changes with it.
    ///
    /// # Errors
    /// None so far.
    pub fn from_pool(pool: PgPool) -> Result<Self> {
        let database = Database::new(pool, Schema::new(SCHEMA)?);
        Ok(Self { database, clock: None, incarnation: None })
    }

    /// Names the schema; `practicemail` unless it is called.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) for a name that is not of lower-case letters, digits and underscores.
    pub fn schema(mut self, name: &str) -> Result<Self> {
        self.database = self.database.in_schema(Schema::new(name)?);
        Ok(self)
    }

    /// Tells the time by another clock than the database's: for tests. Processes that share a store have to share its clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Makes the schema and its tables, or brings them up to date: while stores of an older version go on working, unless the change log
    /// says otherwise. Done by one at a time; where nothing is to be done it does nothing.
    ///
    /// # Errors
    /// [`StorageVersion`](ErrorKind::StorageVersion) for tables of a newer version that this one cannot work with; storage kinds.
    pub async fn migrate(&self) -> Result<()> {
        self.migrate_component(&migrate::STORE).await
    }

    /// The same for the tables of a [`PostgresDirectory`], for hosts that have none of their own.
    ///
    /// # Errors
    /// As [`migrate`](Self::migrate).
    pub async fn migrate_directory(&self) -> Result<()> {
        self.migrate_component(&migrate::DIRECTORY).await
    }

    /// Opens the store.
    ///
    /// # Errors
    /// [`StorageVersion`](ErrorKind::StorageVersion) for tables that are missing or too old, which [`migrate`](Self::migrate) mends, and for
    /// ones that are too new; storage kinds.
    pub async fn open(&self) -> Result<PostgresStore> {
        self.check(&migrate::STORE).await?;
        let mut session = self.database.session(Access::Reading, (None, None)).await?;
        let incarnation = Incarnation::probe(&mut *session.begin().await?).await?;
        drop(session);
        let mut session = self.session(Access::Whole).await?;
        let mut tx = session.begin().await?;
        incarnation.check(&mut tx).await?;
        tx.commit().await?;
        let mut tx = session.begin().await?;
        let left_behind = blobs::staged(&mut tx).await?;
        drop(tx);
        drop(session);
        for (practice, body) in left_behind {
            let mut session = self.session(Access::Writing(&practice)).await?;
            let mut tx = session.begin().await?;
            blobs::discard(&mut tx, practice.as_str(), body).await?;
            tx.commit().await?;
        }
        Ok(SqlStore::on(Self { incarnation: Some(incarnation), ..self.again() }))
    }

    /// Opens the directory.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_directory(&self) -> Result<PostgresDirectory> {
        self.check(&migrate::DIRECTORY).await?;
        Ok(SqlDirectory::on(self.again()))
    }

    fn again(&self) -> Self {
        Self { database: self.database.clone(), clock: self.clock.clone(), incarnation: None }
    }

    async fn migrate_component(&self, component: &Component) -> Result<()> {
        let mut connection = self.database.connection().await?;
        migrate::migrate(&mut connection, self.database.schema(), component).await
    }

    async fn check(&self, component: &Component) -> Result<()> {
        let mut session = self.database.session(Access::Reading, (None, None)).await?;
        component.check(&mut *session.begin().await?).await
    }
}

impl SqlStore<Postgres> {
    /// Closes the store's connections, and those of the host's pool where it uses that one.
    pub async fn close(&self) {
        self.engine().database.close().await;
    }
}

impl Engine for Postgres {
    async fn session<'a>(&'a self, access: Access<'a>) -> Result<Session<'a>> {
        let session = self.database.session(access, (self.incarnation.as_ref(), self.clock.clone())).await?;
        Ok(Session { engine: EngineSession::Postgres(session), clock: self.clock.clone() })
    }

    /// Only time tells: others may be on other machines.
    fn presence(&self) -> Option<&Presence> {
        None
    }

    /// The server tells by itself.
    async fn renew<'a>(&'a self, _: &'a mut Tx<'_>) -> Result<()> {
        Ok(())
    }

    async fn settle(&self) -> Result<()> {
        Ok(())
    }

    async fn restored(&self) -> Result<()> {
        let Some(incarnation) = &self.incarnation else { return Ok(()) };
        let mut session = self.session(Access::Whole).await?;
        let mut tx = session.begin().await?;
        incarnation.restored(&mut tx).await?;
        tx.commit().await
    }

    /// The server vacuums by itself.
    async fn purge(&self) -> Result<()> {
        Ok(())
    }
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Postgres(..)")
    }
}
