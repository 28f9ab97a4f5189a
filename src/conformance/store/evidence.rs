//! S13, S14: what windows say of what was sent.

use super::bench::{Bench, inbox_window, message_key};
use super::outbox::{Intent, sent, unknown};
use crate::conformance::check::{Check, Outcome, present, refused, same};
use crate::contract::{
    ArchivedCopy, Bounce, BounceReport, Clock, Fence, FiledCopy, Filing, OutgoingEnd, OutgoingState,
    RecipientState, WindowReceipt,
};
use crate::error::ErrorKind;
use crate::types::{AccountId, Address, Field, MailboxName, MessageId, OutgoingId, Timestamp};

pub(super) const CHECKS: &[Check<Bench>] = &[
    Check {
        clause: "S13",
        name: "the practice's own mail is known again under another Message-ID",
        run: |b| Box::pin(known_again(b)),
    },
    Check { clause: "S13", name: "a borrowed field counts for nothing", run: |b| Box::pin(borrowed(b)) },
    Check {
        clause: "S13",
        name: "a copy in the Sent mailbox shows that what is unknown was sent",
        run: |b| Box::pin(evidence(b)),
    },
    Check {
        clause: "S13",
        name: "what a copy shows ends a claim, also when the copy was there",
        run: |b| Box::pin(ends_claims(b)),
    },
    Check { clause: "S14", name: "failures are written at recipients", run: |b| Box::pin(bounces(b)) },
    Check {
        clause: "S14",
        name: "reports about other intents are passed over",
        run: |b| Box::pin(strangers(b)),
    },
];

fn id(name: &str) -> OutgoingId {
    super::outbox::outgoing_id(name)
}

/// A copy of a message of this name in the Sent mailbox.
fn in_sent(b: &Bench, name: &str, number: u32) -> Outcome<ArchivedCopy> {
    let mut copy = b.mail(name, number).lies_in(MailboxName::from_wire("Sent")).build()?;
    copy.in_sent = true;
    Ok(copy)
}

async fn read(b: &Bench, fence: &Fence, copy: ArchivedCopy) -> Outcome<WindowReceipt> {
    let mut window = inbox_window()?;
    window.mailbox = copy.copy.place.mailbox.clone();
    window.copies = vec![copy];
    Ok(b.store.commit_window(fence, &window).await?)
}

async fn messages_of(b: &Bench, name: &str) -> Outcome<usize> {
    let found = b.store.messages(&b.practice, &[message_key(name)]).await?;
    Ok(found.first().map_or(0, |message| message.copies.len()))
}

async fn known_again(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.deliver(&b.intent("first"), &sent(None)?).await?;
    let mut rewritten = in_sent(b, "another id", 1)?;
    rewritten.parsed.outgoing = Some(id("first"));
    rewritten.parsed.rendition = None;
    read(b, &fence, rewritten).await?;
    same("how many copies the message has", &messages_of(b, "first").await?, &1)?;
    let mut received = b.mail("a third id", 2).build()?;
    received.parsed.outgoing = Some(id("first"));
    read(b, &fence, received).await?;
    same("how many copies the message has then", &messages_of(b, "first").await?, &2)?;
    for other in ["another id", "a third id"] {
        same("how many copies another message has", &messages_of(b, other).await?, &0)?;
    }
    Ok(())
}

async fn borrowed(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.deliver(&b.intent("first"), &unknown(b)).await?;
    let by_another = Intent::new(&b.practice, &AccountId::new("another")?, "second");
    b.deliver(&by_another, &unknown(b)).await?;
    let copies = [
        ("received", "first", b.mail("received", 1).content("a forgery").build()?),
        ("another's", "second", {
            let mut copy = in_sent(b, "another's", 2)?;
            copy.parsed.rendition = None;
            copy
        }),
        ("unknown", "nobody's", in_sent(b, "unknown", 3)?),
    ];
    for (name, borrowed, mut copy) in copies {
        copy.parsed.outgoing = Some(id(borrowed));
        read(b, &fence, copy).await?;
        same("how many copies the message has", &messages_of(b, name).await?, &1)?;
        same("how many the one it claims to be has", &messages_of(b, borrowed).await?, &0)?;
    }
    for name in ["first", "second"] {
        same("the state", &b.outgoing(name).await?.state, &OutgoingState::Unknown)?;
    }
    Ok(())
}

