//! Octets in the blob store that nothing names.

use super::statement;
use super::transaction::Tx;

use super::failure::failure;
use super::octets;
use crate::error::Result;
use crate::types::{Digest, PracticeId, Timestamp};

const REMEMBER: &str = "
    INSERT INTO orphan (practice, sha256, since) VALUES (?1, ?2, ?3)
    ON CONFLICT (practice, sha256) DO UPDATE SET since = orphan.since
    RETURNING since";

const FORGET: &str = "DELETE FROM orphan WHERE practice = ?1 AND sha256 = ?2";

/// Of octets that are there, those that nothing names, nor did at a time or earlier.
pub(super) async fn of_listed(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    listed: &[Digest],
    (now, before): (Timestamp, Timestamp),
) -> Result<Vec<Digest>> {
    let mut orphans = Vec::new();
    for sha256 in listed {
        if octets::is_named(tx, practice, sha256).await? {
            forget(tx, practice, sha256).await?;
            continue;
        }
        if remember(tx, practice, sha256, now).await? <= before {
            forget(tx, practice, sha256).await?;
            orphans.push(*sha256);
        }
    }
    Ok(orphans)
}

/// Forgets when octets were first not named: if they come again they are new, and what will name them may be under way.
pub(super) async fn forget(tx: &mut Tx<'_>, practice: &PracticeId, sha256: &Digest) -> Result<()> {
    let delete = statement::query(FORGET).bind(practice.as_str()).bind(sha256.as_bytes().as_slice());
    delete.execute(tx).await.map_err(failure)?;
    Ok(())
}

/// Since when nothing names them.
async fn remember(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    sha256: &Digest,
    now: Timestamp,
) -> Result<Timestamp> {
    let insert = statement::query_as(REMEMBER).bind(practice.as_str()).bind(sha256.as_bytes().as_slice());
    let (since,): (i64,) = insert.bind(now.as_unix()).fetch_one(tx).await.map_err(failure)?;
    Ok(Timestamp::from_unix(since))
}
