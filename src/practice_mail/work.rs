//! The schedule: reading every account by itself, every ten to fifteen minutes, and delivering what is due.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::PracticeMail;
use super::gap::found_something;
use super::sync::Held;
use super::waiting::{Read, Waiting};
use crate::contract::{AccountRecord, DueAccount, NextDue, PassEnd, ProviderLimits};
use crate::error::{Error, Result};
use crate::settings::Reading;
use crate::sync::AccountReport;
use crate::sync::brake::Brake;
use crate::sync::pass::LEASE_SECONDS;
use crate::sync::schedule::Ended;
use crate::sync::work::{Chores, Pace, Wanted, Work as Schedule};
use crate::types::PracticeId;

/// Accounts read side by side: each is a TLS session and one message's memory; a pass waits for the network most of its time.
const SIDE_BY_SIDE: usize = 8;
/// How often the store is asked for what others have changed: accounts connected, asked for or paused, messages queued.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Whether sessions that wait still may is looked at as seldom as this.
const BETWEEN_LOOKS_AT_SESSIONS: u32 = 4;
/// How long leases are given back for after a shutdown's time is over.
const STORE_PATIENCE: Duration = Duration::from_secs(5);

/// Is told of every pass that ended.
type PassSink = Arc<dyn Fn(&PracticeId, &AccountReport) + Send + Sync>;

/// How a worker works.
#[derive(Clone)]
#[non_exhaustive]
pub struct WorkOptions {
    name: String,
    side_by_side: usize,
    look_every: Duration,
    lease: u32,
    limits: ProviderLimits,
    wait_at: usize,
    told: PassSink,
}

impl WorkOptions {
    /// A worker of this name: another one for every process, for people who read who holds an account's lease. It reads eight accounts
    /// side by side and looks every five seconds.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            side_by_side: SIDE_BY_SIDE,
            look_every: LOOK_EVERY,
            lease: LEASE_SECONDS,
            limits: ProviderLimits::default(),
            wait_at: 0,
            told: Arc::new(|_, _| {}),
        }
    }

    /// Sets how many accounts are read side by side; at least one. Half of them, or one, may be first synchronisations.
    pub fn side_by_side(mut self, accounts: usize) -> Self {
        self.side_by_side = accounts.max(1);
        self
    }

    /// Sets how often the store is asked what is to be done; at least every millisecond.
    pub fn look_every(mut self, pause: Duration) -> Self {
        self.look_every = pause.max(Duration::from_millis(1));
        self
    }

    /// Sets for how many seconds an account is leased, three at least, five minutes unless it is called: for so long it rests when a
    /// worker dies. A lease is renewed by a third of that, so a short one costs the store more.
    pub fn lease(mut self, seconds: u32) -> Self {
        self.lease = seconds.max(3);
        self
    }

    /// Sets how many accounts of a provider are read at once, over all workers; all of them are to be given the same.
    pub fn limits(mut self, limits: ProviderLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets at how many inboxes, at most, a session waits for changes (IDLE, RFC 2177), so that what comes is read within seconds of when the
    /// store is looked at next; none unless it is called. Each holds a connection to its server, and none of the places of
    /// [`side_by_side`](Self::side_by_side). The accounts are those that this worker has read, at servers that tell of changes.
    pub fn wait_at(mut self, inboxes: usize) -> Self {
        self.wait_at = inboxes;
        self
    }

    /// Is told of every pass that ended.
    pub fn on_pass(mut self, told: impl Fn(&PracticeId, &AccountReport) + Send + Sync + 'static) -> Self {
        self.told = Arc::new(told);
        self
    }
}

impl std::fmt::Debug for WorkOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorkOptions")
            .field("name", &self.name)
            .field("side_by_side", &self.side_by_side)
            .field("look_every", &self.look_every)
            .finish_non_exhaustive()
    }
}

/// The schedule at work. Dropping it stops everything at once: what was committed stays, leases expire, and a
/// message on its way out is recovered as one whose outcome is unknown. [`shutdown`](Self::shutdown) stops in good order.
#[derive(Debug)]
#[must_use = "dropping it stops the work"]
pub struct Work {
    wanted: watch::Sender<Wanted>,
    task: JoinSet<()>,
}

