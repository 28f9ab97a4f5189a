//! What a pass did.

use std::time::Duration;

use crate::contract::SessionTraffic;
use crate::error::Error;
use crate::types::{AccountId, MailboxName, UserId};

/// What a pass did in one mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MailboxReport {
    /// Which.
    pub name: MailboxName,
    /// Messages whose addressing headers were read.
    pub scanned: u64,
    /// Of those, messages that are a client's.
    pub matched: u64,
    /// Messages the practice did not have.
    pub new_messages: u64,
    /// Copies it did not have.
    pub new_copies: u64,
    /// Messages longer than the account takes in, of which the beginning was archived.
    pub beginnings: u64,
    /// UIDs that would not come.
    pub gaps: u64,
    /// Messages given up.
    pub dead_letters: u64,
    /// Whether its status told that nothing happened, and nothing of it was read.
    pub unchanged: bool,
}

impl MailboxReport {
    /// A mailbox of which nothing was read yet.
    pub fn new(name: MailboxName) -> Self {
        Self {
            name,
            scanned: 0,
            matched: 0,
            new_messages: 0,
            new_copies: 0,
            beginnings: 0,
            gaps: 0,
            dead_letters: 0,
            unchanged: false,
        }
    }
}

/// What a pass did for one account.
#[derive(Debug)]
#[non_exhaustive]
pub struct AccountReport {
    /// Which.
    pub account: AccountId,
    /// Whose.
    pub user: UserId,
    /// Its mailboxes.
    pub mailboxes: Vec<MailboxReport>,
    /// What it used of the network.
    pub traffic: SessionTraffic,
    /// How long it took.
    pub elapsed: Duration,
    /// Why it ended early, if it did. What was read before is kept.
    pub error: Option<Error>,
}

impl AccountReport {
    /// An account of which nothing was read yet.
    pub fn new(account: AccountId, user: UserId) -> Self {
        let traffic = SessionTraffic::default();
        Self { account, user, mailboxes: Vec::new(), traffic, elapsed: Duration::ZERO, error: None }
    }
}

/// How far a pass is in a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The account.
    pub account: AccountId,
    /// The mailbox.
    pub mailbox: MailboxName,
    /// Messages read so far in this pass.
    pub done: u64,
    /// Messages to read in this pass.
    pub total: u64,
}

impl Progress {
    /// A place on the way.
    pub fn new(account: AccountId, mailbox: MailboxName, done: u64, total: u64) -> Self {
        Self { account, mailbox, done, total }
    }
}

/// Is told of progress, after every window.
pub type ProgressSink<'a> = &'a (dyn Fn(&Progress) + Send + Sync);
