//! Reading messages.

use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::copies::{self, get, place};
use super::failure::{corrupt, failure};
use super::{conversations, hiding, values};
use crate::contract::{Message, MessageCopy, Rendition};
use crate::error::Result;
use crate::types::{CleanText, MessageDate, MessageKey, PracticeId, Timestamp, UserId};

const SELECT_KEYS_AFTER: &str = "
    SELECT message FROM message WHERE practice = ?1 AND message > ?2 ORDER BY message LIMIT ?3";

const SELECT_MESSAGE: &str = "
    SELECT sort_time, message_id, conversation, arrival FROM message WHERE practice = ?1 AND message = ?2";

const SELECT_RENDITIONS: &str = "
    SELECT ordinal, digest, date, date_offset, subject, text, html, participants, attachments, in_reply_to, refs,
           unparsed, automatic, incomplete
    FROM rendition WHERE practice = ?1 AND message = ?2";

const SELECT_COPIES: &str = "
    SELECT c.account, c.mailbox, c.uid_validity, c.uid, c.rendition, c.sha256, c.size, c.internal_date, c.labels, c.bcc,
           c.state, c.missing_since, c.stored, c.cuts, c.kept, c.authenticity, a.user,
           json_extract(a.settings, '$.sharing') IS 'headers_only' AS headers_only
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
    bool,
);

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
    of_keys(tx, practice, &keys).await
}

/// These messages, in this order.
pub(super) async fn of_keys(
    tx: &mut SqliteConnection,
    practice: &PracticeId,
    keys: &[MessageKey],
) -> Result<Vec<Message>> {
    let mut messages = Vec::with_capacity(keys.len());
    for key in keys {
        messages.extend(of_key(tx, practice, key).await?);
    }
    Ok(messages)
}

async fn of_key(
    tx: &mut SqliteConnection,
    practice: &PracticeId,
    key: &MessageKey,
) -> Result<Option<Message>> {
    let (tenant, octets) = (practice.as_str(), key.as_bytes().as_slice());
    let row: Option<(i64, Option<String>, Vec<u8>, i64)> = sqlx::query_as(SELECT_MESSAGE)
        .bind(tenant)
        .bind(octets)
        .fetch_optional(&mut *tx)
        .await
        .map_err(failure)?;
    let Some((sort_time, message_id, conversation, arrival)) = row else { return Ok(None) };
    let renditions = renditions(tx, practice, key).await?;
    let copies =
        sqlx::query(SELECT_COPIES).bind(tenant).bind(octets).fetch_all(&mut *tx).await.map_err(failure)?;
    let mut message = Message::new(
        *key,
        Timestamp::from_unix(sort_time),
        message_id.as_deref().map(values::message_id).transpose()?,
        renditions,
        copies.iter().map(message_copy).collect::<Result<_>>()?,
    );
    message.conversation = conversations::id(&conversation)?;
    message.arrival = arrival.cast_unsigned();
    message.hidden_by = hiding::hidden_by(tx, practice, key).await?;
    Ok(Some(message))
}

/// A message's renditions, in the order in which they came.
pub(super) async fn renditions(
    tx: &mut SqliteConnection,
    practice: &PracticeId,
    key: &MessageKey,
) -> Result<Vec<Rendition>> {
    let mut rows: Vec<RenditionRow> = sqlx::query_as(SELECT_RENDITIONS)
        .bind(practice.as_str())
        .bind(key.as_bytes().as_slice())
        .fetch_all(tx)
        .await
        .map_err(failure)?;
    rows.sort_by_key(|row| row.0);
    rows.into_iter().map(rendition).collect()
}

fn rendition(row: RenditionRow) -> Result<Rendition> {
    let (_, digest, date, offset, subject, text, html, people, files, in_reply_to, refs, unparsed, ..) = row;
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
        automatic: row.12,
        incomplete: row.13,
    })
}

fn message_copy(row: &SqliteRow) -> Result<MessageCopy> {
    let place =
        place(get(row, "account")?, get(row, "mailbox")?, get(row, "uid_validity")?, get(row, "uid")?)?;
    let user = UserId::new(get::<String>(row, "user")?).map_err(|_| corrupt("a user's id"))?;
    let rendition = values::digest(&get::<Vec<u8>>(row, "rendition")?)?;
    let bcc = values::participants(&get::<String>(row, "bcc")?)?;
    let mut copy = MessageCopy::new(copies::from_row(place, row)?, user, rendition, bcc);
    copy.headers_only = get(row, "headers_only")?;
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::super::explain::plan;
    use super::*;

    #[tokio::test]
    async fn messages_are_read_by_key_without_sorting() {
        for sql in [SELECT_KEYS_AFTER, SELECT_MESSAGE, SELECT_RENDITIONS, SELECT_COPIES] {
            for step in plan(sql).await {
                assert!(step.starts_with("SEARCH"), "{step} in {sql}");
            }
        }
    }
}
