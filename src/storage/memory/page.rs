//! Pages and counts, and who sees what.

use std::collections::BTreeSet;

use super::PracticeRows;
use super::account::AccountRow;
use super::archive::{CopyRow, MessageRow};
use crate::contract::{NewOutgoing, PageFilter, PagePosition, PageQuery, Rendition, Route};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::Sharing;
use crate::storage::words;
use crate::types::{Digest, KeyDigest, MessageKey, SearchTerms, Timestamp, UserId};

/// What is looked for of a rendition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shares {
    Headers,
    Text,
}

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
                        && self.passes(at.message, row, &query.filter)
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
        let Some(row) = self.archive.messages.get(&key) else { return false };
        keys.iter().all(|posted| self.carries(key, row, posted))
    }

    /// Hides a message, or shows it again; says whether that changed anything.
    pub(super) fn hide(&mut self, key: MessageKey, user: &UserId, hidden: bool) -> Result<bool> {
        let has_part = self.archive.messages.get(&key).is_some_and(|row| self.parts(key, row).contains(user));
        let row = self.archive.messages.get_mut(&key).filter(|_| has_part);
        let row =
            row.ok_or_else(|| Error::new(ErrorKind::NotFound, "the user has no part in such a message"))?;
        Ok(if hidden { row.hidden_by.insert(user.clone()) } else { row.hidden_by.remove(user) })
    }

    fn passes(&self, key: MessageKey, row: &MessageRow, filter: &PageFilter) -> bool {
        let PageFilter { seen_by, without, user, since, until, attachments, terms } = filter;
        let parts = self.parts(key, row);
        let sees =
            |user: &UserId| parts.contains(user) || parts.iter().any(|other| !row.hidden_by.contains(other));
        let has_attachments = row.renditions.iter().any(|rendition| !rendition.attachments.is_empty());
        seen_by.as_ref().is_none_or(sees)
            && !without.iter().any(|posted| self.carries(key, row, posted))
            && user.as_ref().is_none_or(|user| parts.contains(user))
            && since.is_none_or(|since: Timestamp| row.sort_time >= since)
            && until.is_none_or(|until| row.sort_time < until)
            && attachments.is_none_or(|wanted| has_attachments == wanted)
            && terms.as_ref().is_none_or(|terms| self.holds(key, row, terms, seen_by.as_ref()))
    }

    fn carries(&self, key: MessageKey, row: &MessageRow, posted: &KeyDigest) -> bool {
        let position = PagePosition::new(row.sort_time, key);
        self.archive.postings.get(posted).is_some_and(|positions| positions.contains(&position))
    }

    /// Users who have a copy of a message, or sent it.
    fn parts<'a>(&'a self, key: MessageKey, row: &'a MessageRow) -> BTreeSet<&'a UserId> {
        let copies = self.copies_of(row).map(|(_, user, _)| user);
        copies.chain(self.outbox.sent_as(key).map(|sent| &sent.author)).collect()
    }

    /// Whether the terms stand in one rendition, in its text only where the user may read it.
    fn holds(&self, key: MessageKey, row: &MessageRow, terms: &SearchTerms, user: Option<&UserId>) -> bool {
        let is_found = |rendition: &Rendition| {
            let mut texts = Vec::new();
            if user.is_none_or(|user| self.is_shown(key, row, (rendition.digest, user), Shares::Headers)) {
                texts.append(&mut words::head(rendition));
            }
            if user.is_none_or(|user| self.is_shown(key, row, (rendition.digest, user), Shares::Text)) {
                texts.append(&mut words::body(rendition));
            }
            terms.match_words(&texts)
        };
        row.renditions.iter().any(is_found)
    }

    /// Whether a rendition, or only who wrote it and what about, is shown to a user.
    fn is_shown(
        &self,
        key: MessageKey,
        row: &MessageRow,
        (rendition, user): (Digest, &UserId),
        what: Shares,
    ) -> bool {
        let open = |owner: &UserId, sharing: Sharing| {
            let shares = what == Shares::Headers || sharing != Sharing::HeadersOnly;
            owner == user || (shares && !row.hidden_by.contains(owner))
        };
        let by_copy = |(copy, owner, sharing): (&CopyRow, &UserId, Sharing)| {
            copy.rendition == rendition && open(owner, sharing)
        };
        let as_sent = |sent: &NewOutgoing| {
            let sharing = match &sent.route {
                Route::Own(account) => self.accounts.get(account).map(AccountRow::sharing),
                Route::Noreply => None,
            };
            sent.rendition == rendition && open(&sent.author, sharing.unwrap_or_default())
        };
        self.copies_of(row).any(by_copy) || self.outbox.sent_as(key).any(as_sent)
    }

    fn copies_of<'a>(
        &'a self,
        row: &'a MessageRow,
    ) -> impl Iterator<Item = (&'a CopyRow, &'a UserId, Sharing)> {
        row.places.iter().filter_map(|place| {
            let account = &self.accounts.get(&place.account)?.record.account;
            Some((self.archive.copies.get(place)?, &account.user, account.settings.sharing))
        })
    }
}
