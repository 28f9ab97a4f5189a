//! Where the host keeps everything: one SQLite file, or a PostgreSQL database.

use std::path::Path;
use std::sync::Arc;

use practicemail::contract::{Clock, PracticeDirectory, Retention};
use practicemail::error::{Error, ErrorKind, Result};
use practicemail::practice_mail::Storage;
use practicemail::storage::postgres::{Postgres, PostgresDirectory, PostgresStore};
use practicemail::storage::sqlite::{PracticeData, SqliteDirectory, SqliteStore};
use practicemail::types::{ClientId, PracticeId};

/// The host's own tables, and the crate's store beside them.
pub(crate) enum Tables {
    /// In a file.
    File(Arc<SqliteDirectory>, Arc<SqliteStore>),
    /// On a server.
    Server(Arc<PostgresDirectory>, Arc<PostgresStore>),
}

/// Whether this names a server rather than a file.
pub(crate) fn is_server(store: &str) -> bool {
    store.starts_with("postgres://") || store.starts_with("postgresql://")
}

/// Says which command migrates.
fn with_init(error: Error) -> Error {
    match error.kind() {
        kind @ ErrorKind::StorageVersion => Error::new(kind, format!("{error}; `init` does so")),
        _ => error,
    }
}

impl Tables {
    /// Opens a file, and makes it where there is none.
    pub(crate) async fn in_file(path: &Path, clock: Arc<dyn Clock>) -> Result<Self> {
        let directory = Arc::new(SqliteDirectory::open(path).await?);
        Ok(Self::File(directory, Arc::new(SqliteStore::open(path, clock).await?)))
    }

    /// Opens a database; `makes` brings its tables up to date first. Without a clock it tells the time itself.
    pub(crate) async fn on_server(url: &str, clock: Option<Arc<dyn Clock>>, makes: bool) -> Result<Self> {
        let mut database = Postgres::connect(url).await?;
        if let Some(clock) = clock {
            database = database.clock(clock);
        }
        if makes {
            database.migrate().await?;
            database.migrate_directory().await?;
        }
        let directory = Arc::new(database.open_directory().await.map_err(with_init)?);
        Ok(Self::Server(directory, Arc::new(database.open().await.map_err(with_init)?)))
    }

    /// The host's tables, as the crate reads them.
    pub(crate) fn directory(&self) -> Arc<dyn PracticeDirectory> {
        match self {
            Self::File(directory, _) => directory.clone(),
            Self::Server(directory, _) => directory.clone(),
        }
    }

    /// The crate's store.
    pub(crate) fn storage(&self) -> Storage {
        match self {
            Self::File(_, store) => Storage::of(store.clone()),
            Self::Server(_, store) => Storage::of(store.clone()),
        }
    }

    /// Makes the host's tables say this.
    pub(crate) async fn replace_practice(&self, data: &PracticeData) -> Result<()> {
        match self {
            Self::File(directory, _) => directory.replace_practice(data).await,
            Self::Server(directory, _) => directory.replace_practice(data).await,
        }
    }

    /// The practices in them.
    pub(crate) async fn practices(&self) -> Result<Vec<PracticeId>> {
        match self {
            Self::File(directory, _) => directory.practices().await,
            Self::Server(directory, _) => directory.practices().await,
        }
    }

    /// The clients of a practice, with their names.
    pub(crate) async fn clients(&self, practice: &PracticeId) -> Result<Vec<(ClientId, String)>> {
        match self {
            Self::File(directory, _) => directory.clients(practice).await,
            Self::Server(directory, _) => directory.clients(practice).await,
        }
    }

    /// Says what must not be erased of a client's mail.
    pub(crate) async fn set_retention(
        &self,
        practice: &PracticeId,
        client: &ClientId,
        retention: Retention,
    ) -> Result<()> {
        match self {
            Self::File(directory, _) => directory.set_retention(practice, client, retention).await,
            Self::Server(directory, _) => directory.set_retention(practice, client, retention).await,
        }
    }

    /// Closes them, so that a file is the one that people copy.
    pub(crate) async fn close(&self) -> Result<()> {
        match self {
            Self::File(directory, store) => {
                directory.close().await?;
                store.close().await
            }
            Self::Server(_, store) => {
                store.close().await;
                Ok(())
            }
        }
    }
}
