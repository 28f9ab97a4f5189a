//! O1, O7, O9, O11: what is queued, listed and taken back.

use super::super::bench::{Bench, message_key};
use super::Intent;
use super::intent::{outgoing_id, sent, unknown};
use crate::conformance::check::{Check, Outcome, hold, refused, same};
use crate::contract::{
    Clock, OutboxQuery, Outgoing, OutgoingDecision, OutgoingState, RecipientState, SendLimits,
};
use crate::error::ErrorKind;
use crate::types::{Field, OutgoingId, PracticeId, RecipientPolicy};

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check { clause: "O1", name: "an intent reads back as it was given", run: |b| Box::pin(reads_back(b)) },
    Check { clause: "O1", name: "a key names one intent of a practice", run: |b| Box::pin(keys(b)) },
    Check { clause: "O1", name: "intents are listed, the latest queued first", run: |b| Box::pin(listed(b)) },
    Check { clause: "O7", name: "only what is queued is taken back", run: |b| Box::pin(taken_back(b)) },
    Check {
        clause: "O9",
        name: "what was queued in a store that was not restored waits for nobody",
        run: |b| Box::pin(not_held(b)),
    },
    Check { clause: "O11", name: "practices have outboxes of their own", run: |b| Box::pin(isolated(b)) },
];

async fn reads_back(b: &Bench) -> Outcome {
    let plain = b.intent("plain").by_noreply();
    let full = b.intent("<full \u{fc}'\"@x>").key("key ü'").draft("draft").not_before(b.in_seconds(500));
    let full = full.also(Field::Cc, "\"b. x\"@exämple.org").also(Field::Bcc, "c@client.example");
    for (intent, policy) in [(plain, RecipientPolicy::AllOrNone), (full, RecipientPolicy::AcceptedOnes)] {
        let mut message = intent.build()?;
        message.policy = policy;
        let expected = Outgoing::new(message.clone(), b.clock.now());
        let (item, was_there) = b.store.enqueue(&message).await?;
        same("the answer", &(&item, was_there), &(&expected, false))?;
        same("the intent", &b.store.outgoing(&b.practice, message.id).await?, &Some(expected.clone()))?;
        let of = b.store.outgoing_of(&b.practice, &[message.message, message_key("none")]).await?;
        same("the intents of its message", &of, &vec![expected])?;
        same("the intent queued again", &b.store.enqueue(&message).await?, &(item, true))?;
    }
    let none = b.store.outgoing(&b.practice, outgoing_id("none")).await?;
    same("an intent that does not exist", &none, &None)
}

async fn keys(b: &Bench) -> Outcome {
    let first = b.queue(&b.intent("first").key("key").draft("draft")).await?;
    let again = b.store.enqueue(&b.intent("second").key("key").draft("draft").build()?).await?;
    same("a second intent under the key", &again, &(first, true))?;
    let other = b.store.enqueue(&b.intent("third").key("key").draft("another").build()?).await;
    refused("another draft under the key", other, ErrorKind::Invalid)?;
    b.queue(&b.intent("fourth").key("Key").draft("draft")).await?;
    b.queue(&b.intent("fifth").draft("draft")).await?;
    b.queue(&b.intent("sixth").draft("draft")).await?;
    let other = PracticeId::new("Practice")?;
    b.queue(&Intent::new(&other, &b.account, "second").key("key").draft("another")).await?;
    Ok(())
}

