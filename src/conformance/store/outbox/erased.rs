//! O1, O4, O8: intents that were erased with their message.

use super::super::bench::Bench;
use super::Intent;
use super::intent::sent;
use crate::conformance::check::{Check, Outcome, refused};
use crate::contract::{Clock, OutgoingEnd, SendLimits};
use crate::error::ErrorKind;
use crate::types::PracticeId;

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check {
        clause: "O1",
        name: "an intent that was erased is not queued again",
        run: |b| Box::pin(not_again(b)),
    },
    Check {
        clause: "O4",
        name: "a claim of an intent that was erased is lost",
        run: |b| Box::pin(claims(b)),
    },
    Check { clause: "O8", name: "what was sent counts after it was erased", run: |b| Box::pin(counted(b)) },
];

async fn not_again(b: &Bench) -> Outcome {
    b.begin().await?;
    let first = b.intent("first").key("key").draft("draft");
    b.deliver(&first, &sent(None)?).await?;
    b.deliver(&b.intent("without a key"), &sent(None)?).await?;
    b.erase(&["first", "without a key"]).await?;
    let again = [
        first.clone(),
        b.intent("first").draft("another"),
        b.intent("second").key("key").draft("draft"),
        b.intent("without a key"),
    ];
    for intent in again {
        let queued = b.store.enqueue(&intent.build()?).await;
        refused("queuing what was erased", queued, ErrorKind::Invalid)?;
    }
    b.queue(&b.intent("third").key("another key")).await?;
    b.queue(&b.intent("fourth")).await?;
    let other = PracticeId::new("Practice")?;
    b.queue(&Intent::new(&other, &b.account, "first").key("key")).await?;
    Ok(())
}

async fn claims(b: &Bench) -> Outcome {
    b.begin().await?;
    b.deliver(&b.intent("first"), &sent(None)?).await?;
    let claim = b.claim("first").await?;
    b.erase(&["first"]).await?;
    let confirmed = b.store.confirm_outgoing(&claim, 10).await;
    refused("confirming", confirmed, ErrorKind::FenceLost)?;
    let failure = (ErrorKind::TimedOut, String::new());
    let end = OutgoingEnd::FilingFailed { failure, next_try: Some(b.clock.now()) };
    refused("finishing", b.store.finish_outgoing(&claim, &end).await, ErrorKind::FenceLost)
}

async fn counted(b: &Bench) -> Outcome {
    b.begin().await?;
    b.deliver(&b.intent("first"), &sent(None)?).await?;
    b.erase(&["first"]).await?;
    b.queue(&b.intent("second")).await?;
    b.queue(&b.intent("third").by_noreply()).await?;
    let limits = SendLimits { per_minute: Some(1), ..SendLimits::default() };
    refused("a claim beyond the limit", b.claim_for("second", 9, limits).await, ErrorKind::Throttled)?;
    b.claim_for("third", 9, limits).await?;
    b.clock.advance(61);
    b.claim_for("second", 9, limits).await?;
    Ok(())
}
