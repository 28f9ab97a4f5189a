//! What a window and a comparison write.

use std::collections::BTreeMap;

use super::PracticeRows;
use super::account::{MailboxRow, fenced};
use super::archive::{Archive, CopyRow};
use crate::contract::{
    ArchivedCopy, ChangeKind, Comparison, Fence, MovedCopy, OutgoingStep, Window, WindowReceipt,
};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::content::Content;
use crate::types::{AccountId, CopyPlace, CopyState, Cursor, Field, MessageKey, Timestamp};

pub(super) fn commit(
    rows: &mut PracticeRows,
    fence: &Fence,
    window: &Window,
    now: Timestamp,
) -> Result<WindowReceipt> {
    let account = fenced(&mut rows.accounts, fence, now)?;
    let mut places = (window.copies.iter().map(|c| &c.copy.place))
        .chain(window.moved.iter().flat_map(|m| [&m.from, &m.to]))
        .chain(window.dead_letters.iter().map(|d| &d.place));
    if places.any(|place| place.account != fence.account) {
        return Err(Error::new(ErrorKind::Invalid, "a window names a place of another account"));
    }
    account.count_octets(window.octets_read, now);
    let begun = || MailboxRow { cursor: Cursor::new(window.uid_validity), gaps: BTreeMap::new() };
    let mailbox = account.mailboxes.entry(window.mailbox.clone()).or_insert_with(begun);
    if mailbox.cursor.uid_validity != window.uid_validity {
        *mailbox = begun();
    }
    advance(mailbox, window);

    let mut receipt = WindowReceipt::default();
    relocate(&mut rows.archive, &window.moved);
    for archived in &window.copies {
        let message = rows.outbox.message_of(archived, &fence.account);
        archive(rows, &mut receipt, message, archived, now);
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

fn advance(mailbox: &mut MailboxRow, window: &Window) {
    let MailboxRow { cursor, gaps } = mailbox;
    cursor.seen.extend_from(&window.seen);
    if let Some(history) = &mut cursor.history {
        *history = history.difference(&window.history_done);
    }
    cursor.status = window.finished;
    cursor.look_again_at = window.look_again_at;
    // Closed first: a UID that is seen and would not come in the same window keeps its gap, for gaps must not vanish.
    gaps.retain(|uid, _| !window.seen.contains(*uid) && !window.gaps_closed.contains(*uid));
    gaps.extend(window.gaps.iter().map(|gap| (gap.uid, gap.clone())));
}

/// All are taken out before any is put back: one may move to where another was.
fn relocate(archive: &mut Archive, moved: &[MovedCopy]) {
    let taken: Vec<_> = moved.iter().map(|moved| archive.take(&moved.from)).collect();
    for (moved, row) in moved.iter().zip(taken) {
        let Some(mut row) = row else { continue };
        row.copy.place = moved.to.clone();
        row.copy.labels.clone_from(&moved.labels);
        row.copy.state = CopyState::Present;
        archive.put(row);
    }
}

/// Archives a copy of `message`.
fn archive(
    rows: &mut PracticeRows,
    receipt: &mut WindowReceipt,
    message: MessageKey,
    archived: &ArchivedCopy,
    now: Timestamp,
) {
    let PracticeRows { archive, feed, .. } = rows;
    let place = &archived.copy.place;
    if let Some(row) = archive.copies.get_mut(place).filter(|row| row.copy.sha256 == archived.copy.sha256) {
        row.copy.state = CopyState::Present;
        return;
    }
    let content = Content::of_copy(message, archived);
    let is_new = archive.take_up(&content);
    let participants = &archived.parsed.headers.participants;
    archive.put(CopyRow {
        message,
        copy: archived.copy.clone(),
        rendition: content.digest,
        bcc: participants.iter().filter(|p| p.field == Field::Bcc).cloned().collect(),
        keys: archived.postings.clone(),
    });
    receipt.new_copies = receipt.new_copies.saturating_add(1);
    if is_new {
        receipt.new_messages = receipt.new_messages.saturating_add(1);
        feed.push(now, &place.account, ChangeKind::MessageArchived(message));
    } else {
        feed.push(now, &place.account, ChangeKind::CopyArchived(message));
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
            && row.copy.state == CopyState::Present
        {
            row.copy.state = CopyState::Missing { since: now };
            feed.push(now, &fence.account, ChangeKind::CopyMissing(row.message));
        }
    }
    let steps = [(&comparison.found, CopyState::Present), (&comparison.gone, CopyState::Gone)];
    for (places, state) in steps {
        for place in places {
            if let Some(row) = own(archive, &fence.account, place)
                && matches!(row.copy.state, CopyState::Missing { .. })
            {
                row.copy.state = state;
            }
        }
    }
    Ok(())
}

fn own<'a>(archive: &'a mut Archive, account: &AccountId, place: &CopyPlace) -> Option<&'a mut CopyRow> {
    archive.copies.get_mut(place).filter(|row| row.copy.place.account == *account)
}
