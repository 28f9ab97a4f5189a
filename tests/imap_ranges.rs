//! Parts of messages, and messages found by the provider's index, against the test kit's server.

use practicemail::contract::{Connection, Credential, MAX_RANGE, MailboxReader, SignInHints};
use practicemail::error::ErrorKind;
use practicemail::imap::ImapConnector;
use practicemail::net::{Dialer, EgressPolicy};
use practicemail::settings::{AccountSettings, Login, ServerSettings, TlsMode};
use practicemail::testkit::ImapServer;
use practicemail::testkit::imap::{Fault, ImapServerBuilder, Personality, Sent};
use practicemail::types::{Address, MailboxName, MatchKey, Secret, Uid, UidSet};

const PERSONALITIES: [Personality; 5] =
    [Personality::Dovecot, Personality::Gmail, Personality::Exchange, Personality::Yahoo, Personality::Bare];

async fn start(builder: ImapServerBuilder) -> ImapServer {
    builder.tls(practicemail::testkit::TlsMode::Plain).user("anna", "hunter2").start().await.unwrap()
}

async fn open(server: &ImapServer) -> Connection {
    let settings = ServerSettings::new("127.0.0.1", server.port(), TlsMode::None).unwrap();
    let settings = AccountSettings::new(settings, Login::new("anna").unwrap());
    let connector = ImapConnector::new(Dialer::new().egress(EgressPolicy::Any));
    let password = Credential::Password(Secret::new("hunter2"));
    let mut connection = connector.open_reader(&settings, &password, &SignInHints::default()).await.unwrap();
    connection.reader.open(&MailboxName::encode("INBOX")).await.unwrap();
    connection
}

fn uid(n: u32) -> Uid {
    Uid::new(n).unwrap()
}

fn uids(numbers: &[u32]) -> UidSet {
    numbers.iter().copied().filter_map(Uid::new).collect()
}

/// Octets of every value, with lines that look like answers.
fn letter(length: usize) -> Vec<u8> {
    let header =
        b"From: <carl@client.example>\r\nTo: <anna@practice.example>\r\n\r\n)\r\nA0001 OK done {3}\r\n";
    header.iter().copied().chain((0..=255).cycle()).take(length).collect()
}

async fn in_pieces(reader: &mut dyn MailboxReader, of: u32, length: usize) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        let piece = reader.read_range(uid(of), whole.len() as u64, length).await.unwrap().unwrap();
        assert!(piece.len() <= length);
        let ends = piece.len() < length;
        whole.extend(piece);
        if ends {
            return whole;
        }
    }
}

#[tokio::test]
async fn ranges_put_together_are_the_message() {
    for personality in PERSONALITIES {
        let server = start(ImapServer::builder().personality(personality)).await;
        let letters = [letter(10_000), letter(3), letter(MAX_RANGE + 17)];
        for letter in &letters {
            server.user("anna").append("INBOX", letter, &[], 1_000_000).unwrap();
        }
        let mut connection = open(&server).await;
        let reader = connection.reader.as_mut();
        for (of, length) in [(1, 1_000), (1, 9_999), (2, 1), (3, MAX_RANGE)] {
            assert!(in_pieces(reader, of, length).await == letters[of as usize - 1], "{personality:?}: {of}");
        }
        assert_eq!(reader.read_range(uid(1), 10_000, 5).await.unwrap(), Some(Vec::new()));
        assert_eq!(reader.read_range(uid(1), 1 << 33, 5).await.unwrap(), Some(Vec::new()));
        assert_eq!(reader.read_range(uid(1), 7, 0).await.unwrap(), Some(Vec::new()));
        assert_eq!(reader.read_range(uid(9), 0, 5).await.unwrap(), None);
        let error = reader.read_range(uid(1), 0, MAX_RANGE + 1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(server.flags_changed(), 0);
    }
}

#[tokio::test]
async fn a_range_is_read_while_headers_are_under_way() {
    let server = start(ImapServer::builder()).await;
    for _ in 0..5 {
        server.user("anna").append("INBOX", letter(500), &[], 1_000_000).unwrap();
    }
    let mut connection = open(&server).await;
    let reader = connection.reader.as_mut();
    reader.request_addressing(&uids(&[4, 5])).await.unwrap();
    reader.request_addressing(&uids(&[1, 2, 3])).await.unwrap();
    assert_eq!(reader.read_range(uid(2), 6, 25).await.unwrap().unwrap(), b"<carl@client.example>\r\nTo");
    for expected in [vec![4, 5], vec![1, 2, 3]] {
        let answer = reader.next_addressing().await.unwrap();
        let answered: Vec<u32> = answer.messages.iter().map(|message| message.uid.get()).collect();
        assert_eq!((answered, answer.refused), (expected, false));
    }
    reader.request_messages(&uids(&[1])).await.unwrap();
    let error = reader.read_range(uid(1), 0, 5).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "a message under way would be taken for the range");
}

