//! T1 to T5.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use super::check::{self, Check, Failure, Outcome, hold, present, same};
use super::report::Report;
use super::submission_service::{SubmissionFailure, SubmissionService};
use crate::contract::{MailTransport, RecipientVerdict, SendFailure, SendPermit, SendReport, Submission};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{Address, RecipientPolicy};

const PAULA: &str = "paula@bakery.example";
const OTTO: &str = "otto@bakery.example";
/// Who is in nobody's header.
const VERA: &str = "vera@bakery.example";

struct Bench {
    service: Box<dyn SubmissionService>,
}

pub(super) async fn run(open: impl AsyncFn() -> Box<dyn SubmissionService>) -> Report {
    check::run("mail transport", CHECKS, async || Ok(Bench { service: open().await })).await
}

const CHECKS: &[Check<Bench>] = &[
    Check {
        clause: "T1",
        name: "what is reported as sent has been taken, whole and once",
        run: |b| Box::pin(taken(b)),
    },
    Check {
        clause: "T1",
        name: "what the service breaks off behind its answer is sent",
        run: |b| Box::pin(taken_then_broken(b)),
    },
    Check {
        clause: "T1",
        name: "after a failure the same transport sends again",
        run: |b| Box::pin(sends_again(b)),
    },
    Check {
        clause: "T2",
        name: "what is broken off before its octets is not sent",
        run: |b| Box::pin(not_sent(b, SubmissionFailure::BreakBefore)),
    },
    Check {
        clause: "T2",
        name: "what reaches no service is not sent",
        run: |b| Box::pin(not_sent(b, SubmissionFailure::Unreachable)),
    },
    Check {
        clause: "T2",
        name: "what is refused before its octets is not sent",
        run: |b| Box::pin(not_sent(b, SubmissionFailure::RefuseBefore)),
    },
    Check {
        clause: "T2",
        name: "what is refused as a whole is not sent",
        run: |b| Box::pin(not_sent(b, SubmissionFailure::RefuseAfter)),
    },
    Check {
        clause: "T2",
        name: "what is broken off after the last octet is unknown",
        run: |b| Box::pin(unknown(b, SubmissionFailure::BreakAfter)),
    },
    Check {
        clause: "T2",
        name: "what is taken without an answer is unknown",
        run: |b| Box::pin(unknown(b, SubmissionFailure::AnswerLost)),
    },
    Check {
        clause: "T2",
        name: "what is taken with half an answer is unknown",
        run: |b| Box::pin(unknown(b, SubmissionFailure::AnswerCut)),
    },
    Check {
        clause: "T3",
        name: "those in Bcc get it, and nobody is told of them",
        run: |b| Box::pin(blind(b)),
    },
    Check { clause: "T4", name: "the permit is asked once", run: |b| Box::pin(asked_once(b)) },
    Check { clause: "T4", name: "without the permit nothing leaves", run: |b| Box::pin(not_permitted(b)) },
    Check { clause: "T4", name: "after the permit's time nothing leaves", run: |b| Box::pin(too_late(b)) },
    Check {
        clause: "T5",
        name: "all or none: with one recipient refused nobody gets it",
        run: |b| Box::pin(all_or_none(b)),
    },
    Check {
        clause: "T5",
        name: "accepted ones: the others get it, and each is told",
        run: |b| Box::pin(accepted_ones(b)),
    },
];

/// Grants so much time, or nothing; counts how often it was asked.
struct Permit {
    time: Option<Duration>,
    asked: AtomicUsize,
}

