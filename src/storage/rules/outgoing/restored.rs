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
