//! Hostile and broken submission servers, family by family. A case is a row: what the server does, and what is right.

mod submission;

use std::time::Duration;

use practicemail::contract::{Credential, MailTransport, RecipientVerdict};
use practicemail::error::{Error, ErrorKind};
use practicemail::settings::TlsMode;
use practicemail::smtp::{Deadlines, SmtpTransport};
use practicemail::testkit::smtp::{Fault, Flood, Injection, Personality, Stage};
use practicemail::testkit::{self, CertificateKind, SmtpServer};
use practicemail::types::{RecipientPolicy, Secret};
use submission::{
    LOGIN, PASSWORD, Permit, TOKEN, commands, failure, impatient, message, plain, send, server, settled,
    transport, with_credential,
};

/// Sends one message to a server with this fault, in the clear; the message is not sent. Answers server and error.
async fn not_sent(fault: impl Into<Injection>, deadlines: Deadlines) -> (SmtpServer, Error) {
    let server = plain().await;
    server.inject(fault);
    let transport = transport(&server, TlsMode::None).deadlines(deadlines);
    let error = failure(&transport, &message(&["paula@bakery.example"])).await;
    drop(transport);
    settled(&server).await;
    assert!(server.deliveries().is_empty(), "{error:?}");
    assert_ne!(error.kind(), ErrorKind::DeliveryUnknown, "{error:?}");
    (server, error)
}

/// As [`not_sent`], with nothing said from MAIL on.
async fn nothing_sent(case: &str, fault: impl Into<Injection>, kind: ErrorKind) -> Error {
    let (server, error) = not_sent(fault, Deadlines::default()).await;
    assert_eq!(error.kind(), kind, "{case}: {error:?}");
    assert!(!commands(&server).iter().any(|command| command == "MAIL"), "{case}: {:?}", commands(&server));
    error
}

async fn over_starttls(fault: impl Into<Injection>) -> (SmtpServer, ErrorKind) {
    let server = server().tls(testkit::TlsMode::StartTls).start().await.unwrap();
    server.inject(fault);
    let transport = transport(&server, TlsMode::StartTls);
    let kind = failure(&transport, &message(&["paula@bakery.example"])).await.kind();
    drop(transport);
    settled(&server).await;
    assert!(server.deliveries().is_empty());
    for command in ["AUTH", "MAIL", "HELO"] {
        assert!(!commands(&server).iter().any(|sent| sent == command), "{command} after {kind:?}");
    }
    (server, kind)
}

#[tokio::test]
async fn starttls_that_is_refused_or_absent_ends_it() {
    let refused = ErrorKind::StartTlsUnavailable;
    for (reply, kind) in [
        ("502 Command not implemented", refused),
        ("454 TLS not available due to temporary reason", ErrorKind::ServerUnavailable),
        ("221 bye", ErrorKind::Protocol),
        ("500 unknown", refused),
        ("501 syntax", refused),
    ] {
        assert_eq!(over_starttls(Fault::reply(Stage::StartTls, reply)).await.1, kind, "{reply}");
    }
    for offered in [&["AUTH PLAIN LOGIN", "SIZE 1000"][..], &["AUTH PLAIN LOGIN CRAM-MD5 XOAUTH2 NTLM"]] {
        let extensions = offered.iter().map(ToString::to_string).collect();
        assert_eq!(over_starttls(Fault::Extensions(extensions)).await.1, refused, "{offered:?}");
    }
    let no_tls = over_starttls(Fault::StartTlsPlain).await.1;
    assert!(matches!(no_tls, ErrorKind::TlsFailed | ErrorKind::TimedOut), "{no_tls:?}");
}

#[tokio::test]
async fn plaintext_behind_starttls_answers_nothing() {
    for injected in
        ["250-example.org\r\n250 AUTH PLAIN\r\n", "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 sent\r\n", "2"]
    {
        let octets = injected.as_bytes().to_vec();
        let (_, kind) = over_starttls(Fault::Behind { at: Stage::StartTls, octets }).await;
        assert_eq!(kind, ErrorKind::Protocol, "{injected:?}");
    }
}

