//! Writing messages, renditions, copies and postings.

use super::statement;
use super::transaction::Tx;

use super::changes::record_by;
use super::conversations::Changed;
use super::failure::failure;
use super::{conversations, copies, messages, search, values};
use crate::contract::{ArchivedCopy, ChangeKind, MovedCopy, Rendition};
use crate::error::Result;
use crate::storage::rules::Content;
use crate::storage::rules::links;
use crate::types::{AccountId, CopyPlace, KEY_VERSION, MessageId, MessageKey, PracticeId, Timestamp};

/// The rules by which renditions are derived from octets: rows of an older number are derived again.
const PARSED_BY: i64 = 1;

const SELECT_STORED: &str = "
    SELECT sha256, message FROM copy
    WHERE practice = ?1 AND account = ?2 AND mailbox = ?3 AND uid_validity = ?4 AND uid = ?5";

const SELECT_HAS: &str = "SELECT EXISTS (SELECT 1 FROM message WHERE practice = ?1 AND message = ?2)";

const INSERT_MESSAGE: &str = "
    INSERT INTO message (practice, message, sort_time, message_id, key_version, conversation, arrival)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

/// What is asked of all renditions of a message together.
const SUM_UP: &str = "
    UPDATE message SET participants = ?3, attachments = ?4 WHERE practice = ?1 AND message = ?2";

const INSERT_RENDITION: &str = "
    INSERT INTO rendition (practice, message, digest, ordinal, date, date_offset, subject, text, html, participants,
        attachments, in_reply_to, refs, unparsed, parsed_by, automatic, incomplete)
    VALUES (?1, ?2, ?3, (SELECT coalesce(max(ordinal) + 1, 0) FROM rendition WHERE practice = ?1 AND message = ?2),
        ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
    ON CONFLICT DO NOTHING";

/// The message's own `sort_time`, which is what it was first.
const INSERT_POSTINGS: &str = "
    INSERT INTO posting (practice, key, sort_time, message)
    SELECT m.practice, unhex(k.value), m.sort_time, m.message
    FROM message AS m, json_each(?3) AS k
    WHERE m.practice = ?1 AND m.message = ?2
    ON CONFLICT DO NOTHING";

const DELETE_COPY: &str = "
    DELETE FROM copy
    WHERE practice = ?1 AND account = ?2 AND mailbox = ?3 AND uid_validity = ?4 AND uid = ?5";

/// No server gives out these numbers, so the place is nobody's.
const TAKE_OUT: &str = "
    UPDATE copy SET uid_validity = 0, uid = ?6
    WHERE practice = ?1 AND account = ?2 AND mailbox = ?3 AND uid_validity = ?4 AND uid = ?5";

const PUT_BACK: &str = "
    UPDATE copy SET
        mailbox = ?5, uid_validity = ?6, uid = ?7, labels = ?8, state = 'present', missing_since = NULL
    WHERE practice = ?1 AND account = ?2 AND mailbox = ?3 AND uid_validity = 0 AND uid = ?4";

/// What archiving a copy added.
#[derive(Debug, Clone, core::marker::Copy, PartialEq, Eq)]
pub(super) enum Added {
    /// The copy was there, with the same octets.
    Nothing,
    /// A copy of a message that was there.
    Copy,
    /// A message and its first copy.
    Message,
}

/// Who takes up what, and when.
#[derive(Clone, core::marker::Copy)]
pub(super) struct Taking<'a> {
    pub(super) practice: &'a PracticeId,
    pub(super) account: Option<&'a AccountId>,
    pub(super) now: Timestamp,
}

