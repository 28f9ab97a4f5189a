//! Reading where nothing goes wrong.

use std::time::Duration;

use super::super::check::{Outcome, hold, present, refused, same};
use super::super::mailbox_service::{MailboxAbility, MailboxEvent, SeedMessage};
use super::session::{bounded, each_once, fetch, fetched, nobody, set, uids};
use super::{Bench, ReaderCheck, seed};
use crate::contract::{Addressed, MAX_RANGE};
use crate::error::{Error, ErrorKind};
use crate::types::{MailboxName, MatchKey, MessageId, Uid};

const INBOX: usize = 0;
const CLIENTS: usize = 1;
const LARGE: usize = 2;
const EMPTY: usize = 3;

pub(super) const CHECKS: &[ReaderCheck] = &[
    ReaderCheck {
        clause: "M1",
        name: "everything a session can do leaves every mailbox as it was",
        run: |b| Box::pin(changes_nothing(b)),
    },
    ReaderCheck {
        clause: "M2",
        name: "addressing headers come for what was asked for, each once",
        run: |b| Box::pin(addressed_once(b)),
    },
    ReaderCheck {
        clause: "M2",
        name: "messages come for what was asked for, each once",
        run: |b| Box::pin(fetched_once(b)),
    },
    ReaderCheck {
        clause: "M2",
        name: "requests made ahead are answered in their order",
        run: |b| Box::pin(in_order(b)),
    },
    ReaderCheck {
        clause: "M2",
        name: "a message that was not asked for is not handed over",
        run: |b| Box::pin(stray(b)),
    },
    ReaderCheck {
        clause: "M3",
        name: "a renumbered mailbox has another validity",
        run: |b| Box::pin(renumbered(b)),
    },
    ReaderCheck {
        clause: "M3",
        name: "a session that has it open does not go on as if nothing were",
        run: |b| Box::pin(renumbered_while_open(b)),
    },
    ReaderCheck { clause: "M4", name: "a large message comes in chunks", run: |b| Box::pin(chunks(b)) },
    ReaderCheck { clause: "M4", name: "a range is no longer than asked for", run: |b| Box::pin(ranges(b)) },
    ReaderCheck {
        clause: "M5",
        name: "every mailbox is listed and every message told whole",
        run: |b| Box::pin(whole(b)),
    },
    ReaderCheck {
        clause: "M5",
        name: "a message is found by its Message-ID, and by its sender where there is an index",
        run: |b| Box::pin(found(b)),
    },
    ReaderCheck {
        clause: "M5",
        name: "what is not there is told as not there",
        run: |b| Box::pin(not_there(b)),
    },
];

async fn changes_nothing(b: &Bench) -> Outcome {
    b.needs(MailboxAbility::State)?;
    let mut before = Vec::new();
    for mailbox in &b.seed {
        before.push(b.service.state(&mailbox.name).await);
    }
    let mut reader = b.session().await?;
    let known: Vec<MailboxName> = b.seed.iter().map(|mailbox| mailbox.name.clone()).collect();
    reader.mailboxes(&known).await?;
    for mailbox in &b.seed {
        let open = reader.open(&mailbox.name).await?;
        reader.request_addressing(&open.uids).await?;
        reader.next_addressing().await?;
        fetch(reader.as_mut(), &open.uids).await??;
        reader.find_by_message_id(&id(1)?).await?;
        reader.find_by_keys(&[key("paula@bakery.example")?]).await?;
        if let Some(uid) = open.uids.first() {
            reader.read_range(uid, 3, 100).await?;
        }
        reader.wait_for_change(&mailbox.name, Duration::from_millis(100)).await?;
    }
    reader.close().await;
    for (mailbox, before) in b.seed.iter().zip(before) {
        same(&format!("the state of {}", mailbox.name), &b.service.state(&mailbox.name).await, &before)?;
    }
    Ok(())
}

async fn addressed_once(b: &Bench) -> Outcome {
    let mut reader = b.session().await?;
    let (_, all) = b.open(reader.as_mut(), INBOX).await?;
    let asked: Vec<Uid> = all.iter().copied().step_by(2).collect();
    reader.request_addressing(&set(&[&asked[..], &[nobody()?]].concat())).await?;
    let window = reader.next_addressing().await?;
    each_once("the UIDs of addressing headers", uids(&window.messages), &asked)
}