#[tokio::test]
async fn what_was_offered_before_tls_is_forgotten() {
    let server = server().tls(testkit::TlsMode::StartTls).start().await.unwrap();
    let before = ["STARTTLS", "AUTH X-PLAINBEFORE", "SIZE 10"].map(str::to_owned).to_vec();
    server.inject(Fault::Extensions(before).times(1));
    send(&transport(&server, TlsMode::StartTls), &message(&["paula@bakery.example"])).await.unwrap();
    assert_eq!(commands(&server)[..4], ["EHLO", "STARTTLS", "EHLO", "AUTH"]);
    assert_eq!(server.deliveries().len(), 1);
}

#[tokio::test]
async fn certificates_that_are_wrong_end_it_before_credentials() {
    use CertificateKind::{Expired, SelfSigned, UnknownCa, WrongName};
    for (certificate, kind) in [
        (SelfSigned, ErrorKind::CertificateUntrusted),
        (UnknownCa, ErrorKind::CertificateUntrusted),
        (WrongName, ErrorKind::CertificateWrongName),
        (Expired, ErrorKind::CertificateExpired),
    ] {
        for (kit, tls) in
            [(testkit::TlsMode::Implicit, TlsMode::Implicit), (testkit::TlsMode::StartTls, TlsMode::StartTls)]
        {
            let server = server().tls(kit).certificate(certificate).start().await.unwrap();
            let error = failure(&transport(&server, tls), &message(&["paula@bakery.example"])).await;
            assert_eq!(error.kind(), kind, "{certificate:?} {tls:?}");
            assert!(!commands(&server).iter().any(|command| command == "AUTH" || command == "MAIL"));
            assert_eq!(server.connections(), 1);
        }
    }
}

#[tokio::test]
async fn a_greeting_that_is_none_ends_it() {
    for (greeting, kind) in [
        ("221 closing", ErrorKind::Protocol),
        ("354 Start mail input", ErrorKind::Protocol),
        ("500 syntax", ErrorKind::ServerRefused),
        ("501 syntax", ErrorKind::ServerRefused),
        ("554 No SMTP service here", ErrorKind::ServerRefused),
        ("421 busy", ErrorKind::ServerUnavailable),
        ("421 4.7.0 slow down", ErrorKind::Throttled),
        ("250 ok", ErrorKind::Protocol),
        ("* OK IMAP4rev1", ErrorKind::Protocol),
        ("SSH-2.0-OpenSSH_9.2p1", ErrorKind::Protocol),
        ("999 what", ErrorKind::Protocol),
    ] {
        let (server, error) = not_sent(Fault::reply(Stage::Greeting, greeting), Deadlines::default()).await;
        assert_eq!(error.kind(), kind, "{greeting}");
        assert!(server.transcript().is_empty(), "{greeting}");
    }
}

#[tokio::test]
async fn an_ehlo_that_is_refused_has_no_fallback() {
    for (reply, kind) in [
        ("220 hello", ErrorKind::Protocol),
        ("354 go", ErrorKind::Protocol),
        ("421 4.3.0 closing", ErrorKind::ServerUnavailable),
        ("501 syntax", ErrorKind::ServerRefused),
        ("502 not implemented", ErrorKind::ServerRefused),
        ("530 must issue STARTTLS", ErrorKind::ServerRefused),
        ("550 no", ErrorKind::ServerRefused),
        ("250-x\r\n250-   \r\n251 y", ErrorKind::Protocol),
    ] {
        let (server, error) = not_sent(Fault::reply(Stage::Ehlo, reply), Deadlines::default()).await;
        assert_eq!(error.kind(), kind, "{reply}");
        assert_eq!(commands(&server), ["EHLO"], "{reply}");
        let (_, over_tls) = over_starttls(Fault::reply(Stage::Ehlo, reply)).await;
        assert_eq!(over_tls, kind, "{reply}");
    }
    let server = plain().await;
    server.inject(Fault::Extensions(vec![String::new(), "   ".to_owned(), "AUTH PLAIN".to_owned()]));
    send(&transport(&server, TlsMode::None), &message(&["paula@bakery.example"])).await.unwrap();
}

