//! The archive: what people see of it, and what they take out of it.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::{ClientSighting, Erasable, Erased, ErasedClient, Erasure, Tombstone};
use crate::error::Result;
use crate::types::{
    ClientId, ConversationId, Digest, KeyDigest, MessageId, MessageKey, PracticeId, Timestamp, UserId,
};

/// The part of a [`MailStore`](super::MailStore) that says who sees what, and that erases.
///
/// # Contract
/// - **A1** A user sees a message of which an account of theirs has a copy, or which they sent; and one of which somebody else has a
///   copy, or which somebody else sent, unless all who do have hidden it. [`page`](super::MailStore::page) and
///   [`count`](super::MailStore::count) answer with [`seen_by`](super::PageFilter::seen_by) what that user sees, and
///   [`Message::hidden_by`](super::Message::hidden_by) says who has hidden it. Hiding what one has no part in is
///   [`NotFound`](crate::error::ErrorKind::NotFound).
/// - **A2** A message holds terms when each of them stands in the subject, in a participant (Bcc aside), in an attachment's name or
///   in the text of one rendition that is shown to the user: of one that only those have, or sent, who have hidden it, nothing counts.
///   In the text, and in the names, only of a rendition the user may read: one of which they have a copy or which they sent, or which
///   somebody else who has not hidden the message has, or sent, in no account that shares headers only.
/// - **A3** Two messages are in one conversation if they name a Message-ID in common (their own, In-Reply-To, References), or
///   the same provider's conversation in the same account, and have a participant in common (Bcc aside); and if both are in one
///   conversation with a third. The order in which they were archived makes no difference, as long as no more than 500 messages name
///   the same: a store may look at so many.
/// - **A4** Of conversations that turn out to be one the oldest keeps its id; the others' ids go on to name it, in
///   [`PageQuery::conversation`](super::PageQuery::conversation).
/// - **A5** [`erase_messages`](Self::erase_messages) leaves of a message nothing but its tombstone: no rendition, copy, posting,
///   link, hiding or intent. One with an intent that is not *sent*, *refused* or *cancelled* is kept. Which octets nothing names any more, it
///   answers. Of what nothing bars ([`Bars::Nothing`](super::Bars::Nothing)) no account is covered for the keys any more. Every message
///   that went is told, with who wanted it; then the conversations of the others are what they were.
/// - **A6** While a tombstone bars a message, [`commit_window`](super::MailStore::commit_window) archives no copy of it: its UID counts
///   as seen. A tombstone holds digests under a key of the practice, of no use without it.
/// - **A7** [`sight_client`](Self::sight_client) remembers that an erased client was away; once it was and is back, its tombstones
///   go, and no account is covered for its keys any more, so that its history is read again.
/// - **A8** [`mark_unlisted`](Self::mark_unlisted) gives a message that is not marked the store's time, and takes the mark of one
///   that is listed again.
/// - **A9** [`orphans`](Self::orphans) answers, of digests it is shown, those that no copy, dead letter or intent names, and that
///   were not named when it was shown them `seconds` ago or earlier either. What it has answered it forgets: shown again, it is new,
///   for its octets may have come again with what will name them under way.
/// - **A10** An export is told in the feed, with who made it.
/// - **A11** Practices do not see each other.
/// - **A12** After [`purge`](Self::purge) nothing of what was erased before is left in what the store keeps to search by, or as a log.
///
/// Every method is cancel safe: it happens whole or not at all.
#[async_trait]
pub trait Archive: Send + Sync {
    /// Hides a message from a user's colleagues, or shows it again; answers whether that changed anything.
    ///
    /// # Errors
    /// As A1; storage kinds.
    async fn hide(
        &self,
        practice: &PracticeId,
        message: MessageKey,
        user: &UserId,
        hidden: bool,
    ) -> Result<bool>;

    /// The conversation an id names now, `None` where it names none.
    ///
    /// # Errors
    /// Storage kinds.
    async fn conversation(&self, practice: &PracticeId, id: ConversationId)
    -> Result<Option<ConversationId>>;

    /// Whether a message is found by all of these keys, on pages and in searches.
    ///
    /// # Errors
    /// Storage kinds.
    async fn is_indexed(
        &self,
        practice: &PracticeId,
        message: MessageKey,
        keys: &BTreeSet<KeyDigest>,
    ) -> Result<bool>;

    /// Erases messages, as A5.
    ///
    /// # Errors
    /// Storage kinds.
    async fn erase_messages(&self, erasure: &Erasure) -> Result<Erased>;

    /// The tombstones of a message, or of all that bore a Message-ID, that bar it still.
    ///
    /// # Errors
    /// Storage kinds.
    async fn tombstones(&self, practice: &PracticeId, of: &Erasable) -> Result<Vec<Tombstone>>;

    /// Of these messages, those that a tombstone bars.
    ///
    /// # Errors
    /// Storage kinds.
    async fn barred(&self, practice: &PracticeId, messages: &[MessageKey]) -> Result<BTreeSet<MessageKey>>;

