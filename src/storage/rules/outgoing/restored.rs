//! What becomes of an intent when its store was restored from a backup: it may have left since the backup was made.

use super::OutgoingRow;
use crate::contract::{Filing, OutgoingState, OutgoingStep};
use crate::error::ErrorKind;

impl OutgoingRow {
    /// Holds what is queued until a person decides, and puts in doubt what was being sent (O9). Every intent of a store takes this step when
    /// a backup was put back, before anybody works on it.
    pub fn restored(&mut self) -> Vec<OutgoingStep> {
        if self.item.filing == Filing::Pending && self.item.failure.is_none() {
            // Whether a copy was filed since is not known any more: finding it says nothing of the provider.
            self.item.failure = Some((ErrorKind::Cancelled, "the archive was restored".to_owned()));
        }
        match self.item.state {
            OutgoingState::Queued if !self.item.held => {
                // Whoever has claimed it has it no more: nobody lets it leave.
                self.item.held = true;
                self.claim = None;
                vec![OutgoingStep::Queued]
            }
            OutgoingState::Sending => {
                // It has ended since, one way or the other.
                self.claim.iter_mut().for_each(|claim| claim.permitted = true);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{BlobInfo, ComposedMessage, NewOutgoing, Outgoing, OutgoingWork, Route};
    use crate::storage::rules::HeldClaim;
    use crate::types::{
        Address, AddressingHeaders, Digest, Field, MessageId, MessageKey, OutgoingId, PracticeId, Timestamp,
        UserId,
    };

    const NOW: Timestamp = Timestamp::from_unix(1_000);

    fn queued() -> OutgoingRow {
        let (octets, from) = (Digest::of(b"octets"), Address::parse("anna@hale.example").unwrap());
        let composed = ComposedMessage {
            message: MessageKey::of(&AddressingHeaders::default(), &octets),
            message_id: MessageId::parse("<1@hale.example>").unwrap(),
            rendition: octets,
            octets: BlobInfo::new(octets, 6),
            reverse_path: from.clone(),
        };
        let (practice, id) = (PracticeId::new("p").unwrap(), OutgoingId::from_random([7; 16]));
        let (anna, to) = (UserId::new("anna").unwrap(), vec![(Field::To, from)]);
        let message = NewOutgoing::new(practice, id, anna, Route::Noreply, composed, to);
        OutgoingRow::new(Outgoing::new(message, NOW))
    }

    #[test]
    fn what_is_queued_waits_for_a_person() {
        let mut row = queued();
        assert_eq!(row.work(NOW), Some(OutgoingWork::Deliver));
        assert_eq!(row.restored(), [OutgoingStep::Queued]);
        assert_eq!((row.item.held, row.work(NOW)), (true, None));
        assert_eq!(row.restored(), [], "it is told once");
    }

    #[test]
    fn what_was_being_sent_is_recovered_and_not_sent() {
        let mut row = queued();
        row.take(HeldClaim::new(OutgoingWork::Deliver, NOW, 0), NOW);
        assert_eq!(row.work(NOW), Some(OutgoingWork::Deliver), "nothing left under a claim without a permit");
        assert_eq!(row.restored(), []);
        assert_eq!(row.work(NOW), Some(OutgoingWork::Recover));
    }

    #[test]
    fn a_copy_that_waits_to_be_filed_may_be_there() {
        let mut row = queued();
        row.item.state = OutgoingState::Sent;
        row.item.filing = Filing::Pending;
        assert_eq!(row.restored(), []);
        assert_eq!(row.item.failure.as_ref().map(|(kind, _)| *kind), Some(ErrorKind::Cancelled));
    }
}
