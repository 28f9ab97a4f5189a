//! Reading the archive: pages, counts and messages.

use std::collections::BTreeSet;

use sqlx::SqliteConnection;

use super::archive::place;
use super::comparison::copy;
use super::failure::{corrupt, failure};
use super::values;
use crate::contract::{Message, MessageCopy, PagePosition, PageQuery, Rendition};
use crate::error::Result;
use crate::types::{CleanText, KeyDigest, MessageDate, MessageKey, PracticeId, Timestamp, UserId};

const PAGE_FIRST: &str = "
    SELECT sort_time, message FROM posting
    WHERE practice = ?1 AND key = ?2
    ORDER BY sort_time DESC, message DESC LIMIT ?3";

const PAGE_NEXT: &str = "
    SELECT sort_time, message FROM posting
    WHERE practice = ?1 AND key = ?2 AND (sort_time, message) < (?4, ?5)
    ORDER BY sort_time DESC, message DESC LIMIT ?3";

/// Any order will do for counting; the postings of one key hold each message once.
const COUNT: &str = "SELECT message FROM posting WHERE practice = ?1 AND key = ?2 LIMIT ?3";

const SELECT_KEYS_AFTER: &str = "
    SELECT message FROM message WHERE practice = ?1 AND message > ?2 ORDER BY message LIMIT ?3";

const SELECT_MESSAGE: &str = "SELECT sort_time, message_id FROM message WHERE practice = ?1 AND message = ?2";

const SELECT_RENDITIONS: &str = "
    SELECT ordinal, digest, date, date_offset, subject, text, html, participants, attachments, in_reply_to, refs,
           unparsed, automatic
    FROM rendition WHERE practice = ?1 AND message = ?2";

const SELECT_COPIES: &str = "
    SELECT c.account, c.mailbox, c.uid_validity, c.uid, c.rendition, c.sha256, c.size, c.internal_date, c.labels, c.bcc,
           c.state, c.missing_since, a.user
    FROM copy AS c JOIN account AS a ON a.practice = c.practice AND a.account = c.account
    WHERE c.practice = ?1 AND c.message = ?2
    ORDER BY c.account, c.mailbox, c.uid_validity, c.uid";

type RenditionRow = (
    i64,
    Vec<u8>,
    Option<i64>,
    Option<i64>,
    String,
    String,
    Option<String>,
    String,
    String,
    Option<String>,
    String,
    Option<String>,
    bool,
);

type CopyRow = (
    String,
    Vec<u8>,
    i64,
    i64,
    Vec<u8>,
    Vec<u8>,
    i64,
    Option<i64>,
    String,
    String,
    String,
    Option<i64>,
    String,
);

/// The newest of each key, merged. One question a key: asked for all keys at once, the engine would read all their
/// postings and sort them.
pub(super) async fn page(tx: &mut SqliteConnection, query: &PageQuery) -> Result<Vec<PagePosition>> {
    let mut newest = BTreeSet::new();
    for key in query.keys.iter().collect::<BTreeSet<_>>() {
        let sql = if query.before.is_some() { PAGE_NEXT } else { PAGE_FIRST };
        let mut select = sqlx::query_as(sql)
            .bind(query.practice.as_str())
            .bind(key.as_bytes().as_slice())
            .bind(i64::try_from(query.limit).unwrap_or(i64::MAX));
        if let Some(position) = query.before {
            select = select.bind(position.sort_time.as_unix()).bind(position.message.as_bytes().to_vec());
        }
        let rows: Vec<(i64, Vec<u8>)> = select.fetch_all(&mut *tx).await.map_err(failure)?;
        for (sort_time, message) in rows {
            newest.insert(PagePosition::new(Timestamp::from_unix(sort_time), values::message_key(&message)?));
        }
        while newest.len() > query.limit {
            newest.pop_first();
        }
    }
    Ok(newest.into_iter().rev().collect())
}

/// How many messages carry any of the keys, up to a cap.
pub(super) async fn count(
    tx: &mut SqliteConnection,
    practice: &PracticeId,
    keys: &[KeyDigest],
    cap: u32,
) -> Result<u32> {
    let mut messages = BTreeSet::new();
    for key in keys.iter().collect::<BTreeSet<_>>() {
        let rows: Vec<(Vec<u8>,)> = sqlx::query_as(COUNT)
            .bind(practice.as_str())
            .bind(key.as_bytes().as_slice())
            .bind(i64::from(cap))
            .fetch_all(&mut *tx)
            .await
            .map_err(failure)?;
        for (message,) in rows {
            messages.insert(values::message_key(&message)?);
        }
        if messages.len() >= cap as usize {
            return Ok(cap);
        }
    }
    Ok(u32::try_from(messages.len()).unwrap_or(cap))
}

