//! Messages, renditions, copies and postings.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::contract::{CopiesInMailbox, Message, PagePosition, StoredCopy};
use crate::storage::rules::{AccountRow, Content, CopyRow, MessageRow};
use crate::types::{
    AccountId, ConversationId, CopyPlace, CopyState, Digest, KeyDigest, MailboxName, MessageKey, Uid, UidSet,
    UidValidity,
};

#[derive(Default)]
pub(super) struct Archive {
    pub(super) messages: BTreeMap<MessageKey, MessageRow>,
    pub(super) copies: BTreeMap<CopyPlace, CopyRow>,
    pub(super) postings: BTreeMap<KeyDigest, BTreeSet<PagePosition>>,
    /// Conversations that turned out to be part of another one.
    pub(super) aliases: BTreeMap<ConversationId, ConversationId>,
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
        let begun = || MessageRow::new(content, conversation, arrival);
        let message = self.messages.entry(content.message).or_insert_with(begun);
        message.take_up(content);
        let position = message.position();
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
        let Self { messages, copies, postings, .. } = self;
        let Some(message) = messages.get_mut(&key) else { return false };
        let left: Vec<_> = message.places.iter().filter_map(|place| copies.get(place)).collect();
        let removed = message.shrink(&left, sent);
        let position = message.position();
        let is_gone = message.renditions.is_empty();
        unpost(postings, &removed, position);
        if is_gone {
            self.messages.remove(&key);
            self.forget_aliases();
        }
        is_gone
    }

    /// Takes away everything of a message; answers its row and the octets of its copies.
    pub(super) fn forget(&mut self, key: MessageKey) -> Option<(MessageRow, Vec<Digest>)> {
        let message = self.messages.remove(&key)?;
        unpost(&mut self.postings, &message.keys, message.position());
        let copies = message.places.iter().filter_map(|place| self.copies.remove(place));
        let octets = copies.map(|row| row.copy.blob()).collect();
        self.forget_aliases();
        Some((message, octets))
    }

    pub(super) fn message(
        &self,
        key: MessageKey,
        accounts: &BTreeMap<AccountId, AccountRow>,
    ) -> Option<Message> {
        let row = self.messages.get(&key)?;
        let copy = |place: &CopyPlace| Some((self.copies.get(place)?, &accounts.get(&place.account)?.record));
        Some(row.with_copies(row.places.iter().filter_map(copy)))
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

/// A message is found by these keys no more.
fn unpost(
    postings: &mut BTreeMap<KeyDigest, BTreeSet<PagePosition>>,
    keys: &BTreeSet<KeyDigest>,
    position: PagePosition,
) {
    for key in keys {
        if let Some(positions) = postings.get_mut(key) {
            positions.remove(&position);
        }
    }
}
