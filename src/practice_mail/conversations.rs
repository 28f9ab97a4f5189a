//! A client's Email tab, conversation by conversation.

use std::collections::BTreeSet;

use super::PracticeMail;
use super::client_tab::{ClientTab, Shown, Walk};
use super::tab::{parse_position, write_position};
use super::tab_view::{Conversations, Count, TabConversation, TabMessage, TabQuery};
use super::view::Viewer;
use crate::contract::PagePosition;
use crate::error::{Error, ErrorKind, Result};
use crate::types::{ClientId, ConversationId, Participant, PracticeId};

/// Messages of one conversation that are looked through.
const MAX_MESSAGES: usize = 500;
/// Authors of a conversation that are named.
const MAX_AUTHORS: usize = 20;

impl PracticeMail {
    /// A page of a client's conversations, the one with the newest message first. A conversation has the messages that are this
    /// client's and that the viewer sees, whoever of the practice wrote or received them. Turning pages neither skips nor repeats: what
    /// is archived meanwhile shows when the first page is asked for again.
    ///
    /// # Errors
    /// As [`tab`](Self::tab).
    pub async fn conversations(
        &self,
        practice: &PracticeId,
        client: &ClientId,
        viewer: &Viewer,
        query: &TabQuery,
    ) -> Result<Conversations> {
        let tab = self.client_tab(practice, client, viewer).await?;
        let (from, as_of) = match query.before.as_deref().map(parse_place).transpose()? {
            Some((from, as_of)) => (Some(from), as_of),
            None => (None, self.storage.mail.last_change(practice).await?),
        };
        let mut walk = Walk::new(self, &tab, query, from);
        let mut looked_at: BTreeSet<ConversationId> = BTreeSet::new();
        let mut conversations = Vec::new();
        let limit = query.limit.max(1);
        let (mut rest, mut last) = (None, None);
        'pages: while let Some(shown) = walk.next().await? {
            rest = walk.rest();
            for one in shown {
                if one.arrival > as_of || !looked_at.insert(one.message.conversation) {
                    continue;
                }
                let position = one.position;
                let Some(conversation) = self.summary(&tab, query, one, as_of).await? else { continue };
                if conversations.len() == limit {
                    // There is another one: the next page begins behind the last of this.
                    rest = last;
                    break 'pages;
                }
                last = Some(position);
                conversations.push(conversation);
            }
        }
        let next = rest.map(|position| format!("{}.{as_of}", write_position(position)));
        Ok(Conversations { conversations, next })
    }

    /// Every message of a conversation that is this client's and that the viewer sees, the oldest first, at most five hundred, the newest of
    /// them. An id of before conversations turned out to be one names it still.
    ///
    /// # Errors
    /// As [`tab`](Self::tab); [`NotFound`](ErrorKind::NotFound) where nothing of it is this client's or seen.
    pub async fn conversation(
        &self,
        practice: &PracticeId,
        client: &ClientId,
        viewer: &Viewer,
        id: ConversationId,
    ) -> Result<Vec<TabMessage>> {
        let tab = self.client_tab(practice, client, viewer).await?;
        let (members, _) = self.members(&tab, &TabQuery::default(), id).await?;
        if members.is_empty() {
            return Err(Error::new(ErrorKind::NotFound, "the client has no such conversation"));
        }
        Ok(members.into_iter().rev().map(|shown| shown.message).collect())
    }

    /// A conversation, if `one` is the newest of its messages that the query asks for: it has its place there.
    async fn summary(
        &self,
        tab: &ClientTab,
        query: &TabQuery,
        one: Shown,
        as_of: u64,
    ) -> Result<Option<TabConversation>> {
        let id = one.message.conversation;
        let (every, whole) = self.members(tab, &TabQuery::default(), id).await?;
        let mut authors: Vec<Participant> = Vec::new();
        let mut messages = 0;
        for member in every.iter().filter(|member| member.arrival <= as_of) {
            messages += 1;
            for author in &member.message.from {
                let known = authors.iter().any(|a| a.address.key() == author.address.key());
                if !known && authors.len() < MAX_AUTHORS {
                    authors.push(author.clone());
                }
            }
        }
        let narrowed = TabQuery { limit: 1, before: None, ..query.clone() } != TabQuery::newest(1);
        let asked_for = if narrowed { self.members(tab, query, id).await?.0 } else { every };
        let newest = asked_for.into_iter().find(|member| member.arrival <= as_of).unwrap_or(one);
        if is_before(query, newest.position) {
            return Ok(None);
        }
        let messages = if whole { Count::Exactly(messages) } else { Count::MoreThan(messages) };
        Ok(Some(TabConversation { id, newest: newest.message, messages, authors }))
    }

    /// The messages of a conversation on a tab, newest first, and whether these are all.
    async fn members(
        &self,
        tab: &ClientTab,
        query: &TabQuery,
        id: ConversationId,
    ) -> Result<(Vec<Shown>, bool)> {
        let query = TabQuery { limit: MAX_MESSAGES, before: None, ..query.clone() };
        let mut walk = Walk::new(self, tab, &query, None).within(id);
        let mut members = Vec::new();
        while let Some(shown) = walk.next().await? {
            members.extend(shown);
            if members.len() >= MAX_MESSAGES {
                members.truncate(MAX_MESSAGES);
                break;
            }
        }
        Ok((members, walk.rest().is_none()))
    }
}

/// Whether a position was on an earlier page.
fn is_before(query: &TabQuery, position: PagePosition) -> bool {
    let from = query.before.as_deref().and_then(|before| parse_place(before).ok());
    from.is_some_and(|(from, _)| position >= from)
}

/// A page's end, and the last change when the first page was made.
fn parse_place(text: &str) -> Result<(PagePosition, u64)> {
    let invalid = || Error::new(ErrorKind::Invalid, "this is not where a page of conversations ends");
    let (position, as_of) = text.rsplit_once('.').ok_or_else(invalid)?;
    Ok((parse_position(position)?, as_of.parse().map_err(|_| invalid())?))
}
