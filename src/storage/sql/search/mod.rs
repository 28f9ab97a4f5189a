//! Searching in what messages say. Of each rendition: its message's keys, so that the engine meets those of a client with the terms;
//! what everybody may search who sees the message; and what only those may who read it.

#[cfg(feature = "sqlite")]
pub(in crate::storage) mod fts5;
#[cfg(feature = "postgres")]
mod tsvector;

use std::collections::BTreeSet;

use super::failure::failure;
use super::statement;
use super::transaction::{Connection, Tx};
use super::values;
use crate::contract::{PagePosition, PageQuery, Rendition};
use crate::error::Result;
use crate::types::{ConversationId, Digest, KeyDigest, MessageKey, PracticeId, SearchTerms};

const SELECT_KEYS: &str = "
    SELECT key FROM posting INDEXED BY posting_of_message WHERE practice = ?1 AND message = ?2";

/// Whether a rendition `s` of a message `p` may be searched: `?14`, 2 where it has to be one that `?7` may read, 1 where it has to be
/// one that is shown to them, 0 where it may be any.
macro_rules! is_in_sight {
    () => {
        "(?14 = 0
        OR EXISTS (
            SELECT 1 FROM copy AS c JOIN account AS a ON a.practice = c.practice AND a.account = c.account
            WHERE c.practice = ?1 AND c.message = p.message AND c.rendition = s.rendition
              AND (a.user = ?7
                OR ((?14 = 1 OR coalesce(json_extract(a.settings, '$.sharing'), '') <> 'headers_only')
                  AND NOT EXISTS (
                    SELECT 1 FROM hidden AS h
                    WHERE h.practice = ?1 AND h.message = p.message AND h.user = a.user))))
        OR EXISTS (
            SELECT 1 FROM outgoing AS o LEFT JOIN account AS a ON a.practice = o.practice AND a.account = o.account
            WHERE o.practice = ?1 AND o.message = p.message AND o.rendition = s.rendition
              AND (o.author = ?7
                OR ((?14 = 1 OR coalesce(json_extract(a.settings, '$.sharing'), '') <> 'headers_only')
                  AND NOT EXISTS (
                    SELECT 1 FROM hidden AS h
                    WHERE h.practice = ?1 AND h.message = p.message AND h.user = o.author)))))"
    };
}
use is_in_sight;

/// Writes what a message is searched for by, with the keys it is found by now; what was written before goes.
pub(in crate::storage::sql) async fn write(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    message: &MessageKey,
    renditions: &[Rendition],
) -> Result<()> {
    forget(tx, practice, message).await?;
    let keys: Vec<Vec<u8>> = statement::query_scalar(SELECT_KEYS)
        .bind(practice.as_str())
        .bind(message.as_bytes().as_slice())
        .fetch_all(tx)
        .await
        .map_err(failure)?;
    let keys = keys.iter().map(|key| Ok(token(practice, &values::key(key)?))).collect::<Result<Vec<_>>>()?;
    match tx.connection() {
        #[cfg(feature = "sqlite")]
        Connection::Sqlite(_) => fts5::write(tx, (practice, message), &keys, renditions).await,
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) => tsvector::write(tx, (practice, message), &keys, renditions).await,
    }
}

/// Takes away what a message is searched for by.
pub(in crate::storage::sql) async fn forget(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    message: &MessageKey,
) -> Result<()> {
    match tx.connection() {
        #[cfg(feature = "sqlite")]
        Connection::Sqlite(_) => fts5::forget(tx, practice, message).await,
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) => tsvector::forget(tx, practice, message).await,
    }
}

/// The newest messages that hold the terms, first. A term may stand wherever the one who asks may read, and in the head of what is
/// shown to them only.
pub(in crate::storage::sql) async fn page(
    tx: &mut Tx<'_>,
    query: &PageQuery,
    conversation: Option<ConversationId>,
    terms: &SearchTerms,
) -> Result<Vec<PagePosition>> {
    let sight = if query.filter.seen_by.is_some() { Sight::Read } else { Sight::Any };
    let anywhere = Question { conversation, terms, place: Place::Anywhere, sight };
    let mut found = newest(tx, query, &anywhere).await?;
    if sight == Sight::Read {
        let in_head = Question { place: Place::Head, sight: Sight::Shown, ..anywhere };
        found.extend(newest(tx, query, &in_head).await?);
    }
    Ok(found.into_iter().rev().take(query.limit).collect())
}

/// At least as many of the newest as are asked for, if there are as many.
async fn newest(
    tx: &mut Tx<'_>,
    query: &PageQuery,
    question: &Question<'_>,
) -> Result<BTreeSet<PagePosition>> {
    match tx.connection() {
        #[cfg(feature = "sqlite")]
        Connection::Sqlite(_) => fts5::newest(tx, query, question).await,
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) => tsvector::newest(tx, query, question).await,
    }
}

struct Question<'a> {
    conversation: Option<ConversationId>,
    terms: &'a SearchTerms,
    place: Place,
    sight: Sight,
}

/// Where terms may stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Anywhere,
    Head,
}

/// What of a rendition the one who asks has to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    Any = 0,
    Shown = 1,
    Read = 2,
}

/// The word that a key is in the full text: of one practice, so that no other's rows are met with.
fn token(practice: &PracticeId, key: &KeyDigest) -> String {
    let mut octets = practice.as_str().as_bytes().to_vec();
    octets.push(0);
    octets.extend_from_slice(key.as_bytes());
    values::hex(Digest::of(&octets).as_bytes().split_at(16).0)
}

/// Those of a question's keys, each once.
fn tokens(query: &PageQuery) -> BTreeSet<String> {
    query.keys.iter().map(|key| token(&query.practice, key)).collect()
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::super::explain::plan;
    use super::*;

    #[tokio::test]
    async fn a_messages_keys_are_found_by_it() {
        for step in plan(SELECT_KEYS).await {
            assert!(!step.starts_with("SCAN"), "{step}");
        }
    }
}