#[tokio::test]
async fn a_reply_that_is_none_is_never_taken_for_one() {
    for reply in ["999 what", "2", "", "250_", "25 ok", "250-a\r\n550 b", "\u{fc}50 ok"] {
        let (_, error) = not_sent(Fault::reply(Stage::Mail, reply), Deadlines::default()).await;
        assert_eq!(error.kind(), ErrorKind::Protocol, "{reply:?}");
    }
    let server = plain().await;
    server.inject(Fault::reply(Stage::Rset, b"250 \xc3\xbc\xff"));
    server.inject(Fault::RefuseRecipient {
        address: "paula@bakery.example".into(),
        reply: "250 2.1.5 \u{fc}\u{1b}[2J".into(),
    });
    let failure =
        send(&transport(&server, TlsMode::None), &message(&["paula@bakery.example"])).await.unwrap_err();
    // The kit did not take the recipient, so it has none at DATA.
    assert_eq!(failure.error.kind(), ErrorKind::MessageRefused);
    assert_eq!(failure.recipients[0].reply, "250 2.1.5 \u{fc} [2J");
}

#[tokio::test]
async fn a_refused_sign_in_says_who_must_act() {
    for (reply, kind) in [
        ("535 5.7.8 Username and Password not accepted", ErrorKind::AuthenticationFailed),
        ("454 4.7.0 Temporary authentication failure", ErrorKind::Throttled),
        ("534 5.7.9 Application-specific password required", ErrorKind::AppPasswordRequired),
        (
            "534-5.7.14 <https://accounts.example> Please log in\r\n534 5.7.14 via your web browser",
            ErrorKind::WebLoginRequired,
        ),
        (
            "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant",
            ErrorKind::SendingDisabled,
        ),
        (
            "550 5.7.30 Basic authentication is not supported for Client Submission",
            ErrorKind::PasswordRefusedByProvider,
        ),
        ("432 4.3.2 Concurrent connections limit exceeded", ErrorKind::TooManyConnections),
        ("538 5.7.11 Encryption required", ErrorKind::NoUsableSignIn),
        ("354 go", ErrorKind::Protocol),
    ] {
        let error = nothing_sent(reply, Fault::reply(Stage::Auth, reply), kind).await;
        assert_eq!(error.is_retryable(), reply.starts_with('4'), "{reply}");
    }
    let off = server().personality(Personality::AuthOff).start().await.unwrap();
    let error = failure(&transport(&off, TlsMode::Implicit), &message(&["paula@bakery.example"])).await;
    assert_eq!(error.kind(), ErrorKind::SendingDisabled);
}

#[tokio::test]
async fn without_a_way_to_sign_in_nothing_is_sent() {
    for (offered, kind, named) in [
        ("AUTH NTLM GSSAPI", ErrorKind::NoUsableSignIn, "it offers: GSSAPI NTLM"),
        ("AUTH XOAUTH2", ErrorKind::PasswordRefusedByProvider, "it offers: XOAUTH2"),
        ("SIZE 1000000", ErrorKind::NoUsableSignIn, "it offers: none"),
    ] {
        let error = nothing_sent(offered, Fault::Extensions(vec![offered.to_owned()]), kind).await;
        assert!(error.to_string().ends_with(named), "{error}");
    }
}

#[tokio::test]
async fn a_secret_that_is_echoed_is_kept_from_errors() {
    for (mechanisms, credential) in [
        ("AUTH PLAIN", Credential::Password(Secret::new(PASSWORD))),
        ("AUTH LOGIN", Credential::Password(Secret::new(PASSWORD))),
        ("AUTH XOAUTH2", Credential::Token(Secret::new(TOKEN))),
    ] {
        let server = plain().await;
        server.inject(Fault::EchoCredentials);
        server.inject(Fault::Extensions(vec![mechanisms.to_owned()]));
        let transport = with_credential(&server, TlsMode::None, credential);
        let error = failure(&transport, &message(&["paula@bakery.example"])).await;
        let said = format!("{error:?} {error}");
        let refused = [ErrorKind::AuthenticationFailed, ErrorKind::AuthorizationRequired];
        assert!(refused.contains(&error.kind()), "{said}");
        assert!(said.contains("535 5.7.8 not accepted: AUTH"), "{said}");
        let longest = said.split([' ', '<', '>', '(', ')']).map(str::len).max().unwrap();
        assert!(longest < 30 && !said.contains("raben") && !said.contains(LOGIN), "{said}");
    }
}

