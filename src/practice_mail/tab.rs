//! A client's Email tab.

use std::collections::{BTreeMap, BTreeSet};

use super::PracticeMail;
use super::send_view::Delivery;
use super::view::{Count, Direction, Tab, TabCopy, TabMessage, Viewer};
use crate::contract::{Message, Outgoing, PagePosition, PageQuery};
use crate::error::{Error, ErrorKind, Result};
use crate::matching::{Matcher, Relevance};
use crate::types::{
    CleanText, ClientId, Field, KeyDigest, MatchKey, MessageKey, Participant, PracticeId, Timestamp, UserId,
};

/// Messages looked through for one page at the most: rows that rules hide are passed over.
const MAX_LOOKED_AT: usize = 2_000;
/// Counts are exact to here.
const MAX_COUNT: u32 = 1_000;
/// Characters of a snippet.
const SNIPPET: usize = 160;

impl PracticeMail {
    /// A page of a client's Email tab: every message between the client and anyone in the practice, newest first.
    /// `before` is a page's [`next`](Tab::next).
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) for an unknown client, [`Forbidden`](ErrorKind::Forbidden) when the viewer may not
    /// see it, [`Invalid`](ErrorKind::Invalid) for a `before` that is none; storage kinds.
    pub async fn tab(
        &self,
        practice: &PracticeId,
        client: &ClientId,
        viewer: &Viewer,
        limit: usize,
        before: Option<&str>,
    ) -> Result<Tab> {
        let unknown = || Error::new(ErrorKind::NotFound, "the directory does not know this client");
        let rules = self.directory.practice(practice).await?.ok_or_else(unknown)?;
        let entries = self.directory.keys_of(practice, client).await?.ok_or_else(unknown)?;
        self.may_see(practice, client, viewer).await?;
        let users = self.directory.users(practice).await?;
        let matcher = Matcher::new(&rules, &users);
        let keys = matcher.client_keys(&entries);
        let digests: Vec<KeyDigest> = keys.keys().copied().collect();
        let mut position = before.map(parse_position).transpose()?;
        let mut messages = Vec::new();
        let mut looked_at = 0;
        let limit = limit.max(1);
        let next = loop {
            let query = PageQuery::new(practice.clone(), digests.clone(), limit + 1).before(position);
            let page = self.storage.mail.page(&query).await?;
            let last = page.len() <= limit;
            let shown = page.get(..limit.min(page.len())).unwrap_or_default();
            let ids: Vec<MessageKey> = shown.iter().map(|p| p.message).collect();
            let sent = self.storage.mail.outgoing_of(practice, &ids).await?;
            for message in self.storage.mail.messages(practice, &ids).await? {
                position = Some(PagePosition::new(message.sort_time, message.key));
                let sent = sent.iter().find(|item| item.message.message == message.key);
                messages.extend(show(&Archived { message: &message, sent }, &matcher, &keys, viewer));
                if messages.len() == limit {
                    break;
                }
            }
            looked_at += shown.len();
            let filled = messages.len() >= limit;
            if filled || last || looked_at >= MAX_LOOKED_AT {
                let stopped_early = position.is_some_and(|p| page.last().is_some_and(|l| *l != p));
                break position.filter(|_| !last || (filled && stopped_early));
            }
        };
        let count = self.storage.mail.count(practice, &digests, MAX_COUNT + 1).await?;
        let count = if count > MAX_COUNT { Count::MoreThan(MAX_COUNT) } else { Count::Exactly(count) };
        Ok(Tab { messages, next: next.map(|p| format!("{}.{}", p.sort_time.as_unix(), p.message)), count })
    }

    async fn may_see(&self, practice: &PracticeId, client: &ClientId, viewer: &Viewer) -> Result<()> {
        let Viewer::User(user) = viewer else { return Ok(()) };
        let person = self.user(practice, user).await?;
        if person.active && self.directory.may_see(practice, user, client).await? {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Forbidden, "this user may not see this client's mail"))
    }
}

fn parse_position(text: &str) -> Result<PagePosition> {
    let parts = text.split_once('.');
    let position = parts.and_then(|(time, key)| {
        Some(PagePosition::new(Timestamp::from_unix(time.parse().ok()?), MessageKey::parse(key)?))
    });
    position.ok_or_else(|| Error::new(ErrorKind::Invalid, "this is not where a page of the tab ends"))
}

