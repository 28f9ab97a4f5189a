//! The store of the example `custom_store`, over an engine this crate knows nothing of: it keeps every contract of storage; and what no suite
//! can look for (O9, A12, who may read the file) is looked for here.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use practicemail::conformance::{self, Seed};
use practicemail::contract::{
    Archive as _, ArchivedCopy, BlobInfo, BlobStore as _, Change, ChangeKind, ComposedMessage, EraseReason,
    Erasure, MailStore as _, NewAccount, NewOutgoing, Outbox as _, OutgoingDecision, OutgoingWork, Route,
    SendLimits, SystemClock, Window,
};
use practicemail::error::ErrorKind;
use practicemail::settings::{AccountSettings, Login, ServerSettings, TlsMode};
use practicemail::types::{
    AccountId, Address, AddressingHeaders, Copy, CopyPlace, Digest, Field, MailboxName, MessageId,
    MessageKey, OutgoingId, ParsedMessage, PracticeId, Timestamp, Uid, UidValidity, UserId,
};

#[path = "../examples/custom_store/store/mod.rs"]
mod store;

use store::FileStore;

#[tokio::test]
async fn it_is_a_mail_store() {
    conformance::store(async |seed: Seed| FileStore::in_memory(seed.clock).await.unwrap())
        .await
        .assert_passed();
}

#[tokio::test]
async fn it_is_a_credential_store() {
    conformance::credentials(async |seed: Seed| FileStore::in_memory(seed.clock).await.unwrap())
        .await
        .assert_passed();
}

#[tokio::test]
async fn it_is_a_blob_store() {
    conformance::blobs(async || FileStore::in_memory(Seed::new().clock).await.unwrap()).await.assert_passed();
}

/// How often a word stands in a file.
fn count(file: &Path, word: &str) -> usize {
    let octets = std::fs::read(file).unwrap();
    octets.windows(word.len()).filter(|window| *window == word.as_bytes()).count()
}

/// What is archived of one message that says `text`.
async fn archive(store: &FileStore, text: &str) -> MessageKey {
    let (practice, account) = (PracticeId::new("p").unwrap(), AccountId::new("a").unwrap());
    let server = ServerSettings::new("imap.example.org", 993, TlsMode::Implicit).unwrap();
    let settings = AccountSettings::new(server, Login::new("anna").unwrap());
    let (user, address) = (UserId::new("anna").unwrap(), Address::parse("anna@hale.example").unwrap());
    let new = NewAccount::new(practice.clone(), account.clone(), user, address, settings);
    store.connect(&new).await.unwrap();
    let fence = store.acquire_lease(&practice, &account, "test", 60).await.unwrap();

    let (mailbox, validity) = (MailboxName::from_wire("INBOX"), UidValidity::new(1).unwrap());
    let octets = Digest::of(text.as_bytes());
    let mut parsed = ParsedMessage::default();
    parsed.text = text.to_owned();
    let message = MessageKey::of(&parsed.headers, &octets);
    let place = CopyPlace::new(account, mailbox.clone(), validity, Uid::new(1).unwrap());
    let copy = Copy::new(place, octets, 100, None);
    let mut window = Window::new(mailbox, validity);
    window.copies.push(ArchivedCopy::new(message, Timestamp::from_unix(0), parsed, copy, BTreeSet::new()));
    store.commit_window(&fence, &window).await.unwrap();
    message
}

#[tokio::test]
async fn what_is_purged_is_in_the_file_no_more() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("mail.redb");
    let store = FileStore::open(&file, Arc::new(SystemClock::new())).await.unwrap();
    let message = archive(&store, "the quincunx of quinces").await;
    assert!(count(&file, "quincunx") > 0);

    let practice = PracticeId::new("p").unwrap();
    let erasure = Erasure::new(practice.clone(), vec![message], EraseReason::Message);
    assert_eq!(store.erase_messages(&erasure).await.unwrap().messages, [message]);
    store.purge().await.unwrap();
    assert_eq!(count(&file, "quincunx"), 0);

    // It goes on in the new file, and that is the one which is opened next.
    store.record_export(&practice, None).await.unwrap();
    let last = store.last_change(&practice).await.unwrap();
    drop(store);
    let store = FileStore::open(&file, Arc::new(SystemClock::new())).await.unwrap();
    assert_eq!(store.last_change(&practice).await.unwrap(), last);
    assert_eq!(store.barred(&practice, &[message]).await.unwrap(), [message].into());
}

#[tokio::test]
async fn a_writer_that_is_dropped_leaves_no_octets_behind_once_the_file_is_opened_again() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("mail.redb");
    let practice = PracticeId::new("p").unwrap();
    let store = FileStore::open(&file, Arc::new(SystemClock::new())).await.unwrap();
    let mut kept = store.writer(&practice).await.unwrap();
    let mut dropped = store.writer(&practice).await.unwrap();
    let octets = vec![7; 1_000_000];
    kept.write(&octets).await.unwrap();
    dropped.write(&vec![8; 1_000_000]).await.unwrap();
    let blob = kept.finish().await.unwrap();
    drop((dropped, store));

    let store = FileStore::open(&file, Arc::new(SystemClock::new())).await.unwrap();
    store.purge().await.unwrap();
    assert_eq!(store.read(&practice, blob.sha256, 0, usize::MAX).await.unwrap().unwrap(), octets);
    assert_eq!(count(&file, &"\u{8}".repeat(1_000)), 0);
}

