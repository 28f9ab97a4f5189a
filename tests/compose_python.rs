//! What is composed here, another's reader reads back: Python's email package, started as a child. Without `python3`
//! these tests fail.

use std::io::Write;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use practicemail::mime::{Composition, answered, compose, without_bcc};
use practicemail::types::{
    Address, Answer, CleanText, Draft, DraftFile, MessageDate, MessageId, MessageKey, OutgoingId, Recipient,
    Signature, Timestamp,
};
use serde_json::Value;

const SCRIPTS: [&str; 9] = [
    "Quarterly report",
    "Größe, Žluťoučký kůň",
    "Ежегодный отчёт",
    "Ετήσια έκθεση",
    "التقرير السنوي",
    "年次報告書です",
    "👩🏽‍💻 🧾 👨‍👩‍👧‍👦",
    "=?utf-8?q?not=20a_word?= (x) =?",
    "O'Neil \"Bob\", Anna; <x@y> \\ : @",
];

const BODIES: [&str; 9] = [
    "",
    "Hello\n",
    "one\r\ntwo\rthree\n\nfour",
    ".\n..\n.leading dot\n\n.\n",
    "From here\n>From there\nFrom \n",
    "trailing space \ntab\t\n  \nlast ",
    "= =3D =\n=_mixed_ --=_alternative\n-- \n--\n",
    "日本語の本文。\n二行目。",
    "mostly ASCII with é and 👍 in it",
];

fn read_back(messages: &[Vec<u8>]) -> Vec<Value> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/read_back.py");
    let mut child = Command::new("python3")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is installed (scripts/setup)");
    let mut stdin = child.stdin.take().unwrap();
    for octets in messages {
        writeln!(stdin, "{}", octets.len()).unwrap();
        stdin.write_all(octets).unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let answers: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answers.len(), messages.len());
    answers
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn composition(draft: &Draft) -> Composition<'_> {
    let date = MessageDate::new(Timestamp::parse_rfc3339("2026-11-24T08:30:00Z").unwrap(), 330);
    let from = Recipient::named("Müller, Anna", address("anna@office.example"));
    let support = Recipient::named("Büro \"Nord\"", address("\"front desk\"@office.example"));
    Composition::new(OutgoingId::from_random([7; 16]), date, from, draft).reply_to(support)
}

fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").trim_end_matches('\n').to_owned()
}

fn person(recipient: &Recipient) -> Value {
    serde_json::json!([
        recipient.name.as_str(),
        recipient.address.local(),
        recipient.address.domain().as_str()
    ])
}

fn people(list: &[Recipient]) -> Value {
    list.iter().map(person).collect()
}

/// Compares what was read with what was written, field by field.
fn assert_read_back(drafts: &[Draft]) {
    let messages: Vec<_> = drafts.iter().map(|draft| compose(&composition(draft)).unwrap()).collect();
    for ((draft, octets), read) in drafts.iter().zip(&messages).zip(read_back(&messages)) {
        let shown = String::from_utf8_lossy(octets);
        let own = composition(draft);
        assert_eq!(read["subject"], draft.subject.as_str(), "{shown}");
        assert_eq!(read["date"], "2026-11-24T14:00:00+05:30");
        assert_eq!(read["message_id"], format!("<{}>", own.message_id));
        assert_eq!(read["from"], people(&[own.from]), "{shown}");
        assert_eq!(read["reply_to"], people(own.reply_to.as_slice()), "{shown}");
        for (name, list) in [("to", &draft.to), ("cc", &draft.cc), ("bcc", &draft.bcc)] {
            assert_eq!(read[name], people(list), "{name} {shown}");
        }
        // Python counts a local part that only SMTPUTF8 allows as a defect, wherever it stands.
        let local = |defect: &&Value| octets.is_ascii() || **defect != "NonASCIILocalPartDefect";
        assert_eq!(read["defects"].as_array().unwrap().iter().filter(local).count(), 0, "{read} {shown}");
        let utf8 = draft.recipients().any(|(_, recipient)| !recipient.address.local().is_ascii());
        assert_eq!(octets.is_ascii(), !utf8);

        let text = lines(read["text"].as_str().unwrap());
        match (&draft.text, &draft.html) {
            (Some(expected), _) => assert_eq!(text, lines(expected), "{shown}"),
            (None, Some(_)) => assert!(!text.contains('<') && !text.is_empty(), "{shown}"),
            (None, None) => assert_eq!(text, ""),
        }
        assert_eq!(read["html"].as_str().map(lines), draft.html.as_deref().map(lines), "{shown}");
        let files = read["files"].as_array().unwrap();
        assert_eq!(files.len(), draft.files.len(), "{shown}");
        for read in files {
            let name = read["name"].as_str().unwrap_or_default();
            let file = draft
                .files
                .iter()
                .find(|file| file.name.as_str() == name)
                .unwrap_or_else(|| panic!("{name}"));
            assert!(STANDARD.decode(read["octets"].as_str().unwrap()).unwrap() == file.octets, "{name}");
            assert_eq!(read["encoding"], "base64");
            let id = file.content_id.as_ref().filter(|_| draft.html.is_some());
            assert_eq!(read["inline"], id.is_some());
            assert_eq!(read["content_id"].as_str().map(str::to_owned), id.map(|id| format!("<{id}>")));
            assert_eq!(read["type"], file.content_type.split(';').next().unwrap());
        }
    }
}