/// Archives a copy of `message`, and tells of the message if it is new. One that is there puts back what its message lacks.
pub(super) async fn put(
    tx: &mut Tx<'_>,
    taking: Taking<'_>,
    message: MessageKey,
    archived: &ArchivedCopy,
) -> Result<Added> {
    let (practice, copy) = (taking.practice, &archived.copy);
    if let Some((sha256, known)) = stored(tx, practice, &copy.place).await?
        && sha256 == copy.sha256.as_bytes()
    {
        let content = Content::of_copy(values::message_key(&known)?, archived);
        take_up(tx, taking, &content).await?;
        copies::save(tx, practice, &content, archived).await?;
        let renditions = messages::renditions(tx, practice, &content.message).await?;
        search::write(tx, practice, &content.message, &renditions).await?;
        return Ok(Added::Nothing);
    }
    let content = Content::of_copy(message, archived);
    let is_new = take_up(tx, taking, &content).await?;
    copies::save(tx, practice, &content, archived).await?;
    Ok(if is_new { Added::Message } else { Added::Copy })
}

/// Adds what a message says, the keys it is found by and what it names, and tells of it if it is new; says whether it is.
pub(super) async fn take_up(tx: &mut Tx<'_>, taking: Taking<'_>, content: &Content<'_>) -> Result<bool> {
    let (practice, message) = (taking.practice, &content.message);
    let is_new = !has(tx, practice, message).await?;
    if is_new {
        insert(tx, taking, content).await?;
    }
    let rendition = Rendition::of(content.digest, content.parsed);
    let says_more = put_rendition(tx, practice, message, &rendition).await?;
    let is_found_more = put_postings(tx, practice, content).await?;
    let renditions = match (is_new, says_more || is_found_more) {
        (true, _) => vec![rendition],
        (false, true) => messages::renditions(tx, practice, message).await?,
        (false, false) => Vec::new(),
    };
    if says_more {
        sum_up(tx, practice, message, &renditions).await?;
    }
    let changed = match (is_new, says_more) {
        (true, _) => Changed::Everything,
        (false, true) => Changed::Participants,
        (false, false) => Changed::Nothing,
    };
    conversations::join(tx, practice, message, (&content.links(), changed)).await?;
    if !renditions.is_empty() {
        search::write(tx, practice, message, &renditions).await?;
    }
    Ok(is_new)
}

/// Writes anew what is asked of all renditions of a message together.
pub(super) async fn sum_up(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    message: &MessageKey,
    renditions: &[Rendition],
) -> Result<()> {
    let participants = links::participants(renditions.iter().flat_map(|rendition| &rendition.participants));
    statement::query(SUM_UP)
        .bind(practice.as_str())
        .bind(message.as_bytes().as_slice())
        .bind(values::keys_to_octets(&participants))
        .bind(renditions.iter().any(|rendition| !rendition.attachments.is_empty()))
        .execute(tx)
        .await
        .map_err(failure)?;
    Ok(())
}

/// Lets copies follow where the server put them; one that is not archived is nothing to follow. All are taken out before any
/// is put back: one may move to where another was.
pub(super) async fn follow(tx: &mut Tx<'_>, practice: &PracticeId, moved: &[MovedCopy]) -> Result<()> {
    let mut taken = Vec::new();
    for (moved, number) in moved.iter().zip(1i64..) {
        let done = statement::query(TAKE_OUT)
            .bind(practice.as_str())
            .bind(moved.from.account.as_str())
            .bind(moved.from.mailbox.as_wire())
            .bind(i64::from(moved.from.uid_validity.get()))
            .bind(i64::from(moved.from.uid.get()))
            .bind(-number)
            .execute(tx)
            .await
            .map_err(failure)?;
        if done.rows_affected() > 0 {
            taken.push((moved, -number));
        }
    }
    for (moved, number) in taken {
        at_place(tx, DELETE_COPY, practice, &moved.to).await?;
        statement::query(PUT_BACK)
            .bind(practice.as_str())
            .bind(moved.from.account.as_str())
            .bind(moved.from.mailbox.as_wire())
            .bind(number)
            .bind(moved.to.mailbox.as_wire())
            .bind(i64::from(moved.to.uid_validity.get()))
            .bind(i64::from(moved.to.uid.get()))
            .bind(values::labels_to_json(&moved.labels)?)
            .execute(tx)
            .await
            .map_err(failure)?;
    }
    Ok(())
}

