//! A message of any size flows through in little memory and linear time: this binary counts every allocation.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use peak_alloc::PeakAlloc;
use practicemail::mime::{AttachmentReader, MessageScan};
use practicemail::types::ParsedMessage;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

const MIB: usize = 1024 * 1024;
const HEAD: &str = "From: a@example.org\r\nTo: b@example.org\r\nSubject: s\r\n";

/// Feeds `before`, `repeated` until `octets` are through, and `after`; fails when more than 4 MiB were alive at once.
#[track_caller]
fn flow(before: &str, repeated: &str, octets: usize, after: &str) -> ParsedMessage {
    let chunk = repeated.repeat(MIB / 8 / repeated.len() + 1);
    let alive = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    let begun = Instant::now();
    let mut scan = MessageScan::new();
    scan.update(before.as_bytes());
    for _ in 0..=octets / chunk.len() {
        scan.update(chunk.as_bytes());
    }
    scan.update(after.as_bytes());
    let message = scan.finish();
    let peak = ALLOCATED.peak_usage() - alive;
    assert!(peak < 4 * MIB, "{peak} octets were alive at once");
    assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", begun.elapsed());
    message
}

/// Reads an attachment of 32 MiB out of a message; fails when more than 1 MiB was alive at once.
fn check_reader(before: &str, base64: &str) {
    let chunk = base64.repeat(MIB / 16 / base64.len());
    let alive = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    let mut reader = AttachmentReader::new(0);
    let mut size = reader.update(before.as_bytes()).len();
    for _ in 0..512 {
        size += reader.update(chunk.as_bytes()).len();
    }
    let end = reader.finish();
    let peak = ALLOCATED.peak_usage() - alive;
    assert!(peak < MIB, "{peak} octets were alive at once");
    assert!(end.found && size + end.octets.len() > 20 * MIB);
}

/// One test, so that nothing else allocates meanwhile.
#[test]
fn no_message_takes_more_than_four_mebibytes() {
    let base64 = "Q".repeat(76) + "\r\n";
    let mixed = format!(
        "{HEAD}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n\
         Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    );
    let message = flow(&mixed, &base64, 60 * MIB, "--b--\r\n");
    assert_eq!((message.text.as_str(), message.attachments.len()), ("text", 1));
    assert!(message.attachments[0].size > 43 * MIB as u64);

    check_reader(&mixed, &base64);

    let endless = flow(&mixed, "QQQQ", 20 * MIB, "");
    assert_eq!(endless.attachments.len(), 1);

    for (fields, repeated) in [
        ("Content-Type: text/plain\r\n\r\n", "words and words \r\n"),
        ("Content-Type: text/plain; charset=gb18030\r\n\r\n", "\u{4f60}\u{597d}"),
        ("Content-Type: text/html\r\n\r\n", "<div><b>&amp;"),
        ("Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", "=3Cdiv=3E=\r\n"),
        ("Content-Type: text/plain\r\n\r\n", "\r\n \t"),
        ("Content-Type: text/plain\r\n\r\n", "\r"),
        ("Content-Type: message/rfc822\r\n\r\n", "Content-Type: message/rfc822\r\n\r\n"),
        ("To: ", "<client1@example.org>,\r\n "),
        ("To: ", "<client1@example.org>,"),
        ("References: ", "<0123456789@example.org> "),
        ("Subject: ", "=?utf-8?q?word?=\r\n "),
        ("", "To: client1@example.org\r\n"),
        ("", "X: y\r\n"),
        ("X", "X"),
        ("Content-Type: a/b", "; name*0=x"),
        ("Content-Type: multipart/mixed; boundary=b\r\n\r\n", "--b\r\n"),
        ("Content-Type: multipart/mixed; boundary=b\r\n\r\n", "--b\r\n\r\ntext\r\n"),
        (
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n",
            "--b\r\nContent-Type: a/b; name=\"xxxxxxxxxxxxxxxxx\"\r\n\r\n",
        ),
        ("Content-Type: multipart/mixed; boundary=b\r\n\r\n", "--c\r\n"),
        (
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n",
            "--b\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n",
        ),
    ] {
        let message = flow(&format!("{HEAD}{fields}"), repeated, 4 * MIB, "\r\n\r\n");
        assert_eq!(message.headers.participants[0].address.to_string(), "a@example.org", "{repeated}");
        assert!(message.references.len() <= 100 && message.attachments.len() <= 1_001);
        assert!(message.text.len() <= 256 * 1024);
    }
    let mut nested = String::new();
    for level in 0..20_000 {
        write!(nested, "Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n").unwrap();
    }
    assert_eq!(flow(&format!("{HEAD}{nested}"), "x", 0, "").unparsed, Some("nested too deeply"));
    let parts = flow(
        &format!("{HEAD}Content-Type: multipart/mixed; boundary=b\r\n\r\n"),
        "--b\r\n\r\nx\r\n",
        MIB,
        "",
    );
    assert_eq!(parts.unparsed, Some("too many parts"));
}
