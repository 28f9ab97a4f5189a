//! Pages and counts.

use std::collections::BTreeSet;

use super::statement::{self, Query};
use super::transaction::Tx;

use super::failure::failure;
use super::filter::{self, passes};
use super::{conversations, search, values};
use crate::contract::{PageFilter, PagePosition, PageQuery};
use crate::error::Result;
use crate::types::{ConversationId, KeyDigest, MessageId, MessageKey, PracticeId, Timestamp};

const FIRST: &str = "
    SELECT sort_time, message FROM posting
    WHERE practice = ?1 AND key = ?2
    ORDER BY sort_time DESC, message DESC LIMIT ?3";

const NEXT: &str = "
    SELECT sort_time, message FROM posting
    WHERE practice = ?1 AND key = ?2 AND (sort_time, message) < (?4, ?5)
    ORDER BY sort_time DESC, message DESC LIMIT ?3";

const FILTERED: &str = concat!(
    "
    SELECT p.sort_time, p.message FROM posting AS p
    WHERE p.practice = ?1 AND p.key = ?2 AND ",
    passes!(),
    "
    ORDER BY p.sort_time DESC, p.message DESC LIMIT ?3"
);

/// On a server every question costs a journey: the newest of each key in one.
#[cfg(feature = "postgres")]
const OF_ALL_KEYS: &str = concat!(
    "
    SELECT DISTINCT top.sort_time, top.message
    FROM json_each(?2) AS k CROSS JOIN LATERAL (
        SELECT p.sort_time, p.message FROM posting AS p
        WHERE p.practice = ?1 AND p.key = unhex(k.value) AND ",
    passes!(),
    "
        ORDER BY p.sort_time DESC, p.message DESC LIMIT ?3) AS top
    ORDER BY top.sort_time DESC, top.message DESC LIMIT ?3"
);

/// A conversation is short: it is sorted.
const OF_CONVERSATION: &str = concat!(
    "
    SELECT p.sort_time, p.message FROM message AS p INDEXED BY message_of_conversation
    WHERE p.practice = ?1 AND p.conversation = ?2 AND ",
    passes!(),
    "
      AND EXISTS (
        SELECT 1 FROM posting AS k INDEXED BY posting_of_message
        WHERE k.practice = ?1 AND k.message = p.message AND k.key IN (SELECT unhex(value) FROM json_each(?11)))
    ORDER BY p.sort_time DESC, p.message DESC LIMIT ?3"
);

/// Any order will do for counting; the postings of one key hold each message once.
const COUNT: &str = "SELECT message FROM posting WHERE practice = ?1 AND key = ?2 LIMIT ?3";

/// The same of all keys in one journey: of each as many as are counted at most.
#[cfg(feature = "postgres")]
const COUNT_ALL: &str = "
    SELECT count(DISTINCT found.message)
    FROM json_each(?2) AS k CROSS JOIN LATERAL (
        SELECT p.message FROM posting AS p WHERE p.practice = ?1 AND p.key = unhex(k.value) LIMIT ?3) AS found";

const SELECT_WITH_MESSAGE_ID: &str = "
    SELECT message FROM message WHERE practice = ?1 AND message_id = ?2 ORDER BY message";

type Row = (i64, Vec<u8>);

/// The newest, first.
pub(super) async fn page(tx: &mut Tx<'_>, query: &PageQuery) -> Result<Vec<PagePosition>> {
    if query.limit == 0 || query.keys.is_empty() {
        return Ok(Vec::new());
    }
    let conversation = match query.conversation {
        None => None,
        Some(id) => match conversations::resolve(tx, &query.practice, id).await? {
            None => return Ok(Vec::new()),
            resolved => resolved,
        },
    };
    if let Some(terms) = &query.filter.terms {
        return search::page(tx, query, conversation, terms).await;
    }
    match conversation {
        Some(conversation) => of_conversation(tx, query, &conversation).await,
        None => of_keys(tx, query).await,
    }
}

/// The newest of each key, merged. One question a key: asked for all keys at once, the engine would read all their
/// postings and sort them.
async fn of_keys(tx: &mut Tx<'_>, query: &PageQuery) -> Result<Vec<PagePosition>> {
    #[cfg(feature = "postgres")]
    if tx.is_on_a_server() {
        let select = statement::query_as(OF_ALL_KEYS)
            .bind(query.practice.as_str())
            .bind(values::keys_to_json(&query.keys)?)
            .bind(limit(query));
        let rows: Vec<Row> = filter::bind(select, query)?.fetch_all(tx).await.map_err(failure)?;
        return rows.into_iter().map(position).collect();
    }
    let mut newest = BTreeSet::new();
    for key in query.keys.iter().collect::<BTreeSet<_>>() {
        for row in select(query, key)?.fetch_all(tx).await.map_err(failure)? {
            newest.insert(position(row)?);
        }
        while newest.len() > query.limit {
            newest.pop_first();
        }
    }
    Ok(newest.into_iter().rev().collect())
}

