//! Waiting at inboxes, so that mail is read as it comes.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::gap::{Gap, found_something};
use super::watch_view::{WatchSink, Watched};
use super::{PracticeMail, SIDE_BY_SIDE};
use crate::contract::{AccountRecord, MailboxReader, NewAccount, SignInHints, Waited};
use crate::error::{Error, ErrorKind, Result, Who};
use crate::sync::AccountReport;
use crate::types::{AccountId, Digest, MailboxName, PracticeId, UserId};

/// How often at least an account is read: ten minutes, and up to five more by its id, so that a thousand do not begin together.
const AT_LEAST_EVERY: Duration = Duration::from_mins(10);
const SPREAD_SECONDS: u64 = 300;
/// How often it is looked whether an account is still to be read, and whether others are.
const LOOK_AGAIN: Duration = Duration::from_secs(20);
/// The first pause after a failure; doubled with each that follows.
const FIRST_PAUSE: Duration = Duration::from_secs(5);

impl PracticeMail {
    /// Watches the accounts of a practice, or of one user: a session waits at each inbox, and a pass is made when something comes or
    /// goes, within seconds; and every ten to fifteen minutes anyway, for the mailboxes at which nobody waits. Where a server does not
    /// tell of changes, only the latter.
    ///
    /// Goes on until it is dropped; then every session is closed. Accounts connected meanwhile are watched too, those taken out of
    /// use or switched off no more, within half a minute. What fails is tried again after a pause that grows, and told.
    ///
    /// ```no_run
    /// # use practicemail::PracticeMail;
    /// # use practicemail::practice_mail::Watched;
    /// # use practicemail::types::{PracticeId, UserId};
    /// # async fn looking(mail: PracticeMail, practice: PracticeId, anna: UserId, closed: impl Future<Output = ()>) -> practicemail::error::Result<()> {
    /// let tell = |event: Watched| {
    ///     if let Watched::Passed(report) = event {
    ///         println!("{} was read in {:?}", report.account, report.elapsed);
    ///     }
    /// };
    /// tokio::select! {
    ///     ended = mail.watch(&practice, Some(&anna), &tell) => ended?,
    ///     () = closed => {} // the user has left the page
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorKind::NotFound) for an unknown practice or user; storage kinds, at the beginning.
    ///
    /// # Cancel safety
    /// Dropping it is how it ends. What was committed stays, and the next pass continues behind it.
    pub async fn watch(
        &self,
        practice: &PracticeId,
        user: Option<&UserId>,
        told: WatchSink<'_>,
    ) -> Result<()> {
        let unknown = || Error::new(ErrorKind::NotFound, "the directory does not know this practice");
        self.directory.practice(practice).await?.ok_or_else(unknown)?;
        let passes = Semaphore::new(SIDE_BY_SIDE);
        let mut wanted = self.read_accounts(practice, user).await?;
        let mut watched: BTreeSet<AccountId> = BTreeSet::new();
        let mut watching = FuturesUnordered::new();
        let look_again = || async {
            tokio::time::sleep(LOOK_AGAIN).await;
            self.read_accounts(practice, user).await
        };
        // Polled beside the accounts, never waited for alone: what one of them holds meanwhile, a connection to the
        // database, say, would not come free.
        let mut looking = Box::pin(look_again());
        loop {
            for record in wanted.drain(..) {
                if watched.insert(record.account.id.clone()) {
                    let watch = Watch { mail: self, practice, told, passes: &passes };
                    watching.push(async move {
                        watch.account(&record).await;
                        record.account.id
                    });
                }
            }
            tokio::select! {
                Some(ended) = watching.next(), if !watching.is_empty() => {
                    watched.remove(&ended);
                }
                looked = &mut looking => {
                    match looked {
                        Ok(accounts) => wanted = accounts,
                        Err(error) => tracing::warn!(kind = error.kind().as_str(), "accounts are not known"),
                    }
                    looking = Box::pin(look_again());
                }
            }
        }
    }
}

impl PracticeMail {
    /// A session of its own for an account, to wait at its inbox.
    pub(super) async fn open_to_wait(&self, account: &NewAccount) -> Result<Box<dyn MailboxReader>> {
        let hints = self.storage.mail.sync_state(&account.practice, &account.id).await?.hints;
        let hints = SignInHints::from_stored(hints);
        Ok(self.connections.open_reader(account, &hints).await?.reader)
    }
}

