//! The whole of the product in a few seconds, with nothing but Rust installed: `cargo run --example quickstart`.
//!
//! A small accountancy practice keeps its mail on an IMAP server, which the test kit plays on this machine. The example
//! connects the users' accounts, reads them, shows a client's Email tab, adds an address to the client, and shows what
//! that brings; it answers a client, and sends for a user who has no mailbox. Everything lies in a temporary directory and is gone afterwards.

mod corpus;
mod letter;
#[path = "../practice/page.rs"]
mod page;
mod practice;
mod sending;
mod show;
mod wording;

use std::collections::BTreeSet;
use std::sync::Arc;

use practicemail::contract::{ClientKey, SystemClock};
use practicemail::net::EgressPolicy;
use practicemail::practice_mail::{ConnectRequest, PracticeMail, Storage, Tab, TabQuery, Viewer};
use practicemail::settings::{AccountSettings, Login, ServerSettings, TlsMode};
use practicemail::storage::FileKey;
use practicemail::storage::sqlite::{SqliteDirectory, SqliteStore};
use practicemail::testkit::{ImapServer, SmtpServer, imap::Personality};
use practicemail::types::{ClientId, PracticeId, Secret, UserId};

use practice::{CLIENTS, NOREPLY, PAULA_AT_HOME, USERS};
use show::Watcher;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Every login's password here.
const PASSWORD: &str = "correct horse battery staple";

#[tokio::main]
async fn main() -> Result<()> {
    // The mail server, which in earnest is the practice's provider.
    let mut server = ImapServer::builder().personality(Personality::Dovecot);
    for user in &USERS {
        server = server.user(user.address, PASSWORD);
    }
    let server = server.start().await?;
    let messages = corpus::fill(&server);
    let submission = SmtpServer::builder().user(NOREPLY, PASSWORD);
    let submission = USERS.iter().fold(submission, |server, user| server.user(user.address, PASSWORD));
    let submission = submission.delivers_into(&server).start().await?;

    // What a host has: its own tables, and places for the archive and for the key that seals passwords.
    let home = tempfile::tempdir()?;
    let directory = Arc::new(SqliteDirectory::open(home.path().join("practice.db")).await?);
    let mut data = practice::data()?;
    directory.replace_practice(&data).await?;
    let store = SqliteStore::open(home.path().join("mail.db"), Arc::new(SystemClock::new())).await?;
    let keys = FileKey::open_or_create(home.path().join("mail.key"), &store).await?;

    // The crate's door. The server is on this machine, which hosts in earnest do not allow.
    let mail = PracticeMail::new(directory.clone(), Storage::of(Arc::new(store)), Arc::new(keys))
        .with_egress(EgressPolicy::Any);
    let practice = PracticeId::new("hale-partners")?;

    show::heading("Who is who");
    show::practice(&data);

    show::heading("Connect each user's mailbox");
    let smtp =
        ServerSettings::new("localhost", submission.port(), TlsMode::Implicit)?.with_ca(submission.ca_pem());
    sending::settle_noreply(&mail, &practice, &smtp).await?;
    for user in &USERS {
        let imap =
            ServerSettings::new("localhost", server.port(), TlsMode::Implicit)?.with_ca(server.ca_pem());
        let settings = AccountSettings::new(imap, Login::new(user.address)?)
            .sending(smtp.clone(), Login::new(user.address)?);
        let request = ConnectRequest::new(settings, Secret::new(PASSWORD));
        let connected = mail.connect(&practice, &UserId::new(user.id)?, request).await?;
        show::connected(&connected);
    }

    show::heading("Read them for the first time");
    let watcher = Watcher::new();
    let report = mail.sync(&practice, None, &|progress| watcher.see(progress)).await?;
    watcher.finish();
    show::report(&report);
    show::privacy(server.bodies_fetched().len(), messages);

    let bakery = &CLIENTS[0];
    show::heading(&format!("The Email tab of {}, as Chloe sees it", bakery.name));
    let before = tab(&mail, &practice, bakery.id).await?;
    show::page(bakery.name, &before, &before.messages, 5);

    show::heading("Every client has one; the latest that came in from each of the others");
    for client in &CLIENTS[1..] {
        show::latest(client.name, &tab(&mail, &practice, client.id).await?);
    }

    show::heading(&format!("Paula of the bakery also writes from {PAULA_AT_HOME}"));
    println!(
        "The host adds the address to its own table and tells the crate nothing. The next pass finds out.\n"
    );
    data.clients[0].keys.push(ClientKey::Address(PAULA_AT_HOME.to_owned()));
    directory.replace_practice(&data).await?;
    show::report(&mail.sync(&practice, None, &|_| {}).await?);
    let mut after = tab(&mail, &practice, bakery.id).await?;
    let known: BTreeSet<_> = before.messages.iter().map(|message| message.id).collect();
    let count = after.messages.len();
    after.messages.retain(|message| !known.contains(&message.id));
    println!("\n{} messages of past years have appeared; the tab now has {count}:\n", after.messages.len());
    show::page(bakery.name, &after, &after.messages, 3);

    show::heading("Anna answers the bakery's latest message");
    sending::answer(&mail, &practice, &tab(&mail, &practice, bakery.id).await?).await?;

    show::heading("Dan has connected no mailbox, and writes all the same");
    sending::write_without_account(&mail, &practice).await?;
    sending::tab(&tab(&mail, &practice, bakery.id).await?);

    show::heading("Read again: what was sent is recognised, not doubled");
    show::report(&mail.sync(&practice, None, &|_| {}).await?);
    println!("\n  The tab has {} messages: two more.", tab(&mail, &practice, bakery.id).await?.count);

    show::heading("One pass more");
    let report = mail.sync(&practice, None, &|_| {}).await?;
    show::report(&report);

    show::heading("How every user's mail fares");
    show::status(&mail.status(&practice).await?);
    Ok(())
}

/// A client's whole tab; a screen asks for a page at a time.
async fn tab(mail: &PracticeMail, practice: &PracticeId, client: &str) -> Result<Tab> {
    let viewer = Viewer::User(UserId::new("chloe")?);
    Ok(mail.tab(practice, &ClientId::new(client)?, &viewer, &TabQuery::newest(500)).await?)
}
