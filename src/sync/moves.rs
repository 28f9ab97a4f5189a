//! Copies that are no longer where they were: if the same message turns up elsewhere in the account, it has moved.

use std::collections::BTreeMap;

use crate::contract::{Addressed, StoredCopy};
use crate::types::{CopyPlace, MessageKey};

use super::plan::is_recognisable;

/// Vanished copies by what they can be recognised by: the message's identity and its length.
///
/// Identifiers stand for a download only here, inside one account and for a copy that has left its place: elsewhere a
/// forgery that borrows them would go unread.
#[derive(Debug, Default)]
pub(super) struct Vanished {
    by_identity: BTreeMap<(MessageKey, u64), Vec<StoredCopy>>,
}

impl Vanished {
    pub(super) fn add(&mut self, copies: Vec<StoredCopy>) {
        for copy in copies {
            self.by_identity.entry((copy.message, copy.copy.size)).or_default().push(copy);
        }
    }

    /// Takes the copy that this message is, if there is just one content it can be.
    pub(super) fn claim(&mut self, message: &Addressed) -> Option<StoredCopy> {
        if !is_recognisable(&message.headers) {
            return None;
        }
        let identity = (MessageKey::of_headers(&message.headers)?, message.size);
        let candidates = self.by_identity.get_mut(&identity)?;
        let first = candidates.first()?.copy.sha256;
        if candidates.iter().any(|c| c.copy.sha256 != first) {
            return None;
        }
        let claimed = candidates.pop();
        if candidates.is_empty() {
            self.by_identity.remove(&identity);
        }
        claimed
    }

    /// The places of the copies that nobody claimed.
    pub(super) fn into_places(self) -> Vec<CopyPlace> {
        self.by_identity.into_values().flatten().map(|c| c.copy.place).collect()
    }
}
