//! Transports that break a clause, over a service in memory.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use practicemail::conformance::{self, Received, Report, SubmissionFailure, SubmissionService};
use practicemail::contract::{
    MailTransport, RecipientResult, RecipientVerdict, SendFailure, SendPermit, SendReport, Submission,
};
use practicemail::error::{Error, ErrorKind, Result};
use practicemail::types::{Address, RecipientPolicy};

use crate::assert_reported;

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) enum Fault {
    #[default]
    None,
    SaysSentAndSendsNothing,
    SendsTwice,
    ChangesOctets,
    GivesUpAfterAFailure,
    BrokenBehindTheAnswerIsAFailure,
    EveryBreakIsUnknown,
    RefusalIsUnknown,
    LostAnswerIsNotSent,
    HalfAnAnswerIsSent,
    NamesThoseInBcc,
    AsksTwice,
    SendsWithoutPermit,
    SendsTooLate,
    SendsToSome,
    TellsNobodyOfARefusal,
}

pub(crate) async fn report(fault: Fault) -> Report {
    conformance::transport(async || Service(Arc::new(State { fault, ..State::default() }))).await
}

#[tokio::test]
async fn every_broken_clause_is_reported() {
    report(Fault::None).await.assert_complete();
    for (fault, clause) in [
        (Fault::SaysSentAndSendsNothing, "T1"),
        (Fault::SendsTwice, "T1"),
        (Fault::ChangesOctets, "T1"),
        (Fault::GivesUpAfterAFailure, "T1"),
        (Fault::BrokenBehindTheAnswerIsAFailure, "T1"),
        (Fault::EveryBreakIsUnknown, "T2"),
        (Fault::RefusalIsUnknown, "T2"),
        (Fault::LostAnswerIsNotSent, "T2"),
        (Fault::HalfAnAnswerIsSent, "T2"),
        (Fault::NamesThoseInBcc, "T3"),
        (Fault::AsksTwice, "T4"),
        (Fault::SendsWithoutPermit, "T4"),
        (Fault::SendsTooLate, "T4"),
        (Fault::SendsToSome, "T5"),
        (Fault::TellsNobodyOfARefusal, "T5"),
    ] {
        assert_reported(&fault, &report(fault).await, &[clause]);
    }
}

#[tokio::test]
async fn what_the_service_cannot_do_is_not_checked() {
    struct Able(Service);
    #[async_trait(?Send)]
    impl SubmissionService for Able {
        async fn transport(&self) -> Result<Box<dyn MailTransport>> {
            self.0.transport().await
        }
        async fn received(&self) -> Vec<Received> {
            self.0.received().await
        }
    }
    let state = || Arc::new(State { fault: Fault::LostAnswerIsNotSent, ..State::default() });
    let report = conformance::transport(async || Able(Service(state()))).await;
    report.assert_passed();
    assert_eq!(report.unchecked_clauses(), ["T1", "T2", "T5"]);
}

#[derive(Default)]
struct State {
    fault: Fault,
    next: Mutex<Option<SubmissionFailure>>,
    received: Mutex<Vec<Received>>,
}

struct Service(Arc<State>);

#[async_trait(?Send)]
impl SubmissionService for Service {
    fn abilities(&self) -> &[SubmissionFailure] {
        &SubmissionFailure::ALL
    }

    async fn transport(&self) -> Result<Box<dyn MailTransport>> {
        Ok(Box::new(Transport { state: self.0.clone(), failed: Mutex::new(false) }))
    }

    async fn received(&self) -> Vec<Received> {
        self.0.received.lock().unwrap().clone()
    }

    async fn fail(&self, failure: SubmissionFailure) {
        *self.0.next.lock().unwrap() = Some(failure);
    }
}

struct Transport {
    state: Arc<State>,
    failed: Mutex<bool>,
}

fn error(kind: ErrorKind) -> Error {
    Error::new(kind, "as told")
}

impl Transport {
    fn is(&self, fault: Fault) -> bool {
        self.state.fault == fault
    }

