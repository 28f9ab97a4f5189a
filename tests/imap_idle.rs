//! Waiting for a change by IDLE (RFC 2177): what ends the wait, and what a server may do meanwhile.

use std::time::Duration;

use practicemail::contract::{Credential, MailboxReader, SignInHints, Waited};
use practicemail::error::{Error, ErrorKind};
use practicemail::imap::ImapConnector;
use practicemail::net::{Dialer, EgressPolicy, Timeouts};
use practicemail::settings::{AccountSettings, Login, ServerSettings, TlsMode};
use practicemail::testkit::ImapServer;
use practicemail::testkit::imap::{Fault, Flood, ImapServerBuilder, Personality, UserMail};
use practicemail::types::{MailboxName, Secret, UidSet};
use tokio::time::{Instant, timeout};

const MAIL: &str = "From: paula@bakery.example\r\nTo: anna@practice.example\r\n\r\nHello\r\n";
/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

fn inbox() -> MailboxName {
    MailboxName::encode("INBOX")
}

async fn dovecot() -> (ImapServer, UserMail, Box<dyn MailboxReader>) {
    on(ImapServer::builder(), Duration::from_secs(5)).await
}

/// A session on a server with three messages; `read` is how long an answer is waited for.
async fn on(builder: ImapServerBuilder, read: Duration) -> (ImapServer, UserMail, Box<dyn MailboxReader>) {
    let server = builder.user("anna", "secret").start().await.unwrap();
    let anna = server.user("anna");
    for _ in 0..3 {
        anna.append("INBOX", MAIL, &[], 1_700_000_000).unwrap();
    }
    let settings = ServerSettings::new("localhost", server.port(), TlsMode::Implicit).unwrap();
    let settings = AccountSettings::new(settings.with_ca(server.ca_pem()), Login::new("anna").unwrap());
    let mut timeouts = Timeouts::default();
    timeouts.read = read;
    let connector = ImapConnector::new(Dialer::new().egress(EgressPolicy::Any).timeouts(timeouts));
    let password = Credential::Password(Secret::new("secret"));
    let connection = connector.open_reader(&settings, &password, &SignInHints::default()).await.unwrap();
    (server, anna, connection.reader)
}

async fn wait(reader: &mut Box<dyn MailboxReader>, within: Duration) -> Result<Waited, Error> {
    timeout(PATIENCE, reader.wait_for_change(&inbox(), within)).await.expect("an end in time")
}

async fn kind(reader: &mut Box<dyn MailboxReader>) -> ErrorKind {
    wait(reader, PATIENCE).await.expect_err("a failure").kind()
}

fn commands(server: &ImapServer, name: &str) -> usize {
    server.transcript().iter().filter(|line| line.text.split(' ').nth(1) == Some(name)).count()
}

/// Waits while `happens` half a second later.
async fn meanwhile(reader: &mut Box<dyn MailboxReader>, happens: impl FnOnce()) -> Result<Waited, Error> {
    let happening = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        happens();
    };
    tokio::join!(wait(reader, PATIENCE), happening).0
}

#[tokio::test]
async fn a_message_that_comes_or_goes_ends_the_wait() {
    let (server, anna, mut reader) = dovecot().await;
    let begun = Instant::now();
    let append = || _ = anna.append("INBOX", MAIL, &[], 1_700_000_000).unwrap();
    assert_eq!(meanwhile(&mut reader, append).await.unwrap(), Waited::Changed);
    assert_eq!(meanwhile(&mut reader, || assert!(anna.expunge("INBOX", 2))).await.unwrap(), Waited::Changed);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    // One EXAMINE for both; what was heard once is heard.
    assert_eq!(wait(&mut reader, Duration::from_millis(100)).await.unwrap(), Waited::Quiet);
    assert_eq!((commands(&server, "EXAMINE"), server.flags_changed()), (1, 0));
}

#[tokio::test]
async fn nothing_is_missed_between_opening_and_waiting_nor_between_two_waits() {
    let (_server, anna, mut reader) = dovecot().await;
    assert_eq!(wait(&mut reader, Duration::ZERO).await.unwrap(), Waited::Quiet);
    anna.append("INBOX", MAIL, &[], 1_700_000_000).unwrap();
    assert_eq!(wait(&mut reader, PATIENCE).await.unwrap(), Waited::Changed);
    anna.append("INBOX", MAIL, &[], 1_700_000_000).unwrap();
    assert_eq!(wait(&mut reader, PATIENCE).await.unwrap(), Waited::Changed);
    // Nor while the session reads: the server tells it with the answer to another command.
    let open = reader.open(&inbox()).await.unwrap();
    anna.append("INBOX", MAIL, &[], 1_700_000_000).unwrap();
    reader.request_addressing(&open.uids).await.unwrap();
    assert_eq!(reader.next_addressing().await.unwrap().messages.len(), 5);
    assert_eq!(wait(&mut reader, PATIENCE).await.unwrap(), Waited::Changed);
    assert_eq!(wait(&mut reader, Duration::from_millis(50)).await.unwrap(), Waited::Quiet);
}

