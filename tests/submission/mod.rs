//! What the tests of sending share: permits, messages, transports.
#![allow(dead_code, reason = "every test binary uses its own part of this")]

pub(crate) mod matrix;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use practicemail::contract::{Credential, MailTransport, SendFailure, SendPermit, SendReport, Submission};
use practicemail::error::{Error, ErrorKind, Result};
use practicemail::net::{Dialer, EgressPolicy, Timeouts};
use practicemail::settings::{Login, ServerSettings, TlsMode};
use practicemail::smtp::{Deadlines, SmtpTransport};
use practicemail::testkit::{self, SmtpServer, smtp::SmtpServerBuilder};
use practicemail::types::{Address, Secret};

/// The user of every server here.
pub(crate) const LOGIN: &str = "anna@practice.example";
/// Their password. Its text is looked for in errors, so it must not occur elsewhere.
pub(crate) const PASSWORD: &str = "Zwei-Raben-zqx-4711";
/// Their token.
pub(crate) const TOKEN: &str = "ya29.Drei-Raben-zqx-4712";

/// A permit, and how often it was asked.
pub(crate) struct Permit {
    answer: std::result::Result<Duration, ErrorKind>,
    pause: Duration,
    asked: AtomicUsize,
}

impl Permit {
    pub(crate) fn granting(duration: Duration) -> Arc<Self> {
        Arc::new(Self { answer: Ok(duration), pause: Duration::ZERO, asked: AtomicUsize::new(0) })
    }

    pub(crate) fn refusing() -> Arc<Self> {
        Arc::new(Self {
            answer: Err(ErrorKind::FenceLost),
            pause: Duration::ZERO,
            asked: AtomicUsize::new(0),
        })
    }

    /// Grants a minute, and takes its time to say so.
    pub(crate) fn slow(pause: Duration) -> Arc<Self> {
        Arc::new(Self { answer: Ok(Duration::from_mins(1)), pause, asked: AtomicUsize::new(0) })
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl SendPermit for Permit {
    async fn confirm(&self) -> Result<Duration> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(self.pause).await;
        self.answer.map_err(|kind| Error::new(kind, "not any more"))
    }
}

pub(crate) fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

/// A small message with dots, to these recipients.
pub(crate) fn message(recipients: &[&str]) -> Submission {
    let octets = "From: Anna <anna@practice.example>\r\nSubject: Dots\r\nMessage-ID: <1@practice.example>\r\n\
                  X-Practicemail-Id: 000102\r\n\r\n.\r\n..\r\n.two\r\n\r\nend.\r\n";
    Submission::new(address(LOGIN), recipients.iter().map(|r| address(r)).collect(), octets.into())
}

/// A server with the user of these tests.
pub(crate) fn server() -> SmtpServerBuilder {
    SmtpServer::builder().user(LOGIN, PASSWORD).token(LOGIN, TOKEN)
}

/// A server in the clear.
pub(crate) async fn plain() -> SmtpServer {
    server().tls(testkit::TlsMode::Plain).start().await.unwrap()
}

pub(crate) fn dialer() -> Dialer {
    let mut timeouts = Timeouts::default();
    timeouts.connect = Duration::from_secs(5);
    Dialer::new().egress(EgressPolicy::Any).timeouts(timeouts)
}

pub(crate) fn password() -> Credential {
    Credential::Password(Secret::new(PASSWORD))
}

/// A transport to `server` with a password.
pub(crate) fn transport(server: &SmtpServer, tls: TlsMode) -> SmtpTransport {
    with_credential(server, tls, password())
}

pub(crate) fn with_credential(server: &SmtpServer, tls: TlsMode, credential: Credential) -> SmtpTransport {
    let settings = ServerSettings::new("localhost", server.port(), tls).unwrap().with_ca(server.ca_pem());
    SmtpTransport::new(dialer(), settings, Login::new(LOGIN).unwrap(), credential)
}

/// Little time for answers, where none comes.
pub(crate) fn impatient() -> Deadlines {
    let little = Duration::from_millis(500);
    Deadlines::default().command(little).end_of_data(little).quit(little)
}

pub(crate) async fn send(
    transport: &SmtpTransport,
    submission: &Submission,
) -> std::result::Result<SendReport, SendFailure> {
    transport.send(submission, Permit::granting(Duration::from_mins(1))).await
}

/// Sends, and answers the kind of failure.
pub(crate) async fn failure(transport: &SmtpTransport, submission: &Submission) -> Error {
    send(transport, submission).await.expect_err("a failure").error
}

/// The commands a server received, without their arguments.
pub(crate) fn commands(server: &SmtpServer) -> Vec<String> {
    let verb = |text: &str| text.split(' ').next().unwrap_or_default().to_owned();
    server.transcript().iter().map(|line| verb(&line.text)).collect()
}

/// Waits until every session of the server has ended.
pub(crate) async fn settled(server: &SmtpServer) {
    for _ in 0..400 {
        if server.open_connections() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("a session of the server does not end");
}
