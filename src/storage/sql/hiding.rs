//! What users hide from their colleagues.

use std::collections::BTreeMap;

use super::statement;
use super::transaction::Tx;

use super::changes::record_by;
use super::failure::{corrupt, failure};
use super::values;
use crate::contract::ChangeKind;
use crate::error::{Error, ErrorKind, Result};
use crate::types::{MessageKey, PracticeId, Timestamp, UserId};

/// Whether a user has a part in an archived message: a copy, or that they sent it.
const SELECT_PART: &str = "
    SELECT EXISTS (
            SELECT 1 FROM copy AS c JOIN account AS a ON a.practice = c.practice AND a.account = c.account
            WHERE c.practice = ?1 AND c.message = ?2 AND a.user = ?3)
        OR EXISTS (SELECT 1 FROM outgoing WHERE practice = ?1 AND message = ?2 AND author = ?3)
    FROM message WHERE practice = ?1 AND message = ?2";

const HIDE: &str = "
    INSERT INTO hidden (practice, message, \"user\") VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";

const SHOW: &str = "DELETE FROM hidden WHERE practice = ?1 AND message = ?2 AND \"user\" = ?3";

const SELECT_HIDDEN_BY: &str = "
    SELECT h.message, h.\"user\"
    FROM json_each(?2) AS k CROSS JOIN hidden AS h WHERE h.practice = ?1 AND h.message = unhex(k.value)";

const FORGET: &str = "DELETE FROM hidden WHERE practice = ?1 AND message = ?2";

/// Hides a message, or shows it again; says whether that changed anything.
pub(super) async fn hide(
    tx: &mut Tx<'_>,
    now: Timestamp,
    practice: &PracticeId,
    (message, user): (MessageKey, &UserId),
    hidden: bool,
) -> Result<bool> {
    let octets = message.as_bytes().as_slice();
    let part: Option<bool> = statement::query_scalar(SELECT_PART)
        .bind(practice.as_str())
        .bind(octets)
        .bind(user.as_str())
        .fetch_optional(tx)
        .await
        .map_err(failure)?;
    if part != Some(true) {
        return Err(Error::new(ErrorKind::NotFound, "the user has no part in such a message"));
    }
    let (sql, change) = if hidden {
        (HIDE, ChangeKind::MessageHidden(message))
    } else {
        (SHOW, ChangeKind::MessageShown(message))
    };
    let write = statement::query(sql).bind(practice.as_str()).bind(octets).bind(user.as_str());
    let changed = write.execute(tx).await.map_err(failure)?.rows_affected() > 0;
    if changed {
        record_by(tx, practice, now, (None, Some(user)), &change).await?;
    }
    Ok(changed)
}

/// Who hid which of the messages of a list.
pub(super) async fn hidden_by(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    list: &str,
) -> Result<BTreeMap<MessageKey, Vec<UserId>>> {
    let select = statement::query_as(SELECT_HIDDEN_BY).bind(practice.as_str()).bind(list);
    let rows: Vec<(Vec<u8>, String)> = select.fetch_all(tx).await.map_err(failure)?;
    let mut hidden: BTreeMap<MessageKey, Vec<UserId>> = BTreeMap::new();
    for (message, user) in rows {
        let user = UserId::new(user).map_err(|_| corrupt("a user's id"))?;
        hidden.entry(values::message_key(&message)?).or_default().push(user);
    }
    for users in hidden.values_mut() {
        users.sort();
    }
    Ok(hidden)
}

/// Forgets who hid a message that goes.
pub(super) async fn forget(tx: &mut Tx<'_>, practice: &PracticeId, message: &MessageKey) -> Result<()> {
    let write = statement::query(FORGET).bind(practice.as_str()).bind(message.as_bytes().as_slice());
    write.execute(tx).await.map_err(failure)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::explain::plan;
    use super::*;

    #[tokio::test]
    async fn who_hid_a_message_is_found_by_key() {
        for sql in [SELECT_PART, SHOW, SELECT_HIDDEN_BY, FORGET] {
            for step in plan(sql).await {
                let given = step == "SCAN CONSTANT ROW" || step.starts_with("SCAN k ");
                assert!(given || !step.starts_with("SCAN"), "{step} in {sql}");
            }
        }
    }
}
