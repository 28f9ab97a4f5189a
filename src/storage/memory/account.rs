//! Accounts: leases, progress and health.

use std::collections::{BTreeMap, BTreeSet};

use super::{Feed, PracticeRows};
use crate::contract::{
    AccountHealth, AccountRecord, AccountState, ChangeKind, CoverageChange, CoveredKeys, Fence, HistoryStep,
    MailboxState, NewAccount, NextDue, PassEnd, SyncState,
};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::{AccountSettings, PracticeSettings, Sharing};
use crate::types::{AccountId, Cursor, Gap, KeyDigest, MailboxName, Timestamp, Uid};

/// One account and how far it is read.
pub(super) struct AccountRow {
    pub(super) record: AccountRecord,
    last_token: u64,
    pub(super) lease: Option<Lease>,
    pub(super) mailboxes: BTreeMap<MailboxName, MailboxRow>,
    keys: CoveredKeys,
    hints: String,
    /// The day of the count, and the octets read on it.
    octets: (i64, u64),
    /// Whether the provider files copies by itself.
    pub(super) files_copies: Option<bool>,
    pub(super) plan: Plan,
    /// The name of the provider it is read from.
    pub(super) provider: String,
}

pub(super) struct Lease {
    token: u64,
    pub(super) holder: String,
    pub(super) until: Timestamp,
}

/// How an account stands in the schedule.
pub(super) struct Plan {
    /// When it is due; `None` when it waits for being connected again, or asked for.
    pub(super) next_due: Option<Timestamp>,
    pub(super) requested: bool,
    pub(super) failures: u32,
    pub(super) is_first: bool,
    /// Messages left and in all, by mailbox.
    pub(super) backlog: BTreeMap<MailboxName, (u64, u64)>,
}

/// One mailbox's progress.
pub(super) struct MailboxRow {
    pub(super) cursor: Cursor,
    pub(super) gaps: BTreeMap<Uid, Gap>,
}

impl AccountRow {
    fn new(account: NewAccount, now: Timestamp) -> Self {
        let backlog = BTreeMap::new();
        Self {
            provider: String::new(),
            plan: Plan { next_due: Some(now), requested: false, failures: 0, is_first: true, backlog },
            record: AccountRecord::new(account, AccountState::Connected, 1, AccountHealth::default()),
            last_token: 0,
            lease: None,
            mailboxes: BTreeMap::new(),
            keys: CoveredKeys::default(),
            hints: String::new(),
            octets: (0, 0),
            files_copies: None,
        }
    }

    /// How much colleagues see of its mail.
    pub(super) fn sharing(&self) -> Sharing {
        self.record.account.settings.sharing
    }

    pub(super) fn count_octets(&mut self, octets: u64, now: Timestamp) {
        self.octets = (now.day(), self.octets_on(now).saturating_add(octets));
    }

    fn octets_on(&self, now: Timestamp) -> u64 {
        let (day, octets) = self.octets;
        if day == now.day() { octets } else { 0 }
    }

    pub(super) fn sync_state(&self, now: Timestamp) -> SyncState {
        let mailbox = |(name, row): (&MailboxName, &MailboxRow)| {
            MailboxState::new(name.clone(), row.cursor.clone(), row.gaps.values().cloned().collect())
        };
        SyncState {
            mailboxes: self.mailboxes.iter().map(mailbox).collect(),
            keys: self.keys.clone(),
            hints: self.hints.clone(),
            octets_today: self.octets_on(now),
        }
    }

    pub(super) fn change_coverage(&mut self, change: &CoverageChange) -> Result<()> {
        let left = |row: &MailboxRow| row.cursor.history.as_ref().is_some_and(|h| !h.is_empty());
        if change.history == HistoryStep::Finish && self.mailboxes.values().any(left) {
            return Err(Error::new(ErrorKind::Invalid, "history is not read to the end"));
        }
        let keys = &mut self.keys;
        keys.covered.retain(|key| !change.forget.contains(key) && !change.pend.contains(key));
        keys.pending.retain(|key| !change.forget.contains(key));
        keys.pending.extend(&change.pend);
        keys.policy = change.policy.or(keys.policy);
        keys.revision.clone_from(&change.revision);
        match change.history {
            HistoryStep::Keep => {}
            HistoryStep::Begin => {
                for row in self.mailboxes.values_mut() {
                    row.cursor.history = Some(row.cursor.seen.clone());
                    if !row.cursor.seen.is_empty() {
                        row.cursor.status = None;
                    }
                }
            }
            HistoryStep::Finish => {
                keys.covered.append(&mut keys.pending);
                for row in self.mailboxes.values_mut() {
                    row.cursor.history = None;
                }
            }
        }
        Ok(())
    }

    /// Forgets that what was seen was matched against these keys, or is being.
    pub(super) fn uncover(&mut self, keys: &BTreeSet<KeyDigest>) {
        let CoveredKeys { covered, pending, .. } = &mut self.keys;
        covered.retain(|key| !keys.contains(key));
        pending.retain(|key| !keys.contains(key));
    }

    /// Switches it off, or on again, as its practice has settled.
    pub(super) fn obey(&mut self, settings: &PracticeSettings, now: Timestamp, feed: &mut Feed) {
        let allowed = settings.allows(self.record.account.settings.way());
        let change = match (self.record.state, allowed) {
            (AccountState::Connected, false) => {
                self.leave(AccountState::SwitchedOff);
                ChangeKind::AccountSwitchedOff
            }
            (AccountState::SwitchedOff, true) => {
                self.record.state = AccountState::Connected;
                self.plan.next_due = Some(now);
                ChangeKind::AccountSwitchedOn
            }
            _ => return,
        };
        feed.push(now, &self.record.account.id, change);
    }

