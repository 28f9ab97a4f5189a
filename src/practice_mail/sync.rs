//! Reading accounts.

use futures_util::StreamExt as _;
use tokio::time::Instant;

use super::view::SyncReport;
use super::{PracticeMail, SIDE_BY_SIDE};
use crate::contract::{AccountRecord, AccountState, Fence, PassEnd, SignInHints};
use crate::error::{Error, ErrorKind, Result};
use crate::sync::pass::{self, LEASE_SECONDS, PassInput};
use crate::sync::{AccountReport, ProgressSink};
use crate::types::{PracticeId, UserId};

impl PracticeMail {
    /// Reads the accounts of a practice, or of one user, to the end: new messages, and history for clients' keys added
    /// since. An account that fails is told in its report; the others go on.
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
        let accounts = self.storage.mail.accounts(practice).await?;
        let wanted = accounts.into_iter().filter(|record| {
            let account = &record.account;
            record.state == AccountState::Connected
                && active.contains(&account.user)
                && user.is_none_or(|user| account.user == *user)
        });
        let passes = wanted.map(|record| async move { self.sync_account(&record, progress).await });
        let mut reports: Vec<AccountReport> =
            futures_util::stream::iter(passes).buffer_unordered(SIDE_BY_SIDE).collect().await;
        reports.sort_by(|a, b| a.account.cmp(&b.account));
        Ok(SyncReport { accounts: reports })
    }

    #[tracing::instrument(name = "sync", skip_all, fields(account = %record.account.id))]
    async fn sync_account(&self, record: &AccountRecord, progress: ProgressSink<'_>) -> AccountReport {
        let account = &record.account;
        let mut report = AccountReport::new(account.id.clone(), account.user.clone());
        let begun = Instant::now();
        let holder = format!("pid {}", std::process::id());
        match self.storage.mail.acquire_lease(&account.practice, &account.id, &holder, LEASE_SECONDS).await {
            Ok(fence) => {
                let outcome = self.pass(record, &fence, progress, &mut report).await;
                let outcome = self.end(&fence, outcome).await;
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
        fence: &Fence,
        progress: ProgressSink<'_>,
        report: &mut AccountReport,
    ) -> Result<PassEnd> {
        let account = &record.account;
        let state = self.storage.mail.sync_state(&account.practice, &account.id).await?;
        let hints = SignInHints::from_stored(state.hints);
        let connection = self.connections.open_reader(account, &hints).await?;
        let learnt = connection.hints.clone();
        let input = PassInput {
            store: &*self.storage.mail,
            blobs: &*self.storage.blobs,
            directory: &*self.directory,
            clock: &*self.clock,
            account,
            fence,
            window: self.window,
            progress,
        };
        let unaccounted = pass::run(input, connection, report).await?;
        let hints = Some(learnt.as_str().to_owned()).filter(|_| learnt != hints);
        Ok(PassEnd { octets_read: unaccounted, hints, ..PassEnd::default() })
    }

    /// Writes how the pass ended and gives the lease back.
    async fn end(&self, fence: &Fence, outcome: Result<PassEnd>) -> Result<()> {
        let (mut end, error) = match outcome {
            Ok(end) => (end, None),
            Err(error) => (PassEnd::default(), Some(error)),
        };
        end.at = Some(self.clock.now());
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