async fn has(tx: &mut Tx<'_>, practice: &PracticeId, message: &MessageKey) -> Result<bool> {
    let select =
        statement::query_scalar(SELECT_HAS).bind(practice.as_str()).bind(message.as_bytes().as_slice());
    select.fetch_one(tx).await.map_err(failure)
}

async fn insert(tx: &mut Tx<'_>, taking: Taking<'_>, content: &Content<'_>) -> Result<()> {
    let Taking { practice, account, now } = taking;
    let change = ChangeKind::MessageArchived(content.message);
    let arrival = record_by(tx, practice, now, (account, None), &change).await?;
    let conversation = conversations::begun_by(tx, practice, content.message).await?;
    statement::query(INSERT_MESSAGE)
        .bind(practice.as_str())
        .bind(content.message.as_bytes().as_slice())
        .bind(content.sort_time.as_unix())
        .bind(content.parsed.headers.message_id.as_ref().map(MessageId::as_str))
        .bind(i64::from(KEY_VERSION))
        .bind(conversation.as_bytes().as_slice())
        .bind(arrival)
        .execute(tx)
        .await
        .map_err(failure)?;
    Ok(())
}

/// Says whether the message did not say that before.
async fn put_rendition(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    message: &MessageKey,
    rendition: &Rendition,
) -> Result<bool> {
    let done = statement::query(INSERT_RENDITION)
        .bind(practice.as_str())
        .bind(message.as_bytes().as_slice())
        .bind(rendition.digest.as_bytes().as_slice())
        .bind(rendition.date.map(|date| date.at.as_unix()))
        .bind(rendition.date.map(|date| i64::from(date.offset_minutes)))
        .bind(rendition.subject.as_str())
        .bind(rendition.text.as_str())
        .bind(rendition.html.as_deref())
        .bind(values::participants_to_json(&rendition.participants)?)
        .bind(values::attachments_to_json(&rendition.attachments)?)
        .bind(rendition.in_reply_to.as_ref().map(MessageId::as_str))
        .bind(values::message_ids_to_json(&rendition.references)?)
        .bind(rendition.unparsed.as_deref())
        .bind(PARSED_BY)
        .bind(rendition.automatic)
        .bind(rendition.incomplete)
        .execute(tx)
        .await
        .map_err(failure)?;
    Ok(done.rows_affected() > 0)
}

/// Says whether the message was not found by one of them before.
async fn put_postings(tx: &mut Tx<'_>, practice: &PracticeId, content: &Content<'_>) -> Result<bool> {
    let done = statement::query(INSERT_POSTINGS)
        .bind(practice.as_str())
        .bind(content.message.as_bytes().as_slice())
        .bind(values::keys_to_json(content.postings)?)
        .execute(tx)
        .await
        .map_err(failure)?;
    Ok(done.rows_affected() > 0)
}

async fn stored(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    place: &CopyPlace,
) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
    statement::query_as(SELECT_STORED)
        .bind(practice.as_str())
        .bind(place.account.as_str())
        .bind(place.mailbox.as_wire())
        .bind(i64::from(place.uid_validity.get()))
        .bind(i64::from(place.uid.get()))
        .fetch_optional(tx)
        .await
        .map_err(failure)
}

async fn at_place(
    tx: &mut Tx<'_>,
    sql: &'static str,
    practice: &PracticeId,
    place: &CopyPlace,
) -> Result<()> {
    statement::query(sql)
        .bind(practice.as_str())
        .bind(place.account.as_str())
        .bind(place.mailbox.as_wire())
        .bind(i64::from(place.uid_validity.get()))
        .bind(i64::from(place.uid.get()))
        .execute(tx)
        .await
        .map_err(failure)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::explain::plan;
    use super::*;

    #[tokio::test]
    async fn what_is_taken_up_is_looked_for_by_key() {
        for sql in [SELECT_STORED, SELECT_HAS, SUM_UP, INSERT_POSTINGS] {
            for step in plan(sql).await {
                let given = step.starts_with("SCAN k ") || step == "SCAN CONSTANT ROW";
                assert!(given || !step.starts_with("SCAN"), "{step} in {sql}");
            }
        }
    }
}
