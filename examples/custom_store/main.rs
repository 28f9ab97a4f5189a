//! A product that keeps everything in an engine of its own choice: `store` is a whole store over redb, an embedded key-value file.
//!
//! `cargo run --example custom_store` connects an account of the test kit, reads it, closes the file, and shows a client's mail from it.
//! `tests/custom_store.rs` proves the store with the crate's own suites.

#[path = "../shared/mail_host.rs"]
mod mail_host;
mod store;

use std::path::Path;
use std::sync::Arc;

use practicemail::PracticeMail;
use practicemail::contract::{ClientKey, Practice, SystemClock, User};
use practicemail::net::EgressPolicy;
use practicemail::practice_mail::{ConnectRequest, Storage, TabQuery, Viewer};
use practicemail::storage::{FileKey, MemoryDirectory};
use practicemail::types::{Address, ClientId, PracticeId, Secret, UserId};

use mail_host::{MailHost, PASSWORD};
use store::FileStore;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Who is who with the test kit.
mod office {
    /// The employee's address, and the customer's.
    pub(crate) const LOCAL: (&str, &str) = ("anna@hale.example", "paula@bakery.example");
}

#[tokio::main]
async fn main() -> Result<()> {
    let (home, host) = (tempfile::tempdir()?, MailHost::start().await?);
    let (practice, anna, bakery) = (PracticeId::new("hale")?, UserId::new("anna")?, ClientId::new("bakery")?);

    let mail = open(home.path(), &practice, &anna, &bakery).await?;
    let address = Address::parse(office::LOCAL.0)?;
    let found = host.discoverer().discover(&address).await.suggestions.into_iter().next();
    let found = host.trusted(found.ok_or("nobody knows the settings: the user has to type them")?);
    let request = ConnectRequest::new(found.account_settings(), Secret::new(PASSWORD));
    println!("Connected: {}", mail.connect(&practice, &anna, request).await?.address);
    mail.sync(&practice, None, &|_| {}).await?;
    drop(mail);

    let mail = open(home.path(), &practice, &anna, &bakery).await?;
    let tab = mail.tab(&practice, &bakery, &Viewer::User(anna), &TabQuery::newest(20)).await?;
    println!("The bakery, Email, {} in all:", tab.count);
    for message in &tab.messages {
        println!("  {} {}  {}", message.direction.as_str(), message.time, message.subject);
    }
    Ok(())
}

/// Opens the mail of a product whose users and clients are known by heart: what is shown here is the store.
async fn open(home: &Path, practice: &PracticeId, anna: &UserId, bakery: &ClientId) -> Result<PracticeMail> {
    let directory = MemoryDirectory::new();
    directory.put_practice(Practice::new(practice.clone(), "Hale & Partners"));
    directory.put_user(practice, User::new(anna.clone(), "Anna Hale", office::LOCAL.0))?;
    directory.put_client(practice, bakery.clone(), [ClientKey::Address(office::LOCAL.1.to_owned())])?;

    let store = FileStore::open(&home.join("mail.redb"), Arc::new(SystemClock::new())).await?;
    let keys = FileKey::open_or_create(home.join("mail.key"), &store).await?;
    let mail = PracticeMail::new(Arc::new(directory), Storage::of(Arc::new(store)), Arc::new(keys));
    Ok(mail.with_egress(EgressPolicy::Any)) // the kit's servers are on this machine
}
