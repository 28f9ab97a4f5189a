//! S7: which keys an account is covered for.

use super::bench::{Bench, inbox, inbox_window, keys, uids, validity};
use crate::conformance::check::{Check, Outcome, present, refused, same};
use crate::contract::{CoverageChange, CoveredKeys, Fence, HistoryStep, Window};
use crate::error::ErrorKind;
use crate::types::{Digest, MailboxName, UidSet};

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check { clause: "S7", name: "keys are pended, covered and forgotten", run: |b| Box::pin(key_states(b)) },
    Check {
        clause: "S7",
        name: "the rules stay unless others are given, the revision is the last",
        run: |b| Box::pin(rules(b)),
    },
    Check {
        clause: "S7",
        name: "history begins with all that was seen, in every mailbox",
        run: |b| Box::pin(history_begins(b)),
    },
    Check {
        clause: "S7",
        name: "history shrinks by what was read again, and what is new is not in it",
        run: |b| Box::pin(history_shrinks(b)),
    },
    Check {
        clause: "S7",
        name: "history cannot be finished before it is done in every mailbox",
        run: |b| Box::pin(finish_refused(b)),
    },
    Check {
        clause: "S7",
        name: "history that is begun again has everything in it again",
        run: |b| Box::pin(begun_again(b)),
    },
    Check { clause: "S7", name: "hundreds of keys are kept", run: |b| Box::pin(many_keys(b)) },
];

async fn covered(b: &Bench) -> Outcome<CoveredKeys> {
    Ok(b.store.sync_state(&b.practice, &b.account).await?.keys)
}

async fn keys_are(b: &Bench, pending: &[&str], covered_keys: &[&str]) -> Outcome {
    let found = covered(b).await?;
    same("the pending keys", &found.pending, &keys(pending)?.into_iter().collect())?;
    same("the covered keys", &found.covered, &keys(covered_keys)?.into_iter().collect())
}

/// What is left of a mailbox's history; nothing left and no history are the same.
async fn left(b: &Bench, name: &MailboxName) -> Outcome<UidSet> {
    let state = present("the progress of a mailbox", b.mailbox(name).await?)?;
    Ok(state.cursor.history.unwrap_or_default())
}

async fn read_again(b: &Bench, fence: &Fence, mailbox: MailboxName, done: UidSet) -> Outcome {
    let mut window = Window::new(mailbox, validity(1)?);
    window.history_done = done;
    b.store.commit_window(fence, &window).await?;
    Ok(())
}

async fn forget(b: &Bench, fence: &Fence, names: &[&str]) -> Outcome {
    let mut change = CoverageChange::default();
    change.forget.extend(keys(names)?);
    Ok(b.store.change_coverage(fence, &change).await?)
}

async fn key_states(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.cover(&fence, HistoryStep::Keep, &["one", "two", "three"]).await?;
    keys_are(b, &["one", "two", "three"], &[]).await?;
    b.cover(&fence, HistoryStep::Finish, &[]).await?;
    keys_are(b, &[], &["one", "two", "three"]).await?;
    b.cover(&fence, HistoryStep::Keep, &["two", "four"]).await?;
    keys_are(b, &["two", "four"], &["one", "three"]).await?;
    forget(b, &fence, &["one", "two", "never"]).await?;
    keys_are(b, &["four"], &["three"]).await?;
    b.cover(&fence, HistoryStep::Begin, &["four", "five"]).await?;
    keys_are(b, &["four", "five"], &["three"]).await
}

async fn rules(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    same("the rules before any", &covered(b).await?.policy, &None)?;
    let policy = Some(Digest::of(b"rules"));
    let change = CoverageChange { policy, revision: "r1 ü'".to_owned(), ..CoverageChange::default() };
    b.store.change_coverage(&fence, &change).await?;
    let found = covered(b).await?;
    same("the rules", &found.policy, &policy)?;
    same("the revision", &found.revision.as_str(), &"r1 ü'")?;
    let change = CoverageChange { revision: "r2".to_owned(), ..CoverageChange::default() };
    b.store.change_coverage(&fence, &change).await?;
    let found = covered(b).await?;
    same("the rules, when none were given", &found.policy, &policy)?;
    same("the revision then", &found.revision.as_str(), &"r2")?;
    let policy = Some(Digest::of(b"other rules"));
    b.store.change_coverage(&fence, &CoverageChange { policy, ..CoverageChange::default() }).await?;
    same("the rules, when others were given", &covered(b).await?.policy, &policy)
}

