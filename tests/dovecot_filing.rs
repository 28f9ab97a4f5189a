//! Filing on a real Dovecot: what is added is there octet for octet, and nothing else has changed.
//!
//! Needs `dovecot-imapd` (scripts/setup installs it).

mod support;

use std::fs;

use practicemail::contract::{Credential, MessageFiler};
use practicemail::error::ErrorKind;
use practicemail::imap::ImapConnector;
use practicemail::net::{Dialer, EgressPolicy};
use practicemail::settings::{AccountSettings, Login, ServerSettings, TlsMode};
use practicemail::types::{MailboxName, MessageDate, MessageId, OutgoingId, Secret, Timestamp};
use support::configuration::{Options, Tier};
use support::dovecot::{Dovecot, PASSWORD};
use support::imap::modified_utf7;
use support::sha256;

/// 2024-02-29T12:34:56Z.
const THEN: i64 = 1_709_210_096;

async fn open(dovecot: &Dovecot, user: &str, chosen: Option<&str>) -> Box<dyn MessageFiler> {
    let pem = fs::read_to_string(dovecot.ca_file()).unwrap();
    let server = ServerSettings::new("127.0.0.1", dovecot.tls_port(), TlsMode::Implicit).unwrap();
    let mut settings = AccountSettings::new(server.with_ca(pem), Login::new(user).unwrap());
    settings.sent_mailbox = chosen.map(str::to_owned);
    let connector = ImapConnector::new(Dialer::new().egress(EgressPolicy::Any));
    connector.open_filer(&settings, &Credential::Password(Secret::new(PASSWORD))).await.unwrap()
}

fn id(n: u8) -> OutgoingId {
    OutgoingId::from_random([n; 16])
}

fn message_id(n: u8) -> MessageId {
    MessageId::parse(&format!("sent.{n}@practice.example")).unwrap()
}

/// Lines of every kind: long ones, dots, bare tags, octets beyond ASCII, none at the end.
fn letter(n: u8, length: usize) -> Vec<u8> {
    let header = format!(
        "From: <anna@practice.example>\r\nTo: <c@example.org>\r\nBcc: <b@example.org>\r\nSubject: Grüße\r\n\
         Message-ID: <{}>\r\nX-Practicemail-Id: {}\r\n\r\n.\r\nA1 LOGOUT {{3}}\r\n",
        message_id(n),
        id(n)
    );
    [header.into_bytes(), vec![b'x'; length], b"\xff\xfe no line end".to_vec()].concat()
}

fn date(minutes: i16) -> MessageDate {
    MessageDate::new(Timestamp::from_unix(THEN), minutes)
}

#[tokio::test]
async fn what_is_filed_is_there_octet_for_octet_and_nothing_else_has_changed() {
    for tier in [Tier::Full, Tier::Plain] {
        let dovecot = Options::new(tier).start();
        dovecot.add_users(&["anna"]);
        let mut truth = dovecot.session("anna");
        for mailbox in ["Sent", "Archive"] {
            truth.create(mailbox);
            truth.append(mailbox, "\\Flagged", &letter(9, 10));
            truth.append(mailbox, "", b"Message-ID: <xsent.1@practice.example>\r\n\r\n");
        }
        let before = (truth.messages("Sent"), truth.messages("Archive"), truth.fingerprint("Archive"));

        let mut filer = open(&dovecot, "anna", None).await;
        let mailbox = filer.sent_mailbox().await.unwrap();
        assert_eq!(mailbox.to_string(), "Sent");
        for (n, length) in [(1, 0), (2, 5_000), (3, 3 << 20)] {
            assert_eq!(filer.find(&mailbox, id(n), &message_id(n)).await.unwrap(), None, "{n}");
            let octets = letter(n, length);
            let filed = filer.append(&mailbox, &octets, date(-570)).await.unwrap();
            let found = filer.find(&mailbox, id(n), &message_id(n)).await.unwrap().unwrap();
            // Known by either alone.
            for (id, message_id) in [(id(n), message_id(77)), (id(n), message_id(n))] {
                assert_eq!(
                    filer.find(&mailbox, id, &message_id).await.unwrap().as_ref(),
                    Some(&found),
                    "{n}"
                );
            }
            let (validity, uid) = found.uid.unwrap();
            assert_eq!(u64::from(validity.get()), truth.status("Sent", "UIDVALIDITY"));
            assert!(filed.uid.is_none_or(|uid| Some(uid) == found.uid), "{n}");
            assert!(filed.uid.is_some() || tier == Tier::Plain, "{n}");
            let there = truth.messages("Sent").into_iter().find(|m| m.uid == uid.get()).unwrap();
            assert_eq!(there.sha256, sha256(&octets), "{n}");
            assert_eq!(there.flags, ["\\Seen"], "{n}");
            assert_eq!(truth.internal_date("Sent", uid.get()), "29-Feb-2024 12:34:56 +0000");
        }
        filer.close().await;
        let after = truth.messages("Sent");
        assert_eq!((after.len(), &after[..2]), (5, &before.0[..]));
        assert_eq!((truth.messages("Archive"), truth.fingerprint("Archive")), (before.1, before.2));
    }
}

#[tokio::test]
async fn the_mailbox_is_the_marked_the_named_the_chosen_or_a_new_one() {
    let dovecot = Options::new(Tier::Full).without_special_use().start();
    dovecot.add_users(&["anna", "ben", "cleo"]);
    dovecot.session("anna").create("Gesendete Elemente");
    let sent = open(&dovecot, "anna", None).await.sent_mailbox().await.unwrap();
    assert_eq!(sent.to_string(), "Gesendete Elemente");

    let mut filer = open(&dovecot, "ben", None).await;
    let made = filer.sent_mailbox().await.unwrap();
    assert_eq!((made.to_string().as_str(), &filer.sent_mailbox().await.unwrap()), ("Sent", &made));
    filer.append(&made, &letter(1, 0), date(0)).await.unwrap();
    assert_eq!(dovecot.session("ben").messages("Sent").len(), 1);

    let chosen = "Büro \"Müller\" & \\Söhne\\";
    let mut filer = open(&dovecot, "cleo", Some(chosen)).await;
    assert_eq!(filer.sent_mailbox().await.unwrap_err().kind(), ErrorKind::NotFound);
    dovecot.session("cleo").create(chosen);
    let mailbox = filer.sent_mailbox().await.unwrap();
    assert_eq!(mailbox.as_wire(), modified_utf7(chosen).as_bytes());
    filer.append(&mailbox, &letter(1, 0), date(0)).await.unwrap();
    assert!(filer.find(&mailbox, id(1), &message_id(1)).await.unwrap().is_some());
    assert_eq!(dovecot.session("cleo").messages(chosen).len(), 1);
}

#[tokio::test]
async fn a_mailbox_that_is_gone_is_no_empty_one_and_is_made_again() {
    let dovecot = Options::new(Tier::Full).start();
    dovecot.add_users(&["anna"]);
    let mut filer = open(&dovecot, "anna", None).await;
    let mailbox = MailboxName::encode("Sent");
    let missing = filer.find(&mailbox, id(1), &message_id(1)).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::MailboxUnavailable);
    filer.append(&mailbox, &letter(1, 0), date(0)).await.unwrap();
    assert!(filer.find(&mailbox, id(1), &message_id(1)).await.unwrap().is_some());
}
