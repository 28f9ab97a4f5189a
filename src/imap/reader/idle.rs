//! Waiting for a change: IDLE (RFC 2177), by commands of this module's own.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::super::commands::Step;
use super::super::wire::{Outcome, Response, Verdict, quoted};
use super::ImapReader;
use crate::contract::Waited;
use crate::error::{Error, ErrorKind, Result};
use crate::settings::Stage;
use crate::types::MailboxName;

/// How long one IDLE is left to itself. RFC 2177 allows 29 minutes, some servers end it after twelve, and gateways on the way forget a
/// silent connection after five to ten; that a server still answers is seen this often too.
const REISSUE: Duration = Duration::from_mins(4);
/// An IDLE that a server ends by itself before that is none: to begin it again and again would be a flood of commands.
const SHORTEST: Duration = Duration::from_mins(1);
/// Longest wait that is counted.
const LONGEST: Duration = Duration::from_hours(24 * 365);

impl ImapReader {
    /// Waits; the mailbox is opened where it is not open.
    pub(super) async fn idle(&mut self, mailbox: &MailboxName, within: Duration) -> Result<Waited> {
        self.unbroken()?;
        if !self.commands.is_idle() || !self.bodies.is_empty() || !self.scans.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, "a session that is asked for something cannot wait"));
        }
        if !self.commands.can("IDLE") || self.without_idle {
            return Ok(Waited::NotOffered);
        }
        if !self.commands.news.is_of(mailbox) {
            self.examine(mailbox).await?;
        }
        // A session may wait for days: what only serves reading is not kept meanwhile.
        self.uids_by_sequence = BTreeMap::new();
        let end = Instant::now() + within.min(LONGEST);
        loop {
            if self.commands.news.is_renumbered() {
                self.commands.news.closed();
                return Err(renumbered());
            }
            if self.commands.news.take() {
                return Ok(Waited::Changed);
            }
            let now = Instant::now();
            if self.without_idle {
                return Ok(Waited::NotOffered);
            }
            if now >= end {
                return Ok(Waited::Quiet);
            }
            self.without_idle = !self.idle_until(end.min(now + REISSUE)).await?;
        }
    }

    /// Opens a mailbox without looking into it.
    async fn examine(&mut self, mailbox: &MailboxName) -> Result<()> {
        self.commands.news.closed();
        let line = [&b"EXAMINE "[..], &quoted(mailbox.as_wire())].concat();
        let tag = self.commands.queue("examine", line).await?;
        let mut exists = 0;
        let outcome = self
            .commands
            .run(&tag, |response| {
                if let Response::Exists(count) = response {
                    exists = count;
                }
            })
            .await?;
        if outcome.verdict != Verdict::Ok {
            return Err(self.commands.not_opened(&outcome));
        }
        self.commands.news.opened(mailbox, exists);
        Ok(())
    }

    /// One IDLE, until something is told or the time is over; answers whether the server took it.
    async fn idle_until(&mut self, until: Instant) -> Result<bool> {
        let begun = Instant::now();
        let tag = self.commands.queue("idle", b"IDLE".to_vec()).await?;
        loop {
            match self.commands.step().await? {
                Step::Ended(sent, outcome) if sent.tag == tag => {
                    self.idle_answer(&outcome)?;
                    return Ok(false);
                }
                Step::Other(Response::Continue(_)) => break,
                Step::Ended(..) | Step::Other(_) => {}
            }
        }
        while !self.commands.news.is_told() {
            match self.commands.step_before(until).await? {
                Some(Step::Ended(sent, outcome)) if sent.tag == tag => {
                    return Ok(self.idle_answer(&outcome)? && begun.elapsed() >= SHORTEST);
                }
                Some(Step::Ended(..) | Step::Other(_)) => {}
                None => break,
            }
        }
        self.commands.say_done().await?;
        let outcome = self.commands.run(&tag, |_| {}).await?;
        self.idle_answer(&outcome)
    }

    /// Whether the server takes IDLE; an error where its refusal is about something else.
    fn idle_answer(&self, outcome: &Outcome) -> Result<bool> {
        if outcome.verdict == Verdict::Ok {
            return Ok(true);
        }
        let error = self.commands.refused(Stage::ImapCommand, "IDLE", outcome);
        if error.kind() == ErrorKind::ServerRefused { Ok(false) } else { Err(error) }
    }
}

fn renumbered() -> Error {
    Error::new(ErrorKind::UidValidityChanged, "the mailbox was renumbered while it was waited in")
}
