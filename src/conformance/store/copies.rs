//! S6: copies follow the server.

use super::bench::{Bench, inbox, inbox_window, uid, uids, validity};
use crate::conformance::check::{Check, Outcome, present, same};
use crate::contract::{ChangeKind, Clock, Comparison, DeadLetter, Fence, HistoryStep, MovedCopy, Window};
use crate::types::{
    AccountId, CopyState, Digest, Gap, GapReason, MailboxName, MailboxStatus, Timestamp, Uid, UidSet,
};

use super::bench::message_key;

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check {
        clause: "S6",
        name: "another validity begins the mailbox anew",
        run: |b| Box::pin(validity_changed(b)),
    },
    Check {
        clause: "S6",
        name: "copies of the last validity stay until they are moved",
        run: |b| Box::pin(copies_stay(b)),
    },
    Check { clause: "S6", name: "other mailboxes keep theirs", run: |b| Box::pin(other_mailboxes(b)) },
    Check {
        clause: "S6",
        name: "a moved copy keeps its message and octets, and nothing else changes",
        run: |b| Box::pin(moved(b)),
    },
    Check { clause: "S6", name: "copies can change places", run: |b| Box::pin(swapped(b)) },
    Check {
        clause: "S6",
        name: "copies become missing, are found, and are gone",
        run: |b| Box::pin(missing_found_gone(b)),
    },
    Check {
        clause: "S6",
        name: "a comparison touches its own account's copies in their own state only",
        run: |b| Box::pin(comparison_is_exact(b)),
    },
    Check {
        clause: "S6",
        name: "a mailbox that is gone has no progress any more, its copies stay",
        run: |b| Box::pin(mailbox_gone(b)),
    },
    Check {
        clause: "S6",
        name: "dead letters are listed by place, with all that is known of them",
        run: |b| Box::pin(dead_letters(b)),
    },
];

async fn validity_changed(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let mut window = inbox_window()?;
    window.seen = uids(1..=50);
    window.gaps = vec![Gap::new(uid(60)?, GapReason::Empty, 1, Timestamp::from_unix(0))];
    window.finished = Some(MailboxStatus::new(50, 51, Some(validity(1)?), None));
    window.look_again_at = Some(Timestamp::from_unix(1_900_000_000));
    b.store.commit_window(&fence, &window).await?;
    b.cover(&fence, HistoryStep::Begin, &["client"]).await?;
    let mut window = Window::new(inbox(), validity(2)?);
    window.seen = uids([7]);
    b.store.commit_window(&fence, &window).await?;
    let state = b.inbox_state().await?;
    same("the validity", &state.cursor.uid_validity, &validity(2)?)?;
    same("what was seen", &state.cursor.seen, &uids([7]))?;
    same("what is left of history", &state.cursor.history.unwrap_or_default(), &UidSet::new())?;
    same("the gaps", &state.gaps, &Vec::new())?;
    same("the status", &state.cursor.status, &None)?;
    same("when to look again", &state.cursor.look_again_at, &None)
}

async fn copies_stay(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.archive(&fence, &[b.mail("first", 1), b.mail("second", 2)]).await?;
    b.archive(&fence, &[b.mail("third", 1).under(2)]).await?;
    let found: Vec<_> = b.copies().await?.into_iter().map(|c| (c.uid_validity.get(), c.present)).collect();
    same("the copies, by validity", &found, &vec![(1, uids([1, 2])), (2, uids([1]))])?;
    let mut window = Window::new(inbox(), validity(2)?);
    let to = b.mail("first", 9).under(2).place()?;
    window.moved = vec![MovedCopy::new(b.mail("first", 1).place()?, to.clone(), Vec::new())];
    b.store.commit_window(&fence, &window).await?;
    let found: Vec<_> = b.copies().await?.into_iter().map(|c| (c.uid_validity.get(), c.present)).collect();
    same("the copies after one moved", &found, &vec![(1, uids([2])), (2, uids([1, 9]))])?;
    let message = b.message("first").await?;
    let places: Vec<_> = message.copies.into_iter().map(|copy| copy.copy.place).collect();
    same("the moved copy's message lies at", &places, &vec![to])
}

async fn other_mailboxes(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let sent = MailboxName::from_wire("Sent");
    b.archive(&fence, &[b.mail("first", 1).lies_in(sent.clone())]).await?;
    b.archive(&fence, &[b.mail("second", 1)]).await?;
    b.archive(&fence, &[b.mail("second", 5).under(2)]).await?;
    let state = present("the other mailbox", b.mailbox(&sent).await?)?;
    same("the other mailbox's validity", &state.cursor.uid_validity, &validity(1)?)?;
    same("what was seen of it", &state.cursor.seen, &uids([1]))
}

