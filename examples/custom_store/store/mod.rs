//! A store of its own over redb, an embedded ordered key-value engine: [`MailStore`], [`BlobStore`](practicemail::contract::BlobStore) and
//! [`CredentialStore`](practicemail::contract::CredentialStore) in one file.
//!
//! Rows, and the steps they take, are the crate's (`practicemail::storage::rules`). What is here is where they lie (`records.rs`, `keys.rs`),
//! how they are found (`page.rs`, `schedule.rs`, `conversations.rs`), and what is written together: each method is one transaction
//! (`engine.rs`).

mod accounts;
mod blobs;
mod conversations;
mod credentials;
mod engine;
mod erasing;
mod feed;
mod file;
mod keys;
mod mail_store;
mod messages;
mod outbox;
mod page;
mod records;
mod schedule;
mod window;

use std::path::Path;
use std::sync::Arc;

use practicemail::contract::Clock;
use practicemail::error::Result;
use practicemail::types::PracticeId;

use engine::Engine;

/// Everything in one file, which one process at a time has open.
#[derive(Clone)]
pub(crate) struct FileStore {
    engine: Engine,
}

impl FileStore {
    /// Opens a file, or makes it.
    pub(crate) async fn open(file: &Path, clock: Arc<dyn Clock>) -> Result<Self> {
        Self::over(Engine::open(file.to_owned(), clock).await?).await
    }

    /// A store that nothing outlives, for tests.
    #[allow(dead_code, reason = "the example itself keeps a file")]
    pub(crate) async fn in_memory(clock: Arc<dyn Clock>) -> Result<Self> {
        let memory = redb::backends::InMemoryBackend::new();
        let database = redb::Builder::new().create_with_backend(memory).map_err(engine::failed)?;
        Self::over(Engine::new(database, None, clock)?).await
    }

    /// Says that the file was put back from a backup, before anything works on it: what is queued may have left since the backup was made, and waits
    /// for a person (O9). The file cannot tell by itself.
    #[allow(dead_code, reason = "the example puts no backup back")]
    pub(crate) async fn restored(&self) -> Result<()> {
        self.engine.write(&nowhere(), |tx| tx.hold_what_is_queued()).await
    }

    async fn over(engine: Engine) -> Result<Self> {
        engine.write(&nowhere(), blobs::sweep).await?;
        Ok(Self { engine })
    }
}

/// A transaction over all practices begins in none.
fn nowhere() -> PracticeId {
    PracticeId::from(0)
}
