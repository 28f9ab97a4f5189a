//! One mailbox: addressing headers in windows, newest first, then the bodies of what matched.

use std::collections::{BTreeMap, VecDeque};

use super::gathered::Gathered;
use super::mailbox_writer::MailboxWriter;
use super::moves::Vanished;
use super::plan::{self, Work};
use super::report::Progress;
use crate::contract::{AddressedWindow, DeadLetter, MailboxReader, OpenMailbox};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{Cursor, Gap, GapReason, MatchKey, Uid, UidSet};

/// What a mailbox is read with.
pub(super) struct MailboxPass<'p, 'a> {
    pub(super) writer: MailboxWriter<'p, 'a>,
    pub(super) reader: &'p mut dyn MailboxReader,
    pub(super) open: &'p OpenMailbox,
    pub(super) cursor: Cursor,
    pub(super) gaps: BTreeMap<Uid, Gap>,
    /// Copies archived of this mailbox under this validity.
    pub(super) present: UidSet,
    pub(super) vanished: &'p mut Vanished,
    /// The keys that history is read for.
    pub(super) pending: &'p [MatchKey],
    /// UIDs that failed once in this pass.
    pub(super) failed: BTreeMap<Uid, GapReason>,
    /// Whether old mail has a share of the day's budget only.
    pub(super) is_rationed: bool,
    /// Whether something of what lay there before was left for another day.
    pub(super) is_behind: bool,
}

impl MailboxPass<'_, '_> {
    /// Reads what is left to read. Answers the gaps that remain, and whether all the rest was read.
    pub(super) async fn run(mut self) -> Result<(BTreeMap<Uid, Gap>, bool)> {
        let read = self.read_what_is_left().await;
        self.end(read).await
    }

    /// Reads these messages, whatever was seen of them. Answers the gaps that remain.
    pub(super) async fn run_over(mut self, chosen: &UidSet) -> Result<BTreeMap<Uid, Gap>> {
        let work = Work::of(&chosen.intersection(&self.open.uids), &self.gaps);
        let read = self.work_off(work).await;
        Ok(self.end(read).await?.0)
    }

    /// Settles what failed, also where the session broke.
    async fn end(mut self, read: Result<()>) -> Result<(BTreeMap<Uid, Gap>, bool)> {
        if let Err(error) = read {
            if breaks_session(&error) {
                self.blame().await?;
            }
            return Err(error);
        }
        self.settle_failures().await?;
        Ok((self.gaps, !self.is_behind))
    }

    /// Makes a gap of the message that broke the session: asked for together with others in every pass, it would keep all
    /// of them away. Answers come in ascending order, so it is the first that did not; where they do not, the blame finds
    /// the right one some passes later, and the others come then.
    async fn blame(&mut self) -> Result<()> {
        self.failed = self.failed.pop_first().into_iter().collect();
        self.settle_failures().await
    }

    async fn read_what_is_left(&mut self) -> Result<()> {
        let mut work = Work::left(&self.cursor, &self.gaps, &self.open.uids, self.writer.pass.now());
        self.let_go().await?;
        self.narrow(&mut work.again).await?;
        self.is_rationed = true;
        self.work_off(work).await
    }

    /// Takes out of the history what the provider's own index does not find: nobody takes part in it whose key is new. What it
    /// finds is read as all history is, for it may find too much.
    async fn narrow(&mut self, history: &mut UidSet) -> Result<()> {
        if history.is_empty() || self.pending.is_empty() {
            return Ok(());
        }
        let Some(found) = self.reader.find_by_keys(self.pending).await? else { return Ok(()) };
        let mut window = self.writer.window();
        window.history_done = history.difference(&found);
        *history = history.intersection(&found);
        if window.history_done.is_empty() { Ok(()) } else { self.writer.commit(&mut window).await }
    }

    /// What is in the mailbox no more needs neither history nor another try.
    async fn let_go(&mut self) -> Result<()> {
        let closed: UidSet = self.gaps.keys().copied().filter(|uid| !self.open.uids.contains(*uid)).collect();
        self.gaps.retain(|uid, _| !closed.contains(*uid));
        let mut window = self.writer.window();
        let history = self.cursor.history.as_ref();
        window.history_done = history.map(|left| left.difference(&self.open.uids)).unwrap_or_default();
        window.gaps_closed = closed;
        let begins = self.cursor.seen.is_empty();
        if !window.history_done.is_empty() || !window.gaps_closed.is_empty() || begins {
            self.writer.commit(&mut window).await?;
        }
        Ok(())
    }

