//! Which messages are one conversation (A3, A4).

use std::collections::BTreeSet;

use practicemail::error::{Error, ErrorKind, Result};
use practicemail::storage::rules::MessageRow;
use practicemail::types::{ConversationId, MessageKey};

use super::engine::{Readable, Tx, Writing};
use super::records::{Alias, linked, members};

/// Of messages that name the same, so many are looked at.
const LOOKED_AT: usize = 500;

impl<T: Readable> Tx<T> {
    /// The conversation an id names now.
    pub(crate) fn conversation(&self, id: ConversationId) -> Result<Option<ConversationId>> {
        let id = self.named(id)?;
        Ok(self.oldest_of(id)?.map(|_| id))
    }

    /// The conversation that a new message begins: where it was here before and was erased, what its id has come to name since.
    pub(crate) fn begun_by(&self, message: MessageKey) -> Result<ConversationId> {
        self.named(ConversationId::begun_by(message))
    }

    fn named(&self, id: ConversationId) -> Result<ConversationId> {
        let alias: Option<Alias> = self.get(&Alias::key_of(&self.practice, id))?;
        Ok(alias.map_or(id, |alias| alias.target))
    }

    /// The messages of a conversation, the oldest first, each behind the number it arrived with.
    fn members(&self, id: ConversationId) -> Result<Vec<MessageKey>> {
        let members = self.keys(&members(&self.practice, id), None)?;
        members.map(|member| message_at(member?.get(8..))).collect()
    }

    /// The number with which the oldest of a conversation arrived.
    fn oldest_of(&self, id: ConversationId) -> Result<Option<Vec<u8>>> {
        let oldest = self.keys(&members(&self.practice, id), None)?.next().transpose()?;
        Ok(oldest.map(|mut member| {
            member.truncate(8);
            member
        }))
    }

    /// The conversations of all messages that name the same and have a participant in common.
    fn related(&self, row: &MessageRow) -> Result<BTreeSet<ConversationId>> {
        let (mut looked_at, mut found) = (BTreeSet::new(), BTreeSet::from([row.conversation]));
        for link in &row.links {
            for named in self.keys(&linked(&self.practice, link), None)?.take(LOOKED_AT) {
                let named = named?;
                let (conversation, key) = named.split_at_checked(32).ok_or_else(damaged)?;
                let conversation = ConversationId::from_slice(conversation).ok_or_else(damaged)?;
                // Only what is in another conversation is read.
                if !found.contains(&conversation)
                    && looked_at.insert(message_at(Some(key))?)
                    && let Some(other) = self.message_row(message_at(Some(key))?)?
                    && row.belongs_with(&other)
                {
                    found.insert(conversation);
                }
            }
        }
        Ok(found)
    }
}

impl Writing<'_> {
    /// Makes one of a message's conversation and those of all it belongs with.
    pub(crate) fn join(&mut self, row: &MessageRow, is_new: bool) -> Result<()> {
        let own = row.conversation;
        let mut ages = Vec::new();
        for id in self.related(row)? {
            ages.push((self.oldest_of(id)?, id));
        }
        let Some((_, oldest)) = ages.iter().min().cloned() else { return Ok(()) };
        // Of a message that joins as it comes nobody has seen an id.
        let unseen = is_new && self.members(own)?.len() == 1;
        for (_, younger) in ages.into_iter().filter(|(_, id)| *id != oldest) {
            for key in self.members(younger)? {
                if let Some(mut member) = self.message_row(key)? {
                    member.conversation = oldest;
                    self.put(&member)?;
                }
            }
            for from in self.aliases(younger)? {
                self.put(&Alias { from, target: oldest })?;
            }
            if !(younger == own && unseen) {
                self.put(&Alias { from: younger, target: oldest })?;
            }
        }
        Ok(())
    }

    /// Ids that go on to name a conversation are of no use when there is no message in it.
    pub(crate) fn forget_aliases(&mut self, id: ConversationId) -> Result<()> {
        if self.oldest_of(id)?.is_some() {
            return Ok(());
        }
        for from in self.aliases(id)? {
            self.take::<Alias>(&Alias::key_of(&self.practice, from))?;
        }
        Ok(())
    }

    fn aliases(&self, target: ConversationId) -> Result<Vec<ConversationId>> {
        let all = self.keys(&Alias::naming(&self.practice, target), None)?;
        all.map(|from| ConversationId::from_slice(&from?).ok_or_else(damaged)).collect()
    }
}

/// The message that a key ends with.
pub(crate) fn message_at(octets: Option<&[u8]>) -> Result<MessageKey> {
    octets.and_then(MessageKey::from_slice).ok_or_else(damaged)
}

pub(crate) fn damaged() -> Error {
    Error::new(ErrorKind::StorageCorrupt, "a key cannot be read")
}
