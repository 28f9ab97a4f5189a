//! Messages and copies, as they are read.

use std::collections::BTreeMap;

use practicemail::contract::{CopiesInMailbox, DeadLetter, Message, StoredCopy};
use practicemail::error::Result;
use practicemail::storage::rules::{CopyRow, MessageRow};
use practicemail::types::{
    AccountId, Copy, CopyState, KeyDigest, MailboxName, MessageId, MessageKey, UidSet, UidValidity,
};

use super::accounts::Accounts;
use super::conversations::message_at;
use super::engine::{Readable, Tx};
use super::keys::{self, Key, Kind};
use super::records::bearing;

impl<T: Readable> Tx<T> {
    pub(crate) fn message_row(&self, key: MessageKey) -> Result<Option<MessageRow>> {
        self.get(&keys::message(&self.practice, key))
    }

    /// The copies of a message.
    pub(crate) fn copies_of(&self, row: &MessageRow) -> Result<Vec<CopyRow>> {
        let copies = row.places.iter().map(|place| self.get(&keys::copy(&self.practice, place)));
        copies.filter_map(Result::transpose).collect()
    }

    pub(crate) fn messages(&self, keys: &[MessageKey]) -> Result<Vec<Message>> {
        let (mut messages, mut accounts) = (Vec::new(), Accounts::new());
        for key in keys {
            if let Some(row) = self.message_row(*key)? {
                messages.push(self.whole(&row, &mut accounts)?);
            }
        }
        Ok(messages)
    }

    pub(crate) fn all_messages(&self, after: Option<MessageKey>, limit: usize) -> Result<Vec<Message>> {
        let after = after.map(|key| keys::message(&self.practice, key));
        let rows = self.records(&Key::of(Kind::Message, &self.practice), after.as_ref())?;
        let mut accounts = Accounts::new();
        rows.take(limit).map(|row| self.whole(&row?, &mut accounts)).collect()
    }

    /// A message with its copies.
    fn whole(&self, row: &MessageRow, accounts: &mut Accounts) -> Result<Message> {
        let copies = self.copies_of(row)?;
        for copy in &copies {
            self.known_account(&copy.copy.place.account, accounts)?;
        }
        let record = |copy: &CopyRow| accounts.get(&copy.copy.place.account)?.as_ref();
        Ok(row.with_copies(copies.iter().filter_map(|copy| Some((copy, record(copy)?)))))
    }

    pub(crate) fn copies(&self, account: &AccountId) -> Result<Vec<CopiesInMailbox>> {
        let mut mailboxes: BTreeMap<_, CopiesInMailbox> = BTreeMap::new();
        for row in self.records::<CopyRow>(&keys::in_account(Kind::Copy, &self.practice, account), None)? {
            let Copy { place, state, .. } = row?.copy;
            if matches!(state, CopyState::Gone { .. }) {
                continue;
            }
            let none = CopiesInMailbox::new(place.mailbox.clone(), place.uid_validity);
            let copies = mailboxes.entry((place.mailbox, place.uid_validity)).or_insert(none);
            match state {
                CopyState::Missing { since } => copies.missing.push((place.uid, since)),
                _ => copies.present.insert(place.uid),
            }
        }
        Ok(mailboxes.into_values().collect())
    }

    pub(crate) fn copies_at(
        &self,
        account: &AccountId,
        mailbox: &MailboxName,
        uid_validity: UidValidity,
        uids: &UidSet,
    ) -> Result<Vec<StoredCopy>> {
        let account = keys::in_account(Kind::Copy, &self.practice, account);
        let prefix = keys::in_mailbox(account, mailbox, uid_validity);
        let (Some(first), Some(last)) = (uids.first(), uids.last()) else { return Ok(Vec::new()) };
        // The UID before the first, or the one number that is no UID.
        let after = prefix.clone().octets(&(first.get() - 1).to_be_bytes());
        let mut found = Vec::new();
        for row in self.records::<CopyRow>(&prefix, Some(&after))? {
            let row = row?;
            let uid = row.copy.place.uid;
            if uid > last {
                break;
            }
            if uids.contains(uid) {
                found.push(StoredCopy::new(row.message, row.copy));
            }
        }
        Ok(found)
    }

    pub(crate) fn dead_letters(&self) -> Result<Vec<DeadLetter>> {
        self.records(&Key::of(Kind::DeadLetter, &self.practice), None)?.collect()
    }

    pub(crate) fn with_message_id(&self, id: &MessageId) -> Result<Vec<MessageKey>> {
        self.keys(&bearing(&self.practice, id), None)?.map(|key| message_at(Some(&key?))).collect()
    }

    /// Whether a message stands on the page of every one of these keys.
    pub(crate) fn is_indexed<'a>(
        &self,
        key: MessageKey,
        mut keys: impl Iterator<Item = &'a KeyDigest>,
    ) -> Result<bool> {
        let Some(row) = self.message_row(key)? else { return Ok(false) };
        keys.try_fold(true, |all, posted| {
            let posting = Key::of(Kind::Posting, &self.practice).octets(posted.as_bytes());
            let posting = posting.time(row.sort_time).octets(key.as_bytes());
            Ok(all && self.octets(&posting)?.is_some())
        })
    }
}
