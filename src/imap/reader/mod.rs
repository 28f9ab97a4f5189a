//! A session that reads: LIST and STATUS, EXAMINE and UID SEARCH, UID FETCH with PEEK. Nothing here can change a mailbox.

mod idle;
mod range;
mod responses;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use async_trait::async_trait;

use super::addressed;
use super::commands::{Commands, MAX_SET, Step, add_search};
use super::gmail_query;
use super::listing::{self, MAX_MAILBOXES};
use super::requests::{Bodies, Range, Scan};
use super::wire::{ListRow, Outcome, Response, Verdict, quoted};
use crate::contract::{AddressedWindow, MailboxListing, MailboxReader, MessageEvent, OpenMailbox, Waited};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::AccountSettings;
use crate::types::{MailboxName, MailboxStatus, MatchKey, MessageId, Uid, UidSet, UidValidity};

/// UIDs asked for in one SEARCH, so that its answer stays one line of less than half a megabyte.
const SEARCH_BATCH: u32 = 50_000;

pub(super) struct ImapReader {
    commands: Commands,
    excluded: Vec<String>,
    statuses: BTreeMap<MailboxName, MailboxStatus>,
    scans: VecDeque<Scan>,
    bodies: VecDeque<Bodies>,
    range: Option<Range>,
    /// Whether the server refused to say which conversation a message is part of, whatever it says it can.
    without_threads: bool,
    /// Whether the server does not let anybody wait, whatever it says it can.
    without_idle: bool,
    /// UIDs told of sequence numbers, for servers that send UID and content apart.
    uids_by_sequence: BTreeMap<u32, Uid>,
    events: VecDeque<MessageEvent>,
    /// Why the session broke, where what came before is answered first.
    broken: Option<Error>,
}

impl ImapReader {
    pub(super) fn new(commands: Commands, settings: &AccountSettings) -> Self {
        Self {
            commands,
            excluded: settings.excluded_mailboxes.clone(),
            statuses: BTreeMap::new(),
            scans: VecDeque::new(),
            bodies: VecDeque::new(),
            range: None,
            without_threads: false,
            without_idle: false,
            uids_by_sequence: BTreeMap::new(),
            events: VecDeque::new(),
            broken: None,
        }
    }

    fn is_gmail(&self) -> bool {
        self.commands.can("X-GM-EXT-1")
    }

    fn status_items(&self) -> &'static str {
        if self.commands.can("CONDSTORE") || self.commands.can("QRESYNC") {
            "(MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)"
        } else {
            "(MESSAGES UIDNEXT UIDVALIDITY)"
        }
    }

    /// What is asked of a message before its octets.
    fn addressing_items(&self) -> String {
        let provider = match (self.is_gmail(), self.asks_threads()) {
            (true, _) => " X-GM-THRID X-GM-LABELS",
            (false, true) => " THREADID",
            (false, false) => "",
        };
        format!("UID FLAGS INTERNALDATE RFC822.SIZE{provider} {}", addressed::ADDRESSING)
    }

    fn asks_threads(&self) -> bool {
        self.commands.can("OBJECTID") && !self.without_threads
    }

    async fn queue_status(&mut self, mailbox: &MailboxName) -> Result<()> {
        let line =
            [&b"STATUS "[..], &quoted(mailbox.as_wire()), b" ", self.status_items().as_bytes()].concat();
        self.commands.queue("status", line).await.map(drop)
    }

    /// Waits for every command under way, keeping the statuses that come.
    async fn drain_statuses(
        &mut self,
        rows: &mut Vec<ListRow>,
        list_tag: Option<&str>,
    ) -> Result<Option<Outcome>> {
        let mut listed = None;
        while !self.commands.is_idle() {
            match self.commands.step().await? {
                Step::Ended(sent, outcome) => {
                    if Some(sent.tag.as_str()) == list_tag {
                        listed = Some(outcome);
                    }
                }
                Step::Other(Response::MailboxStatus { name, items }) => {
                    _ = self.statuses.insert(name, listing::status_of(&items));
                }
                Step::Other(Response::List(row)) if rows.len() < MAX_MAILBOXES => rows.push(row),
                Step::Other(_) => {}
            }
        }
        Ok(listed)
    }

    /// Every UID of the open mailbox, by SEARCH where its count is right, else by FETCH.
    async fn uids(&mut self, exists: u32, found: Option<UidSet>) -> Result<UidSet> {
        let mut uids = UidSet::new();
        match found {
            Some(found) => uids = found,
            None => {
                let mut low = 1;
                while low <= exists {
                    let high = low.saturating_add(SEARCH_BATCH - 1).min(exists);
                    uids.extend_from(&self.commands.search(&format!("{low}:{high}")).await?);
                    low = high.saturating_add(1);
                }
            }
        }
        if uids.len() == u64::from(exists) || exists == 0 {
            return Ok(if exists == 0 { UidSet::new() } else { uids });
        }
        let mut fetched = UidSet::new();
        let tag = self.commands.queue("search", b"FETCH 1:* (UID)".to_vec()).await?;
        self.commands
            .run(&tag, |response| {
                if let Response::Fetch(item) = response {
                    item.uid.into_iter().for_each(|uid| fetched.insert(uid));
                }
            })
            .await?;
        Ok(if fetched.is_empty() { uids } else { fetched })
    }

    async fn queue_fetch(
        &mut self,
        name: &'static str,
        uids: &UidSet,
        items: &str,
    ) -> Result<BTreeSet<String>> {
        let mut tags = BTreeSet::new();
        for set in uids.sequence_sets(MAX_SET) {
            tags.insert(self.commands.queue(name, format!("UID FETCH {set} ({items})").into_bytes()).await?);
        }
        self.commands.send().await?;
        Ok(tags)
    }

    /// Asks for the messages of the oldest request. Those of the next wait until it has been answered: a server may answer two
    /// commands at once (RFC 9051 §5.5), and Dovecot does.
    async fn ask_for_bodies(&mut self) -> Result<()> {
        let Some(wanted) = self.bodies.front().filter(|bodies| bodies.tags.is_none()) else { return Ok(()) };
        let wanted = wanted.wanted.clone();
        let tags = self.queue_fetch("fetch_messages", &wanted, "UID BODY.PEEK[]").await?;
        if let Some(bodies) = self.bodies.front_mut() {
            bodies.tags = Some(tags);
        }
        Ok(())
    }

    /// Tells once why the session broke.
    fn unbroken(&mut self) -> Result<()> {
        self.broken.take().map_or(Ok(()), Err)
    }
}

