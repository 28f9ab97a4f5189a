//! A client's mail as one viewer sees it: what pages, conversations, counts, searches and exports are made of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::PracticeMail;
use super::send_view::Delivery;
use super::sight::{ArchivedMessage, Seen};
use super::tab_view::{Direction, TabCopy, TabMessage, TabQuery};
use super::view::Viewer;
use crate::contract::{PageFilter, PagePosition, PageQuery};
use crate::error::{Error, ErrorKind, Result};
use crate::matching::{Matcher, Relevance};
use crate::settings::Sharing;
use crate::sync::keys::load_matcher;
use crate::types::{
    AccountId, Authenticity, ClientId, ConversationId, Field, KeyDigest, MatchKey, MessageKey, Participant,
    PracticeId, UserId,
};

/// Messages looked through for one answer at the most: rows that rules hide are passed over.
pub(super) const MAX_LOOKED_AT: usize = 2_000;
/// Messages read at once: each may have half a megabyte of text.
const AT_ONCE: usize = 50;
/// Characters of a snippet.
const SNIPPET: usize = 160;

/// What decides about a client's tab.
pub(super) struct ClientTab {
    practice: PracticeId,
    viewer: Viewer,
    pub(super) matcher: Arc<Matcher>,
    /// The client's keys, as they are compared.
    keys: BTreeMap<KeyDigest, MatchKey>,
    /// Accounts that share headers only.
    headers_only: Arc<BTreeSet<AccountId>>,
}

/// What decides about everybody's tabs, read once for many messages.
#[derive(Clone)]
pub(super) struct Rules {
    pub(super) matcher: Arc<Matcher>,
    headers_only: Arc<BTreeSet<AccountId>>,
}

impl Rules {
    /// Accounts that share headers only.
    pub(super) fn headers_only(&self) -> &BTreeSet<AccountId> {
        &self.headers_only
    }
}

/// One message that is shown.
pub(super) struct Shown {
    pub(super) position: PagePosition,
    /// When it was archived: later ones have higher numbers.
    pub(super) arrival: u64,
    pub(super) message: TabMessage,
}

impl PracticeMail {
    /// A client's tab, if the viewer may see the client at all.
    pub(super) async fn client_tab(
        &self,
        practice: &PracticeId,
        client: &ClientId,
        viewer: &Viewer,
    ) -> Result<ClientTab> {
        let unknown = || Error::new(ErrorKind::NotFound, "the directory does not know this client");
        let rules = self.directory.practice(practice).await?.ok_or_else(unknown)?;
        let entries = self.directory.keys_of(practice, client).await?.ok_or_else(unknown)?;
        if !self.sees_client(practice, client, viewer).await? {
            return Err(Error::new(ErrorKind::Forbidden, "this user may not see this client's mail"));
        }
        let matcher = Matcher::new(&rules, &self.directory.users(practice).await?);
        let keys = matcher.client_keys(&entries);
        let rules = self.rules_of(practice, matcher).await?;
        Ok(ClientTab::new(practice, viewer, &rules, keys))
    }

    /// The rules and keys of a practice.
    pub(super) async fn rules(&self, practice: &PracticeId) -> Result<Rules> {
        let (matcher, _) = load_matcher(&*self.directory, practice).await?;
        self.rules_of(practice, matcher).await
    }

    async fn rules_of(&self, practice: &PracticeId, matcher: Matcher) -> Result<Rules> {
        let accounts = self.storage.mail.accounts(practice).await?.into_iter();
        let headers_only = accounts
            .filter(|record| record.account.settings.sharing == Sharing::HeadersOnly)
            .map(|record| record.account.id)
            .collect();
        Ok(Rules { matcher: Arc::new(matcher), headers_only: Arc::new(headers_only) })
    }

    /// Whether a viewer may see a client's mail.
    pub(super) async fn sees_client(
        &self,
        practice: &PracticeId,
        client: &ClientId,
        viewer: &Viewer,
    ) -> Result<bool> {
        let Viewer::User(user) = viewer else { return Ok(true) };
        let person = self.user(practice, user).await?;
        Ok(person.active && self.directory.may_see(practice, user, client).await?)
    }
}

