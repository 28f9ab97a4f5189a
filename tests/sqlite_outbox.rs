//! What is special about the outbox in `SQLite`: processes that die or stop with a claim, and files restored from a backup. The
//! contract itself is checked by the conformance suite.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use practicemail::contract::{
    ArchivedCopy, BlobInfo, ChangeKind, Clock, ComposedMessage, Filing, MailStore, NewAccount, NewOutgoing,
    Outbox, OutboxQuery, Outgoing, OutgoingClaim, OutgoingDecision, OutgoingEnd, OutgoingState, OutgoingStep,
    OutgoingWork, RecipientState, Route, SendLimits, SystemClock, Window,
};
use practicemail::error::{ErrorKind, Result};
use practicemail::settings::{AccountSettings, Login, ServerSettings, TlsMode};
use practicemail::storage::sqlite::SqliteStore;
use practicemail::types::{
    AccountId, Address, AddressingHeaders, Copy, CopyPlace, Digest, Field, MailboxName, MessageId,
    MessageKey, OutgoingId, ParsedMessage, PracticeId, Timestamp, Uid, UidValidity, UserId,
};

/// The clock of the system, moved.
#[derive(Default)]
struct MovedClock(AtomicI64);

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        SystemClock::new().now().plus(self.0.load(Ordering::SeqCst))
    }
}

fn practice() -> PracticeId {
    PracticeId::new("p").unwrap()
}

fn account() -> AccountId {
    AccountId::new("a").unwrap()
}

fn client() -> Address {
    Address::parse("client@example.com").unwrap()
}

fn id(number: u8) -> OutgoingId {
    OutgoingId::from_random([number; 16])
}

fn intent(number: u8) -> NewOutgoing {
    let digest = Digest::of(&[number]);
    let composed = ComposedMessage {
        message: MessageKey::of(&AddressingHeaders::default(), &digest),
        message_id: MessageId::parse(&format!("<{number}@example.org>")).unwrap(),
        rendition: digest,
        octets: BlobInfo::new(digest, 1),
        reverse_path: Address::parse("anna@example.org").unwrap(),
    };
    let to = vec![(Field::To, client())];
    let author = UserId::new("u").unwrap();
    NewOutgoing::new(practice(), id(number), author, Route::Noreply, composed, to)
}

fn sent() -> OutgoingEnd {
    OutgoingEnd::Sent {
        recipients: vec![(client(), RecipientState::Accepted, String::new())],
        filing: Filing::Not,
        archived: None,
        failure: None,
        next_try: None,
    }
}

async fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, Arc::new(SystemClock::new())).await.unwrap()
}

async fn claim(store: &SqliteStore, number: u8) -> Result<OutgoingClaim> {
    store.claim_outgoing(&practice(), id(number), "test", 600, SendLimits::default()).await
}

async fn deliver(store: &SqliteStore, number: u8) {
    store.enqueue(&intent(number)).await.unwrap();
    let claim = claim(store, number).await.unwrap();
    store.confirm_outgoing(&claim, 600).await.unwrap();
    store.finish_outgoing(&claim, &sent()).await.unwrap();
}

async fn item(store: &SqliteStore, number: u8) -> Outgoing {
    store.outgoing(&practice(), id(number)).await.unwrap().unwrap()
}

/// Runs the test `name` of this binary again, in a process of its own, with `PRACTICEMAIL_TEST_FILE` set, until it has its claim.
fn process_with_claim(file: &Path) -> std::process::Child {
    use std::io::BufRead;
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["holds_a_claim_until_killed", "--exact", "--nocapture", "--ignored"])
        .env("PRACTICEMAIL_TEST_FILE", file)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let lines = std::io::BufReader::new(child.stdout.as_mut().unwrap()).lines();
    assert!(lines.map_while(std::result::Result::ok).any(|line| line == "claimed"), "it got no claim");
    child
}

/// Not a test: what the other process of the tests below does until it is killed.
#[tokio::test]
#[ignore = "runs in the other process of the tests of claims"]
async fn holds_a_claim_until_killed() {
    let Some(file) = std::env::var_os("PRACTICEMAIL_TEST_FILE").map(PathBuf::from) else { return };
    let store = open(&file).await;
    store.enqueue(&intent(1)).await.unwrap();
    let held = claim(&store, 1).await.unwrap();
    store.confirm_outgoing(&held, 600).await.unwrap();
    println!("\nclaimed");
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn the_claim_of_a_killed_process_is_recovered_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.db");
    let mut child = process_with_claim(&path);
    let store = open(&path).await;
    assert_eq!(claim(&store, 1).await.unwrap_err().kind(), ErrorKind::Busy);
    assert_eq!(store.due_outgoing(&practice(), 9).await.unwrap(), []);
    deliver(&store, 2).await;
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(store.due_outgoing(&practice(), 9).await.unwrap(), [id(1)]);
    assert_eq!(claim(&store, 1).await.unwrap().work, OutgoingWork::Recover);
}

