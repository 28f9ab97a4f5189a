//! The bodies of messages that are a client's.

use std::collections::BTreeMap;

use super::gathered::Gathered;
use super::incoming::{Incoming, most_octets};
use super::mailbox_pass::{MailboxPass, breaks_session};
use crate::contract::{Addressed, MessageEvent};
use crate::error::{ErrorKind, Result};
use crate::mime;
use crate::types::{GapReason, Uid};

/// Octets of a report about a delivery that are looked into: the message it returns comes last, and may be long.
const MAX_REPORT: usize = 512 << 10;

impl MailboxPass<'_, '_> {
    /// Fetches messages and gathers them. What came whole is kept when the session breaks.
    pub(super) async fn fetch(&mut self, messages: Vec<Addressed>, gathered: &mut Gathered) -> Result<()> {
        let mut wanted: BTreeMap<Uid, Addressed> = messages.into_iter().map(|m| (m.uid, m)).collect();
        let mut incoming = None;
        let error = match self.reader.request_messages(&wanted.keys().copied().collect()).await {
            Ok(()) => match self.receive(&mut wanted, &mut incoming, gathered).await {
                Ok(()) => return Ok(()),
                Err(error) => {
                    let nonsense = matches!(error.kind(), ErrorKind::Protocol | ErrorKind::LimitExceeded);
                    let suspect = wanted.into_keys().next().filter(|_| nonsense || incoming.is_some());
                    self.failed = suspect.map(|uid| (uid, GapReason::WrongSize)).into_iter().collect();
                    error
                }
            },
            Err(error) => error,
        };
        if breaks_session(&error) {
            self.flush(gathered).await?;
        }
        Err(error)
    }

    async fn receive(
        &mut self,
        wanted: &mut BTreeMap<Uid, Addressed>,
        incoming: &mut Option<Incoming>,
        gathered: &mut Gathered,
    ) -> Result<()> {
        let pass = self.writer.pass;
        let most = wanted.values().map(|message| most_octets(message.size)).max().unwrap_or_default();
        let beginning = if wanted.values().any(|m| self.may_be_bounce(m)) { MAX_REPORT } else { 0 };
        loop {
            match self.reader.next_message().await? {
                MessageEvent::Start => {
                    *incoming = Some(Incoming::begin(pass, most, beginning).await?);
                }
                MessageEvent::Chunk(chunk) => {
                    pass.keep_lease().await?;
                    if let Some(incoming) = incoming {
                        incoming.add(&chunk).await?;
                    }
                }
                MessageEvent::Discard => *incoming = None,
                MessageEvent::End(uid) => {
                    let (Some(incoming), Some(message)) = (incoming.take(), wanted.remove(&uid)) else {
                        continue;
                    };
                    if self.take_report(&message, &incoming.beginning, gathered) {
                        continue;
                    }
                    let (blob, parsed, ranges) = incoming.end().await?;
                    let mut archived = self.writer.archived(&message, blob, parsed);
                    archived.copy.kept = pass.kept(&blob, ranges).await?;
                    gathered.add(archived);
                    if gathered.is_full() {
                        self.flush(gathered).await?;
                    }
                }
                MessageEvent::Empty(uid) => {
                    if wanted.remove(&uid).is_some() {
                        self.failed.insert(uid, GapReason::Empty);
                    }
                }
                MessageEvent::Done { refused } => {
                    let reason = if refused { GapReason::Refused } else { GapReason::NotAnswered };
                    self.failed.extend(std::mem::take(wanted).into_keys().map(|uid| (uid, reason)));
                    return Ok(());
                }
            }
        }
    }

    /// Takes up a report; what is none goes the way of all messages.
    pub(super) fn take_report(&self, message: &Addressed, beginning: &[u8], gathered: &mut Gathered) -> bool {
        if !self.may_be_bounce(message) {
            return false;
        }
        let report = mime::bounce_report(beginning, self.writer.pass.now());
        if report.is_none() && self.is_clients(message) {
            return false;
        }
        gathered.bounces.extend(report);
        gathered.done(message.uid);
        true
    }
}
