//! [`MailStore`] and its parts: every method is one transaction.

use std::collections::BTreeSet;

use async_trait::async_trait;
use practicemail::contract::{
    AccountRecord, AccountSchedule, Archive, Change, ChangeKind, Claimed, ClientSighting, Comparison,
    CopiesInMailbox, CoverageChange, DeadLetter, DueClaim, Erasable, Erased, ErasedClient, Erasure, Fence,
    MailStore, MailboxBacklog, Message, NewAccount, NewOutgoing, Outbox, OutboxQuery, Outgoing,
    OutgoingClaim, OutgoingDecision, OutgoingEnd, PagePosition, PageQuery, PassEnd, Pause, PauseScope,
    Schedule, SendLimits, SentMessage, SettingsChange, StoredCopy, SyncState, Tombstone, Window,
    WindowReceipt,
};
use practicemail::error::{ErrorKind, Result};
use practicemail::settings::{AccountSettings, PracticeSettings};
use practicemail::storage::rules::AccountRow;
use practicemail::types::{
    AccountId, ClientId, ConversationId, Digest, KeyDigest, MailboxName, MessageId, MessageKey, OutgoingId,
    PracticeId, Timestamp, UidSet, UidValidity, UserId,
};

use super::engine::Writing;
use super::{FileStore, nowhere};

impl FileStore {
    /// Has the account of a fence take a step, and tells it.
    async fn step(
        &self,
        fence: &Fence,
        step: impl FnOnce(&mut AccountRow, &mut Writing<'_>) -> Result<Vec<ChangeKind>> + Send + 'static,
    ) -> Result<()> {
        let fence = fence.clone();
        let practice = fence.practice.clone();
        let write = move |tx: &mut Writing<'_>| {
            let mut row = tx.fenced(&fence)?;
            let changes = step(&mut row, tx)?;
            tx.put_account(&row, changes)
        };
        self.engine.write(&practice, write).await
    }
}

#[async_trait]
impl MailStore for FileStore {
    async fn connect(&self, account: &NewAccount) -> Result<AccountRecord> {
        let account = account.clone();
        self.engine.write(&account.practice.clone(), move |tx| tx.connect(&account)).await
    }

    async fn disconnect(&self, practice: &PracticeId, account: &AccountId) -> Result<()> {
        let account = account.clone();
        let disconnect = self.engine.write(practice, move |tx| {
            let mut row = tx.account(&account)?;
            let change = row.disconnect();
            tx.put_account(&row, change)
        });
        disconnect.await
    }

    async fn erase_account(&self, practice: &PracticeId, account: &AccountId) -> Result<Vec<Digest>> {
        let account = account.clone();
        self.engine.write(practice, move |tx| tx.erase_account(&account)).await
    }

    async fn practice_settings(&self, practice: &PracticeId) -> Result<PracticeSettings> {
        self.engine.read(practice, |tx| tx.settings()).await
    }

    async fn set_practice_settings(&self, practice: &PracticeId, change: &SettingsChange) -> Result<()> {
        let change = change.clone();
        self.engine.write(practice, move |tx| tx.settle(&change)).await
    }

    async fn change_settings(&self, fence: &Fence, settings: &AccountSettings) -> Result<()> {
        let settings = settings.clone();
        self.step(fence, move |row, tx| Ok(row.change_settings(&settings, &tx.settings()?, tx.now))).await
    }

    async fn accounts(&self, practice: &PracticeId) -> Result<Vec<AccountRecord>> {
        let accounts = |rows: Vec<AccountRow>| rows.into_iter().map(|row| row.record).collect();
        self.engine.read(practice, move |tx| tx.accounts().map(accounts)).await
    }

    async fn acquire_lease(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        holder: &str,
        seconds: u32,
    ) -> Result<Fence> {
        let (account, holder) = (account.clone(), holder.to_owned());
        let acquire = self.engine.write(practice, move |tx| {
            let mut row = tx.account(&account)?;
            let fence = row.acquire(&holder, seconds, tx.now)?;
            tx.put_account(&row, None)?;
            Ok(fence)
        });
        acquire.await
    }