#[cfg(unix)]
#[tokio::test]
async fn the_claim_of_a_stopped_process_is_respected_until_it_expires() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.db");
    let mut child = process_with_claim(&path);
    let signal = std::process::Command::new("kill").args(["-STOP", &child.id().to_string()]).status();
    assert!(signal.unwrap().success());
    let clock = Arc::new(MovedClock::default());
    let store = SqliteStore::open(&path, clock.clone()).await.unwrap();
    assert_eq!(claim(&store, 1).await.unwrap_err().kind(), ErrorKind::Busy);
    clock.0.store(700, Ordering::SeqCst);
    let claim = claim(&store, 1).await.unwrap();
    assert_eq!((claim.work, claim.token), (OutgoingWork::Recover, 2));
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Copies the database as backups do: whole, and nothing of what lies beside it.
async fn back_up(path: &Path) -> PathBuf {
    use sqlx::ConnectOptions;
    let to = path.with_extension("backup");
    std::fs::remove_file(&to).ok();
    let mut plain = sqlx::sqlite::SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    sqlx::query("VACUUM INTO ?1").bind(to.to_str().unwrap()).execute(&mut plain).await.unwrap();
    sqlx::Connection::close(plain).await.unwrap();
    to
}

/// Puts a backup in the place of a database that nobody has open any more.
async fn restore(store: SqliteStore, path: &Path, backup: &Path) -> SqliteStore {
    store.close().await.unwrap();
    drop(store);
    assert!(!path.with_extension("db-wal").exists(), "the database was not closed");
    std::fs::copy(backup, path).unwrap();
    open(path).await
}

#[tokio::test]
async fn what_is_queued_in_a_restored_backup_waits_for_a_person() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.db");
    let store = open(&path).await;
    deliver(&store, 1).await;
    for number in [2, 3, 4] {
        store.enqueue(&intent(number)).await.unwrap();
    }
    let backup = back_up(&path).await;
    deliver(&store, 2).await;

    let store = restore(store, &path, &backup).await;
    for number in [2, 3, 4] {
        assert!(item(&store, number).await.held);
        assert_eq!(claim(&store, number).await.unwrap_err().kind(), ErrorKind::NotFound);
    }
    assert_eq!(item(&store, 1).await.state, OutgoingState::Sent);
    assert_eq!(store.due_outgoing(&practice(), 9).await.unwrap(), []);
    let told = store.changes(&practice(), 0, 99).await.unwrap();
    let waits = |number| ChangeKind::Outgoing(id(number), OutgoingStep::Queued);
    assert_eq!(told.iter().filter(|change| change.kind == waits(2)).count(), 2);

    store.enqueue(&intent(5)).await.unwrap();
    let store = restore(store, &path, &back_up(&path).await).await;
    assert!(!item(&store, 5).await.held && item(&store, 3).await.held);
    for (decision, number, state) in [
        (OutgoingDecision::WasSent, 2, OutgoingState::Sent),
        (OutgoingDecision::SendAgain, 3, OutgoingState::Queued),
        (OutgoingDecision::GiveUp, 4, OutgoingState::Cancelled),
    ] {
        assert_eq!(
            store.decide_outgoing(&practice(), id(number), decision, None).await.unwrap().state,
            state
        );
    }
    assert_eq!(store.due_outgoing(&practice(), 9).await.unwrap(), [id(3), id(5)]);
    assert_eq!(claim(&store, 3).await.unwrap().work, OutgoingWork::Deliver);
}

/// A backup made between claim and permit says that nothing left; since then it has.
#[tokio::test]
async fn what_was_being_sent_when_the_backup_was_made_is_in_doubt() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.db");
    let store = open(&path).await;
    store.enqueue(&intent(1)).await.unwrap();
    let held = claim(&store, 1).await.unwrap();
    let backup = back_up(&path).await;
    store.confirm_outgoing(&held, 600).await.unwrap();
    store.finish_outgoing(&held, &sent()).await.unwrap();
    let store = restore(store, &path, &backup).await;
    assert_eq!(claim(&store, 1).await.unwrap().work, OutgoingWork::Recover);
}

/// Nothing leaves without a permit.
#[tokio::test]
async fn who_dies_before_the_permit_is_followed_by_another_try() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.db");
    let store = open(&path).await;
    store.enqueue(&intent(1)).await.unwrap();
    claim(&store, 1).await.unwrap();
    drop(store);
    let store = open(&path).await;
    assert_eq!(claim(&store, 1).await.unwrap().work, OutgoingWork::Deliver);
}

