//! Workers, a store in memory, and passes that a test describes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::contract::{
    Clock, DueAccount, Fence, MailStore as _, NewAccount, NextDue, PassEnd, ProviderLimits, Schedule as _,
};
use crate::error::{Error, ErrorKind};
use crate::settings::{AccountSettings, Login, ServerSettings, TlsMode};
use crate::storage::MemoryStore;
use crate::sync::brake::Brake;
use crate::sync::pass::LEASE_SECONDS;
use crate::sync::schedule::Ended;
use crate::sync::work::{Chores, Pace, Wanted, Work};
use crate::types::{AccountId, Address, PracticeId, Timestamp, UserId};

/// 2027-01-15 at eight in the morning.
pub(super) const START: i64 = 1_800_000_000;
/// A pass looks at its brake as often as this: where a window ends.
const WINDOW: Duration = Duration::from_secs(5);

/// The runtime's clock, which moves when everybody waits.
pub(super) struct VirtualClock(Instant);

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(START + i64::try_from(self.0.elapsed().as_secs()).unwrap())
    }
}

/// How a pass goes.
pub(super) struct Script {
    pub(super) takes: Duration,
    pub(super) fails: Option<Error>,
}

impl Script {
    pub(super) fn taking(seconds: u64) -> Self {
        Self { takes: Duration::from_secs(seconds), fails: None }
    }

    pub(super) fn failing(kind: ErrorKind) -> Self {
        Self { takes: Duration::from_secs(1), fails: Some(Error::new(kind, "as the script has it")) }
    }
}

/// A pass that was made.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Made {
    pub(super) practice: String,
    pub(super) account: String,
    pub(super) begun: i64,
    /// None of a pass that never ended.
    pub(super) ended: Option<i64>,
    pub(super) was_first: bool,
    pub(super) broken_off: bool,
    pub(super) lost: bool,
}

type Director = dyn Fn(&DueAccount) -> Script + Send + Sync;

/// Passes under way: of each account; and of each provider, with the most there ever were.
type UnderWay = (BTreeMap<(String, String), u32>, BTreeMap<String, (u32, u32)>);

/// Makes passes as a script has them.
pub(super) struct Scripted {
    store: Arc<MemoryStore>,
    clock: Arc<VirtualClock>,
    script: Box<Director>,
    pub(super) made: Mutex<Vec<Made>>,
    under_way: Mutex<UnderWay>,
}

impl Scripted {
    fn now(&self) -> i64 {
        self.clock.now().as_unix() - START
    }

    fn begin(&self, due: &DueAccount) -> usize {
        let (practice, account) = (due.fence.practice.to_string(), due.fence.account.to_string());
        let mut under_way = self.under_way.lock().unwrap();
        let of_account = under_way.0.entry((practice.clone(), account.clone())).or_default();
        *of_account += 1;
        assert_eq!(*of_account, 1, "{account} is read twice at once");
        let at_provider = under_way.1.entry(due.provider.clone()).or_default();
        *at_provider = (at_provider.0 + 1, at_provider.1.max(at_provider.0 + 1));
        let mut made = self.made.lock().unwrap();
        made.push(Made {
            practice,
            account,
            begun: self.now(),
            ended: None,
            was_first: due.is_first,
            broken_off: false,
            lost: false,
        });
        made.len() - 1
    }

    /// However it ends, it is over.
    fn over(&self, due: &DueAccount) {
        let ids = (due.fence.practice.to_string(), due.fence.account.to_string());
        let mut under_way = self.under_way.lock().unwrap();
        under_way.0.remove(&ids);
        under_way.1.get_mut(&due.provider).unwrap().0 -= 1;
    }
}

/// Tells that a pass is over, also of one that is cut short.
struct Over<'a>(&'a Scripted, &'a DueAccount);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.over(self.1);
    }
}

#[async_trait]
impl Chores for Scripted {
    async fn pass(&self, due: DueAccount, brake: Brake) {
        let number = self.begin(&due);
        let over = Over(self, &due);
        let begun = self.clock.now();
        let Script { takes, fails } = (self.script)(&due);
        let mut left = takes;
        while !left.is_zero() && !brake.is_pulled() {
            let window = left.min(WINDOW);
            sleep(window).await;
            left -= window;
        }
        let (practice, account) = (&due.fence.practice, &due.fence.account);
        let broken_off = !left.is_zero();
        let now = self.clock.now();
        let ended = Ended {
            practice,
            account,
            begun,
            now,
            failures: due.failures,
            before: due.record.health.failure,
            error: fails.as_ref(),
        };
        let end = PassEnd {
            at: Some(now),
            failure: fails.as_ref().filter(|_| !broken_off).map(|e| (e.kind(), e.to_string())),
            next_due: if broken_off { NextDue::Unchanged } else { ended.next_due() },
            broken_off,
            ..PassEnd::default()
        };
        drop(over);
        let lost = self.store.end_pass(&due.fence, &end).await.is_err();
        self.store.release_lease(&due.fence).await.unwrap();
        let mut made = self.made.lock().unwrap();
        made[number] = Made { ended: Some(self.now()), broken_off, lost, ..made[number].clone() };
    }

