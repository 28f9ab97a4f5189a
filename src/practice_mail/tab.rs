//! A client's Email tab, message by message.

use super::PracticeMail;
use super::client_tab::{ClientTab, Walk};
use super::tab_view::{Count, Tab, TabQuery};
use super::view::Viewer;
use crate::contract::PagePosition;
use crate::error::{Error, ErrorKind, Result};
use crate::types::{ClientId, MessageKey, PracticeId, Timestamp};

/// Counts are exact to here.
const MAX_COUNT: usize = 1_000;

impl PracticeMail {
    /// A page of a client's Email tab: every message between the client and anyone in the practice that the viewer sees, newest
    /// first, by the practice's and the client's addresses of this moment.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) for an unknown client, [`Forbidden`](ErrorKind::Forbidden) when the viewer may not
    /// see it, [`Invalid`](ErrorKind::Invalid) for a `before` that is none; storage kinds.
    ///
    /// ```
    /// # use practicemail::PracticeMail;
    /// # use practicemail::practice_mail::{TabQuery, Viewer};
    /// # use practicemail::types::{ClientId, PracticeId, UserId};
    /// # async fn page(mail: &PracticeMail, practice: PracticeId, client: ClientId, me: UserId) -> practicemail::error::Result<()> {
    /// let first = mail.tab(&practice, &client, &Viewer::User(me.clone()), &TabQuery::newest(20)).await?;
    /// let second = TabQuery::newest(20).before(first.next);
    /// let second = mail.tab(&practice, &client, &Viewer::User(me), &second).await?;
    /// # let _ = second; Ok(()) }
    /// ```
    pub async fn tab(
        &self,
        practice: &PracticeId,
        client: &ClientId,
        viewer: &Viewer,
        query: &TabQuery,
    ) -> Result<Tab> {
        let tab = self.client_tab(practice, client, viewer).await?;
        let from = query.before.as_deref().map(parse_position).transpose()?;
        let mut walk = Walk::new(self, &tab, query, from);
        let mut messages = Vec::new();
        let limit = query.limit.max(1);
        let mut next = None;
        'pages: while let Some(shown) = walk.next().await? {
            next = walk.rest();
            for one in shown {
                messages.push(one.message);
                if messages.len() == limit {
                    let more = self.has_more(&tab, query, one.position).await?;
                    next = Some(one.position).filter(|_| more);
                    break 'pages;
                }
            }
        }
        let count = self.count(&tab, query).await?;
        Ok(Tab { messages, next: next.map(write_position), count })
    }

    /// Whether the store has anything behind a position: a page that ends where the tab does has no next one.
    pub(super) async fn has_more(
        &self,
        tab: &ClientTab,
        query: &TabQuery,
        position: PagePosition,
    ) -> Result<bool> {
        let rest = tab.question(query, 1).before(Some(position));
        Ok(!self.storage.mail.page(&rest).await?.is_empty())
    }

    /// How many messages there are in all.
    async fn count(&self, tab: &ClientTab, query: &TabQuery) -> Result<Count> {
        let mut counted = 0;
        let mut whole = true;
        if tab.has_rules(query) {
            let every = TabQuery { limit: 200, ..query.clone() };
            let mut walk = Walk::new(self, tab, &every, None);
            while let Some(shown) = walk.next().await? {
                counted += shown.len();
            }
            whole = walk.rest().is_none();
        } else {
            counted += self.storage.mail.count(&tab.question(query, MAX_COUNT + 1)).await?;
        }
        let exact = u32::try_from(counted.min(MAX_COUNT)).unwrap_or(u32::MAX);
        Ok(if whole && counted <= MAX_COUNT { Count::Exactly(exact) } else { Count::MoreThan(exact) })
    }
}

pub(super) fn write_position(position: PagePosition) -> String {
    format!("{}.{}", position.sort_time.as_unix(), position.message)
}

pub(super) fn parse_position(text: &str) -> Result<PagePosition> {
    let parts = text.split_once('.');
    let position = parts.and_then(|(time, key)| {
        Some(PagePosition::new(Timestamp::from_unix(time.parse().ok()?), MessageKey::parse(key)?))
    });
    position.ok_or_else(|| Error::new(ErrorKind::Invalid, "this is not where a page of the tab ends"))
}
