//! The mailboxes that the suite asks for.

use super::super::mailbox_service::{SeedMailbox, SeedMessage};
use crate::types::{MailboxName, Timestamp};

/// Longer than a range may be, and many chunks.
const LARGE: usize = (1 << 20) + 70_001;
/// 2026-01-15 at eight in the morning.
const BEGINNING: i64 = 1_768_464_000;

/// A mailbox of letters, one whose name is not ASCII, one with a large message, one with nothing.
pub(super) fn mailboxes() -> Vec<SeedMailbox> {
    let inbox = vec![
        letter(1, "paula@bakery.example", b"Hello\r\n").flagged(&["\\Seen"]),
        // What looks like an answer, dots, octets beyond ASCII, and no line end at the end.
        letter(
            2,
            "otto@bakery.example",
            b".\r\n)\r\nA0001 OK done {3}\r\n* 9 EXPUNGE\r\n\xff\xfe\x01.\r\n..",
        ),
        letter(3, "paula@bakery.example", b"").flagged(&["\\Answered", "\\Flagged"]),
        SeedMessage::new(
            b"Subject: nobody wrote this\r\n\r\nNeither address nor Message-ID.\r\n".to_vec(),
            at(4),
        ),
        letter(5, "vera@elsewhere.example", b"Not a client's.\r\n"),
        letter(6, "paula@bakery.example", b"The last.\r\n"),
    ];
    let clients = (7..=9).map(|n| letter(n, "paula@bakery.example", b"Filed.\r\n")).collect();
    let mut large = letter(10, "paula@bakery.example", b"");
    let line = b"A line like the others, and \xfc.\r\n";
    large.octets.extend(line.repeat(LARGE / line.len() + 1));
    large.octets.truncate(LARGE);
    [("INBOX", inbox), ("Kunden ü", clients), ("Large", vec![large]), ("Empty", Vec::new())]
        .into_iter()
        .map(|(name, messages)| SeedMailbox::new(MailboxName::encode(name), messages))
        .collect()
}

/// One more.
pub(super) fn another() -> SeedMessage {
    letter(11, "paula@bakery.example", b"It has just arrived.\r\n")
}

/// What stands in the Message-ID of the message with that number.
pub(super) fn message_id(number: i64) -> String {
    format!("<{number}.conformance@bakery.example>")
}

fn letter(number: i64, from: &str, text: &[u8]) -> SeedMessage {
    let id = message_id(number);
    let header = format!(
        "Received: from mail.example by mail.example; Thu, 15 Jan 2026 08:00:00 +0000\r\n\
         From: Somebody <{from}>\r\nTo: Anna\r\n <anna@practice.example>\r\nCc: ben@practice.example\r\n\
         Subject: Letter {number}\r\nMessage-ID: {id}\r\nDate: Thu, 15 Jan 2026 08:00:{number:02} +0000\r\n\r\n"
    );
    SeedMessage::new([header.as_bytes(), text].concat(), at(number))
}

fn at(number: i64) -> Timestamp {
    Timestamp::from_unix(BEGINNING + number * 3_600)
}
