//! How far a mailbox is read.

use serde::{Deserialize, Serialize};

use super::serial::by_name;
use super::{ModSeq, Timestamp, Uid, UidSet, UidValidity};

/// What a server says of a mailbox without opening it (RFC 9051 §6.3.11). Equal to the last one seen, nothing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MailboxStatus {
    /// Messages in it.
    pub messages: u32,
    /// The UID the next message will have at least, as the server claims; compared, never believed.
    pub uid_next: u32,
    /// UIDs are void when this changes.
    pub uid_validity: Option<UidValidity>,
    /// The highest modification sequence, where the server keeps one.
    pub highest_mod_seq: Option<ModSeq>,
}

impl MailboxStatus {
    /// A status as a server answers it.
    pub fn new(
        messages: u32,
        uid_next: u32,
        uid_validity: Option<UidValidity>,
        highest_mod_seq: Option<ModSeq>,
    ) -> Self {
        Self { messages, uid_next, uid_validity, highest_mod_seq }
    }
}

/// How far one mailbox is read: the set of UIDs whose addressing headers were matched and committed. What is left to do
/// is always *what the server lists now* without *what was seen*, newest first; the two frontiers follow from the set.
/// Never ahead of what is stored: both are one write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Cursor {
    /// The validity the UIDs belong to.
    pub uid_validity: UidValidity,
    /// UIDs that were read, matched and committed.
    pub seen: UidSet,
    /// Of those, the ones still to be read again for keys added since (history); `None` when there are none pending.
    pub history: Option<UidSet>,
    /// The status when the mailbox was last read to the end; `None` while something is left to do in it.
    pub status: Option<MailboxStatus>,
    /// When the mailbox is to be looked at again though its status has not changed.
    pub look_again_at: Option<Timestamp>,
}

impl Cursor {
    /// The cursor of a mailbox of which nothing has been read.
    pub fn new(uid_validity: UidValidity) -> Self {
        Self { uid_validity, seen: UidSet::new(), history: None, status: None, look_again_at: None }
    }

    /// The highest UID read.
    pub fn highest_seen(&self) -> Option<Uid> {
        self.seen.last()
    }

    /// The lowest UID read: history is read newest first and has come down to here.
    pub fn history_frontier(&self) -> Option<Uid> {
        self.seen.first()
    }
}

/// A UID that the server lists and that would not come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Gap {
    /// Which.
    pub uid: Uid,
    /// Why.
    pub reason: GapReason,
    /// How often it was asked for.
    pub attempts: u32,
    /// Not asked for again before this.
    pub next_try: Timestamp,
}

impl Gap {
    /// A gap after its `attempts`-th failure.
    pub fn new(uid: Uid, reason: GapReason, attempts: u32, next_try: Timestamp) -> Self {
        Self { uid, reason, attempts, next_try }
    }
}

/// Why a UID would not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum GapReason {
    /// The server lists it but answered a request for it with other messages only.
    NotAnswered,
    /// The server refused a request for it by itself.
    Refused,
    /// The server sent NIL or nothing as the octets of a message that has some.
    Empty,
    /// The octets ended before their announced length, or differ in length from what the server said of the message.
    WrongSize,
}

impl GapReason {
    const ALL: [Self; 4] = [Self::NotAnswered, Self::Refused, Self::Empty, Self::WrongSize];

    /// A short stable name, for storage and for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAnswered => "not answered",
            Self::Refused => "refused",
            Self::Empty => "empty",
            Self::WrongSize => "wrong size",
        }
    }

    /// Reads what [`as_str`](Self::as_str) wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

by_name!(GapReason);