#[tokio::test]
async fn a_refused_sender_sends_nothing() {
    for (reply, kind) in [
        (
            "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
            ErrorKind::SenderRefused,
        ),
        ("553 5.7.1 Sender address rejected: not owned by user", ErrorKind::SenderRefused),
        ("552 5.3.4 Message size exceeds fixed limit", ErrorKind::MessageTooLarge),
        ("550 5.4.5 Daily user sending limit exceeded", ErrorKind::SendingLimit),
        ("421 4.4.2 closing", ErrorKind::ServerUnavailable),
        ("451 4.7.0 slow down", ErrorKind::Throttled),
    ] {
        let (server, error) = not_sent(Fault::reply(Stage::Mail, reply), Deadlines::default()).await;
        assert_eq!(error.kind(), kind, "{reply}");
        assert!(!commands(&server).iter().any(|command| command == "RCPT"), "{reply}");
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn one_refused_recipient_follows_the_policy() {
    let server = plain().await;
    let refused = "550 5.1.1 <otto@bakery.example>: unknown";
    server.inject(Fault::RefuseRecipient { address: "otto@bakery.example".into(), reply: refused.into() });
    let transport = transport(&server, TlsMode::None);
    let everybody = message(&["paula@bakery.example", "otto@bakery.example"]);
    let failure = send(&transport, &everybody).await.unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::RecipientRefused);
    assert!(!failure.error.to_string().contains('@'), "{}", failure.error);
    let named: Vec<_> = failure
        .recipients
        .iter()
        .map(|r| (r.address.local(), matches!(r.verdict, RecipientVerdict::Refused(_))))
        .collect();
    assert_eq!(named, [("paula", false), ("otto", true)]);
    assert!(server.deliveries().is_empty());

    let report = send(&transport, &everybody.policy(RecipientPolicy::AcceptedOnes)).await.unwrap();
    assert!(matches!(report.recipients[0].verdict, RecipientVerdict::Accepted));
    assert_eq!(server.deliveries().len(), 1);
    assert_eq!(server.deliveries()[0].recipients, ["paula@bakery.example"]);
    assert_eq!(server.connections(), 1, "RSET brought the session to rest");
}

#[tokio::test]
async fn a_greylisted_recipient_is_taken_on_a_later_try() {
    let server = plain().await;
    server.inject(Fault::Greylist);
    let transport = transport(&server, TlsMode::None);
    let error = failure(&transport, &message(&["paula@bakery.example"])).await;
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::RecipientDeferred, true));
    send(&transport, &message(&["paula@bakery.example"])).await.unwrap();
    assert_eq!(server.deliveries().len(), 1);
}

#[tokio::test]
async fn too_many_recipients_go_in_transactions_of_their_own() {
    let server = plain().await;
    server.inject(Fault::TooManyRecipients { after: 2 });
    let transport = transport(&server, TlsMode::None);
    let everybody: Vec<String> = (0..5).map(|n| format!("client{n}@bakery.example")).collect();
    let mut left: Vec<&str> = everybody.iter().map(String::as_str).collect();
    while !left.is_empty() {
        let report = send(&transport, &message(&left)).await.unwrap();
        let many = |n: usize| matches!(report.recipients[n].verdict, RecipientVerdict::TooMany);
        left = left.iter().enumerate().filter(|(n, _)| many(*n)).map(|(_, address)| *address).collect();
    }
    let got: Vec<_> = server.deliveries().into_iter().flat_map(|delivery| delivery.recipients).collect();
    assert_eq!(got, everybody);
    assert_eq!(server.deliveries().len(), 3);
}

