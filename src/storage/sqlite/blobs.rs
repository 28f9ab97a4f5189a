//! Octets of messages, in the same file.
//!
//! A blob's octets are a *body*: chunks under a number. A small one is written with its name in one transaction. A large
//! one is spilled chunk by chunk, each in a transaction of its own so that nobody waits long, into a body that has no
//! name and that no reader can see; `finish` names it. Bodies that never got a name are swept by the next writer, or, when
//! their process died, when the file is next opened and nobody holds a lease.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use sqlx::SqliteConnection;

use super::failure::{corrupt, failure};
use super::{SqliteStore, values};
use crate::contract::{BlobInfo, BlobStore, BlobWriter};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{Digest, Hasher, PracticeId};

/// A chunk: large enough that a message has few, small enough to be read for a range of some octets.
const CHUNK: usize = 256 * 1024;
/// What is held back before the first spill: most messages are smaller, and then cost one transaction.
const HELD: usize = 1024 * 1024;

const BEGIN_BODY: &str = "INSERT INTO blob_staging DEFAULT VALUES RETURNING body";

/// Only into a body that is still there: another process may have swept it.
const INSERT_CHUNK: &str = "
    INSERT INTO blob_chunk (body, ordinal, octets)
    SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM blob_staging WHERE body = ?1)";

const END_BODY: &str = "DELETE FROM blob_staging WHERE body = ?1";

const INSERT_BLOB: &str = "
    INSERT INTO blob (practice, sha256, size, body) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";

const SELECT_BLOB: &str = "SELECT size, body FROM blob WHERE practice = ?1 AND sha256 = ?2";

const SELECT_CHUNK: &str = "SELECT octets FROM blob_chunk WHERE body = ?1 AND ordinal = ?2";

const DELETE_BLOB: &str = "DELETE FROM blob WHERE practice = ?1 AND sha256 = ?2 RETURNING body";

const DELETE_CHUNKS: &str = "DELETE FROM blob_chunk WHERE body = ?1";

const LIST: &str = "
    SELECT sha256, size FROM blob WHERE practice = ?1 AND sha256 > ?2 ORDER BY sha256 LIMIT ?3";

const SELECT_STAGED: &str = "SELECT body FROM blob_staging";

/// Bodies of writers that were dropped: their `Drop` cannot wait for the database.
#[derive(Default)]
pub(super) struct Abandoned(Mutex<Vec<i64>>);

impl Abandoned {
    fn add(&self, body: i64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(body);
    }

    fn take(&self) -> Vec<i64> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Removes every body without a name; to be called by whoever knows that nobody else is writing one.
pub(super) async fn sweep(tx: &mut SqliteConnection) -> Result<()> {
    let bodies: Vec<(i64,)> = sqlx::query_as(SELECT_STAGED).fetch_all(&mut *tx).await.map_err(failure)?;
    for (body,) in bodies {
        discard(tx, body).await?;
    }
    Ok(())
}

/// Removes a body, unless it has got a name: a writer whose `finish` was dropped does not know how that ended.
async fn discard(tx: &mut SqliteConnection, body: i64) -> Result<()> {
    let ended = sqlx::query(END_BODY).bind(body).execute(&mut *tx).await.map_err(failure)?;
    if ended.rows_affected() > 0 {
        sqlx::query(DELETE_CHUNKS).bind(body).execute(tx).await.map_err(failure)?;
    }
    Ok(())
}

#[async_trait]
impl BlobStore for SqliteStore {
    async fn writer(&self, practice: &PracticeId) -> Result<Box<dyn BlobWriter>> {
        for body in self.inner.abandoned.take() {
            let unswept = Unswept { store: self, body: Some(body) };
            unswept.sweep().await?;
        }
        Ok(Box::new(Writer {
            store: self.clone(),
            practice: practice.clone(),
            hasher: Hasher::new(),
            size: 0,
            held: Vec::new(),
            staged: None,
            broken: false,
        }))
    }

    async fn read(
        &self,
        practice: &PracticeId,
        sha256: Digest,
        offset: u64,
        length: usize,
    ) -> Result<Option<Vec<u8>>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        let blob: Option<(i64, i64)> = sqlx::query_as(SELECT_BLOB)
            .bind(practice.as_str())
            .bind(sha256.as_bytes().as_slice())
            .fetch_optional(&mut *tx)
            .await
            .map_err(failure)?;
        let Some((size, body)) = blob else { return Ok(None) };
        let left = size.cast_unsigned().saturating_sub(offset);
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(length);
        if length == 0 {
            return Ok(Some(Vec::new()));
        }
        let offset = usize::try_from(offset).map_err(|_| corrupt("a blob's size"))?;
        let (first, last) = (offset / CHUNK, (offset + length - 1) / CHUNK);
        let mut octets = Vec::with_capacity(length);
        // One chunk at a time: the driver would hold a copy of all of them.
        for ordinal in first..=last {
            let number = i64::try_from(ordinal).map_err(|_| corrupt("a blob's size"))?;
            let (chunk,): (Vec<u8>,) = sqlx::query_as(SELECT_CHUNK)
                .bind(body)
                .bind(number)
                .fetch_optional(&mut *tx)
                .await
                .map_err(failure)?
                .ok_or_else(|| corrupt("a blob with a part missing"))?;
            let from = offset.saturating_sub(ordinal * CHUNK);
            let to = (offset + length - ordinal * CHUNK).min(chunk.len());
            octets
                .extend_from_slice(chunk.get(from..to).ok_or_else(|| corrupt("a blob with a part missing"))?);
        }
        if octets.len() != length {
            return Err(corrupt("a blob with a part missing"));
        }
        Ok(Some(octets))
    }

