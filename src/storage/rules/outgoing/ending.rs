//! How claims end.

use super::{OutgoingRow, close};
use crate::contract::{
    Filing, Outgoing, OutgoingClaim, OutgoingEnd, OutgoingState, OutgoingStep, OutgoingWork, RecipientState,
};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{Address, Timestamp};

impl OutgoingRow {
    /// Ends a claim; answers the steps by which that is told.
    ///
    /// # Errors
    /// As [`lost`](Self::lost) where it is not the latest, or has ended; [`Invalid`](ErrorKind::Invalid) where the claim was for other work.
    pub fn finish(
        &mut self,
        claim: &OutgoingClaim,
        end: &OutgoingEnd,
        now: Timestamp,
    ) -> Result<Vec<OutgoingStep>> {
        if !goes_with(end, self.held_by(claim)?.work) {
            return Err(Error::new(ErrorKind::Invalid, "the claim was for other work"));
        }
        self.claim = None;
        let item = &mut self.item;
        Ok(match end {
            OutgoingEnd::Sent { recipients, filing, failure, next_try, .. } => {
                tell(item, recipients);
                item.failure.clone_from(failure);
                sent(item, *filing, *next_try, now)
            }
            OutgoingEnd::Refused { failure, recipients } => {
                tell(item, recipients);
                item.failure = Some(failure.clone());
                close(item, OutgoingState::Refused, now)
            }
            OutgoingEnd::Retry { failure, recipients, next_try } => {
                tell(item, recipients);
                item.state = OutgoingState::Queued;
                item.failure = Some(failure.clone());
                item.next_try = Some(*next_try);
                vec![OutgoingStep::Queued]
            }
            OutgoingEnd::Unknown { failure, decide_after, next_try, .. } => {
                item.state = OutgoingState::Unknown;
                item.failure = Some(failure.clone());
                item.decide_after = Some(*decide_after);
                item.next_try = *next_try;
                vec![OutgoingStep::Unknown]
            }
            OutgoingEnd::Found { copy, .. } => item.found(copy, now),
            OutgoingEnd::NotFound { next_try } => {
                wait(item, *next_try);
                Vec::new()
            }
            OutgoingEnd::Filed { copy, .. } => {
                item.filing = Filing::Appended;
                item.filed = Some(copy.clone());
                forget_failure(item);
                item.next_try = None;
                vec![OutgoingStep::Filed]
            }
            OutgoingEnd::FilingFailed { failure, next_try } => {
                // Of an unknown one, why it is unknown says more than why nobody could look; of a sent one, that the archive does not have it.
                if item.state == OutgoingState::Sent && item.unarchived().is_none() {
                    item.failure = Some(failure.clone());
                }
                wait(item, *next_try);
                vec![OutgoingStep::FilingFailed]
            }
        })
    }
}

/// When to file the copy of one that was sent.
pub(super) fn next_filing(item: &Outgoing, wanted: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    (item.filing == Filing::Pending).then(|| wanted.unwrap_or(now))
}

fn goes_with(end: &OutgoingEnd, work: OutgoingWork) -> bool {
    match end {
        OutgoingEnd::Sent { .. } | OutgoingEnd::Refused { .. } | OutgoingEnd::Retry { .. } => {
            work == OutgoingWork::Deliver
        }
        OutgoingEnd::Unknown { .. } => matches!(work, OutgoingWork::Deliver | OutgoingWork::Recover),
        OutgoingEnd::Found { .. } | OutgoingEnd::NotFound { .. } | OutgoingEnd::FilingFailed { .. } => {
            matches!(work, OutgoingWork::Look | OutgoingWork::File)
        }
        OutgoingEnd::Filed { .. } => work == OutgoingWork::File,
    }
}

fn tell(item: &mut Outgoing, said: &[(Address, RecipientState, String)]) {
    for (address, state, reply) in said {
        for recipient in item.recipients.iter_mut().filter(|recipient| recipient.address == *address) {
            recipient.state = *state;
            recipient.reply.clone_from(reply);
        }
    }
}

fn sent(
    item: &mut Outgoing,
    filing: Filing,
    next_try: Option<Timestamp>,
    now: Timestamp,
) -> Vec<OutgoingStep> {
    item.sent_at.get_or_insert(now);
    // Of one sent in two goes the first copy may be there already.
    if !matches!(item.filing, Filing::Server | Filing::Appended) {
        item.filing = filing;
    }
    if item.recipients.iter().any(|recipient| recipient.state == RecipientState::Pending) {
        item.state = OutgoingState::Queued;
        item.next_try = Some(next_try.unwrap_or(now));
        return vec![OutgoingStep::Sent, OutgoingStep::Queued];
    }
    item.state = OutgoingState::Sent;
    item.next_try = next_filing(item, next_try, now);
    vec![OutgoingStep::Sent]
}

/// Its copy is filed: of what failed before, only what that does not mend stays.
pub(super) fn forget_failure(item: &mut Outgoing) {
    if item.unarchived().is_none() {
        item.failure = None;
    }
}

/// Leaves looking, or filing, for later; without a time it is given up.
fn wait(item: &mut Outgoing, next_try: Option<Timestamp>) {
    item.next_try = next_try;
    if next_try.is_none() && item.filing == Filing::Pending {
        item.filing = Filing::Not;
    }
}