impl ClientTab {
    /// What is found by any of these keys.
    pub(super) fn new(
        practice: &PracticeId,
        viewer: &Viewer,
        rules: &Rules,
        keys: BTreeMap<KeyDigest, MatchKey>,
    ) -> Self {
        let Rules { matcher, headers_only } = rules.clone();
        Self { practice: practice.clone(), viewer: viewer.clone(), matcher, keys, headers_only }
    }

    /// The store's question for what a host asks.
    pub(super) fn question(&self, query: &TabQuery, limit: usize) -> PageQuery {
        let filter = PageFilter {
            seen_by: self.viewer.user().cloned(),
            without: self.matcher.never_keys(),
            user: query.user.clone(),
            since: query.since,
            until: query.until,
            attachments: query.attachments,
            terms: query.terms.clone(),
        };
        PageQuery::new(self.practice.clone(), self.keys.keys().copied().collect(), limit).filter(filter)
    }

    /// The keys it is found by.
    pub(super) fn keys(&self) -> impl Iterator<Item = KeyDigest> {
        self.keys.keys().copied()
    }

    /// Whether a message the store answers may be left out by a rule the store does not know.
    pub(super) fn has_rules(&self, query: &TabQuery) -> bool {
        let by_what_is_seen = query.user.is_some() || query.attachments.is_some();
        query.direction.is_some()
            || self.matcher.overlaps_staff(&self.keys)
            || (by_what_is_seen && self.viewer.user().is_some())
    }

    /// Whether what is shown is what was asked for: of what is kept from the viewer nothing is told by the answer.
    fn is_asked_for(query: &TabQuery, message: &TabMessage) -> bool {
        let user = |user: &UserId| {
            message.copies.iter().any(|copy| copy.user == *user)
                || message.delivery.as_ref().is_some_and(|delivery| delivery.author == *user)
        };
        query.direction.is_none_or(|wanted| message.direction == wanted)
            && query.user.as_ref().is_none_or(user)
            && query.attachments.is_none_or(|wanted| message.attachments.is_empty() != wanted)
    }

    /// What the viewer sees of a message on this tab; `None` when a rule of today leaves it out.
    pub(super) fn show(&self, archived: &ArchivedMessage<'_>) -> Option<TabMessage> {
        let seen = archived.seen_by(&self.viewer, &self.headers_only)?;
        // The rules of today, not of the day it was archived. A Bcc that was indexed was trusted then.
        if matches!(
            self.matcher.relevance(&archived.everyone(), true),
            Relevance::Internal | Relevance::NeverLogged
        ) {
            return None;
        }
        let own_bcc = archived.bcc(|user| self.viewer.owns(user));
        let mut matched = self.matcher.reasons(&seen.people(), &self.keys);
        if matched.is_empty() {
            return None;
        }
        let seen_otherwise = matched.iter().any(|r| r.field != Field::Bcc);
        matched.retain(|r| {
            let own = own_bcc.iter().any(|p| p.address.key() == r.address.key());
            // That the client is a recipient is why it is here; who else was is not told.
            r.field != Field::Bcc || own || !seen_otherwise
        });
        let message = archived.message;
        let delivery = seen.sent.map(|item| {
            let sees_bcc = self.viewer.owns(&item.message.author);
            Delivery::of(item, |recipient| sees_bcc || recipient.field != Field::Bcc)
        });
        // What left from here is the practice's, also under a noreply address that is nobody's.
        let outgoing = archived.sent.is_some() || self.matcher.is_outgoing(&seen.rendition.participants);
        let direction = if outgoing { Direction::Out } else { Direction::In };
        let of = |field: Field| -> Vec<Participant> {
            seen.rendition.participants.iter().filter(|p| p.field == field).cloned().collect()
        };
        Some(TabMessage {
            id: message.key,
            message_id: message.message_id.clone(),
            time: message.sort_time,
            date: seen.rendition.date,
            from: of(Field::From),
            to: of(Field::To),
            cc: of(Field::Cc),
            bcc: own_bcc.into_iter().collect(),
            subject: seen.rendition.subject.clone(),
            direction,
            snippet: if seen.readable { seen.rendition.snippet(SNIPPET) } else { String::new() },
            attachments: if seen.readable { seen.rendition.attachments.clone() } else { Vec::new() },
            copies: copies(&seen),
            matched,
            conversation: message.conversation,
            versions: seen.renditions.len(),
            authenticity: if outgoing { Authenticity::Unknown } else { authenticity(&seen) },
            headers_only: !seen.readable,
            incomplete: seen.rendition.incomplete,
            hidden: message.hidden_by.iter().any(|user| self.viewer.owns(user)),
            automatic: seen.rendition.automatic,
            delivery,
        })
    }

