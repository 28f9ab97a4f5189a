//! Messages and their copies, as the archive keeps them.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Content, links};
use crate::contract::{
    AccountRecord, ArchivedCopy, Message, MessageCopy, MovedCopy, PagePosition, Rendition,
};
use crate::settings::Sharing;
use crate::types::{
    AccountId, ConversationId, Copy, CopyPlace, CopyState, Digest, Field, KeyDigest, MessageId, MessageKey,
    Participant, Timestamp, UserId,
};

/// A message without its copies.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MessageRow {
    /// Its identity.
    pub key: MessageKey,
    /// Its place in time.
    pub sort_time: Timestamp,
    /// Its Message-ID.
    pub message_id: Option<MessageId>,
    /// Its distinct contents, in the order in which they were first archived.
    pub renditions: Vec<Rendition>,
    /// Where its copies lie: kept by the store, with every copy that is put into its place or taken out of it.
    pub places: BTreeSet<CopyPlace>,
    /// The keys it is found by.
    pub keys: BTreeSet<KeyDigest>,
    /// Those of them it is found by as it was sent, whatever its copies bring.
    pub sent_keys: BTreeSet<KeyDigest>,
    /// The conversation it is part of.
    pub conversation: ConversationId,
    /// The number of the change by which it was archived.
    pub arrival: u64,
    /// What it names that others of its conversation may name too.
    pub links: BTreeSet<String>,
    /// Users who hid it from their colleagues.
    pub hidden_by: BTreeSet<UserId>,
}

/// Nothing of what the message says, or names.
impl fmt::Debug for MessageRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageRow({:?}, {:?}, {} copies)", self.key, self.renditions, self.places.len())
    }
}

impl MessageRow {
    /// A message that the archive has nothing of yet; it arrives with the change of that number.
    pub fn new(content: &Content<'_>, conversation: ConversationId, arrival: u64) -> Self {
        Self {
            key: content.message,
            sort_time: content.sort_time,
            message_id: content.parsed.headers.message_id.clone(),
            renditions: Vec::new(),
            places: BTreeSet::new(),
            keys: BTreeSet::new(),
            sent_keys: BTreeSet::new(),
            conversation,
            arrival,
            links: BTreeSet::new(),
            hidden_by: BTreeSet::new(),
        }
    }

    /// Its place on pages.
    pub const fn position(&self) -> PagePosition {
        PagePosition::new(self.sort_time, self.key)
    }

    /// Adds what it says, the keys it is found by, and what it names.
    pub fn take_up(&mut self, content: &Content<'_>) {
        if !self.renditions.iter().any(|rendition| rendition.digest == content.digest) {
            self.renditions.push(Rendition::of(content.digest, content.parsed));
        }
        self.keys.extend(content.postings);
        if content.is_sent {
            self.sent_keys.extend(content.postings);
        }
        self.links.append(&mut content.links());
    }

    /// Those who take part, Bcc aside.
    pub fn participants(&self) -> BTreeSet<KeyDigest> {
        links::participants(self.renditions.iter().flat_map(|rendition| &rendition.participants))
    }

    /// Whether two are in one conversation by themselves (A3).
    pub fn belongs_with(&self, other: &Self) -> bool {
        !self.links.is_disjoint(&other.links) && !self.participants().is_disjoint(&other.participants())
    }

    /// Takes away what neither these copies, the ones that are left, hold nor what was `sent`; answers the keys it is found by no
    /// more. Without a rendition nothing is left of it.
    pub fn shrink(&mut self, copies: &[&CopyRow], sent: &BTreeSet<Digest>) -> BTreeSet<KeyDigest> {
        let held = |digest: &Digest| copies.iter().any(|copy| copy.rendition == *digest);
        self.renditions.retain(|rendition| sent.contains(&rendition.digest) || held(&rendition.digest));
        let brought = |key: &KeyDigest| copies.iter().any(|copy| copy.keys.contains(key));
        let sent_keys = &self.sent_keys;
        self.keys.extract_if(.., |key| !sent_keys.contains(key) && !brought(key)).collect()
    }

    /// Takes away what an account's provider put it together by.
    pub fn forget_links_of(&mut self, account: &AccountId) {
        self.links.retain(|link| !link.starts_with(&links::of_account(account)));
    }

