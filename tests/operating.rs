//! What `docs/operating.md` tells operators to do, done.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use practicemail::PracticeMail;
use practicemail::contract::{
    CredentialField, CredentialStore, KeyProvider, MailStore, NewAccount, Practice, SystemClock,
};
use practicemail::error::ErrorKind;
use practicemail::practice_mail::Storage;
use practicemail::settings::{AccountSettings, Login, ServerSettings, TlsMode};
use practicemail::storage::sqlite::SqliteStore;
use practicemail::storage::{FileKey, MemoryDirectory, Sealer};
use practicemail::types::{AccountId, Address, PracticeId, Secret, UserId};

fn practice() -> PracticeId {
    PracticeId::new("p").unwrap()
}

fn account(id: &str) -> AccountId {
    AccountId::new(id).unwrap()
}

async fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, Arc::new(SystemClock::new())).await.unwrap()
}

async fn connect(store: &SqliteStore, id: &str) {
    let server = ServerSettings::new("imap.example.org", 993, TlsMode::Implicit).unwrap();
    let settings = AccountSettings::new(server, Login::new("anna").unwrap());
    let address = Address::parse("anna@example.org").unwrap();
    let account = NewAccount::new(practice(), account(id), UserId::new("u").unwrap(), address, settings);
    store.connect(&account).await.unwrap();
}

async fn plain(path: &Path) -> sqlx::SqliteConnection {
    use sqlx::ConnectOptions;
    sqlx::sqlite::SqliteConnectOptions::new().filename(path).connect().await.unwrap()
}

#[tokio::test]
async fn a_backup_is_made_while_the_store_is_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.db");
    let store = open(&path).await;
    connect(&store, "a").await;
    let into = format!("VACUUM INTO '{}'", dir.path().join("backup.db").display());
    sqlx::raw_sql(sqlx::AssertSqlSafe(into)).execute(&mut plain(&path).await).await.unwrap();
    connect(&store, "b").await;

    let backup = open(&dir.path().join("backup.db")).await;
    let accounts = backup.accounts(&practice()).await.unwrap();
    assert_eq!(accounts.len(), 1, "as it was at that moment");
    let check: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(&mut plain(&dir.path().join("backup.db")).await)
        .await
        .unwrap();
    assert_eq!(check, "ok");
}

async fn seal(store: &SqliteStore, keys: &Arc<FileKey>, id: &str) {
    let sealer = Sealer::new(keys.clone());
    let field = CredentialField::IncomingPassword;
    let sealed = sealer.seal(&practice(), &account(id), field, &Secret::new("a password")).await.unwrap();
    store.replace(&practice(), &account(id), field, sealed, None).await.unwrap();
}

#[tokio::test]
async fn a_new_key_seals_from_the_next_start_on_and_the_old_one_stays_as_long_as_it_is_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let (path, key_file) = (dir.path().join("mail.db"), dir.path().join("mail.key"));
    let store = open(&path).await;
    let running = Arc::new(FileKey::open_or_create(&key_file, &store).await.unwrap());
    for id in ["a", "b"] {
        connect(&store, id).await;
        seal(&store, &running, id).await;
    }
    let mut lines = std::fs::read_to_string(&key_file).unwrap();
    lines += &["practicemail-key 1 2 ", &"0b".repeat(32), "\n"].concat();
    std::fs::write(&key_file, lines).unwrap();
    assert_eq!(running.current().await.unwrap().id(), 1, "until it is started again");
    let started = Arc::new(FileKey::open(&key_file).await.unwrap());

    for (sealed_anew, numbers) in
        [(None, &["00000001"][..]), (Some("a"), &["00000001", "00000002"]), (Some("b"), &["00000002"])]
    {
        if let Some(id) = sealed_anew {
            seal(&store, &started, id).await;
        }
        assert_eq!(in_use(&path).await, numbers);
        for (keys, id) in [(&running, "a"), (&started, "b")] {
            let field = CredentialField::IncomingPassword;
            let record = store.load(&practice(), &account(id), field).await.unwrap().unwrap();
            let sealer = Sealer::new(keys.clone());
            let opened = sealer.open(&practice(), &account(id), field, &record.octets).await.unwrap();
            assert_eq!(opened.expose(), "a password");
        }
    }
}

/// The numbers of the keys that seal something.
async fn in_use(path: &Path) -> Vec<String> {
    let select = "SELECT DISTINCT hex(substr(octets, 2, 4)) FROM credential ORDER BY 1";
    sqlx::query_scalar(select).fetch_all(&mut plain(path).await).await.unwrap()
}

