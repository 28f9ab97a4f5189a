//! A mail store that remembers what it is given, and refuses and answers what a test says.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use practicemail::contract::{
    AccountRecord, AccountSchedule, Archive, ArchivedCopy, Change, Claimed, ClientSighting, Comparison,
    CopiesInMailbox, CoverageChange, DeadLetter, DueClaim, Erasable, Erased, ErasedClient, Erasure, Fence,
    MailStore, MailboxBacklog, Message, NewAccount, NewOutgoing, Outbox, OutboxQuery, Outgoing,
    OutgoingClaim, OutgoingDecision, OutgoingEnd, PagePosition, PageQuery, PassEnd, Pause, PauseScope,
    Schedule, SendLimits, SentMessage, SettingsChange, StoredCopy, SyncState, Tombstone, Window,
    WindowReceipt,
};
use practicemail::error::{Error, ErrorKind, Result};
use practicemail::settings::{AccountSettings, PracticeSettings};
use practicemail::types::{
    AccountId, ClientId, ConversationId, Digest, KeyDigest, MailboxName, MessageId, MessageKey, OutgoingId,
    PracticeId, Timestamp, UidSet, UidValidity, UserId,
};

/// Stands before a store.
pub(crate) struct WatchedStore {
    store: Arc<dyn MailStore>,
    /// Every window that was committed.
    pub(crate) windows: Mutex<Vec<Window>>,
    /// Message-IDs of messages that are not taken.
    pub(crate) refused: Mutex<BTreeSet<String>>,
    /// What counts as erased beside what the store knows.
    pub(crate) barred: Mutex<BTreeSet<MessageKey>>,
    /// How often it was asked what is barred.
    pub(crate) asked: Mutex<Vec<usize>>,
    /// Clients that count as erased, and what was told of them.
    pub(crate) erased: Mutex<Vec<ErasedClient>>,
    pub(crate) sighted: Mutex<Vec<(ClientId, ClientSighting)>>,
}

impl WatchedStore {
    pub(crate) fn new(store: Arc<dyn MailStore>) -> Self {
        Self {
            store,
            windows: Mutex::default(),
            refused: Mutex::default(),
            barred: Mutex::default(),
            asked: Mutex::default(),
            erased: Mutex::default(),
            sighted: Mutex::default(),
        }
    }

    /// Every copy that was committed, in order.
    pub(crate) fn committed(&self) -> Vec<ArchivedCopy> {
        self.windows.lock().unwrap().iter().flat_map(|window| window.copies.clone()).collect()
    }
}

#[async_trait]
impl Outbox for WatchedStore {
    async fn enqueue(&self, message: &NewOutgoing) -> Result<(Outgoing, bool)> {
        self.store.enqueue(message).await
    }
    async fn outgoing(&self, practice: &PracticeId, id: OutgoingId) -> Result<Option<Outgoing>> {
        self.store.outgoing(practice, id).await
    }
    async fn outbox(&self, practice: &PracticeId, query: &OutboxQuery) -> Result<Vec<Outgoing>> {
        self.store.outbox(practice, query).await
    }
    async fn outgoing_of(&self, practice: &PracticeId, messages: &[MessageKey]) -> Result<Vec<Outgoing>> {
        self.store.outgoing_of(practice, messages).await
    }
    async fn due_outgoing(&self, practice: &PracticeId, limit: usize) -> Result<Vec<OutgoingId>> {
        self.store.due_outgoing(practice, limit).await
    }
    async fn claim_outgoing(
        &self,
        practice: &PracticeId,
        id: OutgoingId,
        holder: &str,
        seconds: u32,
        limits: SendLimits,
    ) -> Result<OutgoingClaim> {
        let claiming = self.store.claim_outgoing(practice, id, holder, seconds, limits);
        claiming.await
    }
    async fn confirm_outgoing(&self, claim: &OutgoingClaim, seconds: u32) -> Result<()> {
        self.store.confirm_outgoing(claim, seconds).await
    }
    async fn finish_outgoing(&self, claim: &OutgoingClaim, end: &OutgoingEnd) -> Result<Outgoing> {
        self.store.finish_outgoing(claim, end).await
    }
    async fn cancel_outgoing(&self, practice: &PracticeId, id: OutgoingId) -> Result<Outgoing> {
        self.store.cancel_outgoing(practice, id).await
    }
    async fn decide_outgoing(
        &self,
        practice: &PracticeId,
        id: OutgoingId,
        decision: OutgoingDecision,
        archived: Option<Box<SentMessage>>,
    ) -> Result<Outgoing> {
        self.store.decide_outgoing(practice, id, decision, archived).await
    }
    async fn files_copies(&self, practice: &PracticeId, account: &AccountId) -> Result<Option<bool>> {
        self.store.files_copies(practice, account).await
    }
}

