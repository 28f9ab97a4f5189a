//! Kill switches.

use super::failure::failure;
use super::statement;
use super::transaction::Tx;
use super::values;
use crate::contract::{Pause, PauseScope};
use crate::error::Result;
use crate::types::Timestamp;

const PUT: &str = "
    INSERT INTO pause (provider, practice, account, ends_at, reason) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (provider, practice, account) DO UPDATE SET ends_at = excluded.ends_at, reason = excluded.reason";

const DELETE: &str = "
    DELETE FROM pause WHERE provider = ?1 AND practice = ?2 AND account = ?3 AND (ends_at IS NULL OR ends_at > ?4)";

const SELECT: &str = "
    SELECT provider, practice, account, ends_at, reason FROM pause
    WHERE ends_at IS NULL OR ends_at > ?1 ORDER BY provider, practice, account";

/// An empty name stands for all.
fn names(scope: &PauseScope) -> (&str, &str, &str) {
    match scope {
        PauseScope::Provider(provider) => (provider, "", ""),
        PauseScope::Practice(practice) => ("", practice.as_str(), ""),
        PauseScope::Account(practice, account) => ("", practice.as_str(), account.as_str()),
        _ => ("", "", ""),
    }
}

pub(super) async fn put(tx: &mut Tx<'_>, pause: &Pause) -> Result<()> {
    let (provider, practice, account) = names(&pause.scope);
    let put = statement::query(PUT).bind(provider).bind(practice).bind(account);
    let put = put.bind(values::seconds(pause.until)).bind(pause.reason.as_str());
    put.execute(tx).await.map_err(failure)?;
    Ok(())
}

/// Lifts one that holds; says whether there was one.
pub(super) async fn lift(tx: &mut Tx<'_>, now: Timestamp, scope: &PauseScope) -> Result<bool> {
    let (provider, practice, account) = names(scope);
    let delete = statement::query(DELETE).bind(provider).bind(practice).bind(account).bind(now.as_unix());
    Ok(delete.execute(tx).await.map_err(failure)?.rows_affected() > 0)
}

/// Those that hold, by what they hold up.
pub(super) async fn holding(tx: &mut Tx<'_>, now: Timestamp) -> Result<Vec<Pause>> {
    type Row = (String, String, String, Option<i64>, String);
    let rows: Vec<Row> =
        statement::query_as(SELECT).bind(now.as_unix()).fetch_all(tx).await.map_err(failure)?;
    let mut pauses = Vec::new();
    for (provider, practice, account, ends_at, reason) in rows {
        let scope = match (provider.is_empty(), practice.is_empty(), account.is_empty()) {
            (false, ..) => PauseScope::Provider(provider),
            (true, true, _) => PauseScope::Everything,
            (true, false, true) => PauseScope::Practice(values::practice(practice)?),
            (true, false, false) => {
                PauseScope::Account(values::practice(practice)?, values::account(account)?)
            }
        };
        let mut pause = Pause::new(scope, reason);
        pause.until = ends_at.map(Timestamp::from_unix);
        pauses.push(pause);
    }
    pauses.sort_by(|one, two| one.scope.cmp(&two.scope));
    Ok(pauses)
}
