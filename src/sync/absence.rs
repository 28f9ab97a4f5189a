//! Why a message that is a client's is not archived from where it lies.

use std::collections::BTreeSet;

use super::findings::MissingReason;
use super::listed::state_of;
use crate::contract::{Addressed, DeadLetter, SyncState};
use crate::matching::Matcher;
use crate::settings::AccountSettings;
use crate::types::{CopyPlace, Digest, KeyDigest, Mailbox, MessageKey, SpecialUse};

/// Whether a message lies where the account keeps what it sent.
pub(super) fn is_sent(settings: &AccountSettings, mailbox: &Mailbox, message: &Addressed) -> bool {
    let chosen = settings.sent_mailbox.as_deref() == Some(mailbox.name.to_string().as_str());
    let labelled = message.labels.iter().any(|label| label.as_wire().eq_ignore_ascii_case(b"\\Sent"));
    chosen || labelled || mailbox.special_use == Some(SpecialUse::Sent)
}

/// A message that is a client's and is not archived from where it lies.
pub(crate) struct Absent<'m> {
    pub(crate) place: CopyPlace,
    /// Its identity, where its headers tell it.
    pub(crate) message: Option<MessageKey>,
    /// The clients' keys that it carries.
    pub(crate) keys: &'m BTreeSet<KeyDigest>,
}

/// How far an account is read, and by which rules it is to be.
pub(crate) struct ReadSoFar<'s> {
    state: &'s SyncState,
    /// Of today's rules.
    policy: Digest,
    given_up: BTreeSet<&'s CopyPlace>,
}

impl<'s> ReadSoFar<'s> {
    pub(crate) fn new(
        state: &'s SyncState,
        letters: &'s [DeadLetter],
        (matcher, settings): (&Matcher, &AccountSettings),
    ) -> Self {
        let policy = matcher.policy(&settings.excluded_mailboxes);
        Self { state, policy, given_up: letters.iter().map(|letter| &letter.place).collect() }
    }

    pub(super) fn is_given_up(&self, place: &CopyPlace) -> bool {
        self.given_up.contains(place)
    }

    /// Why it is not there; `barred` are the messages that are not archived again.
    pub(crate) fn why_absent(&self, absent: &Absent<'_>, barred: &BTreeSet<MessageKey>) -> MissingReason {
        let place = &absent.place;
        if absent.message.is_some_and(|message| barred.contains(&message)) {
            return MissingReason::Erased;
        }
        if self.is_given_up(place) {
            return MissingReason::DeadLetter;
        }
        let Some(mailbox) = state_of(self.state, &place.mailbox, place.uid_validity) else {
            return MissingReason::NotYetRead;
        };
        if mailbox.gaps.iter().any(|gap| gap.uid == place.uid) {
            return MissingReason::Gap;
        }
        let keys = &self.state.keys;
        let again = mailbox.cursor.history.as_ref().is_some_and(|history| history.contains(place.uid));
        let pends = again && !absent.keys.is_disjoint(&keys.pending);
        let covered = keys.policy == Some(self.policy) && !absent.keys.is_disjoint(&keys.covered);
        if !mailbox.cursor.seen.contains(place.uid) || pends || !covered {
            return MissingReason::NotYetRead;
        }
        MissingReason::Lost
    }
}
