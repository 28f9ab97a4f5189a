//! A5: erasing messages.

use futures_util::FutureExt;

use super::bench::{Bench, inbox, inbox_window, keys, message_key, uids};
use super::mail::Mail;
use super::outbox::{outgoing_id, sent, sent_message, unknown};
use crate::conformance::check::{Check, Outcome, hold, present, same};
use crate::contract::{
    Bars, Change, ChangeKind, Clock, DeadLetter, Erasable, EraseReason, Erased, Erasure, OutgoingEnd,
    PageQuery, Tombstone,
};
use crate::error::ErrorKind;
use crate::types::{AccountId, Digest, MessageId, UserId};

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check {
        clause: "A5",
        name: "nothing is left of a message but its tombstone, and of others everything",
        run: |b| Box::pin(all_goes(b)),
    },
    Check { clause: "A5", name: "what went is told, with who wanted it", run: |b| Box::pin(told(b)) },
    Check {
        clause: "A5",
        name: "what is still to be sent, or may have been, is kept whole",
        run: |b| Box::pin(kept(b)),
    },
    Check {
        clause: "A5",
        name: "octets that something else names are not answered",
        run: |b| Box::pin(named_octets(b)),
    },
    Check { clause: "A5", name: "dead letters stay", run: |b| Box::pin(dead_letters(b)) },
    Check {
        clause: "A5",
        name: "an erasure that is dropped half-way is whole or nothing",
        run: |b| Box::pin(dropped(b)),
    },
];

/// Erases messages of these names for good.
pub(super) fn erasure(b: &Bench, names: &[&str]) -> Erasure {
    let messages = names.iter().map(|name| message_key(name)).collect();
    Erasure::new(b.practice.clone(), messages, EraseReason::Message)
}

impl Bench {
    pub(super) async fn erase(&self, names: &[&str]) -> Outcome<Erased> {
        self.erase_until(names, Bars::ForEver).await
    }

    pub(super) async fn erase_until(&self, names: &[&str], bars: Bars) -> Outcome<Erased> {
        Ok(self.store.erase_messages(&erasure(self, names).bars(bars)).await?)
    }

    pub(super) async fn has(&self, name: &str) -> Outcome<bool> {
        Ok(!self.store.messages(&self.practice, &[message_key(name)]).await?.is_empty())
    }
}

fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort();
    items
}

async fn all_goes(b: &Bench) -> Outcome {
    let ben = AccountId::new("ben's")?;
    let theirs = b.begin_account(&b.practice, &ben).await?;
    let fence = b.begin().await?;
    b.deliver(&b.intent("first").key("key"), &sent(Some(sent_message(b, "first", &["client"])?))?).await?;
    let mails = [b.mail("first", 1).octets("ours"), b.mail("first", 2).content("changed").keys(&["more"])];
    b.archive(&fence, &mails).await?;
    b.archive(&fence, &[b.mail("second", 3).octets("second's")]).await?;
    let copy = Mail::new(ben.clone(), "first", 7);
    b.archive(&theirs, std::slice::from_ref(&copy)).await?;
    b.store.mark_unlisted(&b.practice, &[message_key("first")], &[]).await?;
    let others = b.message("second").await?;
    let progress = b.store.sync_state(&b.practice, &b.account).await?;

    let erased = b.erase(&["first", "nobody's", "first"]).await?;
    let octets = mails.iter().chain([&copy]).map(Mail::sha256).chain([Digest::of(b"first")]).collect();
    same(
        "what went and what is kept",
        &(erased.messages, erased.kept),
        &(vec![message_key("first")], vec![]),
    )?;
    same("the octets nothing names", &sorted(erased.octets), &sorted(octets))?;
    let message = message_key("first");
    same("whether the message is there", &b.has("first").await?, &false)?;
    same("the messages", &b.store.all_messages(&b.practice, None, 10).await?, &vec![others.clone()])?;
    for (name, left) in [("client", vec![others.key]), ("more", vec![])] {
        let page: Vec<_> = b.page(&[name]).await?.into_iter().map(|at| at.message).collect();
        same("the page of a key", &page, &left)?;
        let count = b.store.count(&PageQuery::new(b.practice.clone(), keys(&[name])?, 10)).await?;
        same("how many are counted", &count, &left.len())?;
    }
    let indexed = b.store.is_indexed(&b.practice, message, &keys(&["client"])?.into_iter().collect()).await?;
    same("whether it is found by a key", &indexed, &false)?;
    same("its copies", &b.store.copies(&b.practice, &ben).await?, &Vec::new())?;
    let at = b.inbox_copies_at(&uids(1..=9)).await?;
    same("whose copies there are", &at.iter().map(|stored| stored.message).collect(), &vec![others.key])?;
    same("its intents", &b.store.outgoing_of(&b.practice, &[message]).await?, &Vec::new())?;
    let intent = b.store.outgoing(&b.practice, outgoing_id("first")).await?;
    same("its intent by id", &intent, &None)?;
    let marked = b.store.unlisted(&b.practice, b.in_seconds(9), None, 10).await?;
    same("which messages are marked", &marked, &Vec::new())?;
    let state = b.store.sync_state(&b.practice, &b.account).await?;
    same("the progress of the account", &state, &progress)?;

    let expected = vec![Tombstone::new(EraseReason::Message, b.clock.now(), Bars::ForEver)];
    let message_id = present("a Message-ID", MessageId::parse("first"))?;
    for of in [Erasable::Message(message), Erasable::MessageId(message_id)] {
        same("its tombstones", &b.store.tombstones(&b.practice, &of).await?, &expected)?;
    }
    let of = Erasable::Message(message_key("nobody's"));
    same("the tombstones of nothing", &b.store.tombstones(&b.practice, &of).await?, &Vec::new())
}

