//! What practices settle for all their users.

use super::statement;
use super::transaction::Tx;

use super::changes::record_by;
use super::failure::{corrupt, failure};
use super::{accounts, switches};
use crate::contract::{AccountRecord, ChangeKind, SettingsChange};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::PracticeSettings;
use crate::types::{PracticeId, Timestamp};

const SELECT: &str = "SELECT settings FROM practice_settings WHERE practice = ?1";

const SAVE: &str = "
    INSERT INTO practice_settings (practice, settings) VALUES (?1, ?2)
    ON CONFLICT (practice) DO UPDATE SET settings = excluded.settings";

pub(super) async fn load(tx: &mut Tx<'_>, practice: &PracticeId) -> Result<PracticeSettings> {
    let row: Option<(String,)> =
        statement::query_as(SELECT).bind(practice.as_str()).fetch_optional(tx).await.map_err(failure)?;
    let Some((settings,)) = row else { return Ok(PracticeSettings::default()) };
    serde_json::from_str(&settings).map_err(|_| corrupt("a practice's settings"))
}

/// Settles them anew, if they are what the change was made from; answers the practice's accounts as they are then.
pub(super) async fn save(
    tx: &mut Tx<'_>,
    now: Timestamp,
    practice: &PracticeId,
    change: &SettingsChange,
) -> Result<Vec<AccountRecord>> {
    if load(tx, practice).await? != change.before {
        return Err(Error::new(ErrorKind::Busy, "the practice's settings were changed meanwhile"));
    }
    let settings = serde_json::to_string(&change.after).map_err(|cause| {
        Error::new(ErrorKind::Invalid, "the practice's settings cannot be written").with_source(cause)
    })?;
    let write = statement::query(SAVE).bind(practice.as_str()).bind(settings);
    write.execute(tx).await.map_err(failure)?;
    record_by(tx, practice, now, (None, change.by.as_ref()), &ChangeKind::SettingsChanged).await?;
    let mut records = Vec::new();
    for account in accounts::all(tx, practice).await? {
        records.push(switches::obey(tx, now, &change.after, account).await?);
    }
    Ok(records)
}