impl Permit {
    fn of(time: Option<Duration>) -> Arc<Self> {
        Arc::new(Self { time, asked: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl SendPermit for Permit {
    async fn confirm(&self) -> Result<Duration> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.time.ok_or_else(|| Error::new(ErrorKind::FenceLost, "it may not leave any more"))
    }
}

impl Bench {
    fn needs(&self, failure: SubmissionFailure) -> Outcome {
        if self.service.abilities().contains(&failure) {
            return Ok(());
        }
        Err(Failure::not_checked(format!("the service of the test lacks {failure:?}")))
    }

    async fn send(&self, submission: &Submission) -> Outcome<Result<SendReport, SendFailure>> {
        let transport = self.service.transport().await?;
        let sent = send(&*transport, submission).await;
        transport.close().await;
        Ok(sent)
    }

    /// Fails unless these and nobody else got it: how often and how it looks has a clause of its own.
    async fn reached(&self, addresses: &[&str]) -> Outcome {
        let received = self.service.received().await;
        let got: BTreeSet<String> =
            received.iter().flat_map(|received| &received.forward_paths).map(Address::to_string).collect();
        same("who got it", &got, &addresses.iter().map(ToString::to_string).collect())
    }

    /// Fails unless these and nobody else got it, once each, as it was handed over.
    async fn got_by(&self, submission: &Submission, addresses: &[&str]) -> Outcome {
        let mut got = Vec::new();
        for received in self.service.received().await {
            hold(received.octets.ends_with(&submission.octets), || {
                "what the service took ends with other octets than were handed over".to_owned()
            })?;
            got.extend(received.forward_paths.iter().map(Address::to_string));
        }
        got.sort();
        let mut expected: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        expected.sort();
        same("who got it", &got, &expected)
    }
}

async fn send(transport: &dyn MailTransport, submission: &Submission) -> Result<SendReport, SendFailure> {
    transport.send(submission, Permit::of(Some(Duration::from_mins(1)))).await
}

fn address(text: &str) -> Outcome<Address> {
    Ok(Address::parse(text)?)
}

/// A message to these, with whatever could be mistaken on the way.
fn letter(to: &[&str]) -> Outcome<Submission> {
    let text = format!(
        "From: Anna <anna@practice.example>\r\nTo: {}\r\nSubject: A letter\r\nMessage-ID: <1.conformance@practice.example>\r\n\
         Date: Thu, 15 Jan 2026 08:00:00 +0000\r\n\r\n.\r\n..\r\n.two\r\n\r\nA line.\r\n",
        to.join(",\r\n ")
    );
    let to = to.iter().map(|address| self::address(address)).collect::<Outcome<_>>()?;
    Ok(Submission::new(address("anna@practice.example")?, to, text.into_bytes()))
}

fn sent(result: Result<SendReport, SendFailure>) -> Outcome<SendReport> {
    result.map_err(|failure| {
        Failure::new(format!("a message that can be taken was not sent: {:?}", failure.error))
    })
}

/// Fails unless the failure means *not sent*.
fn is_not_sent(what: &str, result: Result<SendReport, SendFailure>) -> Outcome<SendFailure> {
    match result {
        Ok(_) => Err(Failure::new(format!("{what}: was reported as sent"))),
        Err(failure) if failure.error.kind() == ErrorKind::DeliveryUnknown => {
            Err(Failure::new(format!("{what}: is certainly not sent, was reported as unknown")))
        }
        Err(failure) => Ok(failure),
    }
}

async fn taken(b: &Bench) -> Outcome {
    let letter = letter(&[PAULA, OTTO])?;
    let report = sent(b.send(&letter).await?)?;
    let told: Vec<String> = report.recipients.iter().map(|told| told.address.to_string()).collect();
    same("the recipients of the report", &told, &vec![PAULA.to_owned(), OTTO.to_owned()])?;
    let accepted = report.recipients.iter().all(|told| matches!(told.verdict, RecipientVerdict::Accepted));
    hold(accepted, || format!("the verdicts of a message that was taken: {:?}", report.recipients))?;
    b.got_by(&letter, &[PAULA, OTTO]).await
}

async fn taken_then_broken(b: &Bench) -> Outcome {
    b.needs(SubmissionFailure::BreakBehindAnswer)?;
    b.service.fail(SubmissionFailure::BreakBehindAnswer).await;
    let letter = letter(&[PAULA])?;
    sent(b.send(&letter).await?)?;
    b.got_by(&letter, &[PAULA]).await
}

async fn sends_again(b: &Bench) -> Outcome {
    b.needs(SubmissionFailure::RefuseBefore)?;
    b.service.fail(SubmissionFailure::RefuseBefore).await;
    let letter = letter(&[PAULA])?;
    let transport = b.service.transport().await?;
    is_not_sent("the message refused", send(&*transport, &letter).await)?;
    sent(send(&*transport, &letter).await)?;
    sent(send(&*transport, &letter).await)?;
    transport.close().await;
    b.got_by(&letter, &[PAULA, PAULA]).await
}

async fn not_sent(b: &Bench, failure: SubmissionFailure) -> Outcome {
    b.needs(failure)?;
    b.service.fail(failure).await;
    let letter = letter(&[PAULA])?;
    is_not_sent("the message", b.send(&letter).await?)?;
    b.got_by(&letter, &[]).await
}

async fn unknown(b: &Bench, failure: SubmissionFailure) -> Outcome {
    b.needs(failure)?;
    b.service.fail(failure).await;
    match b.send(&letter(&[PAULA])?).await? {
        Err(failed) if failed.error.kind() == ErrorKind::DeliveryUnknown => Ok(()),
        Err(failed) => Err(Failure::new(format!("expected unknown, was {:?}", failed.error))),
        Ok(_) => Err(Failure::new("expected unknown, was reported as sent")),
    }
}

async fn blind(b: &Bench) -> Outcome {
    let letter = letter(&[PAULA])?;
    let mut submission = letter.clone().blind(vec![address(VERA)?]);
    submission.forward_paths.push(address(VERA)?);
    sent(b.send(&submission).await?)?;
    b.reached(&[PAULA, VERA]).await?;
    for received in b.service.received().await {
        // A mark of the service's own, for whom the copy at hand is, is in front of what was handed over and tells its owner alone.
        let of_vera = received.forward_paths.len() == 1 && received.forward_paths == [address(VERA)?];
        let text = String::from_utf8_lossy(&received.octets);
        hold(of_vera || !text.contains(VERA), || "a copy names somebody who is in Bcc".to_owned())?;
        hold(!text.to_ascii_lowercase().contains("\nbcc:"), || "a copy has a Bcc field".to_owned())?;
    }
    Ok(())
}

async fn asked_once(b: &Bench) -> Outcome {
    let permit = Permit::of(Some(Duration::from_mins(1)));
    let transport = b.service.transport().await?;
    sent(transport.send(&letter(&[PAULA, OTTO])?, permit.clone()).await)?;
    transport.close().await;
    same("how often the permit was asked", &permit.asked.load(Ordering::SeqCst), &1)
}

async fn not_permitted(b: &Bench) -> Outcome {
    let permit = Permit::of(None);
    let letter = letter(&[PAULA])?;
    let transport = b.service.transport().await?;
    let failure = is_not_sent("a message without permit", transport.send(&letter, permit.clone()).await)?;
    transport.close().await;
    same("the kind of its failure", &failure.error.kind(), &ErrorKind::FenceLost)?;
    same("how often the permit was asked", &permit.asked.load(Ordering::SeqCst), &1)?;
    b.got_by(&letter, &[]).await
}

async fn too_late(b: &Bench) -> Outcome {
    let letter = letter(&[PAULA])?;
    let transport = b.service.transport().await?;
    is_not_sent(
        "a message whose time is over",
        transport.send(&letter, Permit::of(Some(Duration::ZERO))).await,
    )?;
    transport.close().await;
    b.got_by(&letter, &[]).await
}

async fn all_or_none(b: &Bench) -> Outcome {
    b.needs(SubmissionFailure::RefuseStranger)?;
    b.service.fail(SubmissionFailure::RefuseStranger).await;
    let letter = letter(&[PAULA, SubmissionFailure::STRANGER])?;
    is_not_sent("a message with a recipient refused", b.send(&letter).await?)?;
    b.reached(&[]).await
}

async fn accepted_ones(b: &Bench) -> Outcome {
    b.needs(SubmissionFailure::RefuseStranger)?;
    b.service.fail(SubmissionFailure::RefuseStranger).await;
    let letter = letter(&[PAULA, SubmissionFailure::STRANGER, OTTO])?.policy(RecipientPolicy::AcceptedOnes);
    // Where one envelope is all a service has, a refusal of one is one of all; that is told, and nobody gets it.
    let report = match b.send(&letter).await? {
        Ok(report) => report,
        Err(failure) => {
            is_not_sent("a message with a recipient refused", Err(failure))?;
            return b.reached(&[]).await;
        }
    };
    let refused: BTreeSet<String> = report
        .recipients
        .iter()
        .filter(|told| matches!(told.verdict, RecipientVerdict::Refused(_)))
        .map(|told| told.address.to_string())
        .collect();
    let stranger = BTreeSet::from([SubmissionFailure::STRANGER.to_owned()]);
    same("who is told as refused", &refused, &stranger)?;
    present("the result of the last recipient", report.recipients.get(2))?;
    b.reached(&[PAULA, OTTO]).await
}
