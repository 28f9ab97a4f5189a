//! What a window and a comparison write.

use std::collections::{BTreeMap, BTreeSet};

use super::account::{MailboxRow, fenced};
use super::archive::{Archive, CopyRow, MessageRow};
use super::{Feed, PracticeRows};
use crate::contract::{
    ArchivedCopy, ChangeKind, Comparison, Fence, MovedCopy, PagePosition, Rendition, Window, WindowReceipt,
};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{AccountId, CopyPlace, CopyState, Cursor, Field, Timestamp};

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
        archive(&mut rows.archive, &mut rows.feed, &mut receipt, archived, now);
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

fn archive(
    archive: &mut Archive,
    feed: &mut Feed,
    receipt: &mut WindowReceipt,
    archived: &ArchivedCopy,
    now: Timestamp,
) {
    let place = &archived.copy.place;
    if let Some(row) = archive.copies.get_mut(place).filter(|row| row.copy.sha256 == archived.copy.sha256) {
        row.copy.state = CopyState::Present;
        return;
    }
    let parsed = &archived.parsed;
    let digest = parsed.rendition.unwrap_or(archived.copy.sha256);
    let known = archive.messages.contains_key(&archived.message);
    let message = archive.messages.entry(archived.message).or_insert_with(|| MessageRow {
        sort_time: archived.sort_time,
        message_id: parsed.headers.message_id.clone(),
        renditions: Vec::new(),
        places: BTreeSet::new(),
    });
    if !message.renditions.iter().any(|rendition| rendition.digest == digest) {
        message.renditions.push(Rendition::of(digest, parsed));
    }
    let position = PagePosition::new(message.sort_time, archived.message);
    for key in &archived.postings {
        archive.postings.entry(*key).or_default().insert(position);
    }
    archive.put(CopyRow {
        message: archived.message,
        copy: archived.copy.clone(),
        rendition: digest,
        bcc: parsed.headers.participants.iter().filter(|p| p.field == Field::Bcc).cloned().collect(),
    });
    receipt.new_copies = receipt.new_copies.saturating_add(1);
    if known {
        feed.push(now, &place.account, ChangeKind::CopyArchived(archived.message));
    } else {
        receipt.new_messages = receipt.new_messages.saturating_add(1);
        feed.push(now, &place.account, ChangeKind::MessageArchived(archived.message));
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
