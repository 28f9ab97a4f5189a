//! Commands on the wire: queued, sent together, and each answered by its own tagged status.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::classify;
use super::connector::Wire;
use super::listing::MAX_MAILBOXES;
use super::news::News;
use super::wire::{ListRow, Outcome, Response, Verdict};
use crate::error::{Error, ErrorKind, Result};
use crate::net::{CommandPoint, CommandProbe};
use crate::settings::Stage;
use crate::types::{MailboxName, Uid, UidSet};

/// Longest sequence-set in a command: servers refuse lines of more than 8,192 octets.
pub(super) const MAX_SET: usize = 7_000;
/// Longest literal sent without being asked for (RFC 7888): a longer one is worth a round trip, in which it may be refused
/// before it is sent.
const UNASKED: usize = 64 << 10;
/// Longest literal that LITERAL- takes unasked (RFC 7888 §5).
const LITERAL_MINUS: usize = 4_096;
/// How long the answer to a command is waited for behind a BYE.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A command under way.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) tag: String,
    name: &'static str,
}

/// What a read of responses stops at.
pub(super) enum Step {
    Ended(Sent, Outcome),
    Other(Response),
}

/// What LIST said.
#[derive(Default)]
pub(super) struct Listed {
    pub(super) rows: Vec<ListRow>,
    /// What LIST-STATUS (RFC 5819) adds.
    pub(super) statuses: Vec<(MailboxName, Vec<(String, u64)>)>,
}

/// A signed-in session that runs commands and knows what the server can do.
pub(super) struct Commands {
    session: async_imap::Session<Wire>,
    probe: CommandProbe,
    /// Whose server it is, where that is known.
    provider: Option<&'static str>,
    capabilities: BTreeSet<String>,
    /// Whether the server refused LIST with RETURN, whatever it says it can.
    plain_list: bool,
    /// Commands sent and not yet ended, oldest first.
    under_way: VecDeque<Sent>,
    /// Of the mailbox that is open.
    pub(super) news: News,
}

impl Commands {
    pub(super) fn new(
        session: async_imap::Session<Wire>,
        provider: Option<&'static str>,
        probe: CommandProbe,
        plain_list: bool,
    ) -> Self {
        let (capabilities, under_way, news) = (BTreeSet::new(), VecDeque::new(), News::default());
        Self { session, probe, provider, capabilities, plain_list, under_way, news }
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
        self.accepted("CAPABILITY", &outcome)?;
        Ok(capabilities)
    }

    pub(super) fn can(&self, capability: &str) -> bool {
        self.capabilities.contains(capability)
    }

    /// The number behind a capability, as in `APPENDLIMIT=35651584`.
    pub(super) fn limit(&self, capability: &str) -> Option<u64> {
        let value = |word: &String| word.strip_prefix(capability)?.strip_prefix('=')?.parse().ok();
        self.capabilities.iter().find_map(value)
    }

    /// Whether LIST tells statuses too.
    pub(super) fn lists_statuses(&self) -> bool {
        self.can("LIST-STATUS") && !self.plain_list
    }