    /// What the viewer sees of a message, for its body and attachments.
    pub(super) fn seen<'a>(&self, archived: &ArchivedMessage<'a>) -> Option<Seen<'a>> {
        archived.seen_by(&self.viewer, &self.headers_only)
    }
}

fn copies(seen: &Seen<'_>) -> Vec<TabCopy> {
    let mut copies: Vec<TabCopy> = Vec::new();
    for held in &seen.copies {
        let place = &held.copy.place;
        let labels = held.copy.labels.iter();
        let mailboxes =
            if held.copy.labels.is_empty() { vec![place.mailbox.clone()] } else { labels.cloned().collect() };
        let copy = |mailbox| TabCopy { account: place.account.clone(), user: held.user.clone(), mailbox };
        copies.extend(mailboxes.into_iter().map(copy));
    }
    copies.sort();
    copies.dedup();
    copies
}

/// Where servers differ, the one that has something against it counts.
fn authenticity(seen: &Seen<'_>) -> Authenticity {
    let found = |wanted| seen.copies.iter().any(|held| held.copy.authenticity == wanted);
    [Authenticity::Fail, Authenticity::Pass].into_iter().find(|one| found(*one)).unwrap_or_default()
}

/// A way through the messages of a tab, newest first, page by page of the store.
pub(super) struct Walk<'a> {
    door: &'a PracticeMail,
    tab: &'a ClientTab,
    question: PageQuery,
    query: &'a TabQuery,
    looked_at: usize,
    ended: bool,
}

impl<'a> Walk<'a> {
    /// Begins at a position, or with the newest message.
    pub(super) fn new(
        door: &'a PracticeMail,
        tab: &'a ClientTab,
        query: &'a TabQuery,
        from: Option<PagePosition>,
    ) -> Self {
        let question = tab.question(query, query.limit.clamp(1, AT_ONCE)).before(from);
        Self { door, tab, question, query, looked_at: 0, ended: false }
    }

    /// Only messages of a conversation.
    pub(super) fn within(mut self, conversation: ConversationId) -> Self {
        self.question = self.question.of_conversation(conversation);
        self
    }

    /// The next messages that are shown, and where each store page ended; `None` at the end, or where enough was looked through.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Shown>>> {
        if self.ended || self.looked_at >= MAX_LOOKED_AT {
            return Ok(None);
        }
        let page = self.door.storage.mail.page(&self.question).await?;
        self.looked_at += page.len();
        self.ended = page.len() < self.question.limit;
        self.question.before = page.last().copied().or(self.question.before);
        let ids: Vec<MessageKey> = page.iter().map(|p| p.message).collect();
        let sent = self.door.storage.mail.outgoing_of(&self.tab.practice, &ids).await?;
        let mut shown = Vec::new();
        for message in self.door.storage.mail.messages(&self.tab.practice, &ids).await? {
            let sent = sent.iter().find(|item| item.message.message == message.key);
            let position = PagePosition::new(message.sort_time, message.key);
            let arrival = message.arrival;
            let message = self.tab.show(&ArchivedMessage { message: &message, sent });
            let wanted = message.filter(|message| ClientTab::is_asked_for(self.query, message));
            shown.extend(wanted.map(|message| Shown { position, arrival, message }));
        }
        Ok(Some(shown))
    }

    /// Where the walk has come to, if there may be more behind it.
    pub(super) fn rest(&self) -> Option<PagePosition> {
        self.question.before.filter(|_| !self.ended)
    }
}
