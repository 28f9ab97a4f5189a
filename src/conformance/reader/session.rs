//! What a session under test answers, gathered up.

use super::super::check::{Failure, Outcome, hold, present, same};
use super::super::mailbox_service::SeedMailbox;
use super::Bench;
use crate::contract::{Addressed, MailboxReader, MessageEvent, OpenMailbox};
use crate::error::Error;
use crate::types::{Uid, UidSet};

/// Longest chunk of a message.
const CHUNK: usize = 64 << 10;
/// More events than any request of the suite has.
const MAX_EVENTS: usize = 10_000;

/// What one request for messages was answered with.
#[derive(Default)]
pub(super) struct Fetched {
    /// What came, in the order in which it came.
    pub(super) messages: Vec<(Uid, Vec<u8>)>,
    /// UIDs of which the server sent nothing.
    pub(super) empty: Vec<Uid>,
    pub(super) refused: bool,
    pub(super) longest_chunk: usize,
}

impl Bench {
    /// Opens a mailbox of the seed that is whole and has what was put into it; with the UIDs in order.
    pub(super) async fn open(
        &self,
        reader: &mut dyn MailboxReader,
        mailbox: usize,
    ) -> Outcome<(OpenMailbox, Vec<Uid>)> {
        let seed = self.seed(mailbox)?;
        let open = reader.open(&seed.name).await?;
        let uids: Vec<Uid> = open.uids.iter().collect();
        same(&format!("how many messages {} has", seed.name), &uids.len(), &seed.messages.len())?;
        hold(open.complete, || format!("{} is answered as not complete", seed.name))?;
        Ok((open, uids))
    }

    pub(super) fn seed(&self, mailbox: usize) -> Outcome<&SeedMailbox> {
        present("a mailbox of the suite", self.seed.get(mailbox))
    }
}

/// Asks for messages, and gathers what comes to the end.
pub(super) async fn fetch(reader: &mut dyn MailboxReader, uids: &UidSet) -> Outcome<Result<Fetched, Error>> {
    if let Err(error) = reader.request_messages(uids).await {
        return Ok(Err(error));
    }
    fetched(reader).await
}

/// Gathers what comes of the oldest request; the inner error is the session's.
pub(super) async fn fetched(reader: &mut dyn MailboxReader) -> Outcome<Result<Fetched, Error>> {
    let mut fetched = Fetched::default();
    let mut under_way: Option<Vec<u8>> = None;
    for _ in 0..MAX_EVENTS {
        let event = match reader.next_message().await {
            Ok(event) => event,
            Err(error) => return Ok(Err(error)),
        };
        match event {
            MessageEvent::Start => {
                hold(under_way.replace(Vec::new()).is_none(), || {
                    "a message begins inside another".to_owned()
                })?;
            }
            MessageEvent::Chunk(chunk) => {
                fetched.longest_chunk = fetched.longest_chunk.max(chunk.len());
                present("the beginning of a message", under_way.as_mut())?.extend(chunk);
            }
            MessageEvent::End(uid) => {
                fetched.messages.push((uid, present("the beginning of a message", under_way.take())?));
            }
            MessageEvent::Discard => under_way = None,
            MessageEvent::Empty(uid) => fetched.empty.push(uid),
            MessageEvent::Done { refused } => {
                hold(under_way.is_none(), || "the answer ends inside a message".to_owned())?;
                fetched.refused = refused;
                return Ok(Ok(fetched));
            }
        }
    }
    Err(Failure::new(format!("an answer has more than {MAX_EVENTS} events")))
}

/// Fails where a chunk is longer than it may be.
pub(super) fn bounded(fetched: &Fetched) -> Outcome {
    hold(fetched.longest_chunk <= CHUNK, || {
        format!("a chunk has {} octets, more than {CHUNK}", fetched.longest_chunk)
    })
}

/// Fails unless these are the UIDs, in whatever order, each once.
pub(super) fn each_once(what: &str, answered: impl IntoIterator<Item = Uid>, asked: &[Uid]) -> Outcome {
    let mut answered: Vec<Uid> = answered.into_iter().collect();
    answered.sort_unstable();
    same(what, &answered, &asked.to_vec())
}

pub(super) fn uids(messages: &[Addressed]) -> impl Iterator<Item = Uid> + '_ {
    messages.iter().map(|message| message.uid)
}

/// A UID that no mailbox of the suite has.
pub(super) fn nobody() -> Outcome<Uid> {
    present("a UID", Uid::new(4_000_000))
}

pub(super) fn set(uids: &[Uid]) -> UidSet {
    uids.iter().copied().collect()
}
