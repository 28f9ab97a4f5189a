//! The transports keep the contract: SMTP and Graph on the kit's servers, SMTP on a real Postfix.
//!
//! The latter needs `postfix` and `dovecot-imapd` (scripts/setup installs them).

mod submission;
mod support;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use practicemail::conformance::{self, Received, SubmissionFailure, SubmissionService};
use practicemail::contract::MailTransport;
use practicemail::error::Result;
use practicemail::graph::GraphTransport;
use practicemail::net::HttpClient;
use practicemail::settings::{Login, ServerSettings, TlsMode};
use practicemail::smtp::SmtpTransport;
use practicemail::testkit::graph::{GraphDelivery, GraphFault};
use practicemail::testkit::smtp::{Delivery, Fault, Stage};
use practicemail::testkit::{GraphServer, SmtpServer};
use practicemail::types::Secret;
use submission::{LOGIN, address, dialer, password, settled};
use support::postfix::Postfix;

struct Smtp(SmtpServer);

#[async_trait(?Send)]
impl SubmissionService for Smtp {
    fn abilities(&self) -> &[SubmissionFailure] {
        &SubmissionFailure::ALL
    }

    async fn transport(&self) -> Result<Box<dyn MailTransport>> {
        Ok(Box::new(submission::transport(&self.0, TlsMode::Implicit)))
    }

    async fn received(&self) -> Vec<Received> {
        settled(&self.0).await;
        let received = |delivery: Delivery| {
            Received::new(delivery.recipients.iter().map(|a| address(a)).collect(), delivery.octets.to_vec())
        };
        self.0.deliveries().into_iter().map(received).collect()
    }

    async fn fail(&self, failure: SubmissionFailure) {
        let end = Stage::EndOfData;
        let fault = match failure {
            SubmissionFailure::Unreachable => Fault::Close { at: Stage::Greeting },
            SubmissionFailure::RefuseBefore => Fault::reply(Stage::Mail, "550 5.7.1 Not by you"),
            SubmissionFailure::RefuseAfter => Fault::reply(end, "554 5.6.0 Not this"),
            SubmissionFailure::RefuseStranger => Fault::RefuseRecipient {
                address: SubmissionFailure::STRANGER.into(),
                reply: "550 5.1.1 Unknown".into(),
            },
            SubmissionFailure::BreakBefore => Fault::Close { at: Stage::Data },
            SubmissionFailure::BreakAfter => Fault::Close { at: end },
            SubmissionFailure::AnswerLost => Fault::AnswerLost { at: end },
            SubmissionFailure::AnswerCut => Fault::AnswerCut { at: end, octets: 5 },
            SubmissionFailure::BreakBehindAnswer => Fault::CloseAfter { at: end },
            other => panic!("a new failure: {other:?}"),
        };
        self.0.inject(fault.times(1));
    }
}

#[tokio::test]
async fn smtp_is_a_mail_transport() {
    conformance::transport(async || Smtp(submission::server().start().await.unwrap()))
        .await
        .assert_complete();
}

const TOKEN: &str = "eyJ0eXAi.secret-token";

struct Graph {
    server: GraphServer,
    is_there: Cell<bool>,
}

#[async_trait(?Send)]
impl SubmissionService for Graph {
    fn abilities(&self) -> &[SubmissionFailure] {
        use SubmissionFailure as Failure;
        &[
            Failure::Unreachable,
            Failure::RefuseBefore,
            Failure::RefuseAfter,
            Failure::RefuseStranger,
            Failure::BreakAfter,
            Failure::AnswerLost,
            Failure::AnswerCut,
            Failure::BreakBehindAnswer,
        ]
    }

    async fn transport(&self) -> Result<Box<dyn MailTransport>> {
        // At port 1 nobody listens.
        let port = if self.is_there.get() { self.server.port() } else { 1 };
        let server = ServerSettings::new("localhost", port, TlsMode::Implicit)?.with_ca(self.server.ca_pem());
        Ok(Box::new(GraphTransport::new(HttpClient::new(dialer()), server, Secret::new(TOKEN))))
    }

