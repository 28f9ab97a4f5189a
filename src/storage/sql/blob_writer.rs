//! Writing octets: see [`blobs`](super::blobs).

use async_trait::async_trait;

use super::SqlStore;
use super::blobs::{CHUNK, END_BODY, SELECT_BLOB, discard};
use super::engine::Engine;
use super::failure::failure;
use super::statement::{self, Sql};
use super::transaction::Tx;
use crate::contract::{BlobInfo, BlobWriter};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{Hasher, PracticeId};

/// What is held back before the first spill: most messages are smaller, and then cost one transaction.
const HELD: usize = 1024 * 1024;

const BEGIN_BODY: Sql = Sql::each(
    "INSERT INTO blob_staging DEFAULT VALUES RETURNING body",
    "INSERT INTO blob_staging (practice) VALUES (?1) RETURNING body",
);

/// Only into a body that is still there: another process may have swept it.
const INSERT_CHUNK: Sql = Sql::each(
    "
    INSERT INTO blob_chunk (body, ordinal, octets)
    SELECT ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM blob_staging WHERE body = ?2)",
    "
    INSERT INTO blob_chunk (practice, body, ordinal, octets)
    SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM blob_staging WHERE practice = ?1 AND body = ?2)",
);

const INSERT_BLOB: &str = "
    INSERT INTO blob (practice, sha256, size, body) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";

/// Writes one blob.
pub(super) struct Writer<E: Engine> {
    store: SqlStore<E>,
    practice: PracticeId,
    hasher: Hasher,
    size: u64,
    held: Vec<u8>,
    staged: Option<Staged>,
    /// Set while octets are on their way: a write that failed or was dropped left some of them out.
    broken: bool,
}

/// A body that grows.
#[derive(Clone, Copy)]
struct Staged {
    body: i64,
    chunks: i64,
}

#[async_trait]
impl<E: Engine> BlobWriter for Writer<E> {
    async fn write(&mut self, octets: &[u8]) -> Result<()> {
        self.refuse_if_broken()?;
        self.broken = true;
        for part in octets.chunks(CHUNK) {
            self.hasher.update(part);
            self.size += part.len() as u64;
            self.held.extend_from_slice(part);
            if self.held.len() > HELD || (self.staged.is_some() && self.held.len() >= CHUNK) {
                self.spill().await?;
            }
        }
        self.broken = false;
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<BlobInfo> {
        self.refuse_if_broken()?;
        let info = BlobInfo::new(std::mem::take(&mut self.hasher).finish(), self.size);
        let store = self.store.clone();
        let mut session = store.writing(&self.practice).await?;
        let mut tx = session.begin().await?;
        let known: Option<(i64, i64)> = statement::query_as(SELECT_BLOB)
            .bind(self.practice.as_str())
            .bind(info.sha256.as_bytes().as_slice())
            .fetch_optional(&mut tx)
            .await
            .map_err(failure)?;
        if known.is_some() {
            if let Some(staged) = self.staged {
                discard(&mut tx, self.practice.as_str(), staged.body).await?;
            }
        } else {
            let mut staged = match self.staged {
                Some(staged) => staged,
                None => begin_body(&mut tx, &self.practice).await?,
            };
            for chunk in self.held.chunks(CHUNK) {
                add_chunk(&mut tx, &self.practice, &mut staged, chunk.to_vec()).await?;
            }
            let ended = statement::query(END_BODY)
                .bind(self.practice.as_str())
                .bind(staged.body)
                .execute(&mut tx)
                .await
                .map_err(failure)?;
            if ended.rows_affected() == 0 {
                return Err(swept());
            }
            statement::query(INSERT_BLOB)
                .bind(self.practice.as_str())
                .bind(info.sha256.as_bytes().as_slice())
                .bind(info.size.cast_signed())
                .bind(staged.body)
                .execute(&mut tx)
                .await
                .map_err(failure)?;
        }
        tx.commit().await?;
        self.staged = None;
        Ok(info)
    }
}

impl<E: Engine> Writer<E> {
    pub(super) fn new(store: SqlStore<E>, practice: PracticeId) -> Self {
        let (hasher, held) = (Hasher::new(), Vec::new());
        Self { store, practice, hasher, size: 0, held, staged: None, broken: false }
    }

    /// Writes whole chunks of what is held, each in a transaction of its own.
    async fn spill(&mut self) -> Result<()> {
        while self.held.len() >= CHUNK {
            let rest = self.held.split_off(CHUNK);
            let chunk = std::mem::replace(&mut self.held, rest);
            let mut session = self.store.writing(&self.practice).await?;
            let mut tx = session.begin().await?;
            let mut staged = match self.staged {
                Some(staged) => staged,
                None => begin_body(&mut tx, &self.practice).await?,
            };
            // Known before the commit: whatever becomes of that, the body is swept with this writer.
            self.staged = Some(staged);
            add_chunk(&mut tx, &self.practice, &mut staged, chunk).await?;
            tx.commit().await?;
            self.staged = Some(staged);
        }
        Ok(())
    }

    fn refuse_if_broken(&self) -> Result<()> {
        if self.broken {
            return Err(Error::new(ErrorKind::Storage, "an earlier write of this blob did not end well"));
        }
        Ok(())
    }
}

impl<E: Engine> Drop for Writer<E> {
    fn drop(&mut self) {
        if let Some(staged) = self.staged {
            self.store.inner.abandoned.add((self.practice.clone(), staged.body));
        }
    }
}

async fn begin_body(tx: &mut Tx<'_>, practice: &PracticeId) -> Result<Staged> {
    let (body,): (i64,) =
        statement::query_as(BEGIN_BODY).bind(practice.as_str()).fetch_one(tx).await.map_err(failure)?;
    Ok(Staged { body, chunks: 0 })
}

async fn add_chunk(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    staged: &mut Staged,
    octets: Vec<u8>,
) -> Result<()> {
    let written = statement::query(INSERT_CHUNK)
        .bind(practice.as_str())
        .bind(staged.body)
        .bind(staged.chunks)
        .bind(octets)
        .execute(tx)
        .await
        .map_err(failure)?;
    if written.rows_affected() == 0 {
        return Err(swept());
    }
    staged.chunks += 1;
    Ok(())
}

fn swept() -> Error {
    Error::new(ErrorKind::Storage, "another process took the unfinished blob for one of a dead process")
}
