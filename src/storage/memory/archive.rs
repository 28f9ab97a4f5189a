//! Messages, renditions, copies and postings.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::account::AccountRow;
use crate::contract::{CopiesInMailbox, Message, MessageCopy, PagePosition, Rendition, StoredCopy};
use crate::settings::Sharing;
use crate::storage::content::Content;
use crate::types::{
    AccountId, ConversationId, Copy, CopyPlace, CopyState, Digest, KeyDigest, MailboxName, MessageId,
    MessageKey, Participant, Timestamp, Uid, UidSet, UidValidity, UserId,
};

#[derive(Default)]
pub(super) struct Archive {
    pub(super) messages: BTreeMap<MessageKey, MessageRow>,
    pub(super) copies: BTreeMap<CopyPlace, CopyRow>,
    pub(super) postings: BTreeMap<KeyDigest, BTreeSet<PagePosition>>,
    /// Conversations that turned out to be part of another one.
    pub(super) aliases: BTreeMap<ConversationId, ConversationId>,
}

pub(super) struct MessageRow {
    pub(super) sort_time: Timestamp,
    pub(super) message_id: Option<MessageId>,
    pub(super) renditions: Vec<Rendition>,
    /// The keys of [`Archive::copies`] that are this message's.
    pub(super) places: BTreeSet<CopyPlace>,
    /// The keys it is found by as it was sent, whatever its copies bring.
    pub(super) sent_keys: BTreeSet<KeyDigest>,
    pub(super) conversation: ConversationId,
    /// The number of the change by which it was archived.
    pub(super) arrival: u64,
    /// What it names that others of its conversation may name too.
    pub(super) links: BTreeSet<String>,
    /// Users who hid it from their colleagues.
    pub(super) hidden_by: BTreeSet<UserId>,
}

pub(super) struct CopyRow {
    pub(super) message: MessageKey,
    pub(super) copy: Copy,
    pub(super) rendition: Digest,
    pub(super) bcc: Vec<Participant>,
    /// The keys it brought.
    pub(super) keys: BTreeSet<KeyDigest>,
}

impl Archive {
    /// Takes a copy out of its place; its message stays.
    pub(super) fn take(&mut self, place: &CopyPlace) -> Option<CopyRow> {
        let row = self.copies.remove(place)?;
        if let Some(message) = self.messages.get_mut(&row.message) {
            message.places.remove(place);
        }
        Some(row)
    }

    /// Puts a copy into its place; what was there before is no copy any more.
    pub(super) fn put(&mut self, row: CopyRow) {
        let place = row.copy.place.clone();
        self.take(&place);
        if let Some(message) = self.messages.get_mut(&row.message) {
            message.places.insert(place.clone());
        }
        self.copies.insert(place, row);
    }

    /// Adds what a message says, the keys it is found by and what it names. One that is new arrives with the change of that number.
    pub(super) fn take_up(&mut self, content: &Content<'_>, arrival: u64) {
        let is_new = !self.messages.contains_key(&content.message);
        let conversation = self.begun_by(content.message);
        let message = self.messages.entry(content.message).or_insert_with(|| MessageRow {
            sort_time: content.sort_time,
            message_id: content.parsed.headers.message_id.clone(),
            renditions: Vec::new(),
            places: BTreeSet::new(),
            sent_keys: BTreeSet::new(),
            conversation,
            arrival,
            links: BTreeSet::new(),
            hidden_by: BTreeSet::new(),
        });
        if !message.renditions.iter().any(|rendition| rendition.digest == content.digest) {
            message.renditions.push(Rendition::of(content.digest, content.parsed));
        }
        message.links.append(&mut content.links());
        let position = PagePosition::new(message.sort_time, content.message);
        for key in content.postings {
            self.postings.entry(*key).or_default().insert(position);
        }
        self.join(content.message, is_new);
    }

    /// Takes out every copy of an account; their messages stay.
    pub(super) fn take_all(&mut self, account: &AccountId) -> Vec<CopyRow> {
        let places: Vec<_> = self.copies.keys().filter(|place| place.account == *account).cloned().collect();
        places.iter().filter_map(|place| self.take(place)).collect()
    }