fn draft(script: &str) -> Draft {
    Draft::new(script)
        .to(Recipient::named(script, address("to@x.example")))
        .cc(Recipient::named(&format!("{script} {script} {script} {script}"), address("\"a b\"@x.example")))
        .cc(address("plain@x.example"))
        .bcc(Recipient::named(script, address("bcc@bücher.example")))
}

fn every_octet() -> Vec<u8> {
    (0..=255).chain((0..=255).rev()).chain(*b"\r\n.\r\n\n.\n\r\0From x\n").collect()
}

#[test]
fn every_script_and_body_reads_back() {
    let mut drafts = Vec::new();
    for script in SCRIPTS {
        let long = [script, " "].concat().repeat(40);
        let unbroken = script.replace(' ', "").repeat(30);
        for body in BODIES.into_iter().chain([long.as_str(), unbroken.as_str(), &"x".repeat(5_000)]) {
            let html = format!("<html><body><p>{body}</p>x</body></html>");
            let with = |subject: &str| {
                let mut draft = draft(script);
                draft.subject = CleanText::new(subject);
                draft
            };
            drafts.push(draft(script).text(body));
            drafts.push(with(&long).html(html.clone()));
            drafts.push(with(&unbroken).text(body).html(html));
        }
    }
    assert_read_back(&drafts);
}

#[test]
fn files_of_any_name_and_content_read_back() {
    let mut drafts = Vec::new();
    for script in SCRIPTS {
        let files = |mut draft: Draft| {
            for (name, kind) in [
                (format!("{script}.bin"), "application/octet-stream"),
                (format!("{}.txt", script.repeat(12)), "text/plain; charset=iso-8859-1"),
                (format!("a{script}.svg"), "image/svg+xml"),
                (String::new(), "application/pdf"),
            ] {
                draft = draft.file(DraftFile::attachment(&name, kind, every_octet()));
            }
            draft
                .file(DraftFile::attachment("empty", "text/csv", *b""))
                .file(DraftFile::inline(
                    &format!("b{script}.png"),
                    "image/png",
                    every_octet(),
                    "logo.1@office.example",
                ))
                .file(DraftFile::inline("c.png", "image/png", *b"c", "c"))
        };
        drafts.push(files(draft(script)));
        drafts.push(files(draft(script).text("text")));
        drafts.push(files(draft(script).html("<img src=\"cid:logo.1@office.example\"><img src=\"cid:c\">x")));
        drafts.push(files(draft(script).text("text").html("<img src=\"cid:c\">x")));
    }
    assert_read_back(&drafts);
}

#[test]
fn many_recipients_and_local_parts_of_any_kind_read_back() {
    let mut many = Draft::new("many").text("t");
    for (n, script) in SCRIPTS.iter().cycle().take(30).enumerate() {
        many = many.to(Recipient::named(&format!("{script} {n}"), address(&format!("r{n}@x.example"))));
    }
    let locals = ["a.b+c", "a b", "a..b", ".a", "a.", "a\"b", "a\\b", "a@b", "a,b", "<a>", "(a)", "=?x?="];
    let mut odd = Draft::new("odd").text("t");
    for local in locals {
        odd = odd.to(Recipient::named("N", Address::from_parts(local, "x.example").unwrap()));
    }
    let utf8 = Draft::new("ü").text("ü").to(Recipient::named("Jürgen", address("jürgen@bücher.example")));
    let literal = Draft::new("l").text("t").to(address("a@[192.0.2.1]"));
    let hidden = Draft::new("hidden").text("t").bcc(address("b@x.example"));
    assert_read_back(&[many, odd, utf8, literal, hidden]);
}

