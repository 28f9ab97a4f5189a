//! O5, O10: what ends of claims write, and what is told of it.

use super::super::bench::{Bench, inbox, message_key, uid, validity};
use super::intent::{outgoing_id, said, sent, sent_message, unknown};
use crate::conformance::check::{Check, Outcome, hold, present, same};
use crate::contract::{
    ChangeKind, Clock, FiledCopy, Filing, OutgoingDecision, OutgoingEnd, OutgoingState, OutgoingStep,
    RecipientState, WindowReceipt,
};
use crate::error::ErrorKind;
use crate::types::{Address, Field};

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check {
        clause: "O5",
        name: "a message is on its clients' tabs from the instant it was sent, or may have been",
        run: |b| Box::pin(archived(b)),
    },
    Check { clause: "O5", name: "its copy, read later, is a copy of it", run: |b| Box::pin(copy_later(b)) },
    Check { clause: "O5", name: "what was said of recipients is kept", run: |b| Box::pin(recipients(b)) },
    Check {
        clause: "O5",
        name: "recipients still pending have it queued for them alone",
        run: |b| Box::pin(the_rest(b)),
    },
    Check {
        clause: "O5",
        name: "the copy is filed, or given up, and what was learnt is kept",
        run: |b| Box::pin(filing(b)),
    },
    Check { clause: "O10", name: "every step is told once, with its account", run: |b| Box::pin(told(b)) },
];

pub(super) fn filed() -> Outcome<FiledCopy> {
    Ok(FiledCopy::new(inbox(), Some((validity(7)?, uid(70)?))))
}

async fn archived(b: &Bench) -> Outcome {
    b.begin().await?;
    let by_unknown = |message| match unknown(b) {
        OutgoingEnd::Unknown { failure, decide_after, next_try, .. } => {
            OutgoingEnd::Unknown { failure, decide_after, next_try, archived: Some(Box::new(message)) }
        }
        other => other,
    };
    let keys = ["client", "more"];
    let ends = [("first", sent(Some(sent_message(b, "first", &keys)?))?, OutgoingState::Sent), {
        let end = by_unknown(sent_message(b, "second", &keys)?);
        ("second", end, OutgoingState::Unknown)
    }];
    for (number, (name, end, state)) in (1..).zip(ends) {
        let item = b.deliver(&b.intent(name), &end).await?;
        same("its state", &item.state, &state)?;
        let message = b.message(name).await?;
        same("its copies", &message.copies, &Vec::new())?;
        let renditions: Vec<_> = message.renditions.iter().map(|rendition| rendition.digest).collect();
        same("its contents", &renditions, &vec![item.message.rendition])?;
        same("how many the tab of one key has", &b.page(&["more"]).await?.len(), &number)?;
        let all = b.store.all_messages(&b.practice, None, 100).await?;
        same("how many messages there are", &all.len(), &number)?;
        let told = b.changes(0).await?;
        let archived = ChangeKind::MessageArchived(message_key(name));
        same("how often it was told", &told.iter().filter(|kind| **kind == archived).count(), &1)?;
    }
    let item = b.deliver(&b.intent("third"), &sent(None)?).await?;
    same("its state, out of the archive", &item.state, &OutgoingState::Sent)?;
    same("how many messages the tab has", &b.page(&["client"]).await?.len(), &2)
}

async fn copy_later(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.deliver(&b.intent("first"), &sent(Some(sent_message(b, "first", &["client"])?))?).await?;
    let before = b.message("first").await?;
    let receipt = b.archive(&fence, &[b.mail("first", 5)]).await?;
    same("the receipt of its copy", &receipt, &WindowReceipt::new(0, 1))?;
    let message = b.message("first").await?;
    same("its place in time", &message.sort_time, &before.sort_time)?;
    same("its contents", &message.renditions, &before.renditions)?;
    same("how many copies it has", &message.copies.len(), &1)?;
    same("how many the tab has", &b.page(&["client"]).await?.len(), &1)
}