    /// Clients whose messages were erased until they are back.
    ///
    /// # Errors
    /// Storage kinds.
    async fn erased_clients(&self, practice: &PracticeId) -> Result<Vec<ErasedClient>>;

    /// Takes up what the directory showed of an erased client, as A7.
    ///
    /// # Errors
    /// Storage kinds.
    async fn sight_client(
        &self,
        practice: &PracticeId,
        client: &ClientId,
        sighting: &ClientSighting,
    ) -> Result<()>;

    /// Marks messages that are no client's any more, and takes the marks of those that are again.
    ///
    /// # Errors
    /// Storage kinds.
    async fn mark_unlisted(
        &self,
        practice: &PracticeId,
        unlisted: &[MessageKey],
        listed: &[MessageKey],
    ) -> Result<()>;

    /// Messages marked before `before`, in the order of keys, continued after a key.
    ///
    /// # Errors
    /// Storage kinds.
    async fn unlisted(
        &self,
        practice: &PracticeId,
        before: Timestamp,
        after: Option<MessageKey>,
        limit: usize,
    ) -> Result<Vec<MessageKey>>;

    /// Octets nothing names, as A9.
    ///
    /// # Errors
    /// Storage kinds.
    async fn orphans(&self, practice: &PracticeId, listed: &[Digest], seconds: u32) -> Result<Vec<Digest>>;

    /// Takes out of indexes and logs what is left there of what was erased; asked for once after erasing, and once a day. It may take as long
    /// as writing all indexes anew.
    ///
    /// # Errors
    /// Storage kinds.
    async fn purge(&self) -> Result<()>;

    /// The messages that bear a Message-ID, in the order of keys.
    ///
    /// # Errors
    /// Storage kinds.
    async fn with_message_id(&self, practice: &PracticeId, id: &MessageId) -> Result<Vec<MessageKey>>;

    /// The number of the last change, zero where there is none: to follow the feed from now on, or to say what was there when.
    ///
    /// # Errors
    /// Storage kinds.
    async fn last_change(&self, practice: &PracticeId) -> Result<u64>;

    /// Tells of an export.
    ///
    /// # Errors
    /// Storage kinds.
    async fn record_export(&self, practice: &PracticeId, by: Option<UserId>) -> Result<()>;
}

#[async_trait]
impl<T: Archive + ?Sized> Archive for std::sync::Arc<T> {
    async fn hide(
        &self,
        practice: &PracticeId,
        message: MessageKey,
        user: &UserId,
        hidden: bool,
    ) -> Result<bool> {
        (**self).hide(practice, message, user, hidden).await
    }
    async fn conversation(
        &self,
        practice: &PracticeId,
        id: ConversationId,
    ) -> Result<Option<ConversationId>> {
        (**self).conversation(practice, id).await
    }
    async fn is_indexed(
        &self,
        practice: &PracticeId,
        message: MessageKey,
        keys: &BTreeSet<KeyDigest>,
    ) -> Result<bool> {
        (**self).is_indexed(practice, message, keys).await
    }
    async fn erase_messages(&self, erasure: &Erasure) -> Result<Erased> {
        (**self).erase_messages(erasure).await
    }
    async fn tombstones(&self, practice: &PracticeId, of: &Erasable) -> Result<Vec<Tombstone>> {
        (**self).tombstones(practice, of).await
    }
    async fn barred(&self, practice: &PracticeId, messages: &[MessageKey]) -> Result<BTreeSet<MessageKey>> {
        (**self).barred(practice, messages).await
    }
    async fn erased_clients(&self, practice: &PracticeId) -> Result<Vec<ErasedClient>> {
        (**self).erased_clients(practice).await
    }
    async fn sight_client(
        &self,
        practice: &PracticeId,
        client: &ClientId,
        sighting: &ClientSighting,
    ) -> Result<()> {
        (**self).sight_client(practice, client, sighting).await
    }
    async fn mark_unlisted(
        &self,
        practice: &PracticeId,
        unlisted: &[MessageKey],
        listed: &[MessageKey],
    ) -> Result<()> {
        (**self).mark_unlisted(practice, unlisted, listed).await
    }
    async fn unlisted(
        &self,
        practice: &PracticeId,
        before: Timestamp,
        after: Option<MessageKey>,
        limit: usize,
    ) -> Result<Vec<MessageKey>> {
        (**self).unlisted(practice, before, after, limit).await
    }
    async fn orphans(&self, practice: &PracticeId, listed: &[Digest], seconds: u32) -> Result<Vec<Digest>> {
        (**self).orphans(practice, listed, seconds).await
    }
    async fn purge(&self) -> Result<()> {
        (**self).purge().await
    }
    async fn with_message_id(&self, practice: &PracticeId, id: &MessageId) -> Result<Vec<MessageKey>> {
        (**self).with_message_id(practice, id).await
    }
    async fn last_change(&self, practice: &PracticeId) -> Result<u64> {
        (**self).last_change(practice).await
    }
    async fn record_export(&self, practice: &PracticeId, by: Option<UserId>) -> Result<()> {
        (**self).record_export(practice, by).await
    }
}
