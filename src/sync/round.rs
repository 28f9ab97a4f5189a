//! A round of a pass.
//!
//! Every round asks the same two questions, so nothing depends on having been told: what does the server list that was not
//! seen, and which keys does the directory have that what was seen was not matched against? The answers are the work.

use std::collections::{BTreeMap, BTreeSet};

use super::mailbox_pass::MailboxPass;
use super::mailbox_writer::MailboxWriter;
use super::moves::Vanished;
use super::pass::Pass;
use super::plan;
use super::report::{AccountReport, MailboxReport};
use crate::contract::{
    Comparison, CopiesInMailbox, CoverageChange, HistoryStep, MailboxListing, MailboxReader, MailboxState,
    OpenMailbox, SyncState, Window,
};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{CopyPlace, Cursor, Gap, Mailbox, MailboxName, MatchKey, Timestamp, Uid, UidSet};

impl Pass<'_> {
    /// Answers why a mailbox could not be opened, where one could not.
    pub(super) async fn round(
        &self,
        reader: &mut dyn MailboxReader,
        report: &mut AccountReport,
    ) -> Result<Option<Error>> {
        self.sight_erased_clients().await?;
        let mut state = self.take_up_keys().await?;
        self.begin_day(state.octets_today)?;
        let known: Vec<MailboxName> = state.mailboxes.iter().map(|m| m.name.clone()).collect();
        let listing = reader.mailboxes(&known).await?;
        let states: BTreeMap<MailboxName, MailboxState> =
            std::mem::take(&mut state.mailboxes).into_iter().map(|m| (m.name.clone(), m)).collect();
        let now = self.now();
        let (unchanged, changed): (Vec<_>, Vec<_>) =
            listing.mailboxes.iter().partition(|m| plan::is_unchanged(m, states.get(&m.name), now));
        for mailbox in unchanged {
            let row = row(report, &mailbox.name);
            row.unchanged = row.scanned == 0;
        }
        let dropped: BTreeSet<&MailboxName> = if listing.healthy {
            states.keys().filter(|name| !listing.all.iter().any(|m| m.name == **name)).collect()
        } else {
            BTreeSet::new()
        };
        let pending = self.matcher.match_keys(&state.keys.pending);
        let mut unavailable = None;
        if !changed.is_empty() || !dropped.is_empty() {
            unavailable = self.read(reader, &listing, &changed, &states, &dropped, &pending, report).await?;
        }
        if !state.keys.pending.is_empty() && listing.healthy {
            self.finish_history(&listing, &states).await?;
        }
        Ok(unavailable)
    }

    /// Compares the directory's keys with those the account is covered for; the difference becomes history work.
    async fn take_up_keys(&self) -> Result<SyncState> {
        match self.coverage_change().await? {
            (_, Some(change)) => {
                self.store.change_coverage(self.fence, &change).await?;
                self.store.sync_state(&self.fence.practice, &self.fence.account).await
            }
            (state, None) => Ok(state),
        }
    }

    pub(super) async fn coverage_change(&self) -> Result<(SyncState, Option<CoverageChange>)> {
        let state = self.store.sync_state(&self.fence.practice, &self.fence.account).await?;
        let policy = self.matcher.policy(&self.account.settings.excluded_mailboxes);
        let change = plan::coverage(&state, &self.matcher, policy, &self.revision);
        Ok((state, change))
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one round, named where they are made")]
    async fn read(
        &self,
        reader: &mut dyn MailboxReader,
        listing: &MailboxListing,
        changed: &[&Mailbox],
        states: &BTreeMap<MailboxName, MailboxState>,
        dropped: &BTreeSet<&MailboxName>,
        pending: &[MatchKey],
        report: &mut AccountReport,
    ) -> Result<Option<Error>> {
        self.tell_backlog(changed, states).await?;
        let copies = self.store.copies(&self.fence.practice, &self.fence.account).await?;
        let mut opened: BTreeMap<MailboxName, OpenMailbox> = BTreeMap::new();
        let mut unavailable = None;
        let mut is_open: Option<MailboxName> = None;
        let mut comparison = Comparison::default();
        let mut vanished = Vanished::default();
        if !copies.is_empty() {
            // Where copies left from is known before anything is read, so that what arrived is recognised.
            for mailbox in changed {
                // A refusal closes the mailbox that was open before (RFC 9051 §6.3.3).
                is_open = None;
                if let Some(open) = open(reader, &mailbox.name, &mut unavailable).await? {
                    opened.insert(mailbox.name.clone(), open);
                    is_open = Some(mailbox.name.clone());
                }
            }
            for held in &copies {
                self.compare(
                    held,
                    opened.get(&held.mailbox),
                    dropped.contains(&held.mailbox),
                    &mut comparison,
                    &mut vanished,
                )
                .await?;
            }
        }
        let mut finished = Vec::new();
        for mailbox in changed {
            let name = &mailbox.name;
            if is_open.as_ref() != Some(name) {
                is_open = None;
                if !copies.is_empty() && !opened.contains_key(name) {
                    continue;
                }
                let Some(open) = open(reader, name, &mut unavailable).await? else { continue };
                is_open = Some(name.clone());
                opened.insert(name.clone(), open);
            }
            let Some(open) = opened.get(name) else { continue };
            let state = states.get(name).filter(|s| s.cursor.uid_validity == open.uid_validity);
            let row = row(report, name);
            row.unchanged = false;
            let held = copies.iter().find(|c| c.mailbox == *name && c.uid_validity == open.uid_validity);
            let reading = MailboxPass {
                writer: MailboxWriter::new(self, mailbox, open.uid_validity, row),
                reader,
                open,
                cursor: state.map_or_else(|| Cursor::new(open.uid_validity), |s| s.cursor.clone()),
                gaps: state.map(|s| s.gaps.iter().map(|g| (g.uid, g.clone())).collect()).unwrap_or_default(),
                present: held.map(|c| c.present.clone()).unwrap_or_default(),
                vanished: &mut vanished,
                pending,
                failed: BTreeMap::new(),
                is_rationed: false,
                is_behind: false,
            };
            let (gaps, whole) = reading.run().await?;
            if let Some(row) = report.mailboxes.iter_mut().find(|r| r.name == *name) {
                row.gaps = gaps.len() as u64;
            }
            finished.push((*mailbox, open.uid_validity, open.complete && whole, gaps));
        }
        comparison.missing = vanished.into_places();
        comparison.mailboxes_gone = dropped.iter().map(|name| (*name).clone()).collect();
        if comparison != Comparison::default() {
            self.store.commit_comparison(self.fence, &comparison).await?;
        }
        for (mailbox, uid_validity, complete, gaps) in finished {
            // Only now: a pass that broke off before the comparison looks at these mailboxes again.
            let status = mailbox.status.filter(|_| complete && listing.healthy);
            let look_again_at = self.look_again_at(&mailbox.name, &copies, &comparison, &gaps);
            let mut window = Window::new(mailbox.name.clone(), uid_validity);
            window.finished = status;
            window.look_again_at = look_again_at;
            self.store.commit_window(self.fence, &window).await?;
        }
        Ok(unavailable)
    }

    /// Compares the copies archived of one mailbox with what the server lists in it.
    async fn compare(
        &self,
        held: &CopiesInMailbox,
        open: Option<&OpenMailbox>,
        dropped: bool,
        comparison: &mut Comparison,
        vanished: &mut Vanished,
    ) -> Result<()> {
        let listed = match open {
            Some(open) if open.uid_validity == held.uid_validity && open.complete => open.uids.clone(),
            // Renumbered or dropped: nothing is where it was.
            Some(open) if open.uid_validity != held.uid_validity => UidSet::new(),
            None if dropped => UidSet::new(),
            _ => return Ok(()),
        };
        let left = held.present.difference(&listed);
        if !left.is_empty() {
            let (practice, account) = (&self.fence.practice, &self.fence.account);
            vanished
                .add(self.store.copies_at(practice, account, &held.mailbox, held.uid_validity, &left).await?);
        }
        let now = self.now();
        for (uid, since) in &held.missing {
            let place =
                CopyPlace::new(self.fence.account.clone(), held.mailbox.clone(), held.uid_validity, *uid);
            if listed.contains(*uid) {
                comparison.found.push(place);
            } else if since.plus(plan::MISSING_FOR) <= now {
                comparison.gone.push(place);
            }
        }
        Ok(())
    }

    fn look_again_at(
        &self,
        name: &MailboxName,
        copies: &[CopiesInMailbox],
        comparison: &Comparison,
        gaps: &BTreeMap<Uid, Gap>,
    ) -> Option<Timestamp> {
        let now = self.now();
        let missing_now = comparison.missing.iter().any(|place| place.mailbox == *name);
        let missing = copies.iter().filter(|c| c.mailbox == *name).flat_map(|c| c.missing.iter());
        let missing = missing.map(|(_, since)| since.plus(plan::MISSING_FOR)).filter(|at| *at > now);
        let missing = missing.chain(missing_now.then(|| now.plus(plan::MISSING_FOR)));
        missing.chain(gaps.values().map(|gap| gap.next_try)).min()
    }

    /// Pending keys become covered when nothing is left to read again. A mailbox that would not open keeps its history, and
    /// the keys pending; one that was never read has none.
    async fn finish_history(
        &self,
        listing: &MailboxListing,
        states: &BTreeMap<MailboxName, MailboxState>,
    ) -> Result<()> {
        // Mailboxes that are not read any more have no history to read.
        for (name, state) in states {
            let excluded = listing.all.iter().any(|m| m.name == *name)
                && !listing.mailboxes.iter().any(|m| m.name == *name);
            if let Some(left) = state.cursor.history.as_ref().filter(|left| excluded && !left.is_empty()) {
                let mut window = Window::new(name.clone(), state.cursor.uid_validity);
                window.history_done = left.clone();
                self.store.commit_window(self.fence, &window).await?;
            }
        }
        let state = self.store.sync_state(&self.fence.practice, &self.fence.account).await?;
        if state.mailboxes.iter().any(|m| m.cursor.history.as_ref().is_some_and(|left| !left.is_empty())) {
            return Ok(());
        }
        let revision = self.revision.clone();
        let change = CoverageChange { revision, history: HistoryStep::Finish, ..CoverageChange::default() };
        self.store.change_coverage(self.fence, &change).await
    }
}

/// Opens a mailbox; one that the server will not open is passed over and told at the end.
async fn open(
    reader: &mut dyn MailboxReader,
    name: &MailboxName,
    unavailable: &mut Option<Error>,
) -> Result<Option<OpenMailbox>> {
    match reader.open(name).await {
        Ok(open) => Ok(Some(open)),
        Err(error) if error.kind() == ErrorKind::MailboxUnavailable => {
            *unavailable = Some(error);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The report's row of a mailbox.
pub(super) fn row<'r>(report: &'r mut AccountReport, name: &MailboxName) -> &'r mut MailboxReport {
    let index = report.mailboxes.iter().position(|m| m.name == *name);
    let index = index.unwrap_or_else(|| {
        report.mailboxes.push(MailboxReport::new(name.clone()));
        report.mailboxes.len() - 1
    });
    #[allow(clippy::indexing_slicing, reason = "found or pushed just now")]
    &mut report.mailboxes[index]
}