#[tokio::test]
async fn a_change_whose_future_is_dropped_happens_whole_or_not_at_all() {
    let store = FileStore::in_memory(Arc::new(SystemClock::new())).await.unwrap();
    let practice = PracticeId::new("p").unwrap();
    for polls in 0..20 {
        let before = store.last_change(&practice).await.unwrap();
        let text = format!("letter {polls}");
        let dropped = archive(&store, &text);
        let given_up = tokio::time::timeout(std::time::Duration::from_micros(polls * 50), dropped).await;
        // What had begun is over when the next change has had its turn.
        store.record_export(&practice, None).await.unwrap();
        let messages = store.all_messages(&practice, None, usize::MAX).await.unwrap();
        let changes = store.changes(&practice, before, usize::MAX).await.unwrap();
        let told = |change: &Change| match change.kind {
            ChangeKind::MessageArchived(message) => Some(message),
            _ => None,
        };
        let told: Vec<_> = changes.iter().filter_map(told).collect();
        assert!(told.iter().all(|told| messages.iter().any(|message| message.key == *told)));
        assert!(given_up.is_err() || told.len() == 1, "{told:?}");
    }
}

fn intent(practice: &PracticeId) -> NewOutgoing {
    let octets = Digest::of(b"the message");
    let message_id = MessageId::parse("<1@hale.example>").unwrap();
    let mut headers = AddressingHeaders::default();
    headers.message_id = Some(message_id.clone());
    let composed = ComposedMessage {
        message: MessageKey::of(&headers, &octets),
        message_id,
        rendition: octets,
        octets: BlobInfo::new(octets, 11),
        reverse_path: Address::parse("anna@hale.example").unwrap(),
    };
    let (id, anna) = (OutgoingId::from_random([7; 16]), UserId::new("anna").unwrap());
    let to = vec![(Field::To, Address::parse("paula@bakery.example").unwrap())];
    NewOutgoing::new(practice.clone(), id, anna, Route::Noreply, composed, to)
}

/// O9: what is queued in a backup may have left since.
#[tokio::test]
async fn what_a_backup_has_queued_waits_for_a_person() {
    let home = tempfile::tempdir().unwrap();
    let (file, backup) = (home.path().join("mail.redb"), home.path().join("backup.redb"));
    let practice = PracticeId::new("p").unwrap();
    let queued = intent(&practice);
    let store = FileStore::open(&file, Arc::new(SystemClock::new())).await.unwrap();
    store.enqueue(&queued).await.unwrap();
    drop(store);
    std::fs::copy(&file, &backup).unwrap();

    let store = FileStore::open(&file, Arc::new(SystemClock::new())).await.unwrap();
    let claim = async |store: &FileStore| {
        store.claim_outgoing(&practice, queued.id, "test", 60, SendLimits::default()).await
    };
    assert_eq!(claim(&store).await.unwrap().work, OutgoingWork::Deliver);
    drop(store);

    std::fs::copy(&backup, &file).unwrap();
    let store = FileStore::open(&file, Arc::new(SystemClock::new())).await.unwrap();
    store.restored().await.unwrap();
    assert_eq!(claim(&store).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(store.outgoing(&practice, queued.id).await.unwrap().unwrap().held);
    let again = OutgoingDecision::SendAgain;
    store.decide_outgoing(&practice, queued.id, again, None).await.unwrap();
    assert_eq!(claim(&store).await.unwrap().work, OutgoingWork::Deliver);
}

/// It holds the mail of a practice: nobody else reads it, and what its owner settles stays through a purge, behind a link as well.
#[cfg(unix)]
#[tokio::test]
async fn the_file_is_its_owners() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let mode = |file: &Path| std::fs::metadata(file).unwrap().permissions().mode() & 0o777;
    let home = tempfile::tempdir().unwrap();
    let (file, link) = (home.path().join("mail.redb"), home.path().join("link.redb"));
    symlink(&file, &link).unwrap();
    let store = FileStore::open(&link, Arc::new(SystemClock::new())).await.unwrap();
    assert_eq!(mode(&file), 0o600);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    store.purge().await.unwrap();
    assert_eq!(mode(&file), 0o640);
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 2);
}

/// Who starts a second process is told what is in the way.
#[tokio::test]
async fn a_file_that_is_open_is_said_to_be() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("mail.redb");
    let _open = FileStore::open(&file, Arc::new(SystemClock::new())).await.unwrap();
    let error = FileStore::open(&file, Arc::new(SystemClock::new())).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error:?}");
}