    /// Takes from a message what neither its copies hold nor what was `sent`; says whether nothing was left of it.
    pub(super) fn shrink(&mut self, key: MessageKey, sent: &BTreeSet<Digest>) -> bool {
        let Some(message) = self.messages.get_mut(&key) else { return false };
        let copies: Vec<_> = message.places.iter().filter_map(|place| self.copies.get(place)).collect();
        let held =
            |digest: &Digest| sent.contains(digest) || copies.iter().any(|copy| copy.rendition == *digest);
        message.renditions.retain(|rendition| held(&rendition.digest));
        let position = PagePosition::new(message.sort_time, key);
        for (posted, positions) in &mut self.postings {
            if !message.sent_keys.contains(posted) && !copies.iter().any(|copy| copy.keys.contains(posted)) {
                positions.remove(&position);
            }
        }
        let is_gone = message.renditions.is_empty();
        if is_gone {
            self.messages.remove(&key);
            self.forget_aliases();
        }
        is_gone
    }

    /// The keys a message is found by.
    pub(super) fn keys_of(&self, key: MessageKey) -> BTreeSet<KeyDigest> {
        let Some(message) = self.messages.get(&key) else { return BTreeSet::new() };
        let position = PagePosition::new(message.sort_time, key);
        self.postings.iter().filter(|(_, found)| found.contains(&position)).map(|(key, _)| *key).collect()
    }

    /// Takes away everything of a message; answers its Message-ID and the octets of its copies.
    pub(super) fn forget(&mut self, key: MessageKey) -> Option<(Option<MessageId>, Vec<Digest>)> {
        let message = self.messages.remove(&key)?;
        let position = PagePosition::new(message.sort_time, key);
        for positions in self.postings.values_mut() {
            positions.remove(&position);
        }
        let copies = message.places.iter().filter_map(|place| self.copies.remove(place));
        let octets = copies.map(|row| row.copy.blob()).collect();
        self.forget_aliases();
        Some((message.message_id, octets))
    }

    pub(super) fn message(
        &self,
        key: MessageKey,
        accounts: &BTreeMap<AccountId, AccountRow>,
    ) -> Option<Message> {
        let row = self.messages.get(&key)?;
        let copy = |place: &CopyPlace| {
            let row = self.copies.get(place)?;
            let account = &accounts.get(&place.account)?.record.account;
            let user = account.user.clone();
            let mut copy = MessageCopy::new(row.copy.clone(), user, row.rendition, row.bcc.clone());
            copy.headers_only = account.settings.sharing == Sharing::HeadersOnly;
            Some(copy)
        };
        let copies = row.places.iter().filter_map(copy).collect();
        let (id, renditions) = (row.message_id.clone(), row.renditions.clone());
        let mut message = Message::new(key, row.sort_time, id, renditions, copies);
        message.conversation = row.conversation;
        message.arrival = row.arrival;
        message.hidden_by = row.hidden_by.iter().cloned().collect();
        Some(message)
    }

    pub(super) fn all_messages(
        &self,
        after: Option<MessageKey>,
        limit: usize,
        accounts: &BTreeMap<AccountId, AccountRow>,
    ) -> Vec<Message> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let keys = self.messages.range((start, Bound::Unbounded)).take(limit).map(|(key, _)| *key);
        keys.filter_map(|key| self.message(key, accounts)).collect()
    }

    pub(super) fn copies(&self, account: &AccountId) -> Vec<CopiesInMailbox> {
        let mut mailboxes: BTreeMap<(&MailboxName, UidValidity), CopiesInMailbox> = BTreeMap::new();
        for row in self.copies.values().filter(|row| row.copy.place.account == *account) {
            let place = &row.copy.place;
            let copies = || CopiesInMailbox::new(place.mailbox.clone(), place.uid_validity);
            match row.copy.state {
                CopyState::Gone { .. } => {}
                CopyState::Missing { since } => {
                    let entry = mailboxes.entry((&place.mailbox, place.uid_validity)).or_insert_with(copies);
                    entry.missing.push((place.uid, since));
                }
                CopyState::Present => {
                    let entry = mailboxes.entry((&place.mailbox, place.uid_validity)).or_insert_with(copies);
                    entry.present.insert(place.uid);
                }
            }
        }
        mailboxes.into_values().collect()
    }

    pub(super) fn copies_at(
        &self,
        account: &AccountId,
        mailbox: &MailboxName,
        uid_validity: UidValidity,
        uids: &UidSet,
    ) -> Vec<StoredCopy> {
        let place = |uid: Uid| CopyPlace::new(account.clone(), mailbox.clone(), uid_validity, uid);
        let (Some(first), Some(last)) = (uids.first(), uids.last()) else { return Vec::new() };
        self.copies
            .range(place(first)..=place(last))
            .filter(|(place, _)| uids.contains(place.uid))
            .map(|(_, row)| StoredCopy::new(row.message, row.copy.clone()))
            .collect()
    }
}
