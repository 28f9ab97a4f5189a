//! `settings`: what the practice has settled for all its users.

use std::collections::BTreeMap;
use std::fmt;

use practicemail::error::Result;
use practicemail::practice_mail::Viewer;
use practicemail::settings::{ApplicationRegistration, Noreply, PracticeSettings, Way};
use practicemail::types::Masked;
use serde::Serialize;

use crate::answer::Answer;
use crate::args::SettingsArgs;
use crate::host::Host;

/// Switches what is to be switched, and shows what is settled then.
pub(crate) async fn run(host: &Host, args: &SettingsArgs) -> Result<Answer> {
    let practice = host.practice()?;
    let by = match &args.by {
        Some(user) => Viewer::User(user.clone()),
        None => Viewer::System { reason: "the terminal's user owns the store" },
    };
    for (way, to) in &args.switch {
        host.door.switch(practice, &by, *way, *to).await?;
    }
    let settings = host.door.practice_settings(practice).await?;
    Answer::of(&Settings::from(&settings), true)
}

#[derive(Serialize)]
struct Settings {
    switches: BTreeMap<&'static str, bool>,
    noreply: Option<NoreplyRow>,
    registrations: Vec<RegistrationRow>,
}

#[derive(Serialize)]
struct NoreplyRow {
    address: String,
    server: String,
    password: Masked,
    always: bool,
}

/// The practice's own registration with a provider.
#[derive(Serialize)]
struct RegistrationRow {
    provider: &'static str,
    client_id: String,
    redirect_uri: String,
    client_secret: Masked,
}

impl From<&PracticeSettings> for Settings {
    fn from(settings: &PracticeSettings) -> Self {
        Self {
            switches: Way::ALL.iter().map(|way| (way.as_str(), settings.allows(*way))).collect(),
            noreply: settings.noreply.as_ref().map(NoreplyRow::from),
            registrations: settings.registrations.values().map(RegistrationRow::from).collect(),
        }
    }
}

impl From<&Noreply> for NoreplyRow {
    fn from(noreply: &Noreply) -> Self {
        let server = noreply.outgoing.server();
        Self {
            address: noreply.address.clone(),
            server: format!("{}:{}", server.host(), server.port()),
            password: Masked,
            always: noreply.always,
        }
    }
}

impl From<&ApplicationRegistration> for RegistrationRow {
    fn from(registration: &ApplicationRegistration) -> Self {
        Self {
            provider: registration.provider.as_str(),
            client_id: registration.client_id.clone(),
            redirect_uri: registration.redirect_uri.clone(),
            client_secret: Masked,
        }
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (way, on) in &self.switches {
            writeln!(f, "Send & receive by {way:<14} {}", if *on { "on" } else { "off" })?;
        }
        match &self.noreply {
            Some(noreply) => {
                let whose = if noreply.always { "everybody" } else { "users without an account" };
                writeln!(f, "Mail of {whose} leaves from {} by {}", noreply.address, noreply.server)?;
                writeln!(f, "  password {}", noreply.password)?;
            }
            None => writeln!(f, "There is no noreply address.")?,
        }
        for registration in &self.registrations {
            writeln!(f, "Own registration at {}: {}", registration.provider, registration.client_id)?;
            writeln!(f, "  comes back to {}", registration.redirect_uri)?;
            writeln!(f, "  client secret {}", registration.client_secret)?;
        }
        Ok(())
    }
}