#[tokio::test]
async fn a_backup_of_before_something_was_taken_back_is_told_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.db");
    let store = open(&path).await;
    store.enqueue(&intent(1)).await.unwrap();
    let backup = back_up(&path).await;
    store.cancel_outgoing(&practice(), id(1)).await.unwrap();
    let store = restore(store, &path, &backup).await;
    assert!(item(&store, 1).await.held);
}

/// A snapshot of the whole disk brings the file beside the database back with it.
#[tokio::test]
async fn a_restore_the_host_tells_of_holds_what_is_queued() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("mail.db")).await;
    store.enqueue(&intent(1)).await.unwrap();
    store.restored().await.unwrap();
    assert!(item(&store, 1).await.held);
    store.enqueue(&intent(2)).await.unwrap();
    assert_eq!(store.due_outgoing(&practice(), 9).await.unwrap(), [id(2)]);
}

#[tokio::test]
async fn a_backup_since_which_nothing_was_sent_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.db");
    let store = open(&path).await;
    deliver(&store, 1).await;
    store.enqueue(&intent(2)).await.unwrap();
    let backup = back_up(&path).await;
    store.enqueue(&intent(3)).await.unwrap();
    let store = restore(store, &path, &backup).await;
    assert!(!item(&store, 2).await.held);
    assert_eq!(store.outbox(&practice(), &OutboxQuery::newest(9)).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_copy_elsewhere_holds_what_is_queued_once_something_was_sent() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.db");
    let store = open(&path).await;
    store.enqueue(&intent(1)).await.unwrap();
    let fresh = back_up(&path).await;
    let elsewhere = dir.path().join("fresh.db");
    std::fs::rename(fresh, &elsewhere).unwrap();
    assert!(!item(&open(&elsewhere).await, 1).await.held);

    deliver(&store, 2).await;
    let used = back_up(&path).await;
    let elsewhere = dir.path().join("used.db");
    std::fs::rename(used, &elsewhere).unwrap();
    assert!(item(&open(&elsewhere).await, 1).await.held);
}

#[tokio::test]
async fn a_crash_between_the_two_files_holds_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.db");
    let store = open(&path).await;
    deliver(&store, 1).await;
    store.enqueue(&intent(2)).await.unwrap();
    let backup = back_up(&path).await;
    // The file says what comes next, and the process died before its commit.
    let beside = path.with_extension("db-outbox");
    let number = std::fs::read_to_string(&beside).unwrap();
    assert_eq!(number.lines().count(), 1);
    std::fs::write(&beside, format!("{number}\n{}", "0".repeat(32))).unwrap();
    let store = restore(store, &path, &backup).await;
    assert!(!item(&store, 2).await.held);
}

#[tokio::test]
async fn a_copy_in_the_sent_mailbox_shows_that_a_held_intent_was_sent() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.db");
    let store = open(&path).await;
    let server = ServerSettings::new("imap.example.org", 993, TlsMode::Implicit).unwrap();
    let settings = AccountSettings::new(server, Login::new("anna").unwrap());
    let (user, address) = (UserId::new("u").unwrap(), Address::parse("anna@example.org").unwrap());
    store.connect(&NewAccount::new(practice(), account(), user, address, settings)).await.unwrap();
    let mut intent = intent(1);
    intent.route = Route::Own(account());
    store.enqueue(&intent).await.unwrap();
    let backup = back_up(&path).await;
    deliver(&store, 1).await;
    let store = restore(store, &path, &backup).await;
    assert!(item(&store, 1).await.held);

    let (sent, validity) = (MailboxName::from_wire("Sent"), UidValidity::new(7).unwrap());
    let place = CopyPlace::new(account(), sent.clone(), validity, Uid::new(1).unwrap());
    let copy = Copy::new(place, Digest::of(b"octets"), 6, None);
    let mut parsed = ParsedMessage::default();
    parsed.outgoing = Some(id(1));
    let mut archived = ArchivedCopy::new(
        MessageKey::of(&AddressingHeaders::default(), &Digest::of(b"another")),
        Timestamp::from_unix(1),
        parsed,
        copy,
        std::collections::BTreeSet::new(),
    );
    archived.in_sent = true;
    let mut window = Window::new(sent, validity);
    window.copies = vec![archived];
    let fence = store.acquire_lease(&practice(), &account(), "test", 60).await.unwrap();
    store.commit_window(&fence, &window).await.unwrap();
    let item = item(&store, 1).await;
    assert_eq!((item.state, item.held, item.filing), (OutgoingState::Sent, false, Filing::Server));
}
