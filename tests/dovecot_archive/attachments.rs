//! Files, long messages, and what leaves as octets.

use std::path::PathBuf;

use crate::firm::{ANNA, Firm, Mail, PAULA};

/// Octets that compress to nothing and repeat nowhere.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[3]
    };
    (0..length).map(next).collect()
}

fn save(firm: &Firm, id: &str, name: &str) -> PathBuf {
    let out = firm.file("out");
    firm.ok(&["attachment", "--id", id, "--name", name, "--out", out.to_str().unwrap()]);
    out
}

/// B15: an attachment is kept, or dropped after the one download and fetched again, the same octet for octet; one whose source is gone
/// says so.
#[test]
fn a_dropped_attachment_is_fetched_again_and_verified() {
    let mut firm = Firm::open(&["anna"]);
    let file = noise(200_000);
    let kept = Mail::new("kept", PAULA, ANNA).with_file("kept.pdf", &file);
    firm.put("anna", "INBOX", &kept);
    firm.sync();
    assert_eq!(std::fs::read(save(&firm, &firm.id("bakery", "About kept"), "kept.pdf")).unwrap(), file);

    firm.connect("anna", &["--attachments-up-to", "50000"]);
    let dropped = Mail::new("dropped", PAULA, ANNA).with_file("big.pdf", &file);
    let uid = firm.put("anna", "INBOX", &dropped);
    let kept = |firm: &Firm| firm.number("SELECT sum(length(octets)) FROM blob_chunk");
    let before = kept(&firm);
    firm.sync();
    // The whole message, which came once, is nobody's; what nobody names for a day is swept.
    for day in [1, 2] {
        firm.day = day;
        firm.ok(&["forget"]);
    }
    let grown = kept(&firm) - before;
    assert!(grown < 1_000, "{grown} octets were kept");
    let id = firm.id("bakery", "About dropped");
    assert_eq!(std::fs::read(save(&firm, &id, "big.pdf")).unwrap(), file);
    let raw = firm.practice.run(&[], &["show", "--id", &id, "--raw"]);
    assert_eq!(raw.stdout.as_bytes(), dropped.octets(), "the whole message, from both");
    let out = firm.file("mbox");
    let told = firm.ok(&["export", "--format", "mbox", "--out", out.to_str().unwrap(), "--client", "bakery"]);
    assert_eq!((&told["octets"], &told["inexact"]), (&"without attachments".into(), &1.into()));
    assert_eq!(firm.ok(&["reconcile"])["complete"], true, "a dropped attachment is not a lost one");

    firm.dovecot.session("anna").expunge("INBOX", &[uid]);
    let asked = ["attachment", "--id", &id, "--name", "big.pdf", "--out", out.to_str().unwrap()];
    assert_eq!(firm.refused(&asked), "source_gone");
}

/// B15: a message over the maximum is there with its headers and the beginning of its text, marked; the rest comes on demand.
#[test]
fn an_oversized_message_is_marked_and_its_file_still_comes() {
    let firm = Firm::open(&["anna"]);
    firm.connect("anna", &["--max-message", "1500000"]);
    let file = noise(2_000_000);
    firm.put("anna", "INBOX", &Mail::new("long", PAULA, ANNA).text("Rhubarb.").with_file("film.pdf", &file));
    firm.sync();
    let page = firm.ok(&["tab", "--client", "bakery"]);
    let row = &page["messages"][0];
    assert_eq!((&row["subject"], &row["incomplete"]), (&"About long".into(), &true.into()), "{page}");
    assert_eq!(firm.search("bakery", "rhubarb", "anna"), ["About long"]);
    let id = row["id"].as_str().unwrap();
    assert_eq!(std::fs::read(save(&firm, id, "film.pdf")).unwrap(), file);
    assert_eq!(firm.ok(&["reconcile"])["complete"], true);
}

/// B14: mbox and EML hold what the server gave, octet for octet, for a client, a message, or whoever asks what is kept of them.
#[test]
fn exports_are_exact() {
    let firm = Firm::open(&["anna"]);
    let tricky =
        Mail::new("tricky", PAULA, ANNA).text("From here on\r\n>From there\r\n>>From everywhere\r\nFrom");
    let odd = Mail::new("odd", PAULA, "anna@hale.example, third@party.example").with_file("a.pdf", b"abc");
    for mail in [&tricky, &odd] {
        firm.put("anna", "INBOX", mail);
    }
    firm.sync();
    let out = firm.file("eml");
    let told = firm.ok(&["export", "--format", "eml", "--out", out.to_str().unwrap(), "--client", "bakery"]);
    assert_eq!((&told["messages"], &told["octets"]), (&2.into(), &"exact".into()));
    let mut files: Vec<Vec<u8>> =
        std::fs::read_dir(&out).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect();
    files.sort();
    let mut expected = vec![tricky.octets(), odd.octets()];
    expected.sort();
    assert_eq!(files, expected);
    let mbox = firm.file("mbox");
    firm.ok(&["export", "--format", "mbox", "--out", mbox.to_str().unwrap(), "--client", "bakery"]);
    let mut read = entries(&std::fs::read(&mbox).unwrap());
    read.sort();
    assert_eq!(read, expected);
    let theirs = firm.file("third.jsonl");
    let told = firm.ok(&[
        "export",
        "--format",
        "jsonl",
        "--out",
        theirs.to_str().unwrap(),
        "--address",
        "third@party.example",
    ]);
    assert_eq!(told["lines"], 1, "what is kept about somebody");
    let refused =
        ["export", "--format", "jsonl", "--out", theirs.to_str().unwrap(), "--address", PAULA, "--as", "ben"];
    assert_eq!(firm.refused(&refused), "forbidden");
}

/// The messages of a mailbox file, as RFC 4155 and mboxrd say: the reader is the test's own.
fn entries(mbox: &[u8]) -> Vec<Vec<u8>> {
    let mut entries: Vec<Vec<u8>> = Vec::new();
    for line in mbox.split_inclusive(|octet| *octet == b'\n') {
        if line.starts_with(b"From ") {
            entries.push(Vec::new());
            continue;
        }
        let marks = line.iter().take_while(|octet| **octet == b'>').count();
        let quoted = marks > 0 && line[marks..].starts_with(b"From ");
        entries.last_mut().unwrap().extend_from_slice(if quoted { &line[1..] } else { line });
    }
    for entry in &mut entries {
        // The empty line that ends an entry.
        let end = entry.len() - if entry.ends_with(b"\r\n") && entry.ends_with(b"\n\r\n") { 2 } else { 1 };
        entry.truncate(end);
    }
    entries
}
