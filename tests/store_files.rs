//! A store's file of every release is opened by all that come after it. `tests/fixtures/stores` holds one for each version of the tables
//! that a release wrote; a release that changes the tables adds its own before it is tagged:
//!
//! `cargo test --all-features --test store_files -- --ignored writes_the_file_of_this_version`
//!
//! A file that is there is never written anew: its worth is that an earlier version wrote it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use practicemail::PracticeMail;
use practicemail::contract::{
    ChangeKind, ClientKey, CredentialField, CredentialStore, OutboxQuery, OutgoingState, Practice, Role,
    SystemClock, User,
};
use practicemail::error::Result;
use practicemail::net::EgressPolicy;
use practicemail::practice_mail::{
    ConnectRequest, Direction, ExportSink, Exported, ExportedMessage, Scope, Storage, TabQuery, Viewer,
};
use practicemail::settings::{AccountSettings, Login, ServerSettings, TlsMode};
use practicemail::storage::sqlite::SqliteStore;
use practicemail::storage::{MemoryDirectory, Sealer, StaticKey};
use practicemail::testkit::{ImapServer, SmtpServer, imap::Personality};
use practicemail::types::{
    AccountId, Address, Answer, ClientId, Draft, PracticeId, Secret, Timestamp, UserId,
};

const LETTER: &str = "From: Paula Marlow <paula@bakery.example>\r\nTo: Anna Hale <anna@hale.example>\r\n\
    Subject: Our VAT return\r\nMessage-ID: <1@bakery.example>\r\nDate: Mon, 12 Jan 2026 10:00:00 +0000\r\n\r\nIs it done?\r\n";
const RECEIPTS: &str = "From: Paula Marlow <paula@bakery.example>\r\nTo: Anna Hale <anna@hale.example>\r\n\
    Subject: =?utf-8?q?Receipts_f=C3=BCr_January?=\r\nMessage-ID: <2@bakery.example>\r\nDate: Wed, 14 Jan 2026 09:30:00 +0100\r\n\
    MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nFlour and sugar.\r\n\
    --b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=receipts.pdf\r\n\
    Content-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQK\r\n--b--\r\n";
const STRANGER: &str = "From: x@else.example\r\nTo: anna@hale.example\r\nSubject: Private\r\nMessage-ID: <3@else.example>\r\n\r\nHello\r\n";
const PASSWORD: &str = "correct horse battery staple";
/// In 2096.
const LATER: i64 = 4_000_000_000;

fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stores")
}

fn names() -> (PracticeId, UserId, ClientId) {
    (PracticeId::new("hale").unwrap(), UserId::new("anna").unwrap(), ClientId::new("bakery").unwrap())
}

fn door(store: &Arc<SqliteStore>) -> PracticeMail {
    let (practice, anna, bakery) = names();
    let directory = MemoryDirectory::new();
    directory.put_practice(Practice::new(practice.clone(), "Hale & Partners"));
    let mut user = User::new(anna, "Anna Hale", "anna@hale.example");
    user.role = Role::Administrator;
    directory.put_user(&practice, user).unwrap();
    let key = ClientKey::Address("paula@bakery.example".to_owned());
    directory.put_client(&practice, bakery, [key]).unwrap();
    let keys = Arc::new(StaticKey::new([7; 32]));
    PracticeMail::new(Arc::new(directory), Storage::of(store.clone()), keys).with_egress(EgressPolicy::Any)
}

async fn open(path: &Path) -> Arc<SqliteStore> {
    Arc::new(SqliteStore::open(path, Arc::new(SystemClock::new())).await.unwrap())
}

