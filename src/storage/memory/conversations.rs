//! Which messages are one conversation.

use std::collections::BTreeSet;

use super::archive::Archive;
use crate::storage::rules::MessageRow;
use crate::types::{ConversationId, MessageKey};

impl Archive {
    /// The conversation that a new message begins: where it was here before and was erased, what its id has come to name since.
    pub(super) fn begun_by(&self, message: MessageKey) -> ConversationId {
        let begun = ConversationId::begun_by(message);
        self.aliases.get(&begun).copied().unwrap_or(begun)
    }

    /// The conversation an id names now.
    pub(super) fn conversation(&self, id: ConversationId) -> Option<ConversationId> {
        let id = self.aliases.get(&id).copied().unwrap_or(id);
        self.members(id).next().map(|_| id)
    }

    /// Makes one of a message's conversation and those of all messages that name the same and have a participant in common.
    pub(super) fn join(&mut self, key: MessageKey, is_new: bool) {
        let Some(message) = self.messages.get(&key) else { return };
        let own = message.conversation;
        let others = self.messages.values().filter(|other| other.conversation != own);
        let others = others.filter(|other| message.belongs_with(other));
        let mut all: BTreeSet<_> = others.map(|other| other.conversation).collect();
        all.insert(own);
        let age = |id: &ConversationId| (self.members(*id).map(|row| row.arrival).min(), *id);
        let Some(oldest) = all.iter().copied().min_by_key(age) else { return };
        // Of a message that joins as it comes nobody has seen an id.
        let unseen = is_new && self.members(own).count() == 1;
        for younger in all.into_iter().filter(|id| *id != oldest) {
            for row in self.messages.values_mut().filter(|row| row.conversation == younger) {
                row.conversation = oldest;
            }
            if younger == own && unseen {
                continue;
            }
            for target in self.aliases.values_mut().filter(|target| **target == younger) {
                *target = oldest;
            }
            self.aliases.insert(younger, oldest);
        }
    }

    /// Ids that go on to name a conversation are of no use when there is no message in it.
    pub(super) fn forget_aliases(&mut self) {
        let alive: BTreeSet<_> = self.messages.values().map(|row| row.conversation).collect();
        self.aliases.retain(|_, target| alive.contains(target));
    }

    fn members(&self, id: ConversationId) -> impl Iterator<Item = &MessageRow> {
        self.messages.values().filter(move |row| row.conversation == id)
    }
}
