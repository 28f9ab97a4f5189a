//! O2, O3, O4: claims.

use super::super::bench::{Bench, new_account};
use super::intent::{outgoing_id, sent, unknown};
use crate::conformance::check::{Check, Outcome, hold, refused, same};
use crate::contract::{
    Clock, Filing, Outgoing, OutgoingClaim, OutgoingEnd, OutgoingState, OutgoingWork, SendLimits,
};
use crate::error::ErrorKind;

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check { clause: "O2", name: "of many at once one gets the claim", run: |b| Box::pin(one_of_many(b)) },
    Check {
        clause: "O2",
        name: "a claim keeps others out until it ends or expires, and tokens only rise",
        run: |b| Box::pin(kept_out(b)),
    },
    Check { clause: "O3", name: "what is queued is delivered when it is due", run: |b| Box::pin(due(b)) },
    Check {
        clause: "O3",
        name: "what somebody was handing over is recovered, never delivered",
        run: |b| Box::pin(recovered(b)),
    },
    Check {
        clause: "O3",
        name: "what is unknown is looked for, what was sent is filed",
        run: |b| Box::pin(looked_for(b)),
    },
    Check { clause: "O4", name: "only the latest claim counts", run: |b| Box::pin(latest(b)) },
    Check {
        clause: "O4",
        name: "a claim that expired tells what happened, and sends no more",
        run: |b| Box::pin(expired(b)),
    },
    Check {
        clause: "O4",
        name: "what leaves by an account leaves while it is connected",
        run: |b| Box::pin(disconnected(b)),
    },
    Check { clause: "O4", name: "an end goes with the claim's work", run: |b| Box::pin(other_work(b)) },
];

async fn one_of_many(b: &Bench) -> Outcome {
    b.begin().await?;
    b.queue(&b.intent("first")).await?;
    let asked = (0..12).map(|_| b.claim("first"));
    let (mut given, mut busy) = (0, 0);
    for answer in futures_util::future::join_all(asked).await {
        match answer {
            Ok(_) => given += 1,
            Err(error) if error.kind() == ErrorKind::Busy => busy += 1,
            Err(error) => return Err(error.into()),
        }
    }
    same("how many got the intent, and how many found it claimed", &(given, busy), &(1, 11))
}

async fn kept_out(b: &Bench) -> Outcome {
    b.begin().await?;
    b.deliver(&b.intent("first"), &unknown(b)).await?;
    let mut last = 1;
    for round in 0..6 {
        let claim = b.claim("first").await?;
        hold(claim.token > last, || format!("token {} follows token {last}", claim.token))?;
        same("when the claim was granted", &claim.at, &b.clock.now())?;
        last = claim.token;
        b.clock.advance(60);
        refused("claiming what is claimed", b.claim("first").await, ErrorKind::Busy)?;
        same("what is due then", &b.due().await?, &Vec::new())?;
        if round % 2 == 0 {
            let end = OutgoingEnd::NotFound { next_try: Some(b.clock.now()) };
            b.store.finish_outgoing(&claim, &end).await?;
        } else {
            b.store.confirm_outgoing(&claim, 100).await?;
            b.clock.advance(60);
            refused("claiming what was confirmed", b.claim("first").await, ErrorKind::Busy)?;
            b.clock.advance(60);
        }
        same("what is due after it", &b.due().await?, &vec![outgoing_id("first")])?;
    }
    Ok(())
}

async fn due(b: &Bench) -> Outcome {
    b.begin().await?;
    b.queue(&b.intent("later").not_before(b.in_seconds(500))).await?;
    b.queue(&b.intent("sooner").not_before(b.in_seconds(100))).await?;
    same("what is due", &b.due().await?, &Vec::new())?;
    refused("claiming before the time", b.claim("later").await, ErrorKind::NotFound)?;
    refused("claiming what does not exist", b.claim("none").await, ErrorKind::NotFound)?;
    b.clock.advance(500);
    same("what is due", &b.due().await?, &vec![outgoing_id("sooner"), outgoing_id("later")])?;
    let first = b.store.due_outgoing(&b.practice, 1).await?;
    same("the longest due", &first, &vec![outgoing_id("sooner")])?;
    let claim = b.claim("later").await?;
    same("the work", &claim.work, &OutgoingWork::Deliver)?;
    same("its state and tries", &(claim.item.state, claim.item.attempts), &(OutgoingState::Sending, 1))?;
    same("the intent", &b.outgoing("later").await?, &claim.item)?;
    same("what is due then", &b.due().await?, &vec![outgoing_id("sooner")])?;
    let end = OutgoingEnd::Retry {
        failure: (ErrorKind::TimedOut, "slow".to_owned()),
        recipients: Vec::new(),
        next_try: b.in_seconds(60),
    };
    let item = b.store.finish_outgoing(&claim, &end).await?;
    same("its state after a try that failed", &item.state, &OutgoingState::Queued)?;
    refused("claiming before the next try", b.claim("later").await, ErrorKind::NotFound)?;
    b.clock.advance(60);
    same("the tries", &b.claim("later").await?.item.attempts, &2)
}

async fn recovered(b: &Bench) -> Outcome {
    b.begin().await?;
    b.queue(&b.intent("first")).await?;
    // Nothing leaves without a permit: who died before it is followed by another try.
    b.claim("first").await?;
    b.clock.advance(101);
    same("what is due", &b.due().await?, &vec![outgoing_id("first")])?;
    let claim = b.claim("first").await?;
    same("the work", &claim.work, &OutgoingWork::Deliver)?;
    same("its state and tries", &(claim.item.state, claim.item.attempts), &(OutgoingState::Sending, 2))?;
    b.store.confirm_outgoing(&claim, 100).await?;
    for _ in 0..2 {
        b.clock.advance(101);
        same("what is due", &b.due().await?, &vec![outgoing_id("first")])?;
        let claim = b.claim("first").await?;
        same("the work", &claim.work, &OutgoingWork::Recover)?;
        same("its state and tries", &(claim.item.state, claim.item.attempts), &(OutgoingState::Sending, 2))?;
    }
    Ok(())
}

