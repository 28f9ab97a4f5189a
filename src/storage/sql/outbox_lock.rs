//! The claims of intents this process holds, and the lock on a file that proves it alive.
//!
//! While a store holds claims it holds a *shared* lock on `<file>-outbox-lock`: any number of processes may send at once.
//! Whoever can take that lock for itself alone knows that every claim in the tables was left by a process that died, or gave its
//! own up. A process that is stopped keeps its lock: its claims are respected until they expire.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
#[cfg(feature = "sqlite")]
use std::path::Path;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[cfg(feature = "sqlite")]
use super::lease_lock::beside;
use super::lease_lock::{open, unusable};
use crate::contract::OutgoingClaim;
use crate::error::{Error, ErrorKind, Result};
use crate::types::{OutgoingId, PracticeId, Timestamp};

/// The lock is taken alone for an instant only, to look; longer than this is a fault.
const TRIES: u32 = 500;
const PAUSE: Duration = Duration::from_millis(2);

/// The claims of one store.
#[derive(Default)]
pub(in crate::storage) struct OutboxLock {
    /// `None` in memory, where nobody else can be.
    path: Option<PathBuf>,
    held: Mutex<Held>,
}

type Intent = (PracticeId, OutgoingId);

#[derive(Default)]
struct Held {
    file: Option<File>,
    /// Claims on their way to the tables.
    entering: usize,
    claims: BTreeMap<Intent, Claim>,
}

struct Claim {
    token: u64,
    until: Timestamp,
}

impl OutboxLock {
    /// The lock that goes with a database's file.
    #[cfg(feature = "sqlite")]
    pub(in crate::storage) fn beside(database: &Path) -> Self {
        Self { path: Some(beside(database, "-outbox-lock")), held: Mutex::default() }
    }

    /// Whether every claim this store does not remember is known to be dead. What was read of the tables has to be read
    /// before, or in a transaction that writes.
    pub(in crate::storage) fn others_are_dead(&self) -> Result<bool> {
        let held = self.held();
        let Some(path) = &self.path else { return Ok(true) };
        if held.file.is_some() {
            return Ok(false);
        }
        match open(path).map_err(unusable)?.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(cause)) => Err(unusable(cause)),
        }
    }

    /// Takes the lock, unless this store has it.
    pub(in crate::storage) async fn enter(&self) -> Result<Entering<'_>> {
        for _ in 0..TRIES {
            if let Some(entering) = self.try_enter()? {
                return Ok(entering);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(Error::new(ErrorKind::Busy, "another process keeps the outbox locked"))
    }

    fn try_enter(&self) -> Result<Option<Entering<'_>>> {
        let mut held = self.held();
        if let Some(path) = self.path.as_deref().filter(|_| held.file.is_none()) {
            let file = open(path).map_err(unusable)?;
            match file.try_lock_shared() {
                Ok(()) => held.file = Some(file),
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(cause)) => return Err(unusable(cause)),
            }
        }
        held.entering += 1;
        Ok(Some(Entering { lock: self }))
    }

    /// Whether the claim in the tables is one this store still remembers.
    pub(in crate::storage) fn remembers(&self, practice: &PracticeId, id: OutgoingId, token: u64) -> bool {
        self.held().claims.get(&(practice.clone(), id)).is_some_and(|claim| claim.token == token)
    }

    /// Moves a claim's end.
    pub(in crate::storage) fn extend(&self, claim: &OutgoingClaim, until: Timestamp) {
        let mut held = self.held();
        let known = held.claims.get_mut(&intent(claim)).filter(|known| known.token == claim.token);
        if let Some(known) = known {
            known.until = until;
        }
    }

    /// Forgets a claim.
    pub(in crate::storage) fn leave(&self, claim: &OutgoingClaim) {
        let ended = intent(claim);
        self.held().leave(|of, known| *of == ended && known.token == claim.token);
    }

    /// Forgets claims that have expired: a process that dropped its work must not make others wait by being alive.
    #[cfg(feature = "sqlite")]
    pub(in crate::storage) fn prune(&self, now: Timestamp) {
        self.held().leave(|_, claim| claim.until <= now);
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn intent(claim: &OutgoingClaim) -> Intent {
    (claim.item.message.practice.clone(), claim.item.message.id)
}

impl Held {
    fn leave(&mut self, ended: impl Fn(&Intent, &Claim) -> bool) {
        self.claims.retain(|of, claim| !ended(of, claim));
        self.unlock_if_idle();
    }

    fn unlock_if_idle(&mut self) {
        if self.entering == 0 && self.claims.is_empty() {
            self.file = None;
        }
    }
}

/// The lock, held until a claim is written or has failed to be.
pub(in crate::storage) struct Entering<'a> {
    lock: &'a OutboxLock,
}

impl Entering<'_> {
    /// Remembers the claim that was written.
    pub(in crate::storage) fn remember(self, claim: &OutgoingClaim, until: Timestamp) {
        self.lock.held().claims.insert(intent(claim), Claim { token: claim.token, until });
    }
}

impl Drop for Entering<'_> {
    fn drop(&mut self) {
        let mut held = self.lock.held();
        held.entering = held.entering.saturating_sub(1);
        held.unlock_if_idle();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{BlobInfo, ComposedMessage, NewOutgoing, Outgoing, OutgoingWork, Route};
    use crate::types::{Address, AddressingHeaders, Digest, MessageId, MessageKey, UserId};

    fn claim(token: u64) -> OutgoingClaim {
        let digest = Digest::of(b"message");
        let composed = ComposedMessage {
            message: MessageKey::of(&AddressingHeaders::default(), &digest),
            message_id: MessageId::parse("<a@x>").unwrap(),
            rendition: digest,
            octets: BlobInfo::new(digest, 1),
            reverse_path: Address::parse("a@example.org").unwrap(),
        };
        let (practice, author) = (PracticeId::new("p").unwrap(), UserId::new("u").unwrap());
        let id = OutgoingId::from_random([1; 16]);
        let message = NewOutgoing::new(practice, id, author, Route::Noreply, composed, Vec::new());
        let at = Timestamp::from_unix(0);
        OutgoingClaim::new(Outgoing::new(message, at), token, 0, OutgoingWork::Deliver, at)
    }

    #[tokio::test]
    async fn several_stores_hold_claims_and_none_of_them_is_taken_for_dead() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("mail.db");
        let [one, two, three] = [(); 3].map(|()| OutboxLock::beside(&file));
        let (first, second) = (claim(1), claim(2));
        assert!(three.others_are_dead().unwrap());
        one.enter().await.unwrap().remember(&first, Timestamp::from_unix(10));
        two.enter().await.unwrap().remember(&second, Timestamp::from_unix(10));
        one.leave(&second);
        assert!(!three.others_are_dead().unwrap());
        one.leave(&first);
        assert!(!three.others_are_dead().unwrap());
        two.prune(Timestamp::from_unix(9));
        assert!(!three.others_are_dead().unwrap());
        two.prune(Timestamp::from_unix(10));
        assert!(three.others_are_dead().unwrap());
    }
}