fn select(query: &PageQuery, key: &KeyDigest) -> Result<Query<Row>> {
    let begun = |sql: &'static str| {
        statement::query_as(sql)
            .bind(query.practice.as_str().to_owned())
            .bind(key.as_bytes().to_vec())
            .bind(limit(query))
    };
    if query.filter != PageFilter::default() {
        return filter::bind(begun(FILTERED), query);
    }
    Ok(match query.before {
        None => begun(FIRST),
        Some(at) => begun(NEXT).bind(at.sort_time.as_unix()).bind(at.message.as_bytes().to_vec()),
    })
}

async fn of_conversation(
    tx: &mut Tx<'_>,
    query: &PageQuery,
    conversation: &ConversationId,
) -> Result<Vec<PagePosition>> {
    let select = statement::query_as(OF_CONVERSATION)
        .bind(query.practice.as_str().to_owned())
        .bind(conversation.as_bytes().to_vec())
        .bind(limit(query));
    let select = filter::bind(select, query)?.bind(values::keys_to_json(&query.keys)?);
    let rows: Vec<Row> = select.fetch_all(tx).await.map_err(failure)?;
    rows.into_iter().map(position).collect()
}

/// How many messages a question has, up to its limit.
pub(super) async fn count(tx: &mut Tx<'_>, query: &PageQuery) -> Result<usize> {
    if query.conversation.is_some() || query.filter != PageFilter::default() {
        return Ok(page(tx, &query.clone().before(None)).await?.len());
    }
    #[cfg(feature = "postgres")]
    if tx.is_on_a_server() {
        let count: i64 = statement::query_scalar(COUNT_ALL)
            .bind(query.practice.as_str())
            .bind(values::keys_to_json(&query.keys)?)
            .bind(limit(query))
            .fetch_one(tx)
            .await
            .map_err(failure)?;
        return Ok(usize::try_from(count).unwrap_or(usize::MAX).min(query.limit));
    }
    let mut messages = BTreeSet::new();
    for key in query.keys.iter().collect::<BTreeSet<_>>() {
        let rows: Vec<(Vec<u8>,)> = statement::query_as(COUNT)
            .bind(query.practice.as_str())
            .bind(key.as_bytes().as_slice())
            .bind(limit(query))
            .fetch_all(tx)
            .await
            .map_err(failure)?;
        for (message,) in rows {
            messages.insert(values::message_key(&message)?);
        }
        if messages.len() >= query.limit {
            return Ok(query.limit);
        }
    }
    Ok(messages.len())
}

/// The messages that bear a Message-ID.
pub(super) async fn with_message_id(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    id: &MessageId,
) -> Result<Vec<MessageKey>> {
    let rows: Vec<(Vec<u8>,)> = statement::query_as(SELECT_WITH_MESSAGE_ID)
        .bind(practice.as_str())
        .bind(id.as_str())
        .fetch_all(tx)
        .await
        .map_err(failure)?;
    rows.iter().map(|(message,)| values::message_key(message)).collect()
}

fn limit(query: &PageQuery) -> i64 {
    i64::try_from(query.limit).unwrap_or(i64::MAX)
}

fn position((sort_time, message): Row) -> Result<PagePosition> {
    Ok(PagePosition::new(Timestamp::from_unix(sort_time), values::message_key(&message)?))
}

#[cfg(test)]
mod tests {
    use super::super::explain::plan;
    use super::*;

    #[tokio::test]
    async fn pages_and_counts_are_read_by_key_without_sorting() {
        for sql in [FIRST, NEXT, COUNT, SELECT_WITH_MESSAGE_ID] {
            for step in plan(sql).await {
                assert!(step.starts_with("SEARCH"), "{step} in {sql}");
            }
        }
    }

    #[tokio::test]
    async fn what_a_filter_asks_of_a_message_is_read_by_key() {
        for sql in [FILTERED, OF_CONVERSATION] {
            let steps = plan(sql).await;
            for step in &steps {
                let given = step.starts_with("SCAN json_each") || step.starts_with("SCAN k ");
                assert!(given || !step.starts_with("SCAN"), "{step} in {sql}");
            }
            let sorts = steps.iter().any(|step| step == "USE TEMP B-TREE FOR ORDER BY");
            assert_eq!(sorts, sql == OF_CONVERSATION, "{steps:?}");
        }
        let bounds = "(practice=? AND key=? AND sort_time>? AND (sort_time,message)<(?,?))";
        let first = plan(FILTERED).await.into_iter().next().unwrap();
        assert!(first.ends_with(bounds), "{first}");
        let first = plan(OF_CONVERSATION).await.into_iter().next().unwrap();
        assert!(first.contains("message_of_conversation (practice=? AND conversation=?)"), "{first}");
    }
}