async fn recipients(b: &Bench) -> Outcome {
    b.begin().await?;
    let intent = b.intent("first").also(Field::Cc, "second@client.example");
    let end = OutgoingEnd::Retry {
        failure: (ErrorKind::RecipientDeferred, "later ü".to_owned()),
        recipients: said(RecipientState::Pending)?,
        next_try: b.in_seconds(60),
    };
    let item = b.deliver(&intent, &end).await?;
    let states = |item: &crate::contract::Outgoing| -> Vec<_> {
        item.recipients.iter().map(|r| (r.state, r.reply.clone())).collect()
    };
    let (nothing, reply) = (String::new(), "250 2.1.5 ü".to_owned());
    let pending = RecipientState::Pending;
    same("the recipients", &states(&item), &vec![(pending, reply.clone()), (pending, nothing.clone())])?;
    let why = (ErrorKind::RecipientDeferred, "later ü".to_owned());
    same(
        "why and until when it waits",
        &(item.failure.clone(), item.next_try),
        &(Some(why), Some(b.in_seconds(60))),
    )?;
    b.clock.advance(60);
    let claim = b.claim("first").await?;
    let why = (ErrorKind::RecipientRefused, String::new());
    let refused = RecipientState::Refused;
    let end = OutgoingEnd::Refused { failure: why.clone(), recipients: said(refused)? };
    let item = b.store.finish_outgoing(&claim, &end).await?;
    same("the recipients", &states(&item), &vec![(refused, reply), (pending, nothing)])?;
    let found = (item.state, item.failure.clone(), item.next_try);
    same("how it ended", &found, &(OutgoingState::Refused, Some(why), None))?;
    same("the intent", &b.outgoing("first").await?, &item)?;
    same("what is due", &b.due().await?, &Vec::new())
}

async fn the_rest(b: &Bench) -> Outcome {
    b.begin().await?;
    let intent = b.intent("first").also(Field::To, "second@client.example");
    let end = OutgoingEnd::Sent {
        recipients: said(RecipientState::Accepted)?,
        filing: Filing::Server,
        archived: None,
        failure: None,
        next_try: Some(b.in_seconds(60)),
    };
    let item = b.deliver(&intent, &end).await?;
    let found = (item.state, item.next_try);
    same("its state and next try", &found, &(OutgoingState::Queued, Some(b.in_seconds(60))))?;
    b.clock.advance(60);
    let claim = b.claim("first").await?;
    let pending: Vec<_> =
        claim.item.recipients.iter().filter(|r| r.state == RecipientState::Pending).collect();
    same("for how many it is tried again", &pending.len(), &1)?;
    let end = OutgoingEnd::Sent {
        recipients: vec![(Address::parse("second@client.example")?, RecipientState::Accepted, String::new())],
        filing: Filing::Pending,
        archived: None,
        failure: None,
        next_try: None,
    };
    let item = b.store.finish_outgoing(&claim, &end).await?;
    same("its state and copy", &(item.state, item.filing), &(OutgoingState::Sent, Filing::Server))?;
    same("when it was sent", &item.sent_at, &Some(b.in_seconds(-60)))
}

async fn filing(b: &Bench) -> Outcome {
    b.begin().await?;
    let learnt = async || b.store.files_copies(&b.practice, &b.account).await;
    same("what is known of the provider", &learnt().await?, &None)?;
    b.deliver(&b.intent("first"), &sent(None)?).await?;
    let why = (ErrorKind::MailboxFull, "full".to_owned());
    let end = OutgoingEnd::FilingFailed { failure: why.clone(), next_try: Some(b.in_seconds(60)) };
    let claim = b.claim("first").await?;
    let item = b.store.finish_outgoing(&claim, &end).await?;
    same("the copy that was not filed", &(item.filing, item.failure), &(Filing::Pending, Some(why)))?;
    b.clock.advance(60);
    let claim = b.claim("first").await?;
    let end = OutgoingEnd::Filed { copy: filed()?, learnt: Some(false) };
    let item = b.store.finish_outgoing(&claim, &end).await?;
    let found = (item.filing, item.filed.clone(), item.failure.clone(), item.next_try);
    same("the copy that was filed", &found, &(Filing::Appended, Some(filed()?), None, None))?;
    same("what was learnt", &learnt().await?, &Some(false))?;
    b.deliver(&b.intent("second"), &sent(None)?).await?;
    let claim = b.claim("second").await?;
    let end = OutgoingEnd::Found { copy: FiledCopy::new(inbox(), None), learnt: Some(true) };
    let item = b.store.finish_outgoing(&claim, &end).await?;
    same("the copy that was found", &(item.state, item.filing), &(OutgoingState::Sent, Filing::Server))?;
    same("the intent", &b.outgoing("second").await?, &item)?;
    same("what was learnt", &learnt().await?, &Some(true))?;
    b.deliver(&b.intent("third"), &sent(None)?).await?;
    let claim = b.claim("third").await?;
    let end = OutgoingEnd::FilingFailed { failure: (ErrorKind::NotFound, String::new()), next_try: None };
    let item = b.store.finish_outgoing(&claim, &end).await?;
    same("the copy that was given up", &(item.filing, item.next_try), &(Filing::Not, None))?;
    same("what is due", &b.due().await?, &Vec::new())?;
    b.begin().await?;
    same("what is known once the account is connected anew", &learnt().await?, &None)
}

