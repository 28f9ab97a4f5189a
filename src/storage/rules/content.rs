//! What the archive takes up of a message, whether a copy brought it or it was just sent.

use std::collections::BTreeSet;
use std::fmt;

use super::links;
use crate::contract::{ArchivedCopy, Outgoing, SentMessage};
use crate::types::{AccountId, Digest, KeyDigest, MessageKey, ParsedMessage, Timestamp};

/// What the archive takes up of a message.
#[non_exhaustive]
pub struct Content<'a> {
    /// The message.
    pub message: MessageKey,
    /// Its place in time, if the message is new.
    pub sort_time: Timestamp,
    /// Tells renditions apart.
    pub digest: Digest,
    /// What it says.
    pub parsed: &'a ParsedMessage,
    /// The keys it is found by.
    pub postings: &'a BTreeSet<KeyDigest>,
    /// Whether it was sent, and is found by its keys whatever its copies bring.
    pub is_sent: bool,
    /// The conversation its provider puts it into, in an account.
    pub thread: Option<(&'a AccountId, &'a str)>,
}

/// Nothing of what the message says.
impl fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({:?}, {:?})", self.message, self.digest)
    }
}

impl<'a> Content<'a> {
    /// What a copy brings; content that could not be taken apart is told apart by its octets.
    pub fn of_copy(message: MessageKey, archived: &'a ArchivedCopy) -> Self {
        let account = &archived.copy.place.account;
        Self {
            message,
            sort_time: archived.sort_time,
            digest: archived.parsed.rendition.unwrap_or(archived.copy.sha256),
            parsed: &archived.parsed,
            postings: &archived.postings,
            is_sent: false,
            thread: archived.thread.as_deref().map(|thread| (account, thread)),
        }
    }

    /// What was sent.
    pub fn of_sent(intent: &Outgoing, sent: &'a SentMessage) -> Self {
        Self {
            message: intent.message.message,
            sort_time: sent.sort_time,
            digest: intent.message.rendition,
            parsed: &sent.parsed,
            postings: &sent.postings,
            is_sent: true,
            thread: None,
        }
    }

    /// What it names that other messages of its conversation may name too.
    pub fn links(&self) -> BTreeSet<String> {
        let parsed = self.parsed;
        let named = parsed.headers.message_id.iter().chain(&parsed.in_reply_to).chain(&parsed.references);
        let thread = self.thread.map(|(account, thread)| links::of_thread(account, thread));
        named.map(links::of_message_id).chain(thread).collect()
    }
}
