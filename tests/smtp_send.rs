//! The transport does what its contract says, against the kit's server.

mod submission;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use practicemail::contract::{Credential, MailTransport, RecipientVerdict};
use practicemail::error::ErrorKind;
use practicemail::net::CommandPoint;
use practicemail::settings::TlsMode;
use practicemail::testkit::smtp::{Fault, Personality, Stage};
use practicemail::testkit::{self, ImapServer};
use practicemail::types::Secret;
use submission::{
    LOGIN, PASSWORD, Permit, TOKEN, commands, failure, message, plain, send, server, settled, transport,
    with_credential,
};

#[tokio::test]
async fn a_message_arrives_octet_by_octet_by_either_encryption() {
    for (kit, tls) in [
        (testkit::TlsMode::Implicit, TlsMode::Implicit),
        (testkit::TlsMode::StartTls, TlsMode::StartTls),
        (testkit::TlsMode::Plain, TlsMode::None),
    ] {
        let server = server().tls(kit).start().await.unwrap();
        let transport = transport(&server, tls);
        let submission = message(&["paula@bakery.example", "otto@bakery.example"]);
        let report = send(&transport, &submission).await.unwrap();
        assert!(report.reply.starts_with("250 2.0.0 Ok: queued as"), "{}", report.reply);
        let deliveries = server.deliveries();
        assert_eq!(deliveries.len(), 1);
        assert_eq!(&*deliveries[0].octets, &submission.octets[..]);
        assert_eq!(deliveries[0].recipients, ["paula@bakery.example", "otto@bakery.example"]);
        assert_eq!((&*deliveries[0].login, &*deliveries[0].reverse_path), (LOGIN, LOGIN));
        assert_eq!(deliveries[0].parameters, [format!("SIZE={}", submission.octets.len())]);
        let secret = |line: &&testkit::smtp::Line| line.text.starts_with("AUTH") && !line.encrypted;
        assert_eq!(server.transcript().iter().filter(secret).count(), usize::from(tls == TlsMode::None));
    }
}

#[tokio::test]
async fn every_end_of_a_message_arrives_as_it_is() {
    let server = plain().await;
    let transport = transport(&server, TlsMode::None);
    for text in ["a\r\n", "a\r\n\r\n", "a\r\n.\r\n", ".\r\n", "\r\n", "a\r\n\r\n.\r\n\r\n", "..\r\n.a\r\n"] {
        let mut submission = message(&["paula@bakery.example"]);
        submission.octets = text.into();
        send(&transport, &submission).await.unwrap();
        let arrived = server.deliveries().pop().unwrap().octets;
        assert_eq!(String::from_utf8_lossy(&arrived), text, "{text:?}");
    }
}

#[tokio::test]
async fn a_kept_session_takes_four_round_trips_a_message() {
    let server = server().start().await.unwrap();
    let transport = transport(&server, TlsMode::Implicit);
    let mut submission = message(&["paula@bakery.example"]);
    submission.octets = "x".repeat(900).into_bytes();
    submission.octets.extend("\r\n".repeat(200_000).into_bytes());
    transport.reach().await.unwrap();
    for number in 1..=3 {
        let before = transport.traffic().round_trips;
        send(&transport, &submission).await.unwrap();
        assert!(transport.traffic().round_trips - before <= 4, "message {number}");
    }
    assert_eq!((server.connections(), server.deliveries().len()), (1, 3));
    transport.close().await;
    assert_eq!(commands(&server).last().map(String::as_str), Some("QUIT"));
}

#[tokio::test]
async fn a_session_the_server_has_closed_meanwhile_is_opened_anew() {
    for closing in [Fault::CloseAfter { at: Stage::EndOfData }, Fault::reply(Stage::Mail, "421 4.4.2 idle")] {
        let server = plain().await;
        let by_code = matches!(closing, Fault::Reply { .. });
        server.inject(closing.after(u32::from(by_code)).times(1));
        let transport = transport(&server, TlsMode::None);
        for _ in 0..2 {
            send(&transport, &message(&["paula@bakery.example"])).await.unwrap();
        }
        assert_eq!((server.connections(), server.deliveries().len()), (2, 2));
    }
}