/// Not a test: writes the file of this version, unless there is one.
#[tokio::test]
#[ignore = "writes a fixture, once for each version of the tables"]
async fn writes_the_file_of_this_version() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.db");
    let store = open(&path).await;
    let (practice, anna, bakery) = names();
    let mail = door(&store);
    let imap = ImapServer::builder().personality(Personality::Dovecot).user("anna@hale.example", PASSWORD);
    let imap = imap.start().await.unwrap();
    for (letter, at) in [(LETTER, 1_768_212_000), (RECEIPTS, 1_768_379_400), (STRANGER, 1_768_379_500)] {
        imap.user("anna@hale.example").append("INBOX", letter, &[], at);
    }
    let smtp = SmtpServer::builder().user("anna@hale.example", PASSWORD).start().await.unwrap();
    let server =
        |port, pem: &str| ServerSettings::new("localhost", port, TlsMode::Implicit).unwrap().with_ca(pem);
    let login = Login::new("anna@hale.example").unwrap();
    let settings = AccountSettings::new(server(imap.port(), imap.ca_pem()), login.clone())
        .sending(server(smtp.port(), smtp.ca_pem()), login);
    mail.connect(&practice, &anna, ConnectRequest::new(settings, Secret::new(PASSWORD))).await.unwrap();
    mail.sync(&practice, None, &|_| {}).await.unwrap();
    let viewer = Viewer::User(anna.clone());
    let tab = mail.tab(&practice, &bakery, &viewer, &TabQuery::newest(9)).await.unwrap();
    let letter = tab.messages.iter().find(|m| m.subject.as_str() == "Our VAT return").unwrap();
    let answer = Draft::answering(Answer::Reply(letter.id)).text("It is done.");
    let queued = mail.send(&practice, &anna, answer).await.unwrap();
    assert_eq!(mail.outcome(&practice, queued.id).await.unwrap().state, OutgoingState::Sent);
    let paula = Address::parse("paula@bakery.example").unwrap();
    let later = Draft::new("In seventy years").to(paula).text("Time for the next.");
    mail.send(&practice, &anna, later.not_before(Timestamp::from_unix(LATER))).await.unwrap();
    mail.sync(&practice, None, &|_| {}).await.unwrap();
    mail.hide(&practice, &anna, tab.messages[0].id).await.unwrap();
    drop(mail);
    store.close().await.unwrap();

    let (tables,) = ask(&path, "SELECT schema_version FROM meta WHERE component = 'store'").await;
    let file = files().join(format!("{}-tables{tables}.db", env!("CARGO_PKG_VERSION")));
    assert!(!file.exists(), "{} is there: this version's tables are those of before", file.display());
    std::fs::copy(&path, file).unwrap();
}

async fn ask(path: &Path, sql: &'static str) -> (i64,) {
    use sqlx::ConnectOptions;
    let mut plain = sqlx::sqlite::SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    sqlx::query_as(sql).fetch_one(&mut plain).await.unwrap()
}

#[tokio::test]
async fn a_file_of_every_version_before_is_read() {
    let mut read = 0;
    let mut all: Vec<PathBuf> =
        std::fs::read_dir(files()).unwrap().map(|file| file.unwrap().path()).collect();
    all.sort();
    for file in all {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mail.db");
        std::fs::copy(&file, &path).unwrap();
        // Twice: as it was written, and as this version left it.
        for _ in 0..2 {
            let store = open(&path).await;
            is_read(&store, &file.display().to_string()).await;
            store.close().await.unwrap();
        }
        read += 1;
    }
    assert!(read > 0);
}

