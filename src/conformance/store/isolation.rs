//! S12: practices do not see each other.

use super::bench::{Bench, inbox, inbox_window, keys, message_key, new_account, uids, validity};
use crate::conformance::check::{Check, Outcome, refused, same};
use crate::contract::{Clock, DeadLetter, Fence, HistoryStep, PageQuery, SyncState};
use crate::error::ErrorKind;
use crate::types::PracticeId;

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check {
        clause: "S12",
        name: "a practice without anything sees nothing of another",
        run: |b| Box::pin(empty_practice(b)),
    },
    Check {
        clause: "S12",
        name: "two practices with the same ids keep their own",
        run: |b| Box::pin(same_ids(b)),
    },
    Check { clause: "S12", name: "a fence of one practice is none in another", run: |b| Box::pin(fences(b)) },
];

async fn filled(b: &Bench) -> Outcome<Fence> {
    let fence = b.begin().await?;
    b.archive(&fence, &[b.mail("first", 1), b.mail("second", 2)]).await?;
    let mut window = inbox_window()?;
    window.dead_letters = vec![DeadLetter::new(b.mail("third", 3).place()?, "reason", b.clock.now())];
    b.store.commit_window(&fence, &window).await?;
    b.cover(&fence, HistoryStep::Begin, &["client"]).await?;
    Ok(fence)
}

async fn empty_practice(b: &Bench) -> Outcome {
    filled(b).await?;
    let other = PracticeId::new("Practice")?;
    let (store, account) = (&b.store, &b.account);
    same("its accounts", &store.accounts(&other).await?, &Vec::new())?;
    same("its progress", &store.sync_state(&other, account).await?, &SyncState::default())?;
    same("its copies", &store.copies(&other, account).await?, &Vec::new())?;
    let at = store.copies_at(&other, account, &inbox(), validity(1)?, &uids(1..=9)).await?;
    same("its copies at places", &at, &Vec::new())?;
    let page = store.page(&PageQuery::new(other.clone(), keys(&["client"])?, 10)).await?;
    same("its page", &page, &Vec::new())?;
    same("its messages by key", &store.messages(&other, &[message_key("first")]).await?, &Vec::new())?;
    same("its messages", &store.all_messages(&other, None, 10).await?, &Vec::new())?;
    same("its count", &store.count(&PageQuery::new(other.clone(), keys(&["client"])?, 10)).await?, &0)?;
    same("its dead letters", &store.dead_letters(&other).await?, &Vec::new())?;
    same("its changes", &store.changes(&other, 0, 10).await?, &Vec::new())?;
    let lease = store.acquire_lease(&other, account, "worker", 10).await;
    refused("leasing the other's account", lease, ErrorKind::NotFound)?;
    refused("disconnecting the other's account", store.disconnect(&other, account).await, ErrorKind::NotFound)
}

async fn same_ids(b: &Bench) -> Outcome {
    filled(b).await?;
    let before = b.snapshot().await?;
    let other = PracticeId::new("Practice")?;
    let fence = b.begin_account(&other, &b.account).await?;
    let mail = b.mail("first", 1).content("another text").at(77).keys(&["client", "more"]);
    let receipt = b.archive(&fence, &[mail]).await?;
    same(
        "the receipt for a message the other has too",
        &(receipt.new_messages, receipt.new_copies),
        &(1, 1),
    )?;
    let messages = b.store.messages(&other, &[message_key("first")]).await?;
    let texts: Vec<_> = messages.iter().flat_map(|m| &m.renditions).map(|r| r.text.as_str()).collect();
    same("its renditions", &texts, &vec!["another text"])?;
    same("how many copies it has", &messages.first().map(|message| message.copies.len()), &Some(1))?;
    same("what of the first practice is different", &b.snapshot().await?, &before)?;
    b.store.disconnect(&other, &b.account).await?;
    same("and after disconnecting the other's account", &b.snapshot().await?, &before)
}

async fn fences(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let other = PracticeId::new("Practice")?;
    b.store.connect(&new_account(&other, &b.account)?).await?;
    let forged = Fence::new(other, b.account.clone(), fence.token, fence.epoch);
    refused("a window", b.store.commit_window(&forged, &inbox_window()?).await, ErrorKind::FenceLost)
}
