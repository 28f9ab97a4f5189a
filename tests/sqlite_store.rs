//! What is special about the `SQLite` store: files, processes, crashes, futures that are dropped. The contracts themselves
//! are checked by the conformance suites.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use practicemail::contract::{
    Archive, ArchivedCopy, BlobStore, ChangeKind, Clock, EraseReason, Erasure, Fence, MailStore, MovedCopy,
    NewAccount, PageQuery, PassEnd, SystemClock, Window,
};
use practicemail::error::ErrorKind;
use practicemail::settings::{AccountSettings, Login, ServerSettings, TlsMode};
use practicemail::storage::sqlite::SqliteStore;
use practicemail::types::{
    AccountId, Address, AddressingHeaders, CleanText, Copy, CopyPlace, Digest, Field, KeyDigest, MailboxName,
    MatchKey, MessageId, MessageKey, ParsedMessage, Participant, PracticeId, SearchTerms, Timestamp, Uid,
    UidValidity, UserId,
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
async fn what_was_erased_stays_so_when_the_file_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.db");
    let (store, fence) = store_with_lease(&path).await;
    let window = window(1..4, 10);
    store.commit_window(&fence, &window).await.unwrap();
    let message = window.copies[0].message;
    let erasure = Erasure::new(practice(), vec![message], EraseReason::Message);
    assert_eq!(store.erase_messages(&erasure).await.unwrap().octets, [window.copies[0].copy.sha256]);
    drop(store);
    for (sql, left) in [
        ("SELECT count(*) FROM message", 2),
        ("SELECT count(*) FROM rendition", 2),
        ("SELECT count(*) FROM copy", 2),
        ("SELECT count(DISTINCT message) FROM posting", 2),
        ("SELECT count(*) FROM tombstone", 1),
        // Nobody who has the tombstone alone can tell whose it is.
        ("SELECT count(*) FROM tombstone WHERE message IN (SELECT message FROM change_feed)", 0),
        ("SELECT count(*) FROM practice_secret WHERE length(secret) = 32", 1),
    ] {
        assert_eq!(rows(&path, sql).await, left, "{sql}");
    }

    let again = SqliteStore::open(&path, clock()).await.unwrap();
    assert_eq!(again.barred(&practice(), &[message]).await.unwrap(), [message].into());
    let fence = again.acquire_lease(&practice(), &account(), "test", 600).await.unwrap();
    let receipt = again.commit_window(&fence, &window).await.unwrap();
    assert_eq!((receipt.new_messages, receipt.new_copies), (0, 0));
    assert_eq!(again.all_messages(&practice(), None, 9).await.unwrap().len(), 2);
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
    assert_eq!(store.count(&PageQuery::new(practice(), query.keys.clone(), 1000)).await.unwrap(), 3);

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

/// Runs the test `name` of this binary again, in a process of its own, with `PRACTICEMAIL_TEST_FILE` set.
fn another_process(name: &str, file: &std::path::Path) -> std::process::Child {
    std::process::Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--ignored"])
        .env("PRACTICEMAIL_TEST_FILE", file)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until the other process prints a line that begins with `word`.
fn wait_for(child: &mut std::process::Child, word: &str) {
    use std::io::BufRead;
    let lines = std::io::BufReader::new(child.stdout.as_mut().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.starts_with(word)), "no line {word}");
}

fn file_of_this_process() -> Option<std::path::PathBuf> {
    std::env::var_os("PRACTICEMAIL_TEST_FILE").map(Into::into)
}

/// Not a test: what the other process of the tests below does until it is killed.
#[tokio::test]
#[ignore = "runs in the other process of the crash tests"]
async fn commits_windows_until_killed() {
    let Some(file) = file_of_this_process() else { return };
    let (store, fence) = store_with_lease(&file).await;
    let mut blob = store.writer(&practice()).await.unwrap();
    blob.write(&vec![7; 3 << 20]).await.unwrap();
    for round in 0.. {
        let first = round * 20 + 1;
        let mut window = window(first..first + 20, 20_000);
        window.octets_read = 1;
        store.commit_window(&fence, &window).await.unwrap();
        println!("\ncommitted {round}");
    }
}

#[tokio::test]
async fn a_killed_process_leaves_whole_windows_and_no_lease() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.db");
    for round in 0..4 {
        let mut child = another_process("commits_windows_until_killed", &path);
        wait_for(&mut child, "committed 1");

        let store = SqliteStore::open(&path, clock()).await.unwrap();
        let started = std::time::Instant::now();
        let busy = store.acquire_lease(&practice(), &account(), "other", 60).await.unwrap_err();
        assert_eq!(busy.kind(), ErrorKind::Busy);
        assert!(started.elapsed() < std::time::Duration::from_secs(1), "refused at once");
        store.connect(&new_account("b")).await.unwrap();

        std::thread::sleep(std::time::Duration::from_millis(7 * round));
        child.kill().unwrap();
        child.wait().unwrap();

        let fence = store.acquire_lease(&practice(), &account(), "other", 60).await.unwrap();
        let state = store.sync_state(&practice(), &account()).await.unwrap();
        let seen = &state.mailboxes[0].cursor.seen;
        let archived = store.all_messages(&practice(), None, usize::MAX).await.unwrap();
        assert_eq!(archived.len() as u64, seen.len());
        assert!(
            archived.len() % 20 == 0
                && archived.iter().all(|m| m.copies.len() == 1 && m.renditions.len() == 1)
        );
        let changes = store.changes(&practice(), 0, usize::MAX).await.unwrap();
        let told = changes.iter().filter(|c| matches!(c.kind, ChangeKind::MessageArchived(_))).count();
        assert_eq!(told, archived.len());
        assert_eq!(count_key(&store).await as usize, archived.len().min(100_000));
        assert!(store.list(&practice(), None, 10).await.unwrap().is_empty());
        store.release_lease(&fence).await.unwrap();
        drop(store);

        drop(SqliteStore::open(&path, clock()).await.unwrap());
        assert_eq!(rows(&path, "SELECT count(*) FROM blob_chunk").await, 0, "the unfinished blob is swept");
        assert_eq!(check(&path).await, "ok");
    }
}

