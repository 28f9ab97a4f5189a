//! Waiting for a change on a real Dovecot, and the terminal host that reads what comes.
//!
//! Needs `dovecot-imapd` (scripts/setup installs it) and the built example `practice`.

mod support;

use std::fs;
use std::time::{Duration, Instant};

use practicemail::contract::{Credential, MailboxReader, SignInHints, Waited};
use practicemail::imap::ImapConnector;
use practicemail::net::{Dialer, EgressPolicy};
use practicemail::settings::{AccountSettings, Login, ServerSettings, TlsMode};
use practicemail::types::{MailboxName, Secret};
use serde_json::{Value, json};
use support::configuration::{Options, Tier};
use support::dovecot::{Dovecot, PASSWORD};
use support::imap::Session;
use support::practice::{Encryption, Practice};

const MAIL: &[u8] =
    b"From: <paula@bakery.example>\r\nTo: <anna@practice.example>\r\nSubject: Hello\r\n\r\nHello\r\n";

async fn reader(dovecot: &Dovecot) -> Box<dyn MailboxReader> {
    let server = ServerSettings::new("127.0.0.1", dovecot.tls_port(), TlsMode::Implicit).unwrap();
    let server = server.with_ca(fs::read_to_string(dovecot.ca_file()).unwrap());
    let settings = AccountSettings::new(server, Login::new("anna").unwrap());
    let connector = ImapConnector::new(Dialer::new().egress(EgressPolicy::Any));
    let password = Credential::Password(Secret::new(PASSWORD));
    connector.open_reader(&settings, &password, &SignInHints::default()).await.unwrap().reader
}

/// B5, and M1: the message is noticed within seconds, and waiting changes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_delivered_meanwhile_ends_the_wait() {
    let dovecot = Options::new(Tier::Full).start();
    dovecot.add_users(&["anna"]);
    let mut truth = dovecot.session("anna");
    truth.append("INBOX", "", MAIL);
    let before = truth.fingerprint("INBOX");
    let inbox = MailboxName::encode("INBOX");
    let mut reader = reader(&dovecot).await;
    let waited = reader.wait_for_change(&inbox, Duration::from_millis(700)).await.unwrap();
    assert_eq!(waited, Waited::Quiet);
    assert!(before == truth.fingerprint("INBOX"), "waiting changed the server");

    let delivering = tokio::task::spawn_blocking(move || {
        std::thread::sleep(Duration::from_millis(500));
        truth.append("INBOX", "", MAIL);
        (Instant::now(), truth)
    });
    let waited = reader.wait_for_change(&inbox, Duration::from_secs(30)).await.unwrap();
    let noticed = Instant::now();
    assert_eq!(waited, Waited::Changed);
    let (delivered, mut truth) = delivering.await.unwrap();
    assert!(noticed.saturating_duration_since(delivered) < Duration::from_secs(5), "it took long");
    let after = truth.fingerprint("INBOX");

    // What came while nobody waited shows at once.
    truth.append("INBOX", "\\Flagged", MAIL);
    let begun = Instant::now();
    let waited = reader.wait_for_change(&inbox, Duration::from_secs(30)).await.unwrap();
    assert_eq!(waited, Waited::Changed);
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(reader.open(&inbox).await.unwrap().uids.len(), 3);
    reader.close().await;
    let fingerprint = truth.fingerprint("INBOX");
    assert_eq!(
        (after[0] + 1, after[2] + 1),
        (fingerprint[0], fingerprint[2]),
        "every message is as unread as before"
    );
    assert!(truth.flags("INBOX").iter().all(|(_, flags)| !flags.contains(&"\\Seen".to_owned())));
}

/// A server with nothing but `IMAP4rev1` is not asked.
#[tokio::test]
async fn where_idle_is_not_offered_that_is_said() {
    let dovecot = Options::new(Tier::Plain).start();
    dovecot.add_users(&["anna"]);
    let mut reader = reader(&dovecot).await;
    let waited =
        reader.wait_for_change(&MailboxName::encode("INBOX"), Duration::from_secs(30)).await.unwrap();
    assert_eq!(waited, Waited::NotOffered);
}

