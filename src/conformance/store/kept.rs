//! S5, S16: what is kept of a copy, and what a copy that is known puts back.

use super::bench::{Bench, inbox_window, message_key, uids};
use super::mail::Mail;
use crate::conformance::check::{Check, Failure, Outcome, present, same};
use crate::contract::{ArchivedCopy, Clock, DeadLetter, Fence};
use crate::types::{Authenticity, Cut, Digest, Kept, SearchTerms};

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check { clause: "S5", name: "what is kept of a copy is told", run: |b| Box::pin(round_trip(b)) },
    Check {
        clause: "S16",
        name: "octets are named by what is kept of them",
        run: |b| Box::pin(named_by_what_is_kept(b)),
    },
    Check {
        clause: "S5",
        name: "a copy that is known puts back what its message lacks",
        run: |b| Box::pin(put_back(b)),
    },
    Check {
        clause: "S5",
        name: "a place that a copy is committed at is no dead letter's any more",
        run: |b| Box::pin(no_dead_letter(b)),
    },
];

fn without_attachments(stored: &[u8]) -> Kept {
    let cuts =
        vec![Cut::new(0, 10, 20, Digest::of(b"one")), Cut::new(2, u64::MAX - 1, 1, Digest::of(b"two"))];
    Kept::WithoutAttachments { stored: Digest::of(stored), cuts }
}

async fn commit(b: &Bench, fence: &Fence, copies: Vec<ArchivedCopy>) -> Outcome<(u32, u32)> {
    let mut window = inbox_window()?;
    window.copies = copies;
    let receipt = b.store.commit_window(fence, &window).await?;
    Ok((receipt.new_messages, receipt.new_copies))
}

async fn round_trip(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let cases = [
        ("whole", Kept::Whole, Authenticity::Pass, false),
        ("cut", without_attachments(b"left"), Authenticity::Fail, false),
        (
            "uncut",
            Kept::WithoutAttachments { stored: Digest::of(b"x"), cuts: Vec::new() },
            Authenticity::Pass,
            false,
        ),
        ("begun", Kept::Beginning, Authenticity::Unknown, true),
    ];
    let mut copies = Vec::new();
    for ((name, kept, authenticity, incomplete), number) in cases.iter().zip(1..) {
        let mut archived = b.mail(name, number).build()?;
        archived.copy.kept = kept.clone();
        archived.copy.authenticity = *authenticity;
        archived.parsed.incomplete = *incomplete;
        copies.push(archived);
    }
    commit(b, &fence, copies.clone()).await?;
    let stored: Vec<_> =
        b.inbox_copies_at(&uids(1..=4)).await?.into_iter().map(|stored| stored.copy).collect();
    same("the copies", &stored, &copies.iter().map(|archived| archived.copy.clone()).collect())?;
    for (archived, (name, .., incomplete)) in copies.into_iter().zip(&cases) {
        let message = b.message(name).await?;
        let copies: Vec<_> = message.copies.into_iter().map(|copy| copy.copy).collect();
        same("the message's copy", &copies, &vec![archived.copy])?;
        let told: Vec<_> = message.renditions.iter().map(|rendition| rendition.incomplete).collect();
        same("whether only the beginning was read", &told, &vec![*incomplete])?;
    }
    Ok(())
}

async fn named_by_what_is_kept(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let mut archived = b.mail("cut", 1).build()?;
    archived.copy.kept = without_attachments(b"left");
    commit(b, &fence, vec![archived]).await?;
    b.store.disconnect(&b.practice, &b.account).await?;
    let unnamed = b.store.erase_account(&b.practice, &b.account).await?;
    same("the octets of an erased copy", &unnamed, &vec![Digest::of(b"left")])
}

async fn put_back(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let known = b.mail("known", 1).thread("t");
    b.archive(&fence, &[b.mail("other", 2).thread("t"), b.mail("known", 1)]).await?;
    let (before, last) = (b.message("known").await?, b.last_change().await?);
    let again: Mail = known.keys(&["client", "more"]);
    same("the receipt", &commit(b, &fence, vec![again.build()?]).await?, &(0, 0))?;
    same("what was told", &b.changes(last).await?, &Vec::new())?;
    let after = b.message("known").await?;
    same("its copies", &after.copies, &before.copies)?;
    same("its renditions", &after.renditions, &before.renditions)?;
    let of_more = |page: Vec<crate::contract::PagePosition>| page.into_iter().map(|at| at.message).collect();
    same("the page of a key it lacked", &of_more(b.page(&["more"]).await?), &vec![message_key("known")])?;
    let mut query = b.of_client()?;
    query.keys = super::bench::keys(&["more"])?;
    query.filter.terms = SearchTerms::parse("about");
    same("what is found by that key", &b.names_of(&query, &["known"]).await?, &vec!["known"])?;
    let other = b.message("other").await?;
    same("its conversation", &present("a message", Some(after))?.conversation, &other.conversation)
}

async fn no_dead_letter(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.archive(&fence, &[b.mail("known", 1)]).await?;
    let letter = |uid| Ok::<_, Failure>(DeadLetter::new(b.mail("", uid).place()?, "broken", b.clock.now()));
    let mut window = inbox_window()?;
    window.dead_letters = vec![letter(1)?, letter(2)?, letter(3)?];
    b.store.commit_window(&fence, &window).await?;
    b.archive(&fence, &[b.mail("known", 1), b.mail("new", 2)]).await?;
    same("the dead letters that are left", &b.store.dead_letters(&b.practice).await?, &vec![letter(3)?])
}
