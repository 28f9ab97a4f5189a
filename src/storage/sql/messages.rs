//! Reading messages.

use std::collections::{BTreeMap, BTreeSet};

use super::copies::{self, get, place};
use super::failure::{corrupt, failure};
use super::row::Row;
use super::transaction::Tx;
use super::{conversations, hiding, statement, values};
use crate::contract::{Message, MessageCopy, Rendition};
use crate::error::Result;
use crate::types::{CleanText, MessageDate, MessageKey, PracticeId, Timestamp, UserId};

const SELECT_KEYS_AFTER: &str = "
    SELECT message FROM message WHERE practice = ?1 AND message > ?2 ORDER BY message LIMIT ?3";

/// Of a list of messages all at once, however many: on a server every question costs a journey. `CROSS JOIN` has SQLite begin with the list, which it
/// would guess to be longer than a practice's mail.
const SELECT_MESSAGES: &str = "
    SELECT m.message, m.sort_time, m.message_id, m.conversation, m.arrival
    FROM json_each(?2) AS k CROSS JOIN message AS m WHERE m.practice = ?1 AND m.message = unhex(k.value)";

const SELECT_RENDITIONS: &str = "
    SELECT r.message, r.ordinal, r.digest, r.date, r.date_offset, r.subject, r.text, r.html, r.participants, r.attachments,
           r.in_reply_to, r.refs, r.unparsed, r.automatic, r.incomplete
    FROM json_each(?2) AS k CROSS JOIN rendition AS r WHERE r.practice = ?1 AND r.message = unhex(k.value)";

const SELECT_COPIES: &str = "
    SELECT c.message, c.account, c.mailbox, c.uid_validity, c.uid, c.rendition, c.sha256, c.size, c.internal_date, c.labels,
           c.bcc, c.state, c.missing_since, c.stored, c.cuts, c.kept, c.authenticity, a.user AS owner,
           coalesce(json_extract(a.settings, '$.sharing'), '') = 'headers_only' AS headers_only
    FROM json_each(?2) AS k
        CROSS JOIN copy AS c
        CROSS JOIN account AS a
    WHERE c.practice = ?1 AND c.message = unhex(k.value) AND a.practice = c.practice AND a.account = c.account";

type MessageRow = (Vec<u8>, i64, Option<String>, Vec<u8>, i64);

/// Messages by key, in the order of keys, after one.
pub(super) async fn all(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    after: Option<MessageKey>,
    limit: usize,
) -> Result<Vec<Message>> {
    let rows: Vec<(Vec<u8>,)> = statement::query_as(SELECT_KEYS_AFTER)
        .bind(practice.as_str())
        .bind(after.map_or_else(Vec::new, |key| key.as_bytes().to_vec()))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(tx)
        .await
        .map_err(failure)?;
    let keys = rows.iter().map(|(message,)| values::message_key(message)).collect::<Result<Vec<_>>>()?;
    of_keys(tx, practice, &keys).await
}

