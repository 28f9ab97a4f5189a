//! What the door answers.

use super::send_view::Delivery;
use crate::error::{Advice, Error, ErrorKind, Result};
use crate::matching::{Reason, RefusedKey};
use crate::settings::{AccountSettings, Reading};
use crate::sync::AccountReport;
use crate::types::{
    AccountId, Address, Attachment, CleanText, ClientId, Copy, Cursor, Digest, Entered, Gap, MailboxName,
    MessageDate, MessageId, MessageKey, Participant, Secret, Timestamp, UserId,
};

/// How the settings of a new account are tried before they are saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Trial {
    /// Connect, sign in and list the mailboxes; nothing is saved unless that works.
    #[default]
    SignIn,
    /// Connect and verify the certificates only.
    Certificate,
    /// Try nothing: the host insists.
    None,
}

/// An account to be connected.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ConnectRequest {
    /// Its id; the user's id by default.
    pub account: Option<AccountId>,
    /// Its servers.
    pub settings: AccountSettings,
    /// The password of the IMAP server.
    pub password: Entered,
    /// The password of the submission server; that of the IMAP server is used where none was ever given.
    pub outgoing_password: Entered,
    /// An OAuth access token for sending, instead of a password.
    pub outgoing_token: Option<Secret>,
    /// How the settings are tried.
    pub trial: Trial,
}

impl ConnectRequest {
    /// An account, tried before it is saved. The password is a [`Secret`], or what a form posted.
    pub fn new(settings: AccountSettings, password: impl Into<Entered>) -> Self {
        Self {
            account: None,
            settings,
            password: password.into(),
            outgoing_password: Entered::Unchanged,
            outgoing_token: None,
            trial: Trial::default(),
        }
    }

    /// Chooses the account's id: a user may have several.
    pub fn account(mut self, account: AccountId) -> Self {
        self.account = Some(account);
        self
    }

    /// Adds the password of the submission server.
    pub fn outgoing_password(mut self, password: impl Into<Entered>) -> Self {
        self.outgoing_password = password.into();
        self
    }

    /// Sends with an OAuth access token; connecting again brings a fresh one.
    pub fn outgoing_token(mut self, token: Secret) -> Self {
        self.outgoing_token = Some(token);
        self
    }

    /// Sets how the settings are tried.
    pub fn trial(mut self, trial: Trial) -> Self {
        self.trial = trial;
        self
    }
}

/// An account that was connected.
#[derive(Debug)]
#[non_exhaustive]
pub struct Connected {
    /// Its id.
    pub account: AccountId,
    /// Whose.
    pub user: UserId,
    /// Its address.
    pub address: Address,
    /// Whether the sign-in was tried.
    pub checked: bool,
    /// Whether it reads yet.
    pub reading: Reading,
    /// Its Sent mailbox: the one chosen, else the one found.
    pub sent_mailbox: Option<String>,
    /// What stands in the way although the provider's sign-in went well; with somebody's help the account works later as it is.
    pub problem: Option<Error>,
}

/// One step of checking settings.
#[derive(Debug)]
#[non_exhaustive]
pub struct CheckStep {
    /// Its name: `name`, `connect`, `tls`, `greeting`, `capabilities`, `sign_in`, `list`, `open_inbox`, `sent_mailbox`.
    pub step: &'static str,
    /// What was found, in the server's words where it said something; secrets and addresses are taken out of them.
    pub detail: String,
    /// Why it failed, if it did; its [`hint`](Error::hint) says what is known of this very service.
    pub error: Option<Error>,
}

/// What checking settings found, step by step; each server's steps end with the first that failed.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct CheckReport {
    /// The steps to reading.
    pub incoming: Vec<CheckStep>,
    /// The steps to sending; none for an account that only reads.
    pub outgoing: Vec<CheckStep>,
    /// The Sent mailbox that was found.
    pub sent_mailbox: Option<String>,
}

impl CheckReport {
    /// Whether every step passed.
    pub fn is_ok(&self) -> bool {
        self.incoming.iter().chain(&self.outgoing).all(|step| step.error.is_none())
    }

    /// The first failure, reading before sending.
    ///
    /// # Errors
    /// That of the step that failed.
    pub fn into_result(self) -> Result<()> {
        let failed = self.incoming.into_iter().chain(self.outgoing).find_map(|step| step.error);
        failed.map_or(Ok(()), Err)
    }
}

/// What a pass over several accounts did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct SyncReport {
    /// Account by account.
    pub accounts: Vec<AccountReport>,
}

