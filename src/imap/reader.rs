//! A session that reads: LIST and STATUS, EXAMINE and UID SEARCH, UID FETCH with PEEK. Nothing here can change a mailbox.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use async_trait::async_trait;
use chrono::DateTime;
use tokio::time::timeout;

use super::classify::{self, Stage};
use super::connector::{CommandPoint, CommandProbe, Wire};
use super::listing::{self, MAX_MAILBOXES};
use super::wire::{Body, Fetched, ListRow, Outcome, Response, Verdict, quoted};
use crate::contract::{Addressed, AddressedWindow, MailboxListing, MailboxReader, MessageEvent, OpenMailbox};
use crate::error::{Error, ErrorKind, Result};
use crate::mime::addressing_headers;
use crate::settings::AccountSettings;
use crate::types::{MailboxName, MailboxStatus, MessageId, ModSeq, Timestamp, Uid, UidSet, UidValidity};

/// Longest sequence-set in a command: servers refuse lines of more than 8,192 octets.
const MAX_SET: usize = 7_000;
/// UIDs asked for in one SEARCH, so that its answer stays one line of less than half a megabyte.
const SEARCH_BATCH: u32 = 50_000;
/// How long the answer to a command is waited for behind a BYE.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Fields by which a message can belong to a client, and those by which it is recognised.
const ADDRESSING: &str = "BODY.PEEK[HEADER.FIELDS (FROM SENDER TO CC BCC X-ORIGINAL-FROM MESSAGE-ID DATE)]";

/// A command under way.
#[derive(Debug)]
struct Sent {
    tag: String,
    name: &'static str,
}

/// A request for addressing headers: its commands not yet answered, and what came.
#[derive(Debug)]
struct Scan {
    wanted: UidSet,
    tags: BTreeSet<String>,
    found: BTreeMap<Uid, Fetched>,
    refused: bool,
}

/// A request for messages.
#[derive(Debug)]
struct Bodies {
    wanted: UidSet,
    tags: BTreeSet<String>,
    refused: bool,
}

/// What a read of responses stops at.
enum Step {
    Ended(Sent, Outcome),
    Other(Response),
}

pub(super) struct ImapReader {
    session: async_imap::Session<Wire>,
    probe: CommandProbe,
    capabilities: BTreeSet<String>,
    excluded: Vec<String>,
    plain_list: bool,
    statuses: BTreeMap<MailboxName, MailboxStatus>,
    /// Commands sent and not yet ended, oldest first.
    under_way: VecDeque<Sent>,
    scans: VecDeque<Scan>,
    bodies: VecDeque<Bodies>,
    /// UIDs told of sequence numbers, for servers that send UID and content apart.
    uids_by_sequence: BTreeMap<u32, Uid>,
    events: VecDeque<MessageEvent>,
    /// Why the session broke, where what came before is answered first.
    broken: Option<Error>,
}

impl ImapReader {
    pub(super) fn new(
        session: async_imap::Session<Wire>,
        probe: CommandProbe,
        settings: &AccountSettings,
        plain_list: bool,
    ) -> Self {
        Self {
            session,
            probe,
            capabilities: BTreeSet::new(),
            excluded: settings.excluded_mailboxes.clone(),
            plain_list,
            statuses: BTreeMap::new(),
            under_way: VecDeque::new(),
            scans: VecDeque::new(),
            bodies: VecDeque::new(),
            uids_by_sequence: BTreeMap::new(),
            events: VecDeque::new(),
            broken: None,
        }
    }

    pub(super) fn capable_of(&mut self, capabilities: BTreeSet<String>) {
        self.capabilities = capabilities;
    }

    pub(super) async fn ask_capabilities(&mut self) -> Result<BTreeSet<String>> {
        let tag = self.queue("capability", b"CAPABILITY".to_vec()).await?;
        let mut capabilities = BTreeSet::new();
        let outcome = self
            .run(&tag, |response| {
                if let Response::Capability(words) = response {
                    capabilities = words.into_iter().collect();
                }
            })
            .await?;
        accepted("CAPABILITY", &outcome)?;
        Ok(capabilities)
    }

