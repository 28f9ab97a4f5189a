//! What the archive takes up of a message, whether a copy brought it or it was just sent.

use std::collections::BTreeSet;

use crate::contract::{ArchivedCopy, Outgoing, SentMessage};
use crate::types::{Digest, KeyDigest, MessageKey, ParsedMessage, Timestamp};

pub(super) struct Content<'a> {
    pub(super) message: MessageKey,
    /// Its place in time, if the message is new.
    pub(super) sort_time: Timestamp,
    /// Tells renditions apart.
    pub(super) digest: Digest,
    pub(super) parsed: &'a ParsedMessage,
    pub(super) postings: &'a BTreeSet<KeyDigest>,
}

impl<'a> Content<'a> {
    /// What a copy brings; content that could not be taken apart is told apart by its octets.
    pub(super) fn of_copy(message: MessageKey, archived: &'a ArchivedCopy) -> Self {
        Self {
            message,
            sort_time: archived.sort_time,
            digest: archived.parsed.rendition.unwrap_or(archived.copy.sha256),
            parsed: &archived.parsed,
            postings: &archived.postings,
        }
    }

    /// What was sent.
    pub(super) fn of_sent(intent: &Outgoing, sent: &'a SentMessage) -> Self {
        Self {
            message: intent.message.message,
            sort_time: sent.sort_time,
            digest: intent.message.rendition,
            parsed: &sent.parsed,
            postings: &sent.postings,
        }
    }
}