#[tokio::test]
async fn flags_and_other_mailboxes_are_no_change() {
    let (_server, anna, mut reader) = dovecot().await;
    let happens = || {
        anna.set_flags("INBOX", 1, &["\\Seen"]);
        anna.append("Sent", MAIL, &[], 1_700_000_000).unwrap();
    };
    let happening = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        happens();
    };
    let waited = tokio::join!(wait(&mut reader, Duration::from_millis(600)), happening).0;
    assert_eq!(waited.unwrap(), Waited::Quiet);
}

/// With the clock of the runtime standing still but for what is waited for: an hour in a moment.
#[tokio::test]
async fn idle_is_begun_anew_before_a_server_ends_it() {
    let (server, anna, mut reader) = dovecot().await;
    wait(&mut reader, Duration::ZERO).await.unwrap();
    tokio::time::pause();
    let (inbox, hour) = (inbox(), Duration::from_hours(1));
    assert_eq!(reader.wait_for_change(&inbox, hour).await.unwrap(), Waited::Quiet);
    let times = commands(&server, "IDLE");
    assert!((13..=20).contains(&times), "{times} times in an hour");
    tokio::time::resume();
    anna.append("INBOX", MAIL, &[], 1_700_000_000).unwrap();
    assert_eq!(wait(&mut reader, PATIENCE).await.unwrap(), Waited::Changed);
}

#[tokio::test]
async fn a_server_without_idle_says_so_and_is_asked_nothing() {
    for builder in [
        ImapServer::builder().personality(Personality::Bare),
        ImapServer::builder().without_capability("IDLE"),
    ] {
        let (server, _anna, mut reader) = on(builder, Duration::from_secs(5)).await;
        assert_eq!(wait(&mut reader, PATIENCE).await.unwrap(), Waited::NotOffered);
        assert_eq!((commands(&server, "IDLE"), commands(&server, "EXAMINE")), (0, 0));
        assert_eq!(reader.open(&inbox()).await.unwrap().uids.len(), 3);
    }
}

#[tokio::test]
async fn a_refusal_is_not_offered_and_is_not_asked_for_again() {
    for answer in ["NO not now", "BAD", "BAD Unknown command.", "OK already"] {
        let (server, _anna, mut reader) = dovecot().await;
        server.inject(Fault::Answer { command: "IDLE".into(), text: answer.into() });
        assert_eq!(wait(&mut reader, PATIENCE).await.unwrap(), Waited::NotOffered, "{answer}");
        assert_eq!(wait(&mut reader, PATIENCE).await.unwrap(), Waited::NotOffered, "{answer}");
        assert_eq!(commands(&server, "IDLE"), 1, "{answer}");
        // The session is as good as before.
        assert_eq!(reader.open(&inbox()).await.unwrap().uids.len(), 3);
    }
}

#[tokio::test]
async fn a_refusal_for_a_reason_is_that_reason() {
    let (server, _anna, mut reader) = dovecot().await;
    let text = "NO [OVERQUOTA] Account exceeded command or bandwidth limits.".into();
    server.inject(Fault::Answer { command: "IDLE".into(), text });
    assert_eq!(kind(&mut reader).await, ErrorKind::Throttled);
}

#[tokio::test]
async fn a_server_that_ends_idle_by_itself_is_not_asked_in_a_circle() {
    let (server, _anna, mut reader) = dovecot().await;
    server.inject(Fault::IdleEnds { after: Duration::from_millis(50) });
    assert_eq!(wait(&mut reader, PATIENCE).await.unwrap(), Waited::NotOffered);
    assert_eq!(commands(&server, "IDLE"), 1);
}

#[tokio::test]
async fn a_lost_connection_is_an_error_and_not_quiet() {
    let (server, _anna, mut reader) = dovecot().await;
    server.inject(Fault::IdleDrop { after: Duration::from_millis(200) });
    assert_eq!(kind(&mut reader).await, ErrorKind::ConnectionLost);
    let (server, _anna, mut reader) = dovecot().await;
    let cut = || server.disconnect_all();
    assert_eq!(meanwhile(&mut reader, cut).await.unwrap_err().kind(), ErrorKind::ConnectionLost);
}