    fn can(&self, capability: &str) -> bool {
        self.capabilities.contains(capability)
    }

    fn is_gmail(&self) -> bool {
        self.can("X-GM-EXT-1")
    }

    /// Adds a command to the next write; answers its tag.
    async fn queue(&mut self, name: &'static str, line: Vec<u8>) -> Result<String> {
        (self.probe)(CommandPoint::Before(name));
        self.session.get_mut().stage([line]);
        let queued = self.session.run_command(".").await;
        let tag = queued.map_err(|_| Error::new(ErrorKind::ConnectionLost, "the connection broke"))?.0;
        self.under_way.push_back(Sent { tag: tag.clone(), name });
        Ok(tag)
    }

    /// Reads the next response, and tells which command it ends, if any.
    async fn step(&mut self) -> Result<Step> {
        self.session.get_mut().send().await?;
        loop {
            match self.session.get_mut().next().await? {
                Response::Tagged { tag, outcome } => {
                    // An answer to a tag that was never sent ends nothing.
                    if let Some(index) = self.under_way.iter().position(|sent| sent.tag == tag)
                        && let Some(sent) = self.under_way.remove(index)
                    {
                        self.session.get_mut().reset_limits();
                        (self.probe)(CommandPoint::After(sent.name));
                        return Ok(Step::Ended(sent, outcome));
                    }
                }
                Response::Bye(outcome) => return Err(self.reason_of(&outcome).await),
                response => return Ok(Step::Other(response)),
            }
        }
    }

    /// Why the server ended the session: where BYE does not say, the answer to the command may, behind it.
    async fn reason_of(&mut self, bye: &Outcome) -> Error {
        let error = classify::said_bye(bye);
        if error.kind() != ErrorKind::ServerUnavailable {
            return error;
        }
        let answer = async {
            loop {
                match self.session.get_mut().next().await {
                    Ok(Response::Tagged { outcome, .. }) => return Some(outcome),
                    Ok(_) => {}
                    Err(_) => return None,
                }
            }
        };
        let answer = timeout(LAST_WORDS, answer).await.ok().flatten();
        let told = answer.filter(|outcome| outcome.verdict != Verdict::Ok);
        let told = told.map(|outcome| classify::refused(Stage::Command, "a command", &outcome));
        told.filter(|told| told.kind() != ErrorKind::ServerRefused).unwrap_or(error)
    }

    /// Runs one command to its end while nothing else is under way.
    async fn run(&mut self, tag: &str, mut on: impl FnMut(Response)) -> Result<Outcome> {
        loop {
            match self.step().await? {
                Step::Ended(sent, outcome) if sent.tag == tag => return Ok(outcome),
                Step::Ended(..) => {}
                Step::Other(response) => on(response),
            }
        }
    }

    /// LIST, with STATUS in its answers where the server can.
    async fn list(&mut self, rows: &mut Vec<ListRow>) -> Result<Outcome> {
        let mut line = b"LIST \"\" \"*\"".to_vec();
        let extended = !self.plain_list && (self.can("LIST-EXTENDED") || self.can("LIST-STATUS"));
        if extended {
            let special_use = if self.can("SPECIAL-USE") { "SPECIAL-USE " } else { "" };
            let status = if self.can("LIST-STATUS") {
                format!("STATUS {}", self.status_items())
            } else {
                String::new()
            };
            let options = format!("{special_use}{status}");
            if !options.is_empty() {
                line.extend(format!(" RETURN ({})", options.trim_end()).bytes());
            }
        }
        let tag = self.queue("list", line).await?;
        let mut statuses = Vec::new();
        let outcome = self
            .run(&tag, |response| match response {
                Response::List(row) if rows.len() < MAX_MAILBOXES => rows.push(row),
                Response::MailboxStatus { name, items } => statuses.push((name, status_of(&items))),
                _ => {}
            })
            .await?;
        self.statuses.extend(statuses);
        if extended && outcome.verdict == Verdict::Bad {
            self.plain_list = true;
            rows.clear();
            return Box::pin(self.list(rows)).await;
        }
        Ok(outcome)
    }

