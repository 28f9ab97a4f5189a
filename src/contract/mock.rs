//! `mockall` mocks of the traits, for hosts' own unit tests.

use std::collections::BTreeSet;

use async_trait::async_trait;
use mockall::mock;

use super::{
    AccountRecord, AccountSchedule, AddressedWindow, Archive, BlobInfo, BlobStore, BlobWriter, Change, Claim,
    Claimed, ClientKey, ClientKeyPage, ClientSighting, Clock, Comparison, Connection, Connector,
    CopiesInMailbox, CoverageChange, Credential, CredentialField, CredentialStore, DeadLetter, DueClaim,
    Erasable, Erased, ErasedClient, Erasure, Fence, FiledCopy, KeyProvider, MailStore, MailTransport,
    MailboxBacklog, MailboxListing, MailboxReader, Message, MessageEvent, MessageFiler, NewAccount,
    NewOutgoing, OpenMailbox, Outbox, OutboxQuery, Outgoing, OutgoingClaim, OutgoingDecision, OutgoingEnd,
    PagePosition, PageQuery, PassEnd, Pause, PauseScope, Practice, PracticeDirectory, Retention, Schedule,
    SealedRecord, SealingKey, SendFailure, SendLimits, SendPermit, SendReport, SentMessage, SettingsChange,
    SignInHints, StoredCopy, Submission, SyncState, Tombstone, User, Waited, Window, WindowReceipt,
};
use crate::error::Result;
use crate::settings::{AccountSettings, PracticeSettings};
use crate::types::{
    AccountId, Address, ClientId, ConversationId, Digest, KeyDigest, MailboxName, MatchKey, MessageDate,
    MessageId, MessageKey, OutgoingId, PracticeId, Timestamp, Uid, UidSet, UidValidity, UserId,
};

mock! {
    /// A mock of [`BlobStore`].
    #[derive(Debug)]
    pub BlobStore {}

    #[async_trait]
    impl BlobStore for BlobStore {
        async fn writer(&self, practice: &PracticeId) -> Result<Box<dyn BlobWriter>>;
        async fn read(&self, practice: &PracticeId, sha256: Digest, offset: u64, length: usize) -> Result<Option<Vec<u8>>>;
        async fn delete(&self, practice: &PracticeId, sha256: Digest) -> Result<()>;
        async fn list(&self, practice: &PracticeId, after: Option<Digest>, limit: usize) -> Result<Vec<BlobInfo>>;
    }
}

mock! {
    /// A mock of [`Clock`].
    #[derive(Debug)]
    pub Clock {}

    impl Clock for Clock {
        fn now(&self) -> Timestamp;
    }
}

mock! {
    /// A mock of [`Connector`].
    #[derive(Debug)]
    pub Connector {}

    #[async_trait]
    impl Connector for Connector {
        async fn open_reader(&self, settings: &AccountSettings, credential: &Credential, hints: &SignInHints) -> Result<Connection>;
        async fn open_transport(&self, outgoing: &crate::settings::Outgoing, credential: &Credential) -> Result<Box<dyn MailTransport>>;
        async fn open_filer(&self, settings: &AccountSettings, credential: &Credential) -> Result<Box<dyn MessageFiler>>;
    }
}

mock! {
    /// A mock of [`CredentialStore`].
    #[derive(Debug)]
    pub CredentialStore {}

    #[async_trait]
    impl CredentialStore for CredentialStore {
        async fn load(&self, practice: &PracticeId, account: &AccountId, field: CredentialField) -> Result<Option<SealedRecord>>;
        async fn claim(&self, practice: &PracticeId, account: &AccountId, field: CredentialField, version: u64, seconds: u32) -> Result<Option<Claim>>;
        async fn replace(&self, practice: &PracticeId, account: &AccountId, field: CredentialField, octets: Vec<u8>, claim: Option<Claim>) -> Result<Option<u64>>;
        async fn delete(&self, practice: &PracticeId, account: &AccountId) -> Result<()>;
        async fn is_empty(&self) -> Result<bool>;
    }
}

mock! {
    /// A mock of [`KeyProvider`].
    #[derive(Debug)]
    pub KeyProvider {}

    #[async_trait]
    impl KeyProvider for KeyProvider {
        async fn current(&self) -> Result<SealingKey>;
        async fn by_id(&self, id: u32) -> Result<Option<SealingKey>>;
    }
}

