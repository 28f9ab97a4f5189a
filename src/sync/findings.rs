//! What comparing a server with the archive found.

use crate::error::Error;
use crate::types::{MailboxName, MessageId, Uid, UidSet, UidValidity};

/// What an inspection found in an account.
#[derive(Debug, Default)]
pub(crate) struct Inspection {
    /// The mailboxes that are read.
    pub(crate) mailboxes: Vec<MailboxFindings>,
    /// Why a mailbox could not be looked at, or the listing not believed, where that is so: nothing is complete then.
    pub(crate) unavailable: Option<Error>,
    /// The directory's revision it was made by.
    pub(crate) revision: String,
}

/// What an inspection found in a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MailboxFindings {
    /// Which.
    pub name: MailboxName,
    /// Its validity.
    pub uid_validity: UidValidity,
    /// Messages on the server that are a client's by today's rules.
    pub on_server: u64,
    /// Those of them that are archived from there, whole and to be found.
    pub archived: u64,
    /// The others, and those that carry a client's key and are left out by policy; ascending.
    pub missing: Vec<Missing>,
}

/// A message that carries a client's key and is not archived from where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Missing {
    /// Which.
    pub uid: Uid,
    /// Its Message-ID, where the server told it.
    pub message_id: Option<MessageId>,
    /// Why.
    pub reason: MissingReason,
}

/// Why a message is not archived from where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum MissingReason {
    /// It has not been read yet, or not for the keys that it carries.
    NotYetRead,
    /// It would not come, and is asked for again.
    Gap,
    /// It was given up.
    DeadLetter,
    /// It was erased.
    Erased,
    /// It is among staff only, or has an address that is never logged.
    Policy,
    /// It was read, and the archive lacks it, its octets, or a way to find it.
    Lost,
}

impl MissingReason {
    /// A short stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotYetRead => "not_yet_read",
            Self::Gap => "gap",
            Self::DeadLetter => "dead_letter",
            Self::Erased => "erased",
            Self::Policy => "policy",
            Self::Lost => "lost",
        }
    }

    /// Whether the archive should have it: what was erased, or is left out by policy, is missing as it should be.
    pub const fn is_defect(self) -> bool {
        !matches!(self, Self::Erased | Self::Policy)
    }
}

impl MailboxFindings {
    /// Nothing yet.
    pub(super) const fn new(name: MailboxName, uid_validity: UidValidity) -> Self {
        Self { name, uid_validity, on_server: 0, archived: 0, missing: Vec::new() }
    }

    /// What can be repaired.
    pub(super) fn defects(&self) -> UidSet {
        self.missing.iter().filter(|missing| missing.reason.is_defect()).map(|missing| missing.uid).collect()
    }
}
