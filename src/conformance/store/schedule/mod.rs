//! W1 to W10: the schedule.

mod claims;
mod dues;
mod order;
mod pauses;

use super::bench::{Bench, new_account};
use crate::conformance::check::{Check, Failure, Outcome};
use crate::contract::{AccountSchedule, Claimed, DueAccount, DueClaim, Fence, NextDue, PassEnd};
use crate::error::ErrorKind;
use crate::settings::ServerSettings;
use crate::types::{AccountId, PracticeId};

pub(super) const CHECKS: [&[Check<Bench>]; 4] = [claims::CHECKS, order::CHECKS, dues::CHECKS, pauses::CHECKS];

/// How long the leases of claims last here.
const SECONDS: u32 = 100;

impl Bench {
    /// Connects an account that is read from a server.
    async fn connect_at(&self, practice: &str, account: &str, host: &str) -> Outcome {
        let mut new = new_account(&PracticeId::new(practice)?, &AccountId::new(account)?)?;
        new.settings.incoming = ServerSettings::new(host, 993, crate::settings::TlsMode::Implicit)?;
        self.store.connect(&new).await?;
        Ok(())
    }

    /// Connects an account that was read to the end and is due in so many seconds.
    async fn connect_known(&self, practice: &str, account: &str, host: &str, seconds: u32) -> Outcome {
        self.connect_at(practice, account, host).await?;
        let (practice, account) = (PracticeId::new(practice)?, AccountId::new(account)?);
        let fence = self.store.acquire_lease(&practice, &account, "bench", SECONDS).await?;
        self.end(&fence, NextDue::In(seconds), None).await
    }

    /// Ends a pass, and gives its lease back.
    async fn end(&self, fence: &Fence, next_due: NextDue, failure: Option<ErrorKind>) -> Outcome {
        let failure = failure.map(|kind| (kind, "as the check has it".to_owned()));
        self.store.end_pass(fence, &PassEnd { failure, next_due, ..PassEnd::default() }).await?;
        Ok(self.store.release_lease(fence).await?)
    }

    async fn claim_due(&self, claim: &DueClaim) -> Outcome<Option<DueAccount>> {
        Ok(match self.store.claim_due(claim).await? {
            Claimed::Account(due) => Some(*due),
            Claimed::Nothing { .. } => None,
        })
    }

    /// Claims what there is; answers the account's id.
    async fn next(&self) -> Outcome<Option<String>> {
        self.next_within(&any()).await
    }

    async fn next_within(&self, claim: &DueClaim) -> Outcome<Option<String>> {
        Ok(self.claim_due(claim).await?.map(|due| due.fence.account.to_string()))
    }

    async fn must_claim(&self) -> Outcome<DueAccount> {
        self.claim_due(&any()).await?.ok_or_else(|| Failure::new("an account that is due was not claimed"))
    }

    async fn standing(&self, account: &str) -> Outcome<AccountSchedule> {
        let all = self.store.schedule(&self.practice).await?;
        let found = all.into_iter().find(|of| of.account.as_str() == account);
        found.ok_or_else(|| Failure::new("an account is missing in the schedule"))
    }
}

fn any() -> DueClaim {
    DueClaim::new("worker", SECONDS)
}

/// What a claim of it answers.
#[allow(clippy::unnecessary_wraps, reason = "it is compared with what may be none")]
fn id(account: &str) -> Option<String> {
    Some(account.to_owned())
}