mock! {
    /// A mock of [`MailStore`].
    #[derive(Debug)]
    pub MailStore {}

    #[async_trait]
    impl Schedule for MailStore {
        async fn claim_due(&self, claim: &DueClaim) -> Result<Claimed>;
        async fn request_now(&self, practice: &PracticeId, account: Option<AccountId>) -> Result<usize>;
        async fn schedule(&self, practice: &PracticeId) -> Result<Vec<AccountSchedule>>;
        async fn set_backlog(&self, fence: &Fence, backlog: &[MailboxBacklog]) -> Result<()>;
        async fn due_outboxes(&self, after: Option<PracticeId>, limit: usize) -> Result<Vec<PracticeId>>;
        async fn pause(&self, pause: &Pause) -> Result<()>;
        async fn resume(&self, scope: &PauseScope) -> Result<bool>;
        async fn pauses(&self) -> Result<Vec<Pause>>;
    }
    #[async_trait]
    impl Outbox for MailStore {
        async fn enqueue(&self, message: &NewOutgoing) -> Result<(Outgoing, bool)>;
        async fn outgoing(&self, practice: &PracticeId, id: OutgoingId) -> Result<Option<Outgoing>>;
        async fn outbox(&self, practice: &PracticeId, query: &OutboxQuery) -> Result<Vec<Outgoing>>;
        async fn outgoing_of(&self, practice: &PracticeId, messages: &[MessageKey]) -> Result<Vec<Outgoing>>;
        async fn due_outgoing(&self, practice: &PracticeId, limit: usize) -> Result<Vec<OutgoingId>>;
        async fn claim_outgoing(&self, practice: &PracticeId, id: OutgoingId, holder: &str, seconds: u32, limits: SendLimits) -> Result<OutgoingClaim>;
        async fn confirm_outgoing(&self, claim: &OutgoingClaim, seconds: u32) -> Result<()>;
        async fn finish_outgoing(&self, claim: &OutgoingClaim, end: &OutgoingEnd) -> Result<Outgoing>;
        async fn cancel_outgoing(&self, practice: &PracticeId, id: OutgoingId) -> Result<Outgoing>;
        async fn decide_outgoing(&self, practice: &PracticeId, id: OutgoingId, decision: OutgoingDecision, archived: Option<Box<SentMessage>>) -> Result<Outgoing>;
        async fn files_copies(&self, practice: &PracticeId, account: &AccountId) -> Result<Option<bool>>;
    }

    #[async_trait]
    impl Archive for MailStore {
        async fn hide(&self, practice: &PracticeId, message: MessageKey, user: &UserId, hidden: bool) -> Result<bool>;
        async fn conversation(&self, practice: &PracticeId, id: ConversationId) -> Result<Option<ConversationId>>;
        async fn is_indexed(&self, practice: &PracticeId, message: MessageKey, keys: &BTreeSet<KeyDigest>) -> Result<bool>;
        async fn erase_messages(&self, erasure: &Erasure) -> Result<Erased>;
        async fn tombstones(&self, practice: &PracticeId, of: &Erasable) -> Result<Vec<Tombstone>>;
        async fn barred(&self, practice: &PracticeId, messages: &[MessageKey]) -> Result<BTreeSet<MessageKey>>;
        async fn erased_clients(&self, practice: &PracticeId) -> Result<Vec<ErasedClient>>;
        async fn sight_client(&self, practice: &PracticeId, client: &ClientId, sighting: &ClientSighting) -> Result<()>;
        async fn mark_unlisted(&self, practice: &PracticeId, unlisted: &[MessageKey], listed: &[MessageKey]) -> Result<()>;
        async fn unlisted(&self, practice: &PracticeId, before: Timestamp, after: Option<MessageKey>, limit: usize) -> Result<Vec<MessageKey>>;
        async fn orphans(&self, practice: &PracticeId, listed: &[Digest], seconds: u32) -> Result<Vec<Digest>>;
        async fn purge(&self) -> Result<()>;
        async fn with_message_id(&self, practice: &PracticeId, id: &MessageId) -> Result<Vec<MessageKey>>;
        async fn last_change(&self, practice: &PracticeId) -> Result<u64>;
        async fn record_export(&self, practice: &PracticeId, by: Option<UserId>) -> Result<()>;
    }

    #[async_trait]
    impl MailStore for MailStore {
        async fn connect(&self, account: &NewAccount) -> Result<AccountRecord>;
        async fn disconnect(&self, practice: &PracticeId, account: &AccountId) -> Result<()>;
        async fn practice_settings(&self, practice: &PracticeId) -> Result<PracticeSettings>;
        async fn set_practice_settings(&self, practice: &PracticeId, change: &SettingsChange) -> Result<()>;
        async fn change_settings(&self, fence: &Fence, settings: &AccountSettings) -> Result<()>;
        async fn erase_account(&self, practice: &PracticeId, account: &AccountId) -> Result<Vec<Digest>>;
        async fn accounts(&self, practice: &PracticeId) -> Result<Vec<AccountRecord>>;
        async fn acquire_lease(&self, practice: &PracticeId, account: &AccountId, holder: &str, seconds: u32) -> Result<Fence>;
        async fn renew_lease(&self, fence: &Fence, seconds: u32) -> Result<()>;
        async fn release_lease(&self, fence: &Fence) -> Result<()>;
        async fn sync_state(&self, practice: &PracticeId, account: &AccountId) -> Result<SyncState>;
        async fn change_coverage(&self, fence: &Fence, change: &CoverageChange) -> Result<()>;
        async fn commit_window(&self, fence: &Fence, window: &Window) -> Result<WindowReceipt>;
        async fn commit_comparison(&self, fence: &Fence, comparison: &Comparison) -> Result<()>;
        async fn end_pass(&self, fence: &Fence, end: &PassEnd) -> Result<()>;
        async fn copies(&self, practice: &PracticeId, account: &AccountId) -> Result<Vec<CopiesInMailbox>>;
        async fn copies_at(&self, practice: &PracticeId, account: &AccountId, mailbox: &MailboxName, uid_validity: UidValidity, uids: &UidSet) -> Result<Vec<StoredCopy>>;
        async fn page(&self, query: &PageQuery) -> Result<Vec<PagePosition>>;
        async fn messages(&self, practice: &PracticeId, keys: &[MessageKey]) -> Result<Vec<Message>>;
        async fn all_messages(&self, practice: &PracticeId, after: Option<MessageKey>, limit: usize) -> Result<Vec<Message>>;
        async fn count(&self, query: &PageQuery) -> Result<usize>;
        async fn dead_letters(&self, practice: &PracticeId) -> Result<Vec<DeadLetter>>;
        async fn changes(&self, practice: &PracticeId, after: u64, limit: usize) -> Result<Vec<Change>>;
    }
}