/// Messages by key, in the order of keys, after one.
pub(super) async fn all(
    tx: &mut SqliteConnection,
    practice: &PracticeId,
    after: Option<MessageKey>,
    limit: usize,
) -> Result<Vec<Message>> {
    let rows: Vec<(Vec<u8>,)> = sqlx::query_as(SELECT_KEYS_AFTER)
        .bind(practice.as_str())
        .bind(after.map_or_else(Vec::new, |key| key.as_bytes().to_vec()))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&mut *tx)
        .await
        .map_err(failure)?;
    let keys = rows.iter().map(|(message,)| values::message_key(message)).collect::<Result<Vec<_>>>()?;
    messages(tx, practice, &keys).await
}

/// These messages, in this order.
pub(super) async fn messages(
    tx: &mut SqliteConnection,
    practice: &PracticeId,
    keys: &[MessageKey],
) -> Result<Vec<Message>> {
    let mut messages = Vec::with_capacity(keys.len());
    for key in keys {
        messages.extend(message(tx, practice, key).await?);
    }
    Ok(messages)
}

async fn message(
    tx: &mut SqliteConnection,
    practice: &PracticeId,
    key: &MessageKey,
) -> Result<Option<Message>> {
    let (tenant, octets) = (practice.as_str(), key.as_bytes().as_slice());
    let row: Option<(i64, Option<String>)> = sqlx::query_as(SELECT_MESSAGE)
        .bind(tenant)
        .bind(octets)
        .fetch_optional(&mut *tx)
        .await
        .map_err(failure)?;
    let Some((sort_time, message_id)) = row else { return Ok(None) };
    let mut renditions: Vec<RenditionRow> = sqlx::query_as(SELECT_RENDITIONS)
        .bind(tenant)
        .bind(octets)
        .fetch_all(&mut *tx)
        .await
        .map_err(failure)?;
    renditions.sort_by_key(|row| row.0);
    let copies: Vec<CopyRow> =
        sqlx::query_as(SELECT_COPIES).bind(tenant).bind(octets).fetch_all(tx).await.map_err(failure)?;
    Ok(Some(Message::new(
        *key,
        Timestamp::from_unix(sort_time),
        message_id.as_deref().map(values::message_id).transpose()?,
        renditions.into_iter().map(rendition).collect::<Result<_>>()?,
        copies.into_iter().map(message_copy).collect::<Result<_>>()?,
    )))
}

fn rendition(row: RenditionRow) -> Result<Rendition> {
    let (_, digest, date, offset, subject, text, html, people, files, in_reply_to, refs, unparsed, automatic) =
        row;
    let offset = offset.map_or(Ok(0), i16::try_from).map_err(|_| corrupt("a zone"))?;
    Ok(Rendition {
        digest: values::digest(&digest)?,
        participants: values::participants(&people)?,
        date: date.map(|at| MessageDate::new(Timestamp::from_unix(at), offset)),
        subject: CleanText::new(&subject),
        text,
        html,
        attachments: values::attachments(&files)?,
        in_reply_to: in_reply_to.as_deref().map(values::message_id).transpose()?,
        references: values::message_ids(&refs)?,
        unparsed,
        automatic,
    })
}

fn message_copy(row: CopyRow) -> Result<MessageCopy> {
    let (account, mailbox, validity, uid, rendition, sha256, size, date, labels, bcc, state, since, user) =
        row;
    let place = place(account, mailbox, validity, uid)?;
    let copy = copy(place, &sha256, size, date, &labels, (&state, since))?;
    let user = UserId::new(user).map_err(|_| corrupt("a user's id"))?;
    Ok(MessageCopy::new(copy, user, values::digest(&rendition)?, values::participants(&bcc)?))
}

#[cfg(test)]
mod tests {
    use super::super::explain::plan;
    use super::*;

    #[tokio::test]
    async fn pages_counts_and_messages_are_read_by_key_without_sorting() {
        for sql in [
            PAGE_FIRST,
            PAGE_NEXT,
            COUNT,
            SELECT_KEYS_AFTER,
            SELECT_MESSAGE,
            SELECT_RENDITIONS,
            SELECT_COPIES,
        ] {
            for step in plan(sql).await {
                assert!(step.starts_with("SEARCH"), "{step} in {sql}");
            }
        }
    }
}
