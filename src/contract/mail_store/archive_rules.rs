//! What a host asks of the archive, by whom, and what it takes out of it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::types::serial::by_name;
use crate::types::{
    ClientId, Digest, KeyDigest, MessageId, MessageKey, PracticeId, SearchTerms, Timestamp, UserId,
};

/// Which of the messages that carry a client's keys are wanted. Everything that is set has to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageFilter {
    /// Only what this user sees, as A1 of [`Archive`](super::Archive); everything where it is `None`.
    pub seen_by: Option<UserId>,
    /// Not those that carry any of these keys.
    pub without: BTreeSet<KeyDigest>,
    /// Only those of which this user has a copy, or which they sent.
    pub user: Option<UserId>,
    /// Only those of this time and later.
    pub since: Option<Timestamp>,
    /// Only those of before this time.
    pub until: Option<Timestamp>,
    /// Only those with attachments, or only those without.
    pub attachments: Option<bool>,
    /// Only those that hold these terms, as A2 of [`Archive`](super::Archive).
    pub terms: Option<SearchTerms>,
}

/// What is taken out of the archive at once.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Erasure {
    /// The practice.
    pub practice: PracticeId,
    /// The messages; those that do not exist are passed over.
    pub messages: Vec<MessageKey>,
    /// Why: kept in the tombstones.
    pub reason: EraseReason,
    /// How long they are not archived again.
    pub bars: Bars,
    /// Who wanted it; `None` where it was the host itself.
    pub by: Option<UserId>,
}

impl Erasure {
    /// Erases messages for good, for the host itself.
    pub fn new(practice: PracticeId, messages: Vec<MessageKey>, reason: EraseReason) -> Self {
        Self { practice, messages, reason, bars: Bars::ForEver, by: None }
    }

    /// Sets how long they are not archived again.
    pub fn bars(mut self, bars: Bars) -> Self {
        self.bars = bars;
        self
    }

    /// Says who wanted it.
    pub fn by(mut self, by: Option<UserId>) -> Self {
        self.by = by;
        self
    }
}

/// How long what was erased is not archived again, though it still lies on a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Bars {
    /// It is never archived again.
    ForEver,
    /// It may be archived again from this time on, wherever it is read again: for an address that is added, or when accounts are reconciled.
    Until(Timestamp),
    /// It may be archived again when this client has been away from the directory and is back.
    UntilClientIsBack(ClientId),
    /// It may be archived again at once: no account is covered for its keys any more.
    Nothing,
}

/// Why something was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum EraseReason {
    /// These very messages.
    Message,
    /// A client's messages.
    Client,
    /// A user's messages.
    User,
    /// Nobody's client took part in them any more.
    Unlisted,
    /// Their last copy had left the servers, and the practice keeps no such message.
    Retention,
}

impl EraseReason {
    const ALL: [Self; 5] = [Self::Message, Self::Client, Self::User, Self::Unlisted, Self::Retention];

    /// A short stable name, for storage and for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Client => "client",
            Self::User => "user",
            Self::Unlisted => "unlisted",
            Self::Retention => "retention",
        }
    }

    /// Reads what [`as_str`](Self::as_str) wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

by_name!(EraseReason);

/// What erasing did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Erased {
    /// The messages that are gone.
    pub messages: Vec<MessageKey>,
    /// Messages that stay, because they are still to be sent, or it is not known whether they were.
    pub kept: Vec<MessageKey>,
    /// Octets nothing names any more: they can go from the blob store.
    pub octets: Vec<Digest>,
}

impl Erased {
    /// What erasing did.
    pub fn new(messages: Vec<MessageKey>, kept: Vec<MessageKey>, octets: Vec<Digest>) -> Self {
        Self { messages, kept, octets }
    }
}

/// What a tombstone is looked for by.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Erasable {
    /// A message's identity.
    Message(MessageKey),
    /// A Message-ID.
    MessageId(MessageId),
}

/// The trace of an erased message: that there was one, not what it said or who took part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tombstone {
    /// Why it was erased.
    pub reason: EraseReason,
    /// When.
    pub at: Timestamp,
    /// How long it is not archived again.
    pub bars: Bars,
}

impl Tombstone {
    /// A tombstone as it was stored.
    pub const fn new(reason: EraseReason, at: Timestamp, bars: Bars) -> Self {
        Self { reason, at, bars }
    }
}

/// A client whose messages were erased until it is back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErasedClient {
    /// The client.
    pub client: ClientId,
    /// Whether the directory has been seen without it since.
    pub was_away: bool,
}

impl ErasedClient {
    /// An erased client as it was stored.
    pub const fn new(client: ClientId, was_away: bool) -> Self {
        Self { client, was_away }
    }
}

/// What the directory showed of an erased client.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientSighting {
    /// It is not there.
    Away,
    /// It is there again, with these keys.
    Back(BTreeSet<KeyDigest>),
}
