//! Which intents: lists of their ids, by the outbox's order, by time and by message.

use super::statement::{self, Sql};
use super::transaction::Tx;

use super::failure::failure;
use super::values;
use crate::contract::{OutboxQuery, Route};
use crate::error::Result;
use crate::types::{AccountId, MessageId, MessageKey, OutgoingId, PracticeId, Timestamp};

/// The newest before an ordinal.
const SELECT_BEFORE: &str = "
    SELECT id, ordinal, state FROM outgoing
    WHERE practice = ?1 AND ordinal < ?2 ORDER BY ordinal DESC LIMIT ?3";

const SELECT_ORDINAL: &str = "SELECT ordinal FROM outgoing WHERE practice = ?1 AND id = ?2";

const SELECT_DUE: &str = "
    SELECT id FROM outgoing WHERE practice = ?1 AND next_try <= ?2 AND held = 0 ORDER BY next_try, ordinal";

const SELECT_OF_MESSAGE: &str = "
    SELECT id FROM outgoing WHERE practice = ?1 AND message = ?2 ORDER BY ordinal";

const SELECT_OF_MESSAGE_ID: &str = "
    SELECT id FROM outgoing WHERE practice = ?1 AND message_id = ?2";

const SELECT_OF_KEY: &str = "SELECT id FROM outgoing WHERE practice = ?1 AND key = ?2";

/// PostgreSQL looks no `IS NOT DISTINCT FROM` up in an index.
const SELECT_NTH_SENT: Sql = Sql::each(
    "
    SELECT sent_at FROM outgoing WHERE practice = ?1 AND account IS ?2 AND sent_at > ?3
    UNION ALL SELECT sent_at FROM erased_intent WHERE practice = ?1 AND account IS ?2 AND sent_at > ?3
    ORDER BY sent_at DESC LIMIT 1 OFFSET ?4",
    "
    SELECT sent_at FROM outgoing
    WHERE practice = ?1 AND (account = ?2 OR (account IS NULL AND ?2 IS NULL)) AND sent_at > ?3
    UNION ALL SELECT sent_at FROM erased_intent
    WHERE practice = ?1 AND (account = ?2 OR (account IS NULL AND ?2 IS NULL)) AND sent_at > ?3
    ORDER BY sent_at DESC LIMIT 1 OFFSET ?4",
);

/// How many rows are looked at in one step for intents in certain states.
const STEP: i64 = 200;

/// The ids a query of the outbox lists.
pub(super) async fn of_query(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    query: &OutboxQuery,
) -> Result<Vec<OutgoingId>> {
    let mut before = match query.before {
        None => i64::MAX,
        Some(id) => ordinal(tx, practice, id).await?,
    };
    let mut ids = Vec::new();
    while ids.len() < query.limit {
        let rows: Vec<(Vec<u8>, i64, String)> = statement::query_as(SELECT_BEFORE)
            .bind(practice.as_str())
            .bind(before)
            .bind(STEP)
            .fetch_all(tx)
            .await
            .map_err(failure)?;
        let Some((_, last, _)) = rows.last() else { break };
        before = *last;
        for (id, _, state) in rows {
            if query.states.is_empty() || query.states.iter().any(|wanted| wanted.as_str() == state) {
                ids.push(values::outgoing_id(&id)?);
            }
        }
    }
    ids.truncate(query.limit);
    Ok(ids)
}

/// Zero of an unknown one: nothing was queued before it.
async fn ordinal(tx: &mut Tx<'_>, practice: &PracticeId, id: OutgoingId) -> Result<i64> {
    let row: Option<(i64,)> = statement::query_as(SELECT_ORDINAL)
        .bind(practice.as_str())
        .bind(id.as_bytes().as_slice())
        .fetch_optional(tx)
        .await
        .map_err(failure)?;
    Ok(row.map_or(0, |(ordinal,)| ordinal))
}

/// Those whose time has come, the longest due first.
pub(super) async fn due(tx: &mut Tx<'_>, practice: &PracticeId, now: Timestamp) -> Result<Vec<OutgoingId>> {
    let select = statement::query_as(SELECT_DUE).bind(practice.as_str()).bind(now.as_unix());
    ids(select.fetch_all(tx).await.map_err(failure)?)
}

/// Those that are a message.
pub(super) async fn of_message(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    message: &MessageKey,
) -> Result<Vec<OutgoingId>> {
    let select =
        statement::query_as(SELECT_OF_MESSAGE).bind(practice.as_str()).bind(message.as_bytes().as_slice());
    ids(select.fetch_all(tx).await.map_err(failure)?)
}

/// Those that bear a Message-ID.
pub(super) async fn of_message_id(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    message_id: &MessageId,
) -> Result<Vec<OutgoingId>> {
    let select = statement::query_as(SELECT_OF_MESSAGE_ID).bind(practice.as_str()).bind(message_id.as_str());
    let mut found = ids(select.fetch_all(tx).await.map_err(failure)?)?;
    // Sorted here: SQLite would rather walk through all intents in their order than sort a few.
    found.sort_unstable();
    Ok(found)
}

/// The one with a key.
pub(super) async fn of_key(tx: &mut Tx<'_>, practice: &PracticeId, key: &str) -> Result<Option<OutgoingId>> {
    let select = statement::query_as(SELECT_OF_KEY).bind(practice.as_str()).bind(key);
    Ok(ids(select.fetch_all(tx).await.map_err(failure)?)?.pop())
}

/// When the last but `others` of those was sent by a way that were sent after an instant.
pub(super) async fn nth_sent(
    tx: &mut Tx<'_>,
    (practice, route): (&PracticeId, &Route),
    after: Timestamp,
    others: u32,
) -> Result<Option<Timestamp>> {
    let row: Option<(i64,)> = statement::query_as(SELECT_NTH_SENT)
        .bind(practice.as_str())
        .bind(route.account().map(AccountId::as_str))
        .bind(after.as_unix())
        .bind(i64::from(others))
        .fetch_optional(tx)
        .await
        .map_err(failure)?;
    Ok(row.map(|(at,)| Timestamp::from_unix(at)))
}

fn ids(rows: Vec<(Vec<u8>,)>) -> Result<Vec<OutgoingId>> {
    rows.into_iter().map(|(id,)| values::outgoing_id(&id)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::explain::plan;
    use super::super::outgoing::SELECT;
    use super::*;

    #[tokio::test]
    async fn intents_are_found_by_index_without_sorting() {
        for sql in [
            SELECT,
            SELECT_BEFORE,
            SELECT_ORDINAL,
            SELECT_DUE,
            SELECT_OF_MESSAGE,
            SELECT_OF_MESSAGE_ID,
            SELECT_OF_KEY,
        ] {
            for step in plan(sql).await {
                assert!(step.starts_with("SEARCH"), "{step} in {sql}");
            }
        }
        for step in plan(SELECT_NTH_SENT).await {
            assert!(!step.starts_with("SCAN") && !step.contains("TEMP"), "{step}");
        }
    }
}