async fn evidence(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    b.deliver(&b.intent("first").also(Field::Cc, "second@client.example"), &unknown(b)).await?;
    b.deliver(&b.intent("second"), &sent(None)?).await?;
    b.deliver(&b.intent("third"), &unknown(b)).await?;
    b.queue(&b.intent("queued")).await?;
    b.clock.advance(5);
    read(b, &fence, b.mail("third", 3).build()?).await?;
    same("what a received copy shows", &b.outgoing("third").await?.state, &OutgoingState::Unknown)?;
    for (name, number) in [("first", 1), ("second", 2), ("queued", 4)] {
        let copy = in_sent(b, name, number)?;
        let place = copy.copy.place.clone();
        read(b, &fence, copy).await?;
        let item = b.outgoing(name).await?;
        if name == "queued" {
            same("what is queued", &item.state, &OutgoingState::Queued)?;
            continue;
        }
        let filed = FiledCopy::new(place.mailbox, Some((place.uid_validity, place.uid)));
        let accepted = item.recipients.iter().all(|r| r.state == RecipientState::Accepted);
        let found = (item.state, accepted, item.filing, item.filed.clone(), item.next_try);
        let expected = (OutgoingState::Sent, true, Filing::Server, Some(filed), None);
        same("what a copy in the Sent mailbox shows", &found, &expected)?;
        same("why and until when it waits", &(item.failure, item.decide_after), &(None, None))?;
        let at = if name == "first" { b.clock.now() } else { b.in_seconds(-5) };
        same("when it was sent", &item.sent_at, &Some(at))?;
    }
    Ok(())
}

async fn ends_claims(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let copy = in_sent(b, "first", 1)?;
    read(b, &fence, copy.clone()).await?;
    b.deliver(&b.intent("first"), &unknown(b)).await?;
    let claim = b.claim("first").await?;
    read(b, &fence, copy).await?;
    let item = b.outgoing("first").await?;
    same("the state", &item.state, &OutgoingState::Sent)?;
    let end = OutgoingEnd::NotFound { next_try: Some(b.clock.now()) };
    refused(
        "the end of a claim of before",
        b.store.finish_outgoing(&claim, &end).await,
        ErrorKind::FenceLost,
    )?;
    same("the intent", &b.outgoing("first").await?, &item)
}

fn bounce(permanent: bool, number: i64) -> Bounce {
    let status = permanent.then(|| "5.1.1".to_owned());
    Bounce::new(permanent, status, format!("told ü {number}"), Timestamp::from_unix(number))
}

/// Commits a report; answers what is then known of the recipients of `name`.
async fn report(b: &Bench, fence: &Fence, report: BounceReport, name: &str) -> Outcome<Vec<Option<Bounce>>> {
    let mut window = inbox_window()?;
    window.bounces = vec![report];
    b.store.commit_window(fence, &window).await?;
    Ok(b.outgoing(name).await?.recipients.into_iter().map(|recipient| recipient.bounce).collect())
}

async fn bounces(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let second = Address::parse("Second@client.example")?;
    b.deliver(&b.intent("only"), &sent(None)?).await?;
    b.deliver(&b.intent("two").also(Field::Bcc, "second@CLIENT.example"), &unknown(b)).await?;
    let only = |recipient, told| BounceReport::new(Some(id("only")), None, vec![(recipient, told)]);
    let found = report(b, &fence, only(None, bounce(false, 1)), "only").await?;
    same("a delay", &found, &vec![Some(bounce(false, 1))])?;
    let found = report(b, &fence, only(None, bounce(true, 2)), "only").await?;
    same("a failure after it", &found, &vec![Some(bounce(true, 2))])?;
    let found = report(b, &fence, only(None, bounce(false, 3)), "only").await?;
    same("a delay after that", &found, &vec![Some(bounce(true, 2))])?;
    let message_id = present("a Message-ID", MessageId::parse("two"))?;
    let two = |recipient, told| BounceReport::new(None, Some(message_id.clone()), vec![(recipient, told)]);
    let found = report(b, &fence, two(None, bounce(true, 4)), "two").await?;
    same("a failure of one of two", &found, &vec![None, None])?;
    let found = report(b, &fence, two(Some(second), bounce(true, 5)), "two").await?;
    same("a failure of the second", &found, &vec![None, Some(bounce(true, 5))])?;
    let stranger = Address::parse("stranger@client.example")?;
    let found = report(b, &fence, only(Some(stranger), bounce(true, 6)), "only").await?;
    same("a failure of somebody else", &found, &vec![Some(bounce(true, 2))])
}

async fn strangers(b: &Bench) -> Outcome {
    let fence = b.begin().await?;
    let by_another = Intent::new(&b.practice, &AccountId::new("another")?, "first");
    b.deliver(&by_another, &sent(None)?).await?;
    for outgoing in [Some(id("first")), None] {
        let message_id = MessageId::parse("first");
        let told = BounceReport::new(outgoing, message_id, vec![(None, bounce(true, 1))]);
        let found = report(b, &fence, told, "first").await?;
        same("a report about what left by another account", &found, &vec![None])?;
    }
    let told = BounceReport::new(Some(id("nobody's")), None, vec![(None, bounce(true, 1))]);
    same("a report about nothing", &report(b, &fence, told, "first").await?, &vec![None])
}
