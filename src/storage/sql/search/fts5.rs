//! By SQLite's FTS5: a row of the full text for each rendition.

use std::collections::BTreeSet;

use super::{Place, Question, is_in_sight, tokens};
use crate::contract::{PagePosition, PageQuery, Rendition};
use crate::error::Result;
use crate::storage::rules::words;
use crate::storage::sql::failure::failure;
use crate::storage::sql::filter::{self, passes};
use crate::storage::sql::statement;
use crate::storage::sql::transaction::Tx;
use crate::storage::sql::values;
use crate::types::{MessageKey, PracticeId, Timestamp};

/// How many renditions that hold the terms are looked at in one go, before more are asked for.
const HITS: i64 = 500;
/// What parts the texts of a column: no word that is searched for holds it, so that no term reaches from one text into the next.
const GAP: &str = " ¦ ";
/// Of the number of a row, the digits that tell apart rows of one second.
const SERIAL_BITS: u32 = 24;
/// Seconds before and after 1970 beyond which rows are in no order: 8,700 years.
const MAX_SECONDS: i64 = 1 << 38;

const SELECT_SORT_TIME: &str = "SELECT sort_time FROM message WHERE practice = ?1 AND message = ?2";

const SELECT_ROWS: &str = "SELECT id FROM search_row WHERE practice = ?1 AND message = ?2";

const SELECT_LAST: &str = "SELECT max(id) FROM search_row WHERE id BETWEEN ?1 AND ?2";

const INSERT_ROW: &str = "
    INSERT INTO search_row (id, practice, message, rendition) VALUES (?1, ?2, ?3, ?4)";

/// A row that lost its number leaves nothing to whoever is given it next.
const INSERT_TEXT: &str = "REPLACE INTO search (rowid, keys, head, body) VALUES (?1, ?2, ?3, ?4)";

const DELETE_ROW: &str = "DELETE FROM search_row WHERE id = ?1";

const PURGE: &str = "INSERT INTO search (search) VALUES ('optimize')";

const DELETE_TEXT: &str = "DELETE FROM search WHERE rowid = ?1";

/// Renditions that hold the terms, newest first, and whether their message is wanted. `?2`, of which conversation; `?11`, the
/// terms; `?12`, from which row on, `?13`, to which.
const SELECT_HITS: &str = concat!(
    "
    SELECT s.id, p.sort_time, p.message,
        s.practice = ?1 AND (?2 IS NULL OR p.conversation = ?2)
      AND ",
    is_in_sight!(),
    "
      AND ",
    passes!(),
    "
    FROM (SELECT rowid AS id FROM search
          WHERE search MATCH ?11 AND rowid <= ?12 AND rowid >= ?13
          ORDER BY rowid DESC LIMIT ?3) AS hit
        CROSS JOIN search_row AS s ON s.id = hit.id
        CROSS JOIN message AS p ON p.practice = s.practice AND p.message = s.message"
);

type Hit = (i64, i64, Vec<u8>, bool);

/// Writes what a message is searched for by.
pub(super) async fn write(
    tx: &mut Tx<'_>,
    (practice, message): (&PracticeId, &MessageKey),
    keys: &[String],
    renditions: &[Rendition],
) -> Result<()> {
    let octets = message.as_bytes().as_slice();
    let sort_time: Vec<i64> = of_message(SELECT_SORT_TIME, practice, message, tx).await?;
    let Some(sort_time) = sort_time.first() else { return Ok(()) };
    for rendition in renditions {
        let (first, last) = rows_of(*sort_time);
        let newest: Option<i64> = statement::query_scalar(SELECT_LAST)
            .bind(first)
            .bind(last)
            .fetch_one(tx)
            .await
            .map_err(failure)?;
        let id = newest.map_or(first, |newest| newest.saturating_add(1));
        statement::query(INSERT_ROW)
            .bind(id)
            .bind(practice.as_str())
            .bind(octets)
            .bind(rendition.digest.as_bytes().as_slice())
            .execute(tx)
            .await
            .map_err(failure)?;
        statement::query(INSERT_TEXT)
            .bind(id)
            .bind(keys.join(" "))
            .bind(column(words::head(rendition)))
            .bind(column(words::body(rendition)))
            .execute(tx)
            .await
            .map_err(failure)?;
    }
    Ok(())
}