async fn count_key(store: &SqliteStore) -> usize {
    let query = PageQuery::new(practice(), vec![key_of("anna@example.org")], 100_000);
    store.count(&query).await.unwrap()
}

/// Asks a file behind the store's back.
async fn plain(path: &std::path::Path) -> sqlx::SqliteConnection {
    use sqlx::ConnectOptions;
    sqlx::sqlite::SqliteConnectOptions::new().filename(path).foreign_keys(false).connect().await.unwrap()
}

async fn rows(path: &std::path::Path, sql: &'static str) -> i64 {
    let (count,): (i64,) = sqlx::query_as(sql).fetch_one(&mut plain(path).await).await.unwrap();
    count
}

async fn check(path: &std::path::Path) -> String {
    let sql = "PRAGMA integrity_check";
    let (word,): (String,) = sqlx::query_as(sql).fetch_one(&mut plain(path).await).await.unwrap();
    word
}

async fn execute(path: &std::path::Path, sql: &'static str) {
    sqlx::raw_sql(sql).execute(&mut plain(path).await).await.unwrap();
}

#[tokio::test]
async fn a_second_store_on_the_file_is_refused_until_the_lease_is_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.db");
    let (store, fence) = store_with_lease(&path).await;
    let other = SqliteStore::open(&path, clock()).await.unwrap();
    let busy = other.acquire_lease(&practice(), &account(), "test", 60).await.unwrap_err();
    assert_eq!(busy.kind(), ErrorKind::Busy);
    other.connect(&new_account("b")).await.unwrap();
    assert_eq!(other.accounts(&practice()).await.unwrap().len(), 2);
    store.release_lease(&fence).await.unwrap();
    let next = other.acquire_lease(&practice(), &account(), "other", 60).await.unwrap();
    assert!(next.token > fence.token);
    assert_eq!(store.commit_window(&fence, &window(1..2, 1)).await.unwrap_err().kind(), ErrorKind::FenceLost);
}

