//! Intents that were erased.

use super::statement;
use super::transaction::Tx;

use super::failure::failure;
use super::tombstones::Tombstones;
use super::values;
use crate::contract::{ArchivedCopy, Fence, NewOutgoing, Outgoing, Route};
use crate::error::Result;
use crate::storage::rules::ErasedIntent;
use crate::storage::rules::PracticeSecret;
use crate::types::{AccountId, OutgoingId, PracticeId, Timestamp};

const REMEMBER: &str = "
    INSERT INTO erased_intent (practice, id, key, account, sent_at, message, rendition)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

const DELETE: &str = "DELETE FROM outgoing WHERE practice = ?1 AND id = ?2";

const SELECT: &str = "
    SELECT key, account, sent_at, message, rendition FROM erased_intent WHERE practice = ?1 AND id = ?2";

const SELECT_USED: &str = "
    SELECT CAST(1 AS BIGINT) FROM erased_intent WHERE practice = ?1 AND id = ?2
    UNION ALL SELECT 1 FROM erased_intent WHERE practice = ?1 AND key = ?3
    LIMIT 1";

type Row = (Option<String>, Option<String>, Option<i64>, Vec<u8>, Vec<u8>);

/// Erases an intent but for what keeps it from being sent again.
pub(super) async fn erase(tx: &mut Tx<'_>, intent: &Outgoing, secret: &PracticeSecret) -> Result<()> {
    let practice = &intent.message.practice;
    let erased = ErasedIntent::of(intent, secret);
    statement::query(REMEMBER)
        .bind(practice.as_str())
        .bind(erased.id.as_bytes().as_slice())
        .bind(erased.key.as_deref())
        .bind(erased.route.account().map(AccountId::as_str))
        .bind(values::seconds(erased.sent_at))
        .bind(erased.message.as_bytes().as_slice())
        .bind(erased.rendition.as_bytes().as_slice())
        .execute(tx)
        .await
        .map_err(failure)?;
    let delete = statement::query(DELETE).bind(practice.as_str()).bind(erased.id.as_bytes().as_slice());
    delete.execute(tx).await.map_err(failure)?;
    Ok(())
}

/// Whether an intent of this id, or under this key, was erased.
pub(super) async fn has(tx: &mut Tx<'_>, message: &NewOutgoing) -> Result<bool> {
    let row: Option<(i64,)> = statement::query_as(SELECT_USED)
        .bind(message.practice.as_str())
        .bind(message.id.as_bytes().as_slice())
        .bind(message.key.as_deref())
        .fetch_optional(tx)
        .await
        .map_err(failure)?;
    Ok(row.is_some())
}

/// Whether a copy is one of an erased intent's message, whatever its Message-ID, and that message is barred.
pub(super) async fn bar(
    tx: &mut Tx<'_>,
    tombstones: &Tombstones<'_>,
    fence: &Fence,
    archived: &ArchivedCopy,
) -> Result<bool> {
    let Some(id) = archived.parsed.outgoing else { return Ok(false) };
    let Some(intent) = load(tx, &fence.practice, id).await? else { return Ok(false) };
    Ok(intent.is_of(archived, &fence.account, tombstones.secret())
        && tombstones.bars_digest(tx, &intent.message).await?)
}

async fn load(tx: &mut Tx<'_>, practice: &PracticeId, id: OutgoingId) -> Result<Option<ErasedIntent>> {
    let select = statement::query_as(SELECT).bind(practice.as_str()).bind(id.as_bytes().as_slice());
    let row: Option<Row> = select.fetch_optional(tx).await.map_err(failure)?;
    let read = |(key, account, sent_at, message, rendition): Row| {
        let account = account.map(values::account).transpose()?;
        Ok(ErasedIntent {
            id,
            key,
            route: account.map_or(Route::Noreply, Route::Own),
            sent_at: sent_at.map(Timestamp::from_unix),
            message: values::digest(&message)?,
            rendition: values::digest(&rendition)?,
        })
    };
    row.map(read).transpose()
}

#[cfg(test)]
mod tests {
    use super::super::explain::plan;
    use super::*;

    #[tokio::test]
    async fn erased_intents_are_found_by_id_and_by_key() {
        for sql in [DELETE, SELECT, SELECT_USED] {
            let steps = plan(sql).await;
            let searches = steps.iter().filter(|step| step.starts_with("SEARCH"));
            assert!(searches.clone().count() > 0 && !steps.iter().any(|step| step.starts_with("SCAN")));
            for step in searches {
                assert!(step.contains(" AND "), "{step} in {sql}");
            }
        }
    }
}
