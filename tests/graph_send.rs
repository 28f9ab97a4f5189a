//! Sending by Graph: every answer has one meaning, and what may have been taken is never called *not sent*.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use practicemail::contract::{
    Clock, MailTransport, RecipientVerdict, SendFailure, SendPermit, SendReport, Submission,
};
use practicemail::error::{Error, ErrorKind, Result};
use practicemail::graph::GraphTransport;
use practicemail::net::{Dialer, EgressPolicy, HttpClient};
use practicemail::settings::{ServerSettings, TlsMode};
use practicemail::testkit::graph::{GraphFault, GraphServerBuilder, REQUEST_ID};
use practicemail::testkit::{self, GraphServer, ImapServer};
use practicemail::types::{Address, Secret, Timestamp};

const TOKEN: &str = "eyJ0eXAi.secret-token";
/// How long a server may be silent, where a test waits for that.
const PATIENCE: Duration = Duration::from_millis(600);

struct StandingClock;

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(1_000)
    }
}

/// A permit, and how often it was asked.
struct Permit(Option<Duration>, AtomicUsize);

impl Permit {
    fn of(time: Option<Duration>) -> Arc<Self> {
        Arc::new(Self(time, AtomicUsize::new(0)))
    }
}

#[async_trait]
impl SendPermit for Permit {
    async fn confirm(&self) -> Result<Duration> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.ok_or_else(|| Error::new(ErrorKind::FenceLost, "taken over"))
    }
}

struct Scene {
    server: GraphServer,
    tls: TlsMode,
}

impl Scene {
    async fn start() -> Self {
        Self::on(GraphServer::builder(TOKEN)).await
    }

    async fn on(builder: GraphServerBuilder) -> Self {
        Self { server: builder.start().await.unwrap(), tls: TlsMode::Implicit }
    }

    async fn plain() -> Self {
        let server = GraphServer::builder(TOKEN).tls(testkit::TlsMode::Plain).start().await.unwrap();
        Self { server, tls: TlsMode::None }
    }

    fn faulty(self, fault: GraphFault) -> Self {
        self.server.inject(fault);
        self
    }

    fn transport(&self, token: &str) -> GraphTransport {
        let server = ServerSettings::new("127.0.0.1", self.server.port(), self.tls).unwrap();
        let http = HttpClient::new(Dialer::new().egress(EgressPolicy::Any)).patience(PATIENCE);
        GraphTransport::new(http, server.with_ca(self.server.ca_pem()), Secret::new(token))
            .clock(Arc::new(StandingClock))
    }

    async fn send(&self, submission: &Submission) -> Result<SendReport, SendFailure> {
        self.transport(TOKEN).send(submission, Permit::of(Some(Duration::from_mins(1)))).await
    }

    async fn fails(&self) -> ErrorKind {
        failure(self.send(&letter(100)).await).kind()
    }
}

fn failure(result: Result<SendReport, SendFailure>) -> Error {
    let error = result.unwrap_err().error;
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("secret-token") && !shown.contains("example.org"), "{shown}");
    error
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn letter(length: usize) -> Submission {
    let octets = [
        &b"From: <anna@practice.example>\r\nTo: <c@example.org>\r\nSubject: x\r\nMessage-ID: <1@x>\r\n\r\n"[..],
        &vec![b'x'; length],
        b"\r\n.\r\n\xff",
    ];
    Submission::new(address("anna@practice.example"), vec![address("c@example.org")], octets.concat())
}

fn refuse(status: u16, code: &str) -> GraphFault {
    let message = "Said to a@example.org.\\r\\nInjected: yes".to_owned();
    GraphFault::Refuse { status, retry_after: None, code: code.to_owned(), message }
}

