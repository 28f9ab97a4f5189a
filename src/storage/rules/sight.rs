//! Who sees a message, and what of it (A1, A2).

use std::collections::BTreeSet;

use super::{MessageRow, words};
use crate::contract::{PageFilter, Rendition};
use crate::types::{Digest, KeyDigest, SearchTerms, Timestamp, UserId};

/// Somebody who has a copy of a message, or sent it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Holder {
    /// Who.
    pub user: UserId,
    /// The rendition that the copy holds, or that was sent.
    pub rendition: Digest,
    /// Whether the account it lies in, or left by, shares headers only.
    pub headers_only: bool,
}

impl Holder {
    /// A user who has a copy of this rendition, or sent it.
    pub fn new(user: UserId, rendition: Digest, headers_only: bool) -> Self {
        Self { user, rendition, headers_only }
    }
}

/// A message, and all who have it.
#[derive(Debug)]
pub struct Sight<'a> {
    message: &'a MessageRow,
    holders: Vec<Holder>,
}

/// What is looked for of a rendition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shares {
    Headers,
    Text,
}

impl<'a> Sight<'a> {
    /// A message: one holder for every copy of it, and one for every intent that is it.
    pub fn new(message: &'a MessageRow, holders: Vec<Holder>) -> Self {
        Self { message, holders }
    }

    /// Users who have a copy of it, or sent it.
    pub fn parts(&self) -> BTreeSet<&UserId> {
        self.holders.iter().map(|holder| &holder.user).collect()
    }

    /// Whether everything holds that a filter sets.
    pub fn passes(&self, filter: &PageFilter) -> bool {
        let PageFilter { seen_by, without, user, since, until, attachments, terms } = filter;
        let message = self.message;
        let parts = self.parts();
        let sees = |user: &UserId| {
            parts.contains(user) || parts.iter().any(|other| !message.hidden_by.contains(*other))
        };
        let has_attachments = message.renditions.iter().any(|rendition| !rendition.attachments.is_empty());
        let carries = |key: &KeyDigest| message.keys.contains(key);
        seen_by.as_ref().is_none_or(sees)
            && !without.iter().any(carries)
            && user.as_ref().is_none_or(|user| parts.contains(user))
            && since.is_none_or(|since: Timestamp| message.sort_time >= since)
            && until.is_none_or(|until| message.sort_time < until)
            && attachments.is_none_or(|wanted| has_attachments == wanted)
            && terms.as_ref().is_none_or(|terms| self.holds(terms, seen_by.as_ref()))
    }

    /// Whether the terms stand in one rendition, in its text only where the user may read it.
    fn holds(&self, terms: &SearchTerms, user: Option<&UserId>) -> bool {
        let is_shown =
            |rendition: &Rendition, what| user.is_none_or(|user| self.is_shown(rendition, user, what));
        let is_found = |rendition: &Rendition| {
            let mut texts = Vec::new();
            if is_shown(rendition, Shares::Headers) {
                texts.append(&mut words::head(rendition));
            }
            if is_shown(rendition, Shares::Text) {
                texts.append(&mut words::body(rendition));
            }
            terms.match_words(&texts)
        };
        self.message.renditions.iter().any(is_found)
    }

    /// Whether a rendition, or only who wrote it and what about, is shown to a user.
    fn is_shown(&self, rendition: &Rendition, user: &UserId, what: Shares) -> bool {
        let shares = |holder: &Holder| what == Shares::Headers || !holder.headers_only;
        let is_open = |holder: &Holder| {
            holder.user == *user || (shares(holder) && !self.message.hidden_by.contains(&holder.user))
        };
        self.holders.iter().any(|holder| holder.rendition == rendition.digest && is_open(holder))
    }
}
