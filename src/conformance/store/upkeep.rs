//! A8 to A10: marks of unlisted messages, octets nothing names, exports.

use super::bench::{Bench, inbox_window, message_key};
use super::outbox::sent;
use crate::conformance::check::{Check, Outcome, present, same};
use crate::contract::{ChangeKind, Clock, DeadLetter};
use crate::types::{Digest, MessageKey, Timestamp, UserId};

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check { clause: "A8", name: "a mark keeps the time it was given", run: |b| Box::pin(marks_stay(b)) },
    Check { clause: "A8", name: "marks are listed by key, as far as asked", run: |b| Box::pin(listed(b)) },
    Check {
        clause: "A9",
        name: "octets are orphans that nothing named then and now",
        run: |b| Box::pin(orphans(b)),
    },
    Check { clause: "A9", name: "octets that come again are new", run: |b| Box::pin(come_again(b)) },
    Check { clause: "A10", name: "an export is told, with who made it", run: |b| Box::pin(exports(b)) },
];

async fn mark(b: &Bench, unlisted: &[&str], listed: &[&str]) -> Outcome {
    let named = |names: &[&str]| names.iter().map(|name| message_key(name)).collect::<Vec<_>>();
    Ok(b.store.mark_unlisted(&b.practice, &named(unlisted), &named(listed)).await?)
}

async fn marked(b: &Bench, before: Timestamp) -> Outcome<Vec<MessageKey>> {
    Ok(b.store.unlisted(&b.practice, before, None, 100).await?)
}

async fn marks_stay(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.archive(&fence, &[b.mail("first", 1), b.mail("second", 2)]).await?;
    let first = vec![message_key("first")];
    mark(b, &["first", "nobody's"], &["second"]).await?;
    let at = b.clock.now();
    same("what was marked before that", &marked(b, at).await?, &Vec::new())?;
    same("what was marked", &marked(b, at.plus(1)).await?, &first)?;
    b.clock.advance(50);
    mark(b, &["first", "second"], &[]).await?;
    same("what has been marked as long", &marked(b, at.plus(1)).await?, &first)?;
    same("how many are marked", &marked(b, b.in_seconds(1)).await?.len(), &2)?;
    mark(b, &[], &["first", "nobody's"]).await?;
    same("what is marked", &marked(b, b.in_seconds(1)).await?, &vec![message_key("second")])?;
    mark(b, &["first"], &[]).await?;
    same("what has been marked since then", &marked(b, b.clock.now()).await?, &Vec::new())?;
    b.erase_until(&["first"], crate::contract::Bars::Nothing).await?;
    b.archive(&fence, &[b.mail("first", 3)]).await?;
    same("the marks after one went", &marked(b, b.in_seconds(1)).await?, &vec![message_key("second")])
}

async fn listed(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let names: Vec<_> = (0..7).map(|number| format!("message {number}")).collect();
    let mails: Vec<_> = (1..).zip(&names).map(|(number, name)| b.mail(name, number)).collect();
    b.archive(&fence, &mails).await?;
    mark(b, &names.iter().map(String::as_str).collect::<Vec<_>>(), &[]).await?;
    let mut expected: Vec<_> = names.iter().map(|name| message_key(name)).collect();
    expected.sort();
    let mut found = Vec::new();
    for _ in 0..4 {
        let after = found.last().copied();
        found.extend(b.store.unlisted(&b.practice, b.in_seconds(1), after, 3).await?);
    }
    same("the marked messages, in steps", &found, &expected)
}

async fn orphans(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let digests = ["copied", "buried", "sent", "later", "alone"].map(|name| Digest::of(name.as_bytes()));
    let [.., later, alone] = digests;
    let mut copy = b.mail("a message", 1).build()?;
    copy.copy.sha256 = Digest::of(b"copied");
    let mut named = b.mail("named", 3).build()?;
    named.copy.sha256 = later;
    let mut window = inbox_window()?;
    window.copies = vec![copy];
    let mut letter = DeadLetter::new(b.mail("", 2).place()?, "it is no message", b.clock.now());
    letter.octets = Some((Digest::of(b"buried"), 6));
    window.dead_letters = vec![letter];
    b.store.commit_window(&fence, &window).await?;
    // An intent's octets are the digest of its name.
    b.deliver(&b.intent("sent"), &sent(None)?).await?;
    let ask = async |seconds| -> Outcome<Vec<Digest>> {
        let mut found = b.store.orphans(&b.practice, &digests, seconds).await?;
        found.sort();
        Ok(found)
    };
    same("what is shown for the first time", &ask(100).await?, &Vec::new())?;
    b.clock.advance(99);
    same("what is shown too early", &ask(100).await?, &Vec::new())?;
    let mut window = inbox_window()?;
    window.copies = vec![named];
    b.store.commit_window(&fence, &window).await?;
    b.clock.advance(1);
    same("what nothing named for as long", &ask(100).await?, &vec![alone])?;
    b.erase(&["named"]).await?;
    let found = b.store.orphans(&b.practice, &[later], 100).await?;
    same("what was named in between", &found, &Vec::new())
}

/// They may have come with something that will name them, and is under way.
async fn come_again(b: &Bench) -> Outcome {
    b.begin().await?;
    let listed = [Digest::of(b"alone")];
    let ask = async || b.store.orphans(&b.practice, &listed, 100).await;
    ask().await?;
    b.clock.advance(100);
    same("what nothing names", &ask().await?, &listed.to_vec())?;
    same("what is shown again", &ask().await?, &Vec::new())?;
    b.clock.advance(100);
    same("what nothing names again", &ask().await?, &listed.to_vec())
}

async fn exports(b: &Bench) -> Outcome {
    let last = b.last_change().await?;
    let anna = Some(UserId::new("anna")?);
    for by in [&anna, &None] {
        b.store.record_export(&b.practice, by.clone()).await?;
        let change = b.store.changes(&b.practice, 0, 100).await?.pop();
        let change = present("a change", change)?;
        let told = (change.kind, change.at, change.account, change.by);
        same("what was told", &told, &(ChangeKind::Exported, b.clock.now(), None, by.clone()))?;
    }
    same("how much was told", &b.changes(last).await?.len(), &2)
}
