//! The schedule at work: claims accounts that are due, has them read side by side, and keeps their leases.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::brake::Brake;
use super::busy::{Busy, Running};
use crate::contract::{
    Claimed, Clock, DueAccount, DueClaim, Fence, MailStore, ProviderLimits, Schedule as _,
};
use crate::error::{ErrorKind, Result};
use crate::types::PracticeId;

/// Practices whose outboxes are worked on side by side.
const OUTBOXES: usize = 4;
/// How long a first synchronisation may keep the last free place from others: it goes on where it was when its turn comes again.
const FIRST_TURN: Duration = Duration::from_mins(10);
/// Between two tries to renew a lease while the store does not answer.
const RENEW_AGAIN: Duration = Duration::from_secs(5);
/// How long leases are given back for at the end.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What the schedule has done.
#[async_trait]
pub(crate) trait Chores: Send + Sync {
    /// Reads an account, writes how that ended, and gives its lease back; ends soon once the brake is pulled.
    async fn pass(&self, due: DueAccount, brake: Brake);

    /// Delivers what is due in a practice's outbox; ends soon once the brake is pulled.
    async fn deliver(&self, practice: PracticeId, brake: Brake);
}

/// How much is done at once, and how often it is looked.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    pub(crate) holder: String,
    pub(crate) side_by_side: usize,
    pub(crate) look_every: Duration,
    /// Seconds of a lease.
    pub(crate) lease: u32,
    pub(crate) limits: ProviderLimits,
}

/// What its owner wants: `None` that it goes on, else that it ends by then.
pub(crate) type Wanted = Option<Instant>;

/// A worker of the schedule.
pub(crate) struct Work {
    pub(crate) store: Arc<dyn MailStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chores: Arc<dyn Chores>,
    pub(crate) pace: Pace,
}

impl Work {
    /// Works until it is told to end, or its owner is gone.
    pub(crate) async fn run(self, mut wanted: watch::Receiver<Wanted>) {
        let mut busy = Busy::default();
        let mut looked: Option<Instant> = None;
        let mut outboxes_after = None;
        loop {
            let end = *wanted.borrow_and_update();
            let wake = if let Some(end) = end {
                busy.brake_all();
                if busy.is_idle() {
                    return;
                }
                end
            } else {
                if looked.is_none_or(|at| at.elapsed() >= self.pace.look_every) {
                    looked = Some(Instant::now());
                    self.told("look", self.look(&mut busy, &mut outboxes_after).await);
                }
                Instant::now()
                    + self.told("claim", self.take_up(&mut busy).await).unwrap_or(self.pace.look_every)
            };
            tokio::select! {
                biased;
                changed = wanted.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
                () = busy.done(), if !busy.is_idle() => {}
                () = sleep_until(wake) => {
                    if end.is_some() {
                        return self.give_up(busy).await;
                    }
                }
            }
        }
    }

    /// Claims as much as there is room for; answers how long nothing more is to be claimed.
    async fn take_up(&self, busy: &mut Busy) -> Result<Duration> {
        let room = self.pace.side_by_side;
        while busy.passes() < room {
            let mut claim = self.claim();
            // Half of the room is kept for accounts that want minutes, not hours.
            if busy.first_passes() >= (room / 2).max(1) {
                claim = claim.without_first();
            }
            match self.store.claim_due(&claim).await? {
                Claimed::Account(due) => self.begin(busy, *due),
                Claimed::Nothing { next } => {
                    let now = self.clock.now();
                    let wait = next.map(|next| next.as_unix().saturating_sub(now.as_unix()).max(1));
                    let wait = wait.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs);
                    return Ok(wait.unwrap_or(self.pace.look_every).min(self.pace.look_every));
                }
            }
        }
        self.relieve(busy).await?;
        Ok(self.pace.look_every)
    }

    /// Has a first synchronisation that had its turn make room, if somebody waits for it.
    async fn relieve(&self, busy: &mut Busy) -> Result<()> {
        if busy.passes() > self.pace.side_by_side {
            return Ok(());
        }
        let Some(brake) = busy.longest_first(FIRST_TURN) else { return Ok(()) };
        let claim = self.claim().without_first();
        if let Claimed::Account(due) = self.store.claim_due(&claim).await? {
            brake.pull();
            self.begin(busy, *due);
        }
        Ok(())
    }

    fn claim(&self) -> DueClaim {
        DueClaim::new(&self.pace.holder, self.pace.lease).within(self.pace.limits.clone())
    }

    fn begin(&self, busy: &mut Busy, due: DueAccount) {
        let brake = Brake::default();
        let running = Running {
            fence: due.fence.clone(),
            provider: due.provider.clone(),
            is_first: due.is_first,
            since: Instant::now(),
            brake: brake.clone(),
        };
        let (store, chores, lease) = (self.store.clone(), self.chores.clone(), self.pace.lease);
        busy.begin(running, async move {
            let fence = due.fence.clone();
            tokio::select! {
                biased;
                () = chores.pass(due, brake) => {}
                () = keep(&*store, &fence, lease) => {}
            }
        });
    }

    /// Obeys pauses, and takes up outboxes.
    ///
    /// Outboxes are taken up from behind the last one on: one that stays due, for it has reached a limit, keeps no other from its turn.
    async fn look(&self, busy: &mut Busy, after: &mut Option<PracticeId>) -> Result<()> {
        if !busy.is_idle() {
            busy.brake_paused(&self.store.pauses().await?);
        }
        let mut from_the_first = after.is_none();
        while busy.outboxes() < OUTBOXES {
            let due = self.store.due_outboxes(after.clone(), OUTBOXES - busy.outboxes()).await?;
            *after = due.last().cloned();
            if due.is_empty() {
                if from_the_first {
                    break;
                }
                from_the_first = true;
                continue;
            }
            for practice in due {
                if busy.outboxes() < OUTBOXES && !busy.delivers(&practice) {
                    let (chores, brake) = (self.chores.clone(), Brake::default());
                    let (of, pulled) = (practice.clone(), brake.clone());
                    busy.deliver((practice, brake), async move { chores.deliver(of, pulled).await });
                }
            }
        }
        Ok(())
    }

    /// Ends what has not ended by itself, and gives its leases back.
    async fn give_up(&self, busy: Busy) {
        let fences = busy.abandon().await;
        tracing::warn!(passes = fences.len(), "passes were cut short");
        let releasing = fences.iter().map(|fence| self.store.release_lease(fence));
        let released = futures_util::future::join_all(releasing);
        // What is not given back now expires.
        let _ = tokio::time::timeout(LAST_WORDS, released).await;
    }

    /// What came of it, if it went well.
    #[allow(clippy::unused_self, reason = "reads as what the worker does with what it is told")]
    fn told<T>(&self, what: &'static str, done: Result<T>) -> Option<T> {
        done.inspect_err(|error| tracing::warn!(kind = error.kind().as_str(), what, "the store failed")).ok()
    }
}

/// Renews a lease in time; ends when it is lost.
async fn keep(store: &dyn MailStore, fence: &Fence, lease: u32) {
    let third = Duration::from_secs(u64::from(lease) / 3);
    let mut wait = third;
    loop {
        sleep(wait).await;
        wait = match store.renew_lease(fence, lease).await {
            Ok(()) => third,
            Err(error) if error.kind() == ErrorKind::FenceLost => {
                tracing::warn!(account = %fence.account, "the lease is lost");
                return;
            }
            Err(_) => RENEW_AGAIN.min(third),
        };
    }
}