    async fn renew_lease(&self, fence: &Fence, seconds: u32) -> Result<()> {
        let renew = move |row: &mut AccountRow, tx: &mut Writing<'_>| {
            row.renew(seconds, tx.now);
            Ok(Vec::new())
        };
        self.step(fence, renew).await
    }

    async fn release_lease(&self, fence: &Fence) -> Result<()> {
        let release = |row: &mut AccountRow, _: &mut Writing<'_>| {
            row.lease = None;
            Ok(Vec::new())
        };
        match self.step(fence, release).await {
            Err(error) if error.kind() == ErrorKind::FenceLost => Ok(()),
            released => released,
        }
    }

    async fn sync_state(&self, practice: &PracticeId, account: &AccountId) -> Result<SyncState> {
        let account = account.clone();
        let state = self.engine.read(practice, move |tx| {
            Ok(tx.find_account(&account)?.map(|row| row.sync_state(tx.now)).unwrap_or_default())
        });
        state.await
    }

    async fn change_coverage(&self, fence: &Fence, change: &CoverageChange) -> Result<()> {
        let change = change.clone();
        self.step(fence, move |row, _| row.change_coverage(&change).map(|()| Vec::new())).await
    }

    async fn commit_window(&self, fence: &Fence, window: &Window) -> Result<WindowReceipt> {
        let (fence, window) = (fence.clone(), window.clone());
        self.engine.write(&fence.practice.clone(), move |tx| tx.commit_window(&fence, &window)).await
    }

    async fn commit_comparison(&self, fence: &Fence, comparison: &Comparison) -> Result<()> {
        let (fence, comparison) = (fence.clone(), comparison.clone());
        self.engine.write(&fence.practice.clone(), move |tx| tx.commit_comparison(&fence, &comparison)).await
    }

    async fn end_pass(&self, fence: &Fence, end: &PassEnd) -> Result<()> {
        let end = end.clone();
        self.step(fence, move |row, tx| Ok(row.end_pass(&end, tx.now).into_iter().collect())).await
    }

    async fn copies(&self, practice: &PracticeId, account: &AccountId) -> Result<Vec<CopiesInMailbox>> {
        let account = account.clone();
        self.engine.read(practice, move |tx| tx.copies(&account)).await
    }

    async fn copies_at(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        mailbox: &MailboxName,
        uid_validity: UidValidity,
        uids: &UidSet,
    ) -> Result<Vec<StoredCopy>> {
        let (account, mailbox, uids) = (account.clone(), mailbox.clone(), uids.clone());
        self.engine.read(practice, move |tx| tx.copies_at(&account, &mailbox, uid_validity, &uids)).await
    }

    async fn page(&self, query: &PageQuery) -> Result<Vec<PagePosition>> {
        let query = query.clone();
        self.engine.read(&query.practice.clone(), move |tx| tx.page(&query)).await
    }

    async fn messages(&self, practice: &PracticeId, keys: &[MessageKey]) -> Result<Vec<Message>> {
        let keys = keys.to_vec();
        self.engine.read(practice, move |tx| tx.messages(&keys)).await
    }

    async fn all_messages(
        &self,
        practice: &PracticeId,
        after: Option<MessageKey>,
        limit: usize,
    ) -> Result<Vec<Message>> {
        self.engine.read(practice, move |tx| tx.all_messages(after, limit)).await
    }

    async fn count(&self, query: &PageQuery) -> Result<usize> {
        Ok(self.page(&query.clone().before(None)).await?.len())
    }

    async fn dead_letters(&self, practice: &PracticeId) -> Result<Vec<DeadLetter>> {
        self.engine.read(practice, |tx| tx.dead_letters()).await
    }

    async fn changes(&self, practice: &PracticeId, after: u64, limit: usize) -> Result<Vec<Change>> {
        self.engine.read(practice, move |tx| tx.changes(after, limit)).await
    }
}

#[async_trait]
impl Outbox for FileStore {
    async fn enqueue(&self, message: &NewOutgoing) -> Result<(Outgoing, bool)> {
        let message = message.clone();
        self.engine.write(&message.practice.clone(), move |tx| tx.enqueue(&message)).await
    }

