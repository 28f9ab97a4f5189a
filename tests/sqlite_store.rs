//! What is special about the SQLite store: files, processes, crashes, futures that are dropped. The contracts themselves
//! are checked by the conformance suites.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use practicemail::contract::{
    ArchivedCopy, Clock, Fence, MailStore, NewAccount, PageQuery, PassEnd, SystemClock, Window,
};
use practicemail::error::ErrorKind;
use practicemail::settings::{AccountSettings, Login, ServerSettings, TlsMode};
use practicemail::storage::sqlite::SqliteStore;
use practicemail::types::{
    AccountId, Address, AddressingHeaders, CleanText, Copy, CopyPlace, Digest, Field, KeyDigest, MailboxName,
    MatchKey, MessageId, MessageKey, ParsedMessage, Participant, PracticeId, Timestamp, Uid, UidValidity,
    UserId,
};

/// A clock that stands until it is moved.
struct StandingClock(AtomicI64);

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.0.load(Ordering::Relaxed))
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new())
}

fn practice() -> PracticeId {
    PracticeId::new("p").unwrap()
}

fn account() -> AccountId {
    AccountId::new("a").unwrap()
}

fn new_account(id: &str) -> NewAccount {
    let server = ServerSettings::new("imap.example.org", 993, TlsMode::Implicit).unwrap();
    NewAccount::new(
        practice(),
        AccountId::new(id).unwrap(),
        UserId::new("u").unwrap(),
        Address::parse("anna@example.org").unwrap(),
        AccountSettings::new(server, Login::new("anna").unwrap()),
    )
}

fn inbox() -> MailboxName {
    MailboxName::from_wire("INBOX")
}

fn validity() -> UidValidity {
    UidValidity::new(7).unwrap()
}

fn key_of(address: &str) -> KeyDigest {
    MatchKey::Address(Address::parse(address).unwrap().key()).digest()
}

/// A message from a client, with `text` octets of text, lying in the inbox under `uid`.
fn archived(uid: u32, text: usize) -> ArchivedCopy {
    let from = Address::parse(&format!("client{}@example.com", uid % 50)).unwrap();
    let to = Address::parse("anna@example.org").unwrap();
    let mut headers = AddressingHeaders::default();
    headers.participants = vec![
        Participant::new(Field::From, from.clone(), CleanText::new("A Client")),
        Participant::new(Field::To, to.clone(), CleanText::new("Anna")),
    ];
    headers.message_id = MessageId::parse(&format!("<{uid}@example.com>"));
    let octets = Digest::of(&uid.to_be_bytes());
    let key = MessageKey::of(&headers, &octets);
    let mut parsed = ParsedMessage::default();
    parsed.headers = headers;
    parsed.subject = CleanText::new(&format!("Message {uid}"));
    parsed.text = "x".repeat(text);
    parsed.rendition = Some(octets);
    let place = CopyPlace::new(account(), inbox(), validity(), Uid::new(uid).unwrap());
    let copy = Copy::new(place, octets, text as u64, None);
    let postings = [from, to].into_iter().map(|a| MatchKey::Address(a.key()).digest()).collect();
    ArchivedCopy::new(key, Timestamp::from_unix(i64::from(uid)), parsed, copy, postings)
}

fn window(uids: std::ops::Range<u32>, text: usize) -> Window {
    let mut window = Window::new(inbox(), validity());
    window.seen = uids.clone().filter_map(Uid::new).collect();
    window.copies = uids.map(|uid| archived(uid, text)).collect();
    window
}

async fn store_with_lease(path: &std::path::Path) -> (SqliteStore, Fence) {
    let store = SqliteStore::open(path, clock()).await.unwrap();
    store.connect(&new_account("a")).await.unwrap();
    let fence = store.acquire_lease(&practice(), &account(), "test", 600).await.unwrap();
    (store, fence)
}

#[tokio::test]
async fn what_was_committed_is_there_when_the_file_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.db");
    let (store, fence) = store_with_lease(&path).await;
    let window = window(1..4, 10);
    let receipt = store.commit_window(&fence, &window).await.unwrap();
    assert_eq!((receipt.new_messages, receipt.new_copies), (3, 3));
    let again = store.commit_window(&fence, &window).await.unwrap();
    assert_eq!((again.new_messages, again.new_copies), (0, 0));
    store.end_pass(&fence, &PassEnd::default()).await.unwrap();
    drop(store);

    let store = SqliteStore::open(&path, clock()).await.unwrap();
    let query =
        PageQuery::new(practice(), vec![key_of("anna@example.org"), key_of("client1@example.com")], 2);
    let page = store.page(&query).await.unwrap();
    assert_eq!(page.iter().map(|at| at.sort_time.as_unix()).collect::<Vec<_>>(), [3, 2]);
    let rest = store.page(&query.clone().before(page.last().copied())).await.unwrap();
    assert_eq!(rest.iter().map(|at| at.sort_time.as_unix()).collect::<Vec<_>>(), [1]);
    assert_eq!(store.count(&practice(), &query.keys, 1000).await.unwrap(), 3);

    let messages = store.messages(&practice(), &[rest[0].message]).await.unwrap();
    let expected = &window.copies[0];
    assert_eq!(messages[0].message_id, expected.parsed.headers.message_id);
    assert_eq!(messages[0].renditions[0].participants, expected.parsed.headers.participants);
    assert_eq!(messages[0].copies[0].copy, expected.copy);
    let state = store.sync_state(&practice(), &account()).await.unwrap();
    assert_eq!(state.mailboxes[0].cursor.seen, window.seen);
}

#[tokio::test]
async fn a_lease_lives_by_the_clock_of_the_store() {
    let time = Arc::new(StandingClock(AtomicI64::new(1_000)));
    let store = SqliteStore::open_in_memory(time.clone()).await.unwrap();
    store.connect(&new_account("a")).await.unwrap();
    let first = store.acquire_lease(&practice(), &account(), "one", 10).await.unwrap();
    let busy = store.acquire_lease(&practice(), &account(), "two", 10).await.unwrap_err();
    assert_eq!(busy.kind(), ErrorKind::Busy);
    time.0.store(1_009, Ordering::Relaxed);
    store.renew_lease(&first, 10).await.unwrap();
    time.0.store(1_019, Ordering::Relaxed);
    let second = store.acquire_lease(&practice(), &account(), "two", 10).await.unwrap();
    assert!(second.token > first.token);
    let lost = store.commit_window(&first, &window(1..2, 1)).await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::FenceLost);
    assert!(store.sync_state(&practice(), &account()).await.unwrap().mailboxes.is_empty());
}
