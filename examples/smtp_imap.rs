//! Connects an account of any mail host by SMTP and IMAP: finds the settings, tries them step by step, and saves them when
//! every step has passed.
//!
//! `cargo run --example smtp_imap` runs it against the test kit. In earnest, set `PRACTICEMAIL_ADDRESS`,
//! `PRACTICEMAIL_PASSWORD` and `PRACTICEMAIL_CLIENT`, whom the message goes to: a second address of yours, say.

#[path = "shared/mail_host.rs"]
mod mail_host;
#[path = "shared/office.rs"]
mod office;
#[path = "shared/shown.rs"]
mod shown;
#[path = "shared/steps.rs"]
mod steps;

use std::env::var;
use std::sync::Arc;

use practicemail::PracticeMail;
use practicemail::contract::SystemClock;
use practicemail::discover::Discoverer;
use practicemail::net::{Dialer, EgressPolicy};
use practicemail::practice_mail::{ConnectRequest, Storage, TabQuery, Viewer};
use practicemail::storage::{MemoryStore, StaticKey};
use practicemail::types::{Draft, Secret};

use mail_host::{MailHost, PASSWORD};
use office::{LOCAL, Office, variable};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    let kit = if var("PRACTICEMAIL_ADDRESS").is_err() { Some(MailHost::start().await?) } else { None };
    let (office, passwords, discoverer, egress) = match &kit {
        // Anna mistypes her password at first.
        Some(kit) => {
            let passwords = vec!["correct hoarse".to_owned(), PASSWORD.to_owned()];
            (Office::of(LOCAL)?, passwords, kit.discoverer(), EgressPolicy::Any)
        }
        None => {
            let office = Office::of((&variable("PRACTICEMAIL_ADDRESS")?, &variable("PRACTICEMAIL_CLIENT")?))?;
            let passwords = vec![variable("PRACTICEMAIL_PASSWORD")?];
            (office, passwords, Discoverer::new(Dialer::new()), EgressPolicy::Public)
        }
    };
    let store = Arc::new(MemoryStore::new(Arc::new(SystemClock::new())));
    let keys = Arc::new(StaticKey::new([7; 32]));
    let mail = PracticeMail::new(office.directory.clone(), Storage::of(store), keys).with_egress(egress);
    let (practice, user) = (&office.practice, &office.user);

    // What is known of the address, before anything secret is asked for.
    let found = discoverer.discover(&office.address).await.suggestions.into_iter().next();
    let found = found.ok_or("nobody knows the settings: the user has to type them")?;
    println!(
        "Found by {:?}, trust: {:?}; to be confirmed: {}",
        found.source,
        found.trust,
        found.to_confirm().join(", ")
    );
    println!("  reading from {}:{}", found.incoming.host(), found.incoming.port());
    if let Some((server, login)) = &found.outgoing {
        println!("  sending by {}:{} as {}", server.host(), server.port(), login.as_str());
    }
    let found = if let Some(kit) = &kit { kit.trusted(found) } else { found };

    // What the user types is tried until it is right. `connect` alone would do: it saves nothing that does not pass.
    let mut connected = None;
    for password in passwords {
        let request = ConnectRequest::new(found.account_settings(), Secret::new(password));
        let report = mail.check(practice, user, &request).await?;
        steps::show(&report);
        if report.is_ok() {
            connected = Some(mail.connect(practice, user, request).await?);
        } else {
            println!("Not connected: nothing was saved.");
        }
    }
    let connected = connected.ok_or("what is wrong stands above")?;
    println!("Connected: {}", connected.address);

    mail.sync(practice, None, &|_| {}).await?;
    shown::tab(
        &mail.tab(practice, &office.client, &Viewer::User(user.clone()), &TabQuery::newest(20)).await?,
    );
    let draft = Draft::new("Your VAT return").to(office.client_address).text("It is done.\n\nAnna\n");
    let queued = mail.send(practice, user, draft).await?;
    shown::outcome(&mail.outcome(practice, queued.id).await?);
    Ok(())
}