/// A practice with one account, and one message in it.
fn connected() -> (Dovecot, Session, Practice) {
    let dovecot = Options::new(Tier::Full).start();
    dovecot.add_users(&["anna"]);
    let mut truth = dovecot.session("anna");
    truth.append("INBOX", "", MAIL);
    let practice = Practice::new();
    practice.init_with(&json!({
        "practice": {"id": "hale", "name": "Hale", "domains": ["practice.example"], "never_log": []},
        "users": [{"id": "anna", "name": "Anna", "address": "anna@practice.example", "aliases": [], "role": "staff",
                   "active": true}],
        "clients": [{"id": "bakery", "name": "Bakery", "addresses": ["paula@bakery.example"], "domains": []}]
    }));
    practice.connect(&dovecot, "anna", Encryption::Implicit, &[]).success();
    (dovecot, truth, practice)
}

/// Two messages come, one after the other; each shows before the next one.
fn deliver(truth: &mut Session, practice: &Practice) {
    for number in 2..=3 {
        let another =
            String::from_utf8(MAIL.to_vec()).unwrap().replace("Hello\r\n", &format!("Hello {number}\r\n"));
        truth.append("INBOX", "", another.as_bytes());
        assert!(shows(practice, number), "message {number} does not show");
    }
}

/// B5: a worker that waits at inboxes reads what is delivered meanwhile within seconds, though its passes are minutes apart.
#[test]
fn what_is_delivered_while_a_worker_waits_is_on_the_tab_within_seconds() {
    let (_dovecot, mut truth, practice) = connected();
    let worker = ["worker", "--wait-at", "5", "--look-every", "0.2", "--for", "20"];
    let mut working = practice.start(&[], &worker);
    let begun = Instant::now();
    assert!(shows(&practice, 1), "the first pass reads nothing");
    deliver(&mut truth, &practice);
    let fingerprint = truth.fingerprint("INBOX");
    assert!(
        working.is_running() && begun.elapsed() < Duration::from_secs(18),
        "it took {:?}",
        begun.elapsed()
    );
    let outcome = working.wait();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let worked: Value = serde_json::from_str(outcome.stdout.trim()).expect("an object");
    assert!((3..=7).contains(&worked["passes"].as_u64().unwrap()), "{worked}");
    assert_eq!(worked["failed"], 0);
    assert!(fingerprint == truth.fingerprint("INBOX"), "waiting changed the server");
}

/// B5: a message delivered while `sync --watch` runs is on the tab within seconds, without another command that reads.
#[test]
fn what_is_delivered_while_the_host_watches_is_on_the_tab_within_seconds() {
    let (_dovecot, mut truth, practice) = connected();
    let mut watching = practice.start(&[], &["sync", "--watch", "--for", "20"]);
    let begun = Instant::now();
    assert!(shows(&practice, 1), "the first pass reads nothing");
    deliver(&mut truth, &practice);
    let fingerprint = truth.fingerprint("INBOX");
    assert!(
        watching.is_running() && begun.elapsed() < Duration::from_secs(18),
        "it took {:?}",
        begun.elapsed()
    );
    let outcome = watching.wait();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let passes: Vec<Value> =
        outcome.stdout.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    assert!((3..=6).contains(&passes.len()), "{passes:?}");
    let new = |pass: &Value| pass["accounts"][0]["mailboxes"][0]["new_messages"].as_u64();
    assert_eq!(passes.iter().filter_map(new).sum::<u64>(), 3, "{passes:?}");
    assert!(fingerprint == truth.fingerprint("INBOX"), "watching changed the server");
    assert!(truth.flags("INBOX").iter().all(|(_, flags)| flags.is_empty()));
}

/// Whether a client's tab comes to so many messages within seconds.
fn shows(practice: &Practice, messages: usize) -> bool {
    let deadline = Instant::now() + Duration::from_secs(8);
    while Instant::now() < deadline {
        let tab = practice.run(&[], &["tab", "--client", "bakery"]).success();
        if tab["messages"].as_array().is_some_and(|shown| shown.len() == messages) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    false
}