#[async_trait]
impl Schedule for WatchedStore {
    async fn claim_due(&self, claim: &DueClaim) -> Result<Claimed> {
        self.store.claim_due(claim).await
    }
    async fn request_now(&self, practice: &PracticeId, account: Option<AccountId>) -> Result<usize> {
        self.store.request_now(practice, account).await
    }
    async fn schedule(&self, practice: &PracticeId) -> Result<Vec<AccountSchedule>> {
        self.store.schedule(practice).await
    }
    async fn set_backlog(&self, fence: &Fence, backlog: &[MailboxBacklog]) -> Result<()> {
        self.store.set_backlog(fence, backlog).await
    }
    async fn due_outboxes(&self, after: Option<PracticeId>, limit: usize) -> Result<Vec<PracticeId>> {
        self.store.due_outboxes(after, limit).await
    }
    async fn pause(&self, pause: &Pause) -> Result<()> {
        self.store.pause(pause).await
    }
    async fn resume(&self, scope: &PauseScope) -> Result<bool> {
        self.store.resume(scope).await
    }
    async fn pauses(&self) -> Result<Vec<Pause>> {
        self.store.pauses().await
    }
}

#[async_trait]
impl Archive for WatchedStore {
    async fn hide(
        &self,
        practice: &PracticeId,
        message: MessageKey,
        user: &UserId,
        hidden: bool,
    ) -> Result<bool> {
        self.store.hide(practice, message, user, hidden).await
    }
    async fn conversation(
        &self,
        practice: &PracticeId,
        id: ConversationId,
    ) -> Result<Option<ConversationId>> {
        self.store.conversation(practice, id).await
    }
    async fn is_indexed(
        &self,
        practice: &PracticeId,
        message: MessageKey,
        keys: &BTreeSet<KeyDigest>,
    ) -> Result<bool> {
        self.store.is_indexed(practice, message, keys).await
    }
    async fn erase_messages(&self, erasure: &Erasure) -> Result<Erased> {
        self.store.erase_messages(erasure).await
    }
    async fn tombstones(&self, practice: &PracticeId, of: &Erasable) -> Result<Vec<Tombstone>> {
        self.store.tombstones(practice, of).await
    }
    async fn barred(&self, practice: &PracticeId, messages: &[MessageKey]) -> Result<BTreeSet<MessageKey>> {
        self.asked.lock().unwrap().push(messages.len());
        let mut barred = self.store.barred(practice, messages).await?;
        let here = self.barred.lock().unwrap().clone();
        barred.extend(messages.iter().filter(|key| here.contains(key)));
        Ok(barred)
    }
    async fn erased_clients(&self, practice: &PracticeId) -> Result<Vec<ErasedClient>> {
        let mut erased = self.store.erased_clients(practice).await?;
        erased.extend(self.erased.lock().unwrap().clone());
        Ok(erased)
    }
    async fn sight_client(
        &self,
        practice: &PracticeId,
        client: &ClientId,
        sighting: &ClientSighting,
    ) -> Result<()> {
        self.sighted.lock().unwrap().push((client.clone(), sighting.clone()));
        self.store.sight_client(practice, client, sighting).await
    }
    async fn mark_unlisted(
        &self,
        practice: &PracticeId,
        unlisted: &[MessageKey],
        listed: &[MessageKey],
    ) -> Result<()> {
        self.store.mark_unlisted(practice, unlisted, listed).await
    }
    async fn unlisted(
        &self,
        practice: &PracticeId,
        before: Timestamp,
        after: Option<MessageKey>,
        limit: usize,
    ) -> Result<Vec<MessageKey>> {
        self.store.unlisted(practice, before, after, limit).await
    }
    async fn orphans(&self, practice: &PracticeId, listed: &[Digest], seconds: u32) -> Result<Vec<Digest>> {
        self.store.orphans(practice, listed, seconds).await
    }
    async fn purge(&self) -> Result<()> {
        self.store.purge().await
    }
    async fn with_message_id(&self, practice: &PracticeId, id: &MessageId) -> Result<Vec<MessageKey>> {
        self.store.with_message_id(practice, id).await
    }
    async fn last_change(&self, practice: &PracticeId) -> Result<u64> {
        self.store.last_change(practice).await
    }
    async fn record_export(&self, practice: &PracticeId, by: Option<UserId>) -> Result<()> {
        self.store.record_export(practice, by).await
    }
}

