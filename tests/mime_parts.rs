//! Attachments out of the octets of messages, messages without them, and messages of which only the beginning came.

mod support;

use std::path::Path;

use practicemail::mime::{AttachmentReader, Cutter, MessageScan, PartRange, Segment, segments};
use practicemail::types::{Cut, Digest, ParsedMessage};
use proptest::prelude::*;
use support::composer::Composer;
use support::directory::Directory;

fn fixtures() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mail");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut fixtures: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|e| e == "eml"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap()))
        .collect();
    fixtures.sort();
    fixtures.extend([
        ("mixed".to_owned(), MIXED.to_vec()),
        ("unended".to_owned(), MIXED[..MIXED.len() - 14].to_vec()),
    ]);
    fixtures
}

/// What each attachment holds is known: see [`mixed`].
const MIXED: &[u8] = b"From: a@x.example\r\nTo: b@x.example\r\nSubject: s\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n\
    preamble\r\n--o\r\nContent-Type: text/plain\r\n\r\ntext\r\n--o\r\nContent-Type: application/pdf; name=a.pdf\r\n\
    Content-Transfer-Encoding: base64\r\n\r\nAAEC\r\nAwQ=\r\n--o\r\nContent-Type: text/csv; name=b.csv\r\n\
    Content-Disposition: attachment\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=3Db=\r\nc\r\n\r\n--o\r\n\
    Content-Type: multipart/related; boundary=i\r\n\r\n--i\r\nContent-Type: text/html\r\n\r\n<p>x\r\n--i\r\nContent-Type: image/png\r\n\
    Content-ID: <p>\r\n\r\n\x89PNG\n\r\n\r\n--i--\r\nepilogue\r\n--o\r\nContent-Type: message/rfc822\r\n\r\n\
    Content-Type: multipart/mixed; boundary=n\r\n\r\n--n\r\nContent-Type: a/b\r\n\r\nx\r\n--n--\r\n--o\r\n\
    Content-Type: application/octet-stream\r\n\r\n--o\r\nContent-Type: application/octet-stream\r\n--o\r\n\
    Content-Type: application/octet-stream; name=last\r\n\r\nno end\r\n--o--\r\n";

fn mixed() -> [&'static [u8]; 7] {
    [
        b"\x00\x01\x02\x03\x04",
        b"a=bc\r\n",
        b"\x89PNG\n\r\n",
        b"Content-Type: multipart/mixed; boundary=n\r\n\r\n--n\r\nContent-Type: a/b\r\n\r\nx\r\n--n--",
        b"",
        b"",
        b"no end",
    ]
}

fn scan(octets: &[u8]) -> (ParsedMessage, Vec<PartRange>) {
    let mut scan = MessageScan::new();
    scan.update(octets);
    scan.finish_with_ranges()
}

/// What a reader hands on of octets that come in pieces of this size, and whether it found the attachment and its end.
fn read(octets: &[u8], attachment: u32, size: usize) -> (Vec<u8>, bool, bool) {
    let mut reader = AttachmentReader::new(attachment);
    let mut content = Vec::new();
    for piece in octets.chunks(size) {
        content.extend(reader.update(piece));
    }
    let ended = reader.is_ended();
    let end = reader.finish();
    assert!(end.ended || !ended);
    content.extend(end.octets);
    (content, end.found, end.ended)
}

fn content(octets: &[u8], range: &PartRange) -> Vec<u8> {
    let from = usize::try_from(range.offset).unwrap();
    octets[from..from + usize::try_from(range.length).unwrap()].to_vec()
}

fn cut(octets: &[u8], ranges: Vec<PartRange>, size: usize) -> (Vec<u8>, Vec<Cut>) {
    let mut cutter = Cutter::new(ranges);
    let mut stored = Vec::new();
    for piece in octets.chunks(size) {
        cutter.update(piece, &mut stored);
    }
    (stored, cutter.finish())
}

/// Puts what was stored together with what `cut_out` gives for each cut.
fn spliced(stored: &[u8], cuts: &[Cut], cut_out: impl Fn(&Cut) -> Vec<u8>) -> Vec<u8> {
    let piece = |segment: &Segment| match segment {
        Segment::Stored { offset, length } => content(stored, &PartRange::new(0, *offset, *length)),
        Segment::Cut(number) => cut_out(&cuts[*number]),
        other => panic!("{other:?} is unknown here"),
    };
    segments(stored.len() as u64, cuts).unwrap().iter().flat_map(piece).collect()
}

fn of_cut(octets: &[u8], cut: &Cut) -> Vec<u8> {
    content(octets, &PartRange::new(cut.attachment, cut.offset, cut.length))
}