async fn told(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.archive(&fence, &[b.mail("first", 1), b.mail("second", 2), b.mail("third", 3)]).await?;
    let last = b.last_change().await?;
    b.clock.advance(5);
    let anna = Some(UserId::new("anna")?);
    for (names, by) in [(&["first", "nobody's"][..], &anna), (&["second"][..], &None)] {
        b.store.erase_messages(&erasure(b, names).by(by.clone())).await?;
    }
    b.erase(&["first"]).await?;
    let changes = b.store.changes(&b.practice, last, 10).await?;
    let told = |change: &Change| (change.kind.clone(), change.at, change.account.clone(), change.by.clone());
    let change = |name: &str, by: &Option<UserId>| {
        (ChangeKind::MessageErased(message_key(name)), b.clock.now(), None, by.clone())
    };
    let expected = vec![change("first", &anna), change("second", &None)];
    same("what was told", &changes.iter().map(told).collect(), &expected)
}

async fn kept(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let names = ["queued", "sending", "unknown", "refused", "cancelled"];
    let mails: Vec<_> = (1..).zip(names).map(|(number, name)| b.mail(name, number)).collect();
    b.archive(&fence, &mails).await?;
    b.deliver(&b.intent("unknown"), &unknown(b)).await?;
    let failure = (ErrorKind::MessageRefused, String::new());
    let refused = OutgoingEnd::Refused { failure, recipients: Vec::new() };
    b.deliver(&b.intent("refused"), &refused).await?;
    b.deliver(&b.intent("never archived"), &refused).await?;
    b.queue(&b.intent("cancelled")).await?;
    b.store.cancel_outgoing(&b.practice, outgoing_id("cancelled")).await?;
    b.queue(&b.intent("queued")).await?;
    b.queue(&b.intent("sending")).await?;
    b.claim("sending").await?;
    let stay = ["queued", "sending", "unknown"];
    let mut before = Vec::new();
    for name in stay {
        before.push((b.message(name).await?, b.outgoing(name).await?));
    }
    let erased = b.erase(&[&names[..], &["never archived"]].concat()).await?;
    let named = |names: &[&str]| sorted(names.iter().map(|name| message_key(name)).collect());
    same("what is kept", &sorted(erased.kept), &named(&stay))?;
    same("what went", &sorted(erased.messages), &named(&["refused", "cancelled", "never archived"]))?;
    for (name, before) in stay.into_iter().zip(before) {
        same("a message that is kept", &(b.message(name).await?, b.outgoing(name).await?), &before)?;
        let of = Erasable::Message(message_key(name));
        same("its tombstones", &b.store.tombstones(&b.practice, &of).await?, &Vec::new())?;
    }
    same("how many the page has", &b.page(&["client"]).await?.len(), &3)?;
    for name in ["refused", "cancelled", "never archived"] {
        let intent = b.store.outgoing(&b.practice, outgoing_id(name)).await?;
        same("an intent of a message that went", &intent, &None)?;
    }
    Ok(())
}

