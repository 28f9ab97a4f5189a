//! S2 and S11: what was begun under a lease that is lost is refused.

use super::bench::{Bench, LEASE, inbox, inbox_window, new_account};
use crate::conformance::check::{Check, Outcome, hold, present, refused, same};
use crate::contract::{AccountState, ChangeKind, Comparison, CoverageChange, Fence, PassEnd};
use crate::error::ErrorKind;

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check { clause: "S2", name: "an expired lease is lost", run: |b| Box::pin(expired(b)) },
    Check { clause: "S2", name: "a renewed lease holds until its new end", run: |b| Box::pin(renewed(b)) },
    Check { clause: "S2", name: "a released lease is lost", run: |b| Box::pin(released(b)) },
    Check { clause: "S2", name: "a lease taken over by another is lost", run: |b| Box::pin(taken_over(b)) },
    Check { clause: "S2", name: "a token that was never given is lost", run: |b| Box::pin(never_given(b)) },
    Check { clause: "S2", name: "a fence of another epoch is lost", run: |b| Box::pin(other_epoch(b)) },
    Check {
        clause: "S11",
        name: "disconnecting loses every fence, also after connecting again",
        run: |b| Box::pin(disconnected(b)),
    },
    Check {
        clause: "S11",
        name: "disconnecting keeps the archive and the progress",
        run: |b| Box::pin(archive_stays(b)),
    },
    Check {
        clause: "S11",
        name: "an account that is not there is not found",
        run: |b| Box::pin(not_found(b)),
    },
];

/// Every transition with a fence is refused; `release_lease` alone is not.
pub(super) async fn lost(b: &Bench, fence: &Fence) -> Outcome {
    let kind = ErrorKind::FenceLost;
    refused("a window", b.store.commit_window(fence, &inbox_window()?).await, kind)?;
    refused("coverage", b.store.change_coverage(fence, &CoverageChange::default()).await, kind)?;
    refused("a comparison", b.store.commit_comparison(fence, &Comparison::default()).await, kind)?;
    refused("the end of a pass", b.store.end_pass(fence, &PassEnd::default()).await, kind)?;
    let settings = new_account(&b.practice, &b.account)?.settings;
    refused("settings", b.store.change_settings(fence, &settings).await, kind)?;
    refused("renewing", b.store.renew_lease(fence, LEASE).await, kind)?;
    Ok(b.store.release_lease(fence).await?)
}

/// No transition is refused.
pub(super) async fn held(b: &Bench, fence: &Fence) -> Outcome {
    b.store.commit_window(fence, &inbox_window()?).await?;
    b.store.change_coverage(fence, &CoverageChange::default()).await?;
    b.store.commit_comparison(fence, &Comparison::default()).await?;
    b.store.change_settings(fence, &new_account(&b.practice, &b.account)?.settings).await?;
    Ok(b.store.end_pass(fence, &PassEnd::default()).await?)
}

async fn expired(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.clock.advance(i64::from(LEASE) - 5);
    held(b, &fence).await?;
    b.clock.advance(10);
    lost(b, &fence).await
}

async fn renewed(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.store.renew_lease(&fence, 100).await?;
    b.clock.advance(90);
    held(b, &fence).await?;
    b.store.renew_lease(&fence, 100).await?;
    b.clock.advance(90);
    held(b, &fence).await?;
    b.clock.advance(20);
    lost(b, &fence).await
}

async fn released(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    held(b, &fence).await?;
    b.store.release_lease(&fence).await?;
    lost(b, &fence).await
}

async fn taken_over(b: &Bench) -> Outcome {
    let first = b.begin().await?;
    b.clock.advance(i64::from(LEASE) + 1);
    let second = b.acquire("another", LEASE).await?;
    lost(b, &first).await?;
    held(b, &second).await
}

async fn never_given(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    for token in [fence.token + 1, fence.token + 1_000] {
        lost(b, &Fence::new(b.practice.clone(), b.account.clone(), token, fence.epoch)).await?;
    }
    let unknown = crate::types::AccountId::new("unknown")?;
    lost(b, &Fence::new(b.practice.clone(), unknown, fence.token, fence.epoch)).await?;
    held(b, &fence).await
}

async fn other_epoch(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let later = Fence::new(b.practice.clone(), b.account.clone(), fence.token, fence.epoch + 1);
    lost(b, &later).await?;
    held(b, &fence).await
}

async fn disconnected(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.store.disconnect(&b.practice, &b.account).await?;
    lost(b, &fence).await?;
    refused("leasing a disconnected account", b.acquire("worker", LEASE).await, ErrorKind::NotFound)?;
    let again = b.begin().await?;
    hold(again.epoch > fence.epoch, || format!("epoch {} follows epoch {}", again.epoch, fence.epoch))?;
    lost(b, &fence).await?;
    let mixed = Fence::new(b.practice.clone(), b.account.clone(), again.token, fence.epoch);
    lost(b, &mixed).await?;
    held(b, &again).await
}

async fn archive_stays(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.archive(&fence, &[b.mail("first", 1)]).await?;
    let message = b.message("first").await?;
    let (state, copies) = (b.inbox_state().await?, b.copies().await?);
    let last = b.last_change().await?;
    b.store.disconnect(&b.practice, &b.account).await?;
    same("the message", &b.message("first").await?, &message)?;
    same("how many messages the page has", &b.page(&["client"]).await?.len(), &1)?;
    same("the progress", &b.mailbox(&inbox()).await?, &Some(state))?;
    same("the copies", &b.copies().await?, &copies)?;
    let accounts = b.store.accounts(&b.practice).await?;
    let account = present("the account", accounts.first())?;
    same("the account's state", &account.state, &AccountState::Disconnected)?;
    hold(account.epoch > fence.epoch, || "the account's epoch did not rise".to_owned())?;
    same("what was told", &b.changes(last).await?, &vec![ChangeKind::AccountDisconnected])
}

async fn not_found(b: &Bench) -> Outcome {
    let unknown = crate::types::AccountId::new("unknown")?;
    refused("disconnecting", b.store.disconnect(&b.practice, &unknown).await, ErrorKind::NotFound)?;
    b.store.connect(&new_account(&b.practice, &b.account)?).await?;
    refused("disconnecting", b.store.disconnect(&b.practice, &unknown).await, ErrorKind::NotFound)
}
