//! The same across processes: four of them, five tasks each, one database file, one renewal.

use std::process::{Command, Stdio};
use std::sync::Arc;

use futures_util::future::join_all;
use practicemail::PracticeMail;
use practicemail::contract::Clock;
use practicemail::net::EgressPolicy;
use practicemail::practice_mail::{AuthorizationOutcome, Storage};
use practicemail::settings::{ApplicationRegistration, OAuthProvider};
use practicemail::storage::sqlite::SqliteStore;
use practicemail::storage::{MemoryDirectory, StaticKey};
use practicemail::testkit::oauth::{AuthorizationServerBuilder, Browser};
use practicemail::types::{AccountId, PracticeId, Secret, Timestamp};

use crate::firm::{ANNA, Firm, query};

struct At(i64);

impl Clock for At {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.0)
    }
}

async fn door(file: &str, now: i64, registration: ApplicationRegistration, secret: String) -> PracticeMail {
    let clock = Arc::new(At(now));
    let store = Arc::new(SqliteStore::open(file, clock.clone()).await.unwrap());
    let keys = Arc::new(StaticKey::new([7; 32]));
    PracticeMail::new(Arc::new(MemoryDirectory::new()), Storage::of(store), keys)
        .with_egress(EgressPolicy::Any)
        .with_clock(clock)
        .with_registration(registration, Some(Secret::new(secret)))
}

/// What each of the four processes does.
#[tokio::test]
#[ignore = "a child of the test below, started by it"]
async fn one_process_of_four() {
    let given = |name: &str| std::env::var(name).unwrap();
    let registration = serde_json::from_str(&given("REGISTRATION")).unwrap();
    let now = given("NOW").parse().unwrap();
    let mail = door(&given("DATABASE"), now, registration, given("CLIENT_SECRET")).await;
    let (practice, account) = (PracticeId::new("hale").unwrap(), AccountId::new("anna").unwrap());
    let doors: Vec<_> = (0..5).map(|_| mail.clone()).collect();
    for report in join_all(doors.iter().map(|door| door.check_account(&practice, &account))).await {
        report.unwrap().into_result().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_four_processes_one_renews() {
    for provider in [OAuthProvider::Google, OAuthProvider::Microsoft] {
        let firm = Firm::open(provider, AuthorizationServerBuilder::rotates_refresh_tokens).await;
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("mail.db");
        let store = Arc::new(SqliteStore::open(&file, firm.clock.clone()).await.unwrap());
        let mail = firm.door_on(Storage::of(store));
        let url = mail.authorize(&firm.practice, &firm.anna, firm.request()).await.unwrap().url;
        let page = Browser::new(&firm.authorization).sign_in_as(ANNA).visit(&url).await.unwrap();
        let returned = page.allow().await.unwrap();
        let outcome =
            mail.complete_authorization(&firm.practice, &firm.anna, query(&returned)).await.unwrap();
        assert!(matches!(outcome, AuthorizationOutcome::Connected(_)), "{}", outcome.as_str());
        for round in 1..=2 {
            firm.clock.forward(3_600);
            let child = || {
                Command::new(std::env::current_exe().unwrap())
                    .args(["--exact", "processes::one_process_of_four", "--ignored"])
                    .env("REGISTRATION", serde_json::to_string(&firm.application()).unwrap())
                    .env("CLIENT_SECRET", firm.authorization.client_secret())
                    .env("DATABASE", &file)
                    .env("NOW", firm.clock.now().as_unix().to_string())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap()
            };
            let children: Vec<_> = (0..4).map(|_| child()).collect();
            for child in children {
                let output = tokio::task::block_in_place(|| child.wait_with_output().unwrap());
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
            }
            assert_eq!(firm.authorization.refreshes(), round, "{provider:?}");
        }
    }
}
