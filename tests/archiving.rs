//! What of a mailbox gets into the archive, and how: against the test kit's server.

mod kit;

use std::collections::BTreeSet;
use std::time::Duration;

use kit::{Kit, Sums as _, letter};
use practicemail::contract::{ClientKey, ClientSighting, ErasedClient, MAX_RANGE, MailStore as _};
use practicemail::error::{Error, ErrorKind};
use practicemail::mime::{MessageScan, addressing_headers};
use practicemail::practice_mail::Viewer;
use practicemail::settings::AttachmentKeeping;
use practicemail::testkit::imap::{Fault, Personality};
use practicemail::types::{Authenticity, ClientId, Digest, Kept, MessageKey, Timestamp};

/// A mailbox at Gmail of strangers, and of some letters of one who is no client yet.
async fn gmail_before_an_address_is_added() -> Kit {
    let kit = Kit::start(Personality::Gmail).await;
    for i in 0..60 {
        let from = if i % 20 == 3 { "late@example.org" } else { "stranger@else.example" };
        let letter = letter(from, "anna@practice.example", &format!("m{i}"), &format!("s{i}"));
        kit.user().append("INBOX", letter, &[], 1_000_000 + i);
    }
    // The index finds a part of an address too: the letter is looked at, and is nobody's.
    let other = letter("relate@example.org", "anna@practice.example", "m61", "other");
    kit.user().append("INBOX", other, &[], 1_000_061);
    kit.connect().await;
    kit.sync().await;
    assert!(kit.tab("c1").await.is_empty());
    kit.set_keys(&[("c1", ClientKey::Address("late@example.org".into()))]);
    kit.server.forget_record();
    kit
}

/// The commands that ask for something of messages, without their tags.
fn asked(kit: &Kit) -> Vec<String> {
    let lines = kit.server.transcript();
    let words = lines.iter().filter_map(|line| line.text.split_once(' ')).map(|(_, words)| words.to_owned());
    words.filter(|words| words.starts_with("UID ")).collect()
}

const SEARCH: &str = "UID SEARCH RETURN (ALL) OR HEADER X-ORIGINAL-FROM \"late@example.org\" OR HEADER SENDER \"late@example.org\" X-GM-RAW \"from:\\\"late@example.org\\\" OR to:\\\"late@example.org\\\" OR \
     cc:\\\"late@example.org\\\" OR bcc:\\\"late@example.org\\\"\"";
const HEADERS: &str = "(UID FLAGS INTERNALDATE RFC822.SIZE X-GM-THRID X-GM-LABELS \
     BODY.PEEK[HEADER.FIELDS (FROM SENDER TO CC BCC X-ORIGINAL-FROM MESSAGE-ID DATE)])";

/// S2, B6: at Gmail the history of an address is found by its index, and headers are read of what it finds alone.
#[tokio::test]
async fn history_at_gmail_is_found_by_its_index() {
    let kit = gmail_before_an_address_is_added().await;
    let report = kit.sync().await;
    assert_eq!(kit.tab("c1").await, ["s43", "s23", "s3"]);
    let everything = ["UID SEARCH RETURN (ALL) ALL".to_owned(), SEARCH.to_owned()];
    let found = [format!("UID FETCH 4,24,44,61 {HEADERS}"), "UID FETCH 4,24,44 (UID BODY.PEEK[])".to_owned()];
    assert_eq!(asked(&kit), [everything, found].concat());
    assert_eq!(report.scanned(), 4);
    let mut fetched: Vec<u32> = kit.server.bodies_fetched().into_iter().map(|(_, _, uid)| uid).collect();
    fetched.sort_unstable();
    assert_eq!(fetched, [4, 24, 44]);
    let state = kit.sync_state().await;
    assert!(state.keys.pending.is_empty() && state.mailboxes.iter().all(|m| m.cursor.history.is_none()));
    assert_eq!(kit.sync().await.scanned(), 0);
}

#[tokio::test]
async fn history_goes_on_behind_a_pass_that_was_dropped_after_the_search() {
    let kit = gmail_before_an_address_is_added().await;
    kit.server.inject(Fault::Hang { command: "UID FETCH".into() });
    let hangs = async {
        while !asked(&kit).iter().any(|line| line.starts_with("UID FETCH")) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        _ = kit.try_sync() => unreachable!("the server does not answer"),
        () = hangs => {}
    }
    let history: Vec<String> = kit
        .sync_state()
        .await
        .mailboxes
        .iter()
        .filter_map(|mailbox| mailbox.cursor.history.as_ref().map(ToString::to_string))
        .collect();
    assert_eq!(history, ["4,24,44,61"], "what the index does not find is read no more");
    kit.server.clear_faults();
    kit.clock.advance(301);
    assert_eq!(kit.sync().await.scanned(), 4);
    assert_eq!(kit.tab("c1").await, ["s43", "s23", "s3"]);
}

