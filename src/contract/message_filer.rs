//! Filing the copy of a sent message, and finding it.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::types::{MailboxName, MessageDate, MessageId, OutgoingId, Uid, UidValidity};

/// Where a message was found, or put.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FiledCopy {
    /// The mailbox.
    pub mailbox: MailboxName,
    /// Its validity and the message's UID there, where the server says so (APPENDUID, RFC 4315).
    pub uid: Option<(UidValidity, Uid)>,
}

impl FiledCopy {
    /// A copy in a mailbox.
    pub fn new(mailbox: MailboxName, uid: Option<(UidValidity, Uid)>) -> Self {
        Self { mailbox, uid }
    }
}

/// One open session that may add to the Sent mailbox, and does nothing else to an account.
///
/// # Contract
/// - **F1** [`find`](Self::find) finds a message by its outgoing id, else by its Message-ID; *not found* is an answer only
///   when the server said so.
/// - **F2** [`append`](Self::append) adds the octets as they are, seen, under the date given: `Ok` exactly when the server
///   said that it has them. After an error the message may be there all the same: it is looked for before it is added again.
/// - **F3** Nothing else of the account is changed; no message is marked, moved or removed.
///
/// Not cancel safe: a session whose future was dropped is closed and dropped.
#[async_trait]
pub trait MessageFiler: Send {
    /// The mailbox for what was sent: the one chosen in the account's settings, else by special use, else by a name known
    /// for that use, else one made now under the name `Sent`.
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorKind::NotFound) where the chosen one does not exist; connection and server kinds.
    async fn sent_mailbox(&mut self) -> Result<MailboxName>;

    /// Looks for a message.
    ///
    /// # Errors
    /// Connection and server kinds.
    async fn find(
        &mut self,
        mailbox: &MailboxName,
        id: OutgoingId,
        message_id: &MessageId,
    ) -> Result<Option<FiledCopy>>;

    /// Adds a message.
    ///
    /// # Errors
    /// Connection and server kinds; see F2.
    async fn append(&mut self, mailbox: &MailboxName, octets: &[u8], date: MessageDate) -> Result<FiledCopy>;

    /// Ends the session in good order.
    async fn close(self: Box<Self>);
}