#[tokio::test]
async fn after_resealing_the_old_key_is_of_no_use() {
    let dir = tempfile::tempdir().unwrap();
    let (path, key_file) = (dir.path().join("mail.db"), dir.path().join("mail.key"));
    let store = open(&path).await;
    let old = Arc::new(FileKey::open_or_create(&key_file, &store).await.unwrap());
    for id in ["a", "b"] {
        connect(&store, id).await;
    }
    // What the practice keeps for itself is sealed as users' secrets are.
    let noreply = (account("#noreply"), CredentialField::OutgoingPassword);
    let grant = (account("b"), CredentialField::Grant);
    let password = (account("a"), CredentialField::IncomingPassword);
    for (account, field) in [&noreply, &grant, &password] {
        let sealed = Sealer::new(old.clone()).seal(&practice(), account, *field, &Secret::new("it")).await;
        store.replace(&practice(), account, *field, sealed.unwrap(), None).await.unwrap();
    }
    let new_line = ["practicemail-key 1 2 ", &"0b".repeat(32), "\n"].concat();
    let lines = std::fs::read_to_string(&key_file).unwrap() + &new_line;
    std::fs::write(&key_file, lines).unwrap();

    let directory = MemoryDirectory::new();
    directory.put_practice(Practice::new(practice(), "A practice"));
    let (directory, store) = (Arc::new(directory), Arc::new(store));
    let door = async || {
        let keys = FileKey::open(&key_file).await.unwrap();
        PracticeMail::new(directory.clone(), Storage::of(store.clone()), Arc::new(keys))
    };
    // Somebody renews the token at the same time, and is not overwritten: their turn ends, and then it is this one's.
    let version = store.load(&practice(), &grant.0, grant.1).await.unwrap().unwrap().version;
    let claim = store.claim(&practice(), &grant.0, grant.1, version, 60).await.unwrap().unwrap();
    let renewing = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let renewed = Sealer::new(old.clone());
        let sealed = renewed.seal(&practice(), &grant.0, grant.1, &Secret::new("renewed")).await.unwrap();
        store.replace(&practice(), &grant.0, grant.1, sealed, Some(claim)).await.unwrap().unwrap();
    };
    let mail = door().await;
    let practice_id = practice();
    let (resealed, ()) = tokio::join!(mail.reseal(&practice_id), renewing);
    let resealed = resealed.unwrap();
    assert_eq!((resealed.anew, resealed.current, resealed.unreadable.len()), (3, 0, 0));
    assert_eq!(in_use(&path).await, ["00000002"]);
    let again = mail.reseal(&practice_id).await.unwrap();
    assert_eq!((again.anew, again.current), (0, 3));

    std::fs::write(&key_file, new_line).unwrap();
    let new = Arc::new(FileKey::open(&key_file).await.unwrap());
    for ((account, field), secret) in [(&noreply, "it"), (&grant, "renewed"), (&password, "it")] {
        let record = store.load(&practice(), account, *field).await.unwrap().unwrap();
        let opened = Sealer::new(new.clone()).open(&practice(), account, *field, &record.octets).await;
        assert_eq!(opened.unwrap().expose(), secret);
    }

    // What an older key sealed that is gone is told, and nothing else waits for it.
    seal(&store, &old, "a").await;
    let left = door().await.reseal(&practice_id).await.unwrap();
    assert_eq!((left.current, left.unreadable), (2, [account("a")].into()));
}

#[tokio::test]
async fn a_lost_key_is_replaced_by_one_of_another_number() {
    let dir = tempfile::tempdir().unwrap();
    let key_file = dir.path().join("mail.key");
    let store = open(&dir.path().join("mail.db")).await;
    let lost = Arc::new(FileKey::open_or_create(&key_file, &store).await.unwrap());
    for id in ["a", "b"] {
        connect(&store, id).await;
        seal(&store, &lost, id).await;
    }
    std::fs::remove_file(&key_file).unwrap();
    let refused = FileKey::open_or_create(&key_file, &store).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::KeyUnavailable);

    let mut file = std::fs::OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    let mut file = file.write(true).create_new(true).open(&key_file).unwrap();
    writeln!(file, "practicemail-key 1 2 {}", "0c".repeat(32)).unwrap();
    let keys = Arc::new(FileKey::open_or_create(&key_file, &store).await.unwrap());
    seal(&store, &keys, "a").await;
    let field = CredentialField::IncomingPassword;
    for (id, opened) in [("a", Ok("a password")), ("b", Err(ErrorKind::KeyUnavailable))] {
        let record = store.load(&practice(), &account(id), field).await.unwrap().unwrap();
        let secret = Sealer::new(keys.clone()).open(&practice(), &account(id), field, &record.octets).await;
        let secret = secret.as_ref().map(Secret::expose).map_err(practicemail::error::Error::kind);
        assert_eq!(secret, opened);
    }
}
