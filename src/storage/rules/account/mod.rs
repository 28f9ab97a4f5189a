//! Accounts: what one is, and how it is connected, settled, disconnected and erased.

mod lease;
mod progress;
mod schedule;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::contract::{AccountHealth, AccountRecord, AccountState, ChangeKind, CoveredKeys, NewAccount};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::{AccountSettings, PracticeSettings};
use crate::types::{Cursor, Gap, MailboxName, Timestamp, Uid};

/// One account: what it is, how far it is read, who holds it and when it is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AccountRow {
    /// Id, user, address, settings, epoch and health.
    pub record: AccountRecord,
    /// The name of the provider it is read from.
    pub provider: String,
    /// The latest lease; it may have expired.
    pub lease: Option<Lease>,
    /// The token of the lease that was last given.
    pub last_token: u64,
    /// How it stands in the schedule.
    pub plan: Plan,
    /// How far its mailboxes are read.
    pub mailboxes: BTreeMap<MailboxName, MailboxRow>,
    /// The keys it is covered for.
    pub keys: CoveredKeys,
    /// What is remembered of the server.
    pub hints: String,
    /// The day of the count (UTC), and the octets read on it.
    pub octets: (i64, u64),
    /// Whether the provider files copies by itself, where that is known.
    pub files_copies: Option<bool>,
}

/// Who holds an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Lease {
    /// The lease's number.
    pub token: u64,
    /// Who: no two that are not to hold it at once may be called alike.
    pub holder: String,
    /// When it expires, by the store's clock.
    pub until: Timestamp,
}

/// How an account stands in the schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Plan {
    /// When it is due; `None` when it waits for being connected again, or asked for.
    pub next_due: Option<Timestamp>,
    /// Whether it was asked for, and not claimed since.
    pub requested: bool,
    /// Passes that failed since the last that ended well.
    pub failures: u32,
    /// Whether it was never read to the end.
    pub is_first: bool,
    /// Messages left and in all, by mailbox.
    pub backlog: BTreeMap<MailboxName, (u64, u64)>,
}

/// One mailbox's progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MailboxRow {
    /// How far it is read.
    pub cursor: Cursor,
    /// UIDs that would not come.
    pub gaps: BTreeMap<Uid, Gap>,
}

/// Connecting, settling, disconnecting, erasing.
impl AccountRow {
    /// An account that is being connected for the first time; [`connect`](Self::connect) comes next.
    pub fn new(account: NewAccount, now: Timestamp) -> Self {
        let backlog = BTreeMap::new();
        Self {
            record: AccountRecord::new(account, AccountState::Connected, 1, AccountHealth::default()),
            provider: String::new(),
            lease: None,
            last_token: 0,
            plan: Plan { next_due: Some(now), requested: false, failures: 0, is_first: true, backlog },
            mailboxes: BTreeMap::new(),
            keys: CoveredKeys::default(),
            hints: String::new(),
            octets: (0, 0),
            files_copies: None,
        }
    }

    /// Connects it, also anew (S4).
    pub fn connect(
        &mut self,
        account: &NewAccount,
        practice: &PracticeSettings,
        now: Timestamp,
    ) -> Vec<ChangeKind> {
        self.record.account = account.clone();
        account.settings.provider().name().clone_into(&mut self.provider);
        self.record.state = AccountState::Connected;
        self.record.health.not_before = None;
        self.plan.next_due = Some(now);
        self.plan.failures = 0;
        self.files_copies = None;
        let switched = self.obey(practice, now);
        std::iter::once(ChangeKind::AccountConnected).chain(switched).collect()
    }

    /// Replaces its settings.
    pub fn change_settings(
        &mut self,
        settings: &AccountSettings,
        practice: &PracticeSettings,
        now: Timestamp,
    ) -> Vec<ChangeKind> {
        self.record.account.settings.clone_from(settings);
        settings.provider().name().clone_into(&mut self.provider);
        let switched = self.obey(practice, now);
        std::iter::once(ChangeKind::AccountConnected).chain(switched).collect()
    }

    /// Switches it off, or on again, as its practice has settled (S15).
    pub fn obey(&mut self, practice: &PracticeSettings, now: Timestamp) -> Option<ChangeKind> {
        match (self.record.state, practice.allows(self.record.account.settings.way())) {
            (AccountState::Connected, false) => {
                self.leave(AccountState::SwitchedOff);
                Some(ChangeKind::AccountSwitchedOff)
            }
            (AccountState::SwitchedOff, true) => {
                self.record.state = AccountState::Connected;
                self.plan.next_due = Some(now);
                Some(ChangeKind::AccountSwitchedOn)
            }
            _ => None,
        }
    }

    /// Ends its work everywhere (S11).
    pub fn disconnect(&mut self) -> Option<ChangeKind> {
        if self.record.state == AccountState::Disconnected {
            return None;
        }
        self.leave(AccountState::Disconnected);
        Some(ChangeKind::AccountDisconnected)
    }

    /// Takes it out of use: whatever was begun is refused from now on.
    fn leave(&mut self, state: AccountState) {
        self.record.state = state;
        self.record.epoch = self.record.epoch.saturating_add(1);
        self.lease = None;
    }

    /// Forgets how far it is read, but not how much of it was read today: the provider counts that too (S16).
    ///
    /// # Errors
    /// [`Busy`](ErrorKind::Busy) while it is connected or switched off.
    pub fn erase(&mut self) -> Result<()> {
        if self.record.state != AccountState::Disconnected {
            return Err(Error::new(ErrorKind::Busy, "the account is to be disconnected before it is erased"));
        }
        self.mailboxes.clear();
        self.keys = CoveredKeys::default();
        self.hints.clear();
        self.plan.is_first = true;
        self.plan.backlog.clear();
        Ok(())
    }

    /// The epoch under which it can be sent from now, if it can.
    pub fn sending_epoch(&self) -> Option<u64> {
        (self.record.state == AccountState::Connected).then_some(self.record.epoch)
    }
}