#[tokio::test]
async fn history_of_what_the_index_cannot_be_asked_for_is_read_whole() {
    let kit = gmail_before_an_address_is_added().await;
    let keys: Vec<_> = (0..21).map(|i| ClientKey::Address(format!("many{i}@example.org"))).collect();
    let late = ("c1", ClientKey::Address("late@example.org".into()));
    kit.set_keys(&keys.into_iter().map(|key| ("c2", key)).chain([late]).collect::<Vec<_>>());
    assert_eq!(kit.sync().await.scanned(), 61);
    assert_eq!(kit.tab("c1").await, ["s43", "s23", "s3"]);
    assert!(!asked(&kit).iter().any(|line| line.contains("X-GM-RAW")));
}

#[tokio::test]
async fn copies_bear_the_providers_conversation() {
    let kit = Kit::start(Personality::Gmail).await;
    let first = letter("client@example.org", "anna@practice.example", "m1", "x");
    let answer =
        [&b"In-Reply-To: <m1@test>\r\n"[..], &letter("client@example.org", "x@x.example", "m2", "y")];
    kit.user().append("INBOX", first, &[], 1_000_000);
    kit.user().append("INBOX", answer.concat(), &[], 1_000_001);
    kit.connect().await;
    kit.sync().await;
    let threads: Vec<_> = kit.store.committed().into_iter().map(|copy| copy.thread).collect();
    assert!(threads[0].is_some() && threads[0] == threads[1], "{threads:?}");
}

/// B15: what the receiving server found of the author stands at what was received, and at nothing else.
#[tokio::test]
async fn what_the_receiving_server_found_of_the_author_stands_at_copies() {
    let kit = Kit::start(Personality::Dovecot).await;
    let judged = |server: &str, verdict: &str, from: &str, id: &str| {
        let header = format!(
            "Received: from a by b\r\nAuthentication-Results: {server}; dmarc={verdict} header.from=example.org\r\n"
        );
        [header.into_bytes(), letter(from, "client@example.org", id, id)].concat()
    };
    for (mailbox, server, verdict, from, id) in [
        ("INBOX", "mx.practice.example", "pass", "client@example.org", "m1"),
        ("INBOX", "mx.practice.example", "fail", "client@example.org", "m2"),
        ("INBOX", "mx.elsewhere.example", "pass", "client@example.org", "m3"),
        ("INBOX", "mx.practice.example", "fail", "anna@practice.example", "m4"),
        ("Sent", "mx.practice.example", "pass", "client@example.org", "m5"),
    ] {
        kit.user().append(mailbox, judged(server, verdict, from, id), &[], 1_000_000);
    }
    let mut settings = kit.settings();
    settings.authentication_server = Some("mx.practice.example".to_owned());
    kit.connect_as(settings).await.unwrap();
    kit.sync().await;
    let mut found: Vec<(String, Authenticity)> = kit
        .store
        .committed()
        .into_iter()
        .map(|copy| (copy.parsed.subject.to_string(), copy.copy.authenticity))
        .collect();
    found.sort();
    let expected = [
        ("m1", Authenticity::Pass),
        ("m2", Authenticity::Fail),
        ("m3", Authenticity::Unknown),
        ("m4", Authenticity::Unknown),
        ("m5", Authenticity::Unknown),
    ];
    assert_eq!(found, expected.map(|(subject, authenticity)| (subject.to_owned(), authenticity)));
}

#[tokio::test]
async fn what_was_erased_is_seen_and_not_fetched() {
    let kit = Kit::start(Personality::Dovecot).await;
    let letters = ["m1", "m2", "m3"].map(|id| letter("client@example.org", "anna@practice.example", id, id));
    for letter in &letters {
        kit.user().append("INBOX", letter, &[], 1_000_000);
    }
    let stranger = letter("stranger@else.example", "anna@practice.example", "m4", "m4");
    kit.user().append("INBOX", stranger, &[], 1_000_000);
    kit.user().append("Sent", letter("a@else.example", "b@else.example", "m5", "m5"), &[], 1_000_000);
    let barred = MessageKey::of_headers(&addressing_headers(&letters[1])).unwrap();
    kit.store.barred.lock().unwrap().insert(barred);
    kit.connect().await;
    kit.sync().await;
    assert_eq!(kit.tab("c1").await, ["m3", "m1"]);
    let mut fetched: Vec<u32> = kit.server.bodies_fetched().into_iter().map(|(_, _, uid)| uid).collect();
    fetched.sort_unstable();
    assert_eq!(fetched, [1, 3]);
    assert_eq!(
        *kit.store.asked.lock().unwrap(),
        [3],
        "once a window, and of no window without such a message"
    );
    assert_eq!(kit.sync().await.scanned(), 0);
}