    /// Takes it out of use: whatever was begun is refused from now on.
    fn leave(&mut self, state: AccountState) {
        self.record.state = state;
        self.record.epoch = self.record.epoch.saturating_add(1);
        self.lease = None;
    }

    /// Forgets how far it is read, but not how much of it was read today: the provider counts that too.
    pub(super) fn forget_progress(&mut self) {
        self.mailboxes.clear();
        self.keys = CoveredKeys::default();
        self.hints.clear();
        self.plan.is_first = true;
        self.plan.backlog.clear();
    }

    pub(super) fn end_pass(&mut self, end: &PassEnd, now: Timestamp, feed: &mut Feed) {
        self.count_octets(end.octets_read, now);
        if let Some(hints) = &end.hints {
            self.hints.clone_from(hints);
        }
        self.plan.end(end, now);
        if end.broken_off {
            return;
        }
        let at = end.at.unwrap_or(now);
        let kind = end.failure.as_ref().map(|(kind, _)| *kind);
        let health = &mut self.record.health;
        let change = match (health.failure, kind) {
            (before, Some(kind)) if before != Some(kind) => Some(ChangeKind::AccountFailed(kind)),
            (Some(_), None) => Some(ChangeKind::AccountRecovered),
            _ => None,
        };
        health.last_attempt = Some(at);
        if kind.is_none() {
            health.last_success = Some(at);
        }
        health.failure = kind;
        health.failure_message = end.failure.as_ref().map(|(_, message)| message.clone());
        health.not_before = end.not_before;
        if let Some(change) = change {
            feed.push(now, &self.record.account.id, change);
        }
    }
}

impl Plan {
    fn end(&mut self, end: &PassEnd, now: Timestamp) {
        self.next_due = match end.next_due {
            _ if self.requested => Some(now),
            NextDue::In(seconds) => Some(now.plus(i64::from(seconds))),
            NextDue::Stopped => None,
            _ => self.next_due,
        };
        if end.broken_off {
            return;
        }
        if end.failure.is_some() {
            self.failures = self.failures.saturating_add(1);
        } else {
            self.failures = 0;
            self.is_first = false;
            self.backlog.clear();
        }
    }
}

/// The account whose lease this fence proves to be held.
pub(super) fn fenced<'a>(
    accounts: &'a mut BTreeMap<AccountId, AccountRow>,
    fence: &Fence,
    now: Timestamp,
) -> Result<&'a mut AccountRow> {
    let holds = |row: &&mut AccountRow| {
        row.record.epoch == fence.epoch
            && row.lease.as_ref().is_some_and(|lease| lease.token == fence.token && now < lease.until)
    };
    let lost = || Error::new(ErrorKind::FenceLost, "the account's lease is not held any more");
    accounts.get_mut(&fence.account).filter(holds).ok_or_else(lost)
}

pub(super) fn connect(rows: &mut PracticeRows, account: &NewAccount, now: Timestamp) -> AccountRecord {
    let PracticeRows { accounts, settings, feed, .. } = rows;
    let row = accounts.entry(account.id.clone()).or_insert_with(|| AccountRow::new(account.clone(), now));
    row.record.account = account.clone();
    account.settings.provider().name().clone_into(&mut row.provider);
    row.record.state = AccountState::Connected;
    row.plan.next_due = Some(now);
    row.plan.failures = 0;
    row.files_copies = None;
    feed.push(now, &account.id, ChangeKind::AccountConnected);
    row.obey(settings, now, feed);
    row.record.clone()
}

pub(super) fn change_settings(
    rows: &mut PracticeRows,
    fence: &Fence,
    changed: &AccountSettings,
    now: Timestamp,
) -> Result<()> {
    let PracticeRows { accounts, settings, feed, .. } = rows;
    let row = fenced(accounts, fence, now)?;
    row.record.account.settings.clone_from(changed);
    changed.provider().name().clone_into(&mut row.provider);
    feed.push(now, &fence.account, ChangeKind::AccountConnected);
    row.obey(settings, now, feed);
    Ok(())
}

pub(super) fn disconnect(rows: &mut PracticeRows, account: &AccountId, now: Timestamp) -> Result<()> {
    let row = rows.accounts.get_mut(account).ok_or_else(not_found)?;
    if row.record.state != AccountState::Disconnected {
        row.leave(AccountState::Disconnected);
        rows.feed.push(now, account, ChangeKind::AccountDisconnected);
    }
    Ok(())
}

pub(super) fn acquire(
    row: Option<&mut AccountRow>,
    holder: &str,
    seconds: u32,
    now: Timestamp,
) -> Result<(u64, u64)> {
    let connected = |row: &&mut AccountRow| row.record.state == AccountState::Connected;
    let row = row.filter(connected).ok_or_else(not_found)?;
    if row.lease.as_ref().is_some_and(|lease| now < lease.until && lease.holder != holder) {
        return Err(Error::new(ErrorKind::Busy, "the account's lease is held by another"));
    }
    row.last_token = row.last_token.saturating_add(1);
    let until = now.plus(i64::from(seconds));
    row.lease = Some(Lease { token: row.last_token, holder: holder.to_owned(), until });
    Ok((row.last_token, row.record.epoch))
}

pub(super) fn renew(row: &mut AccountRow, seconds: u32, now: Timestamp) {
    if let Some(lease) = &mut row.lease {
        lease.until = now.plus(i64::from(seconds));
    }
}

pub(super) fn release(row: &mut AccountRow) {
    row.lease = None;
}

pub(super) fn not_found() -> Error {
    Error::new(ErrorKind::NotFound, "the account is not connected")
}
