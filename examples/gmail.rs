//! Connects a Gmail account by Google's own sign-in, reads a client's mail and writes to the client.
//!
//! `cargo run --example gmail -- --local` runs it against the test kit. In earnest, register an OAuth client of the type
//! *Desktop app* (console.cloud.google.com) and set `PRACTICEMAIL_CLIENT_ID`, `PRACTICEMAIL_CLIENT_SECRET`,
//! `PRACTICEMAIL_ADDRESS` and `PRACTICEMAIL_CLIENT`, whom the message goes to: a second address of yours, say.

#[path = "shared/loopback.rs"]
mod loopback;
#[path = "shared/office.rs"]
mod office;
#[path = "shared/provider.rs"]
mod provider;
#[path = "shared/shown.rs"]
mod shown;
#[path = "shared/steps.rs"]
mod steps;

use std::sync::Arc;

use practicemail::PracticeMail;
use practicemail::contract::SystemClock;
use practicemail::net::EgressPolicy;
use practicemail::practice_mail::{AuthorizationOutcome, AuthorizationRequest, Storage, TabQuery, Viewer};
use practicemail::settings::{ApplicationRegistration, OAuthProvider};
use practicemail::storage::{MemoryStore, StaticKey};
use practicemail::types::{Draft, Secret};

use loopback::Loopback;
use office::{LOCAL, Office, variable};
use provider::Provider;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    // A product on the web registers the URL of a page of its own instead.
    let callback = Loopback::listen(0).await?;
    let redirect_uri = format!("http://127.0.0.1:{}/callback", callback.port());
    let local = std::env::args().any(|word| word == "--local");
    let kit = if local { Some(Provider::start(OAuthProvider::Google, &redirect_uri).await?) } else { None };
    let (office, (registration, secret), egress) = match &kit {
        Some(kit) => (Office::of(LOCAL)?, kit.registration()?, EgressPolicy::Any),
        None => {
            let google = ApplicationRegistration::google(variable("PRACTICEMAIL_CLIENT_ID")?, redirect_uri)?;
            let secret = Some(Secret::new(variable("PRACTICEMAIL_CLIENT_SECRET")?));
            let office = Office::of((&variable("PRACTICEMAIL_ADDRESS")?, &variable("PRACTICEMAIL_CLIENT")?))?;
            (office, (google, secret), EgressPolicy::Public)
        }
    };
    // The door. Storage that lasts is `SqliteStore` with `FileKey`, or your own.
    let store = Arc::new(MemoryStore::new(Arc::new(SystemClock::new())));
    let keys = Arc::new(StaticKey::new([7; 32]));
    let mail = PracticeMail::new(office.directory.clone(), Storage::of(store), keys)
        .with_egress(egress)
        .with_registration(registration, secret);
    let (practice, user) = (&office.practice, &office.user);

    // Two calls connect an account: where to send the browser, and what it came back with.
    let url = mail.authorize(practice, user, AuthorizationRequest::google()).await?.url;
    println!("Open this page and allow access for {}:\n  {url}", office.address);
    if let Some(kit) = &kit {
        kit.browse(&url);
    }
    let outcome = mail.complete_authorization(practice, user, &callback.query().await?).await?;
    println!("The outcome: {}", outcome.as_str());
    let connected = match outcome {
        AuthorizationOutcome::Connected(connected) => connected,
        other => return Err(other.advice().map_or("", |advice| advice.remedy).into()),
    };
    steps::show(&mail.check_account(practice, &connected.account).await?);

    mail.sync(practice, None, &|_| {}).await?;
    shown::tab(
        &mail.tab(practice, &office.client, &Viewer::User(user.clone()), &TabQuery::newest(20)).await?,
    );
    let draft = Draft::new("Your VAT return").to(office.client_address).text("It is done.\n\nAnna\n");
    let queued = mail.send(practice, user, draft).await?;
    shown::outcome(&mail.outcome(practice, queued.id).await?);
    Ok(())
}
