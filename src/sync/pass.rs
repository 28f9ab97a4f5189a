//! One pass over one account: what it works with, and its rounds.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::brake::Brake;
use super::keys;
use super::report::{AccountReport, ProgressSink};
use crate::contract::{
    BlobStore, Clock, Connection, Fence, MailStore, MailboxReader, NewAccount, OutboxQuery,
    PracticeDirectory, SessionTraffic,
};
use crate::error::{Error, ErrorKind, Result};
use crate::matching::Matcher;
use crate::types::Timestamp;

/// How long a lease is taken for unless a worker was told another length, in seconds; it is renewed while a pass goes on.
pub(crate) const LEASE_SECONDS: u32 = 300;
/// How often a pass begins again because the directory changed while it ran.
const MAX_ROUNDS: usize = 3;

/// A first synchronisation, or history, leaves one part in so many of the day's budget to what arrives meanwhile.
const RESERVE: u64 = 4;

/// The error of an account that has read as much as it may today.
pub(crate) fn budget_spent(now: Timestamp) -> Error {
    let tomorrow = Timestamp::from_unix((now.day() + 1) * 86_400);
    Error::new(ErrorKind::BudgetSpent, "the account has read as much as it may today").retry_at(tomorrow)
}

/// Tells what a session has used of the network.
pub(super) type Traffic<'a> = Box<dyn Fn() -> SessionTraffic + Send + Sync + 'a>;

/// Octets of a session that stand in the store. All that is done over one session shares it, so that each octet counts once.
#[derive(Debug, Default)]
pub(crate) struct Accounted(AtomicU64);

impl Accounted {
    /// Octets that do not stand in the store yet.
    pub(crate) fn left_of(&self, traffic: SessionTraffic) -> u64 {
        traffic.octets_in.saturating_sub(self.0.load(Ordering::Relaxed))
    }

    fn add(&self, octets: u64) {
        self.0.fetch_add(octets, Ordering::Relaxed);
    }
}

/// What a pass works with.
pub(crate) struct Pass<'a> {
    pub(crate) store: &'a dyn MailStore,
    pub(crate) blobs: &'a dyn BlobStore,
    pub(crate) directory: &'a dyn PracticeDirectory,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) account: &'a NewAccount,
    pub(crate) fence: &'a Fence,
    lease: u32,
    pub(crate) matcher: Matcher,
    pub(crate) revision: String,
    pub(crate) window: usize,
    /// Whether the practice has ever sent with this crate: only then can a report be about it.
    pub(crate) has_sent: bool,
    pub(crate) progress: ProgressSink<'a>,
    brake: &'a Brake,
    pub(super) traffic: Traffic<'a>,
    octets_today: AtomicU64,
    octets_per_day: u64,
    is_behind: AtomicBool,
    accounted: &'a Accounted,
    lease_renewed: Mutex<Instant>,
}

/// What a pass is given.
#[derive(Clone, Copy)]
pub(crate) struct PassInput<'a> {
    pub(crate) store: &'a dyn MailStore,
    pub(crate) blobs: &'a dyn BlobStore,
    pub(crate) directory: &'a dyn PracticeDirectory,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) account: &'a NewAccount,
    pub(crate) fence: &'a Fence,
    /// The seconds that its lease was taken for, and is renewed by.
    pub(crate) lease: u32,
    /// Of the session that it works with.
    pub(crate) accounted: &'a Accounted,
    pub(crate) window: usize,
    pub(crate) progress: ProgressSink<'a>,
    /// Ends it early.
    pub(crate) brake: &'a Brake,
}

/// Reads an account to the end. What happened stands in `report`, also when it ends early.
pub(crate) async fn run(
    input: PassInput<'_>,
    connection: Connection,
    report: &mut AccountReport,
) -> Result<()> {
    let Connection { mut reader, traffic, .. } = connection;
    let read = rounds(input, reader.as_mut(), Box::new(&*traffic), report).await;
    if read.is_ok() {
        reader.close().await;
    }
    report.traffic = traffic();
    read?.map_or(Ok(()), Err)
}