    fn take(&self, submission: &Submission, to: &[Address]) {
        let mut octets = submission.octets.clone();
        if self.is(Fault::ChangesOctets) {
            octets.truncate(octets.len() - 2);
        }
        if self.is(Fault::NamesThoseInBcc) && !submission.blind.is_empty() {
            octets = [format!("Bcc: {}\r\n", submission.blind[0]).as_bytes(), &octets].concat();
        }
        let times = if self.is(Fault::SendsTwice) { 2 } else { 1 };
        for _ in 0..times {
            self.state.received.lock().unwrap().push(Received::new(to.to_vec(), octets.clone()));
        }
    }
}

#[async_trait]
impl MailTransport for Transport {
    async fn send(
        &self,
        submission: &Submission,
        permit: Arc<dyn SendPermit>,
    ) -> Result<SendReport, SendFailure> {
        use SubmissionFailure as Failure;
        let failure = self.state.next.lock().unwrap().take();
        if self.is(Fault::GivesUpAfterAFailure) && *self.failed.lock().unwrap() {
            return Err(error(ErrorKind::ConnectionLost).into());
        }
        *self.failed.lock().unwrap() = failure.is_some();
        let broken = || {
            let unknown = self.is(Fault::EveryBreakIsUnknown);
            error(if unknown { ErrorKind::DeliveryUnknown } else { ErrorKind::ConnectionLost })
        };
        match failure {
            Some(Failure::Unreachable | Failure::BreakBefore) => return Err(broken().into()),
            Some(Failure::RefuseBefore) => return Err(error(ErrorKind::SenderRefused).into()),
            _ => {}
        }
        let stranger = Address::parse(Failure::STRANGER).unwrap();
        let is_refused = |address: &Address| failure == Some(Failure::RefuseStranger) && *address == stranger;
        let refused = submission.forward_paths.iter().any(is_refused);
        let all = submission.policy == RecipientPolicy::AllOrNone && !self.is(Fault::SendsToSome);
        if refused && all {
            return Err(error(ErrorKind::RecipientRefused).into());
        }
        let allowed = permit.confirm().await;
        if self.is(Fault::AsksTwice) && allowed.is_ok() {
            permit.confirm().await?;
        }
        match allowed {
            Err(refusal) if self.is(Fault::SendsWithoutPermit) => {
                self.take(submission, &submission.forward_paths);
                return Err(refusal.into());
            }
            Err(refusal) => return Err(refusal.into()),
            Ok(time) if time.is_zero() && !self.is(Fault::SendsTooLate) => {
                return Err(error(ErrorKind::TimedOut).into());
            }
            Ok(_) => {}
        }
        let unknown = || {
            let wrong = self.is(Fault::LostAnswerIsNotSent);
            error(if wrong { ErrorKind::ConnectionLost } else { ErrorKind::DeliveryUnknown })
        };
        let to: Vec<Address> = submission.forward_paths.iter().filter(|a| !is_refused(a)).cloned().collect();
        match failure {
            Some(Failure::RefuseAfter) if self.is(Fault::RefusalIsUnknown) => {
                return Err(error(ErrorKind::DeliveryUnknown).into());
            }
            Some(Failure::RefuseAfter) => return Err(error(ErrorKind::MessageRefused).into()),
            Some(Failure::BreakAfter) => return Err(unknown().into()),
            Some(Failure::AnswerCut) if self.is(Fault::HalfAnAnswerIsSent) => {}
            Some(Failure::AnswerLost | Failure::AnswerCut) => {
                self.take(submission, &to);
                return Err(unknown().into());
            }
            _ => {}
        }
        if !self.is(Fault::SaysSentAndSendsNothing) || failure.is_some() || !submission.blind.is_empty() {
            self.take(submission, &to);
        }
        if failure == Some(Failure::BreakBehindAnswer) && self.is(Fault::BrokenBehindTheAnswerIsAFailure) {
            return Err(error(ErrorKind::ConnectionLost).into());
        }
        let verdict = |address: &Address| {
            if is_refused(address) && !self.is(Fault::TellsNobodyOfARefusal) {
                RecipientVerdict::Refused(error(ErrorKind::RecipientRefused))
            } else {
                RecipientVerdict::Accepted
            }
        };
        let results =
            submission.forward_paths.iter().map(|a| RecipientResult::new(a.clone(), verdict(a), ""));
        Ok(SendReport::new(results.collect(), "250 taken"))
    }

    async fn close(&self) {}
}