    async fn outgoing(&self, practice: &PracticeId, id: OutgoingId) -> Result<Option<Outgoing>> {
        self.engine.read(practice, move |tx| Ok(tx.find_intent(id)?.map(|intent| intent.row.item))).await
    }

    async fn outbox(&self, practice: &PracticeId, query: &OutboxQuery) -> Result<Vec<Outgoing>> {
        let query = query.clone();
        self.engine.read(practice, move |tx| tx.outbox(&query)).await
    }

    async fn outgoing_of(&self, practice: &PracticeId, messages: &[MessageKey]) -> Result<Vec<Outgoing>> {
        let messages = messages.to_vec();
        self.engine.read(practice, move |tx| tx.outgoing_of(&messages)).await
    }

    async fn due_outgoing(&self, practice: &PracticeId, limit: usize) -> Result<Vec<OutgoingId>> {
        self.engine.read(practice, move |tx| tx.due_outgoing(limit)).await
    }

    async fn claim_outgoing(
        &self,
        practice: &PracticeId,
        id: OutgoingId,
        _holder: &str,
        seconds: u32,
        limits: SendLimits,
    ) -> Result<OutgoingClaim> {
        self.engine.write(practice, move |tx| tx.claim_outgoing(id, seconds, limits)).await
    }

    async fn confirm_outgoing(&self, claim: &OutgoingClaim, seconds: u32) -> Result<()> {
        let claim = claim.clone();
        let practice = claim.item.message.practice.clone();
        self.engine.write(&practice, move |tx| tx.confirm_outgoing(&claim, seconds)).await
    }

    async fn finish_outgoing(&self, claim: &OutgoingClaim, end: &OutgoingEnd) -> Result<Outgoing> {
        let (claim, end) = (claim.clone(), end.clone());
        let practice = claim.item.message.practice.clone();
        self.engine.write(&practice, move |tx| tx.finish_outgoing(&claim, &end)).await
    }

    async fn cancel_outgoing(&self, practice: &PracticeId, id: OutgoingId) -> Result<Outgoing> {
        self.engine.write(practice, move |tx| tx.cancel_outgoing(id)).await
    }

    async fn decide_outgoing(
        &self,
        practice: &PracticeId,
        id: OutgoingId,
        decision: OutgoingDecision,
        archived: Option<Box<SentMessage>>,
    ) -> Result<Outgoing> {
        let decide =
            self.engine.write(practice, move |tx| tx.decide_outgoing(id, decision, archived.as_deref()));
        decide.await
    }

    async fn files_copies(&self, practice: &PracticeId, account: &AccountId) -> Result<Option<bool>> {
        let account = account.clone();
        let files = self
            .engine
            .read(practice, move |tx| Ok(tx.find_account(&account)?.and_then(|row| row.files_copies)));
        files.await
    }
}

#[async_trait]
impl Archive for FileStore {
    async fn hide(
        &self,
        practice: &PracticeId,
        message: MessageKey,
        user: &UserId,
        hidden: bool,
    ) -> Result<bool> {
        let user = user.clone();
        self.engine.write(practice, move |tx| tx.hide(message, &user, hidden)).await
    }

    async fn conversation(
        &self,
        practice: &PracticeId,
        id: ConversationId,
    ) -> Result<Option<ConversationId>> {
        self.engine.read(practice, move |tx| tx.conversation(id)).await
    }

    async fn is_indexed(
        &self,
        practice: &PracticeId,
        message: MessageKey,
        keys: &BTreeSet<KeyDigest>,
    ) -> Result<bool> {
        let keys = keys.clone();
        self.engine.read(practice, move |tx| tx.is_indexed(message, keys.iter())).await
    }

    async fn erase_messages(&self, erasure: &Erasure) -> Result<Erased> {
        let erasure = erasure.clone();
        self.engine.write(&erasure.practice.clone(), move |tx| tx.erase_messages(&erasure)).await
    }

    async fn tombstones(&self, practice: &PracticeId, of: &Erasable) -> Result<Vec<Tombstone>> {
        let of = of.clone();
        self.engine.read(practice, move |tx| tx.tombstones(&of)).await
    }