#[tokio::test]
async fn the_permit_is_asked_once_and_after_everything_else() {
    let server = plain().await;
    let points = Arc::new(Mutex::new(Vec::new()));
    let seen = points.clone();
    let transport =
        transport(&server, TlsMode::None).probe(Arc::new(move |point| seen.lock().unwrap().push(point)));
    let permit = Permit::granting(Duration::from_mins(1));
    transport.send(&message(&["paula@bakery.example"]), permit.clone()).await.unwrap();
    assert_eq!(permit.asked(), 1);
    let sent: Vec<_> =
        points.lock().unwrap().iter().filter(|p| matches!(p, CommandPoint::Before(_))).copied().collect();
    let names = ["smtp_connect", "smtp_sign_in", "smtp_mail", "smtp_rcpt", "smtp_data", "smtp_message"];
    assert_eq!(sent, names.map(CommandPoint::Before));

    let refused = Permit::granting(Duration::from_mins(1));
    server.inject(Fault::reply(Stage::Data, "451 4.3.0 not now"));
    transport.send(&message(&["paula@bakery.example"]), refused.clone()).await.unwrap_err();
    assert_eq!(refused.asked(), 0);
}

#[tokio::test]
async fn without_a_permit_nothing_leaves() {
    let server = plain().await;
    let transport = transport(&server, TlsMode::None);
    for permit in [Permit::refusing(), Permit::granting(Duration::ZERO)] {
        let failure = transport.send(&message(&["paula@bakery.example"]), permit).await.unwrap_err();
        assert_eq!(failure.error.kind(), ErrorKind::FenceLost);
        assert!(matches!(failure.recipients[0].verdict, RecipientVerdict::Accepted));
    }
    drop(transport);
    settled(&server).await;
    assert!(server.deliveries().is_empty());
    assert!(server.sessions().iter().all(|session| session.client_octets == session.data_began));
}

