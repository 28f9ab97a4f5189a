//! What pages, counts and searches cost, in steps of SQLite's machine: by what is asked for, not by what there is. Steps are the same
//! on every machine; time is not. What the full text does within one step, reading the list of a word's rows, is not among them:
//! `benches/tab.rs` shows it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::comparison;
use super::erasing;
use super::messages;
use super::page;
use super::statement::query;
use super::transaction::{Connection, Tx};
use super::window;
use crate::contract::{
    ArchivedCopy, Comparison, EraseReason, Erasure, MailStore, NewAccount, PageQuery, SystemClock, Window,
};
use crate::error::Result;
use crate::settings::{AccountSettings, Login, ServerSettings, TlsMode};
use crate::storage::sqlite::SqliteStore;
use crate::types::{
    AccountId, Address, CleanText, Copy, CopyPlace, Digest, Field, KeyDigest, MailboxName, MatchKey,
    MessageId, MessageKey, ParsedMessage, Participant, PracticeId, SearchTerms, Timestamp, Uid, UidValidity,
    UserId,
};

/// Clients with an address each.
const CLIENTS: u32 = 200;
/// Of so many messages one is not hidden.
const VISIBLE: u32 = 100;

fn practice() -> PracticeId {
    PracticeId::new("p").unwrap()
}

fn client(number: u32) -> Address {
    Address::parse(&format!("c{number}@client.example")).unwrap()
}

fn key(address: &Address) -> KeyDigest {
    MatchKey::Address(address.key()).digest()
}

/// The address that every message carries.
fn staff() -> Address {
    Address::parse("ben@hale.example").unwrap()
}

fn archived(account: &AccountId, uid: u32) -> ArchivedCopy {
    let (from, to) = (client(uid % CLIENTS), staff());
    let mut parsed = ParsedMessage::default();
    parsed.headers.participants = vec![
        Participant::new(Field::From, from.clone(), CleanText::default()),
        Participant::new(Field::To, to.clone(), CleanText::default()),
    ];
    parsed.headers.message_id = MessageId::parse(&format!("<{uid}@client.example>"));
    let octets = Digest::of(&uid.to_be_bytes());
    let message = MessageKey::of(&parsed.headers, &octets);
    parsed.subject = CleanText::new("Tax");
    let text = if uid.is_multiple_of(10) { "The invoice" } else { "The rest" };
    text.clone_into(&mut parsed.text);
    parsed.rendition = Some(octets);
    let inbox = MailboxName::from_wire("INBOX");
    let place = CopyPlace::new(account.clone(), inbox, UidValidity::new(1).unwrap(), Uid::new(uid).unwrap());
    let copy = Copy::new(place, octets, 1, None);
    ArchivedCopy::new(message, Timestamp::from_unix(uid.into()), parsed, copy, [key(&from), key(&to)].into())
}