    async fn barred(&self, practice: &PracticeId, messages: &[MessageKey]) -> Result<BTreeSet<MessageKey>> {
        let messages = messages.to_vec();
        self.engine.read(practice, move |tx| tx.barred(&messages)).await
    }

    async fn erased_clients(&self, practice: &PracticeId) -> Result<Vec<ErasedClient>> {
        self.engine.read(practice, |tx| tx.erased_clients()).await
    }

    async fn sight_client(
        &self,
        practice: &PracticeId,
        client: &ClientId,
        sighting: &ClientSighting,
    ) -> Result<()> {
        let (client, sighting) = (client.clone(), sighting.clone());
        self.engine.write(practice, move |tx| tx.sight_client(&client, &sighting)).await
    }

    async fn mark_unlisted(
        &self,
        practice: &PracticeId,
        unlisted: &[MessageKey],
        listed: &[MessageKey],
    ) -> Result<()> {
        let (unlisted, listed) = (unlisted.to_vec(), listed.to_vec());
        self.engine.write(practice, move |tx| tx.mark_unlisted(&unlisted, &listed)).await
    }

    async fn unlisted(
        &self,
        practice: &PracticeId,
        before: Timestamp,
        after: Option<MessageKey>,
        limit: usize,
    ) -> Result<Vec<MessageKey>> {
        self.engine.read(practice, move |tx| tx.unlisted(before, after, limit)).await
    }

    async fn orphans(&self, practice: &PracticeId, listed: &[Digest], seconds: u32) -> Result<Vec<Digest>> {
        let listed = listed.to_vec();
        self.engine.write(practice, move |tx| tx.orphans(&listed, seconds)).await
    }

    async fn purge(&self) -> Result<()> {
        self.engine.purge().await
    }

    async fn with_message_id(&self, practice: &PracticeId, id: &MessageId) -> Result<Vec<MessageKey>> {
        let id = id.clone();
        self.engine.read(practice, move |tx| tx.with_message_id(&id)).await
    }

    async fn last_change(&self, practice: &PracticeId) -> Result<u64> {
        self.engine.read(practice, |tx| tx.last_change()).await
    }

    async fn record_export(&self, practice: &PracticeId, by: Option<UserId>) -> Result<()> {
        let tell = self.engine.write(practice, move |tx| tx.tell_by(None, by, ChangeKind::Exported));
        tell.await.map(|_| ())
    }
}

#[async_trait]
impl Schedule for FileStore {
    async fn claim_due(&self, claim: &DueClaim) -> Result<Claimed> {
        let claim = claim.clone();
        self.engine.write(&nowhere(), move |tx| tx.claim_due(&claim)).await
    }

    async fn request_now(&self, practice: &PracticeId, account: Option<AccountId>) -> Result<usize> {
        self.engine.write(practice, move |tx| tx.request_now(account.as_ref())).await
    }

    async fn schedule(&self, practice: &PracticeId) -> Result<Vec<AccountSchedule>> {
        let schedule = self
            .engine
            .read(practice, |tx| Ok(tx.accounts()?.iter().map(|row| row.schedule(tx.now)).collect()));
        schedule.await
    }

    async fn set_backlog(&self, fence: &Fence, backlog: &[MailboxBacklog]) -> Result<()> {
        let backlog = backlog.to_vec();
        let set = move |row: &mut AccountRow, _: &mut Writing<'_>| {
            row.set_backlog(&backlog);
            Ok(Vec::new())
        };
        self.step(fence, set).await
    }

    async fn due_outboxes(&self, after: Option<PracticeId>, limit: usize) -> Result<Vec<PracticeId>> {
        self.engine.read(&nowhere(), move |tx| tx.due_outboxes(after.as_ref(), limit)).await
    }

    async fn pause(&self, pause: &Pause) -> Result<()> {
        let pause = pause.clone();
        self.engine.write(&nowhere(), move |tx| tx.pause(&pause)).await
    }

    async fn resume(&self, scope: &PauseScope) -> Result<bool> {
        let scope = scope.clone();
        self.engine.write(&nowhere(), move |tx| tx.resume(&scope)).await
    }

    async fn pauses(&self) -> Result<Vec<Pause>> {
        self.engine.read(&nowhere(), |tx| tx.pauses()).await
    }
}
