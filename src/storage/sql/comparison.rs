//! Copies against what the server lists.

use super::statement;
use super::transaction::Tx;

use super::changes::record;
use super::copies::{from_row, get};
use super::failure::failure;
use super::window::refuse_strangers;
use super::{cursors, values};
use crate::contract::{ChangeKind, Comparison, CopiesInMailbox, Fence, StoredCopy};
use crate::error::Result;
use crate::types::{AccountId, CopyPlace, MailboxName, PracticeId, Timestamp, UidSet, UidValidity};

const MISS: &str = "
    UPDATE copy SET state = 'missing', missing_since = ?6
    WHERE practice = ?1 AND account = ?2 AND mailbox = ?3 AND uid_validity = ?4 AND uid = ?5 AND state = 'present'
    RETURNING message";

const FIND: &str = "
    UPDATE copy SET state = 'present', missing_since = NULL
    WHERE practice = ?1 AND account = ?2 AND mailbox = ?3 AND uid_validity = ?4 AND uid = ?5 AND state = 'missing'
    RETURNING message";

const GO: &str = "
    UPDATE copy SET state = 'gone', missing_since = ?6
    WHERE practice = ?1 AND account = ?2 AND mailbox = ?3 AND uid_validity = ?4 AND uid = ?5 AND state = 'missing'
    RETURNING message";

const SELECT_LIVE: &str = "
    SELECT mailbox, uid_validity, uid, missing_since FROM copy
    WHERE practice = ?1 AND account = ?2 AND state <> 'gone'
    ORDER BY mailbox, uid_validity, uid";

const SELECT_BETWEEN: &str = "
    SELECT uid, message, sha256, size, internal_date, labels, state, missing_since, stored, cuts, kept, authenticity
    FROM copy
    WHERE practice = ?1 AND account = ?2 AND mailbox = ?3 AND uid_validity = ?4 AND uid BETWEEN ?5 AND ?6
    ORDER BY uid";

/// Writes what a comparison showed; the fence was checked.
pub(super) async fn commit(
    tx: &mut Tx<'_>,
    now: Timestamp,
    fence: &Fence,
    comparison: &Comparison,
) -> Result<()> {
    let Comparison { missing, found, gone, mailboxes_gone } = comparison;
    refuse_strangers(fence, missing.iter().chain(found).chain(gone))?;
    for place in missing {
        if let Some(message) = turn(tx, MISS, now, fence, place).await? {
            let change = ChangeKind::CopyMissing(values::message_key(&message)?);
            record(tx, &fence.practice, now, Some(&fence.account), &change).await?;
        }
    }
    for place in found {
        turn(tx, FIND, now, fence, place).await?;
    }
    for place in gone {
        if let Some(message) = turn(tx, GO, now, fence, place).await? {
            let change = ChangeKind::CopyGone(values::message_key(&message)?);
            record(tx, &fence.practice, now, Some(&fence.account), &change).await?;
        }
    }
    for mailbox in mailboxes_gone {
        cursors::forget(tx, fence, mailbox).await?;
    }
    Ok(())
}

/// Changes a copy's state; answers its message when it was in the state that can be changed so.
async fn turn(
    tx: &mut Tx<'_>,
    sql: &'static str,
    now: Timestamp,
    fence: &Fence,
    place: &CopyPlace,
) -> Result<Option<Vec<u8>>> {
    let row: Option<(Vec<u8>,)> = statement::query_as(sql)
        .bind(fence.practice.as_str())
        .bind(place.account.as_str())
        .bind(place.mailbox.as_wire())
        .bind(i64::from(place.uid_validity.get()))
        .bind(i64::from(place.uid.get()))
        .bind(now.as_unix())
        .fetch_optional(tx)
        .await
        .map_err(failure)?;
    Ok(row.map(|(message,)| message))
}

/// The copies of an account that are not gone, by mailbox and validity.
pub(super) async fn copies(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    account: &AccountId,
) -> Result<Vec<CopiesInMailbox>> {
    let rows: Vec<(Vec<u8>, i64, i64, Option<i64>)> = statement::query_as(SELECT_LIVE)
        .bind(practice.as_str())
        .bind(account.as_str())
        .fetch_all(tx)
        .await
        .map_err(failure)?;
    let mut groups: Vec<CopiesInMailbox> = Vec::new();
    for (mailbox, validity, uid, missing_since) in rows {
        let (mailbox, validity) = (MailboxName::from_wire(mailbox), values::uid_validity(validity)?);
        let same = |group: &CopiesInMailbox| group.mailbox == mailbox && group.uid_validity == validity;
        if !groups.last().is_some_and(same) {
            groups.push(CopiesInMailbox::new(mailbox, validity));
        }
        let Some(group) = groups.last_mut() else { continue };
        match missing_since {
            Some(since) => group.missing.push((values::uid(uid)?, Timestamp::from_unix(since))),
            None => group.present.insert(values::uid(uid)?),
        }
    }
    Ok(groups)
}

/// The copies at some UIDs of a mailbox.
pub(super) async fn copies_at(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    account: &AccountId,
    (mailbox, validity): (&MailboxName, UidValidity),
    uids: &UidSet,
) -> Result<Vec<StoredCopy>> {
    let (Some(first), Some(last)) = (uids.first(), uids.last()) else { return Ok(Vec::new()) };
    let rows = statement::query(SELECT_BETWEEN)
        .bind(practice.as_str())
        .bind(account.as_str())
        .bind(mailbox.as_wire())
        .bind(i64::from(validity.get()))
        .bind(i64::from(first.get()))
        .bind(i64::from(last.get()))
        .fetch_all(tx)
        .await
        .map_err(failure)?;
    let mut copies = Vec::new();
    for row in &rows {
        let uid = values::uid(get(row, "uid")?)?;
        if !uids.contains(uid) {
            continue;
        }
        let place = CopyPlace::new(account.clone(), mailbox.clone(), validity, uid);
        let message = values::message_key(&get::<Vec<u8>>(row, "message")?)?;
        copies.push(StoredCopy::new(message, from_row(place, row)?));
    }
    Ok(copies)
}
