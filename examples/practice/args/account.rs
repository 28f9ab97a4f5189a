//! What says which account, and how it is connected.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};
use practicemail::settings::TlsMode;
use practicemail::types::{AccountId, Address, AddressError, UserId};

use super::{account, user};

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("way").args(["imap", "gmail", "microsoft"]).required(true))]
pub(crate) struct ConnectArgs {
    #[command(flatten)]
    pub(crate) whose: AccountArgs,
    #[command(flatten)]
    pub(crate) server: Option<ServerArgs>,
    #[command(flatten)]
    pub(crate) provider: Option<ProviderArgs>,
    /// Save without signing in; the certificate is verified all the same.
    #[arg(long, requires = "imap")]
    pub(crate) save_unchecked: bool,
}

/// Without a server, what is stored is tried.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) whose: AccountArgs,
    #[command(flatten)]
    pub(crate) server: Option<ServerArgs>,
}

#[derive(Debug, Args)]
pub(crate) struct DisconnectArgs {
    #[command(flatten)]
    pub(crate) whose: AccountArgs,
    /// Keep what is archived of it, as without this.
    #[arg(long, conflicts_with = "erase")]
    pub(crate) keep: bool,
    /// Erase what is archived of it too.
    #[arg(long)]
    pub(crate) erase: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AccountArgs {
    /// Whose.
    #[arg(long, value_parser = user)]
    pub(crate) user: UserId,
    /// Which account, where the user has several; the one with the user's id if not given.
    #[arg(long, value_parser = account)]
    pub(crate) account: Option<AccountId>,
}

/// Servers, and a password.
#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// The IMAP server.
    #[arg(long, value_name = "HOST:PORT", required = false, requires_all = ["imap_tls", "login", "password_env"])]
    pub(crate) imap: HostPort,
    /// Its encryption; `none` only to this machine.
    #[arg(long, required = false, requires = "imap")]
    pub(crate) imap_tls: Tls,
    /// The user name there.
    #[arg(long, value_name = "NAME", required = false, requires = "imap")]
    pub(crate) login: String,
    /// The environment variable that holds the password.
    #[arg(long, value_name = "VAR", required = false, requires = "imap")]
    pub(crate) password_env: String,
    /// The submission server; without one the account only reads.
    #[arg(long, value_name = "HOST:PORT", requires = "imap", requires = "smtp_tls")]
    pub(crate) smtp: Option<HostPort>,
    /// Its encryption; `none` only to this machine.
    #[arg(long, requires = "smtp")]
    pub(crate) smtp_tls: Option<Tls>,
    /// The user name there, where it is another one.
    #[arg(long, value_name = "NAME", requires = "smtp", requires = "smtp_password_env")]
    pub(crate) smtp_login: Option<String>,
    /// The environment variable that holds its password.
    #[arg(long, value_name = "VAR", requires = "smtp_login")]
    pub(crate) smtp_password_env: Option<String>,
    /// A certificate authority (PEM) to trust instead of the system's.
    #[arg(long, value_name = "FILE", requires = "imap")]
    pub(crate) ca: Option<PathBuf>,
    /// The mailbox that holds what the user sent, where it is not found by itself.
    #[arg(long, value_name = "NAME", requires = "imap")]
    pub(crate) sent_mailbox: Option<String>,
    /// A mailbox not to be read, with those below it; may be given again.
    #[arg(long, value_name = "MAILBOX", requires = "imap")]
    pub(crate) exclude: Vec<String>,
    /// Show colleagues headers only.
    #[arg(long, requires = "imap")]
    pub(crate) headers_only: bool,
    /// Do not keep attachments of more than so many bytes: they are fetched again when somebody wants them.
    #[arg(long, value_name = "BYTES", requires = "imap")]
    pub(crate) attachments_up_to: Option<u64>,
    /// Take in only the beginning of messages of more than so many bytes.
    #[arg(long, value_name = "BYTES", requires = "imap")]
    pub(crate) max_message: Option<u64>,
    /// The name under which the account's own server says whether authors are who they say (Authentication-Results).
    #[arg(long, value_name = "NAME", requires = "imap")]
    pub(crate) authentication_server: Option<String>,
}

/// A provider's own sign-in, in the user's browser.
#[derive(Debug, Args)]
#[group(conflicts_with = "ServerArgs")]
#[allow(clippy::struct_excessive_bools, reason = "the switches of a command line")]
pub(crate) struct ProviderArgs {
    /// Connect by Google's own sign-in.
    #[arg(long, group = "provider")]
    pub(crate) gmail: bool,
    /// Connect by Microsoft's own sign-in.
    #[arg(long, group = "provider")]
    pub(crate) microsoft: bool,
    /// Ask for sending alone.
    #[arg(long, requires = "microsoft", conflicts_with = "gmail")]
    pub(crate) send_only: bool,
    /// Send by Microsoft Graph.
    #[arg(long, requires = "microsoft", conflicts_with = "gmail")]
    pub(crate) graph: bool,
    /// A shared mailbox that the user has full access to, instead of their own.
    #[arg(long, value_name = "ADDRESS", value_parser = address, requires = "microsoft", conflicts_with = "gmail")]
    pub(crate) mailbox: Option<Address>,
    /// The client id of your registration with the provider, for programs on a user's own machine; the practice keeps it.
    #[arg(long, value_name = "ID", group = "registered", requires = "provider")]
    pub(crate) client_id: Option<String>,
    /// The whole registration as JSON, in place of a client id.
    #[arg(long, value_name = "FILE.json", group = "registered", requires = "provider")]
    pub(crate) oauth_registration: Option<PathBuf>,
    /// The environment variable that holds its client secret, where it has one.
    #[arg(long, value_name = "VAR", requires = "registered")]
    pub(crate) client_secret_env: Option<String>,
    /// Where the browser comes back to: a port of this machine; any that is free if not given.
    #[arg(long, value_name = "127.0.0.1:PORT", value_parser = loopback, requires = "client_id")]
    pub(crate) listen: Option<u16>,
}

/// How a connection is encrypted.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Tls {
    /// From the first octet.
    Implicit,
    /// By an upgrade that is insisted on.
    Starttls,
    /// Not at all.
    None,
}

impl From<Tls> for TlsMode {
    fn from(tls: Tls) -> Self {
        match tls {
            Tls::Implicit => Self::Implicit,
            Tls::Starttls => Self::StartTls,
            Tls::None => Self::None,
        }
    }
}

/// A server's name or address, and its port.
#[derive(Debug, Clone)]
pub(crate) struct HostPort {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl std::str::FromStr for HostPort {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = "HOST:PORT is wanted, such as imap.example.org:993";
        let (host, port) = text.rsplit_once(':').ok_or(wanted)?;
        let port = port.parse().ok().filter(|port| *port > 0).ok_or(wanted)?;
        if host.is_empty() || (host.contains(':') && !host.starts_with('[')) {
            return Err(wanted);
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

/// The port of `127.0.0.1:8400`.
fn loopback(text: &str) -> Result<u16, &'static str> {
    let port = text.strip_prefix("127.0.0.1:").and_then(|port| port.parse().ok());
    port.ok_or("127.0.0.1:PORT is wanted")
}

fn address(text: &str) -> Result<Address, AddressError> {
    Address::parse(text)
}
