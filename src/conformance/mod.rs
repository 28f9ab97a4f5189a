//! Suites that prove an implementation of a trait, clause by clause.
//!
//! A host that keeps mail in its own database implements a trait of [`contract`](crate::contract) and lets the suite of the
//! same name loose on it. Every check gets a fresh, empty implementation; one that fails, panics or hangs does not keep
//! the others from running, and the report names the clause of the trait's *Contract* that each of them belongs to.
//!
//! The whole test of a store:
//!
//! ```
//! use practicemail::conformance;
//! use practicemail::storage::MemoryStore; // yours
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let open = async |seed: conformance::Seed| MemoryStore::new(seed.clock);
//! conformance::store(open).await.assert_passed();
//! conformance::credentials(open).await.assert_passed();
//! conformance::blobs(async || MemoryStore::new(conformance::Seed::new().clock)).await.assert_passed();
//! # }
//! ```
//!
//! And of a directory, which comes with a way of changing what the host's tables hold:
//!
//! ```
//! use practicemail::conformance::{self, DirectoryChange};
//! use practicemail::storage::MemoryDirectory; // yours
//! # use std::sync::Arc;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! conformance::directory(async || {
//!     let directory = Arc::new(MemoryDirectory::new());
//!     let tables = Arc::clone(&directory);
//!     let change = async move |change| match change {
//!         DirectoryChange::PutPractice(practice) => tables.put_practice(practice),
//!         DirectoryChange::PutUser(practice, user) => tables.put_user(&practice, user).unwrap(),
//!         DirectoryChange::RemoveUser(practice, user) => tables.remove_user(&practice, &user).unwrap(),
//!         DirectoryChange::PutClient(practice, client, keys) => tables.put_client(&practice, client, keys).unwrap(),
//!         DirectoryChange::RemoveClient(practice, client) => tables.remove_client(&practice, &client).unwrap(),
//!         DirectoryChange::SetRetention(practice, client, retention) => {
//!             tables.set_retention(&practice, client, retention).unwrap();
//!         }
//!         other => panic!("a new kind of change: {other:?}"),
//!     };
//!     (directory, change)
//! })
//! .await
//! .assert_passed();
//! # }
//! ```
//!
//! What a store makes of a row that its engine refuses (S17, O12) is *not checked* by [`store`]; [`store_refusing`] takes what has the engine refuse one.
//!
//! A product's tables seldom have a column for everything, and ids are numbers more often than not: [`DirectoryShape`] says what there
//! is, and [`directory_of`] asks for that.
//!
//! A reader or a transport is nothing without a service on the other side, which the test arranges: an account of a test server, say. What
//! that is able to do beyond the necessary it declares, and the checks that take more are reported as *not checked*.
//!
//! ```
//! use practicemail::conformance::{self, MailboxAbility, MailboxEvent, MailboxService, SeedMailbox};
//! use practicemail::contract::{Credential, MailboxReader, SignInHints};
//! use practicemail::error::Result;
//! use practicemail::imap::ImapConnector; // yours
//! # use practicemail::net::{Dialer, EgressPolicy};
//! # use practicemail::settings::{AccountSettings, Login, ServerSettings, TlsMode};
//! # use practicemail::testkit::ImapServer;
//! # use practicemail::types::Secret;
//!
//! struct Service(ImapServer);
//!
//! #[async_trait::async_trait(?Send)]
//! impl MailboxService for Service {
//!     fn abilities(&self) -> &[MailboxAbility] {
//!         &[MailboxAbility::Deliver]
//!     }
//!     async fn session(&self) -> Result<Box<dyn MailboxReader>> {
//! #       let server = ServerSettings::new("localhost", self.0.port(), TlsMode::Implicit)?.with_ca(self.0.ca_pem());
//! #       let settings = AccountSettings::new(server, Login::new("anna")?);
//! #       let connector = ImapConnector::new(Dialer::new().egress(EgressPolicy::Any));
//! #       let (password, hints) = (Credential::Password(Secret::new("secret")), SignInHints::default());
//!         Ok(connector.open_reader(&settings, &password, &hints).await?.reader)
//!     }
//!     async fn happen(&self, event: MailboxEvent) {
//!         let MailboxEvent::Deliver(mailbox, message) = event else { panic!("not one of its abilities") };
//!         let date = message.internal_date.as_unix();
//!         self.0.user("anna").append(&mailbox.to_string(), message.octets, message.flags, date);
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let open = async |seed: Vec<SeedMailbox>| {
//!     let service = Service(ImapServer::builder().user("anna", "secret").start().await.unwrap());
//!     for mailbox in seed {
//!         service.0.user("anna").create_mailbox(&mailbox.name.to_string(), &[]);
//!         for message in mailbox.messages {
//!             service.happen(MailboxEvent::Deliver(mailbox.name.clone(), message)).await;
//!         }
//!     }
//!     service
//! };
//! let report = conformance::reader(open).await;
//! report.assert_passed();
//! assert_eq!(report.unchecked_clauses(), ["M1", "M2", "M3", "M5", "M6"]);
//! # }
//! ```
//!
//! The suites run inside the caller's tokio runtime, which needs its timer, on the task that calls them. They look at an implementation from outside
//! only: that what was written outlives the process, and that a statement interrupted by a crash leaves nothing, are for
//! the implementor's own tests.

mod blobs;
mod check;
mod clock;
mod credentials;
mod directory;
mod directory_shape;
mod mailbox_service;
mod reader;
mod report;
mod store;
mod submission_service;
mod transport;
mod walk;

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use futures_util::FutureExt;

pub use directory_shape::{DirectoryChange, DirectoryFact, DirectoryShape};
pub use mailbox_service::{
    MailboxAbility, MailboxEvent, MailboxService, ReaderCall, SeedMailbox, SeedMessage,
};
pub use report::{CheckReport, Report};
pub use submission_service::{Received, SubmissionFailure, SubmissionService};

use crate::contract::{BlobStore, Clock, CredentialStore, MailStore, PracticeDirectory};
use crate::types::MessageKey;

/// What a store under test is made with.
#[derive(Clone)]
#[non_exhaustive]
pub struct Seed {
    /// The clock the store has to go by: the suite sets it.
    pub clock: Arc<dyn Clock>,
}

impl Seed {
    /// A seed with a clock that stands still, for stores of which only another part is under test.
    pub fn new() -> Self {
        Self { clock: Arc::new(clock::SteppedClock::new()) }
    }
}

impl Default for Seed {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seed").field("now", &self.clock.now()).finish()
    }
}

