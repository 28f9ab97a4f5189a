//! Intents to send: what becomes of one, whatever it is kept in. A store loads an intent, has it take its step, and writes it
//! back with the changes the step is told by, all in one transaction.

mod bounce;
mod claim;
mod decision;
mod ending;
mod erased;
mod evidence;
mod restored;

use serde::{Deserialize, Serialize};

use crate::contract::{Outgoing, OutgoingState, OutgoingStep, OutgoingWork, RecipientState};
use crate::error::{Error, ErrorKind};
use crate::types::Timestamp;

pub use erased::ErasedIntent;

/// An intent, and the latest claim of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OutgoingRow {
    /// The intent.
    pub item: Outgoing,
    /// The latest claim's; zero before the first.
    pub token: u64,
    /// The latest claim, until it ends; it may have expired.
    pub claim: Option<HeldClaim>,
}

/// A claim that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HeldClaim {
    /// What is to be done.
    pub work: OutgoingWork,
    /// When it ends by itself, by the store's clock.
    pub until: Timestamp,
    /// The account's epoch when it was claimed; zero by noreply.
    pub epoch: u64,
    /// Whether the message may have left under it.
    pub permitted: bool,
}

impl HeldClaim {
    /// A claim that begins; what is recovered may have left before.
    pub fn new(work: OutgoingWork, until: Timestamp, epoch: u64) -> Self {
        Self { work, until, epoch, permitted: work == OutgoingWork::Recover }
    }
}

impl OutgoingRow {
    /// One that was just queued.
    pub fn new(item: Outgoing) -> Self {
        Self { item, token: 0, claim: None }
    }

    /// What is said to whoever asks for an intent that does not exist, or has nothing to be done about it.
    pub fn not_found() -> Error {
        let message = "there is no such message in the outbox, or nothing to do about it now";
        Error::new(ErrorKind::NotFound, message)
    }

    /// What is said to whoever uses the key, or the id, of an intent for another draft.
    pub fn used_key() -> Error {
        Error::new(ErrorKind::Invalid, "another draft was given this key before")
    }

    /// What is said to whoever queues an intent again that was erased.
    pub fn was_erased() -> Error {
        let message = "the message that was given this key before was erased; it is not sent again";
        Error::new(ErrorKind::Invalid, message)
    }

    /// What is said to whoever would work on an intent while somebody else does.
    pub fn busy() -> Error {
        Error::new(ErrorKind::Busy, "somebody else works on the intent")
    }

    /// What is said to whoever acts on a claim that is not the intent's any more, or whose intent was erased.
    pub fn lost() -> Error {
        Error::new(ErrorKind::FenceLost, "the claim of the intent is lost")
    }
}

/// Whether the message was taken for some of its recipients.
fn went_out(item: &Outgoing) -> bool {
    item.recipients.iter().any(|recipient| recipient.state == RecipientState::Accepted)
}

fn decide_pending(item: &mut Outgoing, state: RecipientState) {
    for recipient in item.recipients.iter_mut().filter(|r| r.state == RecipientState::Pending) {
        recipient.state = state;
    }
}

/// Ends the sending of an intent. One that some recipients were sent already was sent, whatever becomes of the others.
fn close(item: &mut Outgoing, state: OutgoingState, now: Timestamp) -> Vec<OutgoingStep> {
    item.held = false;
    item.decide_after = None;
    if went_out(item) {
        decide_pending(item, RecipientState::Refused);
        item.state = OutgoingState::Sent;
        item.next_try = ending::next_filing(item, None, now);
        return vec![OutgoingStep::Sent];
    }
    item.state = state;
    item.next_try = None;
    let cancelled = state == OutgoingState::Cancelled;
    vec![if cancelled { OutgoingStep::Cancelled } else { OutgoingStep::Refused }]
}