#[tokio::test]
async fn a_dropped_future_leaves_all_or_nothing_and_a_working_store() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.db");
    let (store, fence) = store_with_lease(&path).await;
    let (mut whole, mut first) = (0, 1);
    for polls in (0..600).step_by(7) {
        let window = window(first..first + 3, 100);
        let committing = store.commit_window(&fence, &window);
        let finished = poll_at_most(committing, polls).await;
        let seen = store.sync_state(&practice(), &account()).await.unwrap();
        let seen = seen.mailboxes.first().map_or(0, |mailbox| mailbox.cursor.seen.len());
        let stored = store.all_messages(&practice(), None, usize::MAX).await.unwrap().len() as u64;
        assert_eq!(seen, stored);
        assert!(stored == whole || stored == whole + 3);
        assert!(!finished || stored == whole + 3);
        if stored > whole {
            first += 3;
        }
        whole = stored;
        // Another process is not kept out by what was dropped.
        execute(&path, "PRAGMA busy_timeout = 500; BEGIN IMMEDIATE; COMMIT").await;
    }
    assert!(whole > 0);
}

/// Polls a future a number of times and drops it; says whether it was done.
async fn poll_at_most(future: impl Future, polls: usize) -> bool {
    let mut future = std::pin::pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return std::task::Poll::Ready(false);
        }
        left -= 1;
        let done = future.as_mut().poll(context).is_ready();
        if !done && left == 0 {
            return std::task::Poll::Ready(false);
        }
        if done { std::task::Poll::Ready(true) } else { std::task::Poll::Pending }
    })
    .await
}

#[tokio::test]
async fn a_disk_that_was_full_is_written_to_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.db");
    let (store, fence) = store_with_lease(&path).await;
    // The limit of pages is a connection's own: the trigger lets SQLite itself say that the disk is full.
    execute(&path, "CREATE TRIGGER full BEFORE INSERT ON posting BEGIN SELECT RAISE(ROLLBACK, 'full'); END")
        .await;
    store.commit_window(&fence, &window(1..3, 10)).await.unwrap_err();
    store.commit_window(&fence, &window(1..3, 10)).await.unwrap_err();
    execute(&path, "DROP TRIGGER full").await;
    assert_eq!(store.commit_window(&fence, &window(1..3, 10)).await.unwrap().new_messages, 2);
    assert_eq!(count_key(&store).await, 2);
}

#[tokio::test]
async fn a_file_of_a_newer_version_or_of_another_kind_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.db");
    drop(SqliteStore::open(&path, clock()).await.unwrap());
    execute(&path, "UPDATE meta SET schema_version = schema_version + 1 WHERE component = 'store'").await;
    drop(SqliteStore::open(&path, clock()).await.unwrap());
    execute(&path, "UPDATE meta SET min_reader = schema_version WHERE component = 'store'").await;
    let newer = SqliteStore::open(&path, clock()).await.unwrap_err();
    assert_eq!(newer.kind(), ErrorKind::StorageVersion);

    let text = dir.path().join("text");
    std::fs::write(&text, "not a database, but long enough to be looked at as one\n".repeat(200)).unwrap();
    assert_eq!(SqliteStore::open(&text, clock()).await.unwrap_err().kind(), ErrorKind::StorageCorrupt);
    let nowhere = dir.path().join("no/such/directory");
    assert_eq!(SqliteStore::open(&nowhere, clock()).await.unwrap_err().kind(), ErrorKind::Storage);
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let _kept = store_with_lease(&dir.path().join("mail.db")).await;
    let mut files = 0;
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
        files += 1;
    }
    assert_eq!(files, 4);
}