async fn is_read(store: &Arc<SqliteStore>, file: &str) {
    let (practice, anna, bakery) = names();
    let (mail, viewer) = (door(store), Viewer::User(anna.clone()));

    let tab = mail.tab(&practice, &bakery, &viewer, &TabQuery::newest(9)).await.unwrap();
    let shown: Vec<_> = tab.messages.iter().map(|m| (m.direction, m.subject.as_str())).collect();
    let expected = [
        (Direction::Out, "Re: Our VAT return"),
        (Direction::In, "Receipts für January"),
        (Direction::In, "Our VAT return"),
    ];
    assert_eq!(shown, expected, "{file}");
    let [answer, receipts, letter] = &tab.messages[..] else { panic!("{file}") };
    assert_eq!((receipts.hidden, letter.hidden), (true, false), "{file}");
    assert_eq!(
        letter.message_id.as_ref().map(practicemail::types::MessageId::as_str),
        Some("1@bakery.example"),
        "{file}"
    );
    assert_eq!(letter.time.as_unix(), 1_768_212_000, "{file}");
    assert_eq!(letter.matched[0].address.to_string(), "paula@bakery.example", "{file}");
    let attachments: Vec<_> = receipts.attachments.iter().map(|a| (a.name.as_str(), a.size)).collect();
    assert_eq!(attachments, [("receipts.pdf", 9)], "{file}");
    assert_eq!(receipts.snippet, "Flour and sugar.", "{file}");

    let search = TabQuery::newest(9).search("sug").unwrap();
    let found = mail.tab(&practice, &bakery, &viewer, &search).await.unwrap();
    assert_eq!(found.messages.iter().map(|m| m.id).collect::<Vec<_>>(), [receipts.id], "{file}");
    let together = mail.conversation(&practice, &bakery, &viewer, letter.conversation).await.unwrap();
    let mut together: Vec<_> = together.iter().map(|m| m.id).collect();
    together.sort();
    let mut expected = [letter.id, answer.id];
    expected.sort();
    assert_eq!(together, expected, "{file}");

    // The copy came without the file beside it: what was queued may have left since, and waits for a person.
    let outbox = mail.outbox(&practice, &OutboxQuery::newest(9)).await.unwrap();
    let kept: Vec<_> = outbox.iter().map(|item| (item.state, item.held, item.message.not_before)).collect();
    let later = Timestamp::from_unix(LATER);
    let expected = [(OutgoingState::Queued, true, Some(later)), (OutgoingState::Sent, false, None)];
    assert_eq!(kept, expected, "{file}");

    let mut lines = Vec::new();
    let mut each = |line| {
        lines.push(line);
        Ok(())
    };
    mail.export(&practice, &viewer, &Scope::Client(bakery.clone()), &mut each).await.unwrap();
    let ids = lines
        .iter()
        .filter_map(|line| if let Exported::Message { id, .. } = line { Some(*id) } else { None });
    assert_eq!(ids.collect::<Vec<_>>(), [answer.id, receipts.id, letter.id], "{file}");
    let mut octets = Octets::default();
    mail.export_messages(&practice, &viewer, &Scope::Client(bakery), &mut octets).await.unwrap();
    assert!(octets.0.iter().any(|octets| octets == LETTER.as_bytes()), "{file}: as the server gave it");
    assert!(octets.0.iter().any(|octets| octets == RECEIPTS.as_bytes()), "{file}");

    let account = AccountId::new("anna").unwrap();
    let field = CredentialField::IncomingPassword;
    let sealed = store.load(&practice, &account, field).await.unwrap().unwrap();
    let sealer = Sealer::new(Arc::new(StaticKey::new([7; 32])));
    let opened = sealer.open(&practice, &account, field, &sealed.octets).await.unwrap();
    assert_eq!(opened.expose(), PASSWORD, "{file}");
    let changes = mail.changes(&practice, &Viewer::System { reason: "a test" }, 0, 99).await.unwrap();
    let archived = changes.iter().filter(|change| matches!(change.kind, ChangeKind::MessageArchived(_)));
    assert_eq!(archived.count(), 3, "{file}");
    let status = mail.status(&practice).await.unwrap();
    assert!(status[0].last_synchronised.is_some(), "{file}");
}

/// The octets of an export, message by message.
#[derive(Default)]
struct Octets(Vec<Vec<u8>>);

#[async_trait]
impl ExportSink for Octets {
    async fn begin(&mut self, _: &ExportedMessage) -> Result<()> {
        self.0.push(Vec::new());
        Ok(())
    }
    async fn octets(&mut self, octets: &[u8]) -> Result<()> {
        self.0.last_mut().unwrap().extend_from_slice(octets);
        Ok(())
    }
    async fn end(&mut self) -> Result<()> {
        Ok(())
    }
}