#[tokio::test]
async fn a_server_that_sends_another_part_is_caught() {
    let literal =
        |announced: &str| Fault::Literal { uid: 1, announced: announced.to_owned(), sent: Sent::Endless };
    for fault in [
        Fault::RangeIgnored,
        Fault::RangeMoved { by: 1 },
        literal("17"),
        literal("4294967295"),
        literal("-1"),
    ] {
        let name = format!("{fault:?}");
        let server = start(ImapServer::builder()).await;
        server.user("anna").append("INBOX", letter(5_000_000), &[], 1_000_000).unwrap();
        server.inject(fault);
        let mut connection = open(&server).await;
        let error = connection.reader.read_range(uid(1), 16, 16).await.unwrap_err();
        // Where the part is longer than announced, what follows is no response.
        let caught = [ErrorKind::Protocol, ErrorKind::LimitExceeded].contains(&error.kind());
        assert!(caught, "{name}: {error:?}");
        assert!((connection.traffic)().octets_in < 2 * MAX_RANGE as u64, "{name}");
    }
}

#[tokio::test]
async fn a_range_that_is_refused_or_nothing_is_told_as_such() {
    let server = start(ImapServer::builder()).await;
    for _ in 0..3 {
        server.user("anna").append("INBOX", letter(500), &[], 1_000_000).unwrap();
    }
    server.inject(Fault::FetchRefused { uid: 1, text: "not this one".into() });
    server.inject(Fault::BodyNil { uid: 2 });
    server.inject(Fault::FetchSplit { uid: 3 });
    let mut connection = open(&server).await;
    let reader = connection.reader.as_mut();
    assert_eq!(reader.read_range(uid(1), 0, 5).await.unwrap_err().kind(), ErrorKind::ServerRefused);
    assert_eq!(reader.read_range(uid(2), 0, 5).await.unwrap(), Some(Vec::new()));
    assert_eq!(reader.read_range(uid(3), 0, 5).await.unwrap(), Some(b"From:".to_vec()));
}

fn keys(addresses: &[&str]) -> Vec<MatchKey> {
    addresses.iter().map(|text| MatchKey::Address(Address::parse(text).unwrap().key())).collect()
}