#[tokio::test]
async fn stores_opened_at_once_make_one_schema() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.db");
    let opening = (0..6).map(|_| tokio::spawn(SqliteStore::open(path.clone(), clock())));
    for opened in opening.collect::<Vec<_>>() {
        opened.await.unwrap().unwrap();
    }
    assert_eq!(rows(&path, "SELECT count(*) FROM meta").await, 1);
}

#[tokio::test]
async fn a_large_blob_is_spilled_named_and_read_by_ranges() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.db");
    let store = SqliteStore::open(&path, clock()).await.unwrap();
    let octets: Vec<u8> = (0..5_000_000u32).map(|n| n.to_le_bytes()[(n % 3) as usize]).collect();
    for _ in 0..2 {
        let mut writer = store.writer(&practice()).await.unwrap();
        for part in octets.chunks(70_001) {
            writer.write(part).await.unwrap();
            assert!(store.list(&practice(), None, 9).await.unwrap().len() <= 1);
        }
        let info = writer.finish().await.unwrap();
        assert_eq!((info.sha256, info.size), (Digest::of(&octets), octets.len() as u64));
    }
    let chunks = i64::try_from(octets.len().div_ceil(256 * 1024)).unwrap();
    assert_eq!(rows(&path, "SELECT count(*) FROM blob_chunk").await, chunks);
    assert_eq!(rows(&path, "SELECT count(*) FROM blob_staging").await, 0);
    let sha256 = Digest::of(&octets);
    for (offset, length) in
        [(0, 10), (262_140, 10), (262_144, 262_144), (1, 4_999_999), (4_999_999, 10), (5_000_000, 1)]
    {
        let read = store.read(&practice(), sha256, offset as u64, length).await.unwrap().unwrap();
        assert!(read == octets[offset..(offset + length).min(octets.len())], "{offset} {length}");
    }
    assert_eq!(store.read(&practice(), Digest::of(b"x"), 0, 1).await.unwrap(), None);
}

#[tokio::test]
async fn a_dropped_blob_is_swept_by_the_next_writer() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.db");
    let store = SqliteStore::open(&path, clock()).await.unwrap();
    let mut writer = store.writer(&practice()).await.unwrap();
    writer.write(&vec![1; 2 << 20]).await.unwrap();
    drop(writer);
    assert!(rows(&path, "SELECT count(*) FROM blob_chunk").await > 0);
    let small = store.writer(&practice()).await.unwrap();
    assert_eq!(rows(&path, "SELECT count(*) FROM blob_chunk").await, 0);
    let empty = small.finish().await.unwrap();
    assert_eq!(store.read(&practice(), empty.sha256, 0, 10).await.unwrap(), Some(Vec::new()));
}

#[tokio::test]
async fn a_writer_whose_body_was_swept_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.db");
    let store = SqliteStore::open(&path, clock()).await.unwrap();
    let mut writer = store.writer(&practice()).await.unwrap();
    writer.write(&vec![1; 2 << 20]).await.unwrap();
    drop(SqliteStore::open(&path, clock()).await.unwrap());
    assert_eq!(writer.finish().await.unwrap_err().kind(), ErrorKind::Storage);
    assert!(store.list(&practice(), None, 9).await.unwrap().is_empty());
}

