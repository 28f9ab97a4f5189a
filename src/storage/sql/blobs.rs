//! Octets of messages, in the same database.
//!
//! A blob's octets are a *body*: chunks under a number. A small one is written with its name in one transaction. A large
//! one is spilled chunk by chunk, each in a transaction of its own so that nobody waits long, into a body that has no
//! name and that no reader can see; `finish` names it. Bodies that never got a name are swept by the next writer, or, when
//! their process died, when the file is next opened and nobody holds a lease, on a server after a day.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::blob_writer::Writer;
use super::engine::Engine;
use super::failure::{corrupt, failure};
use super::statement::{self, Sql};
use super::transaction::Tx;
use super::{SqlStore, values};
use crate::contract::{BlobInfo, BlobStore, BlobWriter};
use crate::error::Result;
use crate::types::{Digest, PracticeId};

/// A chunk: large enough that a message has few, small enough to be read for a range of some octets.
pub(super) const CHUNK: usize = 256 * 1024;

pub(super) const END_BODY: Sql = Sql::each(
    "DELETE FROM blob_staging WHERE body = ?2",
    "DELETE FROM blob_staging WHERE practice = ?1 AND body = ?2",
);

pub(super) const SELECT_BLOB: &str = "SELECT size, body FROM blob WHERE practice = ?1 AND sha256 = ?2";

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
    pub(super) fn add(&self, body: Body) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(body);
    }

    fn take(&self) -> Vec<Body> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Removes bodies that never got a name; to be called by whoever knows that nobody else is writing one.
#[cfg(feature = "sqlite")]
pub(in crate::storage) async fn sweep(tx: &mut Tx<'_>) -> Result<()> {
    for (practice, body) in unnamed(tx).await? {
        discard(tx, &practice, body).await?;
    }
    Ok(())
}

/// Bodies that never got a name and that nobody is writing any more.
#[cfg(feature = "postgres")]
pub(in crate::storage) async fn staged(tx: &mut Tx<'_>) -> Result<Vec<Body>> {
    let read =
        |(practice, body)| Ok((PracticeId::new(practice).map_err(|_| corrupt("a practice's id"))?, body));
    unnamed(tx).await?.into_iter().map(read).collect()
}

/// Whose is not told by a file.
async fn unnamed(tx: &mut Tx<'_>) -> Result<Vec<(String, i64)>> {
    statement::query_as(SELECT_STAGED).fetch_all(tx).await.map_err(failure)
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
        Ok(Box::new(Writer::new(self.clone(), practice.clone())))
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
