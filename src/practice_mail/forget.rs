//! Housekeeping: erasing what is no client's any more, once a grace has passed.

use std::collections::BTreeSet;

use super::PracticeMail;
use super::erase::{BATCH, Candidate, Order, Retentions, Verdict};
use super::erase_view::{ErasedReport, ForgetOptions, Forgotten};
use super::quiet::AllQuiet;
use super::view::Viewer;
use crate::contract::{Bars, EraseReason};
use crate::error::Result;
use crate::matching::Relevance;
use crate::sync::keys::load_matcher;
use crate::types::{CopyState, Digest, MessageKey, PracticeId, Timestamp};

/// How long octets have to be without a name before they go, in seconds: longer than any write takes between the two.
const ORPHANED_FOR: u32 = 86_400;
/// Blobs listed at once.
const BLOBS: usize = 500;
/// So few may always go, whatever share of the archive they are.
const ALWAYS: usize = 10;
/// Seconds of a day.
const DAY: i64 = 86_400;

/// Why a message may be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Unlisted,
    /// Since then no server has it.
    Gone(Timestamp),
}

/// What there is to forget.
#[derive(Default)]
struct Due {
    unlisted: Vec<MessageKey>,
    gone: Vec<MessageKey>,
}

impl PracticeMail {
    /// Forgets what the practice has no reason to keep; to be called once a day or so.
    ///
    /// A message that is no client's any more is off every tab at once, by computation; here it is marked, and erased when it is still nobody's
    /// after a grace. One whose last copy has left the servers goes when that is long enough ago, if the practice says so
    /// ([`keep_gone_days`](crate::contract::Practice::keep_gone_days)). The directory is asked again at that moment; what it says must be kept is kept; and a run
    /// that would erase more than a share of the archive erases nothing and says so: one empty answer of the directory erases nothing. Octets that a
    /// crash left without a name go too. What was no client's may be archived again: a client that comes back gets its history.
    ///
    /// # Errors
    /// [`Forbidden`](crate::error::ErrorKind::Forbidden) for anybody but administrators and the host;
    /// [`Busy`](crate::error::ErrorKind::Busy) while an account is read for more than a minute; storage kinds.
    ///
    /// # Cancel safety
    /// Dropped half-way, what was erased is erased, and the next run goes on.
    pub async fn forget(
        &self,
        practice: &PracticeId,
        by: &Viewer,
        options: ForgetOptions,
    ) -> Result<Forgotten> {
        self.may_administer(practice, by).await?;
        let mut report = self.mark(practice).await?;
        let due = self.due(practice, options, &mut report).await?;
        report.due = due.unlisted.len() + due.gone.len();
        let share = report.messages * options.most_percent.min(100) as usize / 100;
        report.stopped = report.due > share.max(ALWAYS) && options.most_percent < 100;
        let work = async |quiet: &AllQuiet| {
            if !report.stopped {
                self.forget_these(quiet, (practice, by), &due, &mut report).await?;
            }
            report.orphans = self.sweep(quiet, practice).await?;
            Ok(report)
        };
        let report = self.while_quiet(practice, work).await?;
        // Also for an erasing that was cut off before this.
        self.storage.mail.purge().await?;
        Ok(report)
    }

    /// Marks what is nobody's now, and takes the marks of what is somebody's again.
    async fn mark(&self, practice: &PracticeId) -> Result<Forgotten> {
        let (matcher, _) = load_matcher(&*self.directory, practice).await?;
        let keeps_gone = self.keeps_gone(practice).await?.is_none();
        let mut report = Forgotten::default();
        let mut after = None;
        loop {
            let page = self.storage.mail.all_messages(practice, after, BATCH).await?;
            let Some(last) = page.last() else { return Ok(report) };
            after = Some(last.key);
            report.messages += page.len();
            let sent = self.sent_of(practice, &page).await?;
            let (mut unlisted, mut listed) = (Vec::new(), Vec::new());
            for message in &page {
                let sent = sent.iter().find(|item| item.message.message == message.key);
                match end_of(&Candidate::new(message, sent, &matcher)) {
                    Some(End::Unlisted) => unlisted.push(message.key),
                    end => {
                        report.gone += usize::from(end.is_some() && !keeps_gone);
                        listed.push(message.key);
                    }
                }
            }
            report.unlisted += unlisted.len();
            self.storage.mail.mark_unlisted(practice, &unlisted, &listed).await?;
        }
    }

