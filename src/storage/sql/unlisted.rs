//! Messages that are no client's any more.

use super::statement;
use super::transaction::Tx;

use super::failure::failure;
use super::values;
use crate::error::Result;
use crate::types::{MessageKey, PracticeId, Timestamp};

const MARK: &str = "
    INSERT INTO unlisted (practice, message, since)
    SELECT practice, message, ?3 FROM message WHERE practice = ?1 AND message = ?2
    ON CONFLICT DO NOTHING";

pub(super) const UNMARK: &str = "DELETE FROM unlisted WHERE practice = ?1 AND message = ?2";

const SELECT: &str = "
    SELECT message FROM unlisted
    WHERE practice = ?1 AND message > ?2 AND since < ?3 ORDER BY message LIMIT ?4";

/// Marks messages that are not marked, and takes the marks of others.
pub(super) async fn mark(
    tx: &mut Tx<'_>,
    now: Timestamp,
    practice: &PracticeId,
    (unlisted, listed): (&[MessageKey], &[MessageKey]),
) -> Result<()> {
    for message in unlisted {
        let mark = statement::query(MARK).bind(practice.as_str()).bind(message.as_bytes().as_slice());
        mark.bind(now.as_unix()).execute(tx).await.map_err(failure)?;
    }
    for message in listed {
        let unmark = statement::query(UNMARK).bind(practice.as_str()).bind(message.as_bytes().as_slice());
        unmark.execute(tx).await.map_err(failure)?;
    }
    Ok(())
}

/// Those marked before a time, in the order of keys, after one.
pub(super) async fn before(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    before: Timestamp,
    (after, limit): (Option<MessageKey>, usize),
) -> Result<Vec<MessageKey>> {
    let rows: Vec<(Vec<u8>,)> = statement::query_as(SELECT)
        .bind(practice.as_str())
        .bind(after.map_or_else(Vec::new, |key| key.as_bytes().to_vec()))
        .bind(before.as_unix())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(tx)
        .await
        .map_err(failure)?;
    rows.iter().map(|(message,)| values::message_key(message)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::explain::plan;
    use super::*;

    #[tokio::test]
    async fn marks_are_found_by_message_without_sorting() {
        for sql in [MARK, UNMARK, SELECT] {
            for step in plan(sql).await {
                assert!(step.starts_with("SEARCH"), "{step} in {sql}");
            }
        }
    }
}
