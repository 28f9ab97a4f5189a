//! A mail store with a fuse in every transition.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use practicemail::contract::{
    AccountRecord, AccountSchedule, Archive, Change, Claimed, ClientSighting, Comparison, CopiesInMailbox,
    CoverageChange, DeadLetter, DueClaim, Erasable, Erased, ErasedClient, Erasure, Fence, MailStore,
    MailboxBacklog, Message, NewAccount, NewOutgoing, Outbox, OutboxQuery, Outgoing, OutgoingClaim,
    OutgoingDecision, OutgoingEnd, PagePosition, PageQuery, PassEnd, Pause, PauseScope, Schedule, SendLimits,
    SentMessage, SettingsChange, StoredCopy, SyncState, Tombstone, Window, WindowReceipt,
};
use practicemail::error::Result;
use practicemail::settings::{AccountSettings, PracticeSettings};
use practicemail::types::{
    AccountId, ClientId, ConversationId, Digest, KeyDigest, MailboxName, MessageId, MessageKey, OutgoingId,
    PracticeId, Timestamp, UidSet, UidValidity, UserId,
};

use crate::failpoint::Fuse;

/// Passes a point before and after every transition.
pub(crate) struct FailingStore {
    pub(crate) store: Arc<dyn MailStore>,
    pub(crate) fuse: Fuse,
}

impl FailingStore {
    async fn transition<T>(&self, name: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.fuse.pass("store", name, "before");
        let done = work.await;
        self.fuse.pass("store", name, "after");
        done
    }
}

#[async_trait]
impl Outbox for FailingStore {
    async fn enqueue(&self, message: &NewOutgoing) -> Result<(Outgoing, bool)> {
        self.transition("enqueue", self.store.enqueue(message)).await
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
        self.transition("claim_outgoing", claiming).await
    }
    async fn confirm_outgoing(&self, claim: &OutgoingClaim, seconds: u32) -> Result<()> {
        self.transition("confirm_outgoing", self.store.confirm_outgoing(claim, seconds)).await
    }
    async fn finish_outgoing(&self, claim: &OutgoingClaim, end: &OutgoingEnd) -> Result<Outgoing> {
        self.transition("finish_outgoing", self.store.finish_outgoing(claim, end)).await
    }
    async fn cancel_outgoing(&self, practice: &PracticeId, id: OutgoingId) -> Result<Outgoing> {
        self.transition("cancel_outgoing", self.store.cancel_outgoing(practice, id)).await
    }
    async fn decide_outgoing(
        &self,
        practice: &PracticeId,
        id: OutgoingId,
        decision: OutgoingDecision,
        archived: Option<Box<SentMessage>>,
    ) -> Result<Outgoing> {
        self.transition("decide_outgoing", self.store.decide_outgoing(practice, id, decision, archived)).await
    }
    async fn files_copies(&self, practice: &PracticeId, account: &AccountId) -> Result<Option<bool>> {
        self.store.files_copies(practice, account).await
    }
}

#[async_trait]
impl Schedule for FailingStore {
    async fn claim_due(&self, claim: &DueClaim) -> Result<Claimed> {
        self.transition("claim_due", self.store.claim_due(claim)).await
    }
    async fn request_now(&self, practice: &PracticeId, account: Option<AccountId>) -> Result<usize> {
        self.transition("request_now", self.store.request_now(practice, account)).await
    }
    async fn schedule(&self, practice: &PracticeId) -> Result<Vec<AccountSchedule>> {
        self.store.schedule(practice).await
    }
    async fn set_backlog(&self, fence: &Fence, backlog: &[MailboxBacklog]) -> Result<()> {
        self.transition("set_backlog", self.store.set_backlog(fence, backlog)).await
    }
    async fn due_outboxes(&self, after: Option<PracticeId>, limit: usize) -> Result<Vec<PracticeId>> {
        self.store.due_outboxes(after, limit).await
    }
    async fn pause(&self, pause: &Pause) -> Result<()> {
        self.transition("pause", self.store.pause(pause)).await
    }
    async fn resume(&self, scope: &PauseScope) -> Result<bool> {
        self.transition("resume", self.store.resume(scope)).await
    }
    async fn pauses(&self) -> Result<Vec<Pause>> {
        self.store.pauses().await
    }
}