mock! {
    /// A mock of [`MailTransport`].
    #[derive(Debug)]
    pub MailTransport {}

    #[async_trait]
    impl MailTransport for MailTransport {
        async fn send(&self, submission: &Submission, permit: std::sync::Arc<dyn SendPermit>) -> Result<SendReport, SendFailure>;
        async fn close(&self);
    }
}

mock! {
    /// A mock of [`MailboxReader`].
    #[derive(Debug)]
    pub MailboxReader {}

    #[async_trait]
    impl MailboxReader for MailboxReader {
        async fn mailboxes(&mut self, known: &[MailboxName]) -> Result<MailboxListing>;
        async fn open(&mut self, mailbox: &MailboxName) -> Result<OpenMailbox>;
        async fn request_addressing(&mut self, uids: &UidSet) -> Result<()>;
        async fn next_addressing(&mut self) -> Result<AddressedWindow>;
        async fn request_messages(&mut self, uids: &UidSet) -> Result<()>;
        async fn next_message(&mut self) -> Result<MessageEvent>;
        async fn find_by_message_id(&mut self, id: &MessageId) -> Result<UidSet>;
        async fn find_by_keys(&mut self, keys: &[MatchKey]) -> Result<Option<UidSet>>;
        async fn read_range(&mut self, uid: Uid, offset: u64, length: usize) -> Result<Option<Vec<u8>>>;
        async fn wait_for_change(&mut self, mailbox: &MailboxName, within: std::time::Duration) -> Result<Waited>;
        async fn close(self: Box<Self>);
    }
}

mock! {
    /// A mock of [`PracticeDirectory`].
    #[derive(Debug)]
    pub PracticeDirectory {}

    #[async_trait]
    impl PracticeDirectory for PracticeDirectory {
        async fn practice(&self, practice: &PracticeId) -> Result<Option<Practice>>;
        async fn users(&self, practice: &PracticeId) -> Result<Vec<User>>;
        async fn client_keys(&self, practice: &PracticeId, from: Option<String>) -> Result<ClientKeyPage>;
        async fn keys_of(&self, practice: &PracticeId, client: &ClientId) -> Result<Option<Vec<ClientKey>>>;
        async fn may_see(&self, practice: &PracticeId, user: &UserId, client: &ClientId) -> Result<bool>;
        async fn retention(&self, practice: &PracticeId, client: &ClientId) -> Result<Retention>;
        async fn former_retention(&self, practice: &PracticeId, address: &Address) -> Result<Retention>;
    }
}

mock! {
    /// A mock of [`MessageFiler`].
    #[derive(Debug)]
    pub MessageFiler {}

    #[async_trait]
    impl MessageFiler for MessageFiler {
        async fn sent_mailbox(&mut self) -> Result<MailboxName>;
        async fn find(&mut self, mailbox: &MailboxName, id: OutgoingId, message_id: &MessageId) -> Result<Option<FiledCopy>>;
        async fn append(&mut self, mailbox: &MailboxName, octets: &[u8], date: MessageDate) -> Result<FiledCopy>;
        async fn close(self: Box<Self>);
    }
}