    /// The message with its copies, which lie in these accounts.
    pub fn with_copies<'a>(
        &self,
        copies: impl IntoIterator<Item = (&'a CopyRow, &'a AccountRecord)>,
    ) -> Message {
        let copies = copies.into_iter().map(|(row, record)| row.of(record)).collect();
        let (id, renditions) = (self.message_id.clone(), self.renditions.clone());
        let mut message = Message::new(self.key, self.sort_time, id, renditions, copies);
        message.conversation = self.conversation;
        message.arrival = self.arrival;
        message.hidden_by = self.hidden_by.iter().cloned().collect();
        message
    }
}

/// A copy of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CopyRow {
    /// The message.
    pub message: MessageKey,
    /// The copy.
    pub copy: Copy,
    /// Which rendition it holds.
    pub rendition: Digest,
    /// The Bcc recipients it names.
    pub bcc: Vec<Participant>,
    /// The keys it brought.
    pub keys: BTreeSet<KeyDigest>,
}

impl CopyRow {
    /// A copy that was not archived before.
    pub fn new(message: MessageKey, archived: &ArchivedCopy) -> Self {
        let participants = archived.parsed.headers.participants.iter();
        Self {
            message,
            copy: archived.copy.clone(),
            rendition: Content::of_copy(message, archived).digest,
            bcc: participants.filter(|p| p.field == Field::Bcc).cloned().collect(),
            keys: archived.postings.clone(),
        }
    }

    /// Whether this is the one that lies in its place with the same octets: archived again, it is the same copy.
    pub fn is(&self, archived: &ArchivedCopy) -> bool {
        self.copy.place == archived.copy.place && self.copy.sha256 == archived.copy.sha256
    }

    /// Puts back what it lacks.
    pub fn renew(&mut self, archived: &ArchivedCopy) {
        self.copy.clone_from(&archived.copy);
        self.rendition = Content::of_copy(self.message, archived).digest;
        self.keys.clone_from(&archived.postings);
    }

    /// Moves it.
    pub fn relocate(&mut self, moved: &MovedCopy) {
        self.copy.place = moved.to.clone();
        self.copy.labels.clone_from(&moved.labels);
        self.copy.state = CopyState::Present;
    }

    /// It was not found; says whether that is new.
    pub fn miss(&mut self, now: Timestamp) -> bool {
        let was_present = self.copy.state == CopyState::Present;
        if was_present {
            self.copy.state = CopyState::Missing { since: now };
        }
        was_present
    }

    /// It was missing, and was found again, or is gone; says whether it was missing.
    pub fn settle(&mut self, state: CopyState) -> bool {
        let was_missing = matches!(self.copy.state, CopyState::Missing { .. });
        if was_missing {
            self.copy.state = state;
        }
        was_missing
    }

    /// The copy as messages have it.
    fn of(&self, record: &AccountRecord) -> MessageCopy {
        let account = &record.account;
        let user = account.user.clone();
        let mut copy = MessageCopy::new(self.copy.clone(), user, self.rendition, self.bcc.clone());
        copy.headers_only = account.settings.sharing == Sharing::HeadersOnly;
        copy
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::ArchivedCopy;
    use crate::types::{CleanText, MailboxName, ParsedMessage, Uid, UidValidity};

    #[test]
    fn nothing_of_what_a_message_says_is_printed() {
        let mut parsed = ParsedMessage::default();
        parsed.headers.message_id = MessageId::parse("<secret@x>");
        parsed.references = vec![MessageId::parse("<secret.too@x>").unwrap()];
        parsed.subject = CleanText::new("a secret");
        parsed.text = "secret".to_owned();
        let octets = Digest::of(b"");
        let message = MessageKey::of(&parsed.headers, &octets);
        let (inbox, validity) = (MailboxName::from_wire("INBOX"), UidValidity::new(1).unwrap());
        let place = CopyPlace::new(AccountId::new("a").unwrap(), inbox, validity, Uid::new(1).unwrap());
        let copy = Copy::new(place, octets, 1, None);
        let time = Timestamp::from_unix(0);
        let mut archived = ArchivedCopy::new(message, time, parsed, copy, BTreeSet::new());
        archived.thread = Some("secret".to_owned());

        let content = Content::of_copy(message, &archived);
        let mut row = MessageRow::new(&content, ConversationId::begun_by(message), 1);
        row.take_up(&content);
        assert_eq!(row.links.len(), 3);
        for printed in [format!("{row:?}"), format!("{content:?}")] {
            assert!(!printed.contains("secret"), "{printed}");
        }
    }
}
