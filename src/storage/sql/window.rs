//! One step of reading a mailbox.

use super::statement;
use super::transaction::Tx;

use super::changes::record;
use super::failure::failure;
use super::tombstones::Tombstones;
use super::{archive, backlog, copies, cursors, erased_intents, outgoing_copies, values};
use crate::contract::{ArchivedCopy, ChangeKind, DeadLetter, Fence, Window, WindowReceipt};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{CopyPlace, Cursor, MessageKey, PracticeId, Timestamp};

const INSERT_DEAD_LETTER: &str = "
    INSERT INTO dead_letter (practice, account, mailbox, uid_validity, uid, reason, message_id, sha256, size, at,
        internal_date, labels)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
    ON CONFLICT DO NOTHING";

const DELETE_DEAD_LETTER: &str = "
    DELETE FROM dead_letter
    WHERE practice = ?1 AND account = ?2 AND mailbox = ?3 AND uid_validity = ?4 AND uid = ?5";

const SELECT_DEAD_LETTERS: &str = "
    SELECT account, mailbox, uid_validity, uid, reason, message_id, sha256, size, at, internal_date, labels
    FROM dead_letter WHERE practice = ?1 ORDER BY account, mailbox, uid_validity, uid";

/// Writes a window; the fence was checked.
pub(super) async fn commit(
    tx: &mut Tx<'_>,
    now: Timestamp,
    fence: &Fence,
    window: &Window,
) -> Result<WindowReceipt> {
    let places = window.copies.iter().map(|archived| &archived.copy.place);
    let places = places.chain(window.moved.iter().flat_map(|moved| [&moved.from, &moved.to]));
    refuse_strangers(fence, places.chain(window.dead_letters.iter().map(|letter| &letter.place)))?;

    advance(tx, fence, window).await?;
    let mut receipt = WindowReceipt::default();
    archive::follow(tx, &fence.practice, &window.moved).await?;
    let tombstones = Tombstones::load(tx, &fence.practice, now).await?;
    for archived in &window.copies {
        let message = outgoing_copies::message_of(tx, fence, archived).await?;
        if is_barred(tx, tombstones.as_ref(), fence, (message, archived)).await? {
            resurrect(tx, fence, &archived.copy.place).await?;
        } else {
            put(tx, now, fence, (message, archived), &mut receipt).await?;
        }
        if archived.in_sent {
            outgoing_copies::seen(tx, now, fence, message, archived).await?;
        }
    }
    for report in &window.bounces {
        outgoing_copies::bounce(tx, now, fence, report).await?;
    }
    for letter in &window.dead_letters {
        let known = resurrect(tx, fence, &letter.place).await?;
        bury(tx, fence, letter).await?;
        if !known {
            record(tx, &fence.practice, now, Some(&fence.account), &ChangeKind::DeadLetter).await?;
        }
    }
    if let Some(left) = window.left {
        backlog::left(tx, fence, &window.mailbox, left).await?;
    }
    cursors::add_octets(tx, now, fence, window.octets_read).await?;
    Ok(receipt)
}

/// Archives a copy of `message`, and tells it.
async fn put(
    tx: &mut Tx<'_>,
    now: Timestamp,
    fence: &Fence,
    (message, archived): (MessageKey, &ArchivedCopy),
    receipt: &mut WindowReceipt,
) -> Result<()> {
    resurrect(tx, fence, &archived.copy.place).await?;
    let taking = archive::Taking { practice: &fence.practice, account: Some(&fence.account), now };
    let added = archive::put(tx, taking, message, archived).await?;
    if added == archive::Added::Nothing {
        return Ok(());
    }
    if added == archive::Added::Copy {
        let change = ChangeKind::CopyArchived(message);
        record(tx, &fence.practice, now, Some(&fence.account), &change).await?;
    }
    receipt.new_copies += 1;
    receipt.new_messages += u32::from(added == archive::Added::Message);
    Ok(())
}

/// Whether the message of a copy was erased and is not archived now.
async fn is_barred(
    tx: &mut Tx<'_>,
    tombstones: Option<&Tombstones<'_>>,
    fence: &Fence,
    (message, archived): (MessageKey, &ArchivedCopy),
) -> Result<bool> {
    let Some(tombstones) = tombstones else { return Ok(false) };
    Ok(tombstones.bars(tx, &message).await? || erased_intents::bar(tx, tombstones, fence, archived).await?)
}

