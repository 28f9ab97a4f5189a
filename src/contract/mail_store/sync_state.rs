//! How far an account is read.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::BounceReport;
use crate::types::{
    Copy, CopyPlace, Cursor, Digest, Gap, KeyDigest, MailboxName, MailboxStatus, MessageId, MessageKey,
    ParsedMessage, Timestamp, UidSet, UidValidity,
};

/// The clients' keys that what was seen of an account was matched against.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CoveredKeys {
    /// Everything seen was matched against these.
    pub covered: BTreeSet<KeyDigest>,
    /// What was seen is being read again for these; see [`Cursor::history`].
    pub pending: BTreeSet<KeyDigest>,
    /// A digest over the rules (own domains, staff, never-log, excluded mailboxes) that held; other rules, and everything
    /// is read again.
    pub policy: Option<Digest>,
    /// The directory's revision, for people.
    pub revision: String,
}

/// A change of [`CoveredKeys`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CoverageChange {
    /// Keys that are no client's any more: neither covered nor pending from now on.
    pub forget: BTreeSet<KeyDigest>,
    /// Keys that become pending; those that are covered are so no more.
    pub pend: BTreeSet<KeyDigest>,
    /// The rules that hold now; `None` leaves them.
    pub policy: Option<Digest>,
    /// The directory's revision.
    pub revision: String,
    /// What becomes of the history work.
    pub history: HistoryStep,
}

/// What becomes of the history work of all mailboxes of an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HistoryStep {
    /// It goes on.
    #[default]
    Keep,
    /// It begins: everything seen is to be read again.
    Begin,
    /// It is done: pending keys become covered. Refused ([`Invalid`](crate::error::ErrorKind::Invalid)) while a mailbox has
    /// something left to read again.
    Finish,
}

/// One mailbox's progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MailboxState {
    /// Which.
    pub name: MailboxName,
    /// How far it is read.
    pub cursor: Cursor,
    /// UIDs that would not come.
    pub gaps: Vec<Gap>,
}

impl MailboxState {
    /// A mailbox's progress.
    pub fn new(name: MailboxName, cursor: Cursor, gaps: Vec<Gap>) -> Self {
        Self { name, cursor, gaps }
    }
}

/// One account's progress.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SyncState {
    /// Its mailboxes, by name.
    pub mailboxes: Vec<MailboxState>,
    /// The keys it is covered for.
    pub keys: CoveredKeys,
    /// What is remembered of the server.
    pub hints: String,
    /// Octets read today (UTC), by the store's clock.
    pub octets_today: u64,
}

/// A matched message and one copy of it, ready to be archived.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArchivedCopy {
    /// The message's identity.
    pub message: MessageKey,
    /// Its place in time, fixed when the message is first archived.
    pub sort_time: Timestamp,
    /// Its content.
    pub parsed: ParsedMessage,
    /// The copy.
    pub copy: Copy,
    /// The keys of its participants: what the archive is indexed by. A store remembers which copy brought which, for S16 of
    /// [`MailStore`](super::MailStore).
    pub postings: BTreeSet<KeyDigest>,
    /// Whether it lies where the account keeps what it sent.
    pub in_sent: bool,
    /// The conversation the provider puts it into, in the provider's words: of use inside its account.
    pub thread: Option<String>,
}

impl ArchivedCopy {
    /// A copy to be archived.
    pub fn new(
        message: MessageKey,
        sort_time: Timestamp,
        parsed: ParsedMessage,
        copy: Copy,
        postings: BTreeSet<KeyDigest>,
    ) -> Self {
        Self { message, sort_time, parsed, copy, postings, in_sent: false, thread: None }
    }
}

/// A copy that was found again in another place, without being fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MovedCopy {
    /// Where it was.
    pub from: CopyPlace,
    /// Where it is.
    pub to: CopyPlace,
    /// Its labels there.
    pub labels: Vec<MailboxName>,
}

impl MovedCopy {
    /// A move.
    pub fn new(from: CopyPlace, to: CopyPlace, labels: Vec<MailboxName>) -> Self {
        Self { from, to, labels }
    }
}

/// A matched message that could not be archived: kept apart, named, never in the way of others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DeadLetter {
    /// Where it lies.
    pub place: CopyPlace,
    /// Why.
    pub reason: String,
    /// Its Message-ID, where it is known.
    pub message_id: Option<MessageId>,
    /// Its octets in the blob store, where all of them came.
    pub octets: Option<(Digest, u64)>,
    /// Its INTERNALDATE, where it is known.
    pub internal_date: Option<Timestamp>,
    /// The labels it bore, where they are known.
    pub labels: Vec<MailboxName>,
    /// When it was given up.
    pub at: Timestamp,
}