/// Checks a [`PracticeDirectory`] against D1 to D7.
///
/// `open` makes a directory without practices, and what changes the tables it reads. Where the tables hold less than everything, use
/// [`directory_of`].
pub async fn directory<D, C>(open: impl AsyncFn() -> (D, C)) -> Report
where
    D: PracticeDirectory + 'static,
    C: AsyncFn(DirectoryChange) + 'static,
{
    directory::run(DirectoryShape::full(), open).await
}

/// Checks a [`PracticeDirectory`] whose tables are of this shape against D1 to D7: what they have no columns for is neither put into them
/// nor expected.
pub async fn directory_of<D, C>(shape: DirectoryShape, open: impl AsyncFn() -> (D, C)) -> Report
where
    D: PracticeDirectory + 'static,
    C: AsyncFn(DirectoryChange) + 'static,
{
    directory::run(shape, open).await
}

/// Checks a [`MailStore`] against S1 to S17, its outbox against O1 to O12, its archive against A1 to A11, and its schedule
/// against W1 to W10. `open` makes an empty store.
///
/// S17 and O12 are reported as *not checked*: no suite can have an engine it does not know refuse a row. [`store_refusing`] checks them too.
///
/// Of O9 only that nothing waits in a store that was not restored: how a backup is restored is the implementor's to test. So is A12: what a purge leaves
/// in an engine's files only its owner can look for.
pub async fn store<S: MailStore + 'static>(open: impl AsyncFn(Seed) -> S) -> Report {
    store::run(async |seed| (Box::new(open(seed).await) as Box<dyn MailStore>, None)).await
}

