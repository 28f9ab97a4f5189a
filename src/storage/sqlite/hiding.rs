//! What users hide from their colleagues.

use sqlx::SqliteConnection;

use super::changes::record_by;
use super::failure::{corrupt, failure};
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
    INSERT INTO hidden (practice, message, user) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";

const SHOW: &str = "DELETE FROM hidden WHERE practice = ?1 AND message = ?2 AND user = ?3";

const SELECT_HIDDEN_BY: &str = "
    SELECT user FROM hidden WHERE practice = ?1 AND message = ?2 ORDER BY user";

const FORGET: &str = "DELETE FROM hidden WHERE practice = ?1 AND message = ?2";

/// Hides a message, or shows it again; says whether that changed anything.
pub(super) async fn hide(
    tx: &mut SqliteConnection,
    now: Timestamp,
    practice: &PracticeId,
    (message, user): (MessageKey, &UserId),
    hidden: bool,
) -> Result<bool> {
    let octets = message.as_bytes().as_slice();
    let part: Option<bool> = sqlx::query_scalar(SELECT_PART)
        .bind(practice.as_str())
        .bind(octets)
        .bind(user.as_str())
        .fetch_optional(&mut *tx)
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
    let write = sqlx::query(sql).bind(practice.as_str()).bind(octets).bind(user.as_str());
    let changed = write.execute(&mut *tx).await.map_err(failure)?.rows_affected() > 0;
    if changed {
        record_by(tx, practice, now, (None, Some(user)), &change).await?;
    }
    Ok(changed)
}

/// Who hid a message.
pub(super) async fn hidden_by(
    tx: &mut SqliteConnection,
    practice: &PracticeId,
    message: &MessageKey,
) -> Result<Vec<UserId>> {
    let users: Vec<String> = sqlx::query_scalar(SELECT_HIDDEN_BY)
        .bind(practice.as_str())
        .bind(message.as_bytes().as_slice())
        .fetch_all(tx)
        .await
        .map_err(failure)?;
    users.into_iter().map(|user| UserId::new(user).map_err(|_| corrupt("a user's id"))).collect()
}

/// Forgets who hid a message that goes.
pub(super) async fn forget(
    tx: &mut SqliteConnection,
    practice: &PracticeId,
    message: &MessageKey,
) -> Result<()> {
    let write = sqlx::query(FORGET).bind(practice.as_str()).bind(message.as_bytes().as_slice());
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
                assert!(!step.starts_with("SCAN") || step == "SCAN CONSTANT ROW", "{step} in {sql}");
            }
        }
    }
}
