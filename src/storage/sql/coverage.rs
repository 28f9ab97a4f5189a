//! Covered keys, and the history work that follows from them.

use super::statement;
use super::transaction::Tx;

use super::failure::failure;
use super::{cursors, values};
use crate::contract::{CoverageChange, CoveredKeys, Fence, HistoryStep, SyncState};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{AccountId, PracticeId, Timestamp};

const SELECT_ACCOUNT: &str = "
    SELECT hints, policy, revision FROM account WHERE practice = ?1 AND account = ?2";

const SELECT_KEYS: &str = "
    SELECT key, state FROM covered_key WHERE practice = ?1 AND account = ?2 ORDER BY key";

const FORGET: &str = "
    DELETE FROM covered_key
    WHERE practice = ?1 AND account = ?2 AND key IN (SELECT unhex(value) FROM json_each(?3))";

const PEND: &str = "
    INSERT INTO covered_key (practice, account, key, state)
    SELECT ?1, ?2, unhex(value), 'pending' FROM json_each(?3) WHERE true
    ON CONFLICT (practice, account, key) DO UPDATE SET state = excluded.state";

const COVER: &str = "
    UPDATE covered_key SET state = 'covered' WHERE practice = ?1 AND account = ?2 AND state = 'pending'";

const SET_POLICY: &str = "
    UPDATE account SET policy = coalesce(?3, policy), revision = ?4 WHERE practice = ?1 AND account = ?2";

const SELECT_UNFINISHED: &str = "
    SELECT CAST(1 AS BIGINT) FROM mailbox WHERE practice = ?1 AND account = ?2 AND length(history) > 0 LIMIT 1";

/// What is seen is what is to be read again; where that is something, the status is not one of a mailbox read to the end.
const BEGIN: &str = "
    UPDATE mailbox SET
        history = seen, status_messages = CASE WHEN length(seen) = 0 THEN status_messages END
    WHERE practice = ?1 AND account = ?2";

const FINISH: &str = "UPDATE mailbox SET history = NULL WHERE practice = ?1 AND account = ?2";

/// How far an account is read.
pub(super) async fn state(
    tx: &mut Tx<'_>,
    now: Timestamp,
    practice: &PracticeId,
    account: &AccountId,
) -> Result<SyncState> {
    let row: Option<(String, Option<Vec<u8>>, String)> = statement::query_as(SELECT_ACCOUNT)
        .bind(practice.as_str())
        .bind(account.as_str())
        .fetch_optional(tx)
        .await
        .map_err(failure)?;
    let Some((hints, policy, revision)) = row else { return Ok(SyncState::default()) };
    let policy = policy.as_deref().map(values::digest).transpose()?;
    let mut keys = CoveredKeys { policy, revision, ..CoveredKeys::default() };
    let rows: Vec<(Vec<u8>, String)> = statement::query_as(SELECT_KEYS)
        .bind(practice.as_str())
        .bind(account.as_str())
        .fetch_all(tx)
        .await
        .map_err(failure)?;
    for (key, state) in rows {
        let set = if state == "covered" { &mut keys.covered } else { &mut keys.pending };
        set.insert(values::key(&key)?);
    }
    let mailboxes = cursors::all(tx, practice, account).await?;
    let octets_today = cursors::octets_today(tx, now, practice, account).await?;
    Ok(SyncState { mailboxes, keys, hints, octets_today })
}

/// Does as a [`CoverageChange`] says; the fence was checked.
pub(super) async fn change(tx: &mut Tx<'_>, fence: &Fence, change: &CoverageChange) -> Result<()> {
    for (sql, keys) in [(FORGET, &change.forget), (PEND, &change.pend)] {
        if keys.is_empty() {
            continue;
        }
        statement::query(sql)
            .bind(fence.practice.as_str())
            .bind(fence.account.as_str())
            .bind(values::keys_to_json(keys)?)
            .execute(tx)
            .await
            .map_err(failure)?;
    }
    statement::query(SET_POLICY)
        .bind(fence.practice.as_str())
        .bind(fence.account.as_str())
        .bind(change.policy.as_ref().map(|policy| policy.as_bytes().as_slice()))
        .bind(change.revision.as_str())
        .execute(tx)
        .await
        .map_err(failure)?;
    match change.history {
        HistoryStep::Keep => Ok(()),
        HistoryStep::Begin => for_account(tx, fence, BEGIN).await,
        HistoryStep::Finish => {
            let unfinished: Option<(i64,)> = statement::query_as(SELECT_UNFINISHED)
                .bind(fence.practice.as_str())
                .bind(fence.account.as_str())
                .fetch_optional(tx)
                .await
                .map_err(failure)?;
            if unfinished.is_some() {
                return Err(Error::new(ErrorKind::Invalid, "a mailbox is still to be read again"));
            }
            for_account(tx, fence, COVER).await?;
            for_account(tx, fence, FINISH).await
        }
    }
}

async fn for_account(tx: &mut Tx<'_>, fence: &Fence, sql: &'static str) -> Result<()> {
    statement::query(sql)
        .bind(fence.practice.as_str())
        .bind(fence.account.as_str())
        .execute(tx)
        .await
        .map_err(failure)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::types::UidSet;

    /// `SELECT_UNFINISHED` asks for the length of the octets.
    #[test]
    fn the_empty_set_is_stored_without_octets() {
        assert!(UidSet::new().to_bytes().is_empty());
    }
}