/// These messages, in this order.
pub(super) async fn of_keys(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    keys: &[MessageKey],
) -> Result<Vec<Message>> {
    let asked: BTreeSet<_> = keys.iter().collect();
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let list = values::json(&asked.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    let rows: Vec<MessageRow> = statement::query_as(SELECT_MESSAGES)
        .bind(practice.as_str())
        .bind(list.as_str())
        .fetch_all(tx)
        .await
        .map_err(failure)?;
    let mut renditions = renditions_of(tx, practice, &list).await?;
    let mut copies = copies_of(tx, practice, &list).await?;
    let mut hidden_by = hiding::hidden_by(tx, practice, &list).await?;
    let mut messages = BTreeMap::new();
    for (key, sort_time, message_id, conversation, arrival) in rows {
        let key = values::message_key(&key)?;
        let mut message = Message::new(
            key,
            Timestamp::from_unix(sort_time),
            message_id.as_deref().map(values::message_id).transpose()?,
            renditions.remove(&key).unwrap_or_default(),
            copies.remove(&key).unwrap_or_default(),
        );
        message.conversation = conversations::id(&conversation)?;
        message.arrival = arrival.cast_unsigned();
        message.hidden_by = hidden_by.remove(&key).unwrap_or_default();
        messages.insert(key, message);
    }
    if asked.len() == keys.len() {
        return Ok(keys.iter().filter_map(|key| messages.remove(key)).collect());
    }
    Ok(keys.iter().filter_map(|key| messages.get(key).cloned()).collect())
}

/// A message's renditions, in the order in which they came.
pub(super) async fn renditions(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    key: &MessageKey,
) -> Result<Vec<Rendition>> {
    let list = values::json(&[key.to_string()])?;
    Ok(renditions_of(tx, practice, &list).await?.remove(key).unwrap_or_default())
}

async fn renditions_of(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    list: &str,
) -> Result<BTreeMap<MessageKey, Vec<Rendition>>> {
    let select = statement::query(SELECT_RENDITIONS).bind(practice.as_str()).bind(list);
    let mut renditions: BTreeMap<MessageKey, Vec<(i64, Rendition)>> = BTreeMap::new();
    for row in select.fetch_all(tx).await.map_err(failure)? {
        let of = values::message_key(&get::<Vec<u8>>(&row, "message")?)?;
        renditions.entry(of).or_default().push((get(&row, "ordinal")?, rendition(&row)?));
    }
    let in_order = |mut of: Vec<(i64, Rendition)>| {
        of.sort_by_key(|(ordinal, _)| *ordinal);
        of.into_iter().map(|(_, rendition)| rendition).collect()
    };
    Ok(renditions.into_iter().map(|(key, of)| (key, in_order(of))).collect())
}

async fn copies_of(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    list: &str,
) -> Result<BTreeMap<MessageKey, Vec<MessageCopy>>> {
    let select = statement::query(SELECT_COPIES).bind(practice.as_str()).bind(list);
    let mut copies: BTreeMap<MessageKey, Vec<MessageCopy>> = BTreeMap::new();
    for row in select.fetch_all(tx).await.map_err(failure)? {
        let of = values::message_key(&get::<Vec<u8>>(&row, "message")?)?;
        copies.entry(of).or_default().push(message_copy(&row)?);
    }
    for of in copies.values_mut() {
        of.sort_by(|a, b| a.copy.place.cmp(&b.copy.place));
    }
    Ok(copies)
}

fn rendition(row: &Row) -> Result<Rendition> {
    let offset = get::<Option<i64>>(row, "date_offset")?.map_or(Ok(0), i16::try_from);
    let offset = offset.map_err(|_| corrupt("a zone"))?;
    let date: Option<i64> = get(row, "date")?;
    Ok(Rendition {
        digest: values::digest(&get::<Vec<u8>>(row, "digest")?)?,
        participants: values::participants(&get::<String>(row, "participants")?)?,
        date: date.map(|at| MessageDate::new(Timestamp::from_unix(at), offset)),
        subject: CleanText::new(&get::<String>(row, "subject")?),
        text: get(row, "text")?,
        html: get(row, "html")?,
        attachments: values::attachments(&get::<String>(row, "attachments")?)?,
        in_reply_to: get::<Option<String>>(row, "in_reply_to")?
            .as_deref()
            .map(values::message_id)
            .transpose()?,
        references: values::message_ids(&get::<String>(row, "refs")?)?,
        unparsed: get(row, "unparsed")?,
        automatic: get(row, "automatic")?,
        incomplete: get(row, "incomplete")?,
    })
}

fn message_copy(row: &Row) -> Result<MessageCopy> {
    let place =
        place(get(row, "account")?, get(row, "mailbox")?, get(row, "uid_validity")?, get(row, "uid")?)?;
    let user = UserId::new(get::<String>(row, "owner")?).map_err(|_| corrupt("a user's id"))?;
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
        for sql in [SELECT_KEYS_AFTER, SELECT_MESSAGES, SELECT_RENDITIONS, SELECT_COPIES] {
            for step in plan(sql).await {
                assert!(step.starts_with("SEARCH") || step.starts_with("SCAN k "), "{step} in {sql}");
            }
        }
    }
}
