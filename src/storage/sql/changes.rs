//! The change feed.

use super::statement;
use super::transaction::Tx;

use super::failure::{corrupt, failure, newer};
use super::values;
use crate::contract::{Change, ChangeKind};
use crate::error::Result;
use crate::types::{AccountId, MessageKey, PracticeId, Timestamp, UserId};

const NEXT: &str = "
    INSERT INTO feed (practice, last_sequence) VALUES (?1, 1)
    ON CONFLICT (practice) DO UPDATE SET last_sequence = feed.last_sequence + 1
    RETURNING last_sequence";

const INSERT: &str = "
    INSERT INTO change_feed (practice, sequence, at, account, kind, message, failure, outgoing, actor)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

const SELECT_LAST: &str = "SELECT last_sequence FROM feed WHERE practice = ?1";

const SELECT: &str = "
    SELECT sequence, at, account, kind, message, failure, outgoing, actor FROM change_feed
    WHERE practice = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3";

type Row =
    (i64, i64, Option<String>, String, Option<Vec<u8>>, Option<String>, Option<Vec<u8>>, Option<String>);

/// Before the step of an intent.
const OUTGOING: &str = "outgoing_";

/// Writes a change that nobody in particular made, in the transaction of what it tells.
pub(super) async fn record(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    at: Timestamp,
    account: Option<&AccountId>,
    kind: &ChangeKind,
) -> Result<()> {
    record_by(tx, practice, at, (account, None), kind).await.map(drop)
}

/// Writes a change and who made it; answers its number.
pub(super) async fn record_by(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    at: Timestamp,
    (account, by): (Option<&AccountId>, Option<&UserId>),
    kind: &ChangeKind,
) -> Result<i64> {
    let (name, message) = (kind.as_str(), kind.message());
    let failed = if let ChangeKind::AccountFailed(kind) = kind { Some(kind.as_str()) } else { None };
    let outgoing = if let ChangeKind::Outgoing(id, _) = kind { Some(id) } else { None };
    let (sequence,): (i64,) =
        statement::query_as(NEXT).bind(practice.as_str()).fetch_one(tx).await.map_err(failure)?;
    statement::query(INSERT)
        .bind(practice.as_str())
        .bind(sequence)
        .bind(at.as_unix())
        .bind(account.map(AccountId::as_str))
        .bind(format!("{}{name}", if outgoing.is_some() { OUTGOING } else { "" }))
        .bind(message.as_ref().map(|key| key.as_bytes().as_slice()))
        .bind(failed)
        .bind(outgoing.map(|id| id.as_bytes().as_slice()))
        .bind(by.map(UserId::as_str))
        .execute(tx)
        .await
        .map_err(failure)?;
    Ok(sequence)
}

/// The number of the last change.
pub(super) async fn last(tx: &mut Tx<'_>, practice: &PracticeId) -> Result<u64> {
    let row: Option<(i64,)> =
        statement::query_as(SELECT_LAST).bind(practice.as_str()).fetch_optional(tx).await.map_err(failure)?;
    Ok(row.map_or(0, |(sequence,)| sequence.cast_unsigned()))
}

/// Reads the feed on from a number.
pub(super) async fn after(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    after: u64,
    limit: usize,
) -> Result<Vec<Change>> {
    let rows: Vec<Row> = statement::query_as(SELECT)
        .bind(practice.as_str())
        .bind(i64::try_from(after).unwrap_or(i64::MAX))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(tx)
        .await
        .map_err(failure)?;
    rows.into_iter().map(from_row).collect()
}

fn from_row((sequence, at, account, kind, message, failed, outgoing, actor): Row) -> Result<Change> {
    let key = || -> Result<MessageKey> {
        values::message_key(message.as_deref().ok_or_else(|| corrupt("a change without its message"))?)
    };
    let kind = match kind.as_str() {
        "message_archived" => ChangeKind::MessageArchived(key()?),
        "copy_archived" => ChangeKind::CopyArchived(key()?),
        "copy_missing" => ChangeKind::CopyMissing(key()?),
        "dead_letter" => ChangeKind::DeadLetter,
        "copy_gone" => ChangeKind::CopyGone(key()?),
        "message_hidden" => ChangeKind::MessageHidden(key()?),
        "message_shown" => ChangeKind::MessageShown(key()?),
        "exported" => ChangeKind::Exported,
        "settings_changed" => ChangeKind::SettingsChanged,
        "account_connected" => ChangeKind::AccountConnected,
        "account_disconnected" => ChangeKind::AccountDisconnected,
        "account_failed" => {
            ChangeKind::AccountFailed(values::error_kind(failed.as_deref().unwrap_or_default())?)
        }
        "account_switched_off" => ChangeKind::AccountSwitchedOff,
        "account_switched_on" => ChangeKind::AccountSwitchedOn,
        "account_erased" => ChangeKind::AccountErased,
        "message_erased" => ChangeKind::MessageErased(key()?),
        "account_recovered" => ChangeKind::AccountRecovered,
        other => {
            let step = other.strip_prefix(OUTGOING).ok_or_else(|| newer("a change"))?;
            let id = outgoing.as_deref().ok_or_else(|| corrupt("a change without its intent"))?;
            ChangeKind::Outgoing(values::outgoing_id(id)?, values::outgoing_step(step)?)
        }
    };
    let account = account.map(values::account).transpose()?;
    let by = actor.map(UserId::new).transpose().map_err(|_| corrupt("a user's id"))?;
    Ok(Change::new(sequence.cast_unsigned(), Timestamp::from_unix(at), account, kind).by(by))
}
