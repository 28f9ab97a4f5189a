//! What windows and comparisons write (S5, S13, S14).

use practicemail::contract::{
    ArchivedCopy, ChangeKind, Comparison, DeadLetter, Fence, MovedCopy, OutgoingStep, Window, WindowReceipt,
};
use practicemail::error::Result;
use practicemail::storage::rules::{Content, CopyRow, MessageRow};
use practicemail::types::{AccountId, CopyPlace, CopyState, MessageKey};

use super::engine::Writing;
use super::keys::{self, Kind};

impl Writing<'_> {
    pub(crate) fn commit_window(&mut self, fence: &Fence, window: &Window) -> Result<WindowReceipt> {
        let mut account = self.fenced(fence)?;
        account.advance(window, self.now)?;
        self.put(&account)?;

        let mut receipt = WindowReceipt::default();
        self.relocate(&window.moved)?;
        for archived in &window.copies {
            let message = self.message_of(archived)?;
            if self.is_barred(message, archived)? {
                self.take_dead_letter(&archived.copy.place)?;
            } else {
                self.archive(&mut receipt, message, archived)?;
            }
            if archived.in_sent {
                self.see(message, archived)?;
            }
        }
        for report in &window.bounces {
            if let Some(id) = self.bounce(report, &fence.account)? {
                self.tell(&fence.account, ChangeKind::Outgoing(id, OutgoingStep::Bounced))?;
            }
        }
        for letter in &window.dead_letters {
            if !self.take_dead_letter(&letter.place)? {
                self.tell(&fence.account, ChangeKind::DeadLetter)?;
            }
            self.put(letter)?;
        }
        Ok(receipt)
    }

    pub(crate) fn commit_comparison(&mut self, fence: &Fence, comparison: &Comparison) -> Result<()> {
        let mut account = self.fenced(fence)?;
        account.mailboxes.retain(|name, _| !comparison.mailboxes_gone.contains(name));
        self.put(&account)?;
        let now = self.now;
        for place in &comparison.missing {
            if let Some(message) = self.settle_copy(fence, place, |row| row.miss(now))? {
                self.tell(&fence.account, ChangeKind::CopyMissing(message))?;
            }
        }
        for place in &comparison.found {
            self.settle_copy(fence, place, |row| row.settle(CopyState::Present))?;
        }
        for place in &comparison.gone {
            let gone = CopyState::Gone { since: now };
            if let Some(message) = self.settle_copy(fence, place, |row| row.settle(gone))? {
                self.tell(&fence.account, ChangeKind::CopyGone(message))?;
            }
        }
        Ok(())
    }

    /// Has a copy of the fence's account take a step; answers its message if it did.
    fn settle_copy(
        &mut self,
        fence: &Fence,
        place: &CopyPlace,
        step: impl FnOnce(&mut CopyRow) -> bool,
    ) -> Result<Option<MessageKey>> {
        let row = self.get::<CopyRow>(&keys::copy(&self.practice, place))?;
        let Some(mut row) = row.filter(|row| row.copy.place.account == fence.account) else {
            return Ok(None);
        };
        if !step(&mut row) {
            return Ok(None);
        }
        self.put(&row)?;
        Ok(Some(row.message))
    }

    /// All are taken out before any is put back: one may move to where another was.
    fn relocate(&mut self, moved: &[MovedCopy]) -> Result<()> {
        let taken = moved.iter().map(|moved| self.take_copy(&moved.from)).collect::<Result<Vec<_>>>()?;
        for (moved, row) in moved.iter().zip(taken) {
            if let Some(mut row) = row {
                row.relocate(moved);
                self.put_copy(&row)?;
            }
        }
        Ok(())
    }

    /// Archives a copy of `message`.
    fn archive(
        &mut self,
        receipt: &mut WindowReceipt,
        message: MessageKey,
        archived: &ArchivedCopy,
    ) -> Result<()> {
        let place = &archived.copy.place;
        self.take_dead_letter(place)?;
        let known = self.get::<CopyRow>(&keys::copy(&self.practice, place))?;
        if let Some(mut known) = known.filter(|row| row.is(archived)) {
            self.take_up(&Content::of_copy(known.message, archived), Some(&place.account))?;
            known.renew(archived);
            return self.put(&known);
        }
        let is_new = self.take_up(&Content::of_copy(message, archived), Some(&place.account))?;
        self.put_copy(&CopyRow::new(message, archived))?;
        receipt.new_copies += 1;
        if is_new {
            receipt.new_messages += 1;
        } else {
            self.tell(&place.account, ChangeKind::CopyArchived(message))?;
        }
        Ok(())
    }

    /// Takes up what a message says, and tells of the message if it is new; says whether it is.
    pub(crate) fn take_up(&mut self, content: &Content<'_>, account: Option<&AccountId>) -> Result<bool> {
        let known = self.message_row(content.message)?;
        let is_new = known.is_none();
        let mut row = match known {
            Some(row) => row,
            None => {
                let arrival = self.tell(account, ChangeKind::MessageArchived(content.message))?;
                MessageRow::new(content, self.begun_by(content.message)?, arrival)
            }
        };
        row.take_up(content);
        self.put(&row)?;
        self.join(&row, is_new)?;
        Ok(is_new)
    }

    /// Takes a copy out of its place; its message stays.
    pub(crate) fn take_copy(&mut self, place: &CopyPlace) -> Result<Option<CopyRow>> {
        let row = self.take::<CopyRow>(&keys::copy(&self.practice, place))?;
        if let Some(row) = &row
            && let Some(mut message) = self.message_row(row.message)?
        {
            message.places.remove(place);
            self.put(&message)?;
        }
        Ok(row)
    }

    /// Puts a copy into its place; what was there before is no copy any more.
    fn put_copy(&mut self, row: &CopyRow) -> Result<()> {
        self.take_copy(&row.copy.place)?;
        if let Some(mut message) = self.message_row(row.message)? {
            message.places.insert(row.copy.place.clone());
            self.put(&message)?;
        }
        self.put(row)
    }

    fn take_dead_letter(&mut self, place: &CopyPlace) -> Result<bool> {
        let key = keys::place(Kind::DeadLetter, &self.practice, place);
        Ok(self.take::<DeadLetter>(&key)?.is_some())
    }

    /// The message a copy is one of: that of an intent, if it bears its id by right (S13).
    fn message_of(&self, archived: &ArchivedCopy) -> Result<MessageKey> {
        let Some(id) = archived.parsed.outgoing else { return Ok(archived.message) };
        let own = self.find_intent(id)?.filter(|i| i.row.is_copy(archived, &archived.copy.place.account));
        Ok(own.map_or(archived.message, |intent| intent.row.item.message.message))
    }
}
