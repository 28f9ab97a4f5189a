//! [`Archive`] in one SQLite file.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::changes::record_by;
use super::engine::Engine;
use super::tombstones::Tombstones;
use super::{
    SqlStore, changes, conversations, erased_clients, erasing, hiding, orphans, page, postings, unlisted,
};
use crate::contract::{
    Archive, ChangeKind, ClientSighting, Erasable, Erased, ErasedClient, Erasure, Tombstone,
};
use crate::error::Result;
use crate::types::{
    ClientId, ConversationId, Digest, KeyDigest, MessageId, MessageKey, PracticeId, Timestamp, UserId,
};

#[async_trait]
impl<E: Engine> Archive for SqlStore<E> {
    async fn hide(
        &self,
        practice: &PracticeId,
        message: MessageKey,
        user: &UserId,
        hidden: bool,
    ) -> Result<bool> {
        let mut session = self.writing(practice).await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        let changed = hiding::hide(&mut tx, now, practice, (message, user), hidden).await?;
        tx.commit().await?;
        Ok(changed)
    }

    async fn conversation(
        &self,
        practice: &PracticeId,
        id: ConversationId,
    ) -> Result<Option<ConversationId>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        conversations::resolve(&mut tx, practice, id).await
    }

    async fn is_indexed(
        &self,
        practice: &PracticeId,
        message: MessageKey,
        keys: &BTreeSet<KeyDigest>,
    ) -> Result<bool> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        postings::has_all(&mut tx, practice, &message, keys).await
    }

    async fn erase_messages(&self, erasure: &Erasure) -> Result<Erased> {
        // On the disk before octets go from a blob store that may be somewhere else.
        let mut session = self.durably_writing(&erasure.practice).await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        let erased = erasing::erase(&mut tx, now, erasure).await?;
        tx.commit().await?;
        Ok(erased)
    }

    async fn tombstones(&self, practice: &PracticeId, of: &Erasable) -> Result<Vec<Tombstone>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        match Tombstones::load(&mut tx, practice, now).await? {
            Some(tombstones) => tombstones.of(&mut tx, of).await,
            None => Ok(Vec::new()),
        }
    }

    async fn barred(&self, practice: &PracticeId, messages: &[MessageKey]) -> Result<BTreeSet<MessageKey>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        match Tombstones::load(&mut tx, practice, now).await? {
            Some(tombstones) => tombstones.barred(&mut tx, messages).await,
            None => Ok(BTreeSet::new()),
        }
    }

    async fn erased_clients(&self, practice: &PracticeId) -> Result<Vec<ErasedClient>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        erased_clients::all(&mut tx, practice).await
    }

    async fn sight_client(
        &self,
        practice: &PracticeId,
        client: &ClientId,
        sighting: &ClientSighting,
    ) -> Result<()> {
        let mut session = self.writing(practice).await?;
        let mut tx = session.begin().await?;
        erased_clients::sight(&mut tx, practice, client, sighting).await?;
        tx.commit().await
    }

    async fn mark_unlisted(
        &self,
        practice: &PracticeId,
        unlisted: &[MessageKey],
        listed: &[MessageKey],
    ) -> Result<()> {
        let mut session = self.writing(practice).await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        unlisted::mark(&mut tx, now, practice, (unlisted, listed)).await?;
        tx.commit().await
    }

    async fn unlisted(
        &self,
        practice: &PracticeId,
        before: Timestamp,
        after: Option<MessageKey>,
        limit: usize,
    ) -> Result<Vec<MessageKey>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        unlisted::before(&mut tx, practice, before, (after, limit)).await
    }

    async fn orphans(&self, practice: &PracticeId, listed: &[Digest], seconds: u32) -> Result<Vec<Digest>> {
        let mut session = self.writing(practice).await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        let before = now.plus(-i64::from(seconds));
        let orphans = orphans::of_listed(&mut tx, practice, listed, (now, before)).await?;
        tx.commit().await?;
        Ok(orphans)
    }

    async fn purge(&self) -> Result<()> {
        self.engine().purge().await
    }

    async fn with_message_id(&self, practice: &PracticeId, id: &MessageId) -> Result<Vec<MessageKey>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        page::with_message_id(&mut tx, practice, id).await
    }

    async fn last_change(&self, practice: &PracticeId) -> Result<u64> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        changes::last(&mut tx, practice).await
    }

    async fn record_export(&self, practice: &PracticeId, by: Option<UserId>) -> Result<()> {
        let mut session = self.writing(practice).await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        record_by(&mut tx, practice, now, (None, by.as_ref()), &ChangeKind::Exported).await?;
        tx.commit().await
    }
}
