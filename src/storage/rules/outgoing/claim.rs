//! Claiming intents.

use super::{HeldClaim, OutgoingRow};
use crate::contract::{Filing, OutgoingClaim, OutgoingState, OutgoingWork};
use crate::error::{ErrorKind, Result};
use crate::types::Timestamp;

impl OutgoingRow {
    /// What there is to do about it now, for somebody who may claim it.
    pub fn work(&self, now: Timestamp) -> Option<OutgoingWork> {
        let item = &self.item;
        let due = item.next_try.is_some_and(|at| at <= now);
        match item.state {
            OutgoingState::Queued if due && !item.held => Some(OutgoingWork::Deliver),
            // Whoever died, or sleeps, before the permit has handed nothing over, and gets no permit any more.
            OutgoingState::Sending if self.claim.as_ref().is_some_and(|claim| !claim.permitted) => {
                Some(OutgoingWork::Deliver)
            }
            OutgoingState::Sending => Some(OutgoingWork::Recover),
            // Evidence may be looked for at any time, by who asks for it.
            OutgoingState::Unknown if item.message.route.account().is_some() => Some(OutgoingWork::Look),
            OutgoingState::Sent if due && item.filing == Filing::Pending => Some(OutgoingWork::File),
            _ => None,
        }
    }

    /// Whether there is something to do about it by itself.
    pub fn is_due(&self, now: Timestamp) -> bool {
        let by_time = self.item.next_try.is_some_and(|at| at <= now);
        self.work(now).is_some() && (by_time || self.item.state == OutgoingState::Sending)
    }

    /// Whether its claim lives, as far as the clock tells.
    pub fn is_claimed(&self, now: Timestamp) -> bool {
        self.claim.as_ref().is_some_and(|claim| now < claim.until)
    }

    /// Gives it to a new holder: where no claim of it lives, for what [`work`](Self::work) says.
    pub fn take(&mut self, claim: HeldClaim, now: Timestamp) -> OutgoingClaim {
        if claim.work == OutgoingWork::Deliver {
            self.item.state = OutgoingState::Sending;
            self.item.attempts = self.item.attempts.saturating_add(1);
        }
        if claim.work == OutgoingWork::File && self.claim.is_some() {
            // Whoever filed before is gone and may have filed: finding the copy then says nothing of the provider.
            let ended = "the process that was filing the copy ended in between".to_owned();
            self.item.failure.get_or_insert((ErrorKind::Cancelled, ended));
        }
        self.token = self.token.saturating_add(1);
        let answer = OutgoingClaim::new(self.item.clone(), self.token, claim.epoch, claim.work, now);
        self.claim = Some(claim);
        answer
    }

    /// The claim a holder believes to have, if it is the latest and not ended.
    ///
    /// # Errors
    /// As [`lost`](Self::lost).
    pub fn held_by(&mut self, claim: &OutgoingClaim) -> Result<&mut HeldClaim> {
        let token = self.token;
        self.claim.as_mut().filter(|_| token == claim.token).ok_or_else(Self::lost)
    }

    /// Extends a claim. `epoch` is that of the account now, if it is connected; of noreply that of the claim.
    ///
    /// # Errors
    /// As [`lost`](Self::lost).
    pub fn confirm(
        &mut self,
        claim: &OutgoingClaim,
        epoch: Option<u64>,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<()> {
        let held = self.held_by(claim)?;
        if now >= held.until || epoch != Some(held.epoch) {
            return Err(Self::lost());
        }
        held.until = until;
        held.permitted = true;
        Ok(())
    }
}
