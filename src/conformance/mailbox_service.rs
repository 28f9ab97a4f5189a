//! What surrounds a reader under test: the mailboxes, and what happens to them.

use async_trait::async_trait;

use crate::contract::MailboxReader;
use crate::error::Result;
use crate::types::{MailboxName, Timestamp, Uid};

/// A mailbox as the suite wants to find it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SeedMailbox {
    /// Its name; `INBOX` is there at every service.
    pub name: MailboxName,
    /// Its messages, oldest first: under ascending UIDs.
    pub messages: Vec<SeedMessage>,
}

impl SeedMailbox {
    /// A mailbox with these messages.
    pub fn new(name: MailboxName, messages: Vec<SeedMessage>) -> Self {
        Self { name, messages }
    }
}

/// A message as the suite wants to find it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SeedMessage {
    /// Its octets, kept one by one.
    pub octets: Vec<u8>,
    /// Its INTERNALDATE.
    pub internal_date: Timestamp,
    /// Its flags, as IMAP names them (`\Seen`).
    pub flags: &'static [&'static str],
}

impl SeedMessage {
    /// A message without flags.
    pub fn new(octets: Vec<u8>, internal_date: Timestamp) -> Self {
        Self { octets, internal_date, flags: &[] }
    }

    /// Marks it.
    pub fn flagged(mut self, flags: &'static [&'static str]) -> Self {
        self.flags = flags;
        self
    }
}

impl std::fmt::Debug for SeedMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SeedMessage({} octets, {:?})", self.octets.len(), self.flags)
    }
}

/// A call of a reader that a service can answer badly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReaderCall {
    /// [`MailboxReader::mailboxes`].
    Mailboxes,
    /// [`MailboxReader::open`].
    Open,
    /// [`MailboxReader::request_addressing`] and its answer.
    Addressing,
    /// [`MailboxReader::request_messages`] and its answer.
    Messages,
    /// [`MailboxReader::find_by_message_id`].
    Find,
    /// [`MailboxReader::read_range`].
    Range,
    /// [`MailboxReader::wait_for_change`].
    Wait,
}

impl ReaderCall {
    /// Every call.
    pub const ALL: [Self; 7] =
        [Self::Mailboxes, Self::Open, Self::Addressing, Self::Messages, Self::Find, Self::Range, Self::Wait];
}

/// Something the suite wants to happen at the service, while sessions are open.
///
/// Variants may be added: a `match` ends with an arm that panics, which fails the check that asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MailboxEvent {
    /// A message arrives.
    Deliver(MailboxName, SeedMessage),
    /// The UIDs of a mailbox are void: the same messages have others, under another validity.
    Renumber(MailboxName),
    /// From now on the service refuses what the call asks (`NO`).
    Refuse(ReaderCall),
    /// The next time the call is made, the connection breaks while it is answered; at [`ReaderCall::Wait`], some moments into the wait.
    BreakOff(ReaderCall),
    /// The service leaves a message out of every answer, its UID too, says that all is well, and still counts the message.
    LeaveOut(MailboxName, Uid),
    /// When the content of one message is asked for, that of another is sent, as that of the other.
    Stray {
        /// The mailbox.
        mailbox: MailboxName,
        /// What is asked for.
        asked: Uid,
        /// What is sent.
        sent: Uid,
    },
}

/// What a service in a test is able to do. What it is not, the suite reports as *not checked*.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MailboxAbility {
    /// [`MailboxService::state`] tells everything that a reader could change.
    State,
    /// [`MailboxEvent::Deliver`].
    Deliver,
    /// [`MailboxEvent::Renumber`].
    Renumber,
    /// [`MailboxEvent::Refuse`] at every call.
    Refuse,
    /// [`MailboxEvent::BreakOff`] at every call.
    BreakOff,
    /// [`MailboxEvent::LeaveOut`].
    LeaveOut,
    /// [`MailboxEvent::Stray`].
    Stray,
}

impl MailboxAbility {
    /// Every ability.
    pub const ALL: [Self; 7] = [
        Self::State,
        Self::Deliver,
        Self::Renumber,
        Self::Refuse,
        Self::BreakOff,
        Self::LeaveOut,
        Self::Stray,
    ];
}

/// A mail service with one account, and what opens sessions with it: an account of a test server, or a server in memory.
///
/// The suite makes one for each check, so that nothing an earlier check did is left.
#[async_trait(?Send)]
pub trait MailboxService {
    /// What it is able to do; nothing unless told otherwise.
    fn abilities(&self) -> &[MailboxAbility] {
        &[]
    }

    /// Opens a session with the reader under test, each time another one.
    ///
    /// # Errors
    /// Fails the check that asked.
    async fn session(&self) -> Result<Box<dyn MailboxReader>>;

    /// Everything of a mailbox that a reader could change, as text that is compared with itself: which messages there are under which
    /// UIDs, their flags, which count as recent. Asked for in a way that changes none of it.
    async fn state(&self, mailbox: &MailboxName) -> String {
        let _ = mailbox;
        String::new()
    }

    /// Makes something happen. It has happened when this returns, or will at the next call that it is about.
    async fn happen(&self, event: MailboxEvent) {
        let _ = event;
    }
}
