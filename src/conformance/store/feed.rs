//! S10: the change feed, and the health it tells of.

use super::bench::{Bench, LEASE, message_key, new_account};
use crate::conformance::check::{Check, Outcome, hold, present, same};
use crate::contract::{AccountHealth, ChangeKind, Clock, Comparison, PassEnd};
use crate::error::ErrorKind;
use crate::types::{AccountId, Timestamp};

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check {
        clause: "S10",
        name: "what happens is told once, with time and account",
        run: |b| Box::pin(told(b)),
    },
    Check { clause: "S10", name: "numbers rise without reuse", run: |b| Box::pin(numbers(b)) },
    Check {
        clause: "S10",
        name: "the feed goes on after any number, as far as asked",
        run: |b| Box::pin(continued(b)),
    },
    Check {
        clause: "S10",
        name: "an account's failing and recovering are told once, and its health says more",
        run: |b| Box::pin(health(b)),
    },
    Check { clause: "S10", name: "hints stay until others are given", run: |b| Box::pin(hints(b)) },
];

async fn told(b: &Bench) -> Outcome {
    let first = ChangeKind::MessageArchived(message_key("first"));
    let second = ChangeKind::MessageArchived(message_key("second"));
    let fence = b.begin().await?;
    b.clock.advance(10);
    b.archive(&fence, &[b.mail("first", 1), b.mail("second", 2)]).await?;
    b.archive(&fence, &[b.mail("first", 3), b.mail("first", 1)]).await?;
    let comparison = Comparison { missing: vec![b.mail("first", 3).place()?], ..Comparison::default() };
    b.store.commit_comparison(&fence, &comparison).await?;
    b.store.commit_comparison(&fence, &comparison).await?;
    b.store.connect(&new_account(&b.practice, &b.account)?).await?;
    b.store.disconnect(&b.practice, &b.account).await?;
    let expected = vec![
        ChangeKind::AccountConnected,
        first,
        second,
        ChangeKind::CopyArchived(message_key("first")),
        ChangeKind::CopyMissing(message_key("first")),
        ChangeKind::AccountConnected,
        ChangeKind::AccountDisconnected,
    ];
    same("what was told", &b.changes(0).await?, &expected)?;
    let changes = b.store.changes(&b.practice, 0, 100).await?;
    hold(changes.iter().all(|change| change.account.as_ref() == Some(&b.account)), || {
        "a change does not name its account".to_owned()
    })?;
    let connected = present("the first change", changes.first())?;
    same("when a message was archived", &changes.get(1).map(|change| change.at), &Some(b.clock.now()))?;
    same("when the account was connected", &connected.at, &b.clock.now().plus(-10))
}

async fn numbers(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let mut last = 0;
    for round in 1..=5 {
        b.archive(&fence, &[b.mail(&format!("m{round}"), round), b.mail(&format!("n{round}"), round + 100)])
            .await?;
        let changes = b.store.changes(&b.practice, last, 100).await?;
        hold(changes.len() >= 2, || format!("two messages were archived, {} changes told", changes.len()))?;
        for change in changes {
            hold(change.sequence > last, || format!("number {} follows number {last}", change.sequence))?;
            last = change.sequence;
        }
    }
    let all: Vec<_> =
        b.store.changes(&b.practice, 0, 100).await?.iter().map(|change| change.sequence).collect();
    same("the last number, read from the beginning", &all.last(), &Some(&last))?;
    hold(all.is_sorted_by(|one, two| one < two), || format!("the numbers are {all:?}"))
}

async fn continued(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let mails: Vec<_> = (1..=20).map(|n| b.mail(&format!("m{n}"), n)).collect();
    b.archive(&fence, &mails).await?;
    let all = b.store.changes(&b.practice, 0, 1_000).await?;
    same("how many changes there are", &all.len(), &21)?;
    for limit in [1, 6, 21] {
        let mut found = Vec::new();
        loop {
            let after = found.last().map_or(0, |change: &crate::contract::Change| change.sequence);
            let changes = b.store.changes(&b.practice, after, limit).await?;
            hold(changes.len() <= limit, || format!("{} changes when {limit} were asked", changes.len()))?;
            if changes.is_empty() || found.len() > all.len() {
                break;
            }
            found.extend(changes);
        }
        same(&format!("the feed in steps of {limit}"), &found, &all)?;
    }
    let last = present("the last change", all.last())?.sequence;
    same("what follows the last", &b.store.changes(&b.practice, last, 10).await?, &Vec::new())?;
    let end = i64::MAX.unsigned_abs();
    same("what follows the highest number", &b.store.changes(&b.practice, end, 10).await?, &Vec::new())
}

async fn health(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let time = |seconds: i64| Some(Timestamp::from_unix(1_800_000_000 + seconds));
    let failed = |at, kind, message: &str| PassEnd {
        at: time(at),
        failure: Some((kind, message.to_owned())),
        not_before: time(at + 600),
        ..PassEnd::default()
    };
    let well = |at| PassEnd { at: time(at), ..PassEnd::default() };
    let slow = ErrorKind::TimedOut;
    let mut last = b.last_change().await?;
    for (end, success, change) in [
        (well(1), Some(1), None),
        (failed(2, slow, "slow ü"), Some(1), Some(ChangeKind::AccountFailed(slow))),
        (failed(3, slow, "slow again"), Some(1), None),
        (well(4), Some(4), Some(ChangeKind::AccountRecovered)),
        (well(5), Some(5), None),
        (
            failed(6, ErrorKind::AccountLocked, ""),
            Some(5),
            Some(ChangeKind::AccountFailed(ErrorKind::AccountLocked)),
        ),
    ] {
        b.store.end_pass(&fence, &end).await?;
        same("what was told", &b.changes(last).await?, &change.into_iter().collect())?;
        last = b.last_change().await?;
        let expected = AccountHealth {
            last_attempt: end.at,
            last_success: success.and_then(time),
            failure: end.failure.as_ref().map(|(kind, _)| *kind),
            failure_message: end.failure.map(|(_, message)| message),
            not_before: end.not_before,
        };
        let accounts = b.store.accounts(&b.practice).await?;
        same("the account's health", &present("the account", accounts.first())?.health, &expected)?;
    }
    let other = AccountId::new("another")?;
    let theirs = b.store.connect(&new_account(&b.practice, &other)?).await?;
    same("another account's health", &theirs.health, &AccountHealth::default())?;
    for kind in ErrorKind::ALL {
        b.store.end_pass(&fence, &failed(7, *kind, "kind")).await?;
        let accounts = b.store.accounts(&b.practice).await?;
        let found = accounts.iter().find(|record| record.account.id == b.account);
        same("the kind of failure", &found.and_then(|record| record.health.failure), &Some(*kind))?;
    }
    Ok(())
}

async fn hints(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let hints =
        async || Ok::<_, crate::error::Error>(b.store.sync_state(&b.practice, &b.account).await?.hints);
    let end = |hints: Option<&str>| PassEnd { hints: hints.map(str::to_owned), ..PassEnd::default() };
    same("hints before any", &hints().await?.as_str(), &"")?;
    for (given, expected) in [(Some("{\"a\": 'ü'}"), "{\"a\": 'ü'}"), (None, "{\"a\": 'ü'}"), (Some(""), "")]
    {
        b.store.end_pass(&fence, &end(given)).await?;
        same("the hints", &hints().await?.as_str(), &expected)?;
    }
    b.store.end_pass(&fence, &end(Some("kept"))).await?;
    b.store.release_lease(&fence).await?;
    b.acquire("another", LEASE).await?;
    same("the hints under another lease", &hints().await?.as_str(), &"kept")
}