#[tokio::test]
async fn erased_clients_are_told_away_once_and_back_with_their_keys() {
    let kit = Kit::start(Personality::Dovecot).await;
    kit.connect().await;
    let client = |id: &str| ClientId::new(id).unwrap();
    *kit.store.erased.lock().unwrap() = vec![
        ErasedClient::new(client("gone"), false),
        ErasedClient::new(client("gone before"), true),
        ErasedClient::new(client("c1"), false),
        ErasedClient::new(client("c2"), true),
    ];
    kit.set_keys(&[]);
    kit.sync().await;
    assert!(kit.store.sighted.lock().unwrap().is_empty(), "a directory of nobody says nothing");
    let own = |address: &str| ClientKey::Address(address.to_owned());
    kit.set_keys(&[("c1", own("a@example.org")), ("c2", own("b@example.org")), ("c2", own("c@example.org"))]);
    kit.sync().await;
    let keys: BTreeSet<_> = ["b@example.org", "c@example.org"]
        .map(|text| practicemail::types::Address::parse(text).unwrap().key())
        .map(|key| practicemail::types::MatchKey::Address(key).digest())
        .into();
    let sighted = kit.store.sighted.lock().unwrap().clone();
    assert_eq!(sighted, [(client("gone"), ClientSighting::Away), (client("c2"), ClientSighting::Back(keys))]);
}

/// A letter with so many octets behind its text.
fn long_letter(id: &str, octets: usize) -> Vec<u8> {
    let line = b"Lorem ipsum dolor sit amet, consectetur adipiscing elit.\r\n";
    let mut letter = letter("client@example.org", "anna@practice.example", id, id);
    letter.extend(line.iter().cycle().take(octets));
    letter
}

/// B16: of a message over the maximum the beginning is kept, and it is marked.
#[tokio::test]
async fn of_a_message_that_is_too_long_the_beginning_is_archived() {
    for personality in [Personality::Dovecot, Personality::Gmail, Personality::Bare] {
        let kit = Kit::start(personality).await;
        let without_id = b"From: client@example.org\r\nTo: anna@practice.example\r\nSubject: none\r\n\r\n";
        let letters = [
            long_letter("m1", 100),
            long_letter("m2", 3 * MAX_RANGE),
            [&without_id[..], &vec![b'x'; 2 * MAX_RANGE]].concat(),
        ];
        for letter in &letters {
            kit.user().append("INBOX", letter, &[], 1_000_000);
        }
        let mut settings = kit.settings();
        settings.limits.max_message = MAX_RANGE as u64;
        kit.connect_as(settings).await.unwrap();
        let report = kit.sync().await;
        assert_eq!(report.accounts[0].mailboxes.iter().map(|m| m.beginnings).sum::<u64>(), 2);
        assert!(report.accounts[0].traffic.octets_in < 3 * MAX_RANGE as u64, "{personality:?}");
        let mut copies = kit.store.committed();
        copies.sort_by_key(|copy| copy.copy.place.uid);
        assert_eq!(copies.len(), 3);
        assert_eq!((&copies[0].copy.kept, copies[0].parsed.incomplete), (&Kept::Whole, false));
        for (copy, letter) in copies.iter().zip(&letters).skip(1) {
            let beginning = &letter[..MAX_RANGE];
            assert_eq!(copy.copy.sha256, Digest::of(beginning));
            assert_eq!(copy.copy.size, letter.len() as u64);
            assert_eq!((&copy.copy.kept, copy.parsed.incomplete), (&Kept::Beginning, true));
            let mut scan = MessageScan::new();
            scan.update(beginning);
            assert_eq!(copy.parsed.text, scan.finish().text);
            assert_eq!(copy.message, MessageKey::of(&copy.parsed.headers, &Digest::of(beginning)));
        }
        assert_eq!(kit.sync().await.scanned(), 0, "{personality:?}");
    }
}

