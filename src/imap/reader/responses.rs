//! What the server says, put where it was asked for.

use super::super::commands::Step;
use super::super::wire::{Body, Fetched, Response, Verdict};
use super::{ImapReader, SEARCH_BATCH};
use crate::contract::MessageEvent;
use crate::error::{Error, ErrorKind, Result};
use crate::settings::Stage;

impl ImapReader {
    /// Reads on until a command ends or a body goes on; what comes is sorted.
    pub(super) async fn pump(&mut self) -> Result<()> {
        match self.commands.step().await? {
            Step::Ended(sent, outcome) => {
                let refused = outcome.verdict != Verdict::Ok;
                if refused {
                    let error = self.commands.refused(Stage::ImapCommand, "FETCH", &outcome);
                    if error.kind() != ErrorKind::ServerRefused {
                        return Err(error);
                    }
                }
                for scan in &mut self.scans {
                    if scan.tags.remove(&sent.tag) {
                        scan.refused |= refused;
                        self.without_threads |= outcome.verdict == Verdict::Bad;
                    }
                }
                if let Some(bodies) = self.bodies.front_mut()
                    && let Some(tags) = &mut bodies.tags
                    && tags.remove(&sent.tag)
                {
                    bodies.refused |= refused;
                    if tags.is_empty() {
                        self.events.push_back(MessageEvent::Done { refused: bodies.refused });
                    }
                }
                if let Some(range) = self.range.as_mut().filter(|range| range.tag == sent.tag) {
                    range.ended = Some(outcome);
                }
            }
            Step::Other(Response::Fetch(fetched)) => self.sort(*fetched)?,
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

    /// Puts a FETCH response where it belongs.
    fn sort(&mut self, fetched: Fetched) -> Result<()> {
        if let Some(uid) = fetched.uid
            && self.uids_by_sequence.len() < SEARCH_BATCH as usize
        {
            self.uids_by_sequence.insert(fetched.sequence, uid);
        }
        let uid = fetched.uid.or_else(|| self.uids_by_sequence.get(&fetched.sequence).copied());
        if let Some(range) = self.range.as_mut().filter(|range| uid == Some(range.uid))
            && let Some(came) = fetched.range
        {
            return range.add(came);
        }
        match fetched.body {
            Body::Absent => {}
            Body::Empty => {
                if let Some(uid) = uid {
                    self.events.push_back(MessageEvent::Empty(uid));
                }
                return Ok(());
            }
            Body::Streamed => {
                let event = uid.map_or(MessageEvent::Discard, MessageEvent::End);
                self.events.push_back(event);
                return Ok(());
            }
        }
        let Some(uid) = uid else { return Ok(()) };
        if let Some(scan) = self.scans.iter_mut().find(|scan| scan.wanted.contains(uid)) {
            scan.add(uid, fetched);
        }
        Ok(())
    }
}
