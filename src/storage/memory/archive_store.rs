//! [`Archive`] in memory.

use std::collections::BTreeSet;
use std::ops::Bound;

use async_trait::async_trait;

use super::{MemoryStore, erasing};
use crate::contract::{
    Archive, ChangeKind, ClientSighting, Erasable, Erased, ErasedClient, Erasure, Tombstone,
};
use crate::error::Result;
use crate::types::{
    ClientId, ConversationId, Digest, KeyDigest, MessageId, MessageKey, PracticeId, Timestamp, UserId,
};

#[async_trait]
impl Archive for MemoryStore {
    async fn hide(
        &self,
        practice: &PracticeId,
        message: MessageKey,
        user: &UserId,
        hidden: bool,
    ) -> Result<bool> {
        self.write(practice, |rows, now| {
            let changed = rows.hide(message, user, hidden)?;
            if changed {
                let kind = if hidden {
                    ChangeKind::MessageHidden(message)
                } else {
                    ChangeKind::MessageShown(message)
                };
                rows.feed.push_by(now, None, Some(user.clone()), kind);
            }
            Ok(changed)
        })
    }

    async fn conversation(
        &self,
        practice: &PracticeId,
        id: ConversationId,
    ) -> Result<Option<ConversationId>> {
        Ok(self.read(practice, |rows| rows.archive.conversation(id)))
    }

    async fn is_indexed(
        &self,
        practice: &PracticeId,
        message: MessageKey,
        keys: &BTreeSet<KeyDigest>,
    ) -> Result<bool> {
        Ok(self.read(practice, |rows| rows.is_indexed(message, keys)))
    }

    async fn erase_messages(&self, erasure: &Erasure) -> Result<Erased> {
        self.write(&erasure.practice, |rows, now| erasing::erase(rows, erasure, now))
    }

    async fn tombstones(&self, practice: &PracticeId, of: &Erasable) -> Result<Vec<Tombstone>> {
        let now = self.clock.now();
        Ok(self.read(practice, |rows| rows.tombstones.of(of, now)))
    }

    async fn barred(&self, practice: &PracticeId, messages: &[MessageKey]) -> Result<BTreeSet<MessageKey>> {
        let now = self.clock.now();
        Ok(self.read(practice, |rows| rows.tombstones.barred(messages, now)))
    }

    async fn erased_clients(&self, practice: &PracticeId) -> Result<Vec<ErasedClient>> {
        Ok(self.read(practice, |rows| {
            let clients = rows.tombstones.clients.iter();
            clients.map(|(client, was_away)| ErasedClient::new(client.clone(), *was_away)).collect()
        }))
    }

    async fn sight_client(
        &self,
        practice: &PracticeId,
        client: &ClientId,
        sighting: &ClientSighting,
    ) -> Result<()> {
        self.write(practice, |rows, _| erasing::sight(rows, client, sighting));
        Ok(())
    }

    async fn mark_unlisted(
        &self,
        practice: &PracticeId,
        unlisted: &[MessageKey],
        listed: &[MessageKey],
    ) -> Result<()> {
        self.write(practice, |rows, now| erasing::mark(rows, unlisted, listed, now));
        Ok(())
    }

    async fn unlisted(
        &self,
        practice: &PracticeId,
        before: Timestamp,
        after: Option<MessageKey>,
        limit: usize,
    ) -> Result<Vec<MessageKey>> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(self.read(practice, |rows| {
            let marked = rows.unlisted.range((start, Bound::Unbounded));
            marked.filter(|(_, since)| **since < before).map(|(key, _)| *key).take(limit).collect()
        }))
    }

    async fn orphans(&self, practice: &PracticeId, listed: &[Digest], seconds: u32) -> Result<Vec<Digest>> {
        Ok(self.write(practice, |rows, now| erasing::orphans(rows, listed, seconds, now)))
    }

    async fn purge(&self) -> Result<()> {
        Ok(())
    }

    async fn with_message_id(&self, practice: &PracticeId, id: &MessageId) -> Result<Vec<MessageKey>> {
        Ok(self.read(practice, |rows| {
            let messages = rows.archive.messages.iter();
            messages.filter(|(_, row)| row.message_id.as_ref() == Some(id)).map(|(key, _)| *key).collect()
        }))
    }

    async fn last_change(&self, practice: &PracticeId) -> Result<u64> {
        Ok(self.read(practice, |rows| rows.feed.0.last().map_or(0, |change| change.sequence)))
    }

    async fn record_export(&self, practice: &PracticeId, by: Option<UserId>) -> Result<()> {
        self.write(practice, |rows, now| rows.feed.push_by(now, None, by, ChangeKind::Exported));
        Ok(())
    }
}
