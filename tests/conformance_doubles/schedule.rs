//! Schedules that break a clause.

use async_trait::async_trait;
use practicemail::contract::{
    AccountSchedule, Claimed, DueAccount, DueClaim, Fence, MailStore as _, MailboxBacklog, Pause, PauseScope,
    ProviderLimits, Schedule,
};
use practicemail::error::Result;
use practicemail::types::{AccountId, PracticeId};

use crate::store::{Double, Fault};

impl Double {
    /// An account whose lease the claim's holder has, not by a claim.
    async fn held_by(&self, claim: &DueClaim) -> Result<Option<DueAccount>> {
        for practice in self.practices() {
            for standing in self.inner.schedule(&practice).await? {
                let is_theirs = standing.lease.is_some_and(|(holder, _)| holder == claim.holder);
                let by_claim = self.memory().claimed.contains(&(practice.clone(), standing.account.clone()));
                let Some(due) = standing.next_due.filter(|_| is_theirs && !by_claim) else { continue };
                let ids = (&practice, &standing.account);
                let fence = self.inner.acquire_lease(ids.0, ids.1, &claim.holder, claim.seconds).await?;
                let accounts = self.inner.accounts(&practice).await?;
                let record = accounts.into_iter().find(|of| of.account.id == standing.account).unwrap();
                let provider = record.account.settings.provider().name().to_owned();
                return Ok(Some(DueAccount::new(fence, record, due, (0, standing.is_first), provider)));
            }
        }
        Ok(None)
    }

    async fn is_leased(&self, practice: &PracticeId) -> Result<bool> {
        Ok(self.inner.schedule(practice).await?.iter().any(|standing| standing.lease.is_some()))
    }
}

#[async_trait]
impl Schedule for Double {
    async fn claim_due(&self, claim: &DueClaim) -> Result<Claimed> {
        let mut claim = claim.clone();
        if self.is(Fault::ProviderLimitsAreIgnored) {
            claim.limits = ProviderLimits::default().limit("imap.example.org", 1_000);
        }
        let claimed = self.inner.claim_due(&claim).await?;
        match claimed {
            Claimed::Account(mut due) => {
                let ids = (due.fence.practice.clone(), due.fence.account.clone());
                self.memory().claimed.insert(ids);
                if self.is(Fault::FailuresAreNotCounted) {
                    due.failures = 0;
                }
                if self.is(Fault::TheSecondComesFirst)
                    && let Claimed::Account(second) = self.inner.claim_due(&claim).await?
                {
                    self.inner.release_lease(&due.fence).await?;
                    return Ok(Claimed::Account(second));
                }
                Ok(Claimed::Account(due))
            }
            Claimed::Nothing { .. } if self.is(Fault::NextIsUntold) => Ok(Claimed::Nothing { next: None }),
            Claimed::Nothing { .. } if self.is(Fault::HoldersClaimTwice) => {
                let held = self.held_by(&claim).await?;
                Ok(held.map_or(claimed, |due| Claimed::Account(Box::new(due))))
            }
            nothing => Ok(nothing),
        }
    }

    async fn request_now(&self, practice: &PracticeId, account: Option<AccountId>) -> Result<usize> {
        if self.is(Fault::RequestsAreLostUnderALease) && self.is_leased(practice).await? {
            return Ok(1);
        }
        if self.is(Fault::RequestsAreForEveryPractice) {
            for other in self.practices() {
                self.inner.request_now(&other, account.clone()).await?;
            }
        }
        self.inner.request_now(practice, account).await
    }

    async fn schedule(&self, practice: &PracticeId) -> Result<Vec<AccountSchedule>> {
        self.inner.schedule(practice).await
    }

    async fn set_backlog(&self, fence: &Fence, backlog: &[MailboxBacklog]) -> Result<()> {
        let backlog = if self.is(Fault::BacklogIsForgotten) { &[] } else { backlog };
        self.inner.set_backlog(fence, backlog).await
    }

    async fn due_outboxes(&self, after: Option<PracticeId>, limit: usize) -> Result<Vec<PracticeId>> {
        let after = after.filter(|_| !self.is(Fault::OutboxesBeginAnew));
        self.inner.due_outboxes(after, limit).await
    }

    async fn pause(&self, pause: &Pause) -> Result<()> {
        let mut pause = pause.clone();
        if self.is(Fault::PausesNeverEnd) {
            pause.until = None;
        }
        self.inner.pause(&pause).await
    }

    async fn resume(&self, scope: &PauseScope) -> Result<bool> {
        self.inner.resume(scope).await
    }

    async fn pauses(&self) -> Result<Vec<Pause>> {
        self.inner.pauses().await
    }
}
