//! Connections and how transactions begin on them. Nothing is left to a session: behind a pooler in transaction mode the next
//! transaction may have another one.

use sqlx::pool::PoolConnection;
use sqlx::{Acquire as _, AssertSqlSafe, Connection as _, PgPool, Postgres, Transaction};

use std::sync::Arc;

use super::incarnation::Incarnation;
use crate::contract::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::sql::Access;
use crate::storage::sql::failure::failure;
use crate::storage::sql::transaction::Tx;

/// How long a practice's turn is waited for. Every write here is short: longer than this is a fault.
const TURN_SECONDS: u32 = 10;
/// How long a transaction may stand still before the server ends it: a process that is stopped inside one would keep its practice's
/// turn from all others.
const IDLE_SECONDS: u32 = 30;
/// Longest name of a schema: PostgreSQL cuts longer ones.
const MAX_SCHEMA: usize = 63;

/// Waits for the turn of a practice, and takes it until the transaction's end.
const TAKE_TURN: &str = "
    INSERT INTO turn (practice) VALUES ($1) ON CONFLICT (practice) DO UPDATE SET practice = excluded.practice";

/// A pool of connections to a database, and the schema in it.
#[derive(Clone)]
pub(in crate::storage) struct Database {
    pool: PgPool,
    schema: Schema,
}

/// The name of a schema: lower-case letters, digits and underscores, so that it needs no quotes anywhere.
#[derive(Clone)]
pub(in crate::storage) struct Schema(String);

impl Schema {
    pub(in crate::storage) fn new(name: &str) -> Result<Self> {
        let is_plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !is_plain || name.len() > MAX_SCHEMA || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
            let message =
                "a schema's name is of lower-case letters, digits and underscores, and begins with a letter";
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        Ok(Self(name.to_owned()))
    }

    pub(in crate::storage) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Database {
    pub(in crate::storage) fn new(pool: PgPool, schema: Schema) -> Self {
        Self { pool, schema }
    }

    pub(in crate::storage) fn in_schema(self, schema: Schema) -> Self {
        Self { schema, ..self }
    }

    /// A connection for what is no transaction of a store.
    pub(in crate::storage) async fn connection(&self) -> Result<PoolConnection<Postgres>> {
        self.pool.acquire().await.map_err(failure)
    }

    pub(in crate::storage) const fn schema(&self) -> &Schema {
        &self.schema
    }

    /// A session for what `access` says; the outbox's are held against what tells a restored database.
    pub(in crate::storage) async fn session<'a>(
        &'a self,
        access: Access<'a>,
        (incarnation, clock): (Option<&'a Incarnation>, Option<Arc<dyn Clock>>),
    ) -> Result<Session<'a>> {
        let connection = self.pool.acquire().await.map_err(failure)?;
        Ok(Session { connection, database: self, access, incarnation, clock, begins: false })
    }

    pub(in crate::storage) async fn close(&self) {
        self.pool.close().await;
    }
}

/// A connection, for one transaction at a time.
pub(in crate::storage) struct Session<'a> {
    connection: PoolConnection<Postgres>,
    database: &'a Database,
    access: Access<'a>,
    incarnation: Option<&'a Incarnation>,
    clock: Option<Arc<dyn Clock>>,
    /// Set while a transaction begins: the driver does not know of one whose beginning was dropped.
    begins: bool,
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        if self.begins {
            self.connection.close_on_drop();
        }
    }
}

impl Session<'_> {
    /// Begins a transaction. One that reads sees one moment; one that writes sees all that was written before its turn.
    pub(in crate::storage) async fn begin(&mut self) -> Result<Transaction<'_, Postgres>> {
        if let (Access::Durably(_), Some(incarnation)) = (self.access, self.incarnation) {
            let clock = self.clock.clone();
            let mut tx = Tx::on_postgres(self.begin_for(Access::Whole).await?, clock);
            if incarnation.check(&mut tx).await? {
                tracing::warn!("the database was restored: what is queued waits for a person");
            }
            tx.commit().await?;
        }
        self.begin_for(self.access).await
    }

    async fn begin_for(&mut self, access: Access<'_>) -> Result<Transaction<'_, Postgres>> {
        let schema = self.database.schema.as_str();
        let how = match access {
            Access::Reading => "ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Access::Writing(_) | Access::Durably(_) | Access::Whole => {
                "ISOLATION LEVEL READ COMMITTED READ WRITE"
            }
        };
        let begin = format!(
            "BEGIN {how}; SET LOCAL search_path TO {schema}; SET LOCAL lock_timeout = '{TURN_SECONDS}s'; \
             SET LOCAL idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'"
        );
        let connection = self.connection.acquire().await.map_err(failure)?;
        self.begins = true;
        let begun = connection.begin_with(AssertSqlSafe(begin)).await;
        self.begins = false;
        let mut tx = begun.map_err(failure)?;
        if let Access::Writing(practice) | Access::Durably(practice) = access {
            let take = sqlx::query(TAKE_TURN).persistent(false).bind(practice.as_str());
            take.execute(&mut *tx).await.map_err(failure)?;
        }
        Ok(tx)
    }
}
