//! How far an account is read, and for which keys.

use std::collections::{BTreeMap, BTreeSet};

use super::{AccountRow, MailboxRow};
use crate::contract::{CoverageChange, CoveredKeys, HistoryStep, MailboxState, SyncState, Window};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{AccountId, Cursor, KeyDigest, MailboxName, Timestamp, UidValidity};

impl AccountRow {
    /// How far it is read.
    pub fn sync_state(&self, now: Timestamp) -> SyncState {
        let mailbox = |(name, row): (&MailboxName, &MailboxRow)| {
            MailboxState::new(name.clone(), row.cursor.clone(), row.gaps.values().cloned().collect())
        };
        SyncState {
            mailboxes: self.mailboxes.iter().map(mailbox).collect(),
            keys: self.keys.clone(),
            hints: self.hints.clone(),
            octets_today: self.octets_on(now),
        }
    }

    /// Takes up what a window says of its mailbox: octets, cursor, gaps and what is left to be read.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) where the window names a place of another account.
    pub fn advance(&mut self, window: &Window, now: Timestamp) -> Result<()> {
        let own = |account: &AccountId| *account == self.record.account.id;
        let mut places = (window.copies.iter().map(|c| &c.copy.place))
            .chain(window.moved.iter().flat_map(|m| [&m.from, &m.to]))
            .chain(window.dead_letters.iter().map(|d| &d.place));
        if !places.all(|place| own(&place.account)) {
            return Err(Error::new(ErrorKind::Invalid, "a window names a place of another account"));
        }
        self.count_octets(window.octets_read, now);
        let begun = || MailboxRow::begun(window.uid_validity);
        let mailbox = self.mailboxes.entry(window.mailbox.clone()).or_insert_with(begun);
        if mailbox.cursor.uid_validity != window.uid_validity {
            *mailbox = begun();
        }
        mailbox.advance(window);
        if let (Some(left), Some((backlog, _))) = (window.left, self.plan.backlog.get_mut(&window.mailbox)) {
            *backlog = left;
        }
        Ok(())
    }

    /// Changes the keys it is covered for, and the history work that follows (S7).
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) when history is to be finished that is not done.
    pub fn change_coverage(&mut self, change: &CoverageChange) -> Result<()> {
        let left = |row: &MailboxRow| row.cursor.history.as_ref().is_some_and(|h| !h.is_empty());
        if change.history == HistoryStep::Finish && self.mailboxes.values().any(left) {
            return Err(Error::new(ErrorKind::Invalid, "history is not read to the end"));
        }
        let keys = &mut self.keys;
        keys.covered.retain(|key| !change.forget.contains(key) && !change.pend.contains(key));
        keys.pending.retain(|key| !change.forget.contains(key));
        keys.pending.extend(&change.pend);
        keys.policy = change.policy.or(keys.policy);
        keys.revision.clone_from(&change.revision);
        match change.history {
            HistoryStep::Keep => {}
            HistoryStep::Begin => {
                for row in self.mailboxes.values_mut() {
                    row.cursor.history = Some(row.cursor.seen.clone());
                    if !row.cursor.seen.is_empty() {
                        row.cursor.status = None;
                    }
                }
            }
            HistoryStep::Finish => {
                keys.covered.append(&mut keys.pending);
                for row in self.mailboxes.values_mut() {
                    row.cursor.history = None;
                }
            }
        }
        Ok(())
    }

    /// Forgets that what was seen was matched against these keys, or is being (A5, A7).
    pub fn uncover(&mut self, keys: &BTreeSet<KeyDigest>) {
        let CoveredKeys { covered, pending, .. } = &mut self.keys;
        covered.retain(|key| !keys.contains(key));
        pending.retain(|key| !keys.contains(key));
    }

    pub(super) fn count_octets(&mut self, octets: u64, now: Timestamp) {
        self.octets = (now.day(), self.octets_on(now).saturating_add(octets));
    }

    fn octets_on(&self, now: Timestamp) -> u64 {
        let (day, octets) = self.octets;
        if day == now.day() { octets } else { 0 }
    }
}

impl MailboxRow {
    fn begun(uid_validity: UidValidity) -> Self {
        Self { cursor: Cursor::new(uid_validity), gaps: BTreeMap::new() }
    }

    fn advance(&mut self, window: &Window) {
        let Self { cursor, gaps } = self;
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
}
