//! O6: from *unknown* by evidence or by a person.

use super::super::bench::Bench;
use super::ends::filed;
use super::intent::{outgoing_id, sent, unknown};
use crate::conformance::check::{Check, Outcome, hold, refused, same};
use crate::contract::{
    Clock, Filing, Outgoing, OutgoingDecision, OutgoingEnd, OutgoingState, OutgoingWork, RecipientState,
};
use crate::error::{ErrorKind, Result};
use crate::types::Field;

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check {
        clause: "O6",
        name: "nobody decides before the first try is over for certain",
        run: |b| Box::pin(too_early(b)),
    },
    Check { clause: "O6", name: "a person decides what is unknown", run: |b| Box::pin(decided(b)) },
    Check {
        clause: "O6",
        name: "found is sent, and not found proves nothing",
        run: |b| Box::pin(evidence(b)),
    },
    Check {
        clause: "O6",
        name: "a copy proves nothing about recipients of a second try",
        run: |b| Box::pin(second_try(b)),
    },
    Check { clause: "O5", name: "what a person says was sent is archived", run: |b| Box::pin(archived(b)) },
    Check { clause: "O6", name: "what has ended stays as it is", run: |b| Box::pin(ended(b)) },
];

async fn decide(b: &Bench, name: &str, decision: OutgoingDecision) -> Result<Outgoing> {
    b.store.decide_outgoing(&b.practice, outgoing_id(name), decision, None).await
}

async fn archived(b: &Bench) -> Outcome {
    b.begin().await?;
    b.deliver(&b.intent("first"), &unknown(b)).await?;
    b.clock.advance(600);
    let message = Some(Box::new(super::sent_message(b, "first", &["client"])?));
    let id = outgoing_id("first");
    let item = b.store.decide_outgoing(&b.practice, id, OutgoingDecision::WasSent, message).await?;
    let kept = b.store.messages(&b.practice, &[item.message.message]).await?;
    same("the messages archived", &kept.len(), &1)
}

async fn too_early(b: &Bench) -> Outcome {
    b.begin().await?;
    let none = decide(b, "none", OutgoingDecision::GiveUp).await;
    refused("deciding about what does not exist", none, ErrorKind::NotFound)?;
    b.deliver(&b.intent("first"), &unknown(b)).await?;
    b.clock.advance(599);
    let early = decide(b, "first", OutgoingDecision::SendAgain).await;
    refused("deciding a second too early", early, ErrorKind::Busy)?;
    let claim = b.claim("first").await?;
    b.clock.advance(1);
    let claimed = decide(b, "first", OutgoingDecision::SendAgain).await;
    refused("deciding while somebody looks", claimed, ErrorKind::Busy)?;
    b.clock.advance(100);
    decide(b, "first", OutgoingDecision::SendAgain).await?;
    let end = OutgoingEnd::Found { copy: filed()?, learnt: None };
    refused("an end after it", b.store.finish_outgoing(&claim, &end).await, ErrorKind::FenceLost)
}

async fn decided(b: &Bench) -> Outcome {
    b.begin().await?;
    for name in ["again", "was sent", "give up"] {
        b.deliver(&b.intent(name).also(Field::Cc, "second@client.example"), &unknown(b)).await?;
    }
    b.clock.advance(600);
    let item = decide(b, "again", OutgoingDecision::SendAgain).await?;
    let found = (item.state, item.next_try, item.decide_after);
    same("what is sent again", &found, &(OutgoingState::Queued, Some(b.clock.now()), None))?;
    same("the work", &b.claim("again").await?.work, &OutgoingWork::Deliver)?;
    let item = decide(b, "was sent", OutgoingDecision::WasSent).await?;
    let accepted = item.recipients.iter().all(|r| r.state == RecipientState::Accepted);
    let found = (item.state, accepted, item.filing, item.sent_at);
    same("what was sent", &found, &(OutgoingState::Sent, true, Filing::Not, Some(b.clock.now())))?;
    let item = decide(b, "give up", OutgoingDecision::GiveUp).await?;
    let why = item.failure.as_ref().map(|(kind, _)| *kind);
    same(
        "what was given up",
        &(item.state, why),
        &(OutgoingState::Refused, Some(ErrorKind::DeliveryUnknown)),
    )?;
    same("what is due", &b.due().await?, &Vec::new())
}

