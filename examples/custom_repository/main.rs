//! A product with tables of its own takes the mail in: it implements `PracticeDirectory` over them (`directory.rs`), and takes the
//! ready-made store for the rest.
//!
//! `cargo run --example custom_repository` runs it against the test kit. `tests/custom_repository.rs` proves the directory.

mod books;
mod directory;
#[path = "../shared/mail_host.rs"]
mod mail_host;

use std::sync::Arc;

use practicemail::PracticeMail;
use practicemail::contract::SystemClock;
use practicemail::net::EgressPolicy;
use practicemail::practice_mail::{ConnectRequest, Storage, TabQuery, Viewer};
use practicemail::storage::FileKey;
use practicemail::storage::sqlite::SqliteStore;
use practicemail::types::{Address, ClientId, PracticeId, Secret, UserId};

use books::Books;
use directory::PRACTICE;
use mail_host::{MailHost, PASSWORD};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Who is who with the test kit.
mod office {
    /// The employee's address, and the customer's.
    pub(crate) const LOCAL: (&str, &str) = ("anna@hale.example", "paula@bakery.example");
}

/// What the product's own screens wrote long ago. Its columns hold what people typed.
const ROWS: &str = "
    INSERT INTO company VALUES ('Hale & Partners', 'hale.example');
    INSERT INTO employees VALUES (1, 'Anna Hale', 'anna@hale.example', 1, NULL), (2, 'Ben', 'ben@hale.example', 0, '2024-05-31');
    INSERT INTO customers VALUES (17, 'Marlow Bakery'), (18, 'Brook Plumbing');
    INSERT INTO customer_contacts (customer_id, person, email) VALUES
        (17, 'Paula', ' Paula@Bakery.example '), (18, 'Helen', 'none'), (18, 'Jim', 'jim@brook.example');";

#[tokio::main]
async fn main() -> Result<()> {
    let (home, host) = (tempfile::tempdir()?, MailHost::start().await?);
    let books = Books::open(&home.path().join("books.db")).await?;
    sqlx::raw_sql(ROWS).execute(&books.pool).await?;

    // The archive has a file of its own: its tables and the product's do not meet.
    let store = SqliteStore::open(home.path().join("mail.db"), Arc::new(SystemClock::new())).await?;
    let keys = FileKey::open_or_create(home.path().join("mail.key"), &store).await?;
    let mail = PracticeMail::new(Arc::new(books), Storage::of(Arc::new(store)), Arc::new(keys));
    let mail = mail.with_egress(EgressPolicy::Any); // the kit's servers are on this machine

    let (practice, anna, bakery) = (PracticeId::new(PRACTICE)?, UserId::from(1), ClientId::from(17));
    let checked = mail.check_directory(&practice).await?;
    for refused in &checked.refused {
        println!("A contact of customer {} cannot be used: {}", refused.client, refused.reason);
    }

    let address = Address::parse(office::LOCAL.0)?;
    let found = host.discoverer().discover(&address).await.suggestions.into_iter().next();
    let found = host.trusted(found.ok_or("nobody knows the settings: the user has to type them")?);
    let request = ConnectRequest::new(found.account_settings(), Secret::new(PASSWORD));
    println!("Connected: {}", mail.connect(&practice, &anna, request).await?.address);

    mail.sync(&practice, None, &|_| {}).await?;
    let tab = mail.tab(&practice, &bakery, &Viewer::User(anna), &TabQuery::newest(20)).await?;
    println!("Customer 17, Email, {} in all:", tab.count);
    for message in &tab.messages {
        println!("  {} {}  {}", message.direction.as_str(), message.time, message.subject);
    }
    Ok(())
}
