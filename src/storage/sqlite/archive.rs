//! Writing messages, renditions, copies and postings.

use sqlx::SqliteConnection;

use super::failure::failure;
use super::values;
use crate::contract::{ArchivedCopy, MovedCopy, Rendition};
use crate::error::Result;
use crate::storage::content::Content;
use crate::types::{
    CopyPlace, CopyState, Field, KEY_VERSION, MailboxName, MessageId, MessageKey, PracticeId, Timestamp,
};

/// The rules by which renditions are derived from octets: rows of an older number are derived again.
const PARSED_BY: i64 = 1;

const SELECT_STATE: &str = "
    SELECT sha256, state FROM copy
    WHERE practice = ?1 AND account = ?2 AND mailbox = ?3 AND uid_validity = ?4 AND uid = ?5";

const INSERT_MESSAGE: &str = "
    INSERT INTO message (practice, message, sort_time, message_id, key_version)
    VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT DO NOTHING";

const INSERT_RENDITION: &str = "
    INSERT INTO rendition (practice, message, digest, ordinal, date, date_offset, subject, text, html, participants,
        attachments, in_reply_to, refs, unparsed, parsed_by, automatic)
    VALUES (?1, ?2, ?3, (SELECT coalesce(max(ordinal) + 1, 0) FROM rendition WHERE practice = ?1 AND message = ?2),
        ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
    ON CONFLICT DO NOTHING";

const SAVE_COPY: &str = "
    INSERT INTO copy (practice, account, mailbox, uid_validity, uid, message, rendition, sha256, size, internal_date,
        labels, bcc, state, missing_since, keys)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
    ON CONFLICT (practice, account, mailbox, uid_validity, uid) DO UPDATE SET
        message = excluded.message, rendition = excluded.rendition, sha256 = excluded.sha256, size = excluded.size,
        internal_date = excluded.internal_date, labels = excluded.labels, bcc = excluded.bcc,
        state = excluded.state, missing_since = excluded.missing_since,
        keys = excluded.keys";

/// The message's own `sort_time`, which is what it was first.
const INSERT_POSTINGS: &str = "
    INSERT INTO posting (practice, key, sort_time, message)
    SELECT m.practice, unhex(k.value), m.sort_time, m.message
    FROM message AS m, json_each(?3) AS k
    WHERE m.practice = ?1 AND m.message = ?2
    ON CONFLICT DO NOTHING";

const REVIVE: &str = "
    UPDATE copy SET state = 'present', missing_since = NULL
    WHERE practice = ?1 AND account = ?2 AND mailbox = ?3 AND uid_validity = ?4 AND uid = ?5";

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

/// Archives a copy of `message`.
pub(super) async fn put(
    tx: &mut SqliteConnection,
    practice: &PracticeId,
    message: MessageKey,
    archived: &ArchivedCopy,
) -> Result<Added> {
    let copy = &archived.copy;
    if let Some((sha256, state)) = stored(tx, practice, &copy.place).await?
        && sha256 == copy.sha256.as_bytes()
    {
        if state != CopyState::Present.as_str() {
            at_place(tx, REVIVE, practice, &copy.place).await?;
        }
        return Ok(Added::Nothing);
    }
    let content = Content::of_copy(message, archived);
    let is_new = take_up(tx, practice, &content).await?;
    save_copy(tx, practice, &content, archived).await?;
    Ok(if is_new { Added::Message } else { Added::Copy })
}

/// Adds what a message says and the keys it is found by; says whether it is new.
pub(super) async fn take_up(
    tx: &mut SqliteConnection,
    practice: &PracticeId,
    content: &Content<'_>,
) -> Result<bool> {
    let is_new = sqlx::query(INSERT_MESSAGE)
        .bind(practice.as_str())
        .bind(content.message.as_bytes().as_slice())
        .bind(content.sort_time.as_unix())
        .bind(content.parsed.headers.message_id.as_ref().map(MessageId::as_str))
        .bind(i64::from(KEY_VERSION))
        .execute(&mut *tx)
        .await
        .map_err(failure)?
        .rows_affected()
        > 0;
    let rendition = Rendition::of(content.digest, content.parsed);
    put_rendition(tx, practice, &content.message, &rendition).await?;
    sqlx::query(INSERT_POSTINGS)
        .bind(practice.as_str())
        .bind(content.message.as_bytes().as_slice())
        .bind(values::keys_to_json(content.postings)?)
        .execute(tx)
        .await
        .map_err(failure)?;
    Ok(is_new)
}

/// Lets copies follow where the server put them; one that is not archived is nothing to follow. All are taken out before any
/// is put back: one may move to where another was.
pub(super) async fn follow(
    tx: &mut SqliteConnection,
    practice: &PracticeId,
    moved: &[MovedCopy],
) -> Result<()> {
    let mut taken = Vec::new();
    for (moved, number) in moved.iter().zip(1i64..) {
        let done = sqlx::query(TAKE_OUT)
            .bind(practice.as_str())
            .bind(moved.from.account.as_str())
            .bind(moved.from.mailbox.as_wire())
            .bind(i64::from(moved.from.uid_validity.get()))
            .bind(i64::from(moved.from.uid.get()))
            .bind(-number)
            .execute(&mut *tx)
            .await
            .map_err(failure)?;
        if done.rows_affected() > 0 {
            taken.push((moved, -number));
        }
    }
    for (moved, number) in taken {
        at_place(tx, DELETE_COPY, practice, &moved.to).await?;
        sqlx::query(PUT_BACK)
            .bind(practice.as_str())
            .bind(moved.from.account.as_str())
            .bind(moved.from.mailbox.as_wire())
            .bind(number)
            .bind(moved.to.mailbox.as_wire())
            .bind(i64::from(moved.to.uid_validity.get()))
            .bind(i64::from(moved.to.uid.get()))
            .bind(values::labels_to_json(&moved.labels)?)
            .execute(&mut *tx)
            .await
            .map_err(failure)?;
    }
    Ok(())
}

/// A place as columns hold it.
pub(super) fn place(account: String, mailbox: Vec<u8>, validity: i64, uid: i64) -> Result<CopyPlace> {
    let (validity, uid) = (values::uid_validity(validity)?, values::uid(uid)?);
    Ok(CopyPlace::new(values::account(account)?, MailboxName::from_wire(mailbox), validity, uid))
}

async fn put_rendition(
    tx: &mut SqliteConnection,
    practice: &PracticeId,
    message: &MessageKey,
    rendition: &Rendition,
) -> Result<()> {
    sqlx::query(INSERT_RENDITION)
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
        .execute(tx)
        .await
        .map_err(failure)?;
    Ok(())
}

async fn save_copy(
    tx: &mut SqliteConnection,
    practice: &PracticeId,
    content: &Content<'_>,
    archived: &ArchivedCopy,
) -> Result<()> {
    let copy = &archived.copy;
    let bcc = archived.parsed.headers.participants.iter().filter(|p| p.field == Field::Bcc);
    let since = match copy.state {
        CopyState::Missing { since } => Some(since),
        _ => None,
    };
    sqlx::query(SAVE_COPY)
        .bind(practice.as_str())
        .bind(copy.place.account.as_str())
        .bind(copy.place.mailbox.as_wire())
        .bind(i64::from(copy.place.uid_validity.get()))
        .bind(i64::from(copy.place.uid.get()))
        .bind(content.message.as_bytes().as_slice())
        .bind(content.digest.as_bytes().as_slice())
        .bind(copy.sha256.as_bytes().as_slice())
        .bind(copy.size.cast_signed())
        .bind(copy.internal_date.map(Timestamp::as_unix))
        .bind(values::labels_to_json(&copy.labels)?)
        .bind(values::participants_to_json(bcc)?)
        .bind(copy.state.as_str())
        .bind(values::seconds(since))
        .bind(values::keys_to_octets(content.postings))
        .execute(tx)
        .await
        .map_err(failure)?;
    Ok(())
}

async fn stored(
    tx: &mut SqliteConnection,
    practice: &PracticeId,
    place: &CopyPlace,
) -> Result<Option<(Vec<u8>, String)>> {
    sqlx::query_as(SELECT_STATE)
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
    tx: &mut SqliteConnection,
    sql: &'static str,
    practice: &PracticeId,
    place: &CopyPlace,
) -> Result<()> {
    sqlx::query(sql)
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
