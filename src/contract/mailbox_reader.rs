//! Reading mailboxes, whatever the protocol.

use std::time::Duration;

use async_trait::async_trait;

use crate::error::Result;
use crate::types::{
    AddressingHeaders, Mailbox, MailboxName, MatchKey, MessageId, Timestamp, Uid, UidSet, UidValidity,
};

/// Most octets of one [`read_range`](MailboxReader::read_range).
pub const MAX_RANGE: usize = 1 << 20;

/// The mailboxes of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MailboxListing {
    /// Those that are read, each with its status: without Drafts, Junk and Trash, and on a provider whose mailboxes are
    /// labels the one that holds every message.
    pub mailboxes: Vec<Mailbox>,
    /// Every mailbox the server named.
    pub all: Vec<Mailbox>,
    /// Whether the listing can be believed to be whole: it was answered to the end and holds an inbox.
    pub healthy: bool,
}

impl MailboxListing {
    /// A listing.
    pub fn new(mailboxes: Vec<Mailbox>, all: Vec<Mailbox>, healthy: bool) -> Self {
        Self { mailboxes, all, healthy }
    }
}

/// A mailbox opened for reading.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenMailbox {
    /// Its validity.
    pub uid_validity: UidValidity,
    /// Every UID in it.
    pub uids: UidSet,
    /// Whether these are as many as the mailbox is said to hold: only then does absence mean anything.
    pub complete: bool,
}

impl OpenMailbox {
    /// An open mailbox.
    pub fn new(uid_validity: UidValidity, uids: UidSet) -> Self {
        Self { uid_validity, uids, complete: true }
    }
}

/// What is known of a message before it is fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Addressed {
    /// Which.
    pub uid: Uid,
    /// Octets, as the server says.
    pub size: u64,
    /// INTERNALDATE.
    pub internal_date: Option<Timestamp>,
    /// Whether it is not to be read: a draft, marked deleted, or under a label that is excluded.
    pub skip: bool,
    /// The labels it bears, where mailboxes are labels.
    pub labels: Vec<MailboxName>,
    /// The conversation the provider puts it into, in the provider's words.
    pub thread: Option<String>,
    /// Who takes part.
    pub headers: AddressingHeaders,
}

impl Addressed {
    /// A message that is to be read, without labels.
    pub fn new(uid: Uid, size: u64, internal_date: Option<Timestamp>, headers: AddressingHeaders) -> Self {
        Self { uid, size, internal_date, skip: false, labels: Vec::new(), thread: None, headers }
    }
}

/// The answer to one request for addressing headers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AddressedWindow {
    /// The messages that were answered, ascending; none that was not asked for.
    pub messages: Vec<Addressed>,
    /// Whether the server refused the request; what it answered before is in `messages` all the same.
    pub refused: bool,
}

impl AddressedWindow {
    /// A window.
    pub fn new(messages: Vec<Addressed>, refused: bool) -> Self {
        Self { messages, refused }
    }
}

/// What comes while messages are fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MessageEvent {
    /// A message begins.
    Start,
    /// Its next octets.
    Chunk(Vec<u8>),
    /// It is whole, and is this one.
    End(Uid),
    /// What came since `Start` is to be thrown away: it belongs to no message that was asked for.
    Discard,
    /// The server sent nothing, or NIL, as the octets of this message.
    Empty(Uid),
    /// Nothing more comes; `refused` says whether the server refused the request.
    Done {
        /// See above.
        refused: bool,
    },
}

/// How waiting for a change ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Waited {
    /// Messages came to the mailbox, or went from it.
    Changed,
    /// The time is over, and nothing of the kind was told.
    Quiet,
    /// The server does not tell by itself: the caller looks again when it thinks fit.
    NotOffered,
}