#[tokio::test]
async fn an_accepted_message_is_delivered_once_as_it_is_and_filed() {
    let imap = ImapServer::builder().user("anna", "hunter2").start().await.unwrap();
    for length in [0, 20_000, 2_000_000] {
        let before = imap.user("anna").messages("Sent").len();
        let scene = Scene::on(GraphServer::builder(TOKEN).files_into(imap.user("anna"), "Sent")).await;
        let mut submission = letter(length);
        let blind: Vec<Address> = ["b1@example.org", "b2@example.org"].map(address).into();
        submission.forward_paths.extend(blind.clone());
        let permit = Permit::of(Some(Duration::from_mins(1)));
        let transport = scene.transport(TOKEN);
        let report = transport.send(&submission.clone().blind(blind), permit.clone()).await.unwrap();
        transport.close().await;
        assert_eq!(report.reply, REQUEST_ID);
        let whom: Vec<&Address> = report.recipients.iter().map(|r| &r.address).collect();
        assert_eq!(whom, submission.forward_paths.iter().collect::<Vec<_>>());
        assert!(report.recipients.iter().all(|r| matches!(r.verdict, RecipientVerdict::Accepted)));
        let deliveries = scene.server.deliveries();
        assert_eq!(deliveries.len(), 1);
        assert_eq!(deliveries[0].recipients, ["c@example.org", "b1@example.org", "b2@example.org"]);
        assert!(deliveries[0].octets == submission.octets, "{length}");
        assert_eq!(permit.1.load(Ordering::SeqCst), 1);
        assert_eq!(imap.user("anna").messages("Sent").len(), before + 1);
    }
}

#[tokio::test]
async fn a_refusal_means_what_is_documented_and_that_nothing_was_sent() {
    for (status, code, kind) in [
        (400, "ErrorInvalidRecipients", ErrorKind::RecipientRefused),
        (400, "ErrorMimeContentInvalid", ErrorKind::MessageRefused),
        (400, "ErrorMessageSizeExceeded", ErrorKind::MessageTooLarge),
        (401, "InvalidAuthenticationToken", ErrorKind::AuthorizationRequired),
        (403, "ErrorSendAsDenied", ErrorKind::SenderRefused),
        (403, "ErrorAccessDenied", ErrorKind::AccountCannotSend),
        (404, "MailboxNotEnabledForRESTAPI", ErrorKind::SendingDisabled),
        (404, "ResourceNotFound", ErrorKind::AccountCannotSend),
        (413, "", ErrorKind::MessageTooLarge),
        (418, "", ErrorKind::ServerRefused),
        (429, "ApplicationThrottled", ErrorKind::Throttled),
        (429, "ErrorExceededMessageLimit", ErrorKind::SendingLimit),
        (501, "notSupported", ErrorKind::ServerRefused),
        (503, "serviceNotAvailable", ErrorKind::ServerUnavailable),
        (302, "", ErrorKind::Protocol),
    ] {
        let scene = Scene::start().await.faulty(refuse(status, code));
        assert_eq!(scene.fails().await, kind, "{status} {code}");
        assert!(scene.server.deliveries().is_empty());
    }
    let scene = Scene::start().await;
    let wrong = scene.transport("expired").send(&letter(1), Permit::of(Some(PATIENCE))).await;
    assert_eq!(failure(wrong).kind(), ErrorKind::AuthorizationRequired);
}