#[tokio::test]
async fn bye_tells_its_reason() {
    for (text, kind_of_it) in [
        ("Server shutting down.", ErrorKind::ServerUnavailable),
        ("[UNAVAILABLE] Too many simultaneous connections. (Failure)", ErrorKind::TooManyConnections),
    ] {
        let (server, _anna, mut reader) = dovecot().await;
        server.inject(Fault::IdleBye { after: Duration::from_millis(100), text: text.into() });
        assert_eq!(kind(&mut reader).await, kind_of_it, "{text}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_left() {
    let read = Duration::from_millis(400);
    let (server, _anna, mut reader) = on(ImapServer::builder(), read).await;
    server.inject(Fault::Hang { command: "IDLE".into() });
    assert_eq!(kind(&mut reader).await, ErrorKind::TimedOut);
    let (server, anna, mut reader) = on(ImapServer::builder(), read).await;
    server.inject(Fault::IdleDeaf);
    let append = || _ = anna.append("INBOX", MAIL, &[], 1_700_000_000).unwrap();
    assert_eq!(meanwhile(&mut reader, append).await.unwrap_err().kind(), ErrorKind::TimedOut);
}

/// The patience for answers is not the patience for news.
#[tokio::test]
async fn silence_is_what_idle_is_for() {
    let (_server, anna, mut reader) = on(ImapServer::builder(), Duration::from_millis(200)).await;
    assert_eq!(wait(&mut reader, Duration::from_secs(1)).await.unwrap(), Waited::Quiet);
    let append = || _ = anna.append("INBOX", MAIL, &[], 1_700_000_000).unwrap();
    assert_eq!(meanwhile(&mut reader, append).await.unwrap(), Waited::Changed);
}

#[tokio::test]
async fn a_silent_server_is_quiet_and_costs_nothing() {
    let (server, anna, mut reader) = dovecot().await;
    server.inject(Fault::IdleSilent);
    wait(&mut reader, Duration::ZERO).await.unwrap();
    anna.append("INBOX", MAIL, &[], 1_700_000_000).unwrap();
    assert_eq!(wait(&mut reader, Duration::from_millis(300)).await.unwrap(), Waited::Quiet);
    assert_eq!(commands(&server, "IDLE"), 1);
}

#[tokio::test]
async fn a_flood_is_one_change() {
    let (server, _anna, mut reader) = dovecot().await;
    server.inject(Fault::IdleFlood { count: 50_000 }.times(1));
    assert_eq!(wait(&mut reader, PATIENCE).await.unwrap(), Waited::Changed);
    assert_eq!(wait(&mut reader, Duration::from_millis(200)).await.unwrap(), Waited::Quiet);
}

#[tokio::test]
async fn a_flood_without_end_ends_the_session() {
    let (server, _anna, mut reader) = dovecot().await;
    server.inject(Fault::Endless { command: "IDLE".into(), flood: Flood::Line });
    let waited = wait(&mut reader, Duration::from_millis(100)).await;
    assert_eq!(waited.unwrap_err().kind(), ErrorKind::LimitExceeded);
}

#[tokio::test]
async fn a_mailbox_renumbered_meanwhile_is_an_error_of_its_own() {
    let (server, _anna, mut reader) = dovecot().await;
    let octets = b"* OK [UIDVALIDITY 99] renumbered\r\n".to_vec();
    server.inject(Fault::Before { command: "IDLE".into(), octets }.times(1));
    server.inject(Fault::IdleEnds { after: Duration::from_millis(50) });
    assert_eq!(kind(&mut reader).await, ErrorKind::UidValidityChanged);
}

#[tokio::test]
async fn a_mailbox_that_is_not_there_is_told() {
    let (_server, _anna, mut reader) = dovecot().await;
    let waited = reader.wait_for_change(&MailboxName::encode("Nowhere"), PATIENCE).await;
    assert_eq!(waited.unwrap_err().kind(), ErrorKind::MailboxUnavailable);
    assert_eq!(wait(&mut reader, Duration::from_millis(50)).await.unwrap(), Waited::Quiet);
}

#[tokio::test]
async fn a_session_that_is_asked_for_something_does_not_wait() {
    let (_server, _anna, mut reader) = dovecot().await;
    let open = reader.open(&inbox()).await.unwrap();
    reader.request_messages(&open.uids).await.unwrap();
    assert_eq!(kind(&mut reader).await, ErrorKind::Invalid);
    assert_ne!(open.uids, UidSet::new());
}
