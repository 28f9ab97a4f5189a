//! W1, W3, W4: what a claim takes.

use super::{SECONDS, any, id};
use crate::conformance::check::{Check, Outcome, hold, refused, same};
use crate::conformance::store::bench::{Bench, new_account};
use crate::contract::{Claimed, Clock, DueClaim, NextDue, ProviderLimits};
use crate::error::ErrorKind;
use crate::types::AccountId;

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check { clause: "W1", name: "a claim is a lease", run: |b| Box::pin(is_a_lease(b)) },
    Check { clause: "W1", name: "of many at once each gets another account", run: |b| Box::pin(of_many(b)) },
    Check {
        clause: "W1",
        name: "what somebody holds is not claimed, by the same name either",
        run: |b| Box::pin(held(b)),
    },
    Check { clause: "W1", name: "what is not connected is not claimed", run: |b| Box::pin(connected(b)) },
    Check { clause: "W3", name: "a provider's limit holds over practices", run: |b| Box::pin(limits(b)) },
    Check {
        clause: "W3",
        name: "first synchronisations take half of a limit, and only where they are wanted",
        run: |b| Box::pin(first(b)),
    },
    Check { clause: "W4", name: "the next due time is told", run: |b| Box::pin(next(b)) },
];

async fn is_a_lease(b: &Bench) -> Outcome {
    same("a claim of nothing", &b.next().await?, &None)?;
    let record = b.store.connect(&new_account(&b.practice, &b.account)?).await?;
    let due = b.must_claim().await?;
    same("the account", &due.record, &record)?;
    same("whose", &(&due.fence.practice, &due.fence.account), &(&b.practice, &b.account))?;
    same("its provider", &due.provider.as_str(), &"imap.example.org")?;
    refused("another's lease", b.acquire("other", SECONDS).await, ErrorKind::Busy)?;
    b.clock.advance(60);
    b.store.renew_lease(&due.fence, SECONDS).await?;
    b.clock.advance(60);
    same("a claim while it lives", &b.next().await?, &None)?;
    let standing = b.standing("account").await?;
    let until = b.clock.now().plus(40);
    same("who holds it", &standing.lease, &Some(("worker".to_owned(), until)))?;
    b.clock.advance(60);
    let again = b.must_claim().await?;
    hold(again.fence.token > due.fence.token, || "a claim's token does not rise".to_owned())?;
    refused("renewing what was taken over", b.store.renew_lease(&due.fence, 60).await, ErrorKind::FenceLost)
}

async fn of_many(b: &Bench) -> Outcome {
    for number in 0..5 {
        b.connect_at("practice", &format!("a{number}"), "imap.example.org").await?;
    }
    let limits = ProviderLimits::default().limit("imap.example.org", 100);
    let claims: Vec<DueClaim> =
        (0..12).map(|n| DueClaim::new(format!("worker {n}"), SECONDS).within(limits.clone())).collect();
    let asked = claims.iter().map(|claim| b.store.claim_due(claim));
    let mut given = Vec::new();
    for answer in futures_util::future::join_all(asked).await {
        if let Claimed::Account(due) = answer? {
            given.push(due.fence.account.to_string());
        }
    }
    given.sort();
    let each: Vec<String> = (0..5).map(|number| format!("a{number}")).collect();
    same("the accounts that were given", &given, &each)
}

async fn held(b: &Bench) -> Outcome {
    b.connect_at("practice", "account", "imap.example.org").await?;
    let fence = b.acquire("worker", SECONDS).await?;
    same("a claim of what is leased under the same name", &b.next().await?, &None)?;
    b.store.release_lease(&fence).await?;
    same("a claim once it is released", &b.next().await?, &id("account"))?;
    same("a claim of what was claimed under the same name", &b.next().await?, &None)
}

async fn connected(b: &Bench) -> Outcome {
    b.connect_at("practice", "account", "imap.example.org").await?;
    b.store.disconnect(&b.practice, &b.account).await?;
    same("a claim of what is disconnected", &b.next().await?, &None)?;
    b.connect_at("practice", "account", "imap.example.org").await?;
    let due = b.must_claim().await?;
    b.store.disconnect(&b.practice, &b.account).await?;
    refused("renewing then", b.store.renew_lease(&due.fence, 60).await, ErrorKind::FenceLost)
}

async fn limits(b: &Bench) -> Outcome {
    for (practice, account) in [("one", "a"), ("two", "b"), ("three", "c")] {
        b.connect_known(practice, account, "imap.example.org", 0).await?;
    }
    b.connect_known("four", "d", "imap.example.com", 0).await?;
    let claim = any().within(ProviderLimits::default().limit("imap.example.org", 2));
    let mut given = Vec::new();
    let mut fences = Vec::new();
    while let Some(due) = b.claim_due(&claim).await? {
        given.push(due.provider.clone());
        fences.push(due.fence);
    }
    given.sort();
    same(
        "whose were claimed",
        &given,
        &["imap.example.com", "imap.example.org", "imap.example.org"].map(String::from).to_vec(),
    )?;
    for fence in &fences {
        b.end(fence, NextDue::In(1_000), None).await?;
    }
    hold(b.next_within(&claim).await?.is_some(), || {
        "a limit holds on after the leases were released".to_owned()
    })?;
    b.clock.advance(2_000);
    let none = any().within(ProviderLimits::default().limit("imap.example.org", 0));
    same("of a provider that is switched off", &b.next_within(&none).await?, &id("d"))
}

async fn first(b: &Bench) -> Outcome {
    for account in ["a", "b", "c", "d"] {
        b.connect_at("practice", account, "imap.example.org").await?;
    }
    let limits = ProviderLimits::default().limit("imap.example.org", 4);
    same("a claim without", &b.next_within(&any().without_first()).await?, &None)?;
    let claim = any().within(limits);
    for expected in [true, true, false] {
        same("whether one is claimed", &b.next_within(&claim).await?.is_some(), &expected)?;
    }
    b.connect_known("practice", "known", "imap.example.org", 0).await?;
    same("another has room", &b.next_within(&claim).await?, &id("known"))
}

async fn next(b: &Bench) -> Outcome {
    let nothing = |next| Claimed::Nothing { next };
    same("of no accounts", &b.store.claim_due(&any()).await?, &nothing(None))?;
    let begun = b.clock.now();
    b.connect_known("practice", "later", "imap.example.org", 500).await?;
    b.connect_known("other", "sooner", "imap.example.org", 300).await?;
    same("of two", &b.store.claim_due(&any()).await?, &nothing(Some(begun.plus(300))))?;
    b.clock.advance(299);
    same("before its time", &b.next().await?, &None)?;
    b.clock.advance(1);
    same("at its time", &b.next().await?, &id("sooner"))?;
    same("of one that is leased", &b.store.claim_due(&any()).await?, &nothing(Some(begun.plus(500))))?;
    let fence = b.store.acquire_lease(&b.practice, &AccountId::new("later")?, "other", SECONDS).await?;
    same("of two", &b.store.claim_due(&any()).await?, &nothing(None))?;
    Ok(b.store.release_lease(&fence).await?)
}
