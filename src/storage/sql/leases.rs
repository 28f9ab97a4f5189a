//! Leases and fences.

use super::statement;
use super::transaction::Tx;

use super::failure::failure;
use super::lease_lock::LeaseLock;
use crate::contract::Fence;
use crate::error::{Error, ErrorKind, Result};
use crate::types::{AccountId, PracticeId, Timestamp};

const SELECT_LATEST: &str = "
    SELECT a.epoch, l.token, l.holder, l.expires_at
    FROM account AS a LEFT JOIN lease AS l ON l.practice = a.practice AND l.account = a.account
    WHERE a.practice = ?1 AND a.account = ?2 AND a.state = 'connected'";

const SELECT_FENCE: &str = "
    SELECT CAST(1 AS BIGINT)
    FROM account AS a JOIN lease AS l ON l.practice = a.practice AND l.account = a.account
    WHERE a.practice = ?1 AND a.account = ?2 AND a.state = 'connected'
      AND l.token = ?3 AND a.epoch = ?4 AND l.expires_at > ?5";

const TAKE: &str = "
    INSERT INTO lease (practice, account, token, holder, expires_at)
    VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (practice, account) DO UPDATE SET
        token = excluded.token, holder = excluded.holder, expires_at = excluded.expires_at";

const MOVE_END: &str = "
    UPDATE lease SET expires_at = ?5
    WHERE practice = ?1 AND account = ?2 AND token = ?3
      AND EXISTS (SELECT 1 FROM account WHERE practice = ?1 AND account = ?2 AND epoch = ?4)";

type Latest = (i64, Option<i64>, Option<String>, Option<i64>);

/// Takes an account's lease; the lock of the process is held, where there is one.
pub(super) async fn acquire(
    tx: &mut Tx<'_>,
    lock: Option<&LeaseLock>,
    now: Timestamp,
    (practice, account): (&PracticeId, &AccountId),
    holder: &str,
    until: Timestamp,
) -> Result<Fence> {
    let latest: Option<Latest> = statement::query_as(SELECT_LATEST)
        .bind(practice.as_str())
        .bind(account.as_str())
        .fetch_optional(tx)
        .await
        .map_err(failure)?;
    let Some((epoch, last_token, last_holder, expires_at)) = latest else {
        return Err(Error::new(ErrorKind::NotFound, "there is no such connected account"));
    };
    let last_token = last_token.unwrap_or(0);
    let lives = expires_at.is_some_and(|at| at > now.as_unix())
        && lock.is_none_or(|lock| lock.remembers(practice, account, last_token.cast_unsigned()));
    if lives && last_holder.as_deref() != Some(holder) {
        return Err(Error::new(ErrorKind::Busy, "another holder has the account's lease"));
    }
    let token = last_token.saturating_add(1);
    statement::query(TAKE)
        .bind(practice.as_str())
        .bind(account.as_str())
        .bind(token)
        .bind(holder)
        .bind(until.as_unix())
        .execute(tx)
        .await
        .map_err(failure)?;
    Ok(Fence::new(practice.clone(), account.clone(), token.cast_unsigned(), epoch.cast_unsigned()))
}

/// Refuses a fence that does not hold any more.
pub(super) async fn check(tx: &mut Tx<'_>, now: Timestamp, fence: &Fence) -> Result<()> {
    let holds: Option<(i64,)> = statement::query_as(SELECT_FENCE)
        .bind(fence.practice.as_str())
        .bind(fence.account.as_str())
        .bind(fence.token.cast_signed())
        .bind(fence.epoch.cast_signed())
        .bind(now.as_unix())
        .fetch_optional(tx)
        .await
        .map_err(failure)?;
    holds.map(drop).ok_or_else(|| Error::new(ErrorKind::FenceLost, "the account's lease is lost"))
}

/// Moves the end of a lease, to the past when it is given back; one that is not the latest is left alone.
pub(super) async fn move_end(tx: &mut Tx<'_>, fence: &Fence, until: Timestamp) -> Result<()> {
    statement::query(MOVE_END)
        .bind(fence.practice.as_str())
        .bind(fence.account.as_str())
        .bind(fence.token.cast_signed())
        .bind(fence.epoch.cast_signed())
        .bind(until.as_unix())
        .execute(tx)
        .await
        .map_err(failure)?;
    Ok(())
}
