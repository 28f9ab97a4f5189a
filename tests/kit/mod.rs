//! A practice of one user and one client, on the test kit's server and a store in memory.

#![allow(dead_code, reason = "every test file uses a part of the kit")]

pub(crate) mod watched_store;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use practicemail::PracticeMail;
use practicemail::connect::Protocols;
use practicemail::contract::{
    ClientEntry, ClientKey, ClientKeyPage, Clock, MailStore as _, Practice, PracticeDirectory, Retention,
    SyncState, User,
};
use practicemail::error::Result;
use practicemail::net::{Dialer, EgressPolicy, Timeouts};
use practicemail::practice_mail::{
    ConnectRequest, Connected, Exported, Scope, Storage, SyncReport, TabQuery, Viewer,
};
use practicemail::settings::{AccountSettings, Login, ServerSettings, TlsMode};
use practicemail::storage::StaticKey;
use practicemail::storage::sqlite::SqliteStore;
use practicemail::testkit::ImapServer;
use practicemail::testkit::imap::{ImapServerBuilder, Personality, UserMail};
use practicemail::types::{Address, ClientId, Copy, PracticeId, Secret, Timestamp, UserId};
use watched_store::WatchedStore;

/// A clock that stands until it is moved.
pub(crate) struct StandingClock(AtomicI64);

impl StandingClock {
    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.0.load(Ordering::SeqCst))
    }
}

/// A directory of one practice.
#[derive(Default)]
pub(crate) struct Directory {
    keys: Mutex<(u64, Vec<ClientEntry>)>,
}

#[async_trait]
impl PracticeDirectory for Directory {
    async fn practice(&self, practice: &PracticeId) -> Result<Option<Practice>> {
        let mut rules = Practice::new(practice.clone(), "Practice");
        rules.domains = vec!["practice.example".to_owned()];
        Ok(Some(rules))
    }
    async fn users(&self, _: &PracticeId) -> Result<Vec<User>> {
        Ok(vec![User::new(UserId::new("anna").unwrap(), "Anna", "anna@practice.example")])
    }
    async fn client_keys(&self, _: &PracticeId, _: Option<String>) -> Result<ClientKeyPage> {
        let keys = self.keys.lock().unwrap();
        Ok(ClientKeyPage::new(keys.0.to_string(), keys.1.clone(), None))
    }
    async fn keys_of(&self, _: &PracticeId, client: &ClientId) -> Result<Option<Vec<ClientKey>>> {
        let keys = self.keys.lock().unwrap();
        let own: Vec<_> = keys.1.iter().filter(|e| e.client == *client).map(|e| e.key.clone()).collect();
        Ok((!own.is_empty()).then_some(own))
    }
    async fn may_see(&self, _: &PracticeId, _: &UserId, _: &ClientId) -> Result<bool> {
        Ok(true)
    }
    async fn retention(&self, _: &PracticeId, _: &ClientId) -> Result<Retention> {
        Ok(Retention::FREE)
    }
    async fn former_retention(&self, _: &PracticeId, _: &Address) -> Result<Retention> {
        Ok(Retention::FREE)
    }
}

pub(crate) struct Kit {
    pub(crate) server: ImapServer,
    pub(crate) clock: Arc<StandingClock>,
    pub(crate) mail: PracticeMail,
    pub(crate) store: Arc<WatchedStore>,
    tls: TlsMode,
    directory: Arc<Directory>,
}

/// What a pass reports, summed up.
pub(crate) trait Sums {
    fn scanned(&self) -> u64;
    fn new_messages(&self) -> u64;
}

impl Sums for SyncReport {
    fn scanned(&self) -> u64 {
        self.accounts.iter().flat_map(|a| &a.mailboxes).map(|m| m.scanned).sum()
    }
    fn new_messages(&self) -> u64 {
        self.accounts.iter().flat_map(|a| &a.mailboxes).map(|m| m.new_messages).sum()
    }
}

impl Kit {
    pub(crate) async fn start(personality: Personality) -> Self {
        Self::on(ImapServer::builder().personality(personality), TlsMode::Implicit, None).await
    }