async fn moved(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let mail = b.mail("first", 1).bcc("hidden@client.example").content("other");
    b.archive(&fence, &[mail.clone(), b.mail("second", 2)]).await?;
    let before = b.message("first").await?;
    let inbox_before = b.inbox_state().await?;
    let target = MailboxName::from_wire(b"Kunden/\xff".to_vec());
    let to = mail.clone().lies_in(target.clone()).under(77).place()?;
    let labels = vec![MailboxName::encode("Ä"), inbox()];
    let mut window = Window::new(target.clone(), validity(77)?);
    window.seen = uids([1]);
    window.moved = vec![
        MovedCopy::new(mail.place()?, to.clone(), labels.clone()),
        MovedCopy::new(b.mail("unknown", 40).place()?, b.mail("unknown", 41).place()?, Vec::new()),
    ];
    let receipt = b.store.commit_window(&fence, &window).await?;
    same("the receipt", &(receipt.new_messages, receipt.new_copies), &(0, 0))?;
    let mut expected = before.clone();
    for copy in &mut expected.copies {
        copy.copy.place = to.clone();
        copy.copy.labels.clone_from(&labels);
    }
    same("the message", &b.message("first").await?, &expected)?;
    same("the mailbox it came from", &b.inbox_state().await?, &inbox_before)?;
    let state = present("the mailbox it went to", b.mailbox(&target).await?)?;
    same("what was seen there", &state.cursor.seen, &uids([1]))?;
    same(
        "how many copies lie where it was, and where nothing was",
        &b.inbox_copies_at(&uids([1, 40, 41])).await?.len(),
        &0,
    )?;
    same("how many messages the page has", &b.page(&["client"]).await?.len(), &2)
}

async fn swapped(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.archive(&fence, &[b.mail("first", 1), b.mail("second", 2), b.mail("third", 3)]).await?;
    let mut window = inbox_window()?;
    for (from, to) in [(1, 2), (2, 1), (3, 4)] {
        let (from, to) = (b.mail("", from).place()?, b.mail("", to).place()?);
        window.moved.push(MovedCopy::new(from, to, Vec::new()));
    }
    b.store.commit_window(&fence, &window).await?;
    let at = b.inbox_copies_at(&uids(1..=9)).await?;
    let found: Vec<_> = at.iter().map(|stored| (stored.copy.place.uid.get(), stored.message)).collect();
    let expected = vec![(1, message_key("second")), (2, message_key("first")), (4, message_key("third"))];
    same("what lies where", &found, &expected)
}

async fn compare(b: &Bench, fence: &Fence, missing: &[u32], found: &[u32], gone: &[u32]) -> Outcome {
    let places =
        |numbers: &[u32]| numbers.iter().map(|number| b.mail("", *number).place()).collect::<Outcome<_>>();
    let comparison = Comparison {
        missing: places(missing)?,
        found: places(found)?,
        gone: places(gone)?,
        ..Comparison::default()
    };
    Ok(b.store.commit_comparison(fence, &comparison).await?)
}

/// Present and missing copies of the inbox.
async fn inbox_copies(b: &Bench) -> Outcome<(UidSet, Vec<(Uid, Timestamp)>)> {
    let copies = b.copies().await?.into_iter().next();
    Ok(copies.map(|copies| (copies.present, copies.missing)).unwrap_or_default())
}

