//! Mailbox files hold what was written into them, to the octet: by a reader of this file's own, and by Python's.

use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use practicemail::mime::MailboxFileEntry;
use practicemail::types::{Address, Timestamp};
use proptest::prelude::*;
use serde_json::Value;

fn write(file: &mut Vec<u8>, sender: Option<&str>, at: i64, pieces: &[&[u8]]) {
    let sender = sender.map(|sender| Address::parse(sender).unwrap());
    let mut entry = MailboxFileEntry::begin(sender.as_ref(), Timestamp::from_unix(at), file);
    for piece in pieces {
        entry.update(piece, file);
    }
    entry.finish(file);
}

fn lines(octets: &[u8]) -> impl Iterator<Item = &[u8]> {
    octets.split_inclusive(|b| *b == b'\n')
}

/// Takes one `>` from each quoted line.
fn unquoted(octets: &[u8]) -> Vec<u8> {
    let line = |line: &[u8]| {
        let quoting = line.iter().take_while(|b| **b == b'>').count();
        let quoted = quoting > 0 && line[quoting..].starts_with(b"From ");
        line[usize::from(quoted)..].to_vec()
    };
    lines(octets).flat_map(line).collect()
}

/// From lines and messages.
fn read(file: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut messages: Vec<(String, Vec<u8>)> = Vec::new();
    for line in lines(file) {
        if line.starts_with(b"From ") {
            messages.push((String::from_utf8(line.trim_ascii_end().to_vec()).unwrap(), Vec::new()));
        } else {
            messages.last_mut().unwrap().1.extend(line);
        }
    }
    for (_, octets) in &mut messages {
        assert_eq!(octets.pop(), Some(b'\n'), "an empty line ends a message");
        assert!(octets.is_empty() || octets.ends_with(b"\n"));
        *octets = unquoted(octets);
    }
    messages
}

fn fixtures() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/mail");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|e| e == "eml")).collect();
    paths.sort();
    paths.into_iter().map(|path| std::fs::read(path).unwrap()).collect()
}

fn whole_line(octets: &[u8]) -> Vec<u8> {
    let end: &[u8] = if octets.is_empty() || octets.ends_with(b"\n") { b"" } else { b"\n" };
    [octets, end].concat()
}

#[test]
fn a_from_line_names_sender_and_time() {
    let mut file = Vec::new();
    write(&mut file, Some("anna@example.org"), 1_795_509_000, &[b"a\n"]);
    write(&mut file, Some("\"front desk\"@example.org"), 0, &[]);
    write(&mut file, None, i64::MAX, &[b"b"]);
    let froms: Vec<_> = read(&file).into_iter().map(|(from, _)| from).collect();
    assert_eq!(
        froms,
        [
            "From anna@example.org Tue Nov 24 08:30:00 2026",
            "From MAILER-DAEMON Thu Jan  1 00:00:00 1970",
            "From MAILER-DAEMON Thu Jan  1 00:00:00 1970",
        ]
    );
}

#[test]
fn python_reads_back_what_was_written() {
    let mut messages = fixtures();
    messages.push(
        b"X: y\r\n\r\nFrom a\r\n>From b\r\n>>From c\r\n\r\nFrom \r\nFrom\r\n> From\r\n\r\n\r\n".to_vec(),
    );
    messages.push(b"X: y\n\n\nFrom a\n\n>>>>From b".to_vec());
    let mut file = Vec::new();
    for (day, octets) in (0..).zip(&messages) {
        write(&mut file, Some("anna@example.org"), 86_400 * day, &[octets]);
    }
    let path = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&path, &file).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/read_mailbox.py");
    let output = Command::new("python3")
        .arg(script)
        .arg(path.path())
        .output()
        .expect("python3 is installed (scripts/setup)");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(read.len(), messages.len());
    for (read, octets) in read.iter().zip(&messages) {
        let found = STANDARD.decode(read["octets"].as_str().unwrap()).unwrap();
        assert_eq!(unquoted(&found), whole_line(octets));
        assert!(read["from"].as_str().unwrap().starts_with("anna@example.org "));
    }
    assert_eq!(read[1]["from"], "anna@example.org Fri Jan  2 00:00:00 1970");
}

proptest! {
    #[test]
    fn what_is_written_comes_back_whole_however_it_comes(
        messages in prop::collection::vec(("((>{0,3}From ?|F|From|>|[a-z ]{0,5}|Fro\r)(\r?\n)?){0,12}", 0usize..40, 0usize..40), 0..6)
    ) {
        let mut file = Vec::new();
        for (text, a, b) in &messages {
            let octets = text.as_bytes();
            let (a, b) = ((*a).min(octets.len()), (*b).min(octets.len()));
            let (a, b) = (a.min(b), a.max(b));
            write(&mut file, None, 0, &[&octets[..a], &octets[a..b], &octets[b..]]);
        }
        let read: Vec<_> = read(&file).into_iter().map(|(_, octets)| octets).collect();
        let written: Vec<_> = messages.iter().map(|(text, ..)| whole_line(text.as_bytes())).collect();
        prop_assert_eq!(read, written);
    }
}
