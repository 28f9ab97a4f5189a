//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use practicemail::settings::TlsMode;
use practicemail::types::{
    AccountId, Address, AddressError, ClientId, InvalidId, MessageKey, OutgoingId, Recipient, Timestamp,
    UserId,
};
use tracing_subscriber::filter::LevelFilter;

use crate::failpoint::Failpoint;

/// Email tabs for a practice's clients, in the terminal. Global options stand before the command.
#[derive(Debug, Parser)]
#[command(name = "practice")]
pub(crate) struct Cli {
    /// The store: one SQLite file; its key is kept beside it in FILE.key.
    #[arg(long, value_name = "FILE")]
    pub(crate) store: Option<PathBuf>,
    /// Answer with exactly one JSON object on stdout.
    #[arg(long)]
    pub(crate) json: bool,
    /// Give up after so many seconds.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<Duration>,
    /// Write traces to a file.
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
    /// How much is traced: error, warn, info, debug or trace.
    #[arg(long, value_name = "LEVEL", default_value = "info", requires = "log")]
    pub(crate) log_level: LevelFilter,
    /// Set the clock (RFC 3339); it then stands still.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) now: Option<Timestamp>,
    /// Abort the process at the n-th pass of a named point, for tests; `list` prints the names.
    #[arg(long, value_name = "NAME[:N]")]
    pub(crate) failpoint: Option<Failpoint>,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write practice, users and clients into the host's tables; run again, update them.
    Init(InitArgs),
    /// Connect a user's account, or replace its settings.
    Connect(ConnectArgs),
    /// Try the settings of an account, step by step; nothing is saved.
    Check(ConnectArgs),
    /// List the mailboxes of a user's account.
    Mailboxes(MailboxesArgs),
    /// Read accounts into the archive.
    Sync(SyncArgs),
    /// Send a message, an answer included, from a user's account.
    Send(Box<SendArgs>),
    /// Show what was sent and what waits; take back or settle single messages.
    Outbox(OutboxArgs),
    /// Show a client's Email tab.
    Tab(TabArgs),
    /// Show how every user's mail fares.
    Status,
    /// Show how far a user's accounts are read.
    Cursor(CursorArgs),
    /// Write every message of the archive as a line of a file.
    Export(ExportArgs),
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Practice, users and clients as JSON.
    #[arg(long, value_name = "FILE.json")]
    pub(crate) practice: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ConnectArgs {
    /// Whose account it is.
    #[arg(long, value_parser = user)]
    pub(crate) user: UserId,
    /// The account's id; the user's id if not given.
    #[arg(long, value_parser = account)]
    pub(crate) account: Option<AccountId>,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// Save without signing in; the certificate is verified all the same.
    #[arg(long)]
    pub(crate) save_unchecked: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// The IMAP server.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) imap: HostPort,
    /// Its encryption; `none` only to this machine.
    #[arg(long)]
    pub(crate) imap_tls: Tls,
    /// The user name there.
    #[arg(long, value_name = "NAME")]
    pub(crate) login: String,
    /// The environment variable that holds the password.
    #[arg(long, value_name = "VAR")]
    pub(crate) password_env: String,
    /// The submission server; without one the account only reads.
    #[arg(long, value_name = "HOST:PORT", requires = "smtp_tls")]
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
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// The mailbox that holds what the user sent, where it is not found by itself.
    #[arg(long, value_name = "NAME")]
    pub(crate) sent_mailbox: Option<String>,
    /// A mailbox not to be read, with those below it; may be given again.
    #[arg(long, value_name = "MAILBOX")]
    pub(crate) exclude: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct MailboxesArgs {
    /// Whose.
    #[arg(long, value_parser = user)]
    pub(crate) user: UserId,
    /// Which account, where the user has several.
    #[arg(long, value_parser = account)]
    pub(crate) account: Option<AccountId>,
}

#[derive(Debug, Args)]
pub(crate) struct SyncArgs {
    /// Only this user's accounts.
    #[arg(long, value_parser = user)]
    pub(crate) user: Option<UserId>,
    /// Messages a window reads at once.
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) window: Option<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    /// Who writes it.
    #[arg(long, value_parser = user)]
    pub(crate) user: UserId,
    /// The address it comes from, where the user has several.
    #[arg(long, value_name = "ADDRESS", value_parser = recipient)]
    pub(crate) from: Option<Recipient>,
    /// Primary recipients: `paula@example.org` or `Paula Marlow <paula@example.org>`.
    #[arg(long, value_name = "ADDRESS", num_args = 1.., value_parser = recipient)]
    pub(crate) to: Vec<Recipient>,
    /// Secondary recipients.
    #[arg(long, value_name = "ADDRESS", num_args = 1.., value_parser = recipient)]
    pub(crate) cc: Vec<Recipient>,
    /// Recipients the others do not see.
    #[arg(long, value_name = "ADDRESS", num_args = 1.., value_parser = recipient)]
    pub(crate) bcc: Vec<Recipient>,
    /// The subject; of an answer without one, that of what it answers.
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    pub(crate) subject: String,
    /// The text.
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) text: Option<String>,
    /// A file with the text in HTML.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// A file that goes with it; may be given again.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) attach: Vec<PathBuf>,
    /// An image that the HTML shows by `cid:` and the file's name; may be given again.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) inline: Vec<PathBuf>,
    /// Answers the author of the message with this id.
    #[arg(long, value_name = "ID", value_parser = message, group = "answer")]
    pub(crate) reply: Option<MessageKey>,
    /// Answers everybody.
    #[arg(long, value_name = "ID", value_parser = message, group = "answer")]
    pub(crate) reply_all: Option<MessageKey>,
    /// Passes it on.
    #[arg(long, value_name = "ID", value_parser = message, group = "answer")]
    pub(crate) forward: Option<MessageKey>,
    /// Not before this time (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) at: Option<Timestamp>,
    /// Names the intent: the same key again sends nothing more.
    #[arg(long)]
    pub(crate) key: Option<String>,
    /// Leave it in the outbox; `sync` sends it.
    #[arg(long)]
    pub(crate) queue: bool,
    /// Send it to those who are accepted, also when others are refused.
    #[arg(long)]
    pub(crate) allow_partial: bool,
}