/// Checks a [`MailStore`] as [`store`] does, and against S17 and O12 besides.
///
/// `open` makes an empty store, and what has its engine refuse, from then on, every row of the message it is given: by a trigger, or by a check of the
/// table of messages. The message is not there yet. What is refused has to be refused by the engine, so that it is seen what the store makes of it.
pub async fn store_refusing<S, R>(open: impl AsyncFn(Seed) -> (S, R)) -> Report
where
    S: MailStore + 'static,
    R: AsyncFn(MessageKey) + 'static,
{
    store::run(async |seed| {
        let (store, refuse) = open(seed).await;
        let refuse = Rc::new(refuse);
        let refuse: store::Refuse = Box::new(move |message| {
            let refuse = Rc::clone(&refuse);
            async move { refuse(message).await }.boxed_local()
        });
        (Box::new(store) as Box<dyn MailStore>, Some(refuse))
    })
    .await
}

/// Takes a [`MailStore`] through walks, and another one beside it, and fails where they answer differently. `reference` and `open` make empty stores;
/// [`MemoryStore`](crate::storage::MemoryStore) reads the contract as plainly as can be.
///
/// A walk is a hundred steps over the contract of a mail store, drawn by its number: the same wherever it runs. One that ends in a difference is told with
/// its number and the steps that are needed for it: `17..18` walks that one again. Fifty walks belong into every run, and hundreds of others into a long
/// one: what takes several steps in a row, as erasing a client who comes back, few walks come by. [`store`] goes there by itself.
/// What a [`purge`](crate::contract::Archive::purge) leaves behind no walk sees. A store that hangs for a minute ends the suite.
///
/// ```
/// use practicemail::conformance::{self, Seed};
/// use practicemail::storage::MemoryStore;
/// # use practicemail::storage::MemoryStore as MyStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let reference = async |seed: Seed| MemoryStore::new(seed.clock);
/// let open = async |seed: Seed| MyStore::new(seed.clock);
/// conformance::store_walks(0..10, reference, open).await.assert_passed();
/// # }
/// ```
pub async fn store_walks<R: MailStore + 'static, S: MailStore + 'static>(
    walks: Range<u64>,
    reference: impl AsyncFn(Seed) -> R,
    open: impl AsyncFn(Seed) -> S,
) -> Report {
    let reference = async |seed| Box::new(reference(seed).await) as Box<dyn MailStore>;
    let open = async |seed| Box::new(open(seed).await) as Box<dyn MailStore>;
    walk::run(walks, reference, open).await
}

/// Checks a [`BlobStore`] against B1 to B7. `open` makes an empty store.
pub async fn blobs<S: BlobStore + 'static>(open: impl AsyncFn() -> S) -> Report {
    blobs::run(async || Box::new(open().await) as Box<dyn BlobStore>).await
}

/// Checks a [`CredentialStore`] against C1 to C5. `open` makes an empty store.
pub async fn credentials<S: CredentialStore + 'static>(open: impl AsyncFn(Seed) -> S) -> Report {
    credentials::run(async |seed| Box::new(open(seed).await) as Box<dyn CredentialStore>).await
}

/// Checks a [`MailboxReader`](crate::contract::MailboxReader) against M1 to M6. `open` makes a mail service with one account that
/// has these mailboxes; what the service cannot do is reported as *not checked*.
pub async fn reader<S: MailboxService + 'static>(open: impl AsyncFn(Vec<SeedMailbox>) -> S) -> Report {
    reader::run(async |seed| Box::new(open(seed).await) as Box<dyn MailboxService>).await
}

/// Checks a [`MailTransport`](crate::contract::MailTransport) against T1 to T5. `open` makes a submission service with one account; what it cannot
/// be told to get wrong is reported as *not checked*.
pub async fn transport<S: SubmissionService + 'static>(open: impl AsyncFn() -> S) -> Report {
    transport::run(async || Box::new(open().await) as Box<dyn SubmissionService>).await
}
