//! Reading accounts.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt as _;
use tokio::time::Instant;

use super::admin_consent::domain_of;
use super::measure;
use super::view::SyncReport;
use super::{PracticeMail, SIDE_BY_SIDE};
use crate::contract::{AccountRecord, AccountState, Fence, NewAccount, PassEnd, SignInHints};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::{AccountSettings, Reading};
use crate::sync::brake::Brake;
use crate::sync::pass::{self, Accounted, LEASE_SECONDS};
use crate::sync::schedule::Ended;
use crate::sync::{AccountReport, ProgressSink};
use crate::types::{AccountId, PracticeId, Timestamp, UserId};

/// An account whose lease is held.
#[derive(Clone, Copy)]
pub(super) struct Held<'a> {
    pub(super) record: &'a AccountRecord,
    pub(super) fence: &'a Fence,
    /// The seconds that it was leased for.
    pub(super) lease: u32,
    /// Passes that failed since the last that ended well.
    pub(super) failures: u32,
    /// Ends the pass early.
    pub(super) brake: &'a Brake,
}

impl PracticeMail {
    /// Reads the accounts of a practice, or of one user, to the end: new messages, and history for clients' keys added
    /// since. An account that fails is told in its report; the others go on. One that is switched off, or whose reading pends, is
    /// not read: [`status`](Self::status) says so.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) for an unknown practice or user; storage kinds.
    ///
    /// # Cancel safety
    /// What was committed stays, and the next pass continues behind it.
    pub async fn sync(
        &self,
        practice: &PracticeId,
        user: Option<&UserId>,
        progress: ProgressSink<'_>,
    ) -> Result<SyncReport> {
        let unknown = || Error::new(ErrorKind::NotFound, "the directory does not know this practice");
        self.directory.practice(practice).await?.ok_or_else(unknown)?;
        if let Some(user) = user {
            self.user(practice, user).await?;
        }
        let active: Vec<UserId> =
            self.directory.users(practice).await?.into_iter().filter(|u| u.active).map(|u| u.id).collect();
        let mut accounts = self.storage.mail.accounts(practice).await?;
        self.retry_reading(&mut accounts, &active).await;
        let failures: BTreeMap<AccountId, u32> = {
            let schedule = self.storage.mail.schedule(practice).await?.into_iter();
            schedule.map(|standing| (standing.account, standing.failures)).collect()
        };
        let failed = |record: &AccountRecord| failures.get(&record.account.id).copied().unwrap_or_default();
        let wanted = self.read_accounts(practice, user).await?.into_iter();
        let passes = wanted.map(|record| {
            let failures = failed(&record);
            async move { self.sync_account(&record, failures, progress).await }
        });
        let mut reports: Vec<AccountReport> =
            futures_util::stream::iter(passes).buffer_unordered(SIDE_BY_SIDE).collect().await;
        reports.sort_by(|a, b| a.account.cmp(&b.account));
        Ok(SyncReport { accounts: reports })
    }

    /// Accounts whose reading pends are tried again, one a tenant: whoever has to approve it tells nobody here. Where it is
    /// allowed now, they read from this pass on. What goes wrong with it leaves everything as it is, until the next time.
    async fn retry_reading(&self, accounts: &mut [AccountRecord], active: &[UserId]) {
        let mut waiting = BTreeSet::new();
        for record in accounts {
            let account = &mut record.account;
            let domain = domain_of(&account.address);
            let pends = account.settings.reading == Reading::Pends && record.state == AccountState::Connected;
            if !pends || !active.contains(&account.user) || waiting.contains(&domain) {
                continue;
            }
            match self.try_to_begin_reading(account).await {
                Ok(settings) => account.settings = settings,
                Err(error) => {
                    tracing::info!(kind = error.kind().as_str(), "reading pends");
                    if matches!(error.kind(), ErrorKind::ConsentMissing | ErrorKind::AdministratorApproval) {
                        waiting.insert(domain);
                    }
                }
            }
        }
    }

    /// Has an account read that could not until now: its mailbox opens.
    async fn try_to_begin_reading(&self, account: &NewAccount) -> Result<AccountSettings> {
        self.opens(account).await?;
        let store = &self.storage.mail;
        let fence = store.acquire_lease(&account.practice, &account.id, &self.name, LEASE_SECONDS).await?;
        let changed = self.allow_reading(&fence).await;
        store.release_lease(&fence).await?;
        changed
    }

    /// The same of an account whose lease is held.
    pub(super) async fn begin_reading(&self, account: &NewAccount, fence: &Fence) -> Result<AccountSettings> {
        self.opens(account).await?;
        self.allow_reading(fence).await
    }

    /// Fails unless the mailbox of an account opens that may not read yet.
    async fn opens(&self, account: &NewAccount) -> Result<()> {
        let token = self.connections.try_reading(account).await?;
        self.try_reading(&account.settings, &token).await.map(drop)
    }

