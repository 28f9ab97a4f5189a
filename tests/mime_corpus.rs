//! Hand-written messages by origin and feature, each with what is read of it.

use std::fmt::Write as _;
use std::path::Path;

use practicemail::mime::MessageScan;
use practicemail::types::ParsedMessage;
use proptest::prelude::*;

/// What every fixture is read as, one field a line; `rendition` is left to tests that compare two of them.
const EXPECTED: &str = include_str!("fixtures/mail/expected.txt");

fn fixtures() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mail");
    let mut fixtures: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "eml"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap()))
        .collect();
    fixtures.sort();
    fixtures
}

fn scan(octets: &[u8]) -> ParsedMessage {
    let mut scan = MessageScan::new();
    scan.update(octets);
    scan.finish()
}

fn shown(message: &ParsedMessage) -> String {
    let mut lines = String::new();
    let mut line = |name: &str, value: String| writeln!(lines, "{name}: {value}").unwrap();
    for p in &message.headers.participants {
        line(p.field.as_str(), format!("{} <{}>", p.name, p.address));
    }
    if let Some(id) = &message.headers.message_id {
        line("message-id", id.to_string());
    }
    if let Some(date) = message.headers.date {
        line("date", format!("{} {:+}", date.at, date.offset_minutes));
    }
    line("subject", message.subject.to_string());
    if let Some(id) = &message.in_reply_to {
        line("in-reply-to", id.to_string());
    }
    message.references.iter().for_each(|id| line("reference", id.to_string()));
    line("text", format!("{:?}", message.text));
    if let Some(html) = &message.html {
        line("html", format!("{html:?}"));
    }
    for a in &message.attachments {
        let id = a.content_id.as_ref().map(|id| format!(" cid:{id}")).unwrap_or_default();
        line("attachment", format!("{:?} {} {}{id}", a.name.as_str(), a.content_type, a.size));
    }
    if let Some(reason) = message.unparsed {
        line("unparsed", reason.to_owned());
    }
    lines
}

#[test]
fn every_fixture_is_read_as_expected() {
    let mut read = String::new();
    for (name, octets) in fixtures() {
        write!(read, "== {name}\n{}", shown(&scan(&octets))).unwrap();
    }
    for (read, expected) in read.split("== ").zip(EXPECTED.split("== ")) {
        assert_eq!(read, expected);
    }
    assert_eq!(read.len(), EXPECTED.len(), "fixtures and expectations are not the same in number:\n{read}");
}

#[test]
fn octets_one_by_one_are_the_same_message() {
    for (name, octets) in fixtures() {
        let mut scan_one = MessageScan::new();
        for octet in &octets {
            scan_one.update(&[*octet]);
        }
        assert!(scan_one.finish() == scan(&octets), "{name}");
    }
}

const SENT: &str = "From: Anna <a@x.example>\r\nTo: b@x.example, C <c@x.example>\r\nBcc: d@x.example\r\n\
    Date: Tue, 24 Nov 2026 09:30:00 +0100\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <1@x.example>\r\n\
    Content-Type: multipart/mixed; boundary=one\r\n\r\n--one\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Content-Transfer-Encoding: 8bit\r\n\r\nBank details: IBAN 1 – größer\r\n\r\n--one\r\n\
    Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nAAECAw==\r\n--one--\r\n";

#[track_caller]
fn check_rendition(other: &str, same: bool) {
    let (one, two) = (scan(SENT.as_bytes()).rendition, scan(other.as_bytes()).rendition);
    assert!(one.is_some());
    assert_eq!(one == two, same, "{other}");
}

#[test]
fn the_recipients_copy_is_the_same_rendition() {
    let received = SENT.replace("Bcc: d@x.example\r\n", "");
    let traced = format!(
        "Return-Path: <a@x.example>\r\nReceived: by mx\r\n\tfor b\r\nDKIM-Signature: v=1\r\nX-Spam: no\r\n{received}"
    );
    check_rendition(&received, true);
    check_rendition(&traced, true);
}

#[test]
fn the_same_mail_encoded_anew_is_the_same_rendition() {
    let encoded = SENT
        .replace("encoding: 8bit", "Encoding: quoted-printable")
        .replace(
            "8bit\r\n\r\nBank details: IBAN 1 – größer",
            "quoted-printable\r\n\r\nBank details: =\r\nIBAN 1 =E2=80=93 gr=C3=B6=C3=9Fer=20",
        )
        .replace("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "=?utf-8?B?R3LDvMOfZQ==?=")
        .replace("AAECAw==", "AAE\r\nCAw=\r\n=")
        .replace("one", "two")
        .replace("b@x.example, C <c@x.example>", "<C@X.example>,\r\n \"B\" <b@x.example>")
        .replace("09:30:00 +0100", "08:30 GMT");
    assert!(encoded.contains("=E2=80=93"));
    check_rendition(&encoded, true);
    check_rendition(&SENT.replace("\r\n", "\n"), true);
}

#[test]
fn a_resend_that_says_something_else_is_another_rendition() {
    for (from, to) in [
        ("IBAN 1", "IBAN 2"),
        ("=C3=9Fe", "=C3=9F"),
        ("name=a.pdf", "name=b.pdf"),
        ("application/pdf", "application/zip"),
        ("AAECAw", "AAECBA"),
        ("a@x.example", "e@x.example"),
        ("C <c@x.example>", ""),
        ("24 Nov", "25 Nov"),
        ("\r\n--one--", "\r\n--one\r\n\r\nmore\r\n--one--"),
    ] {
        check_rendition(&SENT.replace(from, to), false);
    }
}

proptest! {
    #[test]
    fn any_octets_are_read_without_panic_and_alike_in_pieces(
        octets in prop::collection::vec(any::<u8>(), 0..300),
        lines in prop::collection::vec("(--b|--b--|--bb|Content-Type: (multipart/mixed; boundary=bb?|text/html|message/rfc822)\
            |Content-Transfer-Encoding: (base64|quoted-printable)|To: a@x,|=|=4|||[ -~]{0,20})(\r\n|\n|\r)", 0..40),
        long in 0usize..3_000,
        at in any::<prop::sample::Index>(),
    ) {
        let lines = format!("Content-Type: multipart/alternative; boundary=b\r\n{}{}", lines.concat(), "--b\r".repeat(long / 5));
        for octets in [&octets[..], lines.as_bytes(), &[b"--b\r\n", &octets[..], lines.as_bytes()].concat()] {
            let (a, b) = octets.split_at(at.index(octets.len() + 1));
            let mut pieces = MessageScan::new();
            pieces.update(a);
            pieces.update(b);
            prop_assert!(pieces.finish() == scan(octets));
        }
    }
}

proptest! {
    #[test]
    fn any_split_of_a_fixture_is_the_same_message(
        which in any::<prop::sample::Index>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let fixtures = fixtures();
        let (name, octets) = which.get(&fixtures);
        let mut at: Vec<_> = cuts.iter().map(|cut| cut.index(octets.len() + 1)).collect();
        at.sort_unstable();
        at.push(octets.len());
        let mut pieces = MessageScan::new();
        let mut from = 0;
        for to in at {
            pieces.update(&octets[from..to]);
            from = to;
        }
        prop_assert!(pieces.finish() == scan(octets), "{}", name);
    }
}