#[tokio::test]
async fn gmail_finds_who_takes_part_by_its_index() {
    let server = start(ImapServer::builder().personality(Personality::Gmail)).await;
    let mail = |fields: &str| format!("Subject: x\r\n{fields}\r\n\r\nText\r\n");
    for fields in [
        "From: Carl <Carl@client.example>\r\nTo: anna@practice.example",
        "From: carlo@client.example\r\nTo: anna@practice.example",
        "From: anna@practice.example\r\nTo: dora@client.example, carl@client.example",
        "From: anna@practice.example\r\nTo: x@else.example\r\nCc: carl@client.example",
        "From: anna@practice.example\r\nTo: x@else.example\r\nBcc: carl@client.example",
        "From: x@else.example\r\nTo: anna@practice.example\r\nReply-To: carl@client.example",
        "From: eve@third.example\r\nTo: anna@practice.example",
    ] {
        server.user("anna").append("INBOX", mail(fields), &[], 1_000_000).unwrap();
    }
    let mut connection = open(&server).await;
    let reader = connection.reader.as_mut();
    let found = reader.find_by_keys(&keys(&["carl@client.example"])).await.unwrap();
    assert_eq!(found, Some(uids(&[1, 3, 4, 5])));
    let found = reader.find_by_keys(&keys(&["nobody@client.example", "eve@third.example"])).await.unwrap();
    assert_eq!(found, Some(uids(&[7])));
    assert_eq!(reader.find_by_keys(&keys(&["{carl}@client.example"])).await.unwrap(), None);
    server.inject(Fault::Answer { command: "UID SEARCH".into(), text: "BAD no such key".into() });
    assert_eq!(reader.find_by_keys(&keys(&["carl@client.example"])).await.unwrap(), None);
}

#[tokio::test]
async fn a_server_without_such_an_index_is_not_asked() {
    for personality in PERSONALITIES.into_iter().filter(|p| *p != Personality::Gmail) {
        let server = start(ImapServer::builder().personality(personality)).await;
        let mut connection = open(&server).await;
        server.forget_record();
        let found = connection.reader.find_by_keys(&keys(&["carl@client.example"])).await.unwrap();
        assert_eq!(found, None, "{personality:?}");
        assert!(server.transcript().is_empty(), "{personality:?}");
    }
}

async fn threads(connection: &mut Connection, of: &[u32]) -> Vec<Option<String>> {
    connection.reader.request_addressing(&uids(of)).await.unwrap();
    let answer = connection.reader.next_addressing().await.unwrap();
    answer.messages.into_iter().map(|message| message.thread).collect()
}

#[tokio::test]
async fn the_providers_conversations_are_told_where_it_has_any() {
    let append = |server: &ImapServer, id: &str, answers: &str| {
        let mail = format!("Message-ID: <{id}>\r\nIn-Reply-To: {answers}\r\n\r\nText\r\n");
        server.user("anna").append("INBOX", mail, &[], 1_000_000).unwrap();
    };
    for (personality, told) in PERSONALITIES
        .map(|personality| (personality, matches!(personality, Personality::Gmail | Personality::Yahoo)))
    {
        let server = start(ImapServer::builder().personality(personality)).await;
        append(&server, "1@x", "");
        append(&server, "2@x", "");
        append(&server, "3@x", "<1@x>");
        append(&server, "4@x", "<1@x>");
        server.inject(Fault::Item { uid: 4, name: "THREADID".into(), value: "NIL".into() });
        let mut connection = open(&server).await;
        let threads = threads(&mut connection, &[1, 2, 3, 4]).await;
        assert_eq!(threads[0].is_some(), told, "{personality:?}");
        if told {
            assert_eq!(threads[0], threads[2], "{personality:?}");
            assert_ne!(threads[0], threads[1], "{personality:?}");
            assert_eq!(threads[3].is_some(), personality == Personality::Gmail, "{personality:?}");
        }
        let asked = server.transcript().iter().any(|line| line.text.contains("THR"));
        assert_eq!(asked, told, "{personality:?}");
    }
}

#[tokio::test]
async fn a_server_that_offers_conversations_and_refuses_them_is_asked_without() {
    let server = start(ImapServer::builder().personality(Personality::Yahoo)).await;
    for id in 1..=2 {
        let mail = format!("Message-ID: <{id}@x>\r\n\r\nText\r\n");
        server.user("anna").append("INBOX", mail, &[], 1_000_000).unwrap();
    }
    server.inject(Fault::Answer { command: "UID FETCH".into(), text: "BAD unknown item".into() }.times(1));
    let mut connection = open(&server).await;
    connection.reader.request_addressing(&uids(&[1, 2])).await.unwrap();
    assert!(connection.reader.next_addressing().await.unwrap().refused);
    assert_eq!(threads(&mut connection, &[1, 2]).await, [None, None]);
}