#[tokio::test]
async fn what_servers_read_differently_reaches_none() {
    let server = plain().await;
    let transport = transport(&server, TlsMode::None);
    for octets in ["a\r\n\n.\r\n", "a\n.\nMAIL FROM:<x@y.example>\r\n", "a\rb\r\n"] {
        let mut submission = message(&["paula@bakery.example"]);
        submission.octets = octets.into();
        assert_eq!(failure(&transport, &submission).await.kind(), ErrorKind::Invalid);
    }
    assert_eq!(failure(&transport, &message(&[])).await.kind(), ErrorKind::Invalid);
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn tokens_sign_in_and_a_refused_one_says_its_status() {
    let server = server().start().await.unwrap();
    let token =
        |token: &str| with_credential(&server, TlsMode::Implicit, Credential::Token(Secret::new(token)));
    send(&token(TOKEN), &message(&["paula@bakery.example"])).await.unwrap();
    let error = failure(&token("ya29.an-old-token"), &message(&["paula@bakery.example"])).await;
    assert_eq!(error.kind(), ErrorKind::AuthorizationRequired);
    assert!(error.to_string().ends_with("(status 401)"), "{error}");
    let wrong = with_credential(&server, TlsMode::Implicit, Credential::Password(Secret::new("wrong")));
    assert_eq!(failure(&wrong, &message(&["p@b.example"])).await.kind(), ErrorKind::AuthenticationFailed);
    for secret in ["a\r\nQUIT", "a\0b"] {
        let error = failure(&token(secret), &message(&["p@b.example"])).await;
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
    let exchange = submission::server().personality(Personality::Exchange).start().await.unwrap();
    send(&transport(&exchange, TlsMode::Implicit), &message(&["p@b.example"])).await.unwrap();
    let lines: Vec<_> = exchange.transcript().into_iter().map(|line| line.text).collect();
    assert!(lines.contains(&"AUTH LOGIN".to_owned()) && !lines.concat().contains(PASSWORD), "{lines:?}");
}

#[tokio::test]
async fn letters_beyond_ascii_need_a_server_that_takes_them() {
    let server = plain().await;
    let transport = transport(&server, TlsMode::None);
    send(&transport, &message(&["päula@bäckerei.example"])).await.unwrap();
    let delivery = server.deliveries().pop().unwrap();
    assert_eq!(delivery.recipients, ["päula@xn--bckerei-5wa.example"]);
    assert!(delivery.parameters.contains(&"SMTPUTF8".to_owned()));
    transport.close().await;
    server.inject(Fault::Extensions(vec!["AUTH PLAIN".to_owned()]));
    let error = failure(&transport, &message(&["päula@bäckerei.example"])).await;
    assert_eq!(error.kind(), ErrorKind::RecipientRefused);
    assert!(!error.to_string().contains("ula"), "{error}");
    let mut by_sender = message(&["paula@bakery.example"]);
    by_sender.reverse_path = submission::address("änna@practice.example");
    assert_eq!(failure(&transport, &by_sender).await.kind(), ErrorKind::SenderRefused);
    send(&transport, &message(&["paula@bäckerei.example"])).await.unwrap();
    assert_eq!(server.deliveries().pop().unwrap().parameters, Vec::<String>::new());
}

#[tokio::test]
async fn a_dropped_future_takes_its_session_with_it() {
    let server = plain().await;
    let transport = transport(&server, TlsMode::None);
    transport.reach().await.unwrap();
    server.inject(Fault::Hang { at: Stage::Rcpt }.times(1));
    let submission = message(&["paula@bakery.example"]);
    let sending = send(&transport, &submission);
    tokio::time::timeout(Duration::from_millis(300), sending).await.unwrap_err();
    send(&transport, &submission).await.unwrap();
    assert_eq!((server.connections(), server.deliveries().len()), (2, 1));
}

#[tokio::test]
async fn copies_are_filed_and_messages_delivered_as_the_personality_has_it() {
    let imap =
        ImapServer::builder().user(LOGIN, PASSWORD).user("paula@bakery.example", "x").start().await.unwrap();
    for (personality, copies, kept) in [
        (Personality::Plain, 0, true),
        (Personality::FilesCopy, 1, true),
        (Personality::FilesAndRewritesMessageId, 2, false),
    ] {
        let server =
            server().personality(personality).files_into(&imap).delivers_into(&imap).start().await.unwrap();
        let submission = message(&["paula@bakery.example", "nobody@bakery.example"]);
        send(&transport(&server, TlsMode::Implicit), &submission).await.unwrap();
        assert_eq!(imap.user(LOGIN).messages("Sent").len(), copies);
        let arrived = imap.user("paula@bakery.example").messages("INBOX").pop().unwrap().octets;
        let arrived = String::from_utf8(arrived.to_vec()).unwrap();
        assert!(arrived.starts_with("Return-Path: <anna@practice.example>\r\nReceived: from "), "{arrived}");
        assert_eq!(arrived.contains("Message-ID: <1@practice.example>"), kept);
        assert!(
            arrived.contains("\r\nX-Practicemail-Id: 000102\r\n")
                && arrived.ends_with("\r\n\r\n.\r\n..\r\n.two\r\n\r\nend.\r\n")
        );
    }
    let sent = imap.user(LOGIN).messages("Sent");
    let copy = String::from_utf8(sent[1].octets.to_vec()).unwrap();
    assert!(copy.contains("@rewritten.example>\r\n") && copy.contains("X-Practicemail-Id: 000102"));
    assert_eq!(sent[0].octets.to_vec(), message(&[]).octets);
}