/// Takes away what a message is searched for by.
pub(super) async fn forget(tx: &mut Tx<'_>, practice: &PracticeId, message: &MessageKey) -> Result<()> {
    let rows: Vec<i64> = of_message(SELECT_ROWS, practice, message, tx).await?;
    for id in rows {
        for sql in [DELETE_TEXT, DELETE_ROW] {
            statement::query(sql).bind(id).execute(tx).await.map_err(failure)?;
        }
    }
    Ok(())
}

/// Writes the full text anew without what was deleted: the engine only marks that.
pub(in crate::storage) async fn purge(tx: &mut Tx<'_>) -> Result<()> {
    statement::query(PURGE).execute(tx).await.map_err(failure).map(drop)
}

/// At least as many of the newest as are asked for, if there are as many. Rows are in the order of their messages' seconds, not
/// of the messages of one second: a second is read to its end.
pub(super) async fn newest(
    tx: &mut Tx<'_>,
    query: &PageQuery,
    question: &Question<'_>,
) -> Result<BTreeSet<PagePosition>> {
    let mut found = BTreeSet::new();
    let text = text(query, question);
    let (time, _) = filter::end(query);
    let (_, mut from) = rows_of(time);
    let (to, _) = rows_of(query.filter.since.map_or(i64::MIN, Timestamp::as_unix));
    loop {
        let select = statement::query_as::<Hit>(SELECT_HITS)
            .bind(query.practice.as_str().to_owned())
            .bind(question.conversation.map(|conversation| conversation.as_bytes().to_vec()))
            .bind(HITS);
        let select =
            filter::bind(select, query)?.bind(text.clone()).bind(from).bind(to).bind(question.sight as i64);
        let hits = select.fetch_all(tx).await.map_err(failure)?;
        let Some(last) = hits.iter().map(|(id, ..)| *id).min() else { break };
        for (_, sort_time, message, is_wanted) in &hits {
            if *is_wanted {
                let at = Timestamp::from_unix(*sort_time);
                found.insert(PagePosition::new(at, values::message_key(message)?));
            }
        }
        while found.len() > query.limit {
            found.pop_first();
        }
        let is_full = found.len() == query.limit;
        let end = found.first().filter(|_| is_full).map(|at| rows_of(at.sort_time.as_unix()).0);
        if last == i64::MIN || end.is_some_and(|end| last < end) {
            break;
        }
        from = last.saturating_sub(1);
    }
    Ok(found)
}

/// The question as the engine understands it: one of the keys, and every term in one of these columns. Words are letters and
/// digits: nothing in them means anything to the engine.
fn text(query: &PageQuery, question: &Question<'_>) -> String {
    let columns = match question.place {
        Place::Anywhere => "{head body}",
        Place::Head => "head",
    };
    let keys: Vec<_> = tokens(query).into_iter().map(|token| format!("\"{token}\"")).collect();
    let terms = question.terms.terms().iter();
    let terms = terms.map(|term| format!("({columns} : \"{}\" *)", term.join(" ")));
    std::iter::once(format!("(keys : ({}))", keys.join(" OR ")))
        .chain(terms)
        .collect::<Vec<_>>()
        .join(" AND ")
}

fn column(texts: Vec<Vec<String>>) -> String {
    texts.into_iter().map(|words| words.join(" ")).collect::<Vec<_>>().join(GAP)
}

/// The first and the last number of the rows of a second.
fn rows_of(sort_time: i64) -> (i64, i64) {
    let first = sort_time.clamp(-MAX_SECONDS, MAX_SECONDS) << SERIAL_BITS;
    (first, first | ((1 << SERIAL_BITS) - 1))
}

async fn of_message(
    sql: &'static str,
    practice: &PracticeId,
    message: &MessageKey,
    tx: &mut Tx<'_>,
) -> Result<Vec<i64>> {
    let select = statement::query_scalar(sql).bind(practice.as_str()).bind(message.as_bytes().as_slice());
    select.fetch_all(tx).await.map_err(failure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::sql::explain::plan;

    #[tokio::test]
    async fn what_is_searched_is_found_by_number_and_by_key() {
        for sql in [SELECT_SORT_TIME, SELECT_ROWS, SELECT_LAST, DELETE_ROW, DELETE_TEXT, SELECT_HITS] {
            for step in plan(sql).await {
                let by_number =
                    step.starts_with("SCAN search VIRTUAL TABLE INDEX") && !step.ends_with("INDEX 0:");
                let given = step.starts_with("SCAN json_each") || step == "SCAN hit";
                assert!(by_number || given || !step.starts_with("SCAN"), "{step} in {sql}");
                assert!(!step.starts_with("USE TEMP B-TREE"), "{step} in {sql}");
            }
        }
    }
}
