//! How every user's mail fares.

use std::collections::BTreeMap;

use super::PracticeMail;
use super::status_view::{Health, StatusSummary, UserStatus};
use crate::contract::{AccountRecord, AccountSchedule, AccountState, Pause, PauseScope, User};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::Reading;
use crate::types::{AccountId, PracticeId, Timestamp, UserId};

/// Seconds without a pass that ended well after which an account is stale: four in a row did not come, which is more than one late.
const STALE_AFTER: i64 = 3_600;

impl PracticeMail {
    /// Every user of the practice, when they were last synchronised and are next, what is left to be read, and what is wrong where
    /// something is (S24).
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) for an unknown practice; storage kinds.
    pub async fn status(&self, practice: &PracticeId) -> Result<Vec<UserStatus>> {
        let unknown = || Error::new(ErrorKind::NotFound, "the directory does not know this practice");
        self.directory.practice(practice).await?.ok_or_else(unknown)?;
        let accounts = self.storage.mail.accounts(practice).await?;
        let schedule = self.storage.mail.schedule(practice).await?.into_iter();
        let schedule: BTreeMap<AccountId, AccountSchedule> =
            schedule.map(|standing| (standing.account.clone(), standing)).collect();
        let mut letters: BTreeMap<AccountId, usize> = BTreeMap::new();
        for letter in self.storage.mail.dead_letters(practice).await? {
            *letters.entry(letter.place.account).or_default() += 1;
        }
        let now = self.clock.now();
        let mut rows = Vec::new();
        for user in self.directory.users(practice).await? {
            let before = rows.len();
            for record in accounts.iter().filter(|record| record.account.user == user.id) {
                let id = &record.account.id;
                let mut row = row(&user, record, schedule.get(id), now);
                row.dead_letters = letters.get(id).copied().unwrap_or_default();
                rows.push(row);
            }
            if rows.len() == before {
                rows.push(without_account(&user));
            }
        }
        Ok(rows)
    }

    /// The same, counted: how many are fine, stale, failing, never set up.
    ///
    /// # Errors
    /// As [`status`](Self::status).
    pub async fn status_summary(&self, practice: &PracticeId) -> Result<StatusSummary> {
        Ok(StatusSummary::of(&self.status(practice).await?))
    }

    /// Asks for a user's accounts to be read now, or all of the practice: whoever works the schedule comes by within seconds. Answers how
    /// many are asked for.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) for an unknown user; storage kinds.
    pub async fn request_now(&self, practice: &PracticeId, user: Option<&UserId>) -> Result<usize> {
        let Some(user) = user else { return self.storage.mail.request_now(practice, None).await };
        let mut asked = 0;
        for record in self.read_accounts(practice, Some(user)).await? {
            asked += self.storage.mail.request_now(practice, Some(record.account.id)).await?;
        }
        Ok(asked)
    }

    /// Throws a kill switch: what it holds up is not begun, and what is under way ends with its window, in every process, within seconds.
    /// What a person does at once, such as [`sync`](Self::sync) or sending, is not held up.
    ///
    /// # Errors
    /// Storage kinds.
    pub async fn pause(&self, pause: &Pause) -> Result<()> {
        self.storage.mail.pause(pause).await
    }

    /// Lifts one; says whether it held.
    ///
    /// # Errors
    /// Storage kinds.
    pub async fn resume(&self, scope: &PauseScope) -> Result<bool> {
        self.storage.mail.resume(scope).await
    }

    /// The kill switches that hold.
    ///
    /// # Errors
    /// Storage kinds.
    pub async fn pauses(&self) -> Result<Vec<Pause>> {
        self.storage.mail.pauses().await
    }
}

fn without_account(user: &User) -> UserStatus {
    UserStatus {
        user: user.id.clone(),
        address: user.address.clone(),
        account: None,
        last_synchronised: None,
        health: Health::NeverSetUp,
        dead_letters: 0,
        last_attempt: None,
        next_due: None,
        requested: false,
        failures: 0,
        is_first: true,
        is_stale: false,
        reader: None,
        backlog: Vec::new(),
    }
}

fn row(
    user: &User,
    record: &AccountRecord,
    standing: Option<&AccountSchedule>,
    now: Timestamp,
) -> UserStatus {
    let mut row = without_account(user);
    row.account = Some(record.account.id.clone());
    row.last_synchronised = record.health.last_success;
    row.last_attempt = record.health.last_attempt;
    row.health = health(record);
    let is_read =
        record.state == AccountState::Connected && record.account.settings.reading == Reading::Allowed;
    row.is_stale = is_read && row.last_synchronised.is_some_and(|at| at.plus(STALE_AFTER) < now);
    if let Some(standing) = standing {
        row.next_due = standing.next_due.filter(|_| is_read);
        row.requested = standing.requested;
        row.failures = standing.failures;
        row.is_first = standing.is_first;
        row.reader.clone_from(&standing.lease);
        row.backlog.clone_from(&standing.backlog);
    }
    row
}

fn health(record: &AccountRecord) -> Health {
    match (record.state, record.health.failure) {
        (AccountState::Disconnected, _) => Health::Disconnected,
        (AccountState::SwitchedOff, _) => Health::SwitchedOff,
        _ if record.account.settings.reading == Reading::Pends => Health::ReadingPends,
        (_, Some(kind)) => Health::Failing(kind),
        _ => Health::Fine,
    }
}
