//! Whatever is secret stays out of everything that can be read.

use std::io::Write;
use std::sync::{Arc, Mutex};

use practicemail::contract::{CredentialField, CredentialStore as _, MailStore as _};
use practicemail::practice_mail::{Archived, ConnectRequest, Storage, Viewer};
use practicemail::settings::{AccountSettings, Login};
use practicemail::storage::sqlite::SqliteStore;
use practicemail::storage::{Sealer, StaticKey};
use practicemail::testkit::oauth::{AuthorizationServerBuilder, Browser, OAuthFault};
use practicemail::types::{AccountId, Address, Draft, Recipient, Secret};
use tracing_subscriber::filter::LevelFilter;

use crate::firm::{ANNA, CARL, Firm, query};

/// The password that every wrong and right sign-in uses.
const PASSWORD: &str = "canary-password-5f1e";

/// What was written so far.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(octets);
        Ok(octets.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Written {
    fn note(&self, what: impl std::fmt::Debug) {
        self.0.lock().unwrap().extend(format!("{what:?}\n").into_bytes());
    }
}

/// Traces of every level of every crate, Debug and Display output, errors, events, answers, and the database file.
#[tokio::test]
async fn no_secret_is_anywhere_it_can_be_read() {
    let written = Written::default();
    let writer = written.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _tracing = tracing::subscriber::set_default(subscriber);

    let firm = Firm::open(
        practicemail::settings::OAuthProvider::Google,
        AuthorizationServerBuilder::rotates_refresh_tokens,
    )
    .await;
    let home = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(home.path().join("mail.db"), firm.clock.clone()).await.unwrap());
    let mail = firm.door_on(Storage::of(store.clone()));
    let (practice, anna) = (&firm.practice, &firm.anna);
    let sealer = Sealer::new(Arc::new(StaticKey::new([7; 32])));
    let mut secrets = vec![PASSWORD.to_owned(), firm.authorization.client_secret().to_owned()];

    // A grant: begun, completed, used, renewed, refused, and all of its secrets remembered.
    let account = AccountId::new("anna").unwrap();
    for fault in [None, Some(OAuthFault::invalid_grant("Token has been expired or revoked."))] {
        let start = mail.authorize(practice, anna, firm.request()).await.unwrap();
        let page = Browser::new(&firm.authorization).sign_in_as(ANNA).visit(&start.url).await.unwrap();
        let returned = page.allow().await.unwrap();
        written.note(mail.complete_authorization(practice, anna, query(&returned)).await.unwrap());
        written.note(mail.complete_authorization(practice, anna, query(&returned)).await.unwrap());
        let to = Recipient::named("Carl", Address::parse(CARL).unwrap());
        written.note(mail.send(practice, anna, Draft::new("hello").to(to).text("x")).await.unwrap());
        written.note(mail.deliver(practice).await.unwrap().len());
        remember(&store, &sealer, &firm, &account, &mut secrets).await;
        firm.clock.forward(3_600);
        if let Some(fault) = fault {
            firm.authorization.inject(fault);
        }
        written.note(mail.sync(practice, None, &|_| {}).await.unwrap());
        remember(&store, &sealer, &firm, &account, &mut secrets).await;
        firm.authorization.expire_access_tokens();
        written.note(mail.check_account(practice, &account).await);
    }
    written
        .note(mail.disconnect(practice, &Viewer::System { reason: "test" }, &account, Archived::Keep).await);

    // A password: wrong, then right; echoed by nobody.
    let application = firm.application();
    let login = Login::new(ANNA).unwrap();
    let servers = application.servers.clone();
    let settings = AccountSettings::new(servers.imap, login.clone()).sending(servers.smtp, login);
    for right in [false, true] {
        if right {
            firm.imap.user(ANNA).set_password(PASSWORD);
        }
        let request = ConnectRequest::new(settings.clone(), Secret::new(PASSWORD))
            .outgoing_password(Secret::new("a password"));
        written.note(&request);
        written.note(mail.check(practice, anna, &request).await.unwrap());
        written.note(mail.connect(practice, anna, request).await);
    }
    written.note(mail.status(practice).await.unwrap());
    written.note(store.changes(practice, 0, 10_000).await.unwrap());
    written.note(store.accounts(practice).await.unwrap());
    written.note(mail.practice_settings(practice).await.unwrap());
    written.note(&mail);
    drop(mail);

    for form in firm.authorization.requests() {
        let body = String::from_utf8_lossy(&form.body).into_owned();
        for (name, value) in url::form_urlencoded::parse(body.as_bytes()) {
            if ["code", "code_verifier", "refresh_token", "client_secret", "token"].contains(&&*name) {
                secrets.push(value.into_owned());
            }
        }
    }
    secrets.sort_unstable();
    secrets.dedup();
    assert!(secrets.len() > 10, "{}", secrets.len());
    let mut readable = vec![("what was written", written.0.lock().unwrap().clone())];
    for entry in std::fs::read_dir(home.path()).unwrap() {
        readable.push(("a file of the database", std::fs::read(entry.unwrap().path()).unwrap()));
    }
    for (what, octets) in &readable {
        for secret in &secrets {
            let found = octets.windows(secret.len()).any(|window| window == secret.as_bytes());
            let shown = secret.chars().take(6).collect::<String>();
            assert!(!found, "{what} holds the secret that begins with {shown}");
        }
    }
    assert!(readable[0].1.len() > 10_000, "nothing was traced: {}", readable[0].1.len());
    assert!(readable.len() > 1);
}

/// The tokens that are stored now.
async fn remember(
    store: &SqliteStore,
    sealer: &Sealer,
    firm: &Firm,
    account: &AccountId,
    secrets: &mut Vec<String>,
) {
    let (practice, field) = (&firm.practice, CredentialField::Grant);
    let record = store.load(practice, account, field).await.unwrap().unwrap();
    let grant = sealer.open(practice, account, field, &record.octets).await.unwrap();
    let grant: serde_json::Value = serde_json::from_str(grant.expose()).unwrap();
    secrets.push(grant["refresh"].as_str().unwrap().to_owned());
    let tokens = grant["tokens"].as_array().unwrap().iter();
    secrets.extend(tokens.map(|token| token["token"].as_str().unwrap().to_owned()));
}