    async fn delete(&self, practice: &PracticeId, sha256: Digest) -> Result<()> {
        let mut session = self.writing().await?;
        let mut tx = session.begin().await?;
        let body: Option<(i64,)> = sqlx::query_as(DELETE_BLOB)
            .bind(practice.as_str())
            .bind(sha256.as_bytes().as_slice())
            .fetch_optional(&mut *tx)
            .await
            .map_err(failure)?;
        if let Some((body,)) = body {
            sqlx::query(DELETE_CHUNKS).bind(body).execute(&mut *tx).await.map_err(failure)?;
        }
        tx.commit().await.map_err(failure)
    }

    async fn list(
        &self,
        practice: &PracticeId,
        after: Option<Digest>,
        limit: usize,
    ) -> Result<Vec<BlobInfo>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        let rows: Vec<(Vec<u8>, i64)> = sqlx::query_as(LIST)
            .bind(practice.as_str())
            .bind(after.map_or_else(Vec::new, |digest| digest.as_bytes().to_vec()))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&mut *tx)
            .await
            .map_err(failure)?;
        let read = |(sha256, size): (Vec<u8>, i64)| {
            Ok(BlobInfo::new(values::digest(&sha256)?, size.cast_unsigned()))
        };
        rows.into_iter().map(read).collect()
    }
}

/// A body being swept; one whose sweeping was interrupted stays on the list.
struct Unswept<'a> {
    store: &'a SqliteStore,
    body: Option<i64>,
}

impl Unswept<'_> {
    async fn sweep(mut self) -> Result<()> {
        let Some(body) = self.body else { return Ok(()) };
        let mut session = self.store.writing().await?;
        let mut tx = session.begin().await?;
        discard(&mut tx, body).await?;
        tx.commit().await.map_err(failure)?;
        self.body = None;
        Ok(())
    }
}

impl Drop for Unswept<'_> {
    fn drop(&mut self) {
        if let Some(body) = self.body {
            self.store.inner.abandoned.add(body);
        }
    }
}

struct Writer {
    store: SqliteStore,
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
impl BlobWriter for Writer {
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
        let mut session = store.writing().await?;
        let mut tx = session.begin().await?;
        let known: Option<(i64, i64)> = sqlx::query_as(SELECT_BLOB)
            .bind(self.practice.as_str())
            .bind(info.sha256.as_bytes().as_slice())
            .fetch_optional(&mut *tx)
            .await
            .map_err(failure)?;
        if known.is_some() {
            if let Some(staged) = self.staged {
                discard(&mut tx, staged.body).await?;
            }
        } else {
            let mut staged = match self.staged {
                Some(staged) => staged,
                None => begin_body(&mut tx).await?,
            };
            for chunk in self.held.chunks(CHUNK) {
                add_chunk(&mut tx, &mut staged, chunk.to_vec()).await?;
            }
            let ended = sqlx::query(END_BODY).bind(staged.body).execute(&mut *tx).await.map_err(failure)?;
            if ended.rows_affected() == 0 {
                return Err(swept());
            }
            sqlx::query(INSERT_BLOB)
                .bind(self.practice.as_str())
                .bind(info.sha256.as_bytes().as_slice())
                .bind(info.size.cast_signed())
                .bind(staged.body)
                .execute(&mut *tx)
                .await
                .map_err(failure)?;
        }
        tx.commit().await.map_err(failure)?;
        self.staged = None;
        Ok(info)
    }
}

impl Writer {
    /// Writes whole chunks of what is held, each in a transaction of its own.
    async fn spill(&mut self) -> Result<()> {
        while self.held.len() >= CHUNK {
            let rest = self.held.split_off(CHUNK);
            let chunk = std::mem::replace(&mut self.held, rest);
            let mut session = self.store.writing().await?;
            let mut tx = session.begin().await?;
            let mut staged = match self.staged {
                Some(staged) => staged,
                None => begin_body(&mut tx).await?,
            };
            // Known before the commit: whatever becomes of that, the body is swept with this writer.
            self.staged = Some(staged);
            add_chunk(&mut tx, &mut staged, chunk).await?;
            tx.commit().await.map_err(failure)?;
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

impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(staged) = self.staged {
            self.store.inner.abandoned.add(staged.body);
        }
    }
}

async fn begin_body(tx: &mut SqliteConnection) -> Result<Staged> {
    let (body,): (i64,) = sqlx::query_as(BEGIN_BODY).fetch_one(tx).await.map_err(failure)?;
    Ok(Staged { body, chunks: 0 })
}

async fn add_chunk(tx: &mut SqliteConnection, staged: &mut Staged, octets: Vec<u8>) -> Result<()> {
    let written = sqlx::query(INSERT_CHUNK)
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

#[cfg(test)]
mod tests {
    use super::super::explain::plan;
    use super::*;

    #[tokio::test]
    async fn blobs_are_found_by_name() {
        for sql in [SELECT_BLOB, SELECT_CHUNK, LIST] {
            for step in plan(sql).await {
                assert!(step.starts_with("SEARCH"), "{step} in {sql}");
            }
        }
    }
}
