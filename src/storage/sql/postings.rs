//! The keys that messages are found by.

use std::collections::BTreeSet;

use super::statement::{self, Sql};
use super::transaction::Tx;

use super::failure::failure;
use super::values;
use crate::error::Result;
use crate::types::{KeyDigest, MessageKey, PracticeId};

macro_rules! is_found_by_keys {
    ($each:literal) => {
        concat!(
            "
    SELECT NOT EXISTS (
        SELECT 1 FROM json_each(?3) AS k
        WHERE NOT EXISTS (
            SELECT 1 FROM posting AS p
            WHERE p.practice = m.practice AND p.key = unhex(k.value) AND p.sort_time = m.sort_time
              AND p.message = m.message",
            $each,
            "))
      AND NOT EXISTS (
        SELECT 1 FROM rendition AS r
        WHERE r.practice = m.practice AND r.message = m.message AND NOT EXISTS ("
        )
    };
}

/// `OFFSET 0` has PostgreSQL look each key up: it takes a message to have a few, and would compare each with all.
const IS_INDEXED: Sql = Sql::each(
    concat!(
        is_found_by_keys!(""),
        "
            SELECT 1 FROM search_row AS s JOIN search ON search.rowid = s.id
            WHERE s.practice = r.practice AND s.message = r.message AND s.rendition = r.digest))
    FROM message AS m WHERE m.practice = ?1 AND m.message = ?2"
    ),
    concat!(
        is_found_by_keys!(" OFFSET 0"),
        "
            SELECT 1 FROM search_piece AS s
            WHERE s.practice = r.practice AND s.message = r.message AND s.rendition = r.digest))
    FROM message AS m WHERE m.practice = ?1 AND m.message = ?2"
    ),
);

/// Postings are kept by key, for pages: one walk through a practice's for all messages that go at once.
const DELETE: &str = "
    DELETE FROM posting WHERE practice = ?1 AND message IN (SELECT unhex(value) FROM json_each(?2))";

/// Whether a message is there and found by all of these keys, and each of its renditions is among what is searched.
pub(super) async fn has_all(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    message: &MessageKey,
    keys: &BTreeSet<KeyDigest>,
) -> Result<bool> {
    let row: Option<(bool,)> = statement::query_as(IS_INDEXED)
        .bind(practice.as_str())
        .bind(message.as_bytes().as_slice())
        .bind(values::keys_to_json(keys)?)
        .fetch_optional(tx)
        .await
        .map_err(failure)?;
    Ok(row.is_some_and(|(all,)| all))
}

/// Has messages be found by nothing any more.
pub(super) async fn forget<'a>(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    messages: impl IntoIterator<Item = &'a MessageKey>,
) -> Result<()> {
    let messages: Vec<_> = messages.into_iter().map(ToString::to_string).collect();
    let delete = statement::query(DELETE).bind(practice.as_str()).bind(values::json(&messages)?);
    delete.execute(tx).await.map_err(failure)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::explain::plan;
    use super::*;

    #[tokio::test]
    async fn postings_are_found_by_key() {
        for sql in [IS_INDEXED, DELETE.into()] {
            for step in plan(sql).await {
                let by_number = step.contains("VIRTUAL TABLE") && !step.ends_with("INDEX 0:");
                assert!(by_number || !step.starts_with("SCAN"), "{step} in {sql}");
            }
        }
    }
}