/// A first sync of 25,000 messages of which every tenth matches.
#[tokio::test]
async fn a_first_sync_costs_the_store_seconds() {
    let dir = tempfile::tempdir().unwrap();
    let (store, fence) = store_with_lease(&dir.path().join("mail.db")).await;
    let started = std::time::Instant::now();
    for first in (1..25_000).step_by(200) {
        let mut window = window(first..first + 200, 2_000);
        window.copies.retain(|copy| copy.copy.place.uid.get() % 10 == 0);
        for copy in &window.copies {
            let mut writer = store.writer(&practice()).await.unwrap();
            writer.write(copy.parsed.text.as_bytes()).await.unwrap();
            writer.write(&copy.copy.place.uid.get().to_be_bytes()).await.unwrap();
            writer.finish().await.unwrap();
        }
        store.commit_window(&fence, &window).await.unwrap();
    }
    assert_eq!(count_key(&store).await, 2_500);
    // Generous: this is the profile of tests, on a machine that does other things as well.
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    println!("first sync: {:?}", started.elapsed());
}

#[tokio::test]
async fn copies_may_move_to_where_others_were() {
    let dir = tempfile::tempdir().unwrap();
    let (store, fence) = store_with_lease(&dir.path().join("mail.db")).await;
    let first = window(1..4, 10);
    store.commit_window(&fence, &first).await.unwrap();
    let mut next = Window::new(inbox(), validity());
    let place = |uid: u32| CopyPlace::new(account(), inbox(), validity(), Uid::new(uid).unwrap());
    next.moved = [(1, 2), (2, 3), (3, 1), (9, 2)]
        .map(|(a, b)| MovedCopy::new(place(a), place(b), vec![inbox()]))
        .into();
    store.commit_window(&fence, &next).await.unwrap();
    let uids = (1..10).filter_map(Uid::new).collect();
    let copies = store.copies_at(&practice(), &account(), &inbox(), validity(), &uids).await.unwrap();
    let found: Vec<_> = copies.iter().map(|c| (c.copy.place.uid.get(), c.message)).collect();
    let key = |n: usize| first.copies[n].message;
    assert_eq!(found, [(1, key(2)), (2, key(0)), (3, key(1))]);
    assert!(copies.iter().all(|c| c.copy.labels == [inbox()]));
}

#[tokio::test]
async fn disconnecting_gives_the_lease_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.db");
    let (store, _fence) = store_with_lease(&path).await;
    let other = SqliteStore::open(&path, clock()).await.unwrap();
    other.connect(&new_account("b")).await.unwrap();
    let b = AccountId::new("b").unwrap();
    assert_eq!(other.acquire_lease(&practice(), &b, "b", 60).await.unwrap_err().kind(), ErrorKind::Busy);
    store.disconnect(&practice(), &account()).await.unwrap();
    other.acquire_lease(&practice(), &b, "b", 60).await.unwrap();
}

#[tokio::test]
async fn a_copy_that_is_read_again_puts_back_what_was_lost() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.db");
    let (store, fence) = store_with_lease(&path).await;
    let window = window(1..3, 10);
    store.commit_window(&fence, &window).await.unwrap();
    let before = store.all_messages(&practice(), None, 9).await.unwrap();
    let lose = "
        PRAGMA foreign_keys = OFF;
        DELETE FROM posting; DELETE FROM link; DELETE FROM search_row; DELETE FROM rendition; DELETE FROM message";
    execute(&path, lose).await;
    let receipt = store.commit_window(&fence, &window).await.unwrap();
    assert_eq!((receipt.new_messages, receipt.new_copies), (0, 0));
    let after = store.all_messages(&practice(), None, 9).await.unwrap();
    for (mut before, after) in before.into_iter().zip(after) {
        before.arrival = after.arrival;
        assert_eq!(after, before);
    }
    let mut query = PageQuery::new(practice(), vec![key_of("anna@example.org")], 9);
    assert_eq!(store.count(&query).await.unwrap(), 2);
    query.filter.terms = SearchTerms::parse("message 2");
    assert_eq!(store.page(&query).await.unwrap()[0].message, window.copies[1].message);
    assert_eq!(store.count(&query).await.unwrap(), 1);
    let mut plain = plain(&path).await;
    let links: i64 = sqlx::query_scalar("SELECT count(*) FROM link").fetch_one(&mut plain).await.unwrap();
    assert_eq!(links, 2);
}