    /// Changes that alone, in the settings as they are now.
    async fn allow_reading(&self, fence: &Fence) -> Result<AccountSettings> {
        let gone = || Error::new(ErrorKind::NotFound, "there is no such account");
        let account = self.record(&fence.practice, &fence.account).await?.ok_or_else(gone)?.account;
        if account.settings.reading == Reading::Pends {
            let settings = account.settings.reading(Reading::Allowed);
            self.storage.mail.change_settings(fence, &settings).await?;
            self.reading_was_allowed(&fence.practice, &account.address).await?;
            return Ok(settings);
        }
        Ok(account.settings)
    }

    /// Passes over an account that failed since the last that ended well.
    pub(super) async fn failures_of(&self, account: &NewAccount) -> Result<u32> {
        let mut schedule = self.storage.mail.schedule(&account.practice).await?.into_iter();
        let standing = schedule.find(|standing| standing.account == account.id);
        Ok(standing.map_or(0, |standing| standing.failures))
    }

    /// Reads an account, once its lease is free.
    pub(super) async fn sync_account(
        &self,
        record: &AccountRecord,
        failures: u32,
        progress: ProgressSink<'_>,
    ) -> AccountReport {
        let account = &record.account;
        match self.storage.mail.acquire_lease(&account.practice, &account.id, &self.name, LEASE_SECONDS).await
        {
            Ok(fence) => {
                let held =
                    Held { record, fence: &fence, lease: LEASE_SECONDS, failures, brake: &Brake::default() };
                self.read_account(held, progress).await
            }
            Err(error) => {
                let mut report = AccountReport::new(account.id.clone(), account.user.clone());
                report.error = Some(error);
                report
            }
        }
    }

    /// Reads an account whose lease is held, writes how that ended and when it is due again, and gives the lease back.
    #[tracing::instrument(name = "sync", skip_all, fields(account = %held.record.account.id))]
    pub(super) async fn read_account(&self, held: Held<'_>, progress: ProgressSink<'_>) -> AccountReport {
        let account = &held.record.account;
        let mut report = AccountReport::new(account.id.clone(), account.user.clone());
        let _running = measure::Running::begin();
        let (begun, at) = (Instant::now(), self.clock.now());
        let accounted = Accounted::default();
        let outcome = self.pass(held, &accounted, progress, &mut report).await;
        let end = self.end_of(held, at, &outcome, accounted.left_of(report.traffic));
        let ended = self.end(held.fence, &end, &outcome).await;
        report.error = outcome.err().or(ended.err());
        report.elapsed = begun.elapsed();
        measure::pass(&report);
        match &report.error {
            None => tracing::info!(
                mailboxes = report.mailboxes.len(),
                round_trips = report.traffic.round_trips,
                "pass ended"
            ),
            Some(error) => tracing::warn!(kind = error.kind().as_str(), "pass failed"),
        }
        report
    }

    async fn pass(
        &self,
        held: Held<'_>,
        accounted: &Accounted,
        progress: ProgressSink<'_>,
        report: &mut AccountReport,
    ) -> Result<PassEnd> {
        let account = &held.record.account;
        let state = self.storage.mail.sync_state(&account.practice, &account.id).await?;
        if state.octets_today > account.settings.octets_per_day() {
            return Err(pass::budget_spent(self.clock.now()));
        }
        let hints = SignInHints::from_stored(state.hints);
        let connection = self.connections.open_reader(account, &hints).await?;
        let learnt = connection.hints.clone();
        let input = self.pass_input(account, (held.fence, held.lease, accounted), (progress, held.brake));
        pass::run(input, connection, report).await?;
        let hints = Some(learnt.as_str().to_owned()).filter(|_| learnt != hints);
        Ok(PassEnd { hints, ..PassEnd::default() })
    }

    /// How a pass ended, with the octets that no window counted.
    fn end_of(&self, held: Held<'_>, begun: Timestamp, outcome: &Result<PassEnd>, octets: u64) -> PassEnd {
        let (mut end, error) = match outcome {
            Ok(end) => (end.clone(), None),
            Err(error) => (PassEnd::default(), Some(error)),
        };
        let now = self.clock.now();
        end.octets_read = octets;
        end.broken_off = error.is_some() && held.brake.is_pulled();
        if end.broken_off {
            return end;
        }
        end.failure = error.map(|e| (e.kind(), e.to_string()));
        end.not_before = error.and_then(Error::not_before);
        let Held { record, failures, .. } = held;
        let (practice, account) = (&record.account.practice, &record.account.id);
        end.next_due =
            Ended { practice, account, begun, now, failures, before: record.health.failure, error }
                .next_due();
        end
    }

    /// Writes it, and gives the lease back.
    async fn end(&self, fence: &Fence, end: &PassEnd, outcome: &Result<PassEnd>) -> Result<()> {
        let lost = outcome.as_ref().is_err_and(|e| e.kind() == ErrorKind::FenceLost);
        let ended = if lost { Ok(()) } else { self.storage.mail.end_pass(fence, end).await };
        let released = self.storage.mail.release_lease(fence).await;
        ended?;
        released
    }
}
