//! What a window and a comparison write.

use super::PracticeRows;
use super::account::fenced;
use super::archive::Archive;
use crate::contract::{
    ArchivedCopy, ChangeKind, Comparison, Fence, MovedCopy, OutgoingStep, Window, WindowReceipt,
};
use crate::error::Result;
use crate::storage::rules::{Content, CopyRow};
use crate::types::{AccountId, CopyPlace, CopyState, MessageKey, Timestamp};

pub(super) fn commit(
    rows: &mut PracticeRows,
    fence: &Fence,
    window: &Window,
    now: Timestamp,
) -> Result<WindowReceipt> {
    fenced(&mut rows.accounts, fence, now)?.advance(window, now)?;
    let mut receipt = WindowReceipt::default();
    relocate(&mut rows.archive, &window.moved);
    for archived in &window.copies {
        let message = rows.outbox.message_of(archived, &fence.account);
        if is_barred(rows, message, archived, now) {
            rows.dead_letters.remove(&archived.copy.place);
        } else {
            archive(rows, &mut receipt, message, archived, now);
        }
        if archived.in_sent {
            for (id, step) in rows.outbox.seen(message, archived, now) {
                rows.feed.push(now, &fence.account, ChangeKind::Outgoing(id, step));
            }
        }
    }
    for report in &window.bounces {
        if let Some(id) = rows.outbox.bounce(report, &fence.account) {
            let change = ChangeKind::Outgoing(id, OutgoingStep::Bounced);
            rows.feed.push(now, &fence.account, change);
        }
    }
    for letter in &window.dead_letters {
        if rows.dead_letters.insert(letter.place.clone(), letter.clone()).is_none() {
            rows.feed.push(now, &fence.account, ChangeKind::DeadLetter);
        }
    }
    Ok(receipt)
}

/// All are taken out before any is put back: one may move to where another was.
fn relocate(archive: &mut Archive, moved: &[MovedCopy]) {
    let taken: Vec<_> = moved.iter().map(|moved| archive.take(&moved.from)).collect();
    for (moved, row) in moved.iter().zip(taken) {
        let Some(mut row) = row else { continue };
        row.relocate(moved);
        archive.put(row);
    }
}

/// Whether the message of a copy was erased and is not archived now; the copy may be known by its intent alone.
fn is_barred(rows: &PracticeRows, message: MessageKey, archived: &ArchivedCopy, now: Timestamp) -> bool {
    let PracticeRows { tombstones, outbox, .. } = rows;
    let Some(secret) = tombstones.secret() else { return false };
    let account = &archived.copy.place.account;
    tombstones.bars(&message, now)
        || outbox
            .erased_message_of(archived, account, secret)
            .is_some_and(|message| tombstones.bars_digest(&message, now))
}

/// Archives a copy of `message`.
fn archive(
    rows: &mut PracticeRows,
    receipt: &mut WindowReceipt,
    message: MessageKey,
    archived: &ArchivedCopy,
    now: Timestamp,
) {
    let place = &archived.copy.place;
    rows.dead_letters.remove(place);
    let known = rows.archive.copies.get(place).filter(|row| row.is(archived)).map(|row| row.message);
    let content = Content::of_copy(known.unwrap_or(message), archived);
    let is_new = rows.archive_content(&content, Some(&place.account), now);
    if known.is_some() {
        if let Some(row) = rows.archive.copies.get_mut(place) {
            row.renew(archived);
        }
        return;
    }
    rows.archive.put(CopyRow::new(message, archived));
    receipt.new_copies = receipt.new_copies.saturating_add(1);
    if is_new {
        receipt.new_messages = receipt.new_messages.saturating_add(1);
    } else {
        rows.feed.push(now, &place.account, ChangeKind::CopyArchived(message));
    }
}

impl PracticeRows {
    /// Takes up what a message says, and tells of the message if it is new; says whether it is.
    pub(super) fn archive_content(
        &mut self,
        content: &Content<'_>,
        account: Option<&AccountId>,
        now: Timestamp,
    ) -> bool {
        let is_new = !self.archive.messages.contains_key(&content.message);
        let arrival = if is_new {
            self.feed.push_by(now, account, None, ChangeKind::MessageArchived(content.message))
        } else {
            0
        };
        self.archive.take_up(content, arrival);
        is_new
    }
}

pub(super) fn compare(
    rows: &mut PracticeRows,
    fence: &Fence,
    comparison: &Comparison,
    now: Timestamp,
) -> Result<()> {
    let account = fenced(&mut rows.accounts, fence, now)?;
    for name in &comparison.mailboxes_gone {
        account.mailboxes.remove(name);
    }
    let PracticeRows { archive, feed, .. } = rows;
    for place in &comparison.missing {
        if let Some(row) = own(archive, &fence.account, place)
            && row.miss(now)
        {
            feed.push(now, &fence.account, ChangeKind::CopyMissing(row.message));
        }
    }
    for place in &comparison.found {
        if let Some(row) = own(archive, &fence.account, place) {
            row.settle(CopyState::Present);
        }
    }
    for place in &comparison.gone {
        if let Some(row) = own(archive, &fence.account, place)
            && row.settle(CopyState::Gone { since: now })
        {
            feed.push(now, &fence.account, ChangeKind::CopyGone(row.message));
        }
    }
    Ok(())
}

fn own<'a>(archive: &'a mut Archive, account: &AccountId, place: &CopyPlace) -> Option<&'a mut CopyRow> {
    archive.copies.get_mut(place).filter(|row| row.copy.place.account == *account)
}