#[async_trait]
impl MailStore for WatchedStore {
    async fn connect(&self, account: &NewAccount) -> Result<AccountRecord> {
        self.store.connect(account).await
    }
    async fn disconnect(&self, practice: &PracticeId, account: &AccountId) -> Result<()> {
        self.store.disconnect(practice, account).await
    }
    async fn practice_settings(&self, practice: &PracticeId) -> Result<PracticeSettings> {
        self.store.practice_settings(practice).await
    }
    async fn set_practice_settings(&self, practice: &PracticeId, change: &SettingsChange) -> Result<()> {
        let setting = self.store.set_practice_settings(practice, change);
        setting.await
    }

    async fn change_settings(&self, fence: &Fence, settings: &AccountSettings) -> Result<()> {
        self.store.change_settings(fence, settings).await
    }

    async fn erase_account(&self, practice: &PracticeId, account: &AccountId) -> Result<Vec<Digest>> {
        self.store.erase_account(practice, account).await
    }
    async fn accounts(&self, practice: &PracticeId) -> Result<Vec<AccountRecord>> {
        self.store.accounts(practice).await
    }
    async fn acquire_lease(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        holder: &str,
        seconds: u32,
    ) -> Result<Fence> {
        self.store.acquire_lease(practice, account, holder, seconds).await
    }
    async fn renew_lease(&self, fence: &Fence, seconds: u32) -> Result<()> {
        self.store.renew_lease(fence, seconds).await
    }
    async fn release_lease(&self, fence: &Fence) -> Result<()> {
        self.store.release_lease(fence).await
    }
    async fn sync_state(&self, practice: &PracticeId, account: &AccountId) -> Result<SyncState> {
        self.store.sync_state(practice, account).await
    }
    async fn change_coverage(&self, fence: &Fence, change: &CoverageChange) -> Result<()> {
        self.store.change_coverage(fence, change).await
    }
    async fn commit_window(&self, fence: &Fence, window: &Window) -> Result<WindowReceipt> {
        let refused = self.refused.lock().unwrap().clone();
        let is_refused = |copy: &ArchivedCopy| {
            let id = copy.parsed.headers.message_id.as_ref();
            id.is_some_and(|id| refused.contains(id.as_str()))
        };
        if window.copies.iter().any(is_refused) {
            return Err(Error::new(ErrorKind::StorageRefused, "a test does not want this message"));
        }
        self.windows.lock().unwrap().push(window.clone());
        self.store.commit_window(fence, window).await
    }
    async fn commit_comparison(&self, fence: &Fence, comparison: &Comparison) -> Result<()> {
        self.store.commit_comparison(fence, comparison).await
    }
    async fn end_pass(&self, fence: &Fence, end: &PassEnd) -> Result<()> {
        self.store.end_pass(fence, end).await
    }
    async fn copies(&self, practice: &PracticeId, account: &AccountId) -> Result<Vec<CopiesInMailbox>> {
        self.store.copies(practice, account).await
    }
    async fn copies_at(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        mailbox: &MailboxName,
        uid_validity: UidValidity,
        uids: &UidSet,
    ) -> Result<Vec<StoredCopy>> {
        self.store.copies_at(practice, account, mailbox, uid_validity, uids).await
    }
    async fn page(&self, query: &PageQuery) -> Result<Vec<PagePosition>> {
        self.store.page(query).await
    }
    async fn messages(&self, practice: &PracticeId, keys: &[MessageKey]) -> Result<Vec<Message>> {
        self.store.messages(practice, keys).await
    }
    async fn all_messages(
        &self,
        practice: &PracticeId,
        after: Option<MessageKey>,
        limit: usize,
    ) -> Result<Vec<Message>> {
        self.store.all_messages(practice, after, limit).await
    }
    async fn count(&self, query: &PageQuery) -> Result<usize> {
        self.store.count(query).await
    }
    async fn dead_letters(&self, practice: &PracticeId) -> Result<Vec<DeadLetter>> {
        self.store.dead_letters(practice).await
    }
    async fn changes(&self, practice: &PracticeId, after: u64, limit: usize) -> Result<Vec<Change>> {
        self.store.changes(practice, after, limit).await
    }
}
