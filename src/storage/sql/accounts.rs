//! Accounts and how they fare.

use super::statement;
use super::transaction::Tx;

use super::changes::record;
use super::failure::{corrupt, failure};
use super::{cursors, practice_settings, schedule, switches, values};
use crate::contract::{AccountHealth, AccountRecord, AccountState, ChangeKind, Fence, NewAccount, PassEnd};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::AccountSettings;
use crate::types::{AccountId, Address, PracticeId, Timestamp, UserId};

/// New settings are worth trying at once, whatever the old ones were told to wait for.
const CONNECT: &str = "
    INSERT INTO account (practice, account, \"user\", address, settings, state, epoch, hints, revision, next_due, provider)
    VALUES (?1, ?2, ?3, ?4, ?5, 'connected', 0, '', '', ?6, ?7)
    ON CONFLICT (practice, account) DO UPDATE SET
        \"user\" = excluded.\"user\", address = excluded.address, settings = excluded.settings,
        state = 'connected', switched_off = 0, not_before = NULL, files_copies = NULL, next_due = excluded.next_due,
        failures = 0, provider = excluded.provider";

const DISCONNECT: &str = "
    UPDATE account SET state = 'disconnected', switched_off = 0, epoch = epoch + 1
    WHERE practice = ?1 AND account = ?2 AND (state = 'connected' OR switched_off = 1)";

const CHANGE_SETTINGS: &str = "
    UPDATE account SET settings = ?3, provider = ?4 WHERE practice = ?1 AND account = ?2";

const END_LEASE: &str = "UPDATE lease SET expires_at = 0 WHERE practice = ?1 AND account = ?2";

const SELECT_ALL: &str = "
    SELECT account, \"user\", address, settings, state, switched_off, epoch, last_attempt, last_success, failure,
           failure_message, not_before
    FROM account WHERE practice = ?1 ORDER BY account";

const SELECT_ONE: &str = "
    SELECT account, \"user\", address, settings, state, switched_off, epoch, last_attempt, last_success, failure,
           failure_message, not_before
    FROM account WHERE practice = ?1 AND account = ?2";

const SELECT_FAILURE: &str = "SELECT failure FROM account WHERE practice = ?1 AND account = ?2";

const END_PASS: &str = "
    UPDATE account SET
        last_attempt = ?3,
        last_success = CASE WHEN ?4 IS NULL THEN ?3 ELSE last_success END,
        failure = ?4, failure_message = ?5, not_before = ?6, hints = coalesce(?7, hints)
    WHERE practice = ?1 AND account = ?2";

const LEARN_HINTS: &str = "
    UPDATE account SET hints = coalesce(?3, hints) WHERE practice = ?1 AND account = ?2";

const SELECT_EPOCH: &str = "
    SELECT epoch FROM account WHERE practice = ?1 AND account = ?2 AND state = 'connected'";

const SELECT_FILES_COPIES: &str = "
    SELECT files_copies FROM account WHERE practice = ?1 AND account = ?2";

const LEARN: &str = "UPDATE account SET files_copies = ?3 WHERE practice = ?1 AND account = ?2";

type Row = (
    String,
    String,
    String,
    String,
    String,
    bool,
    i64,
    Option<i64>,
    Option<i64>,
    Option<String>,
    Option<String>,
    Option<i64>,
);

pub(super) async fn connect(tx: &mut Tx<'_>, now: Timestamp, new: &NewAccount) -> Result<AccountRecord> {
    statement::query(CONNECT)
        .bind(new.practice.as_str())
        .bind(new.id.as_str())
        .bind(new.user.as_str())
        .bind(new.address.to_string())
        .bind(settings_to_json(&new.settings)?)
        .bind(now.as_unix())
        .bind(new.settings.provider().name())
        .execute(tx)
        .await
        .map_err(failure)?;
    record(tx, &new.practice, now, Some(&new.id), &ChangeKind::AccountConnected).await?;
    let settings = practice_settings::load(tx, &new.practice).await?;
    let connected = one(tx, &new.practice, &new.id).await?;
    switches::obey(tx, now, &settings, connected).await
}

/// Replaces an account's settings; the fence was checked.
pub(super) async fn change_settings(
    tx: &mut Tx<'_>,
    now: Timestamp,
    fence: &Fence,
    changed: &AccountSettings,
) -> Result<AccountRecord> {
    let (practice, account) = (&fence.practice, &fence.account);
    let write = statement::query(CHANGE_SETTINGS).bind(practice.as_str()).bind(account.as_str());
    let write = write.bind(settings_to_json(changed)?).bind(changed.provider().name());
    write.execute(tx).await.map_err(failure)?;
    record(tx, practice, now, Some(account), &ChangeKind::AccountConnected).await?;
    let settings = practice_settings::load(tx, practice).await?;
    let record = one(tx, practice, account).await?;
    switches::obey(tx, now, &settings, record).await
}

pub(super) async fn disconnect(
    tx: &mut Tx<'_>,
    now: Timestamp,
    practice: &PracticeId,
    account: &AccountId,
) -> Result<()> {
    one(tx, practice, account).await?;
    let ids = (practice.as_str(), account.as_str());
    let ended = statement::query(DISCONNECT).bind(ids.0).bind(ids.1).execute(tx).await.map_err(failure)?;
    if ended.rows_affected() == 0 {
        return Ok(());
    }
    end_lease(tx, practice, account).await?;
    record(tx, practice, now, Some(account), &ChangeKind::AccountDisconnected).await
}

pub(super) async fn end_lease(tx: &mut Tx<'_>, practice: &PracticeId, account: &AccountId) -> Result<()> {
    let end = statement::query(END_LEASE).bind(practice.as_str()).bind(account.as_str());
    end.execute(tx).await.map_err(failure)?;
    Ok(())
}

/// An account, connected or not.
pub(super) async fn one(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    account: &AccountId,
) -> Result<AccountRecord> {
    let row: Option<Row> = statement::query_as(SELECT_ONE)
        .bind(practice.as_str())
        .bind(account.as_str())
        .fetch_optional(tx)
        .await
        .map_err(failure)?;
    let unknown = || Error::new(ErrorKind::NotFound, "there is no such account");
    from_row(practice, row.ok_or_else(unknown)?)
}

pub(super) async fn all(tx: &mut Tx<'_>, practice: &PracticeId) -> Result<Vec<AccountRecord>> {
    let rows: Vec<Row> =
        statement::query_as(SELECT_ALL).bind(practice.as_str()).fetch_all(tx).await.map_err(failure)?;
    rows.into_iter().map(|row| from_row(practice, row)).collect()
}

/// Writes how a pass ended; the fence was checked.
pub(super) async fn end_pass(tx: &mut Tx<'_>, now: Timestamp, fence: &Fence, end: &PassEnd) -> Result<()> {
    let ids = (fence.practice.as_str(), fence.account.as_str());
    let (before,): (Option<String>,) =
        statement::query_as(SELECT_FAILURE).bind(ids.0).bind(ids.1).fetch_one(tx).await.map_err(failure)?;
    cursors::add_octets(tx, now, fence, end.octets_read).await?;
    schedule::end_pass(tx, now, fence, end).await?;
    if end.broken_off {
        let learn = statement::query(LEARN_HINTS).bind(ids.0).bind(ids.1).bind(end.hints.as_deref());
        learn.execute(tx).await.map_err(failure)?;
        return Ok(());
    }
    let failed = end.failure.as_ref().map(|(kind, message)| (*kind, message.as_str()));
    statement::query(END_PASS)
        .bind(ids.0)
        .bind(ids.1)
        .bind(end.at.unwrap_or(now).as_unix())
        .bind(failed.map(|(kind, _)| kind.as_str()))
        .bind(failed.map(|(_, message)| message))
        .bind(values::seconds(end.not_before))
        .bind(end.hints.as_deref())
        .execute(tx)
        .await
        .map_err(failure)?;
    let change = match (before, failed) {
        (before, Some((kind, _))) if before.as_deref() != Some(kind.as_str()) => {
            ChangeKind::AccountFailed(kind)
        }
        (Some(_), None) => ChangeKind::AccountRecovered,
        _ => return Ok(()),
    };
    record(tx, &fence.practice, now, Some(&fence.account), &change).await
}

/// An account's epoch, if it is connected.
pub(super) async fn epoch(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    account: &AccountId,
) -> Result<Option<u64>> {
    let row: Option<(i64,)> = statement::query_as(SELECT_EPOCH)
        .bind(practice.as_str())
        .bind(account.as_str())
        .fetch_optional(tx)
        .await
        .map_err(failure)?;
    Ok(row.map(|(epoch,)| epoch.cast_unsigned()))
}

/// Whether an account's provider files copies by itself.
pub(super) async fn files_copies(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    account: &AccountId,
) -> Result<Option<bool>> {
    let row: Option<(Option<bool>,)> = statement::query_as(SELECT_FILES_COPIES)
        .bind(practice.as_str())
        .bind(account.as_str())
        .fetch_optional(tx)
        .await
        .map_err(failure)?;
    Ok(row.and_then(|(files,)| files))
}

/// Writes what was learnt of that.
pub(super) async fn learn(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    account: &AccountId,
    files: bool,
) -> Result<()> {
    let write = statement::query(LEARN).bind(practice.as_str()).bind(account.as_str()).bind(files);
    write.execute(tx).await.map_err(failure)?;
    Ok(())
}

fn settings_to_json(settings: &AccountSettings) -> Result<String> {
    serde_json::to_string(settings).map_err(|cause| {
        Error::new(ErrorKind::Invalid, "the account's settings cannot be written").with_source(cause)
    })
}

fn from_row(practice: &PracticeId, row: Row) -> Result<AccountRecord> {
    let (id, user, address, settings, state, off, epoch, attempt, success, failure, message, not_before) =
        row;
    let user = UserId::new(user).map_err(|_| corrupt("a user's id"))?;
    let address = Address::parse(&address).map_err(|_| corrupt("an account's address"))?;
    let settings = serde_json::from_str(&settings).map_err(|_| corrupt("an account's settings"))?;
    let account = NewAccount::new(practice.clone(), values::account(id)?, user, address, settings);
    let state = match (state.as_str(), off) {
        ("connected", _) => AccountState::Connected,
        (_, true) => AccountState::SwitchedOff,
        (_, false) => AccountState::Disconnected,
    };
    let health = AccountHealth {
        last_attempt: attempt.map(Timestamp::from_unix),
        last_success: success.map(Timestamp::from_unix),
        failure: failure.as_deref().map(values::error_kind).transpose()?,
        failure_message: message,
        not_before: not_before.map(Timestamp::from_unix),
    };
    Ok(AccountRecord::new(account, state, epoch.cast_unsigned(), health))
}
