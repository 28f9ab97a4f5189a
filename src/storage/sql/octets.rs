//! Which octets of the blob store rows name, and by which name: the one place that knows.

use std::collections::BTreeSet;

use super::statement;
use super::transaction::Tx;

use super::failure::failure;
use super::{orphans, values};
use crate::error::Result;
use crate::types::{AccountId, Digest, MessageKey, PracticeId};

const SELECT_OF_ACCOUNT: &str = "
    SELECT coalesce(stored, sha256) FROM copy WHERE practice = ?1 AND account = ?2
    UNION SELECT sha256 FROM dead_letter WHERE practice = ?1 AND account = ?2 AND sha256 IS NOT NULL";

const SELECT_OF_MESSAGE: &str = "
    SELECT coalesce(stored, sha256) FROM copy WHERE practice = ?1 AND message = ?2
    UNION SELECT sha256 FROM outgoing WHERE practice = ?1 AND message = ?2";

const SELECT_NAMED: &str = "
    SELECT CAST(1 AS BIGINT) FROM copy WHERE practice = ?1 AND coalesce(stored, sha256) = ?2
    UNION ALL SELECT 1 FROM dead_letter WHERE practice = ?1 AND sha256 = ?2
    UNION ALL SELECT 1 FROM outgoing WHERE practice = ?1 AND sha256 = ?2
    LIMIT 1";

/// The octets of an account's copies and dead letters.
pub(super) async fn of_account(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    account: &AccountId,
) -> Result<BTreeSet<Digest>> {
    let select = statement::query_scalar(SELECT_OF_ACCOUNT).bind(practice.as_str()).bind(account.as_str());
    digests(&select.fetch_all(tx).await.map_err(failure)?)
}

/// The octets of a message's copies and intents.
pub(super) async fn of_message(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    message: &MessageKey,
) -> Result<BTreeSet<Digest>> {
    let select = statement::query_scalar(SELECT_OF_MESSAGE);
    let select = select.bind(practice.as_str()).bind(message.as_bytes().as_slice());
    digests(&select.fetch_all(tx).await.map_err(failure)?)
}

/// Whether a copy, a dead letter or an intent names octets.
pub(super) async fn is_named(tx: &mut Tx<'_>, practice: &PracticeId, sha256: &Digest) -> Result<bool> {
    let select = statement::query_as(SELECT_NAMED).bind(practice.as_str()).bind(sha256.as_bytes().as_slice());
    let row: Option<(i64,)> = select.fetch_optional(tx).await.map_err(failure)?;
    Ok(row.is_some())
}

/// Of octets whose rows went, those nothing names any more: they go from the blob store.
pub(super) async fn unnamed(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    octets: BTreeSet<Digest>,
) -> Result<Vec<Digest>> {
    let mut unnamed = Vec::new();
    for sha256 in octets {
        if !is_named(tx, practice, &sha256).await? {
            orphans::forget(tx, practice, &sha256).await?;
            unnamed.push(sha256);
        }
    }
    Ok(unnamed)
}

fn digests(rows: &[Vec<u8>]) -> Result<BTreeSet<Digest>> {
    rows.iter().map(|sha256| values::digest(sha256)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::explain::plan;
    use super::*;

    #[tokio::test]
    async fn octets_are_found_by_what_names_them() {
        for sql in [SELECT_OF_ACCOUNT, SELECT_OF_MESSAGE, SELECT_NAMED] {
            for step in plan(sql).await {
                assert!(!step.starts_with("SCAN"), "{step} in {sql}");
            }
        }
        for step in plan(SELECT_OF_MESSAGE).await {
            assert!(!step.starts_with("SEARCH") || step.contains("message=?"), "{step}");
        }
        for step in plan(SELECT_NAMED).await {
            assert!(
                !step.starts_with("SEARCH") || step.contains("sha256=?") || step.contains("<expr>=?"),
                "{step}"
            );
        }
    }
}
