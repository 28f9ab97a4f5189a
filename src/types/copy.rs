//! Copies: the places where a message lies.

use super::{AccountId, Digest, MailboxName, Timestamp, Uid, UidValidity};

/// One place on a server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct CopyPlace {
    /// The account.
    pub account: AccountId,
    /// The mailbox.
    pub mailbox: MailboxName,
    /// The mailbox's validity.
    pub uid_validity: UidValidity,
    /// The message there.
    pub uid: Uid,
}

impl CopyPlace {
    /// Names a place.
    pub fn new(account: AccountId, mailbox: MailboxName, uid_validity: UidValidity, uid: Uid) -> Self {
        Self { account, mailbox, uid_validity, uid }
    }
}

/// A copy of a message and its octets as the server gave them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copy {
    /// Where it lies, or lay.
    pub place: CopyPlace,
    /// SHA-256 of the octets; they are in the blob store under it.
    pub sha256: Digest,
    /// How many octets.
    pub size: u64,
    /// INTERNALDATE, where the server gave one.
    pub internal_date: Option<Timestamp>,
    /// The provider's labels, where mailboxes are labels (Gmail); empty elsewhere.
    pub labels: Vec<MailboxName>,
    /// Whether it is still there.
    pub state: CopyState,
}

impl Copy {
    /// A copy that is present, without labels.
    pub fn new(place: CopyPlace, sha256: Digest, size: u64, internal_date: Option<Timestamp>) -> Self {
        Self { place, sha256, size, internal_date, labels: Vec::new(), state: CopyState::Present }
    }
}

/// Copies follow the server; the message stays, it is the practice's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum CopyState {
    /// The server lists it.
    Present,
    /// One full comparison did not find it.
    Missing {
        /// When that was.
        since: Timestamp,
    },
    /// A second one, a day or more later and with a healthy listing, did not find it either.
    Gone,
}

impl CopyState {
    /// `present`, `missing` or `gone`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Missing { .. } => "missing",
            Self::Gone => "gone",
        }
    }
}