    /// On a server of choice, reached as `tls` says; `patience` bounds every wait for it.
    pub(crate) async fn on(builder: ImapServerBuilder, tls: TlsMode, patience: Option<Duration>) -> Self {
        let server = builder.user("anna", "hunter2").start().await.unwrap();
        let mut timeouts = Timeouts::default();
        if let Some(patience) = patience {
            (timeouts.connect, timeouts.read) = (patience, patience);
        }
        let clock = Arc::new(StandingClock(AtomicI64::new(1_800_000_000)));
        let store = Arc::new(SqliteStore::open_in_memory(clock.clone()).await.unwrap());
        let directory = Arc::new(Directory::default());
        let watched = Arc::new(WatchedStore::new(store.clone()));
        let storage = Storage::of(store).with_mail(watched.clone());
        let mail = PracticeMail::new(directory.clone(), storage, Arc::new(StaticKey::new([7; 32])))
            .with_protocols(Protocols::new(Dialer::new().egress(EgressPolicy::Any).timeouts(timeouts)))
            .with_clock(clock.clone());
        let kit = Self { server, clock, mail, store: watched, tls, directory };
        kit.set_keys(&[("c1", ClientKey::Address("client@example.org".into()))]);
        kit
    }

    pub(crate) fn user(&self) -> UserMail {
        self.server.user("anna")
    }

    pub(crate) fn practice() -> PracticeId {
        PracticeId::new("p").unwrap()
    }

    pub(crate) fn set_keys(&self, keys: &[(&str, ClientKey)]) {
        let mut held = self.directory.keys.lock().unwrap();
        held.0 += 1;
        held.1 = keys.iter().map(|(c, k)| ClientEntry::new(ClientId::new(*c).unwrap(), k.clone())).collect();
    }

    pub(crate) fn settings(&self) -> AccountSettings {
        let server = ServerSettings::new("127.0.0.1", self.server.port(), self.tls).unwrap();
        AccountSettings::new(server.with_ca(self.server.ca_pem()), Login::new("anna").unwrap())
    }

    pub(crate) async fn connect(&self) {
        self.try_connect().await.unwrap();
    }

    pub(crate) async fn try_connect(&self) -> Result<Connected> {
        self.connect_as(self.settings()).await
    }

    pub(crate) async fn connect_as(&self, settings: AccountSettings) -> Result<Connected> {
        let request = ConnectRequest::new(settings, Secret::new("hunter2"));
        self.mail.connect(&Self::practice(), &UserId::new("anna").unwrap(), request).await
    }

    pub(crate) async fn sync(&self) -> SyncReport {
        let report = self.try_sync().await;
        for account in &report.accounts {
            assert!(account.error.is_none(), "{:?}", account.error);
        }
        report
    }

    pub(crate) async fn try_sync(&self) -> SyncReport {
        self.mail.sync(&Self::practice(), None, &|_| {}).await.unwrap()
    }

    /// How far the account is read.
    pub(crate) async fn sync_state(&self) -> SyncState {
        let practice = Self::practice();
        let account = self.store.accounts(&practice).await.unwrap().remove(0).account;
        self.store.sync_state(&practice, &account.id).await.unwrap()
    }

    /// The subjects on a client's tab.
    pub(crate) async fn tab(&self, client: &str) -> Vec<String> {
        self.tab_or_none(client).await.unwrap()
    }

    pub(crate) async fn tab_or_none(&self, client: &str) -> Result<Vec<String>> {
        let viewer = Viewer::System { reason: "test" };
        let tab = self
            .mail
            .tab(&Self::practice(), &ClientId::new(client).unwrap(), &viewer, &TabQuery::newest(100))
            .await?;
        Ok(tab.messages.iter().map(|m| m.subject.to_string()).collect())
    }

    /// Every copy exported, by place.
    pub(crate) async fn archived(&self) -> Vec<Copy> {
        let mut copies = BTreeMap::new();
        self.mail
            .export(&Self::practice(), &Viewer::System { reason: "test" }, &Scope::Practice, &mut |line| {
                if let Exported::Message { copies: held, .. } = line {
                    copies.extend(held.into_iter().map(|(_, copy)| (copy.place.clone(), copy)));
                }
                Ok(())
            })
            .await
            .unwrap();
        copies.into_values().collect()
    }

    /// Every copy exported: mailbox, UID, state.
    pub(crate) async fn copies(&self) -> Vec<(String, u32, String)> {
        let place = |copy: Copy| {
            (copy.place.mailbox.to_string(), copy.place.uid.get(), copy.state.as_str().to_owned())
        };
        self.archived().await.into_iter().map(place).collect()
    }
}

/// A small message; the number in its id is the second it was written in.
pub(crate) fn letter(from: &str, to: &str, id: &str, subject: &str) -> Vec<u8> {
    let second: u32 = id.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(0);
    format!(
        "From: Somebody <{from}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nMessage-ID: <{id}@test>\r\n\
         Date: Mon, 12 Jan 1970 13:46:{second:02} +0000\r\n\r\nText of {id}.\r\n"
    )
    .into_bytes()
}