#[tokio::test]
async fn a_message_larger_than_offered_is_told_before_anything_goes_out() {
    let small = Fault::Extensions(vec!["AUTH PLAIN".to_owned(), "SIZE 60".to_owned()]);
    let error = nothing_sent("size-small", small, ErrorKind::MessageTooLarge).await;
    assert!(error.to_string().contains("the server takes 60"), "{error}");
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_end_of_data_is_known_not_to_have_sent() {
    let server = plain().await;
    server.inject(Fault::CloseAfter { at: Stage::Data }.times(1));
    let transport = transport(&server, TlsMode::None);
    // The permit takes its time, so that the end of the stream is there when the message is to be written.
    let slow = Permit::slow(Duration::from_millis(200));
    let failure = transport.send(&message(&["paula@bakery.example"]), slow).await.unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::ConnectionLost);

    let mut large = message(&["paula@bakery.example"]);
    large.octets.extend(["z".repeat(500).as_bytes(), b"\r\n"].concat().repeat(20_000));
    server.inject(Fault::CloseAmidData { octets: 1_000 }.times(1));
    let error = submission::failure(&transport, &large).await;
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::ConnectionLost, true));
    assert!(server.deliveries().is_empty());
    send(&transport, &large).await.unwrap();
    assert_eq!(server.deliveries().len(), 1);
}

#[tokio::test]
async fn a_message_taken_and_never_answered_for_is_unknown() {
    for (fault, sent) in [
        (Fault::AnswerNever { at: Stage::EndOfData }, 1),
        (Fault::AnswerLost { at: Stage::EndOfData }, 1),
        (Fault::Hang { at: Stage::EndOfData }, 0),
        (Fault::Close { at: Stage::EndOfData }, 0),
        (Fault::reply(Stage::EndOfData, "999 what"), 0),
        (Fault::reply(Stage::EndOfData, "354 more"), 0),
        (Fault::Endless { at: Stage::EndOfData, flood: Flood::Line }, 0),
        (Fault::Endless { at: Stage::EndOfData, flood: Flood::Reply }, 0),
    ] {
        let server = plain().await;
        let case = format!("{fault:?}");
        server.inject(fault.times(1));
        let transport =
            transport(&server, TlsMode::None).deadlines(impatient().command(Duration::from_secs(10)));
        let error = failure(&transport, &message(&["paula@bakery.example"])).await;
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::DeliveryUnknown, false), "{case}");
        assert_eq!(server.deliveries().len(), sent, "{case}");
        // The session is gone with it; the next message has one of its own.
        send(&transport, &message(&["paula@bakery.example"])).await.unwrap();
        assert_eq!(server.connections(), 2, "{case}");
    }
}

#[tokio::test]
async fn a_slow_answer_to_the_end_of_data_is_waited_for() {
    let server = plain().await;
    server.inject(Fault::Delay { at: Stage::EndOfData, by: Duration::from_millis(2_500) });
    let patient = Deadlines::default().command(Duration::from_secs(2));
    let transport = transport(&server, TlsMode::None).deadlines(patient);
    send(&transport, &message(&["paula@bakery.example"])).await.unwrap();
    assert_eq!(server.deliveries().len(), 1);
}

#[tokio::test]
async fn a_quit_that_is_never_answered_changes_nothing() {
    let server = plain().await;
    server.inject(Fault::Hang { at: Stage::Quit });
    let transport = transport(&server, TlsMode::None)
        .deadlines(impatient().command(Duration::from_secs(10)).end_of_data(Duration::from_secs(10)));
    send(&transport, &message(&["paula@bakery.example"])).await.unwrap();
    transport.close().await;
    assert_eq!(server.deliveries().len(), 1);
    settled(&server).await;
}

#[tokio::test]
async fn a_message_refused_at_its_end_is_not_sent_and_can_be_tried_anew() {
    let long =
        format!("554-5.7.1 line one\r\n554-5.7.1 \u{1b}[31mline two {}\r\n554 5.7.1 end", "w ".repeat(400));
    for (reply, kind, again) in [
        ("451 4.3.0 try later", ErrorKind::ServerUnavailable, true),
        ("552 5.2.2 Mailbox full", ErrorKind::MailboxFull, false),
        (&long, ErrorKind::MessageRefused, false),
        (
            "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException",
            ErrorKind::SendingLimit,
            true,
        ),
        ("421 4.3.2 shutting down", ErrorKind::ServerUnavailable, true),
    ] {
        let server = plain().await;
        server.inject(Fault::reply(Stage::EndOfData, reply).times(1));
        let transport = transport(&server, TlsMode::None);
        let error = failure(&transport, &message(&["paula@bakery.example"])).await;
        assert_eq!((error.kind(), error.is_retryable()), (kind, again), "{reply}");
        let said = error.to_string();
        assert!(said.chars().count() < 400 && !said.chars().any(char::is_control), "{said}");
        assert!(server.deliveries().is_empty());
        // The kit did not carry it out: RSET or another connection brings it to rest.
        send(&transport, &message(&["paula@bakery.example"])).await.unwrap();
        assert_eq!(server.deliveries().len(), 1, "{reply}");
    }
    let (_, error) = not_sent(Fault::reply(Stage::EndOfData, long), Deadlines::default()).await;
    assert!(error.to_string().contains("554 5.7.1 line one [31mline two w w"), "{error}");
}