    fn status_items(&self) -> &'static str {
        if self.can("CONDSTORE") || self.can("QRESYNC") {
            "(MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)"
        } else {
            "(MESSAGES UIDNEXT UIDVALIDITY)"
        }
    }

    async fn queue_status(&mut self, mailbox: &MailboxName) -> Result<()> {
        let line =
            [&b"STATUS "[..], &quoted(mailbox.as_wire()), b" ", self.status_items().as_bytes()].concat();
        self.queue("status", line).await.map(drop)
    }

    /// Waits for every command under way, keeping the statuses that come.
    async fn drain_statuses(
        &mut self,
        rows: &mut Vec<ListRow>,
        list_tag: Option<&str>,
    ) -> Result<Option<Outcome>> {
        let mut listed = None;
        while !self.under_way.is_empty() {
            match self.step().await? {
                Step::Ended(sent, outcome) => {
                    if Some(sent.tag.as_str()) == list_tag {
                        listed = Some(outcome);
                    }
                }
                Step::Other(Response::MailboxStatus { name, items }) => {
                    _ = self.statuses.insert(name, status_of(&items));
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
                    uids.extend_from(&self.search(&format!("{low}:{high}")).await?);
                    low = high.saturating_add(1);
                }
            }
        }
        if uids.len() == u64::from(exists) || exists == 0 {
            return Ok(if exists == 0 { UidSet::new() } else { uids });
        }
        let mut fetched = UidSet::new();
        let tag = self.queue("search", b"FETCH 1:* (UID)".to_vec()).await?;
        self.run(&tag, |response| {
            if let Response::Fetch(item) = response {
                item.uid.into_iter().for_each(|uid| fetched.insert(uid));
            }
        })
        .await?;
        Ok(if fetched.is_empty() { uids } else { fetched })
    }

    fn search_line(&self, criteria: &str) -> Vec<u8> {
        let returning = if self.can("ESEARCH") { "RETURN (ALL) " } else { "" };
        format!("UID SEARCH {returning}{criteria}").into_bytes()
    }

    async fn search(&mut self, criteria: &str) -> Result<UidSet> {
        let tag = self.queue("search", self.search_line(criteria)).await?;
        let mut uids = UidSet::new();
        let outcome = self.run(&tag, |response| add_search(&mut uids, response)).await?;
        accepted("SEARCH", &outcome)?;
        Ok(uids)
    }

    /// Puts a FETCH response where it belongs.
    fn sort(&mut self, fetched: Fetched) {
        if let Some(uid) = fetched.uid
            && self.uids_by_sequence.len() < SEARCH_BATCH as usize
        {
            self.uids_by_sequence.insert(fetched.sequence, uid);
        }
        let uid = fetched.uid.or_else(|| self.uids_by_sequence.get(&fetched.sequence).copied());
        match fetched.body {
            Body::Absent => {}
            Body::Empty => {
                if let Some(uid) = uid {
                    self.events.push_back(MessageEvent::Empty(uid));
                }
                return;
            }
            Body::Streamed => {
                let event = uid.map_or(MessageEvent::Discard, MessageEvent::End);
                self.events.push_back(event);
                return;
            }
        }
        let Some(uid) = uid else { return };
        if let Some(scan) = self.scans.iter_mut().find(|scan| scan.wanted.contains(uid)) {
            let known = scan.found.entry(uid).or_default();
            known.uid = Some(uid);
            known.size = fetched.size.or(known.size);
            known.flags = fetched.flags.or_else(|| known.flags.take());
            known.internal_date = fetched.internal_date.or_else(|| known.internal_date.take());
            known.labels = fetched.labels.or_else(|| known.labels.take());
            known.headers = fetched.headers.or_else(|| known.headers.take());
        }
    }

    /// Reads on until a command ends or a body goes on; what comes is sorted.
    async fn pump(&mut self) -> Result<()> {
        match self.step().await? {
            Step::Ended(sent, outcome) => {
                let refused = outcome.verdict != Verdict::Ok;
                if refused {
                    let error = classify::refused(Stage::Command, "FETCH", &outcome);
                    if error.kind() != ErrorKind::ServerRefused {
                        return Err(error);
                    }
                }
                for scan in &mut self.scans {
                    if scan.tags.remove(&sent.tag) {
                        scan.refused |= refused;
                    }
                }
                if let Some(bodies) = self.bodies.iter_mut().find(|bodies| bodies.tags.contains(&sent.tag)) {
                    bodies.tags.remove(&sent.tag);
                    bodies.refused |= refused;
                    if bodies.tags.is_empty() {
                        self.events.push_back(MessageEvent::Done { refused: bodies.refused });
                    }
                }
            }
            Step::Other(Response::Fetch(fetched)) => self.sort(*fetched),
            Step::Other(Response::BodyStart) => self.events.push_back(MessageEvent::Start),
            Step::Other(Response::BodyChunk(chunk)) => self.events.push_back(MessageEvent::Chunk(chunk)),
            Step::Other(Response::Expunge(sequence)) => self.expunged(sequence),
            Step::Other(Response::Status(outcome)) => {
                if outcome.code_value("UIDVALIDITY").is_some() {
                    return Err(Error::new(
                        ErrorKind::UidValidityChanged,
                        "the mailbox was renumbered while it was read",
                    ));
                }
            }
            Step::Other(_) => {}
        }
        Ok(())
    }

    /// Sequence numbers above an expunged one move down.
    fn expunged(&mut self, sequence: u32) {
        let above = self.uids_by_sequence.split_off(&sequence);
        self.uids_by_sequence
            .extend(above.into_iter().filter(|(n, _)| *n != sequence).map(|(n, uid)| (n - 1, uid)));
    }

    async fn queue_fetch(
        &mut self,
        name: &'static str,
        uids: &UidSet,
        items: &str,
    ) -> Result<BTreeSet<String>> {
        let mut tags = BTreeSet::new();
        for set in uids.sequence_sets(MAX_SET) {
            tags.insert(self.queue(name, format!("UID FETCH {set} ({items})").into_bytes()).await?);
        }
        self.session.get_mut().send().await?;
        Ok(tags)
    }

    /// Tells once why the session broke.
    fn unbroken(&mut self) -> Result<()> {
        self.broken.take().map_or(Ok(()), Err)
    }

    fn addressed(&self, uid: Uid, fetched: Fetched) -> Option<Addressed> {
        // A section of header fields ends with an empty line (RFC 9051 §6.4.5): no octets at all is no answer.
        let headers = fetched.headers.filter(|octets| !octets.is_empty())?;
        let headers = addressing_headers(&headers);
        let internal_date = fetched.internal_date.as_deref().and_then(internal_date);
        let mut addressed = Addressed::new(uid, fetched.size.unwrap_or_default(), internal_date, headers);
        let labels = fetched.labels.unwrap_or_default();
        let flagged = fetched.flags.unwrap_or_default().iter().any(|f| f == "\\draft" || f == "\\deleted");
        addressed.skip = flagged || labels.iter().any(|label| listing::label_excludes(label, &self.excluded));
        addressed.labels = labels.into_iter().map(MailboxName::from_wire).collect();
        addressed.labels.sort();
        Some(addressed)
    }
}