    pub(super) fn is_idle(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Adds a command to the next write; answers its tag.
    pub(super) async fn queue(&mut self, name: &'static str, line: Vec<u8>) -> Result<String> {
        (self.probe)(CommandPoint::Before(name));
        self.session.get_mut().stage([line]);
        let queued = self.session.run_command(".").await;
        let tag = queued.map_err(|_| Error::new(ErrorKind::ConnectionLost, "the connection broke"))?.0;
        self.under_way.push_back(Sent { tag: tag.clone(), name });
        Ok(tag)
    }

    /// Sends what is queued.
    pub(super) async fn send(&mut self) -> Result<()> {
        self.session.get_mut().send().await
    }

    /// Reads the next response, and tells which command it ends, if any.
    pub(super) async fn step(&mut self) -> Result<Step> {
        self.session.get_mut().send().await?;
        loop {
            let response = self.session.get_mut().next().await?;
            if let Some(step) = self.take(response).await? {
                return Ok(step);
            }
        }
    }

    /// The same, however long it takes; `None` when `deadline` has passed.
    pub(super) async fn step_before(&mut self, deadline: Instant) -> Result<Option<Step>> {
        loop {
            let Some(response) = self.session.get_mut().next_before(deadline).await? else { return Ok(None) };
            if let Some(step) = self.take(response).await? {
                return Ok(Some(step));
            }
        }
    }

    async fn take(&mut self, response: Response) -> Result<Option<Step>> {
        match response {
            Response::Tagged { tag, outcome } => {
                // An answer to a tag that was never sent ends nothing.
                let index = self.under_way.iter().position(|sent| sent.tag == tag);
                let Some(sent) = index.and_then(|index| self.under_way.remove(index)) else {
                    return Ok(None);
                };
                self.session.get_mut().reset_limits();
                (self.probe)(CommandPoint::After(sent.name));
                Ok(Some(Step::Ended(sent, outcome)))
            }
            Response::Bye(outcome) => Err(self.reason_of(&outcome).await),
            response => {
                self.news.hear(&response);
                Ok(Some(Step::Other(response)))
            }
        }
    }

    /// Ends an IDLE under way.
    pub(super) async fn say_done(&mut self) -> Result<()> {
        self.session.get_mut().queue_line(b"DONE");
        self.send().await
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
        let told = told.map(|outcome| self.refused(Stage::ImapCommand, "a command", &outcome));
        told.filter(|told| told.kind() != ErrorKind::ServerRefused).unwrap_or(error)
    }

    /// Runs one command to its end while nothing else is under way.
    pub(super) async fn run(&mut self, tag: &str, mut on: impl FnMut(Response)) -> Result<Outcome> {
        loop {
            match self.step().await? {
                Step::Ended(sent, outcome) if sent.tag == tag => return Ok(outcome),
                Step::Ended(..) => {}
                Step::Other(response) => on(response),
            }
        }
    }

    /// Runs one command that ends with a literal, while nothing else is under way.
    pub(super) async fn run_with(
        &mut self,
        name: &'static str,
        mut line: Vec<u8>,
        octets: &[u8],
    ) -> Result<Outcome> {
        let unasked = octets.len() <= UNASKED && self.can("LITERAL+")
            || octets.len() <= LITERAL_MINUS && self.can("LITERAL-");
        let plus = if unasked { "+" } else { "" };
        line.extend(format!("{{{}{plus}}}", octets.len()).bytes());
        let tag = self.queue(name, line).await?;
        self.send().await?;
        if !unasked {
            loop {
                match self.step().await? {
                    Step::Ended(sent, outcome) if sent.tag == tag => return Ok(outcome),
                    Step::Other(Response::Continue(_)) => break,
                    Step::Ended(..) | Step::Other(_) => {}
                }
            }
        }
        if let Err(broken) = self.session.get_mut().send_literal(octets).await {
            return self.last_words(&tag, broken).await;
        }
        self.run(&tag, |_| {}).await
    }

    /// What the server answered before the connection broke, where it answered a command that did not reach it whole.
    async fn last_words(&mut self, tag: &str, broken: Error) -> Result<Outcome> {
        let said = timeout(LAST_WORDS, self.run(tag, |_| {})).await;
        match said {
            Ok(Ok(outcome)) if outcome.verdict != Verdict::Ok => Ok(outcome),
            Ok(Err(said)) if said.kind() != ErrorKind::ConnectionLost => Err(said),
            _ => Err(broken),
        }
    }

    /// LIST of every mailbox; `status` is what the server adds of each where it can.
    pub(super) async fn list(&mut self, status: &str) -> Result<Listed> {
        let mut line = b"LIST \"\" \"*\"".to_vec();
        let extended = !self.plain_list && (self.can("LIST-EXTENDED") || self.can("LIST-STATUS"));
        if extended {
            let special_use = if self.can("SPECIAL-USE") { "SPECIAL-USE " } else { "" };
            let status = if self.lists_statuses() { status } else { "" };
            let options = format!("{special_use}{status}");
            if !options.is_empty() {
                line.extend(format!(" RETURN ({})", options.trim_end()).bytes());
            }
        }
        let tag = self.queue("list", line).await?;
        let mut listed = Listed::default();
        let outcome = self
            .run(&tag, |response| match response {
                Response::List(row) if listed.rows.len() < MAX_MAILBOXES => listed.rows.push(row),
                Response::MailboxStatus { name, items } => listed.statuses.push((name, items)),
                _ => {}
            })
            .await?;
        if extended && outcome.verdict == Verdict::Bad {
            self.plain_list = true;
            return Box::pin(self.list(status)).await;
        }
        self.accepted("LIST", &outcome)?;
        Ok(listed)
    }

    pub(super) fn search_line(&self, criteria: &str) -> Vec<u8> {
        let returning = if self.can("ESEARCH") { "RETURN (ALL) " } else { "" };
        format!("UID SEARCH {returning}{criteria}").into_bytes()
    }

    pub(super) async fn search(&mut self, criteria: &str) -> Result<UidSet> {
        let tag = self.queue("search", self.search_line(criteria)).await?;
        let mut uids = UidSet::new();
        let outcome = self.run(&tag, |response| add_search(&mut uids, response)).await?;
        self.accepted("SEARCH", &outcome)?;
        Ok(uids)
    }

    pub(super) fn accepted(&self, what: &'static str, outcome: &Outcome) -> Result<()> {
        if outcome.verdict == Verdict::Ok {
            return Ok(());
        }
        Err(self.refused(Stage::ImapCommand, what, outcome))
    }

    pub(super) fn refused(&self, stage: Stage, what: &'static str, outcome: &Outcome) -> Error {
        classify::refused(stage, self.provider, what, outcome)
    }

    /// The error of a mailbox that the server does not open.
    pub(super) fn not_opened(&self, outcome: &Outcome) -> Error {
        let refused = self.refused(Stage::ImapCommand, "EXAMINE", outcome);
        if refused.kind() == ErrorKind::ServerRefused {
            return Error::new(ErrorKind::MailboxUnavailable, "the server refused to open a mailbox");
        }
        refused
    }

    /// Says goodbye. The answer is not waited for: nothing depends on it.
    pub(super) async fn log_out(&mut self) {
        if self.queue("logout", b"LOGOUT".to_vec()).await.is_ok() {
            let _ = self.send().await;
        }
    }
}

pub(super) fn add_search(uids: &mut UidSet, response: Response) {
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
