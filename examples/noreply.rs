//! Sends for a user who has connected no account: from the practice's noreply address, and says so before they write.
//!
//! `cargo run --example noreply` runs it against the test kit. In earnest, set `PRACTICEMAIL_ADDRESS` and
//! `PRACTICEMAIL_PASSWORD` of the noreply account, and `PRACTICEMAIL_CLIENT`, whom the message goes to.

#[path = "shared/mail_host.rs"]
mod mail_host;
#[path = "shared/office.rs"]
mod office;
#[path = "shared/shown.rs"]
mod shown;

use std::env::var;
use std::sync::Arc;

use practicemail::PracticeMail;
use practicemail::contract::SystemClock;
use practicemail::discover::Discoverer;
use practicemail::net::{Dialer, EgressPolicy};
use practicemail::practice_mail::{NoreplyRequest, Storage, TabQuery, Viewer};
use practicemail::storage::{MemoryStore, StaticKey};
use practicemail::types::{Address, Draft, Secret};

use mail_host::{MailHost, PASSWORD};
use office::{LOCAL, Office, variable};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    let kit = if var("PRACTICEMAIL_ADDRESS").is_err() { Some(MailHost::start().await?) } else { None };
    let (noreply, password, client, discoverer, egress) = match &kit {
        Some(kit) => {
            let (address, client) = ("noreply@hale.example".to_owned(), LOCAL.1.to_owned());
            (address, PASSWORD.to_owned(), client, kit.discoverer(), EgressPolicy::Any)
        }
        None => {
            let (address, client) = (variable("PRACTICEMAIL_ADDRESS")?, variable("PRACTICEMAIL_CLIENT")?);
            let password = variable("PRACTICEMAIL_PASSWORD")?;
            (address, password, client, Discoverer::new(Dialer::new()), EgressPolicy::Public)
        }
    };
    let office = Office::of((LOCAL.0, &client))?;
    let store = Arc::new(MemoryStore::new(Arc::new(SystemClock::new())));
    let keys = Arc::new(StaticKey::new([7; 32]));
    let mail = PracticeMail::new(office.directory.clone(), Storage::of(store), keys).with_egress(egress);
    let (practice, user, viewer) = (&office.practice, &office.user, Viewer::User(office.user.clone()));

    // An administrator settles the address once.
    let address = Address::parse(&noreply)?;
    let found = discoverer.discover(&address).await.suggestions.into_iter().next();
    let found = found.ok_or("nobody knows the settings: the administrator has to type them")?;
    let found = if let Some(kit) = &kit { kit.trusted(found) } else { found };
    let way = found.account_settings().outgoing.ok_or("the service has no submission server")?;
    let request = NoreplyRequest::new(&address, way, Secret::new(password).into());
    mail.set_noreply(practice, &viewer, Some(request)).await?;

    // The screen on which the message is written says by which way it will leave.
    println!("{} writes, and has connected no account.", office.address);
    let preview = mail.preview_route(practice, user, None).await?;
    println!("From: {} <{}>", preview.from.name, preview.from.address);
    if let Some(reply_to) = &preview.reply_to {
        println!("Replies go to: {}", reply_to.address);
    }
    println!("{}", preview.notice().unwrap_or_default());

    let draft = Draft::new("Your VAT return").to(office.client_address).text("It is done.\n\nAnna\n");
    let queued = mail.send(practice, user, draft).await?;
    shown::outcome(&mail.outcome(practice, queued.id).await?);
    shown::tab(&mail.tab(practice, &office.client, &viewer, &TabQuery::newest(20)).await?);
    Ok(())
}