#[test]
fn every_attachment_lies_where_it_is_said_to() {
    let (message, ranges) = scan(MIXED);
    assert_eq!((message.attachments.len(), ranges.len()), (7, 7));
    let encoded: [&[u8]; 7] =
        [b"AAEC\r\nAwQ=", b"a=3Db=\r\nc\r\n", mixed()[2], mixed()[3], b"", b"", b"no end"];
    for (number, (range, encoded)) in ranges.iter().zip(encoded).enumerate() {
        assert_eq!(usize::try_from(range.attachment).unwrap(), number);
        assert_eq!(content(MIXED, range).escape_ascii().to_string(), encoded.escape_ascii().to_string());
    }
    let feeds = MIXED.split(|b| *b == b'\r').collect::<Vec<_>>().concat();
    let (_, ranges) = scan(&feeds);
    assert_eq!(content(&feeds, &ranges[0]), b"AAEC\nAwQ=");
    assert_eq!(content(&feeds, &ranges[6]), b"no end");
}

#[test]
fn an_attachment_is_read_as_it_was_listed() {
    for (number, expected) in (0..).zip(mixed()) {
        for size in [1, 7, MIXED.len()] {
            assert_eq!(read(MIXED, number, size), (expected.to_vec(), true, true), "{number}");
        }
    }
    assert_eq!(read(MIXED, 7, 100), (Vec::new(), false, false));
    let unended = &MIXED[..MIXED.len() - 14];
    assert!(read(unended, 0, 9).2);
    assert_eq!(read(unended, 6, 9), (b"n".to_vec(), true, false));
    let single = b"Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\nAAEC\nAw==\n";
    assert_eq!(read(single, 0, 5), (b"\x00\x01\x02\x03".to_vec(), true, true));
}

#[test]
fn fixtures_are_read_cut_and_put_together_again() {
    let mut attachments = 0;
    for (name, octets) in fixtures() {
        let (message, ranges) = scan(&octets);
        let listed = {
            let mut scan = MessageScan::new();
            scan.update(&octets);
            scan.finish()
        };
        assert!(listed == message && ranges.len() == message.attachments.len(), "{name}");
        for (number, attachment) in (0..).zip(&message.attachments) {
            let (content, found, _) = read(&octets, number, 11);
            assert!(found && content.len() as u64 == attachment.size, "{name} {number}");
            attachments += 1;
        }
        check_cuts(&octets, &ranges, u64::MAX, 13);
    }
    assert!(attachments > 12);
}

#[test]
fn letters_of_a_practice_are_read_cut_and_put_together_again() {
    let mut composer = Composer::new(Directory::new(), 7);
    let mut attachments = 0;
    for route in 0..300 {
        let letter = composer.received("anna");
        let (octets, _) = letter.render(route);
        let (message, ranges) = scan(&octets);
        for (range, attachment) in ranges.iter().zip(&message.attachments) {
            let (content, _, ended) = read(&octets, range.attachment, 1_000);
            assert!(ended && content.len() as u64 == attachment.size);
            attachments += 1;
        }
        check_cuts(&octets, &ranges, u64::MAX, 1_000);
    }
    assert!(attachments > 10);
}

/// Cuts the ranges whose bits are set, puts the message together again, and reads each attachment with only its own cut.
fn check_cuts(octets: &[u8], ranges: &[PartRange], chosen: u64, size: usize) {
    let chosen: Vec<_> =
        ranges.iter().filter(|range| chosen >> (range.attachment % 64) & 1 == 1).copied().collect();
    let (stored, cuts) = cut(octets, chosen.clone(), size);
    let left_out: u64 = cuts.iter().map(|cut| cut.length).sum();
    assert_eq!(stored.len() as u64 + left_out, octets.len() as u64);
    assert_eq!(cuts.len(), chosen.iter().filter(|range| range.length > 0).count());
    for cut in &cuts {
        assert_eq!(cut.sha256, Digest::of(&of_cut(octets, cut)));
    }
    assert_eq!(spliced(&stored, &cuts, |cut| of_cut(octets, cut)), octets);
    for range in ranges {
        let only = spliced(&stored, &cuts, |cut| {
            if cut.attachment == range.attachment { of_cut(octets, cut) } else { Vec::new() }
        });
        let (wanted, is) = (read(octets, range.attachment, size), read(&only, range.attachment, size));
        assert_eq!(wanted, is, "{}", only.escape_ascii());
    }
}

#[test]
fn ranges_that_do_not_fit_are_not_cut_and_cuts_that_do_not_fit_are_no_plan() {
    let range = |offset, length| PartRange::new(9, offset, length);
    let (stored, cuts) =
        cut(b"0123456789", vec![range(8, 9), range(2, 3), range(4, 2), range(5, 0), range(5, 1)], 4);
    assert_eq!(stored, b"0167");
    let places: Vec<_> = cuts.iter().map(|cut| (cut.attachment, cut.offset, cut.length)).collect();
    assert_eq!(places, [(9, 2, 3), (9, 5, 1), (9, 8, 2)]);
    let made = |offset, length| Cut::new(0, offset, length, Digest::of(b""));
    assert_eq!(segments(3, &[]).unwrap(), [Segment::Stored { offset: 0, length: 3 }]);
    assert_eq!(segments(0, &[]).unwrap(), []);
    for cuts in
        [&[made(4, 1)][..], &[made(2, 5), made(6, 1)], &[made(u64::MAX, 1)], &[made(0, u64::MAX), made(3, 1)]]
    {
        assert_eq!(segments(3, cuts), None);
    }
}

