//! The `SQLite` store where things go wrong beneath it: a full disk, a damaged file, another process that does not let go.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use practicemail::contract::{
    ArchivedCopy, BlobStore, Fence, MailStore, NewAccount, PageQuery, SystemClock, Window,
};
use practicemail::error::{Error, ErrorKind, Result};
use practicemail::settings::{AccountSettings, Login, ServerSettings, TlsMode};
use practicemail::storage::sqlite::SqliteStore;
use practicemail::types::{
    AccountId, Address, AddressingHeaders, CleanText, Copy, CopyPlace, Digest, Field, KeyDigest, MailboxName,
    MatchKey, MessageId, MessageKey, ParsedMessage, Participant, PracticeId, SearchTerms, Timestamp, Uid,
    UidValidity, UserId,
};
use sqlx::ConnectOptions;

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

fn key() -> KeyDigest {
    MatchKey::Address(Address::parse("carl@example.com").unwrap().key()).digest()
}

/// A message from the client, with so much text.
fn archived(uid: u32, text: usize) -> ArchivedCopy {
    let from = Address::parse("carl@example.com").unwrap();
    let mut headers = AddressingHeaders::default();
    headers.participants = vec![Participant::new(Field::From, from, CleanText::new("Carl"))];
    headers.message_id = MessageId::parse(&format!("<{uid}@example.com>"));
    let octets = Digest::of(&uid.to_be_bytes());
    let message = MessageKey::of(&headers, &octets);
    let mut parsed = ParsedMessage::default();
    parsed.headers = headers;
    parsed.subject = CleanText::new(&format!("Message {uid}"));
    parsed.text = "x".repeat(text);
    parsed.rendition = Some(octets);
    let inbox = MailboxName::from_wire("INBOX");
    let place = CopyPlace::new(account(), inbox, UidValidity::new(7).unwrap(), Uid::new(uid).unwrap());
    let copy = Copy::new(place, octets, text as u64, None);
    ArchivedCopy::new(message, Timestamp::from_unix(i64::from(uid)), parsed, copy, [key()].into())
}

/// So many messages in one transaction.
const WINDOW: u32 = 20;

fn window(number: u32, text: usize) -> Window {
    let uids = number * WINDOW + 1..number * WINDOW + 1 + WINDOW;
    let mut window = Window::new(MailboxName::from_wire("INBOX"), UidValidity::new(7).unwrap());
    window.seen = uids.clone().filter_map(Uid::new).collect();
    window.copies = uids.map(|uid| archived(uid, text)).collect();
    window
}

async fn open(path: &Path) -> Result<SqliteStore> {
    SqliteStore::open(path, Arc::new(SystemClock::new())).await
}

async fn store_with_lease(path: &Path) -> (SqliteStore, Fence) {
    let store = open(path).await.unwrap();
    store.connect(&new_account("a")).await.unwrap();
    let fence = store.acquire_lease(&practice(), &account(), "test", 600).await.unwrap();
    (store, fence)
}

/// What a reader is told of an archive.
#[derive(Debug, PartialEq)]
struct Answers {
    seen: u64,
    messages: Vec<(MessageKey, String)>,
    page: Vec<MessageKey>,
    found: Vec<MessageKey>,
    changes: usize,
}

async fn ask(store: &SqliteStore) -> Result<Answers> {
    let state = store.sync_state(&practice(), &account()).await?;
    let mut query = PageQuery::new(practice(), vec![key()], 10_000);
    let page = store.page(&query).await?.into_iter().map(|at| at.message).collect();
    query.filter.terms = SearchTerms::parse("message");
    let all = store.all_messages(&practice(), None, 10_000).await?;
    Ok(Answers {
        seen: state.mailboxes.first().map_or(0, |mailbox| mailbox.cursor.seen.len()),
        messages: all.into_iter().map(|m| (m.key, m.renditions[0].subject.as_str().to_owned())).collect(),
        page,
        found: store.page(&query).await?.into_iter().map(|at| at.message).collect(),
        changes: store.changes(&practice(), 0, 100_000).await?.len(),
    })
}