async fn told(b: &Bench) -> Outcome {
    use OutgoingStep::{Cancelled, Filed, FilingFailed, Queued, Refused, Sent, Unknown};
    b.begin().await?;
    let decide = async |name: &str, decision| {
        b.store.decide_outgoing(&b.practice, outgoing_id(name), decision, None).await
    };
    let mut last = b.last_change().await?;
    let mut expect = async |what: &str, expected: &[OutgoingStep]| -> Outcome {
        same(what, &b.steps(last).await?, &expected.to_vec())?;
        last = b.last_change().await?;
        Ok(())
    };
    b.queue(&b.intent("first").key("key")).await?;
    b.store.enqueue(&b.intent("first").key("key").build()?).await?;
    expect("queuing", &[Queued]).await?;
    let claim = b.claim("first").await?;
    b.store.finish_outgoing(&claim, &unknown(b)).await?;
    expect("not knowing", &[Unknown]).await?;
    let claim = b.claim("first").await?;
    b.store.finish_outgoing(&claim, &OutgoingEnd::Found { copy: filed()?, learnt: None }).await?;
    expect("finding the copy", &[Sent, Filed]).await?;
    b.deliver(&b.intent("second"), &sent(None)?).await?;
    expect("sending", &[Queued, Sent]).await?;
    let claim = b.claim("second").await?;
    let failure = (ErrorKind::TimedOut, String::new());
    let end = OutgoingEnd::FilingFailed { failure: failure.clone(), next_try: Some(b.clock.now()) };
    b.store.finish_outgoing(&claim, &end).await?;
    let claim = b.claim("second").await?;
    b.store.finish_outgoing(&claim, &OutgoingEnd::Filed { copy: filed()?, learnt: None }).await?;
    expect("filing", &[FilingFailed, Filed]).await?;
    b.deliver(&b.intent("third"), &OutgoingEnd::Refused { failure, recipients: Vec::new() }).await?;
    expect("refusing", &[Queued, Refused]).await?;
    b.queue(&b.intent("fourth")).await?;
    b.store.cancel_outgoing(&b.practice, outgoing_id("fourth")).await?;
    expect("taking back", &[Queued, Cancelled]).await?;
    b.deliver(&b.intent("fifth"), &unknown(b)).await?;
    b.clock.advance(600);
    decide("fifth", OutgoingDecision::SendAgain).await?;
    expect("deciding", &[Queued, Unknown, Queued]).await?;
    b.queue(&b.intent("sixth").by_noreply()).await?;
    expect("queuing by noreply", &[Queued]).await?;

    let changes = b.store.changes(&b.practice, 0, 1_000).await?;
    let way = |name: &str| {
        let of = |kind: &ChangeKind| matches!(kind, ChangeKind::Outgoing(id, _) if *id == outgoing_id(name));
        changes.iter().find(|change| of(&change.kind)).map(|change| change.account.clone())
    };
    same("the account of a step", &way("fifth"), &Some(Some(b.account.clone())))?;
    same("the account of a step by noreply", &present("a step by noreply", way("sixth"))?, &None)?;
    hold(changes.iter().all(|change| change.at <= b.clock.now()), || "a change is of the future".to_owned())
}
