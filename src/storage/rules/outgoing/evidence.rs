//! Copies as evidence of what became of intents.

use super::{OutgoingRow, decide_pending, ending, went_out};
use crate::contract::{
    ArchivedCopy, FiledCopy, Filing, Outgoing, OutgoingState, OutgoingStep, RecipientState, Route,
};
use crate::types::{AccountId, Digest, Timestamp};

/// Whether a copy of `account` is one of an intent's message that left by `route`, of whose content `is_content` tells.
pub(super) fn is_copy(
    archived: &ArchivedCopy,
    account: &AccountId,
    route: &Route,
    is_content: impl FnOnce(&Digest) -> bool,
) -> bool {
    let in_its_sent_mailbox = archived.in_sent && *route == Route::Own(account.clone());
    in_its_sent_mailbox || is_content(&archived.parsed.rendition.unwrap_or(archived.copy.sha256))
}

impl OutgoingRow {
    /// Whether a copy of `account` that bears the intent's id is one of its message: anybody may have borrowed the field (S13).
    pub fn is_copy(&self, archived: &ArchivedCopy, account: &AccountId) -> bool {
        let message = &self.item.message;
        is_copy(archived, account, &message.route, |rendition| *rendition == message.rendition)
    }

    /// A copy of its message was read in the Sent mailbox of the account it left by. Whoever looks for it, or files it, at the
    /// same time holds the intent no more.
    pub fn seen(&mut self, archived: &ArchivedCopy, now: Timestamp) -> Vec<OutgoingStep> {
        if self.item.state == OutgoingState::Sending {
            return Vec::new();
        }
        let place = &archived.copy.place;
        let copy = FiledCopy::new(place.mailbox.clone(), Some((place.uid_validity, place.uid)));
        let steps = self.item.found(&copy, now);
        if !steps.is_empty() {
            self.claim = None;
        }
        steps
    }
}

impl Outgoing {
    /// Its copy is in the Sent mailbox: what may have left has left, and the copy is filed. Of one that some recipients were
    /// sent before, the copy may be theirs and proves nothing about the others.
    pub(super) fn found(&mut self, copy: &FiledCopy, now: Timestamp) -> Vec<OutgoingStep> {
        let in_doubt = self.state == OutgoingState::Unknown || self.held;
        if in_doubt && !went_out(self) {
            decide_pending(self, RecipientState::Accepted);
            self.state = OutgoingState::Sent;
            self.sent_at.get_or_insert(now);
            self.held = false;
            self.decide_after = None;
            self.file(copy);
            return vec![OutgoingStep::Sent, OutgoingStep::Filed];
        }
        if self.filing == Filing::Pending {
            self.file(copy);
            return vec![OutgoingStep::Filed];
        }
        if self.state == OutgoingState::Unknown {
            self.next_try = None;
        }
        Vec::new()
    }

    fn file(&mut self, copy: &FiledCopy) {
        self.filing = Filing::Server;
        self.filed = Some(copy.clone());
        if self.state == OutgoingState::Sent {
            ending::forget_failure(self);
        }
        if self.state != OutgoingState::Queued {
            self.next_try = None;
        }
    }
}