async fn listed(b: &Bench) -> Outcome {
    let mut ids = Vec::new();
    for number in 0..7 {
        ids.insert(0, b.queue(&b.intent(&format!("message {number}"))).await?.message.id);
    }
    b.store.cancel_outgoing(&b.practice, outgoing_id("message 2")).await?;
    let list = async |query: &OutboxQuery| -> Outcome<Vec<OutgoingId>> {
        let found = b.store.outbox(&b.practice, query).await?;
        Ok(found.into_iter().map(|item| item.message.id).collect())
    };
    same("the outbox", &list(&OutboxQuery::newest(100)).await?, &ids)?;
    let mut found = Vec::new();
    let mut query = OutboxQuery::newest(3);
    for _ in 0..4 {
        found.extend(list(&query).await?);
        query.before = found.last().copied();
    }
    same("the outbox in steps", &found, &ids)?;
    let query = OutboxQuery { states: vec![OutgoingState::Cancelled], ..OutboxQuery::newest(100) };
    same("what was cancelled", &list(&query).await?, &vec![outgoing_id("message 2")])?;
    let query = OutboxQuery {
        states: vec![OutgoingState::Queued, OutgoingState::Sent],
        before: Some(outgoing_id("message 4")),
        limit: 2,
    };
    let expected = vec![outgoing_id("message 3"), outgoing_id("message 1")];
    same("what is queued, from a place on", &list(&query).await?, &expected)
}

async fn taken_back(b: &Bench) -> Outcome {
    b.begin().await?;
    let cancel = async |name: &str| b.store.cancel_outgoing(&b.practice, outgoing_id(name)).await;
    refused("taking back what does not exist", cancel("none").await, ErrorKind::NotFound)?;
    b.queue(&b.intent("first")).await?;
    same("its state", &cancel("first").await?.state, &OutgoingState::Cancelled)?;
    refused("claiming what was taken back", b.claim("first").await, ErrorKind::NotFound)?;
    refused("taking it back again", cancel("first").await, ErrorKind::Invalid)?;
    b.queue(&b.intent("second")).await?;
    let claim = b.claim("second").await?;
    refused("taking back what is being sent", cancel("second").await, ErrorKind::Busy)?;
    b.store.finish_outgoing(&claim, &sent(None)?).await?;
    refused("taking back what was sent", cancel("second").await, ErrorKind::Invalid)?;
    b.deliver(&b.intent("third"), &unknown(b)).await?;
    refused("taking back what may have left", cancel("third").await, ErrorKind::Invalid)
}

async fn not_held(b: &Bench) -> Outcome {
    let item = b.queue(&b.intent("first")).await?;
    hold(!item.held, || "a new intent waits for a person".to_owned())?;
    for decision in [OutgoingDecision::SendAgain, OutgoingDecision::WasSent, OutgoingDecision::GiveUp] {
        let decided = b.store.decide_outgoing(&b.practice, item.message.id, decision, None).await;
        refused("deciding about it", decided, ErrorKind::Invalid)?;
    }
    same("the intent", &b.outgoing("first").await?, &item)
}

async fn isolated(b: &Bench) -> Outcome {
    let other = PracticeId::new("Practice")?;
    b.begin().await?;
    b.begin_account(&other, &b.account).await?;
    let theirs = b.queue(&Intent::new(&other, &b.account, "theirs").key("key")).await?;
    let ours = b.queue(&b.intent("ours").key("key")).await?;
    let (store, id) = (&b.store, theirs.message.id);
    same("another's intent", &store.outgoing(&b.practice, id).await?, &None)?;
    same("the outbox", &store.outbox(&b.practice, &OutboxQuery::newest(9)).await?, &vec![ours.clone()])?;
    let of = store.outgoing_of(&b.practice, &[theirs.message.message]).await?;
    same("the intents of another's message", &of, &Vec::new())?;
    same("what is due", &b.due().await?, &vec![ours.message.id])?;
    let claim = store.claim_outgoing(&b.practice, id, "worker", 9, SendLimits::default()).await;
    refused("claiming another's intent", claim, ErrorKind::NotFound)?;
    let cancelled = store.cancel_outgoing(&b.practice, id).await;
    refused("taking back another's intent", cancelled, ErrorKind::NotFound)?;
    b.queue(&b.intent("theirs")).await?;
    let claim = b.claim("theirs").await?;
    let done = store.finish_outgoing(&claim, &sent(None)?).await?;
    let accepted = done.recipients.iter().all(|r| r.state == RecipientState::Accepted);
    hold(accepted, || "a recipient was not accepted".to_owned())?;
    same("another's intent of the same id", &store.outgoing(&other, id).await?, &Some(theirs))
}
