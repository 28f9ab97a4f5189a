//! Parts of messages on a real Dovecot: put together they are the message, octet for octet.
//!
//! Needs `dovecot-imapd` (scripts/setup installs it).

mod support;

use std::fs;

use practicemail::contract::{Credential, MAX_RANGE, SignInHints};
use practicemail::imap::ImapConnector;
use practicemail::net::{Dialer, EgressPolicy};
use practicemail::settings::{AccountSettings, Login, ServerSettings, TlsMode};
use practicemail::types::{MailboxName, Secret, Uid};
use support::configuration::{Options, Tier};
use support::dovecot::PASSWORD;

/// Lines of every kind: dots, what looks like an answer, octets beyond ASCII, none at the end.
fn letter(length: usize) -> Vec<u8> {
    let header =
        "From: <carl@example.org>\r\nSubject: Grüße\r\n\r\n.\r\n)\r\nA0001 OK done {3}\r\n".as_bytes();
    let line = b"\xff\xfe not ASCII \x01 and a tab\t.\r\n";
    header.iter().chain(line.iter().cycle()).copied().take(length).collect()
}

#[tokio::test]
async fn ranges_put_together_are_the_message_octet_for_octet() {
    for tier in [Tier::Full, Tier::Plain] {
        let dovecot = Options::new(tier).start();
        dovecot.add_users(&["anna"]);
        let mut truth = dovecot.session("anna");
        let letters = [letter(100_001), letter(60), letter(2 * MAX_RANGE + 1)];
        let appended: Vec<u32> = letters.iter().map(|letter| truth.append("INBOX", "", letter)).collect();
        let before = truth.fingerprint("INBOX");

        let server = ServerSettings::new("127.0.0.1", dovecot.tls_port(), TlsMode::Implicit).unwrap();
        let server = server.with_ca(fs::read_to_string(dovecot.ca_file()).unwrap());
        let settings = AccountSettings::new(server, Login::new("anna").unwrap());
        let connector = ImapConnector::new(Dialer::new().egress(EgressPolicy::Any));
        let password = Credential::Password(Secret::new(PASSWORD));
        let connection = connector.open_reader(&settings, &password, &SignInHints::default()).await.unwrap();
        let mut reader = connection.reader;
        reader.open(&MailboxName::encode("INBOX")).await.unwrap();
        for ((number, letter), length) in appended.iter().zip(&letters).zip([9_000, 7, MAX_RANGE]) {
            let uid = Uid::new(*number).unwrap();
            let mut whole = Vec::new();
            loop {
                let piece = reader.read_range(uid, whole.len() as u64, length).await.unwrap().unwrap();
                let ends = piece.len() < length;
                whole.extend(piece);
                if ends {
                    break;
                }
            }
            assert!(whole == *letter, "{number}: {} octets of {}", whole.len(), letter.len());
            assert_eq!(reader.read_range(uid, letter.len() as u64 + 9, 5).await.unwrap(), Some(Vec::new()));
        }
        assert_eq!(reader.read_range(Uid::new(77).unwrap(), 0, 5).await.unwrap(), None);
        reader.close().await;
        assert!(before == truth.fingerprint("INBOX"), "reading changed the server");
    }
}