async fn missing_found_gone(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let names = ["one", "two", "three", "four"];
    let mails: Vec<_> = (1..).zip(names).map(|(number, name)| b.mail(name, number)).collect();
    b.archive(&fence, &mails).await?;
    let first = b.clock.now();
    compare(b, &fence, &[1, 2], &[], &[]).await?;
    b.clock.advance(100);
    let second = b.clock.now();
    compare(b, &fence, &[3], &[], &[]).await?;
    let expected = (uids([4]), vec![(uid(1)?, first), (uid(2)?, first), (uid(3)?, second)]);
    same("present copies, and missing ones with their times", &inbox_copies(b).await?, &expected)?;
    let missing = b.inbox_copies_at(&uids([2])).await?;
    let state = missing.first().map(|stored| stored.copy.state);
    same("the state of a missing copy", &state, &Some(CopyState::Missing { since: first }))?;
    let last = b.last_change().await?;
    b.clock.advance(100);
    let gone = CopyState::Gone { since: b.clock.now() };
    compare(b, &fence, &[], &[1], &[2]).await?;
    b.clock.advance(100);
    same("what was told", &b.changes(last).await?, &vec![ChangeKind::CopyGone(message_key("two"))])?;
    let expected = (uids([1, 4]), vec![(uid(3)?, second)]);
    same("after one was found and one gave up", &inbox_copies(b).await?, &expected)?;
    let states: Vec<_> = b.inbox_copies_at(&uids(1..=2)).await?.into_iter().map(|s| s.copy.state).collect();
    same("the states of the two", &states, &vec![CopyState::Present, gone])?;
    let message = b.message("two").await?;
    let state = message.copies.first().map(|copy| copy.copy.state);
    same("the state of the copy of a message that is gone", &state, &Some(gone))?;
    same("how many messages the page has", &b.page(&["client"]).await?.len(), &4)?;
    compare(b, &fence, &[1, 4], &[], &[3]).await?;
    compare(b, &fence, &[], &[], &[1, 4]).await?;
    same("the copies when all are gone", &b.copies().await?, &Vec::new())
}

async fn comparison_is_exact(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let other = AccountId::new("another")?;
    let theirs = b.begin_account(&b.practice, &other).await?;
    let mut mail = b.mail("first", 1);
    b.archive(&fence, &[mail.clone(), b.mail("second", 2)]).await?;
    mail.account = other.clone();
    b.archive(&theirs, &[mail]).await?;
    let first = b.clock.now();
    compare(b, &fence, &[1, 99], &[2, 98], &[2, 97]).await?;
    b.clock.advance(50);
    compare(b, &fence, &[1], &[], &[]).await?;
    let expected = (uids([2]), vec![(uid(1)?, first)]);
    same("a present copy stays, a missing one keeps its time", &inbox_copies(b).await?, &expected)?;
    let theirs = b.store.copies(&b.practice, &other).await?;
    same("another account's copy", &theirs.first().map(|copies| &copies.present), &Some(&uids([1])))
}

async fn mailbox_gone(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let sent = MailboxName::from_wire("Sent");
    b.archive(&fence, &[b.mail("first", 1)]).await?;
    b.archive(&fence, &[b.mail("second", 1).lies_in(sent.clone())]).await?;
    let mut window = inbox_window()?;
    window.gaps = vec![Gap::new(uid(2)?, GapReason::Empty, 1, Timestamp::from_unix(0))];
    b.store.commit_window(&fence, &window).await?;
    let comparison = Comparison {
        mailboxes_gone: vec![inbox(), MailboxName::from_wire("never there")],
        ..Comparison::default()
    };
    b.store.commit_comparison(&fence, &comparison).await?;
    same("the progress of a mailbox that is gone", &b.mailbox(&inbox()).await?, &None)?;
    present("the progress of the other mailbox", b.mailbox(&sent).await?)?;
    let copies: Vec<_> = b.copies().await?.into_iter().map(|copies| copies.mailbox).collect();
    same("where copies lie", &copies, &vec![inbox(), sent])?;
    b.see(&fence, uids([5])).await?;
    let state = b.inbox_state().await?;
    same("what was seen when it is there again", &state.cursor.seen, &uids([5]))?;
    same("its gaps", &state.gaps, &Vec::new())
}

async fn dead_letters(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let letter = |uid: u32, reason: &str| {
        Ok::<_, super::super::check::Failure>(DeadLetter::new(
            b.mail("", uid).place()?,
            reason,
            b.clock.now(),
        ))
    };
    let mut with_octets = letter(3, "broken ü")?;
    with_octets.octets = Some((Digest::of(b"x"), u64::from(u32::MAX) * 2));
    with_octets.internal_date = Some(Timestamp::from_unix(-5));
    with_octets.labels = vec![MailboxName::encode("Wichtig ü"), MailboxName::from_wire(b"\xff".to_vec())];
    let last = b.last_change().await?;
    let mut window = inbox_window()?;
    window.dead_letters = vec![with_octets.clone(), letter(1, "first reason")?];
    b.store.commit_window(&fence, &window).await?;
    same("what was told", &b.changes(last).await?, &vec![ChangeKind::DeadLetter, ChangeKind::DeadLetter])?;
    let mut window = inbox_window()?;
    window.dead_letters = vec![letter(1, "second reason")?];
    b.store.commit_window(&fence, &window).await?;
    let expected = vec![letter(1, "second reason")?, with_octets];
    same("the dead letters", &b.store.dead_letters(&b.practice).await?, &expected)
}
