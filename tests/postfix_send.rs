//! The transport against a real Postfix.

mod submission;
mod support;

use practicemail::contract::{Credential, MailTransport, RecipientVerdict};
use practicemail::error::ErrorKind;
use practicemail::settings::{Login, ServerSettings, TlsMode};
use practicemail::smtp::SmtpTransport;
use practicemail::types::{RecipientPolicy, Secret};
use submission::{LOGIN, dialer, failure, message, send};
use support::dovecot::PASSWORD;
use support::postfix::{Postfix, SIZE};

const PAULA: &str = "paula@bakery.example";
const OTTO: &str = "otto@bakery.example";

fn transport(postfix: &Postfix, tls: TlsMode, password: &str) -> SmtpTransport {
    let port = if tls == TlsMode::Implicit { postfix.tls_port() } else { postfix.port() };
    let server = ServerSettings::new("localhost", port, tls).unwrap().with_ca(postfix.ca_pem());
    let credential = Credential::Password(Secret::new(password));
    SmtpTransport::new(dialer(), server, Login::new(LOGIN).unwrap(), credential)
}

/// Without the fields the server puts in front.
fn without_trace(message: &[u8]) -> String {
    let message = String::from_utf8(message.to_vec()).unwrap();
    let mut lines = message.split_inclusive("\r\n");
    let trace = ["Return-Path:", "X-Original-To:", "Delivered-To:", "Received:", "\t"];
    let kept = lines.by_ref().skip_while(|line| trace.iter().any(|field| line.starts_with(field)));
    kept.collect()
}

#[tokio::test]
async fn what_is_handed_over_arrives_octet_by_octet() {
    let postfix = Postfix::start(&[PAULA, OTTO]);
    for (number, tls) in [TlsMode::Implicit, TlsMode::StartTls].into_iter().enumerate() {
        let transport = transport(&postfix, tls, PASSWORD);
        let mut submission = message(&[PAULA, OTTO]);
        let head = "Date: Wed, 25 Nov 2026 12:00:00 +0000\r\nTo: paula@bakery.example\r\n";
        let lines =
            ["x".repeat(998), ".".repeat(998), ".".to_owned(), String::new(), "..".to_owned(), String::new()];
        submission.octets =
            [head.as_bytes(), &submission.octets, (lines.join("\r\n") + "\r\n").as_bytes()].concat();
        for turn in 1..=2 {
            let report = send(&transport, &submission).await.unwrap();
            assert!(report.reply.starts_with("250 2.0.0 Ok: queued as"), "{}", report.reply);
            for address in [PAULA, OTTO] {
                let arrived = postfix.await_messages(address, number * 2 + turn);
                assert_eq!(without_trace(arrived.last().unwrap()).as_bytes(), &submission.octets[..]);
            }
        }
        // Whom the octets do not name, as with Bcc, is named in nobody else's copy.
        assert!(!String::from_utf8(postfix.await_messages(PAULA, 1).remove(0)).unwrap().contains("otto"));
        transport.close().await;
    }
}

#[tokio::test]
async fn an_unknown_recipient_follows_the_policy() {
    let postfix = Postfix::start(&[PAULA]);
    let transport = transport(&postfix, TlsMode::StartTls, PASSWORD);
    let submission = message(&[PAULA, "nobody@bakery.example"]);
    let failure = send(&transport, &submission).await.unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::RecipientRefused);
    assert!(
        failure.error.to_string().contains("550 5.1.1 (address) Recipient address rejected"),
        "{}",
        failure.error
    );
    let report = send(&transport, &submission.policy(RecipientPolicy::AcceptedOnes)).await.unwrap();
    assert!(matches!(report.recipients[1].verdict, RecipientVerdict::Refused(_)));
    assert_eq!(postfix.await_messages(PAULA, 1).len(), 1);
}

#[tokio::test]
async fn too_large_a_message_is_told_by_what_the_server_offers() {
    let postfix = Postfix::start(&[PAULA]);
    let transport = transport(&postfix, TlsMode::Implicit, PASSWORD);
    let mut submission = message(&[PAULA]);
    submission.octets.extend(b"0123456789\r\n".repeat(SIZE / 12));
    let error = failure(&transport, &submission).await;
    assert_eq!(error.kind(), ErrorKind::MessageTooLarge);
    assert!(error.to_string().ends_with(&format!("the server takes {SIZE}")), "{error}");
    send(&transport, &message(&[PAULA])).await.unwrap();
}

#[tokio::test]
async fn a_wrong_password_is_the_users_to_correct() {
    let postfix = Postfix::start(&[PAULA]);
    for tls in [TlsMode::Implicit, TlsMode::StartTls] {
        let error = failure(&transport(&postfix, tls, "wrong"), &message(&[PAULA])).await;
        assert_eq!(error.kind(), ErrorKind::AuthenticationFailed, "{error}");
    }
}
