//! Copies: the places where a message lies.

use serde::{Deserialize, Serialize};

use super::{AccountId, Authenticity, Digest, MailboxName, Timestamp, Uid, UidValidity};

/// One place on a server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Copy {
    /// Where it lies, or lay.
    pub place: CopyPlace,
    /// SHA-256 of the octets, where they came whole; of their beginning where only that was taken.
    pub sha256: Digest,
    /// How many octets the message has.
    pub size: u64,
    /// What of them is in the blob store.
    pub kept: Kept,
    /// INTERNALDATE, where the server gave one.
    pub internal_date: Option<Timestamp>,
    /// The provider's labels, where mailboxes are labels (Gmail); empty elsewhere.
    pub labels: Vec<MailboxName>,
    /// What the server that received it found of its author; nothing for what was sent.
    pub authenticity: Authenticity,
    /// Whether it is still there.
    pub state: CopyState,
}

impl Copy {
    /// A copy that is present and kept whole, without labels.
    pub fn new(place: CopyPlace, sha256: Digest, size: u64, internal_date: Option<Timestamp>) -> Self {
        Self {
            place,
            sha256,
            size,
            kept: Kept::Whole,
            internal_date,
            labels: Vec::new(),
            authenticity: Authenticity::Unknown,
            state: CopyState::Present,
        }
    }

    /// The name of what is in the blob store.
    pub const fn blob(&self) -> Digest {
        match &self.kept {
            Kept::WithoutAttachments { stored, .. } => *stored,
            Kept::Whole | Kept::Beginning => self.sha256,
        }
    }
}

/// What of a copy's octets is in the blob store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kept {
    /// All of them, under [`Copy::sha256`].
    Whole,
    /// All but these: they came once, were digested, and are asked for again when they are wanted.
    WithoutAttachments {
        /// The name of what is left.
        stored: Digest,
        /// What was cut out, ascending.
        cuts: Vec<Cut>,
    },
    /// The beginning only, under [`Copy::sha256`]: the message is longer than the account takes in.
    Beginning,
}

/// Octets that were cut out of a message: the content of one attachment, as it is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Cut {
    /// Which attachment, counted from 0 in the order in which they are listed.
    pub attachment: u32,
    /// Where it begins in the whole message.
    pub offset: u64,
    /// How many octets.
    pub length: u64,
    /// Their SHA-256.
    pub sha256: Digest,
}

impl Cut {
    /// Octets that were cut out.
    pub const fn new(attachment: u32, offset: u64, length: u64, sha256: Digest) -> Self {
        Self { attachment, offset, length, sha256 }
    }
}

/// Copies follow the server; the message stays, it is the practice's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    Gone {
        /// When that was.
        since: Timestamp,
    },
}

impl CopyState {
    /// `present`, `missing` or `gone`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Missing { .. } => "missing",
            Self::Gone { .. } => "gone",
        }
    }
}