/// What every account is watched with.
struct Watch<'a> {
    mail: &'a PracticeMail,
    practice: &'a PracticeId,
    told: WatchSink<'a>,
    /// For so many passes side by side.
    passes: &'a Semaphore,
}

/// When an account is read next.
struct Pace {
    every: Duration,
    last: Option<Instant>,
    gap: Gap,
    pause: Option<Duration>,
}

impl Watch<'_> {
    /// Watches one account, until it is not to be read any more.
    async fn account(&self, record: &AccountRecord) {
        let id = &record.account.id;
        let mut pace = Pace::of(id);
        let mut pause = FIRST_PAUSE;
        while let Some(record) = self.to_be_read(id).await {
            let begun = Instant::now();
            let Err(error) = self.session(&record, &mut pace).await else { return };
            if begun.elapsed() >= Gap::LONGEST.get() {
                // It held: what failed is not the account.
                pause = FIRST_PAUSE;
            }
            let again_in = if error.advice().who == Who::Nobody { pause } else { pace.every };
            pause = (pause * 2).min(pace.every);
            tracing::info!(account = %id, kind = error.kind().as_str(), "the session that waits ended");
            (self.told)(Watched::Interrupted { account: id.clone(), error, again_in });
            if pace.due() <= Instant::now() {
                // Also where no session comes about: that it fails is then known to everybody.
                self.pass(id, &mut pace).await;
            }
            tokio::time::sleep(again_in).await;
        }
    }

    /// Watches with one session. `Ok` when the account is not to be read any more.
    async fn session(&self, record: &AccountRecord, pace: &mut Pace) -> Result<()> {
        let id = &record.account.id;
        let inbox = MailboxName::encode("INBOX");
        let mut reader = Some(self.mail.open_to_wait(&record.account).await?);
        // From here on nothing is missed: what comes while a pass reads ends the next wait.
        if !waits(&mut reader, &inbox).await? {
            leave(&mut reader).await;
        }
        (self.told)(match reader {
            Some(_) => Watched::Waiting(id.clone()),
            None => Watched::AtIntervals(id.clone()),
        });
        self.pass(id, pace).await;
        loop {
            let due = pace.due();
            let waited = match &mut reader {
                Some(reader) => {
                    let within = due.saturating_duration_since(Instant::now());
                    tokio::select! {
                        waited = reader.wait_for_change(&inbox, within) => waited?,
                        () = self.until_out_of_use(id) => return Ok(()),
                    }
                }
                None => tokio::select! {
                    () = tokio::time::sleep_until(due) => Waited::Quiet,
                    () = self.until_out_of_use(id) => return Ok(()),
                },
            };
            match waited {
                Waited::Changed => tokio::select! {
                    () = tokio::time::sleep_until(pace.soonest()) => {}
                    () = self.until_out_of_use(id) => return Ok(()),
                },
                Waited::NotOffered => {
                    leave(&mut reader).await;
                    (self.told)(Watched::AtIntervals(id.clone()));
                    continue;
                }
                Waited::Quiet => {}
            }
            if self.to_be_read(id).await.is_none() {
                leave(&mut reader).await;
                return Ok(());
            }
            self.pass(id, pace).await;
        }
    }

    /// Makes a pass, and tells of it.
    async fn pass(&self, id: &AccountId, pace: &mut Pace) {
        let Some(record) = self.to_be_read(id).await else { return };
        let Ok(_turn) = self.passes.acquire().await else { return };
        // Where that cannot be learnt, neither can the account be read.
        let failures = self.mail.failures_of(&record.account).await.unwrap_or_default();
        let report = self.mail.sync_account(&record, failures, &|_| {}).await;
        let not_before = report.error.as_ref().and_then(Error::not_before);
        let wait = not_before.map(|at| at.as_unix().saturating_sub(self.mail.clock.now().as_unix()));
        let wait = wait.map(|seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
        pace.passed(&report, wait);
        (self.told)(Watched::Passed(report));
    }

    /// The account as it is now, where it is connected, switched on, and its user still works there. Where that cannot be
    /// learnt, it is asked again later.
    async fn to_be_read(&self, id: &AccountId) -> Option<AccountRecord> {
        loop {
            match self.mail.read_accounts(self.practice, None).await {
                Ok(accounts) => return accounts.into_iter().find(|record| record.account.id == *id),
                Err(error) => tracing::warn!(kind = error.kind().as_str(), "an account is not known"),
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Ends when the account is not to be read any more.
    async fn until_out_of_use(&self, id: &AccountId) {
        loop {
            tokio::time::sleep(LOOK_AGAIN).await;
            if self.to_be_read(id).await.is_none() {
                return;
            }
        }
    }
}

/// Whether a session can wait at the inbox; what comes from now on shows in its next wait.
async fn waits(reader: &mut Option<Box<dyn MailboxReader>>, inbox: &MailboxName) -> Result<bool> {
    let Some(reader) = reader else { return Ok(false) };
    Ok(reader.wait_for_change(inbox, Duration::ZERO).await? != Waited::NotOffered)
}

async fn leave(reader: &mut Option<Box<dyn MailboxReader>>) {
    if let Some(reader) = reader.take() {
        reader.close().await;
    }
}

impl Pace {
    fn of(account: &AccountId) -> Self {
        let digest = Digest::of(account.as_str().as_bytes());
        let spread = digest.as_bytes().first().map_or(0, |octet| u64::from(*octet) * SPREAD_SECONDS / 255);
        let every = AT_LEAST_EVERY + Duration::from_secs(spread);
        Self { every, last: None, gap: Gap::SHORTEST, pause: None }
    }

    /// When the next pass is due, whether something changes or not.
    fn due(&self) -> Instant {
        self.last.map_or_else(Instant::now, |last| last + self.pause.unwrap_or(self.every))
    }

    /// When the next pass may begin at the soonest, where something has changed.
    fn soonest(&self) -> Instant {
        self.last.map_or_else(Instant::now, |last| last + self.pause.unwrap_or(self.gap.get()))
    }

    /// A pass has ended; `wait` is what its error asks for.
    fn passed(&mut self, report: &AccountReport, wait: Option<Duration>) {
        self.last = Some(Instant::now());
        match &report.error {
            None => {
                self.gap = self.gap.after(found_something(report));
                self.pause = None;
            }
            Some(error) => {
                // Where somebody has to act, asking more often than ever changes nothing.
                let growing = self.pause.map_or(FIRST_PAUSE, |pause| (pause * 2).min(self.every));
                let pause = if error.advice().who == Who::Nobody { growing } else { self.every };
                self.pause = Some(wait.map_or(pause, |wait| wait.max(pause)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::UserId;

    fn report(error: Option<ErrorKind>) -> AccountReport {
        let mut report = AccountReport::new(AccountId::new("anna").unwrap(), UserId::new("anna").unwrap());
        report.error = error.map(|kind| Error::new(kind, "it failed"));
        report
    }

    #[tokio::test(start_paused = true)]
    async fn accounts_are_read_every_ten_to_fifteen_minutes_and_not_together() {
        let every = |id: &str| Pace::of(&AccountId::new(id).unwrap()).every;
        let all: BTreeSet<Duration> = (0..100).map(|n| every(&format!("account {n}"))).collect();
        assert!(all.iter().all(|every| (600..=900).contains(&every.as_secs())) && all.len() > 50);
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_until_a_pass_goes_well() {
        let mut pace = Pace::of(&AccountId::new("anna").unwrap());
        assert_eq!(pace.due(), Instant::now());
        let mut paused = |error, wait| {
            pace.passed(&report(error), wait);
            pace.due() - Instant::now()
        };
        let lost = Some(ErrorKind::ConnectionLost);
        let times: Vec<u64> = (0..4).map(|_| paused(lost, None).as_secs()).collect();
        assert_eq!(times, [5, 10, 20, 40]);
        assert_eq!(paused(lost, Some(Duration::from_hours(1))), Duration::from_hours(1));
        assert!(paused(None, None) >= AT_LEAST_EVERY);
        assert_eq!(paused(lost, None), FIRST_PAUSE);
        assert!(paused(Some(ErrorKind::AuthenticationFailed), None) >= AT_LEAST_EVERY);
    }

    #[tokio::test(start_paused = true)]
    async fn changes_that_bring_nothing_are_answered_ever_later() {
        let mut pace = Pace::of(&AccountId::new("anna").unwrap());
        let gaps: Vec<u64> = (0..8)
            .map(|_| {
                pace.passed(&report(None), None);
                (pace.soonest() - Instant::now()).as_secs()
            })
            .collect();
        assert_eq!(gaps, [2, 4, 8, 16, 32, 60, 60, 60]);
    }
}
