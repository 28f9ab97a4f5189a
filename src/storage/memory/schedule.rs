//! [`Schedule`] in memory.

use async_trait::async_trait;

use super::account::fenced;
use super::{MemoryStore, Rows};
use crate::contract::{
    AccountSchedule, Claimed, DueAccount, DueClaim, Fence, MailboxBacklog, Pause, PauseScope, Schedule,
};
use crate::error::Result;
use crate::storage::rules::AccountRow;
use crate::types::{AccountId, PracticeId, Timestamp};

impl Rows {
    /// Forgets leases that have ended: their accounts wait again.
    fn end_leases(&mut self, now: Timestamp) {
        for (practice, account) in self.due.ended(now) {
            let rows = self.practices.get_mut(&practice);
            if let Some(row) = rows.and_then(|rows| rows.accounts.get_mut(&account)) {
                row.lease = None;
                self.due.put(&practice, &account, row);
            }
        }
    }

    fn holding(&self, now: Timestamp) -> impl Iterator<Item = &Pause> {
        self.pauses.values().filter(move |pause| pause.holds_at(now))
    }

    fn claim(&mut self, claim: &DueClaim, now: Timestamp) -> Result<Option<DueAccount>> {
        self.end_leases(now);
        let paused = self.holding(now).map(|pause| &pause.scope);
        let Some((practice, account)) = self.due.best(claim, now, paused) else { return Ok(None) };
        let row = self.practices.get_mut(&practice).and_then(|rows| rows.accounts.get_mut(&account));
        let Some(row) = row else { return Ok(None) };
        let due = row.claim(claim, now)?;
        self.due.put(&practice, &account, row);
        Ok(Some(due))
    }
}

#[async_trait]
impl Schedule for MemoryStore {
    async fn claim_due(&self, claim: &DueClaim) -> Result<Claimed> {
        let now = self.clock.now();
        let mut rows = self.lock();
        Ok(match rows.claim(claim, now)? {
            Some(due) => Claimed::Account(Box::new(due)),
            None => Claimed::Nothing { next: rows.due.next(now) },
        })
    }

    async fn request_now(&self, practice: &PracticeId, account: Option<AccountId>) -> Result<usize> {
        Ok(self.write_accounts(practice, account.as_ref(), |rows, now| {
            let request = |row: &mut AccountRow| usize::from(row.request(now));
            match &account {
                Some(id) => rows.accounts.get_mut(id).map_or(0, request),
                None => rows.accounts.values_mut().map(request).sum(),
            }
        }))
    }

    async fn schedule(&self, practice: &PracticeId) -> Result<Vec<AccountSchedule>> {
        let now = self.clock.now();
        Ok(self.read(practice, |rows| rows.accounts.values().map(|row| row.schedule(now)).collect()))
    }

    async fn set_backlog(&self, fence: &Fence, backlog: &[MailboxBacklog]) -> Result<()> {
        self.write(&fence.practice, |rows, now| {
            fenced(&mut rows.accounts, fence, now).map(|row| row.set_backlog(backlog))
        })
    }

    async fn due_outboxes(&self, after: Option<PracticeId>, limit: usize) -> Result<Vec<PracticeId>> {
        let now = self.clock.now();
        let rows = self.lock();
        let due = |id: &PracticeId| !rows.holding(now).any(|pause| pause.scope.holds_practice(id));
        let practices =
            rows.practices.iter().filter(|(id, _)| after.as_ref().is_none_or(|after| after < *id));
        let with_work = practices.filter(|(id, of)| of.outbox.has_due(now) && due(id));
        Ok(with_work.map(|(id, _)| id.clone()).take(limit).collect())
    }

    async fn pause(&self, pause: &Pause) -> Result<()> {
        self.lock().pauses.insert(pause.scope.clone(), pause.clone());
        Ok(())
    }

    async fn resume(&self, scope: &PauseScope) -> Result<bool> {
        let now = self.clock.now();
        Ok(self.lock().pauses.remove(scope).is_some_and(|pause| pause.holds_at(now)))
    }

    async fn pauses(&self) -> Result<Vec<Pause>> {
        let now = self.clock.now();
        Ok(self.lock().holding(now).cloned().collect())
    }
}