    async fn deliver(&self, _: PracticeId, _: Brake) {}
}

/// A store, and who works on it.
pub(super) struct Office {
    pub(super) store: Arc<MemoryStore>,
    pub(super) clock: Arc<VirtualClock>,
    pub(super) chores: Arc<Scripted>,
    limits: ProviderLimits,
}

/// A worker. Dropped, it is gone as a process that died.
pub(super) struct Worker {
    wanted: watch::Sender<Wanted>,
    task: JoinSet<()>,
}

impl Worker {
    pub(super) async fn shutdown(mut self, within: Duration) {
        self.wanted.send_replace(Some(Instant::now() + within));
        while self.task.join_next().await.is_some() {}
    }
}

impl Office {
    pub(super) fn new(script: impl Fn(&DueAccount) -> Script + Send + Sync + 'static) -> Self {
        let clock = Arc::new(VirtualClock(Instant::now()));
        let store = Arc::new(MemoryStore::new(clock.clone()));
        let chores = Scripted {
            store: store.clone(),
            clock: clock.clone(),
            script: Box::new(script),
            made: Mutex::default(),
            under_way: Mutex::default(),
        };
        Self { store, clock, chores: Arc::new(chores), limits: ProviderLimits::default() }
    }

    pub(super) fn limits(mut self, limits: ProviderLimits) -> Self {
        self.limits = limits;
        self
    }

    pub(super) fn worker(&self, name: &str, side_by_side: usize) -> Worker {
        let pace = Pace {
            holder: name.to_owned(),
            side_by_side,
            lease: LEASE_SECONDS,
            look_every: Duration::from_secs(5),
            limits: self.limits.clone(),
        };
        let work =
            Work { store: self.store.clone(), clock: self.clock.clone(), chores: self.chores.clone(), pace };
        let (wanted, receiver) = watch::channel(None);
        let mut task = JoinSet::new();
        task.spawn(work.run(receiver));
        Worker { wanted, task }
    }

    pub(super) async fn connect(&self, practice: &str, account: &str, host: &str) {
        let server = ServerSettings::new(host, 993, TlsMode::Implicit).unwrap();
        let settings = AccountSettings::new(server, Login::new("login").unwrap());
        let (user, address) = (UserId::new(account).unwrap(), Address::parse("a@practice.example").unwrap());
        let ids = (practice_id(practice), account_id(account));
        self.store.connect(&NewAccount::new(ids.0, ids.1, user, address, settings)).await.unwrap();
    }

    /// Connects an account that was read to the end before, and is due in so many seconds.
    pub(super) async fn connect_known(&self, practice: &str, account: &str, host: &str, due_in: u32) {
        self.connect(practice, account, host).await;
        let ids = (practice_id(practice), account_id(account));
        let fence: Fence = self.store.acquire_lease(&ids.0, &ids.1, "setup", 60).await.unwrap();
        let end = PassEnd { next_due: NextDue::In(due_in), ..PassEnd::default() };
        self.store.end_pass(&fence, &end).await.unwrap();
        self.store.release_lease(&fence).await.unwrap();
    }

    pub(super) async fn pass_time(&self, seconds: u64) {
        sleep(Duration::from_secs(seconds)).await;
    }

    pub(super) fn made(&self) -> Vec<Made> {
        self.chores.made.lock().unwrap().clone()
    }

    /// When the passes of an account began.
    pub(super) fn begun(&self, account: &str) -> Vec<i64> {
        self.made().into_iter().filter(|made| made.account == account).map(|made| made.begun).collect()
    }

    /// The most passes that were ever under way of a provider.
    pub(super) fn most_at(&self, provider: &str) -> u32 {
        self.chores.under_way.lock().unwrap().1.get(provider).map_or(0, |(_, most)| *most)
    }

    pub(super) async fn request(&self, practice: &str, account: &str) {
        let asked = self.store.request_now(&practice_id(practice), Some(account_id(account))).await;
        assert_eq!(asked.unwrap(), 1);
    }
}

pub(super) fn practice_id(id: &str) -> PracticeId {
    PracticeId::new(id).unwrap()
}

pub(super) fn account_id(id: &str) -> AccountId {
    AccountId::new(id).unwrap()
}

/// The times between what happened.
pub(super) fn intervals(at: &[i64]) -> Vec<i64> {
    at.windows(2).map(|pair| pair[1] - pair[0]).collect()
}