#[async_trait]
impl Archive for FailingStore {
    async fn hide(
        &self,
        practice: &PracticeId,
        message: MessageKey,
        user: &UserId,
        hidden: bool,
    ) -> Result<bool> {
        self.transition("hide", self.store.hide(practice, message, user, hidden)).await
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
        self.transition("erase_messages", self.store.erase_messages(erasure)).await
    }
    async fn tombstones(&self, practice: &PracticeId, of: &Erasable) -> Result<Vec<Tombstone>> {
        self.store.tombstones(practice, of).await
    }
    async fn barred(&self, practice: &PracticeId, messages: &[MessageKey]) -> Result<BTreeSet<MessageKey>> {
        self.store.barred(practice, messages).await
    }
    async fn erased_clients(&self, practice: &PracticeId) -> Result<Vec<ErasedClient>> {
        self.store.erased_clients(practice).await
    }
    async fn sight_client(
        &self,
        practice: &PracticeId,
        client: &ClientId,
        sighting: &ClientSighting,
    ) -> Result<()> {
        self.transition("sight_client", self.store.sight_client(practice, client, sighting)).await
    }
    async fn mark_unlisted(
        &self,
        practice: &PracticeId,
        unlisted: &[MessageKey],
        listed: &[MessageKey],
    ) -> Result<()> {
        self.transition("mark_unlisted", self.store.mark_unlisted(practice, unlisted, listed)).await
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
        self.transition("orphans", self.store.orphans(practice, listed, seconds)).await
    }
    async fn purge(&self) -> Result<()> {
        self.transition("purge", self.store.purge()).await
    }
    async fn with_message_id(&self, practice: &PracticeId, id: &MessageId) -> Result<Vec<MessageKey>> {
        self.store.with_message_id(practice, id).await
    }
    async fn last_change(&self, practice: &PracticeId) -> Result<u64> {
        self.store.last_change(practice).await
    }
    async fn record_export(&self, practice: &PracticeId, by: Option<UserId>) -> Result<()> {
        self.transition("record_export", self.store.record_export(practice, by)).await
    }
}

#[async_trait]
impl MailStore for FailingStore {
    async fn connect(&self, account: &NewAccount) -> Result<AccountRecord> {
        self.transition("connect", self.store.connect(account)).await
    }
    async fn disconnect(&self, practice: &PracticeId, account: &AccountId) -> Result<()> {
        self.transition("disconnect", self.store.disconnect(practice, account)).await
    }
    async fn practice_settings(&self, practice: &PracticeId) -> Result<PracticeSettings> {
        self.store.practice_settings(practice).await
    }
    async fn set_practice_settings(&self, practice: &PracticeId, change: &SettingsChange) -> Result<()> {
        let setting = self.store.set_practice_settings(practice, change);
        self.transition("set_practice_settings", setting).await
    }

    async fn change_settings(&self, fence: &Fence, settings: &AccountSettings) -> Result<()> {
        self.transition("change_settings", self.store.change_settings(fence, settings)).await
    }

    async fn erase_account(&self, practice: &PracticeId, account: &AccountId) -> Result<Vec<Digest>> {
        self.transition("erase_account", self.store.erase_account(practice, account)).await
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
        self.transition("acquire_lease", self.store.acquire_lease(practice, account, holder, seconds)).await
    }
    async fn renew_lease(&self, fence: &Fence, seconds: u32) -> Result<()> {
        self.transition("renew_lease", self.store.renew_lease(fence, seconds)).await
    }
    async fn release_lease(&self, fence: &Fence) -> Result<()> {
        self.transition("release_lease", self.store.release_lease(fence)).await
    }
    async fn sync_state(&self, practice: &PracticeId, account: &AccountId) -> Result<SyncState> {
        self.store.sync_state(practice, account).await
    }
    async fn change_coverage(&self, fence: &Fence, change: &CoverageChange) -> Result<()> {
        self.transition("change_coverage", self.store.change_coverage(fence, change)).await
    }
    async fn commit_window(&self, fence: &Fence, window: &Window) -> Result<WindowReceipt> {
        self.transition("commit_window", self.store.commit_window(fence, window)).await
    }
    async fn commit_comparison(&self, fence: &Fence, comparison: &Comparison) -> Result<()> {
        self.transition("commit_comparison", self.store.commit_comparison(fence, comparison)).await
    }
    async fn end_pass(&self, fence: &Fence, end: &PassEnd) -> Result<()> {
        self.transition("end_pass", self.store.end_pass(fence, end)).await
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