#[derive(Debug, Args)]
pub(crate) struct OutboxArgs {
    #[command(subcommand)]
    pub(crate) action: Option<OutboxAction>,
    /// At most so many, the latest first.
    #[arg(long, value_name = "N", default_value = "50", value_parser = positive)]
    pub(crate) limit: usize,
}

/// What to do about one message of the outbox.
#[derive(Debug, Subcommand)]
pub(crate) enum OutboxAction {
    /// Take back a message that is queued.
    Cancel {
        /// Which.
        #[arg(value_parser = outgoing)]
        id: OutgoingId,
    },
    /// Settle a message whose outcome is unknown, or that waits since a restore: without a decision, the Sent mailbox is
    /// looked into.
    Resolve {
        /// Which.
        #[arg(value_parser = outgoing)]
        id: OutgoingId,
        /// What became of it, as you know it.
        #[arg(long = "as", value_name = "DECISION")]
        decision: Option<Decision>,
    },
}

/// What a person decides.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Decision {
    /// It did not leave: send it.
    SendAgain,
    /// It left.
    Sent,
    /// It did not leave, and is not to be sent.
    GiveUp,
}

#[derive(Debug, Args)]
pub(crate) struct TabArgs {
    /// Whose tab.
    #[arg(long, value_parser = client)]
    pub(crate) client: ClientId,
    /// As this user sees it; as the host itself if not given.
    #[arg(long = "as", value_name = "USER", value_parser = user)]
    pub(crate) viewer: Option<UserId>,
    /// Messages a page.
    #[arg(long, value_name = "N", default_value = "50", value_parser = positive)]
    pub(crate) limit: usize,
    /// The page that `next` of the last one named.
    #[arg(long, value_name = "CURSOR")]
    pub(crate) before: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CursorArgs {
    /// Whose.
    #[arg(long, value_parser = user)]
    pub(crate) user: UserId,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The file's format: one JSON object a line.
    #[arg(long)]
    pub(crate) format: ExportFormat,
    /// The file; it appears when it is whole.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

/// A format of exports.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ExportFormat {
    /// One JSON object a line.
    Jsonl,
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

fn user(text: &str) -> Result<UserId, InvalidId> {
    UserId::new(text)
}

fn account(text: &str) -> Result<AccountId, InvalidId> {
    AccountId::new(text)
}

fn client(text: &str) -> Result<ClientId, InvalidId> {
    ClientId::new(text)
}

fn message(text: &str) -> Result<MessageKey, &'static str> {
    MessageKey::parse(text).ok_or("the id of a message is wanted, as `tab` prints it")
}

fn outgoing(text: &str) -> Result<OutgoingId, &'static str> {
    OutgoingId::parse(text).ok_or("the id of a message is wanted, as `send` and `outbox` print it")
}

/// `paula@example.org` or `Paula Marlow <paula@example.org>`.
fn recipient(text: &str) -> Result<Recipient, AddressError> {
    match text.trim().strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
        Some((name, address)) => {
            Ok(Recipient::named(name.trim().trim_matches('"'), Address::parse(address)?))
        }
        None => Address::parse(text).map(Recipient::from),
    }
}

fn positive(text: &str) -> Result<usize, &'static str> {
    text.parse().ok().filter(|n| *n > 0).ok_or("a number from 1 on is wanted")
}

fn instant(text: &str) -> Result<Timestamp, &'static str> {
    Timestamp::parse_rfc3339(text).ok_or("a time such as 2026-11-24T09:30:00Z is wanted")
}

fn seconds(text: &str) -> Result<Duration, &'static str> {
    let seconds = text.parse().ok().filter(|seconds| *seconds > 0.0);
    seconds.and_then(|s| Duration::try_from_secs_f64(s).ok()).ok_or("a number of seconds above 0 is wanted")
}
