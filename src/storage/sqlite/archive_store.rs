//! [`Archive`] in one SQLite file.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::changes::record_by;
use super::failure::failure;
use super::tombstones::Tombstones;
use super::{
    SqliteStore, changes, conversations, erased_clients, erasing, hiding, orphans, page, postings, search,
    unlisted,
};
use crate::contract::{
    Archive, ChangeKind, ClientSighting, Erasable, Erased, ErasedClient, Erasure, Tombstone,
};
use crate::error::Result;
use crate::types::{
    ClientId, ConversationId, Digest, KeyDigest, MessageId, MessageKey, PracticeId, Timestamp, UserId,
};

#[async_trait]
impl Archive for SqliteStore {
    async fn hide(
        &self,
        practice: &PracticeId,
        message: MessageKey,
        user: &UserId,
        hidden: bool,
    ) -> Result<bool> {
        let mut session = self.writing().await?;
        let mut tx = session.begin().await?;
        let changed = hiding::hide(&mut tx, self.now(), practice, (message, user), hidden).await?;
        tx.commit().await.map_err(failure)?;
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
        let mut session = self.durably_writing().await?;
        let mut tx = session.begin().await?;
        let erased = erasing::erase(&mut tx, self.now(), erasure).await?;
        tx.commit().await.map_err(failure)?;
        Ok(erased)
    }

    async fn tombstones(&self, practice: &PracticeId, of: &Erasable) -> Result<Vec<Tombstone>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        match Tombstones::load(&mut tx, practice, self.now()).await? {
            Some(tombstones) => tombstones.of(&mut tx, of).await,
            None => Ok(Vec::new()),
        }
    }

    async fn barred(&self, practice: &PracticeId, messages: &[MessageKey]) -> Result<BTreeSet<MessageKey>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        match Tombstones::load(&mut tx, practice, self.now()).await? {
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
        let mut session = self.writing().await?;
        let mut tx = session.begin().await?;
        erased_clients::sight(&mut tx, practice, client, sighting).await?;
        tx.commit().await.map_err(failure)
    }

    async fn mark_unlisted(
        &self,
        practice: &PracticeId,
        unlisted: &[MessageKey],
        listed: &[MessageKey],
    ) -> Result<()> {
        let mut session = self.writing().await?;
        let mut tx = session.begin().await?;
        unlisted::mark(&mut tx, self.now(), practice, (unlisted, listed)).await?;
        tx.commit().await.map_err(failure)
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
        let mut session = self.writing().await?;
        let mut tx = session.begin().await?;
        let now = self.now();
        let before = now.plus(-i64::from(seconds));
        let orphans = orphans::of_listed(&mut tx, practice, listed, (now, before)).await?;
        tx.commit().await.map_err(failure)?;
        Ok(orphans)
    }

    async fn purge(&self) -> Result<()> {
        let mut session = self.durably_writing().await?;
        let mut tx = session.begin().await?;
        search::purge(&mut tx).await?;
        tx.commit().await.map_err(failure)?;
        session.fold_log().await
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
        let mut session = self.writing().await?;
        let mut tx = session.begin().await?;
        record_by(&mut tx, practice, self.now(), (None, by.as_ref()), &ChangeKind::Exported).await?;
        tx.commit().await.map_err(failure)
    }
}