async fn fetched_once(b: &Bench) -> Outcome {
    let mut reader = b.session().await?;
    let (_, all) = b.open(reader.as_mut(), INBOX).await?;
    let asked: Vec<Uid> = all.iter().copied().skip(1).step_by(2).collect();
    let fetched = fetch(reader.as_mut(), &set(&[&asked[..], &[nobody()?]].concat())).await??;
    each_once("the UIDs of messages", fetched.messages.into_iter().map(|(uid, _)| uid), &asked)
}

async fn in_order(b: &Bench) -> Outcome {
    let mut reader = b.session().await?;
    let (_, all) = b.open(reader.as_mut(), INBOX).await?;
    let (first, second) = all.split_at(all.len() / 2);
    for asked in [second, first] {
        reader.request_addressing(&set(asked)).await?;
    }
    for asked in [second, first] {
        let window = reader.next_addressing().await?;
        each_once("the UIDs of a request made ahead", uids(&window.messages), asked)?;
    }
    for asked in [second, first] {
        reader.request_messages(&set(asked)).await?;
    }
    for asked in [second, first] {
        let messages = fetched(reader.as_mut()).await??.messages;
        each_once("the UIDs of messages asked for ahead", messages.into_iter().map(|(uid, _)| uid), asked)?;
    }
    Ok(())
}

async fn stray(b: &Bench) -> Outcome {
    b.needs(MailboxAbility::Stray)?;
    let mut reader = b.session().await?;
    let (_, all) = b.open(reader.as_mut(), INBOX).await?;
    let (asked, sent) = (present("a UID", all.first())?, present("a UID", all.last())?);
    let mailbox = b.seed(INBOX)?.name.clone();
    b.service.happen(MailboxEvent::Stray { mailbox, asked: *asked, sent: *sent }).await;
    // An error would do, too.
    let Ok(fetched) = fetch(reader.as_mut(), &set(&[*asked])).await? else { return Ok(()) };
    let other = &present("a message", b.seed(INBOX)?.messages.last())?.octets;
    let handed_over = fetched.messages.iter().any(|(uid, octets)| uid != asked || octets == other);
    hold(!handed_over, || "a message that was not asked for was handed over".to_owned())
}

async fn renumbered(b: &Bench) -> Outcome {
    b.needs(MailboxAbility::Renumber)?;
    let mut reader = b.session().await?;
    let (before, _) = b.open(reader.as_mut(), CLIENTS).await?;
    reader.close().await;
    b.service.happen(MailboxEvent::Renumber(b.seed(CLIENTS)?.name.clone())).await;
    let mut reader = b.session().await?;
    let (after, _) = b.open(reader.as_mut(), CLIENTS).await?;
    hold(after.uid_validity != before.uid_validity, || "the validity is as before".to_owned())
}

async fn renumbered_while_open(b: &Bench) -> Outcome {
    b.needs(MailboxAbility::Renumber)?;
    let mut reader = b.session().await?;
    let (before, _) = b.open(reader.as_mut(), CLIENTS).await?;
    let name = b.seed(CLIENTS)?.name.clone();
    b.service.happen(MailboxEvent::Renumber(name.clone())).await;
    match reader.open(&name).await {
        Err(_) => Ok(()),
        Ok(after) => {
            hold(after.uid_validity != before.uid_validity, || "the validity is as before".to_owned())
        }
    }
}

async fn chunks(b: &Bench) -> Outcome {
    let mut reader = b.session().await?;
    let (open, _) = b.open(reader.as_mut(), LARGE).await?;
    let fetched = fetch(reader.as_mut(), &open.uids).await??;
    bounded(&fetched)?;
    let seeded = &present("the large message", b.seed(LARGE)?.messages.first())?.octets;
    let octets = fetched.messages.first().map(|(_, octets)| octets);
    hold(octets == Some(seeded), || "the chunks put together are not the message".to_owned())
}

