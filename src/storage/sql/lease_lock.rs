//! The leases this process holds, and the lock on a file that proves it alive.
//!
//! While a store holds a lease it holds an operating system's lock on `<file>-lock`. Whoever can take that lock knows that
//! every lease in the tables was left by a process that died, or gave its own up: so a lease lives only as long as the store
//! that took it remembers it. The lock ends with the process, whatever becomes of it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::contract::Fence;
use crate::error::{Error, ErrorKind, Result};
use crate::types::{AccountId, PracticeId, Timestamp};

/// The leases of one store.
#[derive(Default)]
pub(in crate::storage) struct LeaseLock {
    /// `None` in memory, where nobody else can be.
    path: Option<PathBuf>,
    held: Mutex<Held>,
}

type Account = (PracticeId, AccountId);

#[derive(Default)]
struct Held {
    file: Option<File>,
    /// Leases on their way to the tables.
    entering: usize,
    leases: BTreeMap<Account, Lease>,
}

#[derive(Clone, Copy)]
struct Lease {
    token: u64,
    epoch: u64,
    until: Timestamp,
}

impl LeaseLock {
    /// The lock that goes with a database's file.
    #[cfg(feature = "sqlite")]
    pub(in crate::storage) fn beside(database: &Path) -> Self {
        Self { path: Some(beside(database, "-lock")), held: Mutex::default() }
    }

    /// Takes the lock, unless this store has it.
    ///
    /// # Errors
    /// `Busy` when another process, or another store of this one, has it.
    pub(in crate::storage) fn enter(&self) -> Result<Entering<'_>> {
        let mut held = self.held();
        if let Some(path) = self.path.as_deref().filter(|_| held.file.is_none()) {
            let file = open(path).map_err(unusable)?;
            match file.try_lock() {
                Ok(()) => held.file = Some(file),
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::new(ErrorKind::Busy, "another process holds leases of this archive"));
                }
                Err(TryLockError::Error(cause)) => return Err(unusable(cause)),
            }
        }
        held.entering += 1;
        Ok(Entering { lock: self })
    }

    /// Whether the lease in the tables is one this store still remembers.
    pub(in crate::storage) fn remembers(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        token: u64,
    ) -> bool {
        let held = self.held();
        held.leases.get(&(practice.clone(), account.clone())).is_some_and(|lease| lease.token == token)
    }

    /// Whether a lease in the tables may live, as far as can be told without the lock: this store's, or another process's.
    pub(in crate::storage) fn may_live(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        token: u64,
    ) -> bool {
        self.held().file.is_none() && self.path.is_some() || self.remembers(practice, account, token)
    }

    /// Moves a lease's end.
    pub(in crate::storage) fn extend(&self, fence: &Fence, until: Timestamp) {
        let mut held = self.held();
        let lease = held.leases.get_mut(&(fence.practice.clone(), fence.account.clone()));
        if let Some(lease) = lease.filter(|lease| lease.is_of(fence)) {
            lease.until = until;
        }
    }

    /// Forgets a lease.
    pub(in crate::storage) fn leave(&self, fence: &Fence) {
        let ours = |at: &Account| at.0 == fence.practice && at.1 == fence.account;
        self.held().leave(|at, lease| ours(at) && lease.is_of(fence));
    }

    /// Forgets an account's lease.
    pub(in crate::storage) fn leave_account(&self, practice: &PracticeId, account: &AccountId) {
        self.held().leave(|at, _| at.0 == *practice && at.1 == *account);
    }

    /// Forgets leases that have expired: a process that dropped its work must not keep others out by being alive.
    #[cfg(feature = "sqlite")]
    pub(in crate::storage) fn prune(&self, now: Timestamp) {
        self.held().leave(|_, lease| lease.until <= now);
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    fn is_of(&self, fence: &Fence) -> bool {
        self.token == fence.token && self.epoch == fence.epoch
    }
}

impl Held {
    fn leave(&mut self, ended: impl Fn(&Account, &Lease) -> bool) {
        self.leases.retain(|at, lease| !ended(at, lease));
        self.unlock_if_idle();
    }

    fn unlock_if_idle(&mut self) {
        if self.entering == 0 && self.leases.is_empty() {
            self.file = None;
        }
    }
}

/// The lock, held until a lease is written or has failed to be.
pub(in crate::storage) struct Entering<'a> {
    lock: &'a LeaseLock,
}

impl Entering<'_> {
    /// Remembers the lease that was written.
    pub(in crate::storage) fn remember(self, fence: &Fence, until: Timestamp) {
        let lease = Lease { token: fence.token, epoch: fence.epoch, until };
        self.lock.held().leases.insert((fence.practice.clone(), fence.account.clone()), lease);
    }
}

impl Drop for Entering<'_> {
    fn drop(&mut self) {
        let mut held = self.lock.held();
        held.entering = held.entering.saturating_sub(1);
        held.unlock_if_idle();
    }
}

/// The file of this name beside another.
#[cfg(feature = "sqlite")]
pub(in crate::storage) fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

pub(in crate::storage) fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

pub(in crate::storage) fn unusable(cause: std::io::Error) -> Error {
    Error::new(ErrorKind::Storage, "the archive's lock file cannot be used").with_source(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fence(token: u64) -> Fence {
        Fence::new(PracticeId::new("p").unwrap(), AccountId::new("a").unwrap(), token, 0)
    }

    #[test]
    fn the_lock_is_held_exactly_as_long_as_a_lease() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("mail.db");
        let (one, other) = (LeaseLock::beside(&file), LeaseLock::beside(&file));

        drop(one.enter().unwrap());
        other.enter().unwrap().remember(&fence(1), Timestamp::from_unix(10));
        assert_eq!(one.enter().err().map(|e| e.kind()), Some(ErrorKind::Busy));
        other.leave(&fence(2));
        assert!(one.enter().is_err());
        other.leave(&fence(1));
        assert!(one.enter().is_ok());
    }

    #[test]
    fn an_expired_lease_keeps_nobody_out() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("mail.db");
        let (one, other) = (LeaseLock::beside(&file), LeaseLock::beside(&file));

        other.enter().unwrap().remember(&fence(1), Timestamp::from_unix(10));
        other.prune(Timestamp::from_unix(9));
        assert!(one.enter().is_err());
        other.prune(Timestamp::from_unix(10));
        assert!(one.enter().is_ok());
    }
}