#[tokio::test]
async fn no_text_is_sent_unless_data_is_answered_354() {
    for (reply, kind) in [
        ("503 5.5.1 Bad sequence", ErrorKind::MessageRefused),
        ("250 ok", ErrorKind::Protocol),
        ("220 ok", ErrorKind::Protocol),
        ("334 ", ErrorKind::Protocol),
        ("451 4.3.0 later", ErrorKind::ServerUnavailable),
    ] {
        let (server, error) = not_sent(Fault::reply(Stage::Data, reply), Deadlines::default()).await;
        assert_eq!(error.kind(), kind, "{reply}");
        let lines = server.transcript();
        assert!(!lines.iter().any(|line| line.text.starts_with("Subject") || line.text == "."), "{lines:?}");
    }
}

#[tokio::test]
async fn an_answer_before_the_question_is_none() {
    let behind = |octets: &str| Fault::Behind { at: Stage::Data, octets: octets.into() };
    for (octets, kind) in [
        ("250 2.0.0 Ok: queued\r\n", ErrorKind::Protocol),
        ("552 5.3.4 too big\r\n", ErrorKind::MessageTooLarge),
        ("421 4.3.2 leaving\r\n", ErrorKind::ServerUnavailable),
    ] {
        let (_, error) = not_sent(behind(octets), Deadlines::default()).await;
        assert_eq!(error.kind(), kind, "{octets:?}");
    }
    let shifted = Fault::Behind {
        at: Stage::Ehlo,
        octets: b"235 in\r\n250 ok\r\n250 ok\r\n354 go\r\n250 sent\r\n".to_vec(),
    };
    let (server, error) = not_sent(shifted, Deadlines::default()).await;
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert_eq!(commands(&server), ["EHLO"]);
}

#[tokio::test]
async fn endless_replies_end_at_a_limit() {
    for at in [Stage::Greeting, Stage::Ehlo, Stage::Auth, Stage::Mail, Stage::Rcpt, Stage::Data] {
        for flood in [Flood::Line, Flood::Reply] {
            let (server, error) = not_sent(Fault::Endless { at, flood }, Deadlines::default()).await;
            assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{at:?} {flood:?}");
            // What the sockets between held, not what a client kept reading.
            assert!(server.sessions()[0].server_octets < 32 << 20, "{at:?} {flood:?}");
        }
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_left() {
    for at in [Stage::Greeting, Stage::Ehlo, Stage::Auth, Stage::Mail, Stage::Rcpt, Stage::Data] {
        let (server, error) = not_sent(Fault::Hang { at }, impatient()).await;
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::TimedOut, true), "{at:?}");
        assert_eq!(server.connections(), 1);
    }
}

/// Nothing that is printed of a transport or its failures tells of people.
#[tokio::test]
async fn nothing_of_people_is_printed() {
    let server = plain().await;
    server.inject(Fault::RefuseRecipient {
        address: "paula@bakery.example".into(),
        reply: "550 5.1.1 <paula@bakery.example>: Recipient address rejected".into(),
    });
    let transport: SmtpTransport = transport(&server, TlsMode::None);
    let submission = message(&["paula@bakery.example"]);
    let failure = send(&transport, &submission).await.unwrap_err();
    let printed = format!("{transport:?} {submission:?} {failure:?} {}", failure.error);
    for secret in ["paula", "anna", PASSWORD, "Dots"] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
}
