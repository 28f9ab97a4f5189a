//! One account, its server and its store, for tests.

use std::sync::Arc;

use sqlx::{ConnectOptions as _, Connection as _};

use super::super::findings::{Inspection, MailboxFindings, MissingReason};
use super::super::inspect;
use super::super::pass::{self, PassInput};
use super::super::report::AccountReport;
use crate::contract::{
    BlobStore as _, ClientKey, Connection, Credential, DeadLetter, Fence, MailStore as _, NewAccount,
    Practice, SignInHints, SystemClock, Window,
};
use crate::imap::ImapConnector;
use crate::net::{Dialer, EgressPolicy};
use crate::settings::{AccountSettings, Login, ServerSettings, TlsMode};
use crate::storage::MemoryDirectory;
use crate::storage::sqlite::SqliteStore;
use crate::testkit::ImapServer;
use crate::types::{
    AccountId, Address, ClientId, Copy, CopyPlace, MailboxName, PracticeId, Secret, Timestamp, Uid, UidSet,
    UserId,
};

/// A message of a client's, but for its identity.
pub(super) const CLIENT: &str =
    "From: client@example.org\r\nTo: anna@practice.example\r\nDate: Mon, 12 Jan 1970 13:46:40 +0000\r\n";

/// Seconds of its lease.
const LEASE: u32 = 3_000;

/// One account, its server, its store.
pub(super) struct Scene {
    pub(super) server: ImapServer,
    pub(super) directory: MemoryDirectory,
    pub(super) store: SqliteStore,
    pub(super) clock: SystemClock,
    pub(super) account: NewAccount,
    pub(super) fence: Fence,
    pub(super) file: tempfile::TempDir,
}

impl Scene {
    pub(super) async fn start() -> Self {
        let builder = ImapServer::builder().tls(crate::testkit::TlsMode::Plain);
        let server = builder.user("anna", "hunter2").start().await.unwrap();
        let practice = PracticeId::new("p").unwrap();
        let directory = MemoryDirectory::new();
        let mut rules = Practice::new(practice.clone(), "Practice");
        rules.domains = vec!["practice.example".to_owned()];
        rules.never_log = vec!["spouse@home.example".to_owned()];
        directory.put_practice(rules);
        let file = tempfile::tempdir().unwrap();
        let clock = SystemClock::new();
        let store =
            SqliteStore::open(file.path().join("mail.sqlite"), Arc::new(SystemClock::new())).await.unwrap();
        let host = ServerSettings::new("127.0.0.1", server.port(), TlsMode::None).unwrap();
        let account = NewAccount::new(
            practice.clone(),
            AccountId::new("a").unwrap(),
            UserId::new("anna").unwrap(),
            Address::parse("anna@practice.example").unwrap(),
            AccountSettings::new(host, Login::new("anna").unwrap()),
        );
        store.connect(&account).await.unwrap();
        let fence = store.acquire_lease(&practice, &account.id, "test", LEASE).await.unwrap();
        let scene = Self { server, directory, store, clock, account, fence, file };
        scene.clients(&["client@example.org"]);
        scene
    }

    pub(super) fn clients(&self, addresses: &[&str]) {
        let keys = addresses.iter().map(|address| ClientKey::Address((*address).to_owned()));
        self.directory.put_client(&self.fence.practice, ClientId::new("c").unwrap(), keys).unwrap();
    }

    pub(super) fn append(&self, id: u32, fields: &str) -> Vec<u8> {
        let letter = format!("{fields}Message-ID: <m{id}@x>\r\nSubject: s{id}\r\n\r\nText {id}\r\n");
        assert_eq!(self.server.user("anna").append("INBOX", &letter, &[], 1_000_000), Some(id));
        letter.into_bytes()
    }

    pub(super) async fn connection(&self) -> Connection {
        let connector = ImapConnector::new(Dialer::new().egress(EgressPolicy::Any));
        let password = Credential::Password(Secret::new("hunter2"));
        connector.open_reader(&self.account.settings, &password, &SignInHints::default()).await.unwrap()
    }

