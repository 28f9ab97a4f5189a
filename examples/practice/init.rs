//! `init`: the host's own tables, filled from a file.

use std::fmt;

use practicemail::contract::{ClientKey, Practice, Role, User};
use practicemail::error::{Error, ErrorKind, Result};
use practicemail::matching::RefusedKey;
use practicemail::practice_mail::{NoreplyRequest, Viewer};
use practicemail::settings::{Login, Outgoing, ServerSettings, TlsMode};
use practicemail::storage::sqlite::{ClientData, PracticeData};
use practicemail::types::{Address, ClientId, Entered, PracticeId, Secret, UserId};
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::args::InitArgs;
use crate::host::Host;

/// Writes what the file says, in place of what the tables said.
pub(crate) async fn run(host: &Host, args: &InitArgs) -> Result<Answer> {
    let invalid = |message: &'static str| Error::new(ErrorKind::Invalid, message);
    let text = std::fs::read_to_string(&args.practice)
        .map_err(|cause| invalid("the practice's file could not be read").with_source(cause))?;
    let mut file: PracticeFile = serde_json::from_str(&text)
        .map_err(|cause| invalid("the practice's file is not as it should be").with_source(cause))?;
    let noreply = file.practice.noreply.take().map(NoreplyEntry::into_request).transpose()?;
    let data = file.into_data()?;
    let id = data.practice.id.clone();
    if let Some(known) = host.known_practice().filter(|known| **known != id) {
        let message = format!("this store holds the practice {known}; a store holds one");
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    host.tables.replace_practice(&data).await?;
    let host_itself = Viewer::System { reason: "the terminal's user owns the store" };
    host.door.set_noreply(&id, &host_itself, noreply).await?;
    let check = host.door.check_directory(&id).await?;
    let written = Written {
        practice: id.to_string(),
        users: data.users.len(),
        clients: data.clients.len(),
        refused: check.refused.iter().map(Refused::from).collect(),
    };
    Answer::of(&written, true)
}

/// The file.
#[derive(Deserialize)]
struct PracticeFile {
    practice: PracticeEntry,
    #[serde(default)]
    users: Vec<UserEntry>,
    #[serde(default)]
    clients: Vec<ClientEntry>,
}

#[derive(Deserialize)]
struct PracticeEntry {
    id: String,
    name: String,
    #[serde(default)]
    domains: Vec<String>,
    #[serde(default)]
    never_log: Vec<String>,
    #[serde(default)]
    fold_addresses: bool,
    /// Days a message is kept after it has left every server; for ever if not given.
    #[serde(default)]
    keep_gone_days: Option<u32>,
    #[serde(default)]
    noreply: Option<NoreplyEntry>,
}

/// The address mail leaves from when its author has no account.
#[derive(Deserialize)]
struct NoreplyEntry {
    address: String,
    host: String,
    port: u16,
    tls: TlsMode,
    login: String,
    password_env: String,
    #[serde(default)]
    ca: Option<String>,
}

impl NoreplyEntry {
    /// Without the variable the address is settled all the same; sending from it then says what is missing.
    fn into_request(self) -> Result<NoreplyRequest> {
        let mut server = ServerSettings::new(&self.host, self.port, self.tls)?;
        if let Some(file) = &self.ca {
            let pem = std::fs::read_to_string(file).map_err(|cause| {
                Error::new(
                    ErrorKind::Invalid,
                    "the file with the noreply server's authority could not be read",
                )
                .with_source(cause)
            })?;
            server = server.with_ca(pem);
        }
        let outgoing = Outgoing::smtp(server, Login::new(&self.login)?);
        let password = std::env::var(&self.password_env).ok().filter(|password| !password.is_empty());
        let password = password.map_or(Entered::Unchanged, |password| Entered::New(Secret::new(password)));
        Ok(NoreplyRequest::new(&Address::parse(&self.address)?, outgoing, password))
    }
}

#[derive(Deserialize)]
struct UserEntry {
    id: String,
    name: String,
    address: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    role: RoleEntry,
    #[serde(default = "yes")]
    active: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "lowercase")]
enum RoleEntry {
    Administrator,
    #[default]
    Staff,
}

#[derive(Deserialize)]
struct ClientEntry {
    id: String,
    name: String,
    #[serde(default)]
    addresses: Vec<String>,
    #[serde(default)]
    domains: Vec<String>,
}

const fn yes() -> bool {
    true
}

impl PracticeFile {
    fn into_data(self) -> Result<PracticeData> {
        let mut practice = Practice::new(PracticeId::new(self.practice.id)?, self.practice.name);
        practice.domains = self.practice.domains;
        practice.never_log = self.practice.never_log;
        practice.fold_addresses = self.practice.fold_addresses;
        practice.keep_gone_days = self.practice.keep_gone_days;
        let users = self.users.into_iter().map(UserEntry::into_user).collect::<Result<_>>()?;
        let clients = self.clients.into_iter().map(ClientEntry::into_data).collect::<Result<_>>()?;
        Ok(PracticeData::new(practice, users, clients))
    }
}

impl UserEntry {
    fn into_user(self) -> Result<User> {
        let mut user = User::new(UserId::new(self.id)?, self.name, self.address);
        user.aliases = self.aliases;
        user.active = self.active;
        user.role = match self.role {
            RoleEntry::Administrator => Role::Administrator,
            RoleEntry::Staff => Role::Staff,
        };
        Ok(user)
    }
}

impl ClientEntry {
    fn into_data(self) -> Result<ClientData> {
        let addresses = self.addresses.into_iter().map(ClientKey::Address);
        let keys = addresses.chain(self.domains.into_iter().map(ClientKey::Domain)).collect();
        Ok(ClientData::new(ClientId::new(self.id)?, self.name, keys))
    }
}

#[derive(Serialize)]
struct Written {
    practice: String,
    users: usize,
    clients: usize,
    refused: Vec<Refused>,
}

/// A key that cannot be used: a domain, or an address that is none.
#[derive(Serialize)]
struct Refused {
    client: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    reason: &'static str,
}

impl From<&RefusedKey> for Refused {
    fn from(refused: &RefusedKey) -> Self {
        let (domain, address) = match &refused.key {
            ClientKey::Domain(domain) => (Some(domain.clone()), None),
            ClientKey::Address(address) => (None, Some(address.clone())),
            _ => (None, None),
        };
        Self { client: refused.client.to_string(), domain, address, reason: refused.reason }
    }
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Practice {}: {} users, {} clients.", self.practice, self.users, self.clients)?;
        for refused in &self.refused {
            let key = refused.domain.as_deref().or(refused.address.as_deref()).unwrap_or_default();
            writeln!(f, "  Not used for client {}: {key} ({})", refused.client, refused.reason)?;
        }
        Ok(())
    }
}