impl Work {
    /// Stops: nothing more is begun, passes end with the window they are at, outboxes with the message they are at. What has not
    /// ended `within` that time is cut short, and its leases are given back.
    ///
    /// # Cancel safety
    /// Dropping the future drops the work.
    pub async fn shutdown(mut self, within: Duration) {
        self.wanted.send_replace(Some(Instant::now() + within));
        // A store that does not answer is not waited for: dropped, everything ends.
        let ended = async { while self.task.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(within + STORE_PATIENCE, ended).await;
    }
}

impl PracticeMail {
    /// Begins to work: of all practices, accounts that are due are read, and outboxes that are due delivered, until the value is
    /// dropped or shut down. Any number of processes may, on a store that takes several: they share the accounts.
    ///
    /// Runs on the tokio runtime it is called on.
    ///
    /// ```no_run
    /// # async fn run(mail: practicemail::PracticeMail) {
    /// use std::time::Duration;
    /// use practicemail::practice_mail::WorkOptions;
    ///
    /// let work = mail.work(WorkOptions::new("worker-1").side_by_side(16));
    /// tokio::signal::ctrl_c().await.unwrap();
    /// work.shutdown(Duration::from_secs(20)).await;
    /// # }
    /// ```
    pub fn work(&self, options: WorkOptions) -> Work {
        let (wanted, receiver) = watch::channel(None);
        let WorkOptions { name, side_by_side, look_every, lease, limits, wait_at, told } = options;
        // Two workers may be called alike, and must not be taken for one.
        let holder = format!("{name} ({})", self.name);
        let mut task = JoinSet::new();
        let read = (wait_at > 0).then(|| {
            let (sender, read) = mpsc::unbounded_channel();
            let look_every = look_every * BETWEEN_LOOKS_AT_SESSIONS;
            let waiting = Waiting { mail: self.clone(), most: wait_at, look_every };
            task.spawn(waiting.run(read, receiver.clone()));
            sender
        });
        let schedule = Schedule {
            store: self.storage.mail.clone(),
            clock: self.clock.clone(),
            chores: Arc::new(Desk { mail: self.clone(), lease, read, told }),
            pace: Pace { holder, side_by_side, look_every, lease, limits },
        };
        task.spawn(schedule.run(receiver));
        Work { wanted, task }
    }
}

/// The door, as the schedule uses it.
struct Desk {
    mail: PracticeMail,
    /// Seconds of a lease.
    lease: u32,
    /// What waits at the inboxes of accounts that were read.
    read: Option<mpsc::UnboundedSender<Read>>,
    told: PassSink,
}

#[async_trait]
impl Chores for Desk {
    async fn pass(&self, mut due: DueAccount, brake: Brake) {
        let practice = due.fence.practice.clone();
        match self.may_read(&mut due).await {
            Ok(true) => {
                let DueAccount { fence, record, failures, .. } = &due;
                let held = Held { record, fence, lease: self.lease, failures: *failures, brake: &brake };
                let report = self.mail.read_account(held, &|_| {}).await;
                if let (None, Some(read)) = (&report.error, &self.read) {
                    // Where nobody takes it any more, the worker ends.
                    let _ = read.send(Read { record: record.clone(), found: found_something(&report) });
                }
                (self.told)(&practice, &report);
            }
            Ok(false) => {}
            Err(error) => self.could_not_begin(&due, &error).await,
        }
        // Of a pass that ended the lease is back already.
        let released = self.mail.storage.mail.release_lease(&due.fence).await;
        let _ = released.inspect_err(|error| tracing::warn!(kind = error.kind().as_str(), "a lease stays"));
    }

    async fn deliver(&self, practice: PracticeId, brake: Brake) {
        let worker = self.mail.worker().until(move || brake.is_pulled());
        if let Err(error) = worker.drain(&practice).await {
            tracing::warn!(kind = error.kind().as_str(), "an outbox could not be worked on");
        }
    }
}

impl Desk {
    /// Whether an account is read at all; one whose reading pends is tried. If not, writes when to look at it again.
    async fn may_read(&self, due: &mut DueAccount) -> Result<bool> {
        let account = &due.record.account;
        let users = self.mail.directory.users(&account.practice).await?;
        let is_active = users.iter().any(|user| user.active && user.id == account.user);
        let reading = account.settings.reading;
        if is_active && reading == Reading::Allowed {
            return Ok(true);
        }
        if is_active && reading == Reading::Pends {
            match self.mail.begin_reading(account, &due.fence).await {
                Ok(settings) => {
                    due.record.account.settings = settings;
                    return Ok(true);
                }
                Err(error) => tracing::info!(kind = error.kind().as_str(), "reading pends"),
            }
        }
        let next_due = match reading {
            Reading::Off => NextDue::Stopped,
            _ => self.next_due(&due.record, 0, None),
        };
        let end = PassEnd { broken_off: true, next_due, ..PassEnd::default() };
        self.mail.storage.mail.end_pass(&due.fence, &end).await?;
        Ok(false)
    }

    /// Counts as a pass that failed, so that what is out of order is not asked without a pause.
    async fn could_not_begin(&self, due: &DueAccount, error: &Error) {
        tracing::warn!(kind = error.kind().as_str(), "a pass could not begin");
        let failure = Some((error.kind(), error.to_string()));
        let next_due = self.next_due(&due.record, due.failures, Some(error));
        let end = PassEnd { failure, next_due, ..PassEnd::default() };
        // Where that cannot be written either, the claim's next try waits for the store.
        let _ = self.mail.storage.mail.end_pass(&due.fence, &end).await;
    }

    fn next_due(&self, record: &AccountRecord, failures: u32, error: Option<&Error>) -> NextDue {
        let (practice, account) = (&record.account.practice, &record.account.id);
        let now = self.mail.clock.now();
        Ended { practice, account, begun: now, now, failures, before: record.health.failure, error }
            .next_due()
    }
}
