//! Octets of messages, in the same file.
//!
//! A blob's octets are a *body*: chunks under a number. A small one is written with its name in one transaction. A large
//! one is spilled chunk by chunk, each in a transaction of its own so that nobody waits long, into a body that has no
//! name and that no reader can see; `finish` names it. Bodies that never got a name are swept by the next writer, or, when
//! their process died, when the file is next opened and nobody holds a lease.

use std::sync::{Mutex, PoisonError};

use super::statement::{self, Sql};
use super::transaction::Tx;
use async_trait::async_trait;

use super::engine::Engine;
use super::failure::{corrupt, failure};
use super::{SqlStore, values};
use crate::contract::{BlobInfo, BlobStore, BlobWriter};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{Digest, Hasher, PracticeId};

/// A chunk: large enough that a message has few, small enough to be read for a range of some octets.
const CHUNK: usize = 256 * 1024;
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

const END_BODY: Sql = Sql::each(
    "DELETE FROM blob_staging WHERE body = ?2",
    "DELETE FROM blob_staging WHERE practice = ?1 AND body = ?2",
);

const INSERT_BLOB: &str = "
    INSERT INTO blob (practice, sha256, size, body) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";

const SELECT_BLOB: &str = "SELECT size, body FROM blob WHERE practice = ?1 AND sha256 = ?2";

const SELECT_CHUNK: Sql = Sql::each(
    "SELECT octets FROM blob_chunk WHERE body = ?2 AND ordinal = ?3",
    "SELECT octets FROM blob_chunk WHERE practice = ?1 AND body = ?2 AND ordinal = ?3",
);

const DELETE_BLOB: &str = "DELETE FROM blob WHERE practice = ?1 AND sha256 = ?2 RETURNING body";

const DELETE_CHUNKS: Sql = Sql::each(
    "DELETE FROM blob_chunk WHERE body = ?2",
    "DELETE FROM blob_chunk WHERE practice = ?1 AND body = ?2",
);

const LIST: &str = "
    SELECT sha256, size FROM blob WHERE practice = ?1 AND sha256 > ?2 ORDER BY sha256 LIMIT ?3";

/// In one file whoever sweeps knows that nobody else is writing. In PostgreSQL others may be: what is a day old is nobody's any more.
const SELECT_STAGED: Sql = Sql::each(
    "SELECT '', body FROM blob_staging",
    "
    SELECT practice, body FROM blob_staging
    WHERE since < CAST(floor(extract(epoch FROM clock_timestamp())) AS BIGINT) - 86400",
);

/// Bodies of writers that were dropped: their `Drop` cannot wait for the database.
#[derive(Default)]
pub(in crate::storage) struct Abandoned(Mutex<Vec<Body>>);

/// A body, and whose it is.
pub(in crate::storage) type Body = (PracticeId, i64);

impl Abandoned {
    fn add(&self, body: Body) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(body);
    }

    fn take(&self) -> Vec<Body> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Removes bodies that never got a name; to be called by whoever knows that nobody else is writing one.
#[cfg(feature = "sqlite")]
pub(in crate::storage) async fn sweep(tx: &mut Tx<'_>) -> Result<()> {
    let bodies: Vec<(String, i64)> =
        statement::query_as(SELECT_STAGED).fetch_all(tx).await.map_err(failure)?;
    for (practice, body) in bodies {
        discard(tx, &practice, body).await?;
    }
    Ok(())
}

/// Bodies that never got a name and that nobody is writing any more.
#[cfg(feature = "postgres")]
pub(in crate::storage) async fn staged(tx: &mut Tx<'_>) -> Result<Vec<Body>> {
    let bodies: Vec<(String, i64)> =
        statement::query_as(SELECT_STAGED).fetch_all(tx).await.map_err(failure)?;
    let read =
        |(practice, body)| Ok((PracticeId::new(practice).map_err(|_| corrupt("a practice's id"))?, body));
    bodies.into_iter().map(read).collect()
}

/// Removes a body, unless it has got a name: a writer whose `finish` was dropped does not know how that ended.
pub(in crate::storage) async fn discard(tx: &mut Tx<'_>, practice: &str, body: i64) -> Result<()> {
    let ended = statement::query(END_BODY).bind(practice).bind(body).execute(tx).await.map_err(failure)?;
    if ended.rows_affected() > 0 {
        statement::query(DELETE_CHUNKS).bind(practice).bind(body).execute(tx).await.map_err(failure)?;
    }
    Ok(())
}

#[async_trait]
impl<E: Engine> BlobStore for SqlStore<E> {
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
        let blob: Option<(i64, i64)> = statement::query_as(SELECT_BLOB)
            .bind(practice.as_str())
            .bind(sha256.as_bytes().as_slice())
            .fetch_optional(&mut tx)
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
            let (chunk,): (Vec<u8>,) = statement::query_as(SELECT_CHUNK)
                .bind(practice.as_str())
                .bind(body)
                .bind(number)
                .fetch_optional(&mut tx)
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
        let mut session = self.writing(practice).await?;
        let mut tx = session.begin().await?;
        let body: Option<(i64,)> = statement::query_as(DELETE_BLOB)
            .bind(practice.as_str())
            .bind(sha256.as_bytes().as_slice())
            .fetch_optional(&mut tx)
            .await
            .map_err(failure)?;
        if let Some((body,)) = body {
            let delete = statement::query(DELETE_CHUNKS).bind(practice.as_str()).bind(body);
            delete.execute(&mut tx).await.map_err(failure)?;
        }
        tx.commit().await
    }

    async fn list(
        &self,
        practice: &PracticeId,
        after: Option<Digest>,
        limit: usize,
    ) -> Result<Vec<BlobInfo>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        let rows: Vec<(Vec<u8>, i64)> = statement::query_as(LIST)
            .bind(practice.as_str())
            .bind(after.map_or_else(Vec::new, |digest| digest.as_bytes().to_vec()))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&mut tx)
            .await
            .map_err(failure)?;
        let read = |(sha256, size): (Vec<u8>, i64)| {
            Ok(BlobInfo::new(values::digest(&sha256)?, size.cast_unsigned()))
        };
        rows.into_iter().map(read).collect()
    }
}

/// A body being swept; one whose sweeping was interrupted stays on the list.
struct Unswept<'a, E: Engine> {
    store: &'a SqlStore<E>,
    body: Option<Body>,
}

impl<E: Engine> Unswept<'_, E> {
    async fn sweep(mut self) -> Result<()> {
        let Some((practice, body)) = self.body.clone() else { return Ok(()) };
        let mut session = self.store.writing(&practice).await?;
        let mut tx = session.begin().await?;
        discard(&mut tx, practice.as_str(), body).await?;
        tx.commit().await?;
        self.body = None;
        Ok(())
    }
}

impl<E: Engine> Drop for Unswept<'_, E> {
    fn drop(&mut self) {
        if let Some(body) = self.body.take() {
            self.store.inner.abandoned.add(body);
        }
    }
}

struct Writer<E: Engine> {
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

#[cfg(test)]
mod tests {
    use super::super::explain::plan;
    use super::*;

    #[tokio::test]
    async fn blobs_are_found_by_name() {
        for sql in [SELECT_BLOB.into(), SELECT_CHUNK, LIST.into()] {
            for step in plan(sql).await {
                assert!(step.starts_with("SEARCH"), "{step} in {sql}");
            }
        }
    }
}
