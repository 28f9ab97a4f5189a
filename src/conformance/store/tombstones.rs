//! A6: what was erased is not archived again; and what copies that are not archived show (S13).

use super::bench::{Bench, inbox_window, keys, message_key, uids};
use super::outbox::{outgoing_id, sent, unknown};
use crate::conformance::check::{Check, Outcome, same};
use crate::contract::{
    Bars, Clock, DeadLetter, Erasable, EraseReason, Fence, MovedCopy, OutgoingState, PageQuery, Tombstone,
};
use crate::types::{ClientId, MailboxName, MessageId};

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check {
        clause: "A6",
        name: "no copy of a barred message is archived, and its UID counts as seen",
        run: |b| Box::pin(not_archived(b)),
    },
    Check { clause: "A6", name: "a tombstone bars as long as it says", run: |b| Box::pin(as_long(b)) },
    Check {
        clause: "A6",
        name: "the later of two tombstones of a message counts",
        run: |b| Box::pin(the_later(b)),
    },
    Check {
        clause: "A6",
        name: "a message that was sent is known again under another Message-ID",
        run: |b| Box::pin(sent_ones(b)),
    },
    Check {
        clause: "A6",
        name: "all that bore a Message-ID are found by it",
        run: |b| Box::pin(by_message_id(b)),
    },
    Check {
        clause: "S13",
        name: "a copy that is barred is evidence all the same",
        run: |b| Box::pin(evidence(b)),
    },
];

async fn not_archived(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.archive(&fence, &[b.mail("first", 1)]).await?;
    b.erase(&["first"]).await?;
    let mut window = inbox_window()?;
    window.dead_letters = vec![DeadLetter::new(b.mail("first", 8).place()?, "for now", b.clock.now())];
    b.store.commit_window(&fence, &window).await?;
    let last = b.last_change().await?;
    let mut window = inbox_window()?;
    window.seen = uids([7, 8]);
    window.copies =
        vec![b.mail("first", 7).content("a version").keys(&["more"]).build()?, b.mail("first", 8).build()?];
    window.moved = vec![MovedCopy::new(b.mail("", 1).place()?, b.mail("", 9).place()?, Vec::new())];
    b.store.commit_window(&fence, &window).await?;
    same("whether the message is there", &b.has("first").await?, &false)?;
    same("its copies", &b.copies().await?, &Vec::new())?;
    let query = PageQuery::new(b.practice.clone(), keys(&["client", "more"])?, 10);
    same("how many messages are found by its keys", &b.store.count(&query).await?, &0)?;
    same("what was told", &b.changes(last).await?, &Vec::new())?;
    same("what was seen", &b.inbox_state().await?.cursor.seen, &uids([1, 7, 8]))?;
    same("the dead letters", &b.store.dead_letters(&b.practice).await?, &Vec::new())?;
    b.archive(&fence, &[b.mail("second", 9)]).await?;
    same("whether another message is archived", &b.has("second").await?, &true)?;
    let barred = b.store.barred(&b.practice, &[message_key("second"), message_key("first")]).await?;
    same("which of the two is barred", &barred, &[message_key("first")].into())
}

async fn archive_again(b: &Bench, fence: &Fence, name: &str, uid: u32) -> Outcome<bool> {
    b.archive(fence, &[b.mail(name, uid)]).await?;
    let there = b.has(name).await?;
    let barred = b.store.barred(&b.practice, &[message_key(name)]).await?;
    same("whether it is said to be barred", &barred.is_empty(), &there)?;
    let tombstones = b.store.tombstones(&b.practice, &Erasable::Message(message_key(name))).await?;
    same("whether it has a tombstone that bars", &tombstones.is_empty(), &there)?;
    Ok(there)
}

