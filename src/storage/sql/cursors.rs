//! How far mailboxes are read: cursors, gaps and the daily count of octets.

use super::statement;
use super::transaction::Tx;

use super::failure::{failure, newer};
use super::values;
use crate::contract::{Fence, MailboxState};
use crate::error::Result;
use crate::types::{
    AccountId, Cursor, Gap, GapReason, MailboxName, MailboxStatus, ModSeq, PracticeId, Timestamp, Uid,
};

const SELECT_ALL: &str = "
    SELECT mailbox, uid_validity, seen, history, status_messages, status_uid_next, status_uid_validity,
           status_mod_seq, look_again_at
    FROM mailbox WHERE practice = ?1 AND account = ?2 ORDER BY mailbox";

const SELECT_ONE: &str = "
    SELECT mailbox, uid_validity, seen, history, status_messages, status_uid_next, status_uid_validity,
           status_mod_seq, look_again_at
    FROM mailbox WHERE practice = ?1 AND account = ?2 AND mailbox = ?3";

const SAVE: &str = "
    INSERT INTO mailbox (practice, account, mailbox, uid_validity, seen, history, status_messages, status_uid_next,
        status_uid_validity, status_mod_seq, look_again_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
    ON CONFLICT (practice, account, mailbox) DO UPDATE SET
        uid_validity = excluded.uid_validity, seen = excluded.seen, history = excluded.history,
        status_messages = excluded.status_messages, status_uid_next = excluded.status_uid_next,
        status_uid_validity = excluded.status_uid_validity, status_mod_seq = excluded.status_mod_seq,
        look_again_at = excluded.look_again_at";

const DELETE: &str = "DELETE FROM mailbox WHERE practice = ?1 AND account = ?2 AND mailbox = ?3";

const SELECT_GAPS: &str = "
    SELECT uid, reason, attempts, next_try FROM gap
    WHERE practice = ?1 AND account = ?2 AND mailbox = ?3 ORDER BY uid";

const SAVE_GAP: &str = "
    INSERT INTO gap (practice, account, mailbox, uid, reason, attempts, next_try)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
    ON CONFLICT (practice, account, mailbox, uid) DO UPDATE SET
        reason = excluded.reason, attempts = excluded.attempts, next_try = excluded.next_try";

const DELETE_GAP: &str = "
    DELETE FROM gap WHERE practice = ?1 AND account = ?2 AND mailbox = ?3 AND uid = ?4";

const DELETE_GAPS: &str = "DELETE FROM gap WHERE practice = ?1 AND account = ?2 AND mailbox = ?3";

const ADD_OCTETS: &str = "
    INSERT INTO octets_read (practice, account, day, octets) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (practice, account, day) DO UPDATE SET octets = octets_read.octets + excluded.octets";

const SELECT_OCTETS: &str = "
    SELECT octets FROM octets_read WHERE practice = ?1 AND account = ?2 AND day = ?3";

type Row =
    (Vec<u8>, i64, Vec<u8>, Option<Vec<u8>>, Option<i64>, Option<i64>, Option<i64>, Option<i64>, Option<i64>);

/// Every mailbox of an account.
pub(super) async fn all(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    account: &AccountId,
) -> Result<Vec<MailboxState>> {
    let rows: Vec<Row> = statement::query_as(SELECT_ALL)
        .bind(practice.as_str())
        .bind(account.as_str())
        .fetch_all(tx)
        .await
        .map_err(failure)?;
    let mut states = Vec::with_capacity(rows.len());
    for row in rows {
        let (name, cursor) = from_row(row)?;
        let gaps = gaps(tx, practice, account, &name).await?;
        states.push(MailboxState::new(name, cursor, gaps));
    }
    Ok(states)
}

/// One mailbox's cursor.
pub(super) async fn load(tx: &mut Tx<'_>, fence: &Fence, mailbox: &MailboxName) -> Result<Option<Cursor>> {
    let row: Option<Row> = statement::query_as(SELECT_ONE)
        .bind(fence.practice.as_str())
        .bind(fence.account.as_str())
        .bind(mailbox.as_wire())
        .fetch_optional(tx)
        .await
        .map_err(failure)?;
    Ok(row.map(from_row).transpose()?.map(|(_, cursor)| cursor))
}

/// Writes a mailbox's cursor.
pub(super) async fn save(
    tx: &mut Tx<'_>,
    fence: &Fence,
    mailbox: &MailboxName,
    cursor: &Cursor,
) -> Result<()> {
    let status = cursor.status;
    statement::query(SAVE)
        .bind(fence.practice.as_str())
        .bind(fence.account.as_str())
        .bind(mailbox.as_wire())
        .bind(i64::from(cursor.uid_validity.get()))
        .bind(cursor.seen.to_bytes())
        .bind(cursor.history.as_ref().map(crate::types::UidSet::to_bytes))
        .bind(status.map(|s| i64::from(s.messages)))
        .bind(status.map(|s| i64::from(s.uid_next)))
        .bind(status.and_then(|s| s.uid_validity).map(|v| i64::from(v.get())))
        .bind(status.and_then(|s| s.highest_mod_seq).map(|m| m.0.cast_signed()))
        .bind(values::seconds(cursor.look_again_at))
        .execute(tx)
        .await
        .map_err(failure)?;
    Ok(())
}

/// Drops a mailbox's cursor and gaps.
pub(super) async fn forget(tx: &mut Tx<'_>, fence: &Fence, mailbox: &MailboxName) -> Result<()> {
    forget_gaps(tx, fence, mailbox).await?;
    statement::query(DELETE)
        .bind(fence.practice.as_str())
        .bind(fence.account.as_str())
        .bind(mailbox.as_wire())
        .execute(tx)
        .await
        .map_err(failure)?;
    Ok(())
}

/// A mailbox's gaps, by UID.
pub(super) async fn gaps(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    account: &AccountId,
    mailbox: &MailboxName,
) -> Result<Vec<Gap>> {
    let rows: Vec<(i64, String, i64, i64)> = statement::query_as(SELECT_GAPS)
        .bind(practice.as_str())
        .bind(account.as_str())
        .bind(mailbox.as_wire())
        .fetch_all(tx)
        .await
        .map_err(failure)?;
    let read = |(uid, reason, attempts, next_try): (i64, String, i64, i64)| {
        let reason = GapReason::parse(&reason).ok_or_else(|| newer("a reason for a gap"))?;
        Ok(Gap::new(values::uid(uid)?, reason, values::small(attempts)?, Timestamp::from_unix(next_try)))
    };
    rows.into_iter().map(read).collect()
}

pub(super) async fn save_gap(tx: &mut Tx<'_>, fence: &Fence, mailbox: &MailboxName, gap: &Gap) -> Result<()> {
    statement::query(SAVE_GAP)
        .bind(fence.practice.as_str())
        .bind(fence.account.as_str())
        .bind(mailbox.as_wire())
        .bind(i64::from(gap.uid.get()))
        .bind(gap.reason.as_str())
        .bind(i64::from(gap.attempts))
        .bind(gap.next_try.as_unix())
        .execute(tx)
        .await
        .map_err(failure)?;
    Ok(())
}

pub(super) async fn close_gap(tx: &mut Tx<'_>, fence: &Fence, mailbox: &MailboxName, uid: Uid) -> Result<()> {
    statement::query(DELETE_GAP)
        .bind(fence.practice.as_str())
        .bind(fence.account.as_str())
        .bind(mailbox.as_wire())
        .bind(i64::from(uid.get()))
        .execute(tx)
        .await
        .map_err(failure)?;
    Ok(())
}

pub(super) async fn forget_gaps(tx: &mut Tx<'_>, fence: &Fence, mailbox: &MailboxName) -> Result<()> {
    statement::query(DELETE_GAPS)
        .bind(fence.practice.as_str())
        .bind(fence.account.as_str())
        .bind(mailbox.as_wire())
        .execute(tx)
        .await
        .map_err(failure)?;
    Ok(())
}

/// Counts octets towards the day's budget.
pub(super) async fn add_octets(tx: &mut Tx<'_>, now: Timestamp, fence: &Fence, octets: u64) -> Result<()> {
    if octets == 0 {
        return Ok(());
    }
    statement::query(ADD_OCTETS)
        .bind(fence.practice.as_str())
        .bind(fence.account.as_str())
        .bind(now.day())
        .bind(i64::try_from(octets).unwrap_or(i64::MAX))
        .execute(tx)
        .await
        .map_err(failure)?;
    Ok(())
}

/// Octets read on the day of `now`.
pub(super) async fn octets_today(
    tx: &mut Tx<'_>,
    now: Timestamp,
    practice: &PracticeId,
    account: &AccountId,
) -> Result<u64> {
    let row: Option<(i64,)> = statement::query_as(SELECT_OCTETS)
        .bind(practice.as_str())
        .bind(account.as_str())
        .bind(now.day())
        .fetch_optional(tx)
        .await
        .map_err(failure)?;
    Ok(row.map_or(0, |(octets,)| octets.cast_unsigned()))
}

fn from_row(row: Row) -> Result<(MailboxName, Cursor)> {
    let (name, validity, seen, history, messages, uid_next, status_validity, mod_seq, look_again_at) = row;
    let mut cursor = Cursor::new(values::uid_validity(validity)?);
    cursor.seen = values::uid_set(&seen)?;
    cursor.history = history.as_deref().map(values::uid_set).transpose()?;
    cursor.look_again_at = look_again_at.map(Timestamp::from_unix);
    if let (Some(messages), Some(uid_next)) = (messages, uid_next) {
        let validity = status_validity.map(values::uid_validity).transpose()?;
        let mod_seq = mod_seq.map(|m| ModSeq(m.cast_unsigned()));
        cursor.status =
            Some(MailboxStatus::new(values::small(messages)?, values::small(uid_next)?, validity, mod_seq));
    }
    Ok((MailboxName::from_wire(name), cursor))
}
