//! Reading where the service does not do what it should: nothing it did not say is taken for an answer.

use super::super::check::{Failure, Outcome, hold, present};
use super::super::mailbox_service::{MailboxAbility, MailboxEvent, ReaderCall};
use super::session::{Fetched, fetch, set, uids};
use super::{Bench, ReaderCheck, seed};
use crate::contract::MailboxReader;
use crate::error::Error;
use crate::types::{MessageId, UidSet};

const INBOX: usize = 0;

pub(super) const CHECKS: &[ReaderCheck] = &[
    ReaderCheck {
        clause: "M5",
        name: "what is refused is told as refused",
        run: |b| Box::pin(failing(b, MailboxAbility::Refuse, MailboxEvent::Refuse)),
    },
    ReaderCheck {
        clause: "M5",
        name: "a connection that breaks is told as broken",
        run: |b| Box::pin(failing(b, MailboxAbility::BreakOff, MailboxEvent::BreakOff)),
    },
    ReaderCheck {
        clause: "M5",
        name: "a mailbox of which a message is left out is not complete",
        run: |b| Box::pin(left_out(b)),
    },
];

/// What a call that could not go well looks like from outside.
enum Told {
    /// An error, or *refused*.
    Failure,
    /// Less than was promised, told as such; the next call has to fail.
    Less,
    /// An answer as if all were well.
    Answer(String),
}

/// Each after those it may be made of: what is refused stays so.
const CALLS: [ReaderCall; 6] = [
    ReaderCall::Range,
    ReaderCall::Messages,
    ReaderCall::Addressing,
    ReaderCall::Find,
    ReaderCall::Open,
    ReaderCall::Mailboxes,
];

async fn failing(b: &Bench, ability: MailboxAbility, event: fn(ReaderCall) -> MailboxEvent) -> Outcome {
    b.needs(ability)?;
    let mut wrong = Vec::new();
    for call in CALLS {
        let mut reader = b.session().await?;
        let uids = match call {
            ReaderCall::Mailboxes | ReaderCall::Open => UidSet::new(),
            _ => reader.open(&b.seed(INBOX)?.name).await?.uids,
        };
        b.service.happen(event(call)).await;
        let mut told = ask(b, reader.as_mut(), call, &uids).await?;
        if matches!(told, Told::Less) {
            told = match ask(b, reader.as_mut(), call, &uids).await? {
                Told::Failure => Told::Failure,
                _ => Told::Answer("less than all, and afterwards no error".to_owned()),
            };
        }
        if let Told::Answer(answer) = told {
            wrong.push(format!("{call:?} answered {answer}"));
        }
    }
    hold(wrong.is_empty(), || wrong.join("; "))
}

async fn ask(b: &Bench, reader: &mut dyn MailboxReader, call: ReaderCall, asked: &UidSet) -> Outcome<Told> {
    let inbox = &b.seed(INBOX)?.name;
    Ok(match call {
        ReaderCall::Mailboxes => told(reader.mailboxes(&[]).await, |listing| {
            if listing.healthy {
                Told::Answer(format!("{} mailboxes", listing.mailboxes.len()))
            } else {
                Told::Failure
            }
        }),
        ReaderCall::Open => told(reader.open(inbox).await, |open| {
            if open.complete { Told::Answer(format!("{} messages", open.uids.len())) } else { Told::Failure }
        }),
        ReaderCall::Addressing => {
            if reader.request_addressing(asked).await.is_err() {
                return Ok(Told::Failure);
            }
            told(reader.next_addressing().await, |window| match window.messages.len() as u64 {
                _ if window.refused => Told::Failure,
                count if count < asked.len() => Told::Less,
                count => Told::Answer(format!("{count} addressing headers")),
            })
        }
        ReaderCall::Messages => told(fetch(reader, asked).await?, |fetched: Fetched| {
            if fetched.refused {
                Told::Failure
            } else {
                Told::Answer(format!("{} messages", fetched.messages.len()))
            }
        }),
        ReaderCall::Find => {
            let id = present("a Message-ID", MessageId::parse(&seed::message_id(3)))?;
            told(reader.find_by_message_id(&id).await, |found| Told::Answer(format!("{} found", found.len())))
        }
        ReaderCall::Range => {
            let first = present("a UID", asked.first())?;
            told(reader.read_range(first, 0, 50).await, |range| {
                Told::Answer(
                    range.map_or("no such message".to_owned(), |octets| format!("{} octets", octets.len())),
                )
            })
        }
        ReaderCall::Wait => return Err(Failure::new("waiting has a clause of its own")),
    })
}

fn told<T>(answer: Result<T, Error>, judge: impl FnOnce(T) -> Told) -> Told {
    answer.map_or(Told::Failure, judge)
}

async fn left_out(b: &Bench) -> Outcome {
    b.needs(MailboxAbility::LeaveOut)?;
    let mut reader = b.session().await?;
    let (_, all) = b.open(reader.as_mut(), INBOX).await?;
    reader.close().await;
    let gone = *present("a UID", all.get(2))?;
    b.service.happen(MailboxEvent::LeaveOut(b.seed(INBOX)?.name.clone(), gone)).await;
    let mut reader = b.session().await?;
    // An error would do, too.
    let Ok(open) = reader.open(&b.seed(INBOX)?.name).await else { return Ok(()) };
    hold(!open.complete || open.uids.contains(gone), || {
        "a mailbox of which a UID is missing is answered as complete".to_owned()
    })?;
    reader.request_addressing(&set(&all)).await?;
    let Ok(window) = reader.next_addressing().await else { return Ok(()) };
    hold(uids(&window.messages).all(|uid| uid != gone), || {
        "addressing headers were answered that the service never sent".to_owned()
    })
}
