//! Taking an account out of use.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::PracticeMail;
use super::authorize_view::{Archived, Disconnected, Revocation};
use super::view::Viewer;
use crate::connect::GivenBack;
use crate::contract::{AccountState, Fence, Role};
use crate::error::{Error, ErrorKind, Result};
use crate::sync::pass::LEASE_SECONDS;
use crate::types::{AccountId, PracticeId};

/// How long erasing waits for passes over other accounts, and how often it looks.
const PATIENCE: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(200);

impl PracticeMail {
    /// Disconnects an account, at any time: its work stops in every process, its grant is given back to the provider, its
    /// secrets are erased, and what is archived is kept or erased (S12). Queued messages of it are refused. Users disconnect
    /// their own accounts, administrators anybody's.
    ///
    /// The order is such that the account is out of use first. Whatever fails afterwards is done by disconnecting again.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound); [`Forbidden`](ErrorKind::Forbidden) for another user's account, and for
    /// [`Archived::Erase`] by anybody but an administrator or the host itself; where it is to be
    /// erased, [`Busy`](ErrorKind::Busy) while other accounts are read for more than a minute; storage kinds. That a
    /// provider could not be told is no error: [`Revocation::Failed`].
    ///
    /// # Cancel safety
    /// Dropped half-way, the account is out of use or it is not; disconnecting again does what is left.
    pub async fn disconnect(
        &self,
        practice: &PracticeId,
        by: &Viewer,
        account: &AccountId,
        archived: Archived,
    ) -> Result<Disconnected> {
        let unknown = || Error::new(ErrorKind::NotFound, "there is no such account");
        let record = self.record(practice, account).await?.ok_or_else(unknown)?;
        let role = self.own_or_administered(practice, by, &record).await?;
        if archived == Archived::Erase && role.is_some_and(|role| role != Role::Administrator) {
            let message = "what is archived is the practice's record: only an administrator erases it";
            return Err(Error::new(ErrorKind::Forbidden, message));
        }
        self.storage.mail.disconnect(practice, account).await?;
        let revocation = match self.connections.revoke(&record.account).await {
            Ok(GivenBack::Revoked) => Revocation::Revoked,
            Ok(GivenBack::NotOffered) => Revocation::NotOffered,
            Ok(GivenBack::StillUsed) => Revocation::StillUsed,
            Ok(GivenBack::None) => Revocation::NoGrant,
            Err(error) => Revocation::Failed(error),
        };
        self.connections.forget(practice, account).await?;
        if archived == Archived::Erase {
            self.erase(practice, account).await?;
        }
        Ok(Disconnected { revocation })
    }

    /// Erases what was archived from an account. No other account is read meanwhile: a pass stores octets before the row that
    /// names them, and what it found stored already must not vanish under it.
    async fn erase(&self, practice: &PracticeId, account: &AccountId) -> Result<()> {
        let mut fences = Vec::new();
        let erased = async {
            for other in self.storage.mail.accounts(practice).await? {
                if other.state == AccountState::Connected {
                    fences.push(self.quiet(practice, &other.account.id).await?);
                }
            }
            for octets in self.storage.mail.erase_account(practice, account).await? {
                self.storage.blobs.delete(practice, octets).await?;
            }
            Ok(())
        };
        let erased = erased.await;
        for fence in fences {
            self.storage.mail.release_lease(&fence).await?;
        }
        erased
    }

    /// Holds an account's lease, once whoever reads it is done.
    pub(super) async fn quiet(&self, practice: &PracticeId, account: &AccountId) -> Result<Fence> {
        let holder = format!("pid {}, erasing", std::process::id());
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
}
