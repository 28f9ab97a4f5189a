//! Sessions with either engine, and their transactions.

use std::sync::Arc;

use super::failure::failure;
use super::statement::query_scalar;
use crate::contract::Clock;
use crate::error::Result;
#[cfg(feature = "postgres")]
use crate::storage::postgres;
#[cfg(feature = "sqlite")]
use crate::storage::sqlite;
use crate::types::{PracticeId, Timestamp};

/// What a session is for.
#[derive(Debug, Clone, Copy)]
pub enum Access<'a> {
    /// Reading, as of one moment.
    Reading,
    /// Writing what is a practice's, in its turn: nobody else writes for that practice meanwhile.
    Writing(&'a PracticeId),
    /// The same, to survive a loss of power once it is answered.
    Durably(&'a PracticeId),
    /// Writing what is everybody's, durably.
    Whole,
}

/// A session, for one transaction at a time.
pub struct Session<'a> {
    pub(in crate::storage) engine: EngineSession<'a>,
    /// `None`: the database tells the time.
    pub(in crate::storage) clock: Option<Arc<dyn Clock>>,
}

impl std::fmt::Debug for Session<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session(..)")
    }
}

pub(in crate::storage) enum EngineSession<'a> {
    #[cfg(feature = "sqlite")]
    Sqlite(sqlite::database::Session<'a>),
    #[cfg(feature = "postgres")]
    Postgres(postgres::database::Session<'a>),
}

impl Session<'_> {
    /// Begins a transaction; dropped before its commit it is rolled back.
    pub(in crate::storage) async fn begin(&mut self) -> Result<Tx<'_>> {
        let engine = match &mut self.engine {
            #[cfg(feature = "sqlite")]
            EngineSession::Sqlite(session) => EngineTx::Sqlite(session.begin().await?),
            #[cfg(feature = "postgres")]
            EngineSession::Postgres(session) => EngineTx::Postgres(session.begin().await?),
        };
        Ok(Tx { engine, clock: self.clock.clone(), now: None })
    }
}

/// A transaction.
pub struct Tx<'a> {
    engine: EngineTx<'a>,
    clock: Option<Arc<dyn Clock>>,
    now: Option<Timestamp>,
}

impl std::fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tx(..)")
    }
}

enum EngineTx<'a> {
    #[cfg(feature = "sqlite")]
    Sqlite(sqlx::Transaction<'a, sqlx::Sqlite>),
    #[cfg(feature = "postgres")]
    Postgres(sqlx::Transaction<'a, sqlx::Postgres>),
}

/// The connection a transaction goes over.
pub(in crate::storage) enum Connection<'c> {
    #[cfg(feature = "sqlite")]
    Sqlite(&'c mut sqlx::SqliteConnection),
    #[cfg(feature = "postgres")]
    Postgres(&'c mut sqlx::PgConnection),
}

const SELECT_NOW: &str = "SELECT CAST(floor(extract(epoch FROM clock_timestamp())) AS BIGINT)";

#[cfg(feature = "postgres")]
impl<'a> Tx<'a> {
    /// By a clock, or the database's.
    pub(in crate::storage) const fn on_postgres(
        tx: sqlx::Transaction<'a, sqlx::Postgres>,
        clock: Option<Arc<dyn Clock>>,
    ) -> Self {
        Self { engine: EngineTx::Postgres(tx), clock, now: None }
    }
}

impl Tx<'_> {
    /// Whether every statement costs a journey.
    #[cfg(feature = "postgres")]
    pub(super) const fn is_on_a_server(&self) -> bool {
        matches!(self.engine, EngineTx::Postgres(_))
    }

    pub(super) fn connection(&mut self) -> Connection<'_> {
        match &mut self.engine {
            #[cfg(feature = "sqlite")]
            EngineTx::Sqlite(tx) => Connection::Sqlite(tx),
            #[cfg(feature = "postgres")]
            EngineTx::Postgres(tx) => Connection::Postgres(tx),
        }
    }

    /// The time by the store's clock, the same throughout a transaction.
    pub(in crate::storage) async fn now(&mut self) -> Result<Timestamp> {
        let now = match (self.now, &self.clock) {
            (Some(now), _) => now,
            (None, Some(clock)) => clock.now(),
            (None, None) => {
                Timestamp::from_unix(query_scalar(SELECT_NOW).fetch_one(self).await.map_err(failure)?)
            }
        };
        self.now = Some(now);
        Ok(now)
    }

    /// The time after something was waited for.
    pub(in crate::storage) async fn now_again(&mut self) -> Result<Timestamp> {
        self.now = None;
        self.now().await
    }

    pub(in crate::storage) async fn commit(self) -> Result<()> {
        match self.engine {
            #[cfg(feature = "sqlite")]
            EngineTx::Sqlite(tx) => tx.commit().await.map_err(failure),
            #[cfg(feature = "postgres")]
            EngineTx::Postgres(tx) => tx.commit().await.map_err(failure),
        }
    }
}