impl SyncReport {
    /// Whether every account was read to the end.
    pub fn is_ok(&self) -> bool {
        self.accounts.iter().all(|account| account.error.is_none())
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Viewer {
    /// A user of the practice: the directory says which clients they may see.
    User(UserId),
    /// The host itself, for the reason given.
    System {
        /// Why.
        reason: &'static str,
    },
}

/// Whether a message came in or went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Direction {
    /// Somebody else wrote it.
    In,
    /// Staff wrote it.
    Out,
}

impl Direction {
    /// `in` or `out`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

/// Where one copy of a message on a tab lies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct TabCopy {
    /// The account.
    pub account: AccountId,
    /// Whose.
    pub user: UserId,
    /// The mailbox, or label.
    pub mailbox: MailboxName,
}

/// A message on a client's Email tab.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TabMessage {
    /// Its identity.
    pub id: MessageKey,
    /// Its Message-ID.
    pub message_id: Option<MessageId>,
    /// Its place in time.
    pub time: Timestamp,
    /// Its Date, with its writer's zone.
    pub date: Option<MessageDate>,
    /// Its authors.
    pub from: Vec<Participant>,
    /// Its primary recipients.
    pub to: Vec<Participant>,
    /// Its secondary recipients.
    pub cc: Vec<Participant>,
    /// Recipients the others do not see, where the viewer owns the copy that names them.
    pub bcc: Vec<Participant>,
    /// Its subject.
    pub subject: CleanText,
    /// Whether it came in or went out.
    pub direction: Direction,
    /// Its first words.
    pub snippet: String,
    /// What it carries.
    pub attachments: Vec<Attachment>,
    /// Where it lies.
    pub copies: Vec<TabCopy>,
    /// Why it is on this tab.
    pub matched: Vec<Reason>,
    /// How many distinct contents go by its identity; more than one deserves a look.
    pub versions: usize,
    /// Whether a program wrote it: an automatic reply or a notice.
    pub automatic: bool,
    /// What became of it, where the practice sent it with this crate.
    pub delivery: Option<Delivery>,
}

/// Nothing of what the message says.
impl std::fmt::Debug for TabMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TabMessage({}, {} copies)", self.id, self.copies.len())
    }
}

/// How many messages a tab has: exact to a thousand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Count {
    /// So many.
    Exactly(u32),
    /// More than so many.
    MoreThan(u32),
}

/// `17` or `1000+`.
impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exactly(n) => write!(f, "{n}"),
            Self::MoreThan(n) => write!(f, "{n}+"),
        }
    }
}

/// A page of a client's Email tab, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tab {
    /// The messages.
    pub messages: Vec<TabMessage>,
    /// What to ask the next page with; `None` on the last.
    pub next: Option<String>,
    /// How many there are in all.
    pub count: Count,
}

/// How a user's mail fares: a row of Settings > Users.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserStatus {
    /// The user.
    pub user: UserId,
    /// Their address, as the directory has it.
    pub address: String,
    /// The account, where there is one.
    pub account: Option<AccountId>,
    /// When it was last synchronised; `None` is *never*.
    pub last_synchronised: Option<Timestamp>,
    /// How it fares.
    pub health: Health,
}

impl std::fmt::Debug for UserStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "UserStatus({}: {})", self.user, self.health.as_str())
    }
}

/// How an account fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Health {
    /// The last pass ended well, or none has been made yet.
    Fine,
    /// The user has connected no account.
    NeverSetUp,
    /// The user's account was disconnected.
    Disconnected,
    /// The practice has switched the account's way off.
    SwitchedOff,
    /// The account sends; reading waits for an administrator of the mail service.
    ReadingPends,
    /// The last pass failed.
    Failing(ErrorKind),
}

impl Health {
    /// A stable name: `ok`, `never_set_up`, `disconnected`, `switched_off`, `reading_pends`, or the kind of failure.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::NeverSetUp => "never_set_up",
            Self::Disconnected => "disconnected",
            Self::SwitchedOff => "switched_off",
            Self::ReadingPends => "reading_pends",
            Self::Failing(kind) => kind.as_str(),
        }
    }

    /// What to do about it.
    pub const fn advice(self) -> Option<Advice> {
        match self {
            Self::Failing(kind) => Some(kind.advice()),
            Self::SwitchedOff => Some(ErrorKind::SwitchedOff.advice()),
            Self::ReadingPends => Some(ErrorKind::AdministratorApproval.advice()),
            _ => None,
        }
    }
}

/// How far an account is read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccountCursor {
    /// The account.
    pub account: AccountId,
    /// Its mailboxes.
    pub mailboxes: Vec<(MailboxName, Cursor, Vec<Gap>)>,
    /// How many keys everything seen was matched against.
    pub covered_keys: usize,
    /// How many keys history is being read for.
    pub pending_keys: usize,
    /// The directory's revision the keys are of.
    pub revision: String,
}

/// One line of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exported {
    /// A message that is a client's.
    Message {
        /// Its identity.
        id: MessageKey,
        /// Its Message-ID.
        message_id: Option<MessageId>,
        /// Whose it is, sorted.
        clients: Vec<ClientId>,
        /// How many distinct contents go by its identity.
        renditions: usize,
        /// Its copies by place, with the user each belongs to.
        copies: Vec<(UserId, Copy)>,
    },
    /// A message that was given up, or a UID that would not come.
    Lost {
        /// A digest of the place it lies at.
        id: Digest,
        /// Its Message-ID, where it is known.
        message_id: Option<MessageId>,
        /// The account.
        account: AccountId,
        /// Whose.
        user: Option<UserId>,
        /// The mailbox.
        mailbox: MailboxName,
        /// The mailbox's validity.
        uid_validity: u32,
        /// The message there.
        uid: u32,
        /// Its octets, where they came.
        octets: Option<(Digest, u64)>,
        /// Why.
        reason: String,
    },
}

/// A practice as the directory describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DirectoryCheck {
    /// How many users it has.
    pub users: usize,
    /// How many clients have keys that can be used.
    pub clients: usize,
    /// Keys that cannot be used.
    pub refused: Vec<RefusedKey>,
}
