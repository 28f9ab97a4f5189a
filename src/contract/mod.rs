//! Floor 3: the traits. What a host supplies, and what adapters of this crate implement.
//!
//! Every trait is object-safe and has impls for `Arc<T>` where it is shared. Each has a numbered *Contract*; the suites of
//! the `conformance` feature check its clauses under the same numbers.

mod blob_store;
mod clock;
mod connector;
mod credential_store;
mod key_provider;
mod mail_store;
mod mail_transport;
mod mailbox_reader;
#[cfg(feature = "mock")]
mod mock;
mod practice_directory;

pub use blob_store::{BlobInfo, BlobStore, BlobWriter};
pub use clock::{Clock, SystemClock};
pub use connector::{Connection, Connector, SessionTraffic, SignInHints};
pub use credential_store::{Claim, CredentialField, CredentialStore, SealedRecord};
pub use key_provider::{KeyProvider, SealingKey};
pub use mail_store::{
    AccountHealth, AccountRecord, AccountState, ArchivedCopy, Change, ChangeKind, Comparison,
    CopiesInMailbox, CoverageChange, CoveredKeys, DeadLetter, Fence, HistoryStep, MailStore, MailboxState,
    Message, MessageCopy, MovedCopy, NewAccount, PagePosition, PageQuery, PassEnd, Rendition, StoredCopy,
    SyncState, Window, WindowReceipt,
};
pub use mail_transport::{MailTransport, RecipientResult, SendReport, Submission};
pub use mailbox_reader::{
    Addressed, AddressedWindow, MailboxListing, MailboxReader, MessageEvent, OpenMailbox,
};
#[cfg(feature = "mock")]
pub use mock::{
    MockBlobStore, MockClock, MockConnector, MockCredentialStore, MockKeyProvider, MockMailStore,
    MockMailTransport, MockMailboxReader, MockPracticeDirectory,
};
pub use practice_directory::{
    ClientEntry, ClientKey, ClientKeyPage, Practice, PracticeDirectory, Role, User,
};
