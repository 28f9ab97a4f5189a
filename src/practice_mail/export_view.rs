//! What exporting hands over.

use async_trait::async_trait;

use crate::error::Result;
use crate::types::{
    AccountId, Address, ClientId, Copy, Digest, MailboxName, MessageId, MessageKey, Timestamp, UserId,
};

/// One line of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exported {
    /// A message that is a client's.
    Message {
        /// Its identity.
        id: MessageKey,
        /// Its Message-ID.
        message_id: Option<MessageId>,
        /// Whose it is, sorted.
        clients: Vec<ClientId>,
        /// How many distinct contents go by its identity.
        renditions: usize,
        /// Its copies by place, with the user each belongs to.
        copies: Vec<(UserId, Copy)>,
    },
    /// A message that was given up, or a UID that would not come.
    Lost {
        /// A digest of the place it lies at.
        id: Digest,
        /// Its Message-ID, where it is known.
        message_id: Option<MessageId>,
        /// The account.
        account: AccountId,
        /// Whose.
        user: Option<UserId>,
        /// The mailbox.
        mailbox: MailboxName,
        /// The mailbox's validity.
        uid_validity: u32,
        /// The message there.
        uid: u32,
        /// Its octets, where they came.
        octets: Option<(Digest, u64)>,
        /// Why.
        reason: String,
    },
}

/// One message of an export with its octets: a file of its own, or an entry of a mailbox file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportedMessage {
    /// Its identity.
    pub id: MessageKey,
    /// Which of its differing contents this is, from 0.
    pub version: usize,
    /// Whether its octets are as its server gave them. Otherwise attachments are left out, or only its beginning was taken in.
    pub exact: bool,
    /// Its author, as an envelope would say it.
    pub sender: Option<Address>,
    /// Its place in time.
    pub time: Timestamp,
}

/// Where an export with octets goes.
#[async_trait]
pub trait ExportSink: Send {
    /// A message begins.
    ///
    /// # Errors
    /// Whatever keeps it from being written; the export ends with it.
    async fn begin(&mut self, message: &ExportedMessage) -> Result<()>;

    /// Its next octets.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    async fn octets(&mut self, octets: &[u8]) -> Result<()>;

    /// It is whole.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    async fn end(&mut self) -> Result<()>;
}

/// What an export with octets held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportReport {
    /// Messages, each of its differing contents counted.
    pub messages: u64,
    /// Those of them whose octets are not all there: without attachments, or their beginning only.
    pub inexact: u64,
    /// Messages that are left out, for whoever exports may see only their headers.
    pub withheld: u64,
}
