//! What people do about intents.

use super::{OutgoingRow, close, decide_pending, ending};
use crate::contract::{OutgoingDecision, OutgoingState, OutgoingStep, RecipientState};
use crate::error::{Error, ErrorKind, Result};
use crate::types::Timestamp;

impl OutgoingRow {
    /// Takes it back.
    ///
    /// # Errors
    /// As [`busy`](Self::busy); [`Invalid`](ErrorKind::Invalid) where it is not queued any more.
    pub fn cancel(&mut self, now: Timestamp) -> Result<Vec<OutgoingStep>> {
        match self.item.state {
            OutgoingState::Queued => Ok(close(&mut self.item, OutgoingState::Cancelled, now)),
            OutgoingState::Sending => Err(Self::busy()),
            _ => Err(Error::new(
                ErrorKind::Invalid,
                "the message is not queued any more, so that it cannot be taken back",
            )),
        }
    }

    /// Writes what was decided, where no claim of it lives: whoever calls has made sure of that (O6).
    ///
    /// # Errors
    /// [`Busy`](ErrorKind::Busy) before its time; [`Invalid`](ErrorKind::Invalid) where there is nothing to decide.
    pub fn decide(&mut self, decision: OutgoingDecision, now: Timestamp) -> Result<Vec<OutgoingStep>> {
        let item = &mut self.item;
        let given_up = match item.state {
            OutgoingState::Unknown if item.decide_after.is_some_and(|at| now < at) => {
                let message = "the first try may not be over yet";
                let error = Error::new(ErrorKind::Busy, message);
                return Err(item.decide_after.into_iter().fold(error, Error::retry_at));
            }
            OutgoingState::Unknown => OutgoingState::Refused,
            OutgoingState::Queued if item.held => OutgoingState::Cancelled,
            _ => {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    "what became of the message is known: there is nothing to decide",
                ));
            }
        };
        self.claim = None;
        if decision == OutgoingDecision::GiveUp {
            return Ok(close(item, given_up, now));
        }
        if decision == OutgoingDecision::SendAgain && item.state == OutgoingState::Unknown {
            item.next_try = Some(now);
        }
        item.held = false;
        item.decide_after = None;
        item.failure = None;
        if decision == OutgoingDecision::SendAgain {
            item.attempts = 0;
            item.state = OutgoingState::Queued;
            return Ok(vec![OutgoingStep::Queued]);
        }
        decide_pending(item, RecipientState::Accepted);
        item.state = OutgoingState::Sent;
        item.sent_at.get_or_insert(now);
        item.next_try = ending::next_filing(item, None, now);
        Ok(vec![OutgoingStep::Sent])
    }
}