/// Refuses places of other accounts: the fence says nothing about them.
pub(super) fn refuse_strangers<'a>(
    fence: &Fence,
    places: impl IntoIterator<Item = &'a CopyPlace>,
) -> Result<()> {
    if places.into_iter().all(|place| place.account == fence.account) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Invalid, "a place lies in another account than the fence's"))
}

/// Moves the cursor and keeps the gaps.
async fn advance(tx: &mut Tx<'_>, fence: &Fence, window: &Window) -> Result<()> {
    let loaded = cursors::load(tx, fence, &window.mailbox).await?;
    let mut cursor = match loaded {
        Some(cursor) if cursor.uid_validity == window.uid_validity => cursor,
        _ => {
            cursors::forget_gaps(tx, fence, &window.mailbox).await?;
            Cursor::new(window.uid_validity)
        }
    };
    cursor.seen.extend_from(&window.seen);
    cursor.history = cursor.history.map(|history| history.difference(&window.history_done));
    cursor.status = window.finished;
    cursor.look_again_at = window.look_again_at;
    cursors::save(tx, fence, &window.mailbox, &cursor).await?;

    for gap in cursors::gaps(tx, &fence.practice, &fence.account, &window.mailbox).await? {
        if window.seen.contains(gap.uid) || window.gaps_closed.contains(gap.uid) {
            cursors::close_gap(tx, fence, &window.mailbox, gap.uid).await?;
        }
    }
    // Last, so that a UID that was seen and yet would not come whole keeps its gap.
    for gap in &window.gaps {
        cursors::save_gap(tx, fence, &window.mailbox, gap).await?;
    }
    Ok(())
}

async fn bury(tx: &mut Tx<'_>, fence: &Fence, letter: &DeadLetter) -> Result<()> {
    statement::query(INSERT_DEAD_LETTER)
        .bind(fence.practice.as_str())
        .bind(letter.place.account.as_str())
        .bind(letter.place.mailbox.as_wire())
        .bind(i64::from(letter.place.uid_validity.get()))
        .bind(i64::from(letter.place.uid.get()))
        .bind(letter.reason.as_str())
        .bind(letter.message_id.as_ref().map(crate::types::MessageId::as_str))
        .bind(letter.octets.as_ref().map(|(sha256, _)| sha256.as_bytes().as_slice()))
        .bind(letter.octets.map(|(_, size)| size.cast_signed()))
        .bind(letter.at.as_unix())
        .bind(letter.internal_date.map(Timestamp::as_unix))
        .bind(values::labels_to_json(&letter.labels)?)
        .execute(tx)
        .await
        .map_err(failure)?;
    Ok(())
}

/// Takes a dead letter away; says whether there was one.
async fn resurrect(tx: &mut Tx<'_>, fence: &Fence, place: &CopyPlace) -> Result<bool> {
    let done = statement::query(DELETE_DEAD_LETTER)
        .bind(fence.practice.as_str())
        .bind(place.account.as_str())
        .bind(place.mailbox.as_wire())
        .bind(i64::from(place.uid_validity.get()))
        .bind(i64::from(place.uid.get()))
        .execute(tx)
        .await
        .map_err(failure)?;
    Ok(done.rows_affected() > 0)
}

type Letter = (
    String,
    Vec<u8>,
    i64,
    i64,
    String,
    Option<String>,
    Option<Vec<u8>>,
    Option<i64>,
    i64,
    Option<i64>,
    String,
);

/// Every dead letter of a practice, by place.
pub(super) async fn dead_letters(tx: &mut Tx<'_>, practice: &PracticeId) -> Result<Vec<DeadLetter>> {
    let rows: Vec<Letter> = statement::query_as(SELECT_DEAD_LETTERS)
        .bind(practice.as_str())
        .fetch_all(tx)
        .await
        .map_err(failure)?;
    let read = |row: Letter| {
        let (account, mailbox, validity, uid, reason, message_id, sha256, size, at, internal_date, labels) =
            row;
        let place = copies::place(account, mailbox, validity, uid)?;
        let mut letter = DeadLetter::new(place, reason, Timestamp::from_unix(at));
        letter.message_id = message_id.as_deref().map(values::message_id).transpose()?;
        if let (Some(sha256), Some(size)) = (sha256, size) {
            letter.octets = Some((values::digest(&sha256)?, size.cast_unsigned()));
        }
        letter.internal_date = internal_date.map(Timestamp::from_unix);
        letter.labels = values::labels(&labels)?;
        Ok(letter)
    };
    rows.into_iter().map(read).collect()
}
