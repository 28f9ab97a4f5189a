//! Outboxes that break a clause.

use async_trait::async_trait;
use practicemail::contract::{
    NewOutgoing, Outbox, OutboxQuery, Outgoing, OutgoingClaim, OutgoingDecision, OutgoingEnd, OutgoingState,
    OutgoingWork, SendLimits, SentMessage,
};
use practicemail::error::{ErrorKind, Result};
use practicemail::types::{AccountId, MessageKey, OutgoingId, PracticeId, Timestamp};

use crate::store::{Double, Fault};

impl Double {
    async fn known(&self, practice: &PracticeId, id: OutgoingId) -> Outgoing {
        self.inner.outgoing(practice, id).await.unwrap().unwrap()
    }

    /// The end as the fault lets it through.
    fn distorted_end(&self, end: &OutgoingEnd) -> OutgoingEnd {
        let mut end = end.clone();
        match &mut end {
            OutgoingEnd::Sent { archived, .. } if self.is(Fault::SentIsNotArchived) => *archived = None,
            OutgoingEnd::Found { learnt, .. } | OutgoingEnd::Filed { learnt, .. }
                if self.is(Fault::LearntIsForgotten) =>
            {
                *learnt = None;
            }
            OutgoingEnd::Unknown { decide_after, .. } if self.is(Fault::DecidedAtOnce) => {
                *decide_after = Timestamp::from_unix(0);
            }
            _ => {}
        }
        end
    }
}

#[async_trait]
impl Outbox for Double {
    async fn enqueue(&self, message: &NewOutgoing) -> Result<(Outgoing, bool)> {
        self.memory().queued.insert(message.practice.clone());
        let queued = self.inner.enqueue(message).await;
        if self.is(Fault::KeysAreNotCompared) && queued.is_err() {
            let all = self.inner.outbox(&message.practice, &OutboxQuery::newest(100)).await?;
            if let Some(known) = all.into_iter().find(|item| item.message.key == message.key) {
                return Ok((known, true));
            }
        }
        if self.is(Fault::ErasedIntentsAreQueued) && queued.is_err() {
            let known = self.inner.outbox(&message.practice, &OutboxQuery::newest(100)).await?;
            if known.iter().all(|item| item.message.key != message.key || message.key.is_none()) {
                return Ok((Outgoing::new(message.clone(), Timestamp::from_unix(0)), false));
            }
        }
        queued
    }

    async fn outgoing(&self, practice: &PracticeId, id: OutgoingId) -> Result<Option<Outgoing>> {
        let found = self.inner.outgoing(practice, id).await?;
        if found.is_none() && self.is(Fault::IntentsOfEveryPractice) {
            let others = self.memory().queued.clone();
            for other in others {
                if let Some(found) = self.inner.outgoing(&other, id).await? {
                    return Ok(Some(found));
                }
            }
        }
        Ok(found)
    }

    async fn outbox(&self, practice: &PracticeId, query: &OutboxQuery) -> Result<Vec<Outgoing>> {
        self.inner.outbox(practice, query).await
    }

    async fn outgoing_of(&self, practice: &PracticeId, messages: &[MessageKey]) -> Result<Vec<Outgoing>> {
        self.inner.outgoing_of(practice, messages).await
    }

    async fn due_outgoing(&self, practice: &PracticeId, limit: usize) -> Result<Vec<OutgoingId>> {
        self.inner.due_outgoing(practice, limit).await
    }

    async fn claim_outgoing(
        &self,
        practice: &PracticeId,
        id: OutgoingId,
        holder: &str,
        seconds: u32,
        limits: SendLimits,
    ) -> Result<OutgoingClaim> {
        let limits = if self.is(Fault::LimitsAreIgnored) { SendLimits::default() } else { limits };
        let claimed = self.inner.claim_outgoing(practice, id, holder, seconds, limits).await;
        match claimed {
            Err(error) if error.kind() == ErrorKind::Busy && self.is(Fault::ClaimsAreShared) => {
                let known = self.known(practice, id).await;
                let at = known.created_at;
                Ok(OutgoingClaim::new(known, 2, 1, OutgoingWork::Deliver, at))
            }
            Ok(mut claim) if self.is(Fault::ClaimsAreOfTheirQueueing) => {
                claim.at = claim.item.created_at;
                Ok(claim)
            }
            Ok(mut claim) if self.is(Fault::RecoveredIsDelivered) => {
                if claim.work == OutgoingWork::Recover {
                    claim.work = OutgoingWork::Deliver;
                }
                Ok(claim)
            }
            other => other,
        }
    }

    async fn confirm_outgoing(&self, claim: &OutgoingClaim, seconds: u32) -> Result<()> {
        let confirmed = self.inner.confirm_outgoing(claim, seconds).await;
        if self.is(Fault::ConfirmingIsNotFenced) { Ok(()) } else { confirmed }
    }

    async fn finish_outgoing(&self, claim: &OutgoingClaim, end: &OutgoingEnd) -> Result<Outgoing> {
        if let Some(refused) = self.refused_end(claim, end).await {
            return refused;
        }
        let finished = self.inner.finish_outgoing(claim, &self.distorted_end(end)).await;
        match finished {
            Err(error)
                if self.is(Fault::FinishingIsNotFenced)
                    && error.kind() == ErrorKind::FenceLost
                    && claim.work == OutgoingWork::Deliver =>
            {
                Ok(self.known(&claim.item.message.practice, claim.item.message.id).await)
            }
            other => other,
        }
    }

    async fn cancel_outgoing(&self, practice: &PracticeId, id: OutgoingId) -> Result<Outgoing> {
        match self.inner.cancel_outgoing(practice, id).await {
            Err(error) if error.kind() == ErrorKind::Busy && self.is(Fault::SendingIsTakenBack) => {
                Ok(self.known(practice, id).await)
            }
            other => other,
        }
    }

    async fn decide_outgoing(
        &self,
        practice: &PracticeId,
        id: OutgoingId,
        decision: OutgoingDecision,
        archived: Option<Box<SentMessage>>,
    ) -> Result<Outgoing> {
        if archived.is_some()
            && let Some(refused) = self.refused_decision(practice, id, decision).await
        {
            return refused;
        }
        let decided = self.inner.decide_outgoing(practice, id, decision, archived).await;
        if decided.is_err() && self.is(Fault::QueuedIsDecided) {
            let known = self.inner.outgoing(practice, id).await?;
            if let Some(item) = known.filter(|item| item.state == OutgoingState::Queued) {
                return Ok(item);
            }
        }
        decided
    }

    async fn files_copies(&self, practice: &PracticeId, account: &AccountId) -> Result<Option<bool>> {
        self.inner.files_copies(practice, account).await
    }
}