#[async_trait]
impl MailboxReader for ImapReader {
    async fn mailboxes(&mut self, known: &[MailboxName]) -> Result<MailboxListing> {
        self.statuses.clear();
        let rows = if self.commands.lists_statuses() {
            let listed = self.commands.list(&format!("STATUS {}", self.status_items())).await?;
            self.statuses
                .extend(listed.statuses.into_iter().map(|(name, items)| (name, listing::status_of(&items))));
            listed.rows
        } else {
            // Those known from the last time are asked for in the same write.
            let mut rows = Vec::new();
            let tag = self.commands.queue("list", b"LIST \"\" \"*\"".to_vec()).await?;
            for mailbox in known.iter().filter(|m| m.is_speakable()) {
                self.queue_status(mailbox).await?;
            }
            let listed = self.drain_statuses(&mut rows, Some(&tag)).await?;
            let listed =
                listed.ok_or_else(|| Error::new(ErrorKind::Protocol, "the server did not answer LIST"))?;
            self.commands.accepted("LIST", &listed)?;
            rows
        };
        // A listing that was cut off does not tell what is no more there.
        let whole = rows.len() < MAX_MAILBOXES;
        if !whole {
            tracing::warn!(most = MAX_MAILBOXES, "the server lists more mailboxes than are looked at");
        }
        let all = listing::mailboxes(rows);
        let listing = listing::chosen(&all, &self.statuses, &self.excluded, self.is_gmail(), whole)?;
        let unasked: Vec<_> =
            listing.mailboxes.iter().filter(|m| m.status.is_none()).map(|m| m.name.clone()).collect();
        if unasked.is_empty() {
            return Ok(listing);
        }
        for mailbox in &unasked {
            self.queue_status(mailbox).await?;
        }
        self.drain_statuses(&mut Vec::new(), None).await?;
        listing::chosen(&all, &self.statuses, &self.excluded, self.is_gmail(), whole)
    }

    async fn open(&mut self, mailbox: &MailboxName) -> Result<OpenMailbox> {
        self.uids_by_sequence.clear();
        self.commands.news.closed();
        let examine =
            self.commands.queue("examine", [&b"EXAMINE "[..], &quoted(mailbox.as_wire())].concat()).await?;
        let few = self.statuses.get(mailbox).is_some_and(|status| status.messages <= SEARCH_BATCH);
        let search = if few {
            Some(self.commands.queue("search", self.commands.search_line("ALL")).await?)
        } else {
            None
        };
        let mut validity = None;
        let mut exists = 0;
        let mut found = UidSet::new();
        let outcome = self
            .commands
            .run(&examine, |response| match response {
                Response::Exists(n) => exists = n,
                Response::Status(outcome) => {
                    if let Some(value) = outcome.code_value("UIDVALIDITY") {
                        validity = value.parse().ok().and_then(UidValidity::new);
                    }
                }
                response => add_search(&mut found, response),
            })
            .await?;
        self.commands.news.opened(mailbox, exists);
        let mut searched = None;
        if let Some(tag) = search {
            let outcome = self
                .commands
                .run(&tag, |response| match response {
                    Response::Exists(n) => exists = n,
                    response => add_search(&mut found, response),
                })
                .await?;
            searched = Some(found).filter(|_| outcome.verdict == Verdict::Ok);
        }
        if outcome.verdict != Verdict::Ok {
            self.commands.news.closed();
            return Err(self.commands.not_opened(&outcome));
        }
        let unnumbered =
            || Error::new(ErrorKind::MailboxUnavailable, "the server gives a mailbox no UIDVALIDITY");
        let validity =
            validity.or(self.statuses.get(mailbox).and_then(|s| s.uid_validity)).ok_or_else(unnumbered)?;
        let uids = self.uids(exists, searched).await?;
        let mut open = OpenMailbox::new(validity, uids);
        open.complete = open.uids.len() == u64::from(exists);
        Ok(open)
    }