async fn ranges(b: &Bench) -> Outcome {
    let mut reader = b.session().await?;
    let (_, all) = b.open(reader.as_mut(), LARGE).await?;
    let uid = *present("a UID", all.first())?;
    let seeded = &present("the large message", b.seed(LARGE)?.messages.first())?.octets;
    let end = seeded.len();
    for (offset, length) in [(0, 1), (0, MAX_RANGE), (17, 100_000), (end - 5, 100), (end, 9), (end + 9, 9)] {
        let range = present(
            "a range of a message that is there",
            reader.read_range(uid, offset as u64, length).await?,
        )?;
        let rest = seeded.get(offset..).unwrap_or_default();
        hold(range == rest.get(..length).unwrap_or(rest), || {
            format!("{length} octets from {offset} of {end} are others")
        })?;
    }
    let too_much = reader.read_range(uid, 0, MAX_RANGE + 1).await;
    refused("a range longer than the longest", too_much, ErrorKind::Invalid)
}

async fn whole(b: &Bench) -> Outcome {
    let mut reader = b.session().await?;
    let listing = reader.mailboxes(&[]).await?;
    hold(listing.healthy, || "the listing is answered as not whole".to_owned())?;
    for mailbox in &b.seed {
        let listed = listing.all.iter().any(|listed| listed.name == mailbox.name);
        hold(listed, || format!("{} is not listed", mailbox.name))?;
    }
    for index in 0..b.seed.len() {
        let (open, all) = b.open(reader.as_mut(), index).await?;
        let seed = b.seed(index)?;
        reader.request_addressing(&open.uids).await?;
        let window = reader.next_addressing().await?;
        let fetched = fetch(reader.as_mut(), &open.uids).await??;
        for (uid, seeded) in all.iter().zip(&seed.messages) {
            let message = window.messages.iter().find(|message| message.uid == *uid);
            is_of(present("the addressing headers of a message", message)?, seeded)?;
            let octets =
                fetched.messages.iter().find(|(fetched, _)| fetched == uid).map(|(_, octets)| octets);
            hold(octets == Some(&seeded.octets), || {
                format!("{}: the octets of a message of {} are others", seed.name, seeded.octets.len())
            })?;
        }
    }
    Ok(())
}

/// Whether what is known of a message before it is fetched is so.
fn is_of(message: &Addressed, seeded: &SeedMessage) -> Outcome {
    same("INTERNALDATE", &message.internal_date, &Some(seeded.internal_date))?;
    let text = String::from_utf8_lossy(&seeded.octets);
    let named = message.headers.participants.iter().all(|p| text.contains(&p.address.to_string()));
    let expected = if text.contains("\r\nFrom: ") { 3 } else { 0 };
    same("how many participants the headers name", &message.headers.participants.len(), &expected)?;
    hold(named, || "the headers name somebody who is not in the message".to_owned())
}

async fn found(b: &Bench) -> Outcome {
    let mut reader = b.session().await?;
    let (_, all) = b.open(reader.as_mut(), INBOX).await?;
    let third = *present("a UID", all.get(2))?;
    hold(reader.find_by_message_id(&id(3)?).await?.contains(third), || {
        "a message is not found by its Message-ID".to_owned()
    })?;
    let indexed = reader.find_by_keys(&[key("otto@bakery.example")?]).await?;
    let second = *present("a UID", all.get(1))?;
    hold(indexed.is_none_or(|found| found.contains(second)), || {
        "a message is not found by its sender".to_owned()
    })
}

async fn not_there(b: &Bench) -> Outcome {
    let mut reader = b.session().await?;
    let nowhere = reader.open(&MailboxName::encode("Nowhere at all")).await;
    refused("opening a mailbox that is not there", nowhere, ErrorKind::MailboxUnavailable)?;
    b.open(reader.as_mut(), EMPTY).await?;
    same("a range of no message", &reader.read_range(nobody()?, 0, 10).await?, &None)?;
    let (_, all) = b.open(reader.as_mut(), INBOX).await?;
    let found = reader.find_by_message_id(&unknown()?).await?;
    hold(found.is_empty(), || "a Message-ID that nothing has is found".to_owned())?;
    let known = *present("a UID", all.first())?;
    present("a range of a message that is there", reader.read_range(known, 0, 10).await?).map(drop)
}

fn id(number: i64) -> Outcome<MessageId> {
    present("a Message-ID", MessageId::parse(&seed::message_id(number)))
}

fn unknown() -> Outcome<MessageId> {
    present("a Message-ID", MessageId::parse("<nobody.conformance@bakery.example>"))
}

fn key(address: &str) -> Outcome<MatchKey> {
    let address = crate::types::Address::parse(address).map_err(Error::from)?;
    Ok(MatchKey::Address(address.key()))
}
