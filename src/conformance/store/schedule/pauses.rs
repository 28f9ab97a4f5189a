//! W7, W9: kill switches and outboxes.

use super::id;
use crate::conformance::check::{Check, Outcome, same};
use crate::conformance::store::bench::Bench;
use crate::conformance::store::outbox::Intent;
use crate::contract::{Clock, NextDue, Pause, PauseScope};
use crate::types::{AccountId, PracticeId};

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check { clause: "W7", name: "what is paused is not claimed", run: |b| Box::pin(paused(b)) },
    Check { clause: "W7", name: "a pause ends at its time", run: |b| Box::pin(ends(b)) },
    Check { clause: "W7", name: "a pause that is set again is replaced", run: |b| Box::pin(replaced(b)) },
    Check {
        clause: "W7",
        name: "a practice that is paused has no due outbox",
        run: |b| Box::pin(no_outbox(b)),
    },
    Check {
        clause: "W9",
        name: "outboxes that are due are told, by practice",
        run: |b| Box::pin(outboxes(b)),
    },
];

async fn paused(b: &Bench) -> Outcome {
    let others = [("other", "account", "imap.example.com"), ("practice", "b", "imap.example.com")];
    b.connect_known("practice", "account", "imap.example.org", 0).await?;
    for (practice, account, host) in others {
        b.connect_known(practice, account, host, 0).await?;
    }
    let account = AccountId::new("account")?;
    // Which of the three are claimed then.
    let scopes = [
        (PauseScope::Everything, 0),
        (PauseScope::Provider("imap.example.com".to_owned()), 1),
        (PauseScope::Practice(b.practice.clone()), 1),
        (PauseScope::Account(b.practice.clone(), account), 2),
    ];
    for (scope, left) in scopes {
        let pause = Pause::new(scope.clone(), "why");
        b.store.pause(&pause).await?;
        same("the pauses", &b.store.pauses().await?, &vec![pause])?;
        let mut fences = Vec::new();
        while let Some(due) = b.claim_due(&super::any()).await? {
            fences.push(due.fence);
        }
        same("how many are claimed", &fences.len(), &left)?;
        for fence in &fences {
            b.end(fence, NextDue::In(0), None).await?;
        }
        same("that it is lifted", &b.store.resume(&scope).await?, &true)?;
        same("that it is lifted once", &b.store.resume(&scope).await?, &false)?;
        same("the pauses", &b.store.pauses().await?, &Vec::new())?;
    }
    let first = b.next().await?.is_some() && b.next().await?.is_some() && b.next().await?.is_some();
    same("whether all are claimed then", &first, &true)
}

async fn ends(b: &Bench) -> Outcome {
    b.connect_known("practice", "account", "imap.example.org", 0).await?;
    let until = b.clock.now().plus(100);
    b.store.pause(&Pause::new(PauseScope::Everything, "").until(until)).await?;
    b.clock.advance(99);
    same("a claim before its time", &b.next().await?, &None)?;
    b.clock.advance(1);
    same("the pauses at its time", &b.store.pauses().await?, &Vec::new())?;
    same("whether it can be lifted then", &b.store.resume(&PauseScope::Everything).await?, &false)?;
    same("a claim at its time", &b.next().await?, &id("account"))
}

async fn replaced(b: &Bench) -> Outcome {
    let pause = Pause::new(PauseScope::Everything, "first");
    b.store.pause(&pause).await?;
    let other = Pause::new(PauseScope::Everything, "second").until(b.clock.now().plus(100));
    b.store.pause(&other).await?;
    same("the pauses", &b.store.pauses().await?, &vec![other])?;
    b.store.pause(&pause).await?;
    b.clock.advance(1_000);
    same("the pauses", &b.store.pauses().await?, &vec![pause])
}

async fn no_outbox(b: &Bench) -> Outcome {
    b.begin().await?;
    b.queue(&b.intent("first")).await?;
    for scope in [PauseScope::Everything, PauseScope::Practice(b.practice.clone())] {
        b.store.pause(&Pause::new(scope.clone(), "")).await?;
        same("due outboxes", &b.store.due_outboxes(None, 10).await?, &Vec::new())?;
        b.store.resume(&scope).await?;
    }
    b.store.pause(&Pause::new(PauseScope::Provider("imap.example.org".to_owned()), "")).await?;
    same("due outboxes", &b.store.due_outboxes(None, 10).await?, &vec![b.practice.clone()])
}

async fn outboxes(b: &Bench) -> Outcome {
    b.begin().await?;
    same("due outboxes", &b.store.due_outboxes(None, 10).await?, &Vec::new())?;
    b.queue(&b.intent("later").not_before(b.in_seconds(500))).await?;
    same("before the time", &b.store.due_outboxes(None, 10).await?, &Vec::new())?;
    b.queue(&b.intent("first")).await?;
    let other = PracticeId::new("another")?;
    b.begin_account(&other, &b.account).await?;
    b.queue(&Intent::new(&other, &b.account, "second")).await?;
    let both = vec![other.clone(), b.practice.clone()];
    same("due outboxes", &b.store.due_outboxes(None, 10).await?, &both)?;
    same("the first", &b.store.due_outboxes(None, 1).await?, &vec![other.clone()])?;
    same("the rest", &b.store.due_outboxes(Some(other), 10).await?, &vec![b.practice.clone()])?;
    b.claim("first").await?;
    same("one that is worked on", &b.store.due_outboxes(None, 10).await?.len(), &1)
}