impl DeadLetter {
    /// A dead letter without octets.
    pub fn new(place: CopyPlace, reason: impl Into<String>, at: Timestamp) -> Self {
        let reason = reason.into();
        Self { place, reason, message_id: None, octets: None, internal_date: None, labels: Vec::new(), at }
    }
}

/// One step of reading a mailbox: messages, cursor and events, written in one transaction or not at all.
///
/// A window whose `uid_validity` is not the cursor's begins the mailbox anew: seen, history and gaps of before are void.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Window {
    /// The mailbox.
    pub mailbox: MailboxName,
    /// Its validity.
    pub uid_validity: UidValidity,
    /// UIDs now seen; their gaps are closed.
    pub seen: UidSet,
    /// UIDs read again for pending keys.
    pub history_done: UidSet,
    /// Gaps, new and tried again: of one UID the last counts.
    pub gaps: Vec<Gap>,
    /// UIDs that are in the mailbox no more, or became dead letters: their gaps are closed.
    pub gaps_closed: UidSet,
    /// Copies to archive. One at a place that is archived already with the same octets changes nothing.
    pub copies: Vec<ArchivedCopy>,
    /// Copies found again.
    pub moved: Vec<MovedCopy>,
    /// Messages given up.
    pub dead_letters: Vec<DeadLetter>,
    /// Reports about the delivery of what was sent from the account.
    pub bounces: Vec<BounceReport>,
    /// Octets received since the last window, for the daily budget.
    pub octets_read: u64,
    /// The status to compare with next time, when the mailbox is read to the end.
    pub finished: Option<MailboxStatus>,
    /// When to look at it again though its status has not changed.
    pub look_again_at: Option<Timestamp>,
    /// How many messages are left to be read after it, where the account has a backlog.
    pub left: Option<u64>,
}

impl Window {
    /// A window that changes nothing yet.
    pub fn new(mailbox: MailboxName, uid_validity: UidValidity) -> Self {
        Self {
            mailbox,
            uid_validity,
            seen: UidSet::new(),
            history_done: UidSet::new(),
            gaps: Vec::new(),
            gaps_closed: UidSet::new(),
            copies: Vec::new(),
            moved: Vec::new(),
            dead_letters: Vec::new(),
            bounces: Vec::new(),
            octets_read: 0,
            finished: None,
            look_again_at: None,
            left: None,
        }
    }
}

/// What a window added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WindowReceipt {
    /// Messages the practice did not have before.
    pub new_messages: u32,
    /// Copies it did not have before.
    pub new_copies: u32,
}

impl WindowReceipt {
    /// A receipt.
    pub const fn new(new_messages: u32, new_copies: u32) -> Self {
        Self { new_messages, new_copies }
    }
}

/// What comparing an account's copies with the server's listings showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Comparison {
    /// Present copies that were not found: missing from now on.
    pub missing: Vec<CopyPlace>,
    /// Missing copies that were found: present again.
    pub found: Vec<CopyPlace>,
    /// Missing copies that were not found a day later either: gone.
    pub gone: Vec<CopyPlace>,
    /// Mailboxes the server has no more: their cursors and gaps are dropped.
    pub mailboxes_gone: Vec<MailboxName>,
}

/// The copies an archive has of one mailbox under one validity.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopiesInMailbox {
    /// The mailbox.
    pub mailbox: MailboxName,
    /// The validity.
    pub uid_validity: UidValidity,
    /// Present copies.
    pub present: UidSet,
    /// Missing copies, and since when.
    pub missing: Vec<(crate::types::Uid, Timestamp)>,
}

impl CopiesInMailbox {
    /// No copies yet.
    pub fn new(mailbox: MailboxName, uid_validity: UidValidity) -> Self {
        Self { mailbox, uid_validity, present: UidSet::new(), missing: Vec::new() }
    }
}

/// A copy and the message it is one of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoredCopy {
    /// The message.
    pub message: MessageKey,
    /// The copy.
    pub copy: Copy,
}

impl StoredCopy {
    /// A copy of a message.
    pub fn new(message: MessageKey, copy: Copy) -> Self {
        Self { message, copy }
    }
}
