//! The command line.

mod account;
mod archive;
mod page;
mod work;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use practicemail::practice_mail::Switch;
use practicemail::settings::Way;
use practicemail::types::{
    AccountId, Address, AddressError, ClientId, ConversationId, InvalidId, MessageKey, OutgoingId, Recipient,
    Timestamp, UserId,
};
use tracing_subscriber::filter::LevelFilter;

pub(crate) use account::{
    AccountArgs, CheckArgs, ConnectArgs, DisconnectArgs, HostPort, ProviderArgs, ServerArgs, Tls,
};

pub(crate) use archive::{
    AttachmentArgs, ChangesArgs, ConversationsArgs, DeadLettersArgs, EraseArgs, ForgetArgs, HideArgs,
    HoldArgs, OnOff, ReconcileArgs, SearchArgs, ShowArgs, WhyArgs,
};

pub(crate) use page::PageArgs;
pub(crate) use work::{PauseArgs, ResumeArgs, ScopeArgs, WorkerArgs};

use crate::failpoint::Failpoint;

/// Email tabs for a practice's clients, in the terminal. Global options stand before the command.
#[derive(Debug, Parser)]
#[command(name = "practice")]
pub(crate) struct Cli {
    /// The store: an SQLite file, or the URL of a PostgreSQL database (postgres://...; its schema is `practicemail`).
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) store: Option<String>,
    /// The key that passwords are sealed with; by default FILE.key beside the file, `practice.key` in the current directory for a
    /// database. It is made where nothing is sealed yet.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
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
    /// Connect a user's account, or replace its settings: with servers and a password, or by the provider's own sign-in.
    Connect(Box<ConnectArgs>),
    /// Try settings, or those of an account that is connected, step by step; nothing is saved.
    Check(Box<CheckArgs>),
    /// Take an account out of use.
    Disconnect(DisconnectArgs),
    /// List the mailboxes of a user's account.
    Mailboxes(AccountArgs),
    /// Read accounts into the archive.
    Sync(SyncArgs),
    /// Read accounts by themselves, every ten to fifteen minutes, and deliver what is due, until Ctrl-C.
    Worker(WorkerArgs),
    /// Hold up the worker: everything, a provider, or an account.
    Pause(PauseArgs),
    /// Let it go on.
    Resume(ResumeArgs),
    /// Seal every stored password and token with the newest key of the key file.
    Reseal,
    /// Send a message, an answer included, from a user's account.
    Send(Box<SendArgs>),
    /// Show what was sent and what waits; take back or settle single messages.
    Outbox(OutboxArgs),
    /// Show a client's Email tab.
    Tab(TabArgs),
    /// Show how every user's mail fares.
    Status,
    /// Show what the practice has settled for all its users, or switch ways of connecting on and off.
    Settings(SettingsArgs),
    /// Show how far a user's accounts are read.
    Cursor(CursorArgs),
    /// Look for words in a client's mail.
    Search(SearchArgs),
    /// Show a client's mail by conversations.
    Conversations(ConversationsArgs),
    /// Show a message whole.
    Show(ShowArgs),
    /// Write an attachment into a file.
    Attachment(AttachmentArgs),
    /// Hide a user's copy of a message from their colleagues.
    Hide(HideArgs),
    /// Show it to them again.
    Unhide(HideArgs),
    /// Put a client's mail on hold: nothing of it is erased.
    Hold(HoldArgs),
    /// Erase a client's messages, those only a user has, or one.
    Erase(EraseArgs),
    /// Erase what is no client's any more and whose time is over.
    Forget(ForgetArgs),
    /// Compare servers and archive: what should be there, and is not, and why.
    Reconcile(ReconcileArgs),
    /// Say what became of a message, by its Message-ID.
    Why(WhyArgs),
    /// List messages that could not be archived, or try them again.
    DeadLetters(DeadLettersArgs),
    /// List what happened.
    Changes(ChangesArgs),
    /// Write the archive, or a part of it, into a file.
    Export(ExportArgs),
}