    async fn received(&self) -> Vec<Received> {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let of = |delivery: GraphDelivery| {
            Received::new(delivery.recipients.iter().map(|a| address(a)).collect(), delivery.octets)
        };
        self.server.deliveries().into_iter().map(of).collect()
    }

    async fn fail(&self, failure: SubmissionFailure) {
        let refuse = |status, code: &str| GraphFault::Refuse {
            status,
            retry_after: None,
            code: code.into(),
            message: "It was not taken.".into(),
        };
        self.server.inject(match failure {
            SubmissionFailure::Unreachable => return self.is_there.set(false),
            SubmissionFailure::RefuseBefore => refuse(403, "ErrorAccessDenied"),
            SubmissionFailure::RefuseAfter => refuse(400, "ErrorInvalidRequest"),
            SubmissionFailure::BreakAfter | SubmissionFailure::AnswerLost => GraphFault::AnswerCut(0),
            SubmissionFailure::AnswerCut => GraphFault::AnswerCut(20),
            // The stranger it does not know from the beginning, and a connection ends with its request anyway.
            SubmissionFailure::RefuseStranger | SubmissionFailure::BreakBehindAnswer => return,
            other => panic!("not one of its abilities: {other:?}"),
        });
    }
}

#[tokio::test]
async fn graph_is_a_mail_transport() {
    let report = conformance::transport(async || {
        let server = GraphServer::builder(TOKEN).unknown(SubmissionFailure::STRANGER).start().await.unwrap();
        Graph { server, is_there: Cell::new(true) }
    })
    .await;
    report.assert_passed();
    let not_checked = report.checks().iter().filter(|check| check.not_checked.is_some());
    assert_eq!(not_checked.count(), 1, "{report}");
}

const MAILBOXES: [&str; 3] = ["paula@bakery.example", "otto@bakery.example", "vera@bakery.example"];

/// A Postfix that was started for all checks, with what lay in its mailboxes before this one.
struct OnPostfix {
    postfix: Rc<Postfix>,
    before: [usize; 3],
}

impl OnPostfix {
    fn on(postfix: Rc<Postfix>) -> Self {
        postfix.settle();
        let before = MAILBOXES.map(|mailbox| postfix.await_messages(mailbox, 0).len());
        Self { postfix, before }
    }
}

#[async_trait(?Send)]
impl SubmissionService for OnPostfix {
    fn abilities(&self) -> &[SubmissionFailure] {
        &[SubmissionFailure::RefuseStranger]
    }

    async fn transport(&self) -> Result<Box<dyn MailTransport>> {
        let server = ServerSettings::new("localhost", self.postfix.tls_port(), TlsMode::Implicit)?;
        let server = server.with_ca(self.postfix.ca_pem());
        Ok(Box::new(SmtpTransport::new(dialer(), server, Login::new(LOGIN).unwrap(), password())))
    }

    async fn received(&self) -> Vec<Received> {
        self.postfix.settle();
        let copies = |(to, before): (&'static str, usize)| {
            let copies = self.postfix.await_messages(to, 0).into_iter().skip(before);
            copies.map(move |octets| Received::new(vec![address(to)], octets))
        };
        MAILBOXES.into_iter().zip(self.before).flat_map(copies).collect()
    }

    /// The stranger it does not know from the beginning.
    async fn fail(&self, _: SubmissionFailure) {}
}

#[tokio::test]
async fn smtp_is_a_mail_transport_on_postfix() {
    let postfix = Rc::new(Postfix::start(&MAILBOXES));
    let report = conformance::transport(async || OnPostfix::on(postfix.clone())).await;
    report.assert_passed();
    assert_eq!(report.unchecked_clauses(), ["T1", "T2"], "{report}");
}