#[test]
fn an_answer_threads() {
    let mail = b"Message-ID: <c@x>\r\nReferences: <a@x>\r\n <b@x>\r\nSubject: s\r\n\r\n";
    let answered = answered(mail);
    let reply = Draft::answering(Answer::Reply(MessageKey::from_slice(&[0; 32]).unwrap()));
    let reply = reply.to(address("a@x.example")).text("t");
    let read = read_back(&[compose(&composition(&reply).answering(&answered)).unwrap()]);
    assert_eq!(read[0]["in_reply_to"], "<c@x>");
    assert_eq!(read[0]["references"], "<a@x> <b@x> <c@x>");
}

#[test]
fn no_field_of_a_draft_or_of_an_answered_message_brings_a_header_in() {
    const OWN: [&str; 11] = [
        "Date",
        "From",
        "Reply-To",
        "To",
        "Cc",
        "Subject",
        "Message-ID",
        "X-Practicemail-Id",
        "MIME-Version",
        "Content-Type",
        "Content-Transfer-Encoding",
    ];
    const PARTS: [&str; 3] = ["Content-Disposition", "Content-Transfer-Encoding", "Content-Type"];
    let mut messages = Vec::new();
    for end in ["\r\n", "\n", "\r", "\u{85}", "\u{2028}", "\0", "\r\n ", "\u{b}", "\u{c}"] {
        let evil = format!("x{end}Bcc: evil@evil.example{end}X-Evil: 1{end}{end}--=_mixed{end}");
        let named = |text: &str| Recipient::named(&evil, address(text));
        let file = |kind: &str| DraftFile::attachment(&evil, kind, evil.clone());
        let mut unclean = file(&evil);
        unclean.name = CleanText::new(&evil);
        let mut draft = Draft::new(&evil)
            .to(named("to@x.example"))
            .cc(named("cc@x.example"))
            .text(&evil)
            .html(&evil)
            .signature(Signature::text(&evil).html(&evil))
            .file(file("text/plain"))
            .file(file(&format!("text/plain; charset=\"{evil}\"")))
            .file(file(&format!("application/pdf{evil}")))
            .file(unclean);
        draft.key = Some(evil.clone());
        let mail = format!(
            "Message-ID: <a>{evil}<b@x>\nReferences: <a=?utf-8?q?=0D=0ABcc:_x?=@x> <a\u{a0}\u{2028}b@x> <{}@x>\nSubject: s\n\n",
            "r".repeat(900)
        );
        let mut answered = answered(mail.as_bytes());
        answered.references.extend(MessageId::parse(&format!("<{evil}@x>")));
        answered.references.extend(MessageId::parse("x>,Bcc:evil@evil.example"));
        draft.answers = Some(Answer::Reply(MessageKey::from_slice(&[0; 32]).unwrap()));
        let mut own = composition(&draft).reply_to(named("r@x.example"));
        own.from = named("anna@office.example");
        messages.push(without_bcc(&compose(&own.answering(&answered)).unwrap()));

        let inline = Draft::new("s").to(address("a@x")).html("h");
        let inline = inline.file(DraftFile::inline("n", "image/png", *b"", &evil));
        assert!(compose(&composition(&inline)).is_err());
    }
    for (octets, read) in messages.iter().zip(read_back(&messages)) {
        let shown = String::from_utf8_lossy(octets);
        let fields: Vec<_> =
            read["fields"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        let extra = fields.iter().filter(|name| !OWN.contains(*name)).count();
        // The answered message's own identifier may be repeated, once in each field.
        let known = fields.iter().filter(|name| ["In-Reply-To", "References"].contains(*name)).count();
        assert!(extra == known && known <= 2, "{fields:?} {shown}");
        assert_eq!(read["part_fields"], serde_json::json!(PARTS), "{shown}");
        assert_eq!(read["defects"], serde_json::json!([]), "{shown}");
        assert_eq!(read["to"].as_array().unwrap().len() + read["cc"].as_array().unwrap().len(), 2);
        assert_eq!(read["files"].as_array().unwrap().len(), 4, "{shown}");
    }
}