/// A gateway's word, or a server's that failed on the way, says nothing of what was done behind it.
#[tokio::test]
async fn an_answer_that_does_not_say_it_is_unknown() {
    let page = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 6\r\n\r\n<html>".to_vec();
    let cut = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 60\r\n\r\n{\"error\":{}}".to_vec();
    let mut faults: Vec<GraphFault> =
        vec![GraphFault::TakenThenAnswer(page), GraphFault::TakenThenAnswer(cut)];
    faults.extend([200, 201, 204, 500, 502, 504, 507, 509].map(|status| refuse(status, "UnknownError")));
    for fault in faults {
        let name = format!("{fault:?}");
        let scene = Scene::start().await.faulty(fault);
        assert_eq!(scene.fails().await, ErrorKind::DeliveryUnknown, "{name}");
    }
}

#[tokio::test]
async fn a_pause_is_counted_from_now() {
    let pause = |status, retry_after| GraphFault::Refuse {
        status,
        retry_after,
        code: "TooManyRequests".to_owned(),
        message: String::new(),
    };
    for (fault, not_before) in [
        (pause(429, Some(120)), Some(1_120)),
        (pause(503, Some(30)), Some(1_030)),
        (pause(429, None), None),
        (pause(400, Some(30)), None),
    ] {
        let scene = Scene::start().await.faulty(fault);
        let error = failure(scene.send(&letter(1)).await);
        assert_eq!(error.not_before(), not_before.map(Timestamp::from_unix));
    }
}

#[tokio::test]
async fn a_refused_recipient_is_told_by_name_and_the_words_are_clean() {
    let scene = Scene::on(GraphServer::builder(TOKEN).unknown("gone@example.org")).await;
    let mut submission = letter(1);
    submission.forward_paths.push(address("gone@example.org"));
    let submission = submission.blind(vec![address("gone@example.org")]);
    let refused = scene.send(&submission).await.unwrap_err();
    assert_eq!(refused.error.kind(), ErrorKind::RecipientRefused);
    assert!(matches!(refused.recipients[0].verdict, RecipientVerdict::Accepted));
    assert!(matches!(refused.recipients[1].verdict, RecipientVerdict::Refused(_)));
    assert!(scene.server.deliveries().is_empty());

    let scene = Scene::start().await.faulty(refuse(400, "ErrorMimeContentInvalid"));
    let refused = scene.send(&letter(1)).await.unwrap_err();
    assert_eq!(refused.recipients[0].reply, "ErrorMimeContentInvalid Said to (address) Injected: yes");

    let leak = GraphFault::Refuse {
        status: 400,
        retry_after: None,
        code: "X".to_owned(),
        message: format!("Bearer {TOKEN}"),
    };
    let refused = Scene::start().await.faulty(leak).send(&letter(1)).await.unwrap_err();
    assert!(!format!("{refused:?}").contains(TOKEN));
    assert!(refused.recipients.iter().all(|r| !r.reply.contains("secret")));
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_before_anything_is_asked() {
    let scene = Scene::start().await;
    let permit = Permit::of(Some(PATIENCE));
    let refused = scene.transport(TOKEN).send(&letter(3_200_000), permit.clone()).await;
    assert_eq!(failure(refused).kind(), ErrorKind::MessageTooLarge);
    assert_eq!((permit.1.load(Ordering::SeqCst), scene.server.requests().len()), (0, 0));
}

/// T4
#[tokio::test]
async fn without_a_permit_or_behind_its_time_nothing_leaves() {
    for length in [10, 1_000_000] {
        for (time, kind) in [(None, ErrorKind::FenceLost), (Some(Duration::ZERO), ErrorKind::TimedOut)] {
            let scene = Scene::start().await;
            let refused = scene.transport(TOKEN).send(&letter(length), Permit::of(time)).await;
            assert_eq!(failure(refused).kind(), kind);
            assert!(scene.server.deliveries().is_empty());
        }
    }
}

#[tokio::test]
async fn what_does_not_answer_as_a_server_is_unknown_and_ends() {
    let taken = |octets: &[u8]| GraphFault::TakenThenAnswer(octets.to_vec());
    for fault in [
        taken(b"220 mail.example ESMTP\r\n"),
        taken(b"\x16\x03\x01\x02\x00garbage"),
        taken(b""),
        taken(b"HTTP/1.1 \r\n\r\n"),
        taken(b"HTTP/1.1 100 Continue\r\n\r\n"),
        taken(b"HTTP/1.1 999999 Accepted\r\n\r\n"),
        GraphFault::TakenThenSilence,
        GraphFault::Endless(b"HTTP/1.1 202 Accepted\r\n".to_vec(), b"X-Filler: 0123456789\r\n".to_vec()),
        GraphFault::Endless(b"HTTP/1.1 202 Acc".to_vec(), vec![b'x'; 4096]),
    ] {
        let name = format!("{fault:?}");
        let scene = Scene::start().await.faulty(fault);
        assert_eq!(scene.fails().await, ErrorKind::DeliveryUnknown, "{name}");
        assert_eq!(scene.server.deliveries().len(), 1, "{name}");
    }
    // The head is the answer: what comes behind it changes nothing.
    let endless = |head: &str| GraphFault::Endless(head.as_bytes().to_vec(), vec![b'x'; 16 << 10]);
    let head = "HTTP/1.1 202 Accepted\r\nContent-Length: 9999999999\r\n\r\n";
    Scene::start().await.faulty(endless(head)).send(&letter(1)).await.unwrap();
    let scene =
        Scene::start().await.faulty(endless("HTTP/1.1 400 Bad\r\nContent-Length: 9999999999\r\n\r\n"));
    assert_eq!(scene.fails().await, ErrorKind::MessageRefused);
}

#[tokio::test]
async fn a_server_that_reads_nothing_or_is_not_there_was_sent_nothing() {
    let scene = Scene::plain().await.faulty(GraphFault::Silence);
    let error = failure(scene.send(&letter(3_000_000)).await);
    // The system may have buffered all of it: then nobody knows.
    assert!(matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::DeliveryUnknown), "{error:?}");
    assert!(scene.server.deliveries().is_empty());

    // Nobody there.
    let server = ServerSettings::new("127.0.0.1", 1, TlsMode::None).unwrap();
    let http = HttpClient::new(Dialer::new().egress(EgressPolicy::Any));
    let nobody = GraphTransport::new(http, server, Secret::new(TOKEN));
    let permit = Permit::of(Some(PATIENCE));
    let refused = nobody.send(&letter(1), permit.clone()).await;
    assert_eq!(failure(refused).kind(), ErrorKind::ConnectionRefused);
    assert_eq!(permit.1.load(Ordering::SeqCst), 0);
}

/// A message, and whether it was called sent, not sent or unknown, is compared with what was taken.
async fn cut(submission: Submission, fault: GraphFault) -> bool {
    let name = format!("{fault:?} of {} octets", submission.octets.len());
    let scene = Scene::plain().await.faulty(fault);
    let sent = scene.send(&submission).await;
    let taken = scene.server.deliveries().len();
    match sent {
        Ok(_) => assert_eq!(taken, 1, "{name}: sent"),
        Err(failure) if failure.error.kind() == ErrorKind::DeliveryUnknown => return true,
        Err(failure) => assert_eq!(taken, 0, "{name}: {:?}", failure.error),
    }
    false
}

#[tokio::test]
async fn a_cut_at_any_octet_is_called_what_it_is() {
    let small = Scene::plain().await;
    small.send(&letter(100)).await.unwrap();
    let head = small.server.requests()[0].len() + 2;
    for length in [100, 200_000] {
        let submission = letter(length);
        let whole = head + submission.octets.len().div_ceil(3) * 4 + 8;
        let sampled = (head..whole).step_by(whole / 40);
        let points: Vec<usize> = (0..head).chain(sampled).chain(whole - 64 - 8..=whole).collect();
        for points in points.chunks(16) {
            join_all(points.iter().map(|at| cut(submission.clone(), GraphFault::CloseAfter(*at)))).await;
        }
        for at in 0..200 {
            let unknown = cut(submission.clone(), GraphFault::AnswerCut(at)).await;
            // Unknown until the head is complete; known from there.
            assert_eq!(unknown, at < answer_head(), "{at}");
        }
    }
}

fn answer_head() -> usize {
    let answer = "HTTP/1.1 202 Accepted\r\nrequest-id: \r\nDate: Mon, 12 Jan 2026 10:00:00 GMT\r\nContent-Length: 0\r\n\r\n";
    answer.len() + REQUEST_ID.len()
}