async fn named_octets(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let mut window = inbox_window()?;
    let mut octets = |number, name: &str, octets: &str| -> Outcome {
        let mut copy = b.mail(name, number).build()?;
        copy.copy.sha256 = Digest::of(octets.as_bytes());
        window.copies.push(copy);
        Ok(())
    };
    let names = ["copied", "buried", "alone", "queued"];
    for (number, name) in (1..).zip(names) {
        octets(number, name, name)?;
    }
    octets(5, "another", "copied")?;
    let mut letter = DeadLetter::new(b.mail("", 6).place()?, "it is no message", b.clock.now());
    letter.octets = Some((Digest::of(b"buried"), 6));
    window.dead_letters = vec![letter];
    b.store.commit_window(&fence, &window).await?;
    // An intent's octets are the digest of its name; its message is another than the copy's.
    let mut intent = b.intent("queued").build()?;
    intent.message = message_key("sent");
    b.store.enqueue(&intent).await?;
    let erased = b.erase(&names).await?;
    same("how many went", &erased.messages.len(), &4)?;
    same("the octets nothing names", &erased.octets, &vec![Digest::of(b"alone")])?;
    same("those of the last copy", &b.erase(&["another"]).await?.octets, &vec![Digest::of(b"copied")])
}

async fn dead_letters(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.archive(&fence, &[b.mail("first", 1)]).await?;
    let mut window = inbox_window()?;
    let mut letter = DeadLetter::new(b.mail("first", 2).place()?, "it is no message", b.clock.now());
    letter.message_id = MessageId::parse("first");
    window.dead_letters = vec![letter];
    b.store.commit_window(&fence, &window).await?;
    let before = b.store.dead_letters(&b.practice).await?;
    b.erase(&["first"]).await?;
    same("the dead letters", &b.store.dead_letters(&b.practice).await?, &before)
}

async fn dropped(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.archive(&fence, &[b.mail("first", 1), b.mail("second", 2).content("another")]).await?;
    let erasure = erasure(b, &["first", "second"]);
    drop(b.store.erase_messages(&erasure));
    hold(!is_erased(b).await?, || "an erasure that was never polled erased messages".to_owned())?;
    for polls in 1..5 {
        let mut erasing = b.store.erase_messages(&erasure);
        for _ in 0..polls {
            if (&mut erasing).now_or_never().is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(erasing);
        // A store may have handed the work to another thread, which ends before the next transition begins.
        b.store.renew_lease(&fence, super::bench::LEASE).await?;
        is_erased(b).await?;
    }
    b.store.erase_messages(&erasure).await?;
    hold(is_erased(b).await?, || "after an erasure the messages are there".to_owned())
}

/// Whether both messages are erased; fails when a part of them is.
async fn is_erased(b: &Bench) -> Outcome<bool> {
    let messages = [message_key("first"), message_key("second")];
    let told = b.changes(0).await?;
    let gone = [
        !b.has("first").await?,
        !b.has("second").await?,
        b.page(&["client"]).await?.is_empty(),
        b.copies().await?.is_empty(),
        b.store.barred(&b.practice, &messages).await?.len() == 2,
        messages.iter().all(|message| told.contains(&ChangeKind::MessageErased(*message))),
    ];
    let seen = b.mailbox(&inbox()).await?.is_some_and(|mailbox| mailbox.cursor.seen == uids(1..=2));
    hold(seen, || "erasing changed what was seen".to_owned())?;
    let all = gone.iter().all(|part| *part);
    let part = !all && gone.iter().any(|part| *part);
    hold(!part, || "of an erasure only a part was done".to_owned())?;
    Ok(all)
}