fn beginning(octets: &[u8]) -> ParsedMessage {
    let mut scan = MessageScan::new();
    scan.update(octets);
    scan.finish_beginning()
}

#[test]
fn of_a_message_that_was_cut_is_told_what_came() {
    let at = |text: &str| MIXED.windows(text.len()).position(|piece| piece == text.as_bytes()).unwrap();
    let cut_at = |text: &str| beginning(&MIXED[..at(text)]);
    let whole = scan(MIXED).0;
    for (text, attachments, subject, body) in [
        ("s\r\nContent-Type", 0, "", ""),
        ("preamble", 0, "s", ""),
        ("amble", 0, "s", ""),
        ("xt\r\n--o", 0, "s", "te"),
        ("o\r\nContent-Type: application/pdf", 0, "s", "text"),
        ("application/pdf", 0, "s", "text"),
        ("\r\n\r\nAAEC", 0, "s", "text"),
        ("AAEC", 1, "s", "text"),
        ("Q=\r\n", 1, "s", "text"),
        ("b.csv", 1, "s", "text"),
    ] {
        let message = cut_at(text);
        assert!(message.incomplete);
        assert_eq!(
            (message.attachments.len(), message.subject.as_str(), message.text.as_str()),
            (attachments, subject, body),
            "{text}"
        );
        assert_eq!(message.unparsed, None, "{text}");
    }
    assert!(!whole.incomplete);
    assert_eq!(cut_at("AwQ=").attachments[0].size, 3);
    assert_eq!(cut_at("Q=\r\n").rendition, cut_at("EC\r\n").rendition);
    assert_ne!(cut_at("Q=\r\n").rendition, beginning(&MIXED[..at("b.csv") + 100]).rendition);
}

#[test]
fn no_address_is_read_out_of_half_a_line() {
    let long = format!("From: a@x.example\r\nTo: {}c@y.example.org\r\n\r\ntext", "b@x.example, ".repeat(90));
    for (head, truncated) in
        [("From: a@x.example\r\nTo: b@x.example, c@y.example.org\r\n\r\ntext", true), (&long, true)]
    {
        let end = head.find("\r\n\r\n").unwrap() + 2;
        for at in 0..=end {
            let message = beginning(&head.as_bytes()[..at]);
            for p in &message.headers.participants {
                let known = ["a@x.example", "b@x.example", "c@y.example.org"]
                    .contains(&p.address.to_string().as_str());
                assert!(known, "{}", p.address);
            }
            assert_eq!(message.headers.truncated, truncated);
        }
        let message = beginning(head.as_bytes());
        assert!(!message.headers.truncated && message.text == "text" && message.incomplete);
    }
}

#[test]
fn no_cut_anywhere_is_too_much() {
    for (name, octets) in fixtures() {
        let whole = scan(&octets).0;
        for at in 0..=octets.len() {
            let message = beginning(&octets[..at]);
            assert!(message.incomplete, "{name} {at}");
            assert!(message.attachments.len() <= whole.attachments.len(), "{name} {at}");
            for (part, listed) in message.attachments.iter().zip(&whole.attachments) {
                assert!(part.name == listed.name && part.content_type == listed.content_type, "{name} {at}");
                assert!(part.size <= listed.size + 2, "{name} {at}: {} {}", part.size, listed.size);
            }
            for p in &message.headers.participants {
                assert!(whole.headers.participants.contains(p), "{name} {at}: {}", p.address);
            }
        }
    }
}

proptest! {
    #[test]
    fn any_message_is_cut_and_put_together_again(
        octets in prop::collection::vec(any::<u8>(), 0..100),
        lines in prop::collection::vec("(--b|--b--|--bb|--bb--|Content-Type: (multipart/(mixed|digest); boundary=bb?|a/b|message/rfc822)\
            |Content-Transfer-Encoding: (base64|quoted-printable)|AAEC|=|=4|a=|||[ -~]{0,20})(\r\n|\n|\r|)", 0..40),
        long in 0usize..3_000,
        chosen in any::<u64>(),
        size in 1usize..2_000,
        at in any::<prop::sample::Index>(),
    ) {
        let text = format!("Content-Type: multipart/mixed; boundary=b\r\n{}{}", lines.concat(), "--b\r".repeat(long / 5));
        let tail = [text.as_bytes(), b"\r\n--b\r\nContent-Type: a/b\r\n\r\n", &octets].concat();
        for octets in [&octets[..], text.as_bytes(), &tail] {
            let (message, ranges) = scan(octets);
            prop_assert_eq!(message.attachments.len(), ranges.len());
            for (range, attachment) in ranges.iter().zip(&message.attachments) {
                prop_assert_eq!(read(octets, range.attachment, size).0.len() as u64, attachment.size);
            }
            check_cuts(octets, &ranges, chosen, size);
            prop_assert!(beginning(&octets[..at.index(octets.len() + 1)]).incomplete);
        }
    }
}
