//! What comparing servers and archive shows.

use crate::contract::DeadLetter;
use crate::error::Error;
use crate::sync::MailboxFindings;
use crate::types::{AccountId, Timestamp, UserId};

/// Whether what is missing is fetched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repair {
    /// It is named.
    #[default]
    No,
    /// It is fetched, and looked for again.
    Yes,
}

/// Servers and archive, compared.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Reconciled {
    /// Account by account: those that are connected and read.
    pub accounts: Vec<ReconciledAccount>,
}

impl Reconciled {
    /// Whether every message with a client on the servers is archived, but for what a rule of the practice keeps out and what was erased.
    pub fn is_complete(&self) -> bool {
        self.accounts.iter().all(ReconciledAccount::is_complete)
    }
}

/// One account, compared.
#[derive(Debug)]
#[non_exhaustive]
pub struct ReconciledAccount {
    /// Which.
    pub account: AccountId,
    /// Whose.
    pub user: UserId,
    /// When it was compared.
    pub at: Timestamp,
    /// The directory's revision it was compared by.
    pub revision: String,
    /// Its mailboxes that are read.
    pub mailboxes: Vec<MailboxFindings>,
    /// Why it could not be compared, or not to the end.
    pub error: Option<Error>,
}

impl ReconciledAccount {
    /// As [`Reconciled::is_complete`].
    pub fn is_complete(&self) -> bool {
        let mut missing = self.mailboxes.iter().flat_map(|mailbox| &mailbox.missing);
        self.error.is_none() && !missing.any(|missing| missing.reason.is_defect())
    }
}

/// What trying dead letters again did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Replayed {
    /// Dead letters that were tried.
    pub tried: usize,
    /// Those that are left.
    pub left: Vec<DeadLetter>,
    /// Accounts in which it went wrong.
    pub failed: Vec<(AccountId, Error)>,
}