/// Answers why a mailbox could not be opened, where one could not.
async fn rounds(
    input: PassInput<'_>,
    reader: &mut dyn MailboxReader,
    traffic: Traffic<'_>,
    report: &mut AccountReport,
) -> Result<Option<Error>> {
    let mut pass = Pass::begin(input, traffic).await?;
    let mut unavailable = None;
    for _ in 0..MAX_ROUNDS {
        unavailable = pass.round(reader, report).await?;
        if pass.is_behind() {
            // Rather than what could not be opened: it is what the rest waits for.
            return Err(Error::new(
                ErrorKind::BudgetSpent,
                "old mail is read on when the day's share of it is new",
            ));
        }
        if !pass.has_changed().await? {
            break;
        }
        (pass.matcher, pass.revision) = keys::load_matcher(pass.directory, &pass.fence.practice).await?;
    }
    Ok(unavailable)
}

impl<'a> Pass<'a> {
    pub(super) async fn begin(input: PassInput<'a>, traffic: Traffic<'a>) -> Result<Self> {
        let practice = &input.fence.practice;
        let (matcher, revision) = keys::load_matcher(input.directory, practice).await?;
        let has_sent = !input.store.outbox(practice, &OutboxQuery::newest(1)).await?.is_empty();
        Ok(Self {
            store: input.store,
            blobs: input.blobs,
            directory: input.directory,
            clock: input.clock,
            account: input.account,
            fence: input.fence,
            lease: input.lease,
            matcher,
            revision,
            window: input.window,
            has_sent,
            progress: input.progress,
            brake: input.brake,
            traffic,
            octets_today: AtomicU64::new(0),
            octets_per_day: input.account.settings.octets_per_day(),
            is_behind: AtomicBool::new(false),
            accounted: input.accounted,
            lease_renewed: Mutex::new(Instant::now()),
        })
    }

    /// Whether the directory changed while the pass ran.
    async fn has_changed(&self) -> Result<bool> {
        let same = keys::revision(self.directory, &self.fence.practice).await? == self.revision;
        Ok(!same || self.coverage_change().await?.1.is_some())
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Octets of the session that do not stand in the store yet.
    pub(super) fn unaccounted(&self) -> u64 {
        self.accounted.left_of((self.traffic)())
    }

    /// Takes up what was read today; an error where that is all the account may read.
    pub(super) fn begin_day(&self, octets_today: u64) -> Result<()> {
        self.octets_today.store(octets_today, Ordering::Relaxed);
        self.spend(0)
    }

    /// Counts octets, which stand in the store now, against the day's budget.
    pub(super) fn spend(&self, octets: u64) -> Result<()> {
        self.accounted.add(octets);
        let spent = self.octets_today.fetch_add(octets, Ordering::Relaxed) + octets;
        if spent > self.octets_per_day {
            return Err(self.budget_spent());
        }
        self.brake.check()
    }

    /// An error where what is not counted yet is more than the account may read today.
    pub(super) fn within_day(&self) -> Result<()> {
        let read = self.octets_today.load(Ordering::Relaxed).saturating_add(self.unaccounted());
        if read > self.octets_per_day { Err(self.budget_spent()) } else { Ok(()) }
    }

    fn budget_spent(&self) -> Error {
        budget_spent(self.now())
    }

    /// Whether the day's share of what lay there before is used up: the rest of the budget is for what arrives.
    pub(super) fn share_is_used(&self) -> bool {
        let share = self.octets_per_day - self.octets_per_day / RESERVE;
        self.octets_today.load(Ordering::Relaxed).saturating_add(self.unaccounted()) >= share
    }

    /// Remembers that something was left for another day.
    pub(super) fn fall_behind(&self) {
        self.is_behind.store(true, Ordering::Relaxed);
    }

    /// Whether it was.
    pub(super) fn is_behind(&self) -> bool {
        self.is_behind.load(Ordering::Relaxed)
    }

    /// Renews the lease when a third of it has passed.
    pub(super) async fn keep_lease(&self) -> Result<()> {
        let third = Duration::from_secs(u64::from(self.lease) / 3);
        let due = {
            let mut renewed = self.lease_renewed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let due = renewed.elapsed() >= third;
            if due {
                *renewed = Instant::now();
            }
            due
        };
        if due { self.store.renew_lease(self.fence, self.lease).await } else { Ok(()) }
    }
}