async fn evidence(b: &Bench) -> Outcome {
    b.begin().await?;
    b.deliver(&b.intent("first").also(Field::Bcc, "second@client.example"), &unknown(b)).await?;
    let claim = b.claim("first").await?;
    let end = OutgoingEnd::NotFound { next_try: Some(b.in_seconds(60)) };
    let item = b.store.finish_outgoing(&claim, &end).await?;
    same("its state, not found", &item.state, &OutgoingState::Unknown)?;
    b.clock.advance(60);
    let claim = b.claim("first").await?;
    let end = OutgoingEnd::Found { copy: filed()?, learnt: None };
    let item = b.store.finish_outgoing(&claim, &end).await?;
    let accepted = item.recipients.iter().all(|r| r.state == RecipientState::Accepted);
    let found = (item.state, accepted, item.filing, item.filed.clone());
    same("the intent, found", &found, &(OutgoingState::Sent, true, Filing::Server, Some(filed()?)))?;
    hold(item.decide_after.is_none() && item.failure.is_none(), || "something is left to decide".to_owned())?;
    b.deliver(&b.intent("second"), &unknown(b)).await?;
    let claim = b.claim("second").await?;
    let failure = (ErrorKind::TimedOut, String::new());
    let end = OutgoingEnd::FilingFailed { failure, next_try: None };
    let item = b.store.finish_outgoing(&claim, &end).await?;
    same("its state, nobody looking any more", &item.state, &OutgoingState::Unknown)?;
    same("what is due", &b.due().await?, &Vec::new())
}

async fn second_try(b: &Bench) -> Outcome {
    b.begin().await?;
    b.deliver(&b.intent("first").also(Field::Cc, "second@client.example"), &sent(None)?).await?;
    let claim = b.claim("first").await?;
    b.store.finish_outgoing(&claim, &unknown(b)).await?;
    let claim = b.claim("first").await?;
    let end = OutgoingEnd::Found { copy: filed()?, learnt: None };
    let item = b.store.finish_outgoing(&claim, &end).await?;
    let states: Vec<_> = item.recipients.iter().map(|recipient| recipient.state).collect();
    same("the recipients", &states, &vec![RecipientState::Accepted, RecipientState::Pending])?;
    let found = (item.state, item.filing, item.next_try);
    same("the intent", &found, &(OutgoingState::Unknown, Filing::Server, None))?;
    b.clock.advance(600);
    let item = decide(b, "first", OutgoingDecision::GiveUp).await?;
    let states: Vec<_> = item.recipients.iter().map(|recipient| recipient.state).collect();
    same("the recipients, given up", &states, &vec![RecipientState::Accepted, RecipientState::Refused])?;
    same("what was sent to some", &item.state, &OutgoingState::Sent)
}

async fn ended(b: &Bench) -> Outcome {
    b.begin().await?;
    let failure = (ErrorKind::MessageRefused, String::new());
    b.deliver(&b.intent("refused"), &OutgoingEnd::Refused { failure, recipients: Vec::new() }).await?;
    let item = b.deliver(&b.intent("sent"), &sent(None)?).await?;
    same("its state", &item.state, &OutgoingState::Sent)?;
    b.queue(&b.intent("cancelled")).await?;
    b.store.cancel_outgoing(&b.practice, outgoing_id("cancelled")).await?;
    b.clock.advance(100_000);
    for name in ["refused", "sent", "cancelled"] {
        let before = b.outgoing(name).await?;
        let again = decide(b, name, OutgoingDecision::SendAgain).await;
        refused("deciding about what has ended", again, ErrorKind::Invalid)?;
        let keyed = b.store.enqueue(&b.intent(name).build()?).await?;
        same("the intent queued again", &keyed, &(before, true))?;
    }
    Ok(())
}
