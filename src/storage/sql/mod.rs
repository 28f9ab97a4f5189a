//! The store in SQL, whichever engine runs it: one file a noun.
//!
//! Every write belongs to one practice and is made in its turn, so that a transition reads and writes as if it were alone: SQLite has
//! one writer, PostgreSQL a row for each practice that its writers lock. What engines differ in is an [`Engine`], and the few
//! statements that have a text for each.

mod accounts;
mod archive;
mod archive_store;
mod backlog;
mod blob_writer;
pub(in crate::storage) mod blobs;
mod changes;
mod comparison;
mod conversations;
mod copies;
#[cfg(all(test, feature = "sqlite"))]
mod cost;
mod coverage;
mod credentials;
mod cursors;
mod directory;
mod due;
mod engine;
mod erased_clients;
mod erased_intents;
mod erasing;
mod erasure;
#[cfg(all(test, feature = "sqlite"))]
pub(in crate::storage) mod explain;
pub(in crate::storage) mod failure;
mod filter;
mod hiding;
pub(in crate::storage) mod lease_lock;
mod leases;
mod messages;
mod octets;
mod orphans;
mod outbox;
pub(in crate::storage) mod outbox_lock;
mod outgoing;
mod outgoing_copies;
mod outgoing_list;
mod page;
mod pauses;
mod postings;
mod practice_data;
mod practice_settings;
pub(in crate::storage) mod restored;
mod retention;
mod row;
#[cfg(feature = "sqlite")]
pub(in crate::storage) mod rows_of_before;
mod schedule;
pub(in crate::storage) mod search;
pub(in crate::storage) mod statement;
mod store;
mod switches;
mod tombstones;
pub(in crate::storage) mod transaction;
mod unlisted;
mod values;
mod window;

use std::sync::Arc;

pub use self::directory::SqlDirectory;
pub use self::practice_data::{ClientData, PracticeData};

pub(in crate::storage) use self::engine::{Engine, Presence};
pub(in crate::storage) use self::transaction::{Access, Session};

use self::blobs::Abandoned;
use crate::error::Result;
use crate::types::PracticeId;

/// A store in an SQL engine: `SqliteStore` and `PostgresStore`.
pub struct SqlStore<E: Engine> {
    inner: Arc<Inner<E>>,
}

struct Inner<E> {
    engine: E,
    abandoned: Abandoned,
}

impl<E: Engine> SqlStore<E> {
    pub(in crate::storage) fn on(engine: E) -> Self {
        Self { inner: Arc::new(Inner { engine, abandoned: Abandoned::default() }) }
    }

    pub(in crate::storage) fn engine(&self) -> &E {
        &self.inner.engine
    }

    async fn writing<'a>(&'a self, practice: &'a PracticeId) -> Result<Session<'a>> {
        self.engine().session(Access::Writing(practice)).await
    }

    /// For what survives a loss of power when it is answered.
    async fn durably_writing<'a>(&'a self, practice: &'a PracticeId) -> Result<Session<'a>> {
        self.engine().session(Access::Durably(practice)).await
    }

    async fn reading(&self) -> Result<Session<'_>> {
        self.engine().session(Access::Reading).await
    }
}

impl<E: Engine> Clone for SqlStore<E> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<E: Engine> std::fmt::Debug for SqlStore<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SqlStore(..)")
    }
}
