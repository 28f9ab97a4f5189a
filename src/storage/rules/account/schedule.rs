//! When an account is due, and how its passes end.

use super::{AccountRow, Plan};
use crate::contract::{
    AccountSchedule, AccountState, ChangeKind, DueAccount, DueClaim, MailboxBacklog, NextDue, PassEnd,
};
use crate::error::Result;
use crate::types::Timestamp;

impl AccountRow {
    /// Gives its lease to who claims it (W1): nobody has it, not even who asks. Whether the account is due, and whose turn it is, is the store's.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire); [`Busy`](crate::error::ErrorKind::Busy) while anybody holds it.
    pub fn claim(&mut self, claim: &DueClaim, now: Timestamp) -> Result<DueAccount> {
        if self.is_leased(now) {
            return Err(Self::held());
        }
        let due = self.plan.next_due.unwrap_or(now);
        let fence = self.acquire(&claim.holder, claim.seconds, now)?;
        self.plan.requested = false;
        let counts = (self.plan.failures, self.plan.is_first);
        Ok(DueAccount::new(fence, self.record.clone(), due, counts, self.provider.clone()))
    }

    /// Makes it due at once, if it is connected (W6); says whether it is.
    pub fn request(&mut self, now: Timestamp) -> bool {
        let connected = self.record.state == AccountState::Connected;
        if connected {
            self.plan.requested = true;
            self.plan.next_due = Some(now);
        }
        connected
    }

    /// How it stands.
    pub fn schedule(&self, now: Timestamp) -> AccountSchedule {
        let plan = &self.plan;
        let lease = self.lease.as_ref().filter(|lease| now < lease.until);
        let backlog = plan.backlog.iter();
        AccountSchedule {
            account: self.record.account.id.clone(),
            next_due: plan.next_due,
            requested: plan.requested,
            failures: plan.failures,
            is_first: plan.is_first,
            lease: lease.map(|lease| (lease.holder.clone(), lease.until)),
            backlog: backlog
                .map(|(name, (left, all))| MailboxBacklog::new(name.clone(), *left, *all))
                .collect(),
        }
    }

    /// Replaces what it leaves to be read (W8).
    pub fn set_backlog(&mut self, backlog: &[MailboxBacklog]) {
        self.plan.backlog = backlog.iter().map(|b| (b.mailbox.clone(), (b.left, b.total))).collect();
    }

    /// Takes up how a pass ended.
    pub fn end_pass(&mut self, end: &PassEnd, now: Timestamp) -> Option<ChangeKind> {
        self.count_octets(end.octets_read, now);
        if let Some(hints) = &end.hints {
            self.hints.clone_from(hints);
        }
        self.plan.end(end, now);
        if end.broken_off {
            return None;
        }
        let at = end.at.unwrap_or(now);
        let kind = end.failure.as_ref().map(|(kind, _)| *kind);
        let health = &mut self.record.health;
        let change = match (health.failure, kind) {
            (before, Some(kind)) if before != Some(kind) => Some(ChangeKind::AccountFailed(kind)),
            (Some(_), None) => Some(ChangeKind::AccountRecovered),
            _ => None,
        };
        health.last_attempt = Some(at);
        if kind.is_none() {
            health.last_success = Some(at);
        }
        health.failure = kind;
        health.failure_message = end.failure.as_ref().map(|(_, message)| message.clone());
        health.not_before = end.not_before;
        change
    }
}

impl Plan {
    fn end(&mut self, end: &PassEnd, now: Timestamp) {
        self.next_due = match end.next_due {
            _ if self.requested => Some(now),
            NextDue::In(seconds) => Some(now.plus(i64::from(seconds))),
            NextDue::Stopped => None,
            _ => self.next_due,
        };
        if end.broken_off {
            return;
        }
        if end.failure.is_some() {
            self.failures = self.failures.saturating_add(1);
        } else {
            self.failures = 0;
            self.is_first = false;
            self.backlog.clear();
        }
    }
}
