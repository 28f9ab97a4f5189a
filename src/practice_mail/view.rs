//! What the door answers.

use crate::error::{Error, Result};
use crate::matching::RefusedKey;
use crate::settings::{AccountSettings, Reading};
use crate::sync::AccountReport;
use crate::types::{AccountId, Address, Cursor, Entered, Gap, MailboxName, Secret, UserId};

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