/// What is archived is whole windows, and everything tells of the same messages.
#[track_caller]
fn assert_whole(answers: &Answers) {
    assert_eq!(answers.messages.len() % WINDOW as usize, 0);
    assert_eq!(answers.seen, answers.messages.len() as u64);
    let all: BTreeSet<_> = answers.messages.iter().map(|(key, _)| *key).collect();
    assert_eq!(answers.page.iter().copied().collect::<BTreeSet<_>>(), all);
    assert_eq!(answers.found.iter().copied().collect::<BTreeSet<_>>(), all);
}

async fn integrity(path: &Path) -> String {
    let mut plain = sqlx::sqlite::SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut plain).await.unwrap()
}

/// A test of this binary that runs in a process of its own.
fn child_test(name: &str) -> [String; 5] {
    let binary = std::env::current_exe().unwrap().to_string_lossy().into_owned();
    [binary, name.to_owned(), "--exact".to_owned(), "--nocapture".to_owned(), "--ignored".to_owned()]
}

const PLACE: &str = "PRACTICEMAIL_TEST_PLACE";

fn place() -> Option<PathBuf> {
    std::env::var_os(PLACE).map(PathBuf::from)
}

/// A disk of three megabytes is filled, in a mount namespace of the child's own, so that nothing stays mounted.
#[test]
fn a_full_disk_leaves_whole_windows_and_a_store_that_goes_on_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=3m none \"$PRACTICEMAIL_TEST_PLACE\" || exit 77; exec \"$@\"";
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script, "sh"])
        .args(child_test("fills_its_disk"))
        .env(PLACE, dir.path())
        .output();
    match output {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(text.contains("1 passed"), "{text}");
        }
        Ok(output) if output.status.code() == Some(101) => {
            panic!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
        }
        other => eprintln!("LEFT OUT: no disk of its own could be mounted here: {other:?}"),
    }
}

/// Not a test: what the child does on its small disk.
#[tokio::test]
#[ignore = "runs on a small disk of its own"]
async fn fills_its_disk() {
    let Some(dir) = place() else { return };
    let path = dir.join("mail.db");
    let (store, fence) = store_with_lease(&path).await;
    // What somebody deletes when they make room.
    std::fs::write(dir.join("ballast"), vec![7; 1 << 20]).unwrap();
    let mut committed = 0;
    let refused = loop {
        match store.commit_window(&fence, &window(committed, 5_000)).await {
            Ok(_) => committed += 1,
            Err(error) => break error,
        }
    };
    assert!(committed > 0);
    assert_full(&refused);
    let before = ask(&store).await.unwrap();
    assert_whole(&before);
    assert_eq!(before.seen, u64::from(committed * WINDOW));
    for _ in 0..3 {
        assert_full(&store.commit_window(&fence, &window(committed, 5_000)).await.unwrap_err());
        let mut blob = store.writer(&practice()).await.unwrap();
        let written = blob.write(&vec![7; 2 << 20]).await;
        let finished = match written {
            Ok(()) => blob.finish().await.map(drop),
            Err(error) => Err(error),
        };
        assert_full(&finished.unwrap_err());
        assert_eq!(ask(&store).await.unwrap(), before, "reading goes on, and nothing is half-written");
    }
    assert!(store.list(&practice(), None, 9).await.unwrap().is_empty());

    std::fs::remove_file(dir.join("ballast")).unwrap();
    store.commit_window(&fence, &window(committed, 5_000)).await.unwrap();
    let after = ask(&store).await.unwrap();
    assert_whole(&after);
    assert_eq!(after.seen, before.seen + u64::from(WINDOW));
    store.close().await.unwrap();
    assert_eq!(integrity(&path).await, "ok");
}

