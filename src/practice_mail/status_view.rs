//! How accounts fare, for those who look after them.

use crate::contract::MailboxBacklog;
use crate::error::{Advice, ErrorKind};
use crate::types::{AccountId, Timestamp, UserId};

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
    /// Messages of clients that could not be archived.
    pub dead_letters: usize,
    /// When it was last tried, well or not.
    pub last_attempt: Option<Timestamp>,
    /// When it is read next; `None` where it waits for being connected again, or asked for.
    pub next_due: Option<Timestamp>,
    /// Whether it was asked for, and not begun since.
    pub requested: bool,
    /// Passes that failed since the last that ended well.
    pub failures: u32,
    /// Whether it was never read to the end.
    pub is_first: bool,
    /// Whether it is read, and was not to its end for more than an hour.
    pub is_stale: bool,
    /// Which worker reads it, and until when it may without a sign of life.
    pub reader: Option<(String, Timestamp)>,
    /// What is left to be read, by mailbox, while that is more than a window; also after a pass that did not end well.
    pub backlog: Vec<MailboxBacklog>,
}

impl UserStatus {
    /// Messages that are left to be read, as far as is known.
    pub fn left(&self) -> u64 {
        self.backlog.iter().map(|mailbox| mailbox.left).sum()
    }
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

/// A practice's users, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatusSummary {
    /// Rows: users without an account, and accounts.
    pub rows: usize,
    /// Read to the end within the last hour.
    pub fine: usize,
    /// Read to the end before that, whatever the reason.
    pub stale: usize,
    /// Being read for the first time.
    pub first: usize,
    /// Whose last pass failed.
    pub failing: usize,
    /// Of those, such as nobody but a person can mend.
    pub to_be_mended: usize,
    /// Users who have set nothing up.
    pub never_set_up: usize,
    /// Disconnected, switched off, or waiting for leave to read.
    pub not_read: usize,
    /// Messages left to be read, as far as is known.
    pub left: u64,
}

impl StatusSummary {
    /// Counts what [`status`](crate::PracticeMail::status) answered.
    pub fn of(rows: &[UserStatus]) -> Self {
        let count = |is: fn(&UserStatus) -> bool| rows.iter().filter(|row| is(row)).count();
        let waits = |row: &UserStatus| {
            matches!(row.health, Health::Disconnected | Health::SwitchedOff | Health::ReadingPends)
        };
        Self {
            rows: rows.len(),
            fine: count(|row| row.health == Health::Fine && !row.is_first && !row.is_stale),
            stale: count(|row| row.is_stale),
            first: count(|row| row.is_first && matches!(row.health, Health::Fine | Health::Failing(_))),
            failing: count(|row| matches!(row.health, Health::Failing(_))),
            to_be_mended: count(|row| matches!(row.health, Health::Failing(_)) && row.next_due.is_none()),
            never_set_up: count(|row| row.health == Health::NeverSetUp),
            not_read: count(waits),
            left: rows.iter().map(UserStatus::left).sum(),
        }
    }
}