async fn looked_for(b: &Bench) -> Outcome {
    b.begin().await?;
    b.deliver(&b.intent("first"), &unknown(b)).await?;
    b.deliver(&b.intent("second"), &sent(None)?).await?;
    for (name, work) in [("first", OutgoingWork::Look), ("second", OutgoingWork::File)] {
        let before = b.outgoing(name).await?;
        let claim = b.claim(name).await?;
        same("the work", &claim.work, &work)?;
        same("the intent", &claim.item, &before)?;
        b.store.finish_outgoing(&claim, &OutgoingEnd::NotFound { next_try: Some(b.in_seconds(9)) }).await?;
        let is_due = b.due().await?.contains(&outgoing_id(name));
        same("whether it is due before its time", &is_due, &false)?;
        if work == OutgoingWork::Look {
            let asked_for = b.claim(name).await?;
            same("the work of one that is asked for", &asked_for.work, &work)?;
            let end = OutgoingEnd::NotFound { next_try: None };
            b.store.finish_outgoing(&asked_for, &end).await?;
        } else {
            refused("claiming it before its time", b.claim(name).await, ErrorKind::NotFound)?;
        }
    }
    Ok(())
}

/// Fails unless a claim is of no use any more.
async fn is_lost(b: &Bench, claim: &OutgoingClaim, end: &OutgoingEnd) -> Outcome {
    refused("confirming", b.store.confirm_outgoing(claim, 100).await, ErrorKind::FenceLost)?;
    let before = b.snapshot().await?;
    refused("finishing", b.store.finish_outgoing(claim, end).await, ErrorKind::FenceLost)?;
    same("the store after a refused end", &b.snapshot().await?, &before)
}

async fn latest(b: &Bench) -> Outcome {
    b.begin().await?;
    b.queue(&b.intent("first")).await?;
    let first = b.claim("first").await?;
    b.clock.advance(101);
    let second = b.claim("first").await?;
    let message = super::sent_message(b, "first", &["client"])?;
    is_lost(b, &first, &sent(Some(message.clone()))?).await?;
    b.store.confirm_outgoing(&second, 100).await?;
    let item = b.store.finish_outgoing(&second, &unknown(b)).await?;
    same("what the end answers", &b.outgoing("first").await?, &item)?;
    is_lost(b, &second, &sent(Some(message))?).await
}

async fn expired(b: &Bench) -> Outcome {
    b.begin().await?;
    b.queue(&b.intent("first")).await?;
    let claim = b.claim("first").await?;
    b.clock.advance(100);
    refused("confirming", b.store.confirm_outgoing(&claim, 100).await, ErrorKind::FenceLost)?;
    let item = b.store.finish_outgoing(&claim, &sent(None)?).await?;
    same("its state", &item.state, &OutgoingState::Sent)
}

async fn disconnected(b: &Bench) -> Outcome {
    b.queue(&b.intent("first")).await?;
    let claim = b.claim("first").await?;
    same("the epoch without the account", &claim.epoch, &0)?;
    refused("confirming", b.store.confirm_outgoing(&claim, 100).await, ErrorKind::FenceLost)?;
    b.begin().await?;
    b.queue(&b.intent("second")).await?;
    let claim = b.claim("second").await?;
    b.store.confirm_outgoing(&claim, 100).await?;
    b.store.disconnect(&b.practice, &b.account).await?;
    refused("confirming", b.store.confirm_outgoing(&claim, 100).await, ErrorKind::FenceLost)?;
    let record = b.store.connect(&new_account(&b.practice, &b.account)?).await?;
    refused("confirming", b.store.confirm_outgoing(&claim, 100).await, ErrorKind::FenceLost)?;
    let item = b.store.finish_outgoing(&claim, &sent(None)?).await?;
    same("its state", &item.state, &OutgoingState::Sent)?;
    b.queue(&b.intent("third")).await?;
    let claim = b.claim("third").await?;
    same("the epoch", &claim.epoch, &record.epoch)?;
    b.store.confirm_outgoing(&claim, 100).await?;
    b.queue(&b.intent("fourth").by_noreply()).await?;
    b.store.disconnect(&b.practice, &b.account).await?;
    let claim = b.claim_for("fourth", 100, SendLimits::default()).await?;
    same("the epoch by noreply", &claim.epoch, &0)?;
    Ok(b.store.confirm_outgoing(&claim, 100).await?)
}

async fn other_work(b: &Bench) -> Outcome {
    b.begin().await?;
    b.queue(&b.intent("first")).await?;
    let claim = b.claim("first").await?;
    let not_found = OutgoingEnd::NotFound { next_try: None };
    let finished = b.store.finish_outgoing(&claim, &not_found).await;
    refused("an end of looking", finished, ErrorKind::Invalid)?;
    b.store.confirm_outgoing(&claim, 100).await?;
    b.clock.advance(101);
    let claim = b.claim("first").await?;
    refused("an end of sending", b.store.finish_outgoing(&claim, &sent(None)?).await, ErrorKind::Invalid)?;
    let item: Outgoing = b.store.finish_outgoing(&claim, &unknown(b)).await?;
    same("its state and copy", &(item.state, item.filing), &(OutgoingState::Unknown, Filing::Not))?;
    let claim = b.claim("first").await?;
    refused("an end of sending", b.store.finish_outgoing(&claim, &sent(None)?).await, ErrorKind::Invalid)
}