#[tokio::test]
async fn a_long_message_that_would_not_come_is_a_gap_and_in_nobodys_way() {
    let faults = [
        (Fault::RangeIgnored.into(), Some(ErrorKind::Protocol)),
        (Fault::FetchRefused { uid: 1, text: "too long".into() }.after(1), None),
        (Fault::BodyEmpty { uid: 1 }.after(1), None),
    ];
    for (fault, kind) in faults {
        let name = format!("{fault:?}");
        let kit = Kit::start(Personality::Dovecot).await;
        kit.user().append("INBOX", long_letter("m1", 2 * MAX_RANGE), &[], 1_000_000);
        kit.user().append("INBOX", long_letter("m2", 10), &[], 1_000_001);
        let mut settings = kit.settings();
        settings.limits.max_message = MAX_RANGE as u64;
        kit.connect_as(settings).await.unwrap();
        kit.server.inject(fault);
        let report = kit.try_sync().await;
        assert_eq!(report.accounts[0].error.as_ref().map(Error::kind), kind, "{name}");
        assert_eq!(kit.tab("c1").await, ["m2"], "{name}");
        kit.server.clear_faults();
        kit.sync().await;
        assert_eq!(kit.tab("c1").await, ["m2", "m1"], "{name}");
    }
}

/// B14: what the store refuses keeps no other message away, and is kept with its octets.
#[tokio::test]
async fn a_message_the_store_does_not_take_is_a_dead_letter_and_in_nobodys_way() {
    let kit = Kit::start(Personality::Dovecot).await;
    let mut expected = Vec::new();
    for i in 0..23 {
        let from = if i % 5 == 4 { "stranger@else.example" } else { "client@example.org" };
        let letter = letter(from, "anna@practice.example", &format!("m{i}"), &format!("s{i}"));
        kit.user().append("INBOX", &letter, &[], 1_000_000 + i);
        if [0, 11, 12].contains(&i) {
            kit.store.refused.lock().unwrap().insert(format!("m{i}@test"));
            let came = Some(Timestamp::from_unix(1_000_000 + i));
            expected.push((format!("m{i}@test"), Digest::of(&letter), letter.len() as u64, came));
        }
    }
    kit.connect().await;
    let report = kit.sync().await;
    assert_eq!(report.accounts[0].mailboxes.iter().map(|m| m.dead_letters).sum::<u64>(), 3);
    assert_eq!(kit.tab("c1").await.len(), 19 - 3);
    let letters = kit.store.dead_letters(&Kit::practice()).await.unwrap();
    let told: Vec<_> = letters
        .iter()
        .map(|letter| {
            let (sha256, size) = letter.octets.unwrap();
            (letter.message_id.as_ref().unwrap().as_str().to_owned(), sha256, size, letter.internal_date)
        })
        .collect();
    assert_eq!(told, expected);
    assert_eq!(kit.server.bodies_fetched().len(), 19, "each came once");
    let again = kit.sync().await;
    assert!(again.accounts[0].mailboxes.iter().all(|mailbox| mailbox.unchanged));
}

/// What is left of a message that the account does not keep whole does not make a whole one: its octets are kept for another try.
#[tokio::test]
async fn a_dead_letter_has_all_octets_where_attachments_are_not_kept_and_none_where_only_a_beginning_came() {
    let kit = Kit::start(Personality::Dovecot).await;
    let mut settings = kit.settings().keeping(AttachmentKeeping::UpTo(100));
    settings.limits.max_message = MAX_RANGE as u64;
    let content = "QUJD".repeat(250);
    let fields =
        "From: client@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n";
    let carrying = format!(
        "{fields}Message-ID: <m1@test>\r\n\r\n--b\r\n\r\nText\r\n--b\r\nContent-Type: application/pdf\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{content}\r\n--b--\r\n"
    );
    let long = long_letter("m2", MAX_RANGE + 1);
    kit.user().append("INBOX", &carrying, &[], 1_000_001);
    kit.user().append("INBOX", &long, &[], 1_000_002);
    kit.store.refused.lock().unwrap().extend(["m1@test".to_owned(), "m2@test".to_owned()]);
    kit.connect_as(settings).await.unwrap();
    kit.sync().await;
    let letters = kit.store.dead_letters(&Kit::practice()).await.unwrap();
    let octets: Vec<_> = letters.iter().map(|letter| letter.octets).collect();
    assert_eq!(octets, [Some((Digest::of(carrying.as_bytes()), carrying.len() as u64)), None]);

    kit.store.refused.lock().unwrap().clear();
    kit.server.forget_record();
    let replayed = kit.mail.replay(&Kit::practice(), &Viewer::System { reason: "test" }).await.unwrap();
    assert!(replayed.left.is_empty() && replayed.failed.is_empty(), "{replayed:?}");
    let kept: Vec<_> = kit.archived().await.into_iter().map(|copy| (copy.kept, copy.internal_date)).collect();
    assert!(matches!(kept[0], (Kept::WithoutAttachments { .. }, Some(_))), "{kept:?}");
    assert_eq!(kept[1], (Kept::Beginning, Some(Timestamp::from_unix(1_000_002))));
    assert!(
        kit.server.bodies_fetched().iter().all(|(_, _, uid)| *uid == 2),
        "what is stored does not come again"
    );
}
