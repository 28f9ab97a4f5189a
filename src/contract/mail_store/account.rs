//! Accounts, their leases and how they fare.

use serde::{Deserialize, Serialize};

use super::NextDue;
use crate::error::ErrorKind;
use crate::settings::{AccountSettings, PracticeSettings};
use crate::types::{AccountId, Address, PracticeId, Timestamp, UserId};

/// An account to be connected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NewAccount {
    /// The practice.
    pub practice: PracticeId,
    /// The account's id, chosen by the host.
    pub id: AccountId,
    /// Whose it is.
    pub user: UserId,
    /// The address it sends and receives under.
    pub address: Address,
    /// Its servers.
    pub settings: AccountSettings,
}

impl NewAccount {
    /// An account to be connected.
    pub fn new(
        practice: PracticeId,
        id: AccountId,
        user: UserId,
        address: Address,
        settings: AccountSettings,
    ) -> Self {
        Self { practice, id, user, address, settings }
    }
}

/// Whether an account is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AccountState {
    /// It is read.
    Connected,
    /// Its practice has switched its way off: it is neither read nor sent from; what was archived from it is kept.
    SwitchedOff,
    /// It was disconnected; what was archived from it is kept.
    Disconnected,
}

/// How the last passes went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AccountHealth {
    /// When a pass last ended, well or not.
    pub last_attempt: Option<Timestamp>,
    /// When a pass last ended well: the *last synchronised* of the users' list.
    pub last_success: Option<Timestamp>,
    /// What the last pass failed with; `None` when it ended well.
    pub failure: Option<ErrorKind>,
    /// The failure's message.
    pub failure_message: Option<String>,
    /// Not to be tried before this.
    pub not_before: Option<Timestamp>,
}

/// An account as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AccountRecord {
    /// Id, user, address and settings.
    pub account: NewAccount,
    /// Whether it is in use.
    pub state: AccountState,
    /// Counts up with every disconnecting and switching off: what was begun under an earlier one is refused.
    pub epoch: u64,
    /// How the last passes went.
    pub health: AccountHealth,
}

impl AccountRecord {
    /// A record as it was stored.
    pub fn new(account: NewAccount, state: AccountState, epoch: u64, health: AccountHealth) -> Self {
        Self { account, state, epoch, health }
    }
}

/// A change of what a practice settles.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SettingsChange {
    /// What was settled when the change was made.
    pub before: PracticeSettings,
    /// What is to be settled.
    pub after: PracticeSettings,
    /// Who changes it; `None` is the host itself.
    pub by: Option<UserId>,
}

impl SettingsChange {
    /// A change, made by a user or by the host itself.
    pub fn new(before: PracticeSettings, after: PracticeSettings, by: Option<UserId>) -> Self {
        Self { before, after, by }
    }
}

/// The proof that one holds an account's lease: goes with every write of a pass, and is checked in its transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fence {
    /// The practice.
    pub practice: PracticeId,
    /// The account.
    pub account: AccountId,
    /// The lease's number: higher than that of every lease of the account before.
    pub token: u64,
    /// The account's epoch when the lease was taken.
    pub epoch: u64,
}

impl Fence {
    /// A fence, made by stores only.
    pub fn new(practice: PracticeId, account: AccountId, token: u64, epoch: u64) -> Self {
        Self { practice, account, token, epoch }
    }
}

/// What a pass leaves behind when it ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PassEnd {
    /// When it ended.
    pub at: Option<Timestamp>,
    /// What it failed with, and the message; `None` when it ended well.
    pub failure: Option<(ErrorKind, String)>,
    /// Not to be tried before this.
    pub not_before: Option<Timestamp>,
    /// What to remember of the server; `None` leaves it as it is.
    pub hints: Option<String>,
    /// Octets received since the last window.
    pub octets_read: u64,
    /// Whether it was stopped on its way: that is neither a success nor a failure.
    pub broken_off: bool,
    /// When the account is due again.
    pub next_due: NextDue,
}
