//! Pages (S8): of each key the newest, merged.

use practicemail::contract::{AccountRecord, ChangeKind, PageFilter, PagePosition, PageQuery};
use practicemail::error::{Error, ErrorKind, Result};
use practicemail::settings::Sharing;
use practicemail::storage::rules::{Holder, MessageRow, Sight};
use practicemail::types::{KeyDigest, MessageKey, UserId};

use super::accounts::Accounts;
use super::conversations::{damaged, message_at};
use super::engine::{Readable, Tx, Writing};
use super::keys::{self, Key, Kind};

impl<T: Readable> Tx<T> {
    /// The newest, first.
    pub(crate) fn page(&self, query: &PageQuery) -> Result<Vec<PagePosition>> {
        let conversation = match query.conversation {
            None => None,
            Some(id) => match self.conversation(id)? {
                None => return Ok(Vec::new()),
                known => known,
            },
        };
        let is_asked_more = conversation.is_some() || query.filter != PageFilter::default();
        let (mut page, mut accounts) = (Vec::new(), Accounts::new());
        for position in self.newest(&query.keys, query.before)? {
            if page.len() == query.limit {
                break;
            }
            let position = position?;
            if is_asked_more {
                let Some(row) = self.message_row(position.message)? else { continue };
                if conversation.is_some_and(|id| row.conversation != id)
                    || !self.sight(&row, &mut accounts)?.passes(&query.filter)
                {
                    continue;
                }
            }
            page.push(position);
        }
        Ok(page)
    }

    /// What carries any of these keys, the newest first, each once: no more of any key is read than is wanted.
    fn newest(
        &self,
        keys: &[KeyDigest],
        before: Option<PagePosition>,
    ) -> Result<impl Iterator<Item = Result<PagePosition>>> {
        let mut heads = Vec::new();
        for key in keys {
            let prefix = Key::of(Kind::Posting, &self.practice).octets(key.as_bytes());
            let mut postings = self.older(&prefix, before)?;
            if let Some(first) = postings.next().transpose()? {
                heads.push((first, postings));
            }
        }
        let mut last = None;
        Ok(std::iter::from_fn(move || {
            loop {
                let (at, _) = heads.iter().enumerate().max_by_key(|(_, (position, _))| *position)?;
                let head = heads.get_mut(at)?;
                let newest = head.0;
                match head.1.next() {
                    Some(Ok(next)) => head.0 = next,
                    Some(Err(error)) => return Some(Err(error)),
                    None => drop(heads.swap_remove(at)),
                }
                if last.replace(newest) != Some(newest) {
                    return Some(Ok(newest));
                }
            }
        }))
    }

    /// The positions of one key before another, newest first.
    fn older<'a>(
        &'a self,
        prefix: &Key,
        before: Option<PagePosition>,
    ) -> Result<impl Iterator<Item = Result<PagePosition>> + use<'a, T>> {
        let end = before.map(|at| prefix.clone().time(at.sort_time).octets(at.message.as_bytes()));
        Ok(self.keys_before(prefix, end.as_ref())?.map(|key| position_at(&key?)))
    }

    /// A message, and all who have a copy of it or sent it.
    fn sight<'a>(&self, row: &'a MessageRow, accounts: &mut Accounts) -> Result<Sight<'a>> {
        let mut holders = Vec::new();
        for copy in self.copies_of(row)? {
            if let Some(record) = self.known_account(&copy.copy.place.account, accounts)? {
                let user = record.account.user.clone();
                holders.push(Holder::new(user, copy.rendition, shares_headers_only(record)));
            }
        }
        for sent in self.intents_of(row.key)? {
            let message = sent.row.item.message;
            let record = match message.route.account() {
                Some(account) => self.known_account(account, accounts)?,
                None => None,
            };
            let headers_only = record.is_some_and(shares_headers_only);
            holders.push(Holder::new(message.author, message.rendition, headers_only));
        }
        Ok(Sight::new(row, holders))
    }
}

impl Writing<'_> {
    /// Hides a message, or shows it again, and tells it; says whether that changed anything (A1).
    pub(crate) fn hide(&mut self, key: MessageKey, user: &UserId, hidden: bool) -> Result<bool> {
        let none = || Error::new(ErrorKind::NotFound, "the user has no part in such a message");
        let mut row = self.get::<MessageRow>(&keys::message(&self.practice, key))?.ok_or_else(none)?;
        if !self.sight(&row, &mut Accounts::new())?.parts().contains(user) {
            return Err(none());
        }
        let changed = if hidden { row.hidden_by.insert(user.clone()) } else { row.hidden_by.remove(user) };
        if changed {
            self.put(&row)?;
            let kind = if hidden { ChangeKind::MessageHidden(key) } else { ChangeKind::MessageShown(key) };
            self.tell_by(None, Some(user.clone()), kind)?;
        }
        Ok(changed)
    }
}

fn shares_headers_only(record: &AccountRecord) -> bool {
    record.account.settings.sharing == Sharing::HeadersOnly
}

/// The position that a posting ends with.
fn position_at(octets: &[u8]) -> Result<PagePosition> {
    let (time, message) = octets.split_first_chunk().ok_or_else(damaged)?;
    Ok(PagePosition::new(keys::time_of(*time), message_at(Some(message))?))
}
