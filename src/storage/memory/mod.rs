//! Everything in memory: for tests, and as the plainest reading of the contracts.

mod account;
mod archive;
mod archive_store;
mod blobs;
mod conversations;
mod credentials;
mod directory;
mod due;
mod erasing;
mod erasure;
mod outbox;
mod page;
mod schedule;
mod store;
mod tombstones;
mod window;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::contract::{
    Change, ChangeKind, Clock, CredentialField, DeadLetter, Fence, Pause, PauseScope, SettingsChange,
};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::PracticeSettings;
use crate::storage::rules::AccountRow;
use crate::types::{AccountId, CopyPlace, Digest, MessageKey, PracticeId, Timestamp, UserId};

pub use directory::MemoryDirectory;

/// A mail store, blob store and credential store in memory: nothing outlives it.
///
/// ```
/// use std::sync::Arc;
/// use practicemail::contract::SystemClock;
/// use practicemail::storage::MemoryStore;
/// let store = Arc::new(MemoryStore::new(Arc::new(SystemClock::new())));
/// # let _: Arc<dyn practicemail::contract::MailStore> = store.clone();
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    rows: Arc<Mutex<Rows>>,
}

impl MemoryStore {
    /// An empty store that tells the time by `clock`. Clones share what is stored.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, rows: Arc::default() }
    }

    /// Looks at a practice's rows, if it has any.
    fn read<T: Default>(&self, practice: &PracticeId, look: impl FnOnce(&PracticeRows) -> T) -> T {
        self.lock().practices.get(practice).map(look).unwrap_or_default()
    }

    /// Changes a practice's rows. `change` refuses before it touches anything: that is what makes it atomic.
    fn write<T>(&self, practice: &PracticeId, change: impl FnOnce(&mut PracticeRows, Timestamp) -> T) -> T {
        let now = self.clock.now();
        change(self.lock().practices.entry(practice.clone()).or_default(), now)
    }

    /// Changes a practice's rows, and with them how accounts of it stand in the schedule: one, or all.
    fn write_accounts<T>(
        &self,
        practice: &PracticeId,
        account: Option<&AccountId>,
        change: impl FnOnce(&mut PracticeRows, Timestamp) -> T,
    ) -> T {
        let now = self.clock.now();
        let mut all = self.lock();
        let Rows { practices, due, .. } = &mut *all;
        let rows = practices.entry(practice.clone()).or_default();
        let changed = change(rows, now);
        match account {
            Some(id) => rows.accounts.get(id).into_iter().for_each(|row| due.put(practice, id, row)),
            None => rows.accounts.iter().for_each(|(id, row)| due.put(practice, id, row)),
        }
        changed
    }

    /// Changes a practice's rows, and how the fence's account stands in the schedule.
    fn write_fenced<T>(&self, fence: &Fence, change: impl FnOnce(&mut PracticeRows, Timestamp) -> T) -> T {
        self.write_accounts(&fence.practice, Some(&fence.account), change)
    }

    fn lock(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("practices", &self.lock().practices.len()).finish_non_exhaustive()
    }
}

/// All that is stored.
#[derive(Default)]
struct Rows {
    practices: BTreeMap<PracticeId, PracticeRows>,
    due: due::DueAccounts,
    pauses: BTreeMap<PauseScope, Pause>,
}

/// What is stored of one practice.
#[derive(Default)]
struct PracticeRows {
    accounts: BTreeMap<AccountId, AccountRow>,
    archive: archive::Archive,
    dead_letters: BTreeMap<CopyPlace, DeadLetter>,
    settings: PracticeSettings,
    outbox: outbox::OutboxRows,
    tombstones: tombstones::Tombstones,
    /// Messages that are no client's any more, and since when that is known.
    unlisted: BTreeMap<MessageKey, Timestamp>,
    /// Octets that nothing named when they were first shown.
    orphans: BTreeMap<Digest, Timestamp>,
    feed: Feed,
    blobs: BTreeMap<Digest, Arc<[u8]>>,
    credentials: BTreeMap<(AccountId, CredentialField), credentials::CredentialRow>,
    /// The last claim's token: never given twice, so that a claim cannot outlive a deletion.
    last_claim: u64,
}

impl PracticeRows {
    /// Settles anew what the practice settles for all its users, if it is what the change was made from.
    fn settle(&mut self, change: &SettingsChange, now: Timestamp) -> Result<()> {
        if self.settings != change.before {
            return Err(Error::new(ErrorKind::Busy, "the practice's settings were changed meanwhile"));
        }
        self.settings.clone_from(&change.after);
        self.feed.push_by(now, None, change.by.clone(), ChangeKind::SettingsChanged);
        for row in self.accounts.values_mut() {
            if let Some(change) = row.obey(&self.settings, now) {
                self.feed.push(now, &row.record.account.id, change);
            }
        }
        Ok(())
    }
}

/// The change feed.
#[derive(Default)]
struct Feed(Vec<Change>);

impl Feed {
    fn push<'a>(&mut self, at: Timestamp, account: impl Into<Option<&'a AccountId>>, kind: ChangeKind) {
        self.push_by(at, account, None, kind);
    }

    /// Answers the change's number.
    fn push_by<'a>(
        &mut self,
        at: Timestamp,
        account: impl Into<Option<&'a AccountId>>,
        by: Option<UserId>,
        kind: ChangeKind,
    ) -> u64 {
        let sequence = self.0.last().map_or(1, |last| last.sequence.saturating_add(1));
        self.0.push(Change::new(sequence, at, account.into().cloned(), kind).by(by));
        sequence
    }
}
