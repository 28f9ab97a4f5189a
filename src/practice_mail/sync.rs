//! Reading accounts.

use std::collections::BTreeSet;

use futures_util::StreamExt as _;
use tokio::time::Instant;

use super::admin_consent::domain_of;
use super::view::SyncReport;
use super::{PracticeMail, SIDE_BY_SIDE};
use crate::contract::{AccountRecord, AccountState, Fence, NewAccount, PassEnd, SignInHints};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::{AccountSettings, Reading};
use crate::sync::pass::{self, Accounted, LEASE_SECONDS};
use crate::sync::{AccountReport, ProgressSink};
use crate::types::{PracticeId, UserId};

/// Says who holds a lease, for people.
fn holder() -> String {
    format!("pid {}", std::process::id())
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
        let wanted = self.read_accounts(practice, user).await?.into_iter();
        let passes = wanted.map(|record| async move { self.sync_account(&record, progress).await });
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
            match self.begin_reading(account).await {
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
    async fn begin_reading(&self, account: &NewAccount) -> Result<AccountSettings> {
        let token = self.connections.try_reading(account).await?;
        self.try_reading(&account.settings, &token).await?;
        let store = &self.storage.mail;
        let fence = store.acquire_lease(&account.practice, &account.id, &holder(), LEASE_SECONDS).await?;
        let changed = self.allow_reading(&fence).await;
        store.release_lease(&fence).await?;
        changed
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

    #[tracing::instrument(name = "sync", skip_all, fields(account = %record.account.id))]
    async fn sync_account(&self, record: &AccountRecord, progress: ProgressSink<'_>) -> AccountReport {
        let account = &record.account;
        let mut report = AccountReport::new(account.id.clone(), account.user.clone());
        let begun = Instant::now();
        let holder = holder();
        match self.storage.mail.acquire_lease(&account.practice, &account.id, &holder, LEASE_SECONDS).await {
            Ok(fence) => {
                let accounted = Accounted::default();
                let outcome = self.pass(record, (&fence, &accounted), progress, &mut report).await;
                let outcome = self.end(&fence, outcome, accounted.left_of(report.traffic)).await;
                report.error = outcome.err();
            }
            Err(error) => report.error = Some(error),
        }
        report.elapsed = begun.elapsed();
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
        record: &AccountRecord,
        (fence, accounted): (&Fence, &Accounted),
        progress: ProgressSink<'_>,
        report: &mut AccountReport,
    ) -> Result<PassEnd> {
        let account = &record.account;
        let state = self.storage.mail.sync_state(&account.practice, &account.id).await?;
        let hints = SignInHints::from_stored(state.hints);
        let connection = self.connections.open_reader(account, &hints).await?;
        let learnt = connection.hints.clone();
        let input = self.pass_input(account, (fence, accounted), progress);
        pass::run(input, connection, report).await?;
        let hints = Some(learnt.as_str().to_owned()).filter(|_| learnt != hints);
        Ok(PassEnd { hints, ..PassEnd::default() })
    }

    /// Writes how the pass ended, with the octets that no window counted, and gives the lease back.
    async fn end(&self, fence: &Fence, outcome: Result<PassEnd>, octets: u64) -> Result<()> {
        let (mut end, error) = match outcome {
            Ok(end) => (end, None),
            Err(error) => (PassEnd::default(), Some(error)),
        };
        end.at = Some(self.clock.now());
        end.octets_read = octets;
        end.failure = error.as_ref().map(|e| (e.kind(), e.to_string()));
        end.not_before = error.as_ref().and_then(Error::not_before);
        let lost = error.as_ref().is_some_and(|e| e.kind() == ErrorKind::FenceLost);
        let ended = if lost { Ok(()) } else { self.storage.mail.end_pass(fence, &end).await };
        let released = self.storage.mail.release_lease(fence).await;
        error.map_or(Ok(()), Err)?;
        ended?;
        released
    }
}