/// A message, and the intent by which the practice sent it, where it did.
struct Archived<'a> {
    message: &'a Message,
    sent: Option<&'a Outgoing>,
}

impl Archived<'_> {
    /// Recipients nobody else sees, of the copies and of the intent that belong to users of whom `owns` says so.
    fn bcc(&self, owns: impl Fn(&UserId) -> bool) -> BTreeSet<Participant> {
        let copies = self.message.copies.iter().filter(|copy| owns(&copy.user));
        let sent = self.sent.into_iter().filter(|item| owns(&item.message.author));
        let recipients = sent.flat_map(|item| &item.recipients).filter(|r| r.field == Field::Bcc);
        let of_sent =
            recipients.map(|r| Participant::new(Field::Bcc, r.address.clone(), CleanText::default()));
        let named: BTreeSet<Participant> = copies.flat_map(|copy| copy.bcc.iter().cloned()).collect();
        let missing: Vec<Participant> =
            of_sent.filter(|p| !named.iter().any(|n| n.address.key() == p.address.key())).collect();
        named.into_iter().chain(missing).collect()
    }
}

/// What a viewer sees of a message on a client's tab; `None` when the practice's rules leave it out now.
fn show(
    archived: &Archived<'_>,
    matcher: &Matcher,
    keys: &BTreeMap<KeyDigest, MatchKey>,
    viewer: &Viewer,
) -> Option<TabMessage> {
    let owns = |user: &UserId| !matches!(viewer, Viewer::User(viewer) if viewer != user);
    let message = archived.message;
    let rendition = message.renditions.first()?;
    let mut everyone: Vec<Participant> =
        message.renditions.iter().flat_map(|r| r.participants.iter().cloned()).collect();
    everyone.extend(archived.bcc(|_| true));
    everyone.sort();
    everyone.dedup();
    // The rules of today, not of the day it was archived. A Bcc that was indexed was trusted then.
    if matches!(matcher.relevance(&everyone, true), Relevance::Internal | Relevance::NeverLogged) {
        return None;
    }
    let own_bcc = archived.bcc(owns);
    let mut matched = matcher.reasons(&everyone, keys);
    if matched.is_empty() {
        return None;
    }
    let seen_otherwise = matched.iter().any(|r| r.field != Field::Bcc);
    matched.retain(|r| {
        let own = own_bcc.iter().any(|p| p.address.key() == r.address.key());
        // That the client is a recipient is why it is here; who else was is not told.
        r.field != Field::Bcc || own || !seen_otherwise
    });
    let of = |field: Field| {
        rendition.participants.iter().filter(|p| p.field == field).cloned().collect::<Vec<_>>()
    };
    let mut copies: Vec<TabCopy> = Vec::new();
    for held in &message.copies {
        let place = &held.copy.place;
        let labels = held.copy.labels.iter();
        let mailboxes =
            if held.copy.labels.is_empty() { vec![place.mailbox.clone()] } else { labels.cloned().collect() };
        let copy = |mailbox| TabCopy { account: place.account.clone(), user: held.user.clone(), mailbox };
        copies.extend(mailboxes.into_iter().map(copy));
    }
    copies.sort();
    copies.dedup();
    let delivery = archived.sent.map(|item| {
        let sees_bcc = owns(&item.message.author);
        Delivery::of(item, |recipient| sees_bcc || recipient.field != Field::Bcc)
    });
    // What left from here is the practice's, also under a noreply address that is nobody's.
    let outgoing = delivery.is_some() || matcher.is_outgoing(&rendition.participants);
    Some(TabMessage {
        id: message.key,
        message_id: message.message_id.clone(),
        time: message.sort_time,
        date: rendition.date,
        from: of(Field::From),
        to: of(Field::To),
        cc: of(Field::Cc),
        bcc: own_bcc.into_iter().collect(),
        subject: rendition.subject.clone(),
        direction: if outgoing { Direction::Out } else { Direction::In },
        snippet: rendition.snippet(SNIPPET),
        attachments: rendition.attachments.clone(),
        copies,
        matched,
        versions: message.renditions.len(),
        automatic: rendition.automatic,
        delivery,
    })
}