/// One open session.
///
/// # Contract
/// - **M1** Reading never changes a mailbox: no flag, no state (EXAMINE and PEEK in IMAP's words).
/// - **M2** Of each request a UID is answered at most once, and only UIDs that were asked for.
/// - **M3** A mailbox whose validity changes is an error of its own,
///   [`UidValidityChanged`](crate::error::ErrorKind::UidValidityChanged), or shows as another `uid_validity` on opening.
/// - **M4** Memory is bounded whatever the server sends; a message is handed over in chunks of at most 64 KiB.
/// - **M5** *Nothing* is an answer only when the server said so: a refusal, a lost connection or less than was promised is
///   told as such.
/// - **M6** [`wait_for_change`](Self::wait_for_change) tells of everything that came since the mailbox was opened in this session, by
///   whichever call, or since the last wait in it ended: between two waits nothing is missed. Where a server does not tell,
///   that is said, and never passed off as quiet.
///
/// Where a session breaks in the middle of an answer, what came before may be answered first, as less than was promised; the
/// next call then tells the error. Requests are answered in the order in which they were made, so that the next can be on its way while the last is
/// answered. Not cancel safe: a session whose future was dropped is closed and dropped.
#[async_trait]
pub trait MailboxReader: Send {
    /// Lists the mailboxes with their status; `known` are those seen before, so that all can be asked for at once.
    ///
    /// # Errors
    /// Connection and server kinds; [`AllMailHidden`](crate::error::ErrorKind::AllMailHidden).
    async fn mailboxes(&mut self, known: &[MailboxName]) -> Result<MailboxListing>;

    /// Opens a mailbox for reading and lists its UIDs.
    ///
    /// # Errors
    /// [`MailboxUnavailable`](crate::error::ErrorKind::MailboxUnavailable) when the server refuses; connection kinds.
    async fn open(&mut self, mailbox: &MailboxName) -> Result<OpenMailbox>;

    /// Asks for addressing headers in the open mailbox.
    ///
    /// # Errors
    /// Connection kinds.
    async fn request_addressing(&mut self, uids: &UidSet) -> Result<()>;

    /// The answer to the oldest unanswered [`request_addressing`](Self::request_addressing).
    ///
    /// # Errors
    /// Connection and server kinds.
    async fn next_addressing(&mut self) -> Result<AddressedWindow>;

    /// Asks for whole messages in the open mailbox.
    ///
    /// # Errors
    /// Connection kinds.
    async fn request_messages(&mut self, uids: &UidSet) -> Result<()>;

    /// The next event of the oldest unfinished [`request_messages`](Self::request_messages), up to and with
    /// [`MessageEvent::Done`].
    ///
    /// # Errors
    /// Connection and server kinds.
    async fn next_message(&mut self) -> Result<MessageEvent>;

    /// Finds messages by Message-ID in the open mailbox. A server may find too much; it must not find too little.
    ///
    /// # Errors
    /// Connection and server kinds.
    async fn find_by_message_id(&mut self, id: &MessageId) -> Result<UidSet>;

    /// Finds messages in the open mailbox in which any of these takes part, by the provider's own index; `None` where it has none
    /// that is good and whole, or there are too many keys for it. What it finds is verified: it may find too much.
    ///
    /// # Errors
    /// Connection and server kinds.
    async fn find_by_keys(&mut self, keys: &[MatchKey]) -> Result<Option<UidSet>>;

    /// Reads at most `length` octets of a message in the open mailbox from `offset` on, at most [`MAX_RANGE`]; fewer where it ends
    /// before, `None` where there is no such message.
    ///
    /// # Errors
    /// [`Invalid`](crate::error::ErrorKind::Invalid) for more than [`MAX_RANGE`]; connection and server kinds.
    async fn read_range(&mut self, uid: Uid, offset: u64, length: usize) -> Result<Option<Vec<u8>>>;

    /// Waits until messages come to a mailbox or go from it, at most so long; opens it where it is not the open one. With no
    /// time at all it opens it, and answers whether it could be waited in: what comes from then on shows in the next wait.
    ///
    /// A reader that cannot wait leaves this as it is: not offered.
    ///
    /// # Errors
    /// [`MailboxUnavailable`](crate::error::ErrorKind::MailboxUnavailable), [`UidValidityChanged`](crate::error::ErrorKind::UidValidityChanged);
    /// [`Invalid`](crate::error::ErrorKind::Invalid) while a request is unanswered; connection and server kinds.
    async fn wait_for_change(&mut self, mailbox: &MailboxName, within: Duration) -> Result<Waited> {
        let _ = (mailbox, within);
        Ok(Waited::NotOffered)
    }

    /// Ends the session in good order.
    async fn close(self: Box<Self>);
}
