//! Floor 3: the traits. What a host supplies, and what adapters of this crate implement.
//!
//! Every trait is object-safe and has impls for `Arc<T>` where it is shared. Each has a numbered *Contract*; the suites of
//! the `conformance` feature check its clauses under the same numbers.
//!
//! What a store keeps implements serde's traits, for stores over an engine that takes documents. Octets stand as hexadecimal digits, enums by
//! stable names, instants as seconds, and what is read is checked. The forms are stable: fields are only added. What serde says of a record it
//! cannot read may quote the record: it is for nobody's log.

mod blob_store;
mod clock;
mod connector;
mod credential_store;
mod key_page;
mod key_provider;
mod mail_store;
mod mail_transport;
mod mailbox_reader;
mod message_filer;
#[cfg(feature = "mock")]
mod mock;
mod practice_directory;

pub use blob_store::{BlobInfo, BlobStore, BlobWriter};
pub use clock::{Clock, SystemClock};
pub use connector::{Connection, Connector, Credential, SessionTraffic, SignInHints};
pub use credential_store::{Claim, CredentialField, CredentialStore, SealedRecord};
pub use key_provider::{KeyProvider, SealingKey};
pub use mail_store::{
    AccountHealth, AccountRecord, AccountSchedule, AccountState, Archive, ArchivedCopy, Bars, Bounce,
    BounceReport, Change, ChangeKind, Claimed, ClientSighting, Comparison, ComposedMessage, CopiesInMailbox,
    CoverageChange, CoveredKeys, DeadLetter, DueAccount, DueClaim, Erasable, EraseReason, Erased,
    ErasedClient, Erasure, Fence, Filing, HistoryStep, MailStore, MailboxBacklog, MailboxState, Message,
    MessageCopy, MovedCopy, NewAccount, NewOutgoing, NextDue, Outbox, OutboxQuery, Outgoing, OutgoingClaim,
    OutgoingDecision, OutgoingEnd, OutgoingRecipient, OutgoingState, OutgoingStep, OutgoingWork, PageFilter,
    PagePosition, PageQuery, PassEnd, Pause, PauseScope, ProviderLimits, RecipientState, Rendition, Route,
    Schedule, SendLimits, SentMessage, SettingsChange, StoredCopy, SyncState, Tombstone, Window,
    WindowReceipt,
};
pub use mail_transport::{
    MailTransport, RecipientResult, RecipientVerdict, SendFailure, SendPermit, SendReport, Submission,
};
pub use mailbox_reader::{
    Addressed, AddressedWindow, MAX_RANGE, MailboxListing, MailboxReader, MessageEvent, OpenMailbox, Waited,
};
pub use message_filer::{FiledCopy, MessageFiler};
#[cfg(feature = "mock")]
pub use mock::{
    MockBlobStore, MockClock, MockConnector, MockCredentialStore, MockKeyProvider, MockMailStore,
    MockMailTransport, MockMailboxReader, MockMessageFiler, MockPracticeDirectory,
};
pub use practice_directory::{
    ClientEntry, ClientKey, ClientKeyPage, Practice, PracticeDirectory, Retention, Role, User,
};
