//! Accounts whose way their practice switches off, or on again.

use super::statement;
use super::transaction::Tx;

use super::accounts::end_lease;
use super::changes::record;
use super::failure::failure;
use crate::contract::{AccountRecord, AccountState, ChangeKind};
use crate::error::Result;
use crate::settings::PracticeSettings;
use crate::types::Timestamp;

/// For whoever asks for connected accounts it is disconnected.
const SWITCH_OFF: &str = "
    UPDATE account SET state = 'disconnected', switched_off = 1, epoch = epoch + 1
    WHERE practice = ?1 AND account = ?2";

const SWITCH_ON: &str = "
    UPDATE account SET state = 'connected', switched_off = 0, next_due = ?3 WHERE practice = ?1 AND account = ?2";

/// Switches an account off, or on again, as its practice has settled; answers it as it is then.
pub(super) async fn obey(
    tx: &mut Tx<'_>,
    now: Timestamp,
    settings: &PracticeSettings,
    mut of: AccountRecord,
) -> Result<AccountRecord> {
    let allowed = settings.allows(of.account.settings.way());
    let (sql, change) = match (of.state, allowed) {
        (AccountState::Connected, false) => {
            of.state = AccountState::SwitchedOff;
            of.epoch = of.epoch.saturating_add(1);
            end_lease(tx, &of.account.practice, &of.account.id).await?;
            (SWITCH_OFF, ChangeKind::AccountSwitchedOff)
        }
        (AccountState::SwitchedOff, true) => {
            of.state = AccountState::Connected;
            (SWITCH_ON, ChangeKind::AccountSwitchedOn)
        }
        _ => return Ok(of),
    };
    let write = statement::query(sql).bind(of.account.practice.as_str()).bind(of.account.id.as_str());
    let write = if change == ChangeKind::AccountSwitchedOn { write.bind(now.as_unix()) } else { write };
    write.execute(tx).await.map_err(failure)?;
    record(tx, &of.account.practice, now, Some(&of.account.id), &change).await?;
    Ok(of)
}