/// Where no disk can be mounted, and where a quota ends it: a file that may not grow. Whether the system calls that full or not,
/// nothing is half-written.
#[test]
fn a_file_that_may_not_grow_keeps_whole_windows() {
    let dir = tempfile::tempdir().unwrap();
    // In blocks of 512 octets; the signal that comes with it is for programs that do not look at what `write` answers.
    let script = "trap '' XFSZ; ulimit -f 3000; exec \"$@\"";
    let output = Command::new("sh")
        .args(["-c", script, "sh"])
        .args(child_test("outgrows_its_file"))
        .env(PLACE, dir.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

/// Not a test: what the child does with its short file.
#[tokio::test]
#[ignore = "runs where files may not grow"]
async fn outgrows_its_file() {
    let Some(dir) = place() else { return };
    let path = dir.join("mail.db");
    let (store, fence) = store_with_lease(&path).await;
    let mut committed = 0;
    let refused = loop {
        match store.commit_window(&fence, &window(committed, 5_000)).await {
            Ok(_) => committed += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused.kind(), ErrorKind::Storage | ErrorKind::StorageFull), "{refused:?}");
    let answers = ask(&store).await.unwrap();
    assert_whole(&answers);
    assert_eq!(answers.seen, u64::from(committed * WINDOW));
    drop(store);
    assert_eq!(ask(&open(&path).await.unwrap()).await.unwrap(), answers);
    assert_eq!(integrity(&path).await, "ok");
}

#[track_caller]
fn assert_full(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::StorageFull, "{error:?}");
    assert_eq!(error.advice().remedy, "Make room; work then continues by itself.");
}

/// A closed file with a few windows in it, and what it answers.
async fn closed_archive(dir: &Path) -> (PathBuf, Answers) {
    let path = dir.join("mail.db");
    let (store, fence) = store_with_lease(&path).await;
    for number in 0..4 {
        store.commit_window(&fence, &window(number, 200)).await.unwrap();
    }
    store.release_lease(&fence).await.unwrap();
    let answers = ask(&store).await.unwrap();
    store.close().await.unwrap();
    (path, answers)
}

/// What a damaged copy of the file says: the right answer, or that it is damaged.
async fn ask_damaged(path: &Path, right: &Answers, what: &str) -> bool {
    let asked = async { ask(&open(path).await?).await };
    match tokio::time::timeout(Duration::from_secs(20), asked)
        .await
        .unwrap_or_else(|_| panic!("{what}: it hangs"))
    {
        Ok(answers) => {
            assert_eq!(&answers, right, "{what}: a wrong answer");
            false
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::StorageCorrupt, "{what}: {error:?}");
            assert_eq!(error.advice().remedy, "Restore it from a backup.");
            true
        }
    }
}

#[tokio::test]
async fn an_overwritten_page_is_told_or_does_not_matter() {
    let dir = tempfile::tempdir().unwrap();
    let (path, right) = closed_archive(dir.path()).await;
    let octets = std::fs::read(&path).unwrap();
    let pages = octets.len() / 4096;
    let (mut told, mut tried) = (0, 0);
    for page in 0..pages {
        let damage: Vec<u8> = match page % 3 {
            0 => vec![0; 4096],
            1 => vec![0xff; 4096],
            _ => (0..4096u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect(),
        };
        let dir = tempfile::tempdir().unwrap();
        let copy = dir.path().join("damaged.db");
        std::fs::write(&copy, &octets).unwrap();
        let mut file = std::fs::OpenOptions::new().write(true).open(&copy).unwrap();
        file.seek(SeekFrom::Start(page as u64 * 4096)).unwrap();
        file.write_all(&damage).unwrap();
        told += usize::from(ask_damaged(&copy, &right, &format!("page {page} of {pages}")).await);
        tried += 1;
    }
    assert!(told * 3 > tried, "{told} of {tried}: most pages are looked at");
}

#[tokio::test]
async fn a_file_cut_short_or_with_another_header_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (path, right) = closed_archive(dir.path()).await;
    let octets = std::fs::read(&path).unwrap();
    let half = octets.len() / 2;
    let mut garbled = octets.clone();
    garbled[..100].fill(0x5a);
    let damaged = [
        ("cut to half", octets[..half].to_vec()),
        ("cut within a page", octets[..half + 100].to_vec()),
        ("the last page missing", octets[..octets.len() - 4096].to_vec()),
        ("one page left", octets[..4096].to_vec()),
        ("a garbled header", garbled),
        ("text", b"not a database at all\n".repeat(1_000)),
    ];
    for (number, (what, octets)) in damaged.into_iter().enumerate() {
        let copy = dir.path().join(format!("damaged {number}"));
        std::fs::write(&copy, octets).unwrap();
        assert!(ask_damaged(&copy, &right, what).await, "{what}");
    }
    // Nothing is left in it that could be told: an empty file is a new store, as the operators' page says.
    let copy = dir.path().join("empty");
    std::fs::write(&copy, b"").unwrap();
    assert_eq!(ask(&open(&copy).await.unwrap()).await.unwrap().seen, 0);
}

