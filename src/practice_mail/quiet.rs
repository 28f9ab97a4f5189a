//! Having accounts to oneself.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::PracticeMail;
use crate::contract::{AccountState, Fence};
use crate::error::{ErrorKind, Result};
use crate::sync::pass::LEASE_SECONDS;
use crate::types::{AccountId, Digest, PracticeId};

/// How long a pass over an account is waited for, and how often it is looked.
const PATIENCE: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(200);
/// Blobs deleted between two looks at the leases.
const BLOBS: usize = 100;

/// The leases of every connected account of a practice: nothing is read meanwhile. A pass stores octets before the row that names them,
/// and what it found stored already must not vanish under it.
pub(super) struct AllQuiet {
    door: PracticeMail,
    practice: PracticeId,
    fences: Vec<Fence>,
}

impl PracticeMail {
    /// Holds an account's lease, once whoever reads it is done.
    pub(super) async fn quiet(&self, practice: &PracticeId, account: &AccountId) -> Result<Fence> {
        let holder = format!("{}, erasing", self.name);
        let begun = Instant::now();
        loop {
            let lease = self.storage.mail.acquire_lease(practice, account, &holder, LEASE_SECONDS).await;
            match lease {
                Err(error) if error.kind() == ErrorKind::Busy && begun.elapsed() < PATIENCE => {}
                done => return done,
            }
            sleep(LOOK).await;
        }
    }

    /// Works while nothing of the practice is read.
    pub(super) async fn while_quiet<T>(
        &self,
        practice: &PracticeId,
        work: impl AsyncFnOnce(&AllQuiet) -> Result<T>,
    ) -> Result<T> {
        let mut quiet = AllQuiet { door: self.clone(), practice: practice.clone(), fences: Vec::new() };
        let done = match quiet.begin().await {
            Ok(()) => work(&quiet).await,
            Err(error) => Err(error),
        };
        for fence in &quiet.fences {
            self.storage.mail.release_lease(fence).await?;
        }
        done
    }
}

impl AllQuiet {
    /// Takes lease after lease, also of accounts that are connected meanwhile; all are fresh at the end.
    async fn begin(&mut self) -> Result<()> {
        loop {
            let held: BTreeSet<&AccountId> = self.fences.iter().map(|fence| &fence.account).collect();
            let accounts = self.door.storage.mail.accounts(&self.practice).await?.into_iter();
            let next = accounts
                .filter(|record| record.state == AccountState::Connected)
                .find(|record| !held.contains(&record.account.id));
            let Some(record) = next else { return self.renew().await };
            self.fences.push(self.door.quiet(&self.practice, &record.account.id).await?);
            self.renew().await?;
        }
    }

    /// Makes the leases last on.
    ///
    /// # Errors
    /// [`FenceLost`](ErrorKind::FenceLost): somebody may be reading.
    pub(super) async fn renew(&self) -> Result<()> {
        for fence in &self.fences {
            self.door.storage.mail.renew_lease(fence, LEASE_SECONDS).await?;
        }
        Ok(())
    }

    /// Deletes octets that nothing names. What is left when a lease is lost is swept another time.
    pub(super) async fn delete(&self, octets: &[Digest]) -> Result<()> {
        for some in octets.chunks(BLOBS) {
            self.renew().await?;
            for blob in some {
                self.door.storage.blobs.delete(&self.practice, *blob).await?;
            }
        }
        Ok(())
    }
}
