//! O8: how much leaves by one way.

use super::super::bench::Bench;
use super::intent::sent;
use crate::conformance::check::{Check, Outcome, refused, same};
use crate::contract::SendLimits;
use crate::error::ErrorKind;

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check { clause: "O8", name: "limits count what was sent by the same way", run: |b| Box::pin(limits(b)) },
    Check { clause: "O8", name: "a day's limit holds for a day", run: |b| Box::pin(a_day(b)) },
];

async fn limits(b: &Bench) -> Outcome {
    b.begin().await?;
    let limits = SendLimits::new(Some(2), None);
    for name in ["first", "second"] {
        b.queue(&b.intent(name)).await?;
        let claim = b.claim_for(name, 100, limits).await?;
        b.store.finish_outgoing(&claim, &sent(None)?).await?;
        b.clock.advance(20);
    }
    b.queue(&b.intent("third")).await?;
    b.queue(&b.intent("noreply").by_noreply()).await?;
    let throttled = b.claim_for("third", 100, limits).await;
    let until = throttled.as_ref().err().and_then(crate::error::Error::not_before);
    refused("a third in the minute", throttled, ErrorKind::Throttled)?;
    same("when it would be granted", &until, &Some(b.in_seconds(20)))?;
    b.claim_for("noreply", 100, limits).await?;
    b.clock.advance(19);
    refused("a third in the minute", b.claim_for("third", 100, limits).await, ErrorKind::Throttled)?;
    b.clock.advance(1);
    let claim = b.claim_for("third", 100, limits).await?;
    same("its tries", &claim.item.attempts, &1)
}

async fn a_day(b: &Bench) -> Outcome {
    b.begin().await?;
    let limits = SendLimits::new(Some(5), Some(1));
    b.deliver(&b.intent("first"), &sent(None)?).await?;
    b.queue(&b.intent("second")).await?;
    b.clock.advance(86_399);
    let throttled = b.claim_for("second", 100, limits).await;
    let until = throttled.as_ref().err().and_then(crate::error::Error::not_before);
    refused("a second in the day", throttled, ErrorKind::Throttled)?;
    same("when it would be granted", &until, &Some(b.in_seconds(1)))?;
    b.clock.advance(1);
    b.claim_for("second", 100, limits).await?;
    Ok(())
}