/// So many messages, all Ben's, who hid all but one in a hundred.
async fn archive(messages: u32) -> SqliteStore {
    let store = SqliteStore::open_in_memory(Arc::new(SystemClock::new())).await.unwrap();
    let server = ServerSettings::new("imap.hale.example", 993, TlsMode::Implicit).unwrap();
    let settings = AccountSettings::new(server, Login::new("ben").unwrap());
    let account = AccountId::new("a").unwrap();
    let new = NewAccount::new(practice(), account.clone(), UserId::new("ben").unwrap(), staff(), settings);
    store.connect(&new).await.unwrap();
    let fence = store.acquire_lease(&practice(), &account, "test", 600).await.unwrap();
    let uids: Vec<u32> = (1..=messages).collect();
    for uids in uids.chunks(500) {
        let mut window = Window::new(MailboxName::from_wire("INBOX"), UidValidity::new(1).unwrap());
        window.seen = uids.iter().copied().filter_map(Uid::new).collect();
        window.copies = uids.iter().map(|uid| archived(&account, *uid)).collect();
        store.commit_window(&fence, &window).await.unwrap();
    }
    let practice = practice();
    let mut session = store.writing(&practice).await.unwrap();
    let mut tx = session.begin().await.unwrap();
    let hide = "INSERT INTO hidden SELECT 'p', message, 'ben' FROM message WHERE sort_time % ?1 <> 0";
    query(hide).bind(i64::from(VISIBLE)).execute(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    drop(session);
    store
}

/// What is asked for, and the steps it takes. What is written is not kept.
async fn steps<T>(store: &SqliteStore, ask: impl AsyncFnOnce(&mut Tx<'_>) -> Result<T>) -> (T, u64) {
    let practice = practice();
    let mut session = store.writing(&practice).await.unwrap();
    let mut tx = session.begin().await.unwrap();
    let steps = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&steps);
    let count = move || counter.fetch_add(1, Ordering::Relaxed) < u64::MAX;
    of_sqlite(&mut tx).lock_handle().await.unwrap().set_progress_handler(1, count);
    let found = ask(&mut tx).await.unwrap();
    of_sqlite(&mut tx).lock_handle().await.unwrap().remove_progress_handler();
    (found, steps.load(Ordering::Relaxed))
}

/// How many a question finds, and the steps it takes.
async fn cost(store: &SqliteStore, query: &PageQuery, counts: bool) -> (usize, u64) {
    let ask = async |tx: &mut Tx<'_>| {
        if counts { page::count(tx, query).await } else { page::page(tx, query).await.map(|page| page.len()) }
    };
    steps(store, ask).await
}

fn of_sqlite<'t>(tx: &'t mut Tx<'_>) -> &'t mut sqlx::SqliteConnection {
    match tx.connection() {
        Connection::Sqlite(connection) => connection,
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) => unreachable!(),
    }
}

fn of_clients(clients: u32, limit: usize) -> PageQuery {
    PageQuery::new(practice(), (0..clients).map(|n| key(&client(n))).collect(), limit)
}

fn of_everybody(limit: usize) -> PageQuery {
    PageQuery::new(practice(), vec![key(&staff())], limit)
}

fn seen_by_anna(mut query: PageQuery) -> PageQuery {
    query.filter.seen_by = Some(UserId::new("anna").unwrap());
    query
}

fn searched(mut query: PageQuery, words: &str) -> PageQuery {
    query.filter.terms = SearchTerms::parse(words);
    query
}

#[tokio::test]
async fn what_is_asked_costs_the_same_in_a_small_and_in_a_large_archive() {
    let (small, large) = (archive(2_000).await, archive(8_000).await);
    let questions = [
        ("a page of one key", of_everybody(20), false, 20),
        ("a page of 10 keys", of_clients(10, 10), false, 10),
        ("a page of 200 keys", of_clients(200, 10), false, 10),
        ("a count", of_everybody(1_000), true, 1_000),
        ("a page of which one row in a hundred is seen", seen_by_anna(of_everybody(5)), false, 5),
        ("a search of one key", searched(of_everybody(20), "rest"), false, 20),
    ];
    for (what, query, counts, answers) in questions {
        let ((found, few), (again, many)) =
            (cost(&small, &query, counts).await, cost(&large, &query, counts).await);
        assert_eq!((found, again), (answers, answers), "{what}");
        println!("{what}: {few} steps among 2,000 messages, {many} among 8,000");
        assert!(many <= few + few / 10 + 50, "{what}: {few} steps among 2,000 messages, {many} among 8,000");
    }
}

/// Whole messages, as a tab shows a page of them, are read by their keys.
#[tokio::test]
async fn messages_cost_the_same_in_a_small_and_in_a_large_archive() {
    let mut costs = Vec::new();
    for messages in [2_000, 8_000] {
        let store = archive(messages).await;
        for limit in [1, 20] {
            let (page, _) = steps(&store, async |tx| page::page(tx, &of_everybody(limit)).await).await;
            let keys: Vec<_> = page.iter().map(|at| at.message).collect();
            let read = async |tx: &mut Tx<'_>| messages::of_keys(tx, &practice(), &keys).await;
            let (found, steps) = steps(&store, read).await;
            assert_eq!(found.iter().map(|message| message.key).collect::<Vec<_>>(), keys);
            costs.push(steps);
        }
    }
    let [one, twenty, one_of_more, twenty_of_more] = costs[..] else { panic!("{costs:?}") };
    assert!(one_of_more <= one + one / 10 + 50, "{costs:?}");
    assert!(twenty_of_more <= twenty + twenty / 10 + 50 && twenty <= one * 20, "{costs:?}");
}