/// The log ends where its check sums end to be right: what is missing then are the last transactions, together and whole.
#[tokio::test]
async fn a_damaged_log_loses_its_last_transactions_and_no_part_of_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.db");
    let (store, fence) = store_with_lease(&path).await;
    for number in 0..4 {
        store.commit_window(&fence, &window(number, 200)).await.unwrap();
    }
    let right = ask(&store).await.unwrap();
    let (file, log) = (std::fs::read(&path).unwrap(), std::fs::read(dir.path().join("mail.db-wal")).unwrap());
    let mut seen = BTreeSet::new();
    for part in 1..20 {
        let at = log.len() * part / 20;
        let mut garbled = log.clone();
        garbled[at] ^= 0x10;
        for (how, log) in [("garbled", garbled), ("cut", log[..at].to_vec())] {
            let copy = dir.path().join(format!("{how} {part}.db"));
            std::fs::write(&copy, &file).unwrap();
            std::fs::write(dir.path().join(format!("{how} {part}.db-wal")), log).unwrap();
            let answers = ask(&open(&copy).await.unwrap()).await.unwrap();
            assert_whole(&answers);
            assert!(right.messages.len() >= answers.messages.len());
            assert!(answers.messages.iter().all(|message| right.messages.contains(message)));
            seen.insert(answers.messages.len());
        }
    }
    assert!(seen.len() > 2, "{seen:?}");
}

/// A process that holds the lock of whoever writes until it is killed.
fn holder(path: &Path) -> Child {
    let [binary, arguments @ ..] = child_test("holds_the_lock");
    let mut child = Command::new(binary)
        .args(arguments)
        .env(PLACE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    assert!(lines.map_while(std::io::Result::ok).any(|line| line.starts_with("holding")));
    child
}

/// Not a test: what the other process does.
#[tokio::test]
#[ignore = "runs in the other process of the tests below"]
async fn holds_the_lock() {
    let Some(path) = place() else { return };
    let mut plain = sqlx::sqlite::SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut plain).await.unwrap();
    println!("\nholding");
    // Should nobody kill it.
    tokio::time::sleep(Duration::from_mins(2)).await;
}

#[tokio::test]
async fn another_process_that_writes_is_waited_for_and_reading_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.db");
    let (store, fence) = store_with_lease(&path).await;
    let mut child = holder(&path);
    assert_eq!(ask(&store).await.unwrap().seen, 0, "a reader waits for nobody");
    assert!(child.try_wait().unwrap().is_none(), "and it is held all the time");
    let writing = tokio::spawn({
        let store = store.clone();
        async move { store.commit_window(&fence, &window(0, 10)).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!writing.is_finished(), "a writer waits");
    child.kill().unwrap();
    child.wait().unwrap();
    writing.await.unwrap().unwrap();
    assert_whole(&ask(&store).await.unwrap());
}

#[tokio::test]
async fn another_process_that_does_not_let_go_is_told_as_busy() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.db");
    let (store, fence) = store_with_lease(&path).await;
    let mut child = holder(&path);
    let busy = store.commit_window(&fence, &window(0, 10)).await.unwrap_err();
    assert_eq!(busy.kind(), ErrorKind::Busy, "{busy:?}");
    assert!(busy.is_retryable());
    child.kill().unwrap();
    child.wait().unwrap();
    store.commit_window(&fence, &window(0, 10)).await.unwrap();
    assert_whole(&ask(&store).await.unwrap());
}