    async fn work_off(&mut self, work: Work) -> Result<()> {
        let total = work.len();
        let mut left = work.windows(self.writer.pass.window);
        let mut retried = false;
        let mut done = 0;
        let mut asked = VecDeque::new();
        loop {
            while asked.len() < 2 {
                let Some(window) = left.pop_front() else { break };
                if self.is_for_another_day(&window) {
                    self.is_behind = true;
                    self.writer.pass.fall_behind();
                    left.clear();
                    break;
                }
                self.reader.request_addressing(&window).await?;
                asked.push_back(window);
            }
            let Some(window) = asked.pop_front() else {
                // What failed is asked for once more, one by one, before it is called a gap.
                if retried || self.failed.is_empty() {
                    break;
                }
                retried = true;
                let failed: UidSet = std::mem::take(&mut self.failed).into_keys().collect();
                left = plan::windows(failed, 1).into();
                continue;
            };
            let answer = self.reader.next_addressing().await?;
            left.extend(self.unanswered(&window, &answer));
            done = (done + answer.messages.len() as u64).min(total);
            self.writer.left = Some(total - done);
            self.window_answered(answer.messages).await?;
            (self.writer.pass.progress)(&Progress::new(
                self.writer.pass.fence.account.clone(),
                self.writer.mailbox.name.clone(),
                done,
                total,
            ));
        }
        Ok(())
    }

    /// Whether a window is of what lay there before, and the day's share of such is used up.
    fn is_for_another_day(&self, window: &UidSet) -> bool {
        let highest = self.cursor.highest_seen();
        let is_old = window.last().is_none_or(|last| highest.is_none_or(|seen| last <= seen));
        self.is_rationed && is_old && self.writer.pass.share_is_used()
    }

    /// Halves of a window that was refused as a whole, to be asked for; what else was not answered has failed.
    fn unanswered(&mut self, window: &UidSet, answer: &AddressedWindow) -> Vec<UidSet> {
        let answered: UidSet = answer.messages.iter().map(|m| m.uid).collect();
        let missing = window.difference(&answered);
        if let Some((high, low)) = plan::halves(&missing).filter(|_| answer.refused) {
            return vec![high, low];
        }
        let reason = if answer.refused { GapReason::Refused } else { GapReason::NotAnswered };
        self.failed.extend(missing.iter().map(|uid| (uid, reason)));
        Vec::new()
    }

    /// Archives what was gathered.
    pub(super) async fn flush(&mut self, gathered: &mut Gathered) -> Result<()> {
        let gathered = std::mem::take(gathered);
        for copy in &gathered.copies {
            self.present.insert(copy.copy.place.uid);
        }
        for uid in gathered.seen.iter() {
            self.gaps.remove(&uid);
        }
        if gathered.is_empty() {
            return Ok(());
        }
        self.writer.archive(gathered).await
    }

    /// What would not come becomes a gap, or, after too many tries, a dead letter.
    async fn settle_failures(&mut self) -> Result<()> {
        if self.failed.is_empty() {
            return Ok(());
        }
        let now = self.writer.pass.now();
        let mut window = self.writer.window();
        for (uid, reason) in std::mem::take(&mut self.failed) {
            match plan::failed_again(uid, reason, self.gaps.get(&uid), now) {
                Some(gap) => {
                    self.gaps.insert(uid, gap.clone());
                    window.gaps.push(gap);
                }
                None => {
                    self.gaps.remove(&uid);
                    window.dead_letters.push(DeadLetter::new(self.writer.place(uid), reason.as_str(), now));
                    window.seen.insert(uid);
                    self.writer.report.dead_letters += 1;
                }
            }
            // A gap is not history: it is read for every key when it comes.
            window.history_done.insert(uid);
        }
        self.writer.commit(&mut window).await
    }
}

/// Whether nothing more comes of a session after that error.
pub(super) fn breaks_session(error: &Error) -> bool {
    use ErrorKind::{ConnectionLost, LimitExceeded, Protocol, TimedOut};
    matches!(error.kind(), ConnectionLost | LimitExceeded | Protocol | TimedOut)
}