    async fn request_addressing(&mut self, uids: &UidSet) -> Result<()> {
        self.unbroken()?;
        let items = self.addressing_items();
        let tags = self.queue_fetch("fetch_addressing", uids, &items).await?;
        self.scans.push_back(Scan { wanted: uids.clone(), tags, found: BTreeMap::new(), refused: false });
        Ok(())
    }

    async fn next_addressing(&mut self) -> Result<AddressedWindow> {
        self.unbroken()?;
        while self.scans.front().is_some_and(|scan| !scan.tags.is_empty()) {
            if let Err(error) = self.pump().await {
                // What came is answered first, so that the reading gets past a message no session survives.
                let nonsense = matches!(error.kind(), ErrorKind::Protocol | ErrorKind::LimitExceeded);
                let cut_off = matches!(error.kind(), ErrorKind::ConnectionLost | ErrorKind::TimedOut)
                    && self.scans.front().is_some_and(|scan| !scan.found.is_empty());
                if !nonsense && !cut_off {
                    return Err(error);
                }
                self.broken = Some(error);
                break;
            }
        }
        let Some(scan) = self.scans.pop_front() else { return Ok(AddressedWindow::default()) };
        let messages = scan
            .found
            .into_iter()
            .filter_map(|(uid, fetched)| addressed::addressed(uid, fetched, &self.excluded))
            .collect();
        Ok(AddressedWindow::new(messages, scan.refused))
    }

    async fn request_messages(&mut self, uids: &UidSet) -> Result<()> {
        self.unbroken()?;
        self.bodies.push_back(Bodies { wanted: uids.clone(), tags: None, refused: false });
        self.ask_for_bodies().await
    }

    async fn next_message(&mut self) -> Result<MessageEvent> {
        loop {
            self.ask_for_bodies().await?;
            let Some(event) = self.events.pop_front() else {
                // Of what was asked for nothing is under way: nothing was asked for, or it was for no message.
                let tags = self.bodies.front().and_then(|bodies| bodies.tags.as_ref());
                if tags.is_none_or(BTreeSet::is_empty) {
                    self.bodies.pop_front();
                    return Ok(MessageEvent::Done { refused: false });
                }
                self.pump().await?;
                continue;
            };
            let Some(bodies) = self.bodies.front_mut() else { continue };
            return Ok(match event {
                MessageEvent::End(uid) if !bodies.wanted.contains(uid) => MessageEvent::Discard,
                MessageEvent::Empty(uid) if !bodies.wanted.contains(uid) => continue,
                MessageEvent::End(uid) | MessageEvent::Empty(uid) => {
                    let mut one = UidSet::new();
                    one.insert(uid);
                    bodies.wanted = bodies.wanted.difference(&one);
                    event
                }
                MessageEvent::Done { .. } => {
                    self.bodies.pop_front();
                    event
                }
                event => event,
            });
        }
    }

    async fn find_by_message_id(&mut self, id: &MessageId) -> Result<UidSet> {
        let id = id.as_str();
        if !id.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::new(ErrorKind::Invalid, "this Message-ID cannot be searched for"));
        }
        let id = String::from_utf8(quoted(id.as_bytes())).unwrap_or_default();
        self.commands.search(&format!("HEADER Message-ID {id}")).await
    }

    async fn find_by_keys(&mut self, keys: &[MatchKey]) -> Result<Option<UidSet>> {
        let search =
            gmail_query::search_key(keys).filter(|search| self.is_gmail() && search.len() <= MAX_SET);
        let Some(search) = search else { return Ok(None) };
        match self.commands.search(&search).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind() == ErrorKind::ServerRefused => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn read_range(&mut self, uid: Uid, offset: u64, length: usize) -> Result<Option<Vec<u8>>> {
        self.unbroken()?;
        self.range(uid, offset, length).await
    }

    async fn wait_for_change(&mut self, mailbox: &MailboxName, within: Duration) -> Result<Waited> {
        self.idle(mailbox, within).await
    }

    async fn close(mut self: Box<Self>) {
        self.commands.log_out().await;
    }
}