fn accepted(what: &'static str, outcome: &Outcome) -> Result<()> {
    if outcome.verdict == Verdict::Ok {
        return Ok(());
    }
    Err(classify::refused(Stage::Command, what, outcome))
}

fn status_of(items: &[(String, u64)]) -> MailboxStatus {
    let item = |name: &str| items.iter().find(|(item, _)| item == name).map(|(_, value)| *value);
    let number = |name: &str| item(name).and_then(|n| u32::try_from(n).ok());
    let mod_seq = item("HIGHESTMODSEQ").filter(|n| *n > 0).map(ModSeq);
    let validity = number("UIDVALIDITY").and_then(UidValidity::new);
    MailboxStatus::new(
        number("MESSAGES").unwrap_or_default(),
        number("UIDNEXT").unwrap_or_default(),
        validity,
        mod_seq,
    )
}

fn add_search(uids: &mut UidSet, response: Response) {
    if let Response::Search(ranges) = response {
        if ranges.iter().all(|(low, high)| low == high) {
            let found: UidSet = ranges.into_iter().filter_map(|(uid, _)| Uid::new(uid)).collect();
            uids.extend_from(&found);
            return;
        }
        for (low, high) in ranges {
            if let (Some(low), Some(high)) = (Uid::new(low), Uid::new(high)) {
                uids.insert_range(low, high);
            }
        }
    }
}

