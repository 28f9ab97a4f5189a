//! Connects a Microsoft 365 account by Microsoft's own sign-in. Where an administrator has to allow reading first, the account
//! sends meanwhile, and reads by itself from the day they did.
//!
//! `cargo run --example microsoft365 -- --local` runs it against the test kit. In earnest, register an application with the
//! redirect URI `http://localhost/callback` of the type *Mobile and desktop* (entra.microsoft.com) and the permissions that
//! the manual names, and set `PRACTICEMAIL_CLIENT_ID`, `PRACTICEMAIL_ADDRESS`, `PRACTICEMAIL_CLIENT`, whom the message goes to,
//! and for an application of the type *Web* `PRACTICEMAIL_CLIENT_SECRET`.

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

use std::env::var;
use std::sync::Arc;

use practicemail::PracticeMail;
use practicemail::contract::SystemClock;
use practicemail::net::EgressPolicy;
use practicemail::practice_mail::{AuthorizationOutcome, AuthorizationRequest, Storage, TabQuery, Viewer};
use practicemail::settings::{ApplicationRegistration, OAuthProvider, Reading};
use practicemail::storage::{MemoryStore, StaticKey};
use practicemail::types::{Draft, Secret};

use loopback::Loopback;
use office::{LOCAL, Office, variable};
use provider::Provider;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    // Microsoft takes any port of `localhost`, and 127.0.0.1 by the manifest only.
    let callback = Loopback::listen(0).await?;
    let redirect_uri = format!("http://localhost:{}/callback", callback.port());
    let local = std::env::args().any(|word| word == "--local");
    let kit =
        if local { Some(Provider::start(OAuthProvider::Microsoft, &redirect_uri).await?) } else { None };
    let (office, (registration, secret), egress) = match &kit {
        Some(kit) => (Office::of(LOCAL)?, kit.registration()?, EgressPolicy::Any),
        None => {
            let microsoft =
                ApplicationRegistration::microsoft(variable("PRACTICEMAIL_CLIENT_ID")?, redirect_uri)?;
            let secret = var("PRACTICEMAIL_CLIENT_SECRET").ok().map(Secret::new);
            let office = Office::of((&variable("PRACTICEMAIL_ADDRESS")?, &variable("PRACTICEMAIL_CLIENT")?))?;
            (office, (microsoft, secret), EgressPolicy::Public)
        }
    };
    let store = Arc::new(MemoryStore::new(Arc::new(SystemClock::new())));
    let keys = Arc::new(StaticKey::new([7; 32]));
    let mail = PracticeMail::new(office.directory.clone(), Storage::of(store), keys)
        .with_egress(egress)
        .with_registration(registration, secret);
    let (practice, user) = (&office.practice, &office.user);

    let connected = loop {
        let url = mail.authorize(practice, user, AuthorizationRequest::microsoft()).await?.url;
        println!("Open this page and allow access for {}:\n  {url}", office.address);
        if let Some(kit) = &kit {
            kit.browse(&url);
        }
        let outcome = mail.complete_authorization(practice, user, &callback.query().await?).await?;
        println!("The outcome: {}", outcome.as_str());
        match outcome {
            AuthorizationOutcome::Connected(connected) => break connected,
            AuthorizationOutcome::AdministratorMustApprove(approval) if approval.sends_meanwhile => {
                println!("{}\n  {}", approval.how, approval.url.unwrap_or_default());
                println!("Until then the account can send: once more.");
            }
            other => return Err(other.advice().map_or("", |advice| advice.remedy).into()),
        }
    };
    steps::show(&mail.check_account(practice, &connected.account).await?);

    let draft = Draft::new("Your VAT return").to(office.client_address).text("It is done.\n\nAnna\n");
    let queued = mail.send(practice, user, draft).await?;
    shown::outcome(&mail.outcome(practice, queued.id).await?);
    if let (Reading::Pends, Some(kit)) = (connected.reading, &kit) {
        println!("The administrator approves; nobody has to tell the program.");
        kit.authorization.approve("hale.example");
    }
    mail.sync(practice, None, &|_| {}).await?;
    shown::tab(
        &mail.tab(practice, &office.client, &Viewer::User(user.clone()), &TabQuery::newest(20)).await?,
    );
    Ok(())
}