    /// Messages whose time is over and that need not be kept.
    async fn due(
        &self,
        practice: &PracticeId,
        options: ForgetOptions,
        report: &mut Forgotten,
    ) -> Result<Due> {
        let (matcher, _) = load_matcher(&*self.directory, practice).await?;
        let gone_before = self.keeps_gone(practice).await?.map(|days| self.days_ago(days));
        let before = self.days_ago(options.grace_days).plus(1);
        let mut marked = BTreeSet::new();
        let mut after = None;
        loop {
            let page = self.storage.mail.unlisted(practice, before, after, BATCH).await?;
            let Some(last) = page.last() else { break };
            after = Some(*last);
            marked.extend(page);
        }
        let mut due = Due::default();
        let mut retentions = Retentions::default();
        let mut after = None;
        loop {
            let page = self.storage.mail.all_messages(practice, after, BATCH).await?;
            let Some(last) = page.last() else { return Ok(due) };
            after = Some(last.key);
            let sent = self.sent_of(practice, &page).await?;
            for message in &page {
                let sent = sent.iter().find(|item| item.message.message == message.key);
                let candidate = Candidate::new(message, sent, &matcher);
                let list = match end_of(&candidate) {
                    Some(End::Unlisted) if marked.contains(&message.key) => &mut due.unlisted,
                    Some(End::Gone(since)) if gone_before.is_some_and(|before| since <= before) => {
                        &mut due.gone
                    }
                    _ => continue,
                };
                if self.retains(practice, &candidate, &mut retentions).await? {
                    report.retained += 1;
                } else {
                    list.push(message.key);
                }
            }
        }
    }

    async fn forget_these(
        &self,
        quiet: &AllQuiet,
        (practice, by): (&PracticeId, &Viewer),
        due: &Due,
        report: &mut Forgotten,
    ) -> Result<()> {
        let mut erased = ErasedReport::default();
        let unlisted = |candidate: &Candidate<'_>| match end_of(candidate) {
            Some(End::Unlisted) => Verdict::Erase,
            _ => Verdict::PassOver,
        };
        let gone = |candidate: &Candidate<'_>| match end_of(candidate) {
            Some(End::Gone(_)) => Verdict::Erase,
            _ => Verdict::PassOver,
        };
        let order = Order { practice, by, reason: EraseReason::Unlisted, bars: &Bars::Nothing };
        for batch in due.unlisted.chunks(BATCH) {
            self.erase_batch(quiet, &order, (batch, &unlisted), &mut erased).await?;
        }
        let order = Order { practice, by, reason: EraseReason::Retention, bars: &Bars::ForEver };
        for batch in due.gone.chunks(BATCH) {
            self.erase_batch(quiet, &order, (batch, &gone), &mut erased).await?;
        }
        report.erased = erased.erased;
        report.retained += erased.retained;
        Ok(())
    }

    /// Deletes octets that nothing has named for a day. Answers how many blobs.
    async fn sweep(&self, quiet: &AllQuiet, practice: &PracticeId) -> Result<usize> {
        let mut swept = 0;
        let mut after: Option<Digest> = None;
        loop {
            let page = self.storage.blobs.list(practice, after, BLOBS).await?;
            let Some(last) = page.last() else { return Ok(swept) };
            after = Some(last.sha256);
            let listed: Vec<Digest> = page.iter().map(|blob| blob.sha256).collect();
            quiet.renew().await?;
            let orphans = self.storage.mail.orphans(practice, &listed, ORPHANED_FOR).await?;
            quiet.delete(&orphans).await?;
            swept += orphans.len();
        }
    }

    /// For how many days the practice keeps what has left the servers; `None` for ever.
    async fn keeps_gone(&self, practice: &PracticeId) -> Result<Option<u32>> {
        Ok(self.directory.practice(practice).await?.and_then(|practice| practice.keep_gone_days))
    }

    fn days_ago(&self, days: u32) -> Timestamp {
        self.clock.now().plus(-i64::from(days) * DAY)
    }
}

/// Why a message may be forgotten, if it may.
fn end_of(candidate: &Candidate<'_>) -> Option<End> {
    if candidate.matcher.relevance(&candidate.archived.everyone(), true) != Relevance::Client {
        return Some(End::Unlisted);
    }
    let mut last = None;
    for held in &candidate.archived.message.copies {
        let CopyState::Gone { since } = held.copy.state else { return None };
        last = last.max(Some(since));
    }
    last.map(End::Gone)
}