/// Two mailboxes of which something was seen.
async fn two_mailboxes(b: &Bench) -> Outcome<(Fence, MailboxName)> {
    let fence = b.begin().await?;
    b.see(&fence, uids(1..=100)).await?;
    let sent = MailboxName::from_wire("Sent");
    let mut window = Window::new(sent.clone(), validity(1)?);
    window.seen = uids([5, 7]);
    b.store.commit_window(&fence, &window).await?;
    Ok((fence, sent))
}

async fn history_begins(b: &Bench) -> Outcome {
    let (fence, sent) = two_mailboxes(b).await?;
    b.cover(&fence, HistoryStep::Keep, &["one"]).await?;
    same("history before it begins", &left(b, &inbox()).await?, &UidSet::new())?;
    b.cover(&fence, HistoryStep::Begin, &[]).await?;
    same("the inbox's history", &left(b, &inbox()).await?, &uids(1..=100))?;
    same("the other mailbox's history", &left(b, &sent).await?, &uids([5, 7]))?;
    same("what was seen stays", &b.inbox_state().await?.cursor.seen, &uids(1..=100))?;
    b.cover(&fence, HistoryStep::Keep, &["two"]).await?;
    same("the inbox's history when it goes on", &left(b, &inbox()).await?, &uids(1..=100))
}

async fn history_shrinks(b: &Bench) -> Outcome {
    let (fence, sent) = two_mailboxes(b).await?;
    b.cover(&fence, HistoryStep::Begin, &["one"]).await?;
    let mut window = inbox_window()?;
    window.seen = uids(90..=120);
    window.history_done = uids(50..=110);
    b.store.commit_window(&fence, &window).await?;
    same("the inbox's history", &left(b, &inbox()).await?, &uids(1..=49))?;
    same("what was seen", &b.inbox_state().await?.cursor.seen, &uids(1..=120))?;
    b.see(&fence, uids([10, 130])).await?;
    same("the inbox's history after more was seen", &left(b, &inbox()).await?, &uids(1..=49))?;
    same("the other mailbox's history", &left(b, &sent).await?, &uids([5, 7]))?;
    let new = MailboxName::from_wire("New");
    let mut window = Window::new(new.clone(), validity(1)?);
    window.seen = uids(1..=3);
    b.store.commit_window(&fence, &window).await?;
    same("the history of a mailbox that is new", &left(b, &new).await?, &UidSet::new())
}

async fn finish_refused(b: &Bench) -> Outcome {
    let (fence, sent) = two_mailboxes(b).await?;
    b.cover(&fence, HistoryStep::Begin, &["one"]).await?;
    let finish = CoverageChange { history: HistoryStep::Finish, ..CoverageChange::default() };
    let invalid = ErrorKind::Invalid;
    refused("finishing at once", b.store.change_coverage(&fence, &finish).await, invalid)?;
    read_again(b, &fence, inbox(), uids(1..=100)).await?;
    refused("finishing with one mailbox left", b.store.change_coverage(&fence, &finish).await, invalid)?;
    read_again(b, &fence, sent.clone(), uids([7])).await?;
    refused("finishing with one message left", b.store.change_coverage(&fence, &finish).await, invalid)?;
    keys_are(b, &["one"], &[]).await?;
    read_again(b, &fence, sent.clone(), uids([5])).await?;
    b.store.change_coverage(&fence, &finish).await?;
    keys_are(b, &[], &["one"]).await?;
    for name in [inbox(), sent] {
        let state = present("the progress of a mailbox", b.mailbox(&name).await?)?;
        same("a mailbox's history when it is done", &state.cursor.history, &None)?;
    }
    Ok(())
}

async fn begun_again(b: &Bench) -> Outcome {
    let (fence, _) = two_mailboxes(b).await?;
    b.cover(&fence, HistoryStep::Begin, &["one"]).await?;
    read_again(b, &fence, inbox(), uids(20..=100)).await?;
    b.see(&fence, uids(101..=110)).await?;
    b.cover(&fence, HistoryStep::Begin, &["two"]).await?;
    same("the inbox's history", &left(b, &inbox()).await?, &uids(1..=110))?;
    keys_are(b, &["one", "two"], &[]).await
}

async fn many_keys(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let names: Vec<_> = (0..700).map(|number| format!("client{number}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let (some, others) = names.split_at(300);
    b.cover(&fence, HistoryStep::Keep, &names).await?;
    b.cover(&fence, HistoryStep::Finish, &[]).await?;
    forget(b, &fence, some).await?;
    keys_are(b, &[], others).await
}