/// What arrives and joins its conversation, what is missing and what is erased costs the same however much there is besides.
#[tokio::test]
async fn what_is_written_costs_the_same_in_a_small_and_in_a_large_archive() {
    let mut costs = Vec::new();
    for messages in [2_000, 8_000] {
        let store = archive(messages).await;
        let account = AccountId::new("a").unwrap();
        let fence = store.acquire_lease(&practice(), &account, "test", 600).await.unwrap();
        let now = Timestamp::from_unix(0);
        let mut reply = archived(&account, messages + 1);
        reply.parsed.in_reply_to = MessageId::parse("<1000@client.example>");
        let mut window = Window::new(MailboxName::from_wire("INBOX"), UidValidity::new(1).unwrap());
        window.copies.push(reply);
        let commit = async |tx: &mut Tx<'_>| window::commit(tx, now, &fence, &window).await;
        let (receipt, archiving) = steps(&store, commit).await;
        assert_eq!(receipt.new_messages, 1);

        let one = archived(&account, 1_000);
        let erasure = Erasure::new(practice(), vec![one.message], EraseReason::Message);
        let (erased, erasing) = steps(&store, async |tx| erasing::erase(tx, now, &erasure).await).await;
        assert_eq!(erased.messages, [one.message]);

        let mut comparison = Comparison::default();
        comparison.missing.push(one.copy.place.clone());
        let compare = async |tx: &mut Tx<'_>| comparison::commit(tx, now, &fence, &comparison).await;
        let ((), comparing) = steps(&store, compare).await;
        costs.push([archiving, erasing, comparing]);
    }
    let [few, many] = costs[..] else { panic!("{costs:?}") };
    println!("{few:?} steps among 2,000 messages, {many:?} among 8,000");
    for (few, many) in few.into_iter().zip(many) {
        assert!(many <= few + few / 5 + 50, "{costs:?}");
    }
}

/// Statistics that a host's own tools gathered change no plan for the worse: the store itself goes by those of a large archive.
#[tokio::test]
async fn statistics_of_somebody_elses_change_nothing() {
    let store = archive(2_000).await;
    let questions = [of_clients(10, 10), seen_by_anna(of_everybody(5)), searched(of_everybody(20), "rest")];
    let mut before = Vec::new();
    for query in &questions {
        before.push(cost(&store, query, false).await);
    }
    let practice = practice();
    let mut session = store.writing(&practice).await.unwrap();
    let mut tx = session.begin().await.unwrap();
    query("ANALYZE").execute(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    drop(session);
    for (query, (found, steps)) in questions.iter().zip(before) {
        let (again, now) = cost(&store, query, false).await;
        assert_eq!(again, found);
        assert!(now <= steps + steps / 10, "{query:?}: {steps} steps before, {now} now");
    }
}

#[tokio::test]
async fn a_page_costs_by_its_keys_and_rows() {
    let store = archive(4_000).await;
    let (_, one) = cost(&store, &of_clients(1, 10), false).await;
    for (keys, name) in [(10, "ten"), (200, "two hundred")] {
        let (found, steps) = cost(&store, &of_clients(keys, 10), false).await;
        assert_eq!(found, 10);
        assert!(steps <= one * u64::from(keys), "{name} keys: {steps} steps, one key {one}");
    }
    let (_, twenty) = cost(&store, &of_everybody(20), false).await;
    let (_, hundred) = cost(&store, &of_everybody(100), false).await;
    assert!(hundred <= twenty * 5 + 50, "{twenty} steps for 20 rows, {hundred} for 100");
    // All that are hidden are passed over, a few rows read for each.
    let (found, rare) = cost(&store, &seen_by_anna(of_everybody(5)), false).await;
    assert_eq!(found, 5);
    assert!(rare <= 5 * u64::from(VISIBLE) * 50, "{rare} steps");
}
