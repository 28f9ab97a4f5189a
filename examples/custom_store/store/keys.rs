//! Keys: octets whose order is the order of what they stand for.

use practicemail::contract::Route;
use practicemail::types::{
    AccountId, CopyPlace, Digest, MailboxName, MessageKey, OutgoingId, PracticeId, Timestamp, UidValidity,
};

/// What lies under a key. A number is never used for something else.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
pub(crate) enum Kind {
    // Records.
    Account = 1,
    Message = 2,
    Copy = 3,
    Alias = 4,
    DeadLetter = 5,
    Settings = 6,
    Intent = 7,
    ErasedIntent = 8,
    Tombstone = 9,
    Secret = 10,
    ErasedClient = 11,
    Unlisted = 12,
    Orphan = 13,
    Change = 14,
    Credential = 15,
    Claims = 16,
    Pause = 17,
    Blob = 18,
    // Octets of a blob, in chunks.
    Chunk = 32,
    // What is being written.
    Staged = 33,
    // Entries.
    Posting = 64,
    Link = 65,
    Member = 66,
    MessageId = 67,
    Target = 68,
    Octets = 69,
    Due = 70,
    Held = 71,
    Queued = 72,
    HostKey = 73,
    SentAs = 74,
    Open = 75,
    SentBy = 76,
    BuriedId = 77,
    SentBearing = 78,
}

/// The time that [`Key::time`] wrote.
pub(crate) fn time_of(octets: [u8; 8]) -> Timestamp {
    Timestamp::from_unix((u64::from_be_bytes(octets) ^ (1 << 63)).cast_signed())
}

/// A key, or what keys begin with.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(Vec<u8>);

impl Key {
    /// Of something that belongs to no practice, or to be found in all of them.
    pub(crate) fn of_all(kind: Kind) -> Self {
        Self(vec![kind as u8])
    }

    /// Of something of a practice.
    pub(crate) fn of(kind: Kind, practice: &PracticeId) -> Self {
        Self::of_all(kind).text(practice.as_str())
    }

    /// Adds octets of a fixed length, or the last.
    pub(crate) fn octets(mut self, octets: &[u8]) -> Self {
        self.0.extend_from_slice(octets);
        self
    }

    /// Adds a text without control characters, as ids are.
    pub(crate) fn text(self, text: &str) -> Self {
        self.octets(text.as_bytes()).octets(&[0])
    }

    /// Adds any octets: a zero is written so that it is no end.
    pub(crate) fn wire(mut self, octets: &[u8]) -> Self {
        for octet in octets {
            self.0.push(*octet);
            if *octet == 0 {
                self.0.push(0xff);
            }
        }
        self.octets(&[0, 0])
    }

    pub(crate) fn number(self, number: u64) -> Self {
        self.octets(&number.to_be_bytes())
    }

    /// Adds a time; those before 1970 come first.
    pub(crate) fn time(self, time: Timestamp) -> Self {
        self.number(time.as_unix().cast_unsigned() ^ (1 << 63))
    }

    /// The first that comes after everything that begins with this one. No kind is the last octet there is.
    pub(crate) fn end(&self) -> Self {
        let mut end = self.0.clone();
        while end.pop_if(|last| *last == 0xff).is_some() {}
        if let Some(last) = end.last_mut() {
            *last += 1;
        }
        Self(end)
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

pub(crate) fn account(practice: &PracticeId, id: &AccountId) -> Key {
    Key::of(Kind::Account, practice).text(id.as_str())
}

pub(crate) fn message(practice: &PracticeId, key: MessageKey) -> Key {
    Key::of(Kind::Message, practice).octets(key.as_bytes())
}

/// What the keys of everything begin with that lies in an account.
pub(crate) fn in_account(kind: Kind, practice: &PracticeId, account: &AccountId) -> Key {
    Key::of(kind, practice).text(account.as_str())
}

/// And in a mailbox under a validity.
pub(crate) fn in_mailbox(account: Key, mailbox: &MailboxName, validity: UidValidity) -> Key {
    account.wire(mailbox.as_wire()).octets(&validity.get().to_be_bytes())
}

/// A place's key: in the order of places.
pub(crate) fn place(kind: Kind, practice: &PracticeId, place: &CopyPlace) -> Key {
    let account = in_account(kind, practice, &place.account);
    in_mailbox(account, &place.mailbox, place.uid_validity).octets(&place.uid.get().to_be_bytes())
}

pub(crate) fn copy(practice: &PracticeId, at: &CopyPlace) -> Key {
    place(Kind::Copy, practice, at)
}

pub(crate) fn intent(practice: &PracticeId, id: OutgoingId) -> Key {
    Key::of(Kind::Intent, practice).octets(id.as_bytes())
}

/// Everything that names octets.
pub(crate) fn naming(practice: &PracticeId, octets: &Digest) -> Key {
    Key::of(Kind::Octets, practice).octets(octets.as_bytes())
}

/// Everything that was sent by a way.
pub(crate) fn sent_by(practice: &PracticeId, route: &Route) -> Key {
    Key::of(Kind::SentBy, practice).text(route.account().map_or("", AccountId::as_str))
}