    pub(super) fn input(&self) -> PassInput<'_> {
        PassInput {
            store: &self.store,
            blobs: &self.store,
            directory: &self.directory,
            clock: &self.clock,
            account: &self.account,
            fence: &self.fence,
            lease: LEASE,
            // One of its own for each session.
            accounted: Box::leak(Box::default()),
            window: 4,
            progress: &|_| {},
            brake: Box::leak(Box::default()),
        }
    }

    pub(super) fn report(&self) -> AccountReport {
        AccountReport::new(self.account.id.clone(), self.account.user.clone())
    }

    pub(super) async fn sync(&self) {
        pass::run(self.input(), self.connection().await, &mut self.report()).await.unwrap();
    }

    pub(super) async fn inspect(&self) -> Inspection {
        inspect::inspect(self.input(), &mut self.connection().await).await.unwrap()
    }

    /// What is found in the inbox: on the server, archived, and what is missing why.
    pub(super) async fn found(&self) -> (u64, u64, Vec<(u32, MissingReason)>) {
        let inspection = self.inspect().await;
        assert!(inspection.unavailable.is_none());
        let inbox = inspection.mailboxes.into_iter().find(|mailbox| mailbox.name.is_inbox()).unwrap();
        let missing = inbox.missing.iter().map(|missing| (missing.uid.get(), missing.reason)).collect();
        (inbox.on_server, inbox.archived, missing)
    }

    pub(super) async fn repair(&self, findings: &[MailboxFindings]) -> AccountReport {
        let mut report = self.report();
        let mut connection = self.connection().await;
        inspect::repair(self.input(), &mut connection, findings, &mut report).await.unwrap();
        report
    }

    pub(super) fn place(&self, uid: u32) -> CopyPlace {
        let validity = self.server.user("anna").uid_validity("INBOX").unwrap();
        let validity = crate::types::UidValidity::new(validity).unwrap();
        let inbox = MailboxName::encode("INBOX");
        CopyPlace::new(self.account.id.clone(), inbox, validity, Uid::new(uid).unwrap())
    }

    /// Gives messages up by hand, with their octets where there are any.
    pub(super) async fn give_up(&self, letters: &[(u32, Option<&[u8]>)]) -> Vec<DeadLetter> {
        let place = self.place(1);
        let mut window = Window::new(place.mailbox.clone(), place.uid_validity);
        for (uid, octets) in letters {
            let mut letter = DeadLetter::new(self.place(*uid), "by hand", Timestamp::from_unix(1));
            if let Some(octets) = octets {
                let mut writer = self.store.writer(&self.fence.practice).await.unwrap();
                writer.write(octets).await.unwrap();
                let blob = writer.finish().await.unwrap();
                letter.octets = Some((blob.sha256, blob.size));
            }
            window.seen.insert(letter.place.uid);
            window.dead_letters.push(letter);
        }
        self.store.commit_window(&self.fence, &window).await.unwrap();
        self.store.dead_letters(&self.fence.practice).await.unwrap()
    }

    pub(super) async fn copy(&self, uid: u32) -> Option<(crate::types::MessageKey, Copy)> {
        let place = self.place(uid);
        let uids: UidSet = [place.uid].into_iter().collect();
        let (practice, account) = (&self.fence.practice, &self.fence.account);
        let copies = self.store.copies_at(practice, account, &place.mailbox, place.uid_validity, &uids);
        copies.await.unwrap().pop().map(|stored| (stored.message, stored.copy))
    }

    /// Runs SQL behind the store's back, with a message's key.
    pub(super) async fn plant(&self, sql: &'static str, message: &[u8]) {
        let file = self.file.path().join("mail.sqlite");
        let mut others = sqlx::sqlite::SqliteConnectOptions::new().filename(file).connect().await.unwrap();
        let done = sqlx::query(sql).bind(message).execute(&mut others).await.unwrap();
        assert!(done.rows_affected() > 0);
        others.close().await.unwrap();
    }
}