/// INTERNALDATE (RFC 9051 §9, `date-time`).
fn internal_date(text: &str) -> Option<Timestamp> {
    let date = DateTime::parse_from_str(text.trim(), "%d-%b-%Y %H:%M:%S %z").ok()?;
    Some(Timestamp::from_unix(date.timestamp()))
}

#[async_trait]
impl MailboxReader for ImapReader {
    async fn mailboxes(&mut self, known: &[MailboxName]) -> Result<MailboxListing> {
        let mut rows = Vec::new();
        self.statuses.clear();
        let listed = if self.can("LIST-STATUS") && !self.plain_list {
            self.list(&mut rows).await?
        } else {
            // Those known from the last time are asked for in the same write.
            let tag = self.queue("list", b"LIST \"\" \"*\"".to_vec()).await?;
            for mailbox in known.iter().filter(|m| m.is_speakable()) {
                self.queue_status(mailbox).await?;
            }
            let listed = self.drain_statuses(&mut rows, Some(&tag)).await?;
            listed.ok_or_else(|| Error::new(ErrorKind::Protocol, "the server did not answer LIST"))?
        };
        accepted("LIST", &listed)?;
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
        let examine = self.queue("examine", [&b"EXAMINE "[..], &quoted(mailbox.as_wire())].concat()).await?;
        let few = self.statuses.get(mailbox).is_some_and(|status| status.messages <= SEARCH_BATCH);
        let search = if few { Some(self.queue("search", self.search_line("ALL")).await?) } else { None };
        let mut validity = None;
        let mut exists = 0;
        let mut found = UidSet::new();
        let outcome = self
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
        let mut searched = None;
        if let Some(tag) = search {
            let outcome = self
                .run(&tag, |response| match response {
                    Response::Exists(n) => exists = n,
                    response => add_search(&mut found, response),
                })
                .await?;
            searched = Some(found).filter(|_| outcome.verdict == Verdict::Ok);
        }
        if outcome.verdict != Verdict::Ok {
            let refused = classify::refused(Stage::Command, "EXAMINE", &outcome);
            let kind = if refused.kind() == ErrorKind::ServerRefused {
                ErrorKind::MailboxUnavailable
            } else {
                refused.kind()
            };
            return Err(Error::new(kind, "the server refused to open a mailbox"));
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
        let labels = if self.is_gmail() { " X-GM-LABELS" } else { "" };
        let items = format!("UID FLAGS INTERNALDATE RFC822.SIZE{labels} {ADDRESSING}");
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
        let messages =
            scan.found.into_iter().filter_map(|(uid, fetched)| self.addressed(uid, fetched)).collect();
        Ok(AddressedWindow::new(messages, scan.refused))
    }

    async fn request_messages(&mut self, uids: &UidSet) -> Result<()> {
        self.unbroken()?;
        let tags = self.queue_fetch("fetch_messages", uids, "UID BODY.PEEK[]").await?;
        self.bodies.push_back(Bodies { wanted: uids.clone(), tags, refused: false });
        Ok(())
    }

    async fn next_message(&mut self) -> Result<MessageEvent> {
        loop {
            let Some(event) = self.events.pop_front() else {
                if self.bodies.is_empty() {
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
        self.search(&format!("HEADER Message-ID {id}")).await
    }

    async fn close(mut self: Box<Self>) {
        // The answer is not waited for: nothing depends on it.
        if self.queue("logout", b"LOGOUT".to_vec()).await.is_ok() {
            let _ = self.session.get_mut().send().await;
        }
    }
}
