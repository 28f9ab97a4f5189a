//! O12: messages that the engine refuses although they have left.

use super::super::bench::{Bench, LEASE, message_key};
use super::ends::filed;
use super::intent::{outgoing_id, sent, sent_message, unknown};
use crate::conformance::check::{Check, Outcome, hold, refused, same};
use crate::contract::{
    Filing, Outgoing, OutgoingClaim, OutgoingDecision, OutgoingEnd, OutgoingState, OutgoingWork, SentMessage,
};
use crate::error::{Error, ErrorKind};

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check {
        clause: "O12",
        name: "an end whose message the engine refuses is refused as such, and written without it",
        run: |b| Box::pin(ends(b)),
    },
    Check {
        clause: "O12",
        name: "where nobody ends it without, it is recovered and not delivered",
        run: |b| Box::pin(recovered(b)),
    },
    Check {
        clause: "O12",
        name: "a decision whose message the engine refuses is refused as such, and written without it",
        run: |b| Box::pin(decided(b)),
    },
];

/// The name of the message that the engine refuses.
const REFUSED: &str = "refused";

/// An engine that refuses a message, which may have left under this claim.
async fn refusing(b: &Bench) -> Outcome<OutgoingClaim> {
    b.refuse(message_key(REFUSED)).await?;
    let fence = b.begin().await?;
    b.archive(&fence, &[b.mail("kept", 1)]).await?;
    b.queue(&b.intent(REFUSED)).await?;
    let claim = b.claim(REFUSED).await?;
    b.store.confirm_outgoing(&claim, LEASE).await?;
    Ok(claim)
}

fn message(b: &Bench) -> Outcome<SentMessage> {
    sent_message(b, REFUSED, &["client"])
}

fn refusal() -> Error {
    Error::new(ErrorKind::StorageRefused, "the engine does not take it")
}

/// Fails unless an end is refused for the message it brings, leaves everything as it is, and the claim to its holder.
async fn refused_whole(b: &Bench, claim: &OutgoingClaim, end: &OutgoingEnd) -> Outcome {
    let (before, page) = (b.snapshot().await?, b.page(&["client"]).await?);
    let done = b.store.finish_outgoing(claim, end).await;
    refused("an end with a message that the engine refuses", done, ErrorKind::StorageRefused)?;
    same("the store after that", &b.snapshot().await?, &before)?;
    same("the page after that", &b.page(&["client"]).await?, &page)?;
    same("what is due", &b.due().await?, &Vec::new())?;
    refused("claiming it", b.claim(REFUSED).await, ErrorKind::Busy)
}

/// Fails unless nothing of the message is archived, and it is in nobody's way.
async fn is_not_archived(b: &Bench) -> Outcome {
    let found = b.store.messages(&b.practice, &[message_key(REFUSED)]).await?;
    same("whether the message is archived", &found.len(), &0)?;
    same("how many the page has", &b.page(&["client"]).await?.len(), &1)
}

async fn ends(b: &Bench) -> Outcome {
    let claim = refusing(b).await?;
    let end = sent(Some(message(b)?))?;
    refused_whole(b, &claim, &end).await?;
    b.store.confirm_outgoing(&claim, LEASE).await?;
    refused_whole(b, &claim, &end).await?;
    let item = b.store.finish_outgoing(&claim, &end.unarchived(&refusal())).await?;
    is_sent_and_told(b, &item).await?;
    let claim = b.claim(REFUSED).await?;
    same("what is done about it then", &claim.work, &OutgoingWork::File)?;
    let failure = (ErrorKind::MailboxFull, "full".to_owned());
    let end = OutgoingEnd::FilingFailed { failure, next_try: Some(b.in_seconds(0)) };
    let item = b.store.finish_outgoing(&claim, &end).await?;
    is_sent_and_told(b, &item).await?;
    let claim = b.claim(REFUSED).await?;
    let end = OutgoingEnd::Filed { copy: filed()?, learnt: None };
    let item = b.store.finish_outgoing(&claim, &end).await?;
    same("its copy", &item.filing, &Filing::Appended)?;
    is_sent_and_told(b, &item).await?;
    b.clock.advance(100_000);
    same("what is due long after", &b.due().await?, &Vec::new())?;
    refused("claiming it long after", b.claim(REFUSED).await, ErrorKind::NotFound)
}

/// Fails unless the intent was sent and says that the archive did not take it.
async fn is_sent_and_told(b: &Bench, item: &Outgoing) -> Outcome {
    same("its state", &item.state, &OutgoingState::Sent)?;
    let why = item.failure.as_ref().map(|(kind, _)| *kind);
    same("the kind of what it says of the archive", &why, &Some(ErrorKind::StorageRefused))?;
    same("the intent", &b.outgoing(REFUSED).await?, item)?;
    is_not_archived(b).await
}

async fn recovered(b: &Bench) -> Outcome {
    let claim = refusing(b).await?;
    refused_whole(b, &claim, &sent(Some(message(b)?))?).await?;
    for _ in 0..2 {
        b.clock.advance(i64::from(LEASE) + 1);
        same("what is due", &b.due().await?, &vec![outgoing_id(REFUSED)])?;
        let claim = b.claim(REFUSED).await?;
        same("the work", &claim.work, &OutgoingWork::Recover)?;
        let mut end = unknown(b);
        if let OutgoingEnd::Unknown { archived, .. } = &mut end {
            *archived = Some(Box::new(message(b)?));
        }
        refused_whole(b, &claim, &end).await?;
    }
    b.clock.advance(i64::from(LEASE) + 1);
    let claim = b.claim(REFUSED).await?;
    let item = b.store.finish_outgoing(&claim, &unknown(b)).await?;
    same("its state", &item.state, &OutgoingState::Unknown)?;
    is_not_archived(b).await?;
    let claim = b.claim(REFUSED).await?;
    same("what is done about it then", &claim.work, &OutgoingWork::Look)
}

async fn decided(b: &Bench) -> Outcome {
    let claim = refusing(b).await?;
    b.store.finish_outgoing(&claim, &unknown(b)).await?;
    b.clock.advance(600);
    let before = b.snapshot().await?;
    let decide = async |archived| {
        let (id, was_sent) = (outgoing_id(REFUSED), OutgoingDecision::WasSent);
        b.store.decide_outgoing(&b.practice, id, was_sent, archived).await
    };
    let done = decide(Some(Box::new(message(b)?))).await;
    refused("a decision with a message that the engine refuses", done, ErrorKind::StorageRefused)?;
    same("the store after that", &b.snapshot().await?, &before)?;
    let item = decide(None).await?;
    same("its state", &item.state, &OutgoingState::Sent)?;
    hold(item.sent_at.is_some(), || "nothing says when it was sent".to_owned())?;
    is_not_archived(b).await
}
