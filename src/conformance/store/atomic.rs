//! S1: transitions happen whole or not at all.

use futures_util::FutureExt;

use super::bench::{Bench, inbox, inbox_window, keys, message_key, uid, uids};
use crate::conformance::check::{Check, Failure, Outcome, hold, same};
use crate::contract::{Comparison, CoverageChange, DeadLetter, Fence, HistoryStep, PassEnd, Window};
use crate::error::ErrorKind;
use crate::types::{Digest, Gap, GapReason, MailboxStatus, MessageId, Timestamp};

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check { clause: "S1", name: "a refused window writes nothing", run: |b| Box::pin(refused_window(b)) },
    Check {
        clause: "S1",
        name: "a refused change of coverage writes nothing",
        run: |b| Box::pin(refused_coverage(b)),
    },
    Check {
        clause: "S1",
        name: "a refused comparison or end of a pass writes nothing",
        run: |b| Box::pin(refused_rest(b)),
    },
    Check {
        clause: "S1",
        name: "a transition that is never polled does nothing",
        run: |b| Box::pin(never_polled(b)),
    },
    Check {
        clause: "S1",
        name: "a transition that is dropped half-way is whole or nothing",
        run: |b| Box::pin(dropped(b)),
    },
];

/// A window in which everything is set.
pub(super) fn full_window(b: &Bench) -> Outcome<Window> {
    let mut window = inbox_window()?;
    window.seen = uids(1..=9);
    window.gaps = vec![Gap::new(uid(7)?, GapReason::Refused, 2, Timestamp::from_unix(1_900_000_000))];
    window.copies = vec![b.mail("first", 5).build()?, b.mail("second", 6).bcc("b@client.example").build()?];
    let mut letter =
        DeadLetter::new(b.mail("third", 8).place()?, "it is no message", Timestamp::from_unix(5));
    letter.message_id = MessageId::parse("third@example.org");
    letter.octets = Some((Digest::of(b"third"), 5));
    window.dead_letters = vec![letter];
    window.octets_read = 12_345;
    window.finished = Some(MailboxStatus::new(9, 10, Some(window.uid_validity), None));
    window.look_again_at = Some(Timestamp::from_unix(1_900_000_000));
    Ok(window)
}

/// An archive with something in it, and a lease that has expired.
async fn stale(b: &Bench) -> Outcome<Fence> {
    let fence = b.begin().await?;
    b.archive(&fence, &[b.mail("kept", 1), b.mail("also kept", 2)]).await?;
    b.cover(&fence, HistoryStep::Begin, &["client"]).await?;
    b.clock.advance(i64::from(super::bench::LEASE) + 60);
    Ok(fence)
}

async fn refused_window(b: &Bench) -> Outcome {
    let fence = stale(b).await?;
    let before = b.snapshot().await?;
    let mut window = full_window(b)?;
    window.history_done = uids([1]);
    let moved =
        crate::contract::MovedCopy::new(b.mail("kept", 1).place()?, b.mail("kept", 30).place()?, Vec::new());
    window.moved = vec![moved];
    if b.store.commit_window(&fence, &window).await.is_err() {
        same("the store after a refused window", &b.snapshot().await?, &before)?;
        let page = b.page(&["client"]).await?;
        same("how many messages the page has", &page.len(), &2)?;
    }
    Ok(())
}

async fn refused_coverage(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.see(&fence, uids(1..=5)).await?;
    b.cover(&fence, HistoryStep::Begin, &["one", "two"]).await?;
    let before = b.snapshot().await?;
    let mut change = CoverageChange { history: HistoryStep::Finish, ..CoverageChange::default() };
    change.forget.extend(keys(&["one"])?);
    change.pend.extend(keys(&["three"])?);
    change.policy = Some(Digest::of(b"policy"));
    "another".clone_into(&mut change.revision);
    if b.store.change_coverage(&fence, &change).await.is_err() {
        same("the store after a refused change of coverage", &b.snapshot().await?, &before)?;
    }
    Ok(())
}

async fn refused_rest(b: &Bench) -> Outcome {
    let fence = stale(b).await?;
    let before = b.snapshot().await?;
    let comparison = Comparison {
        missing: vec![b.mail("kept", 1).place()?],
        mailboxes_gone: vec![inbox()],
        ..Comparison::default()
    };
    if b.store.commit_comparison(&fence, &comparison).await.is_err() {
        same("the store after a refused comparison", &b.snapshot().await?, &before)?;
    }
    let end = PassEnd {
        at: Some(Timestamp::from_unix(1)),
        failure: Some((ErrorKind::TimedOut, "slow".to_owned())),
        hints: Some("hints".to_owned()),
        octets_read: 9,
        ..PassEnd::default()
    };
    if b.store.end_pass(&fence, &end).await.is_err() {
        same("the store after a refused end of a pass", &b.snapshot().await?, &before)?;
    }
    Ok(())
}

async fn never_polled(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let before = b.snapshot().await?;
    let window = full_window(b)?;
    drop(b.store.commit_window(&fence, &window));
    drop(b.store.disconnect(&b.practice, &b.account));
    drop(b.store.release_lease(&fence));
    same("the store", &b.snapshot().await?, &before)?;
    Ok(b.store.renew_lease(&fence, 10).await?)
}

async fn dropped(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let window = full_window(b)?;
    for polls in 0..4 {
        let mut commit = b.store.commit_window(&fence, &window);
        for _ in 0..polls {
            if (&mut commit).now_or_never().is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(commit);
        // A store may have handed the work to another thread, which ends before the next transition begins.
        b.store.renew_lease(&fence, super::bench::LEASE).await?;
        whole_or_nothing(b).await?;
    }
    b.store.commit_window(&fence, &window).await?;
    let whole = whole_or_nothing(b).await?;
    hold(whole, || "after a window was committed, nothing of it is there".to_owned())
}

/// Whether the window of [`full_window`] is there; fails when a part of it is.
async fn whole_or_nothing(b: &Bench) -> Outcome<bool> {
    let there = [
        b.mailbox(&inbox()).await?.is_some_and(|mailbox| mailbox.cursor.seen == uids(1..=9)),
        !b.store.messages(&b.practice, &[message_key("first")]).await?.is_empty(),
        !b.page(&["client"]).await?.is_empty(),
        !b.copies().await?.is_empty(),
        !b.store.dead_letters(&b.practice).await?.is_empty(),
        b.store.sync_state(&b.practice, &b.account).await?.octets_today > 0,
        b.last_change().await? > 1,
    ];
    let whole = there.iter().all(|part| *part);
    if whole || there.iter().all(|part| !part) {
        return Ok(whole);
    }
    let parts = ["cursor", "messages", "page", "copies", "dead letters", "octets", "changes"];
    let parts: Vec<_> = parts.iter().zip(there).filter_map(|(part, there)| there.then_some(*part)).collect();
    Err(Failure::new(format!("of a window only these parts are there: {}", parts.join(", "))))
}
