//! Pages and counts, and who sees what.

use std::collections::BTreeSet;

use super::PracticeRows;
use crate::contract::{NewAccount, PagePosition, PageQuery};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::Sharing;
use crate::storage::rules::{Holder, MessageRow, Sight};
use crate::types::{AccountId, KeyDigest, MessageKey, UserId};

impl PracticeRows {
    /// The newest, first.
    pub(super) fn page(&self, query: &PageQuery) -> Vec<PagePosition> {
        let conversation = match query.conversation.map(|id| self.archive.conversation(id)) {
            None => None,
            Some(None) => return Vec::new(),
            Some(resolved) => resolved,
        };
        let found: BTreeSet<_> =
            query.keys.iter().filter_map(|key| self.archive.postings.get(key)).flatten().collect();
        let wanted = |at: &&PagePosition| {
            query.before.is_none_or(|before| **at < before)
                && self.archive.messages.get(&at.message).is_some_and(|row| {
                    conversation.is_none_or(|id| row.conversation == id)
                        && self.sight(row).passes(&query.filter)
                })
        };
        found.into_iter().rev().filter(wanted).take(query.limit).copied().collect()
    }

    /// How many messages a question has from its beginning on, up to its limit.
    pub(super) fn count(&self, query: &PageQuery) -> usize {
        self.page(&query.clone().before(None)).len()
    }

    /// Whether a message is found by all of these keys.
    pub(super) fn is_indexed(&self, key: MessageKey, keys: &BTreeSet<KeyDigest>) -> bool {
        self.archive.messages.get(&key).is_some_and(|row| {
            let found = |key| self.archive.postings.get(key).is_some_and(|at| at.contains(&row.position()));
            keys.iter().all(found)
        })
    }

    /// Hides a message, or shows it again; says whether that changed anything.
    pub(super) fn hide(&mut self, key: MessageKey, user: &UserId, hidden: bool) -> Result<bool> {
        let has_part =
            self.archive.messages.get(&key).is_some_and(|row| self.sight(row).parts().contains(user));
        let row = self.archive.messages.get_mut(&key).filter(|_| has_part);
        let row =
            row.ok_or_else(|| Error::new(ErrorKind::NotFound, "the user has no part in such a message"))?;
        Ok(if hidden { row.hidden_by.insert(user.clone()) } else { row.hidden_by.remove(user) })
    }

    /// A message, and all who have a copy of it or sent it.
    fn sight<'a>(&self, row: &'a MessageRow) -> Sight<'a> {
        let sharing = |account: &AccountId| self.accounts.get(account).map(|row| &row.record.account);
        let headers_only = |account: &NewAccount| account.settings.sharing == Sharing::HeadersOnly;
        let copies = row.places.iter().filter_map(|place| {
            let (account, copy) = (sharing(&place.account)?, self.archive.copies.get(place)?);
            Some(Holder::new(account.user.clone(), copy.rendition, headers_only(account)))
        });
        let sent = self.outbox.sent_as(row.key).map(|sent| {
            let account = sent.route.account().and_then(sharing);
            Holder::new(sent.author.clone(), sent.rendition, account.is_some_and(headers_only))
        });
        Sight::new(row, copies.chain(sent).collect())
    }
}