async fn as_long(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let until = Bars::Until(b.in_seconds(100));
    let names = ["for ever", "until", "client", "nothing"];
    let mails: Vec<_> = (1..).zip(names).map(|(number, name)| b.mail(name, number)).collect();
    b.archive(&fence, &mails).await?;
    let client = Bars::UntilClientIsBack(ClientId::new("c1")?);
    for (name, bars) in names.into_iter().zip([Bars::ForEver, until, client, Bars::Nothing]) {
        b.erase_until(&[name], bars).await?;
    }
    for (seconds, expected) in [(99, [false, false, false, true]), (1, [false, true, false, true])] {
        b.clock.advance(seconds);
        let mut there = Vec::new();
        for (number, name) in (11..).zip(names) {
            there.push(archive_again(b, &fence, name, number).await?);
        }
        same("which are archived again", &there, &expected.to_vec())?;
    }
    Ok(())
}

async fn the_later(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let of = Erasable::Message(message_key("first"));
    let mut uid = 0;
    for (bars, seconds) in
        [(Bars::Until(b.in_seconds(10)), 10), (Bars::Until(b.in_seconds(99)), 200), (Bars::ForEver, 0)]
    {
        uid += 1;
        b.archive(&fence, &[b.mail("first", uid)]).await?;
        b.erase_until(&["first"], bars.clone()).await?;
        let expected = vec![Tombstone::new(EraseReason::Message, b.clock.now(), bars)];
        same("the tombstones", &b.store.tombstones(&b.practice, &of).await?, &expected)?;
        b.clock.advance(seconds);
    }
    Ok(())
}

/// A server on the way gave the copy a Message-ID of its own.
async fn sent_ones(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.deliver(&b.intent("first"), &sent(None)?).await?;
    let mut rewritten = b.mail("another id", 1).build()?;
    rewritten.parsed.outgoing = Some(outgoing_id("first"));
    let mut borrowed = b.mail("an answer", 2).content("an answer").build()?;
    borrowed.parsed.outgoing = Some(outgoing_id("first"));
    let mut window = inbox_window()?;
    window.copies = vec![rewritten, borrowed];
    b.store.commit_window(&fence, &window).await?;
    same("how many went", &b.erase(&["first"]).await?.messages.len(), &1)?;
    b.erase_until(&["an answer"], Bars::Nothing).await?;
    b.store.commit_window(&fence, &window).await?;
    same("whether the copy is archived under its other id", &b.has("another id").await?, &false)?;
    same("whether it is archived", &b.has("first").await?, &false)?;
    same("whether what borrowed the field is", &b.has("an answer").await?, &true)
}

async fn by_message_id(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let mut forged = b.mail("first", 2).build()?;
    forged.message = message_key("forged");
    let mut window = inbox_window()?;
    window.copies = vec![b.mail("first", 1).build()?, forged];
    b.store.commit_window(&fence, &window).await?;
    let mut expected = Vec::new();
    for name in ["first", "forged"] {
        b.erase(&[name]).await?;
        expected.push(Tombstone::new(EraseReason::Message, b.clock.now(), Bars::ForEver));
        b.clock.advance(5);
    }
    let of = |text| MessageId::parse(text).map(Erasable::MessageId);
    for (text, expected) in [("first", expected), ("forged", Vec::new())] {
        let of = crate::conformance::check::present("a Message-ID", of(text))?;
        same("the tombstones, by time", &b.store.tombstones(&b.practice, &of).await?, &expected)?;
    }
    Ok(())
}

async fn evidence(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.archive(&fence, &[b.mail("first", 1)]).await?;
    b.erase(&["first"]).await?;
    b.deliver(&b.intent("first"), &unknown(b)).await?;
    let mut copy = b.mail("first", 2).lies_in(MailboxName::from_wire("Sent")).build()?;
    copy.in_sent = true;
    let mut window = inbox_window()?;
    window.mailbox = copy.copy.place.mailbox.clone();
    window.copies = vec![copy];
    b.store.commit_window(&fence, &window).await?;
    same("the intent's state", &b.outgoing("first").await?.state, &OutgoingState::Sent)?;
    same("whether the message is archived", &b.has("first").await?, &false)
}