impl Command {
    /// Whether it waits for a person to come back from their browser.
    pub(crate) fn waits_for_a_person(&self) -> bool {
        matches!(self, Self::Connect(args) if args.provider.is_some())
    }
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Practice, users and clients as JSON.
    #[arg(long, value_name = "FILE.json")]
    pub(crate) practice: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct SyncArgs {
    /// Only this user's accounts.
    #[arg(long, value_parser = user)]
    pub(crate) user: Option<UserId>,
    /// Ask the worker for it, and do not wait.
    #[arg(long)]
    pub(crate) ask: bool,
    /// Messages a window reads at once.
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) window: Option<usize>,
    /// Goes on: waits at the inboxes and reads what comes, and prints the answer of every pass in a line of its own.
    #[arg(long)]
    pub(crate) watch: bool,
    /// Ends watching after so many seconds.
    #[arg(long = "for", value_name = "SECONDS", value_parser = seconds, requires = "watch")]
    pub(crate) watch_for: Option<Duration>,
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
    #[command(flatten)]
    pub(crate) page: PageArgs,
    /// Only what this user has, or sent.
    #[arg(long, value_parser = user)]
    pub(crate) user: Option<UserId>,
    /// Only what came in, or went out.
    #[arg(long)]
    pub(crate) direction: Option<WayOfMail>,
    /// Only of this time (RFC 3339) and later.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) since: Option<Timestamp>,
    /// Only of before this time (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) until: Option<Timestamp>,
    /// Only what carries attachments.
    #[arg(long)]
    pub(crate) attachments: bool,
}

/// Which way a message went.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum WayOfMail {
    /// Somebody else wrote it.
    In,
    /// Staff wrote it.
    Out,
}

#[derive(Debug, Args)]
pub(crate) struct SettingsArgs {
    /// The user who changes them; the host itself if not given.
    #[arg(long, value_name = "USER", value_parser = user, requires = "switch")]
    pub(crate) by: Option<UserId>,
    /// Switch a way on or off: `gmail`, `smtp_imap` or `microsoft365`; may be given again.
    #[arg(long, value_name = "WAY=on|off", value_parser = switch)]
    pub(crate) switch: Vec<(Way, Switch)>,
}

#[derive(Debug, Args)]
pub(crate) struct CursorArgs {
    /// Whose.
    #[arg(long, value_parser = user)]
    pub(crate) user: UserId,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The format.
    #[arg(long)]
    pub(crate) format: ExportFormat,
    /// The file, or for `eml` the directory; it appears when it is whole.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Only this client's messages.
    #[arg(long, value_parser = client, group = "part")]
    pub(crate) client: Option<ClientId>,
    /// Only what this user has, or sent.
    #[arg(long, value_parser = user, group = "part")]
    pub(crate) user: Option<UserId>,
    /// Only this message.
    #[arg(long, value_name = "ID", value_parser = message, group = "part")]
    pub(crate) id: Option<MessageKey>,
    /// Only what this address takes part in: for whoever asks what is kept about them.
    #[arg(long, value_parser = address, group = "part")]
    pub(crate) address: Option<Address>,
    /// As this user sees it; as the host itself if not given.
    #[arg(long = "as", value_name = "USER", value_parser = user)]
    pub(crate) viewer: Option<UserId>,
}

/// A format of exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// One JSON object a line.
    Jsonl,
    /// One mailbox file (RFC 4155), every message as it came.
    Mbox,
    /// A directory of files, every message as it came.
    Eml,
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

fn address(text: &str) -> Result<Address, AddressError> {
    Address::parse(text)
}

fn conversation(text: &str) -> Result<ConversationId, &'static str> {
    ConversationId::parse(text).ok_or("the id of a conversation is wanted, as `conversations` prints it")
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

/// `gmail=off`.
fn switch(text: &str) -> Result<(Way, Switch), &'static str> {
    let (way, to) = text.split_once('=').ok_or("WAY=on or WAY=off is wanted")?;
    let way = Way::ALL.iter().copied().find(|known| known.as_str() == way);
    let way = way.ok_or("the ways are gmail, smtp_imap and microsoft365")?;
    match to {
        "on" => Ok((way, Switch::On)),
        "off" => Ok((way, Switch::Off)),
        _ => Err("WAY=on or WAY=off is wanted"),
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
