//! Servers and archive, compared; and what could not be archived, tried again.

use std::collections::BTreeSet;

use super::PracticeMail;
use super::reconcile_view::{Reconciled, ReconciledAccount, Repair, Replayed};
use super::view::Viewer;
use crate::contract::{
    AccountRecord, AccountState, Connection, DeadLetter, Fence, NewAccount, SignInHints, Window,
};
use crate::error::Result;
use crate::settings::Reading;
use crate::sync::brake::Brake;
use crate::sync::inspect::{inspect, repair};
use crate::sync::pass::{Accounted, LEASE_SECONDS, PassInput};
use crate::sync::replay::replay;
use crate::sync::{AccountReport, Inspection, ProgressSink};
use crate::types::{AccountId, PracticeId, UserId};

impl PracticeMail {
    /// Compares what the servers have with what is archived (B9), message by message, by the rules and addresses of this moment: addressing headers of
    /// everything are read, in every account that is connected and read, or those of one user. Each message with a client is archived, with its octets
    /// and to be found, or it is named with the reason why not. With [`Repair::Yes`] a pass is made first, what is missing all the same is fetched, and it
    /// is compared once more.
    ///
    /// # Errors
    /// [`Forbidden`](crate::error::ErrorKind::Forbidden) for anybody but administrators and the host; [`NotFound`](crate::error::ErrorKind::NotFound) for an
    /// unknown practice or user; storage kinds. An account that cannot be compared is told in its row.
    ///
    /// # Cancel safety
    /// Comparing changes nothing; what was repaired stays.
    ///
    /// ```
    /// # use practicemail::PracticeMail;
    /// # use practicemail::practice_mail::{Repair, Viewer};
    /// # use practicemail::types::PracticeId;
    /// # async fn prove(mail: &PracticeMail, practice: PracticeId, me: Viewer) -> practicemail::error::Result<()> {
    /// let done = mail.reconcile(&practice, &me, None, Repair::No).await?;
    /// for mailbox in done.accounts.iter().flat_map(|account| &account.mailboxes) {
    ///     println!("{}: {} of {} archived", mailbox.name, mailbox.archived, mailbox.on_server);
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn reconcile(
        &self,
        practice: &PracticeId,
        by: &Viewer,
        user: Option<&UserId>,
        repair: Repair,
    ) -> Result<Reconciled> {
        self.may_administer(practice, by).await?;
        if repair == Repair::Yes {
            self.sync(practice, user, &|_| {}).await?;
        }
        let mut accounts = Vec::new();
        for record in self.read_accounts(practice, user).await? {
            accounts.push(self.reconcile_account(&record, repair).await);
        }
        Ok(Reconciled { accounts })
    }

    /// Messages that could not be archived, by place.
    ///
    /// # Errors
    /// [`Forbidden`](crate::error::ErrorKind::Forbidden) for anybody but administrators and the host; storage kinds.
    pub async fn dead_letters(&self, practice: &PracticeId, by: &Viewer) -> Result<Vec<DeadLetter>> {
        self.may_administer(practice, by).await?;
        self.storage.mail.dead_letters(practice).await
    }

    /// Tries dead letters again: from the octets that were kept of them, else by asking the server once more. A better version of this crate may
    /// archive what an older one could not.
    ///
    /// # Errors
    /// As [`dead_letters`](Self::dead_letters). An account in which it goes wrong is told in the answer.
    ///
    /// # Cancel safety
    /// What was archived stays archived; the others are dead letters still.
    pub async fn replay(&self, practice: &PracticeId, by: &Viewer) -> Result<Replayed> {
        let letters = self.dead_letters(practice, by).await?;
        let mut replayed = Replayed { tried: letters.len(), ..Replayed::default() };
        let concerned: BTreeSet<AccountId> =
            letters.iter().map(|letter| letter.place.account.clone()).collect();
        for record in self.read_accounts(practice, None).await? {
            let account = &record.account;
            if !concerned.contains(&account.id) {
                continue;
            }
            let work = async |input: PassInput<'_>, connection: &mut Connection| {
                let mut report = AccountReport::new(account.id.clone(), account.user.clone());
                replay(input, connection, &letters, &mut report).await
            };
            if let Err(error) = self.with_reader(account, work).await {
                replayed.failed.push((account.id.clone(), error));
            }
        }
        replayed.left = self.storage.mail.dead_letters(practice).await?;
        Ok(replayed)
    }

    async fn reconcile_account(&self, record: &AccountRecord, wanted: Repair) -> ReconciledAccount {
        let account = &record.account;
        let mut row = ReconciledAccount {
            account: account.id.clone(),
            user: account.user.clone(),
            at: self.clock.now(),
            revision: String::new(),
            mailboxes: Vec::new(),
            error: None,
        };
        let work = async |input: PassInput<'_>, connection: &mut Connection| {
            let found = inspect(input, connection).await?;
            if wanted == Repair::No || !has_defects(&found) {
                return Ok(found);
            }
            let mut report = AccountReport::new(account.id.clone(), account.user.clone());
            repair(input, connection, &found.mailboxes, &mut report).await?;
            inspect(input, connection).await
        };
        match self.with_reader(account, work).await {
            Ok(found) => {
                row.revision = found.revision;
                row.mailboxes = found.mailboxes;
                row.error = found.unavailable;
            }
            Err(error) => row.error = Some(error),
        }
        row
    }

    /// The accounts that are connected and read, of users who still work there.
    pub(super) async fn read_accounts(
        &self,
        practice: &PracticeId,
        user: Option<&UserId>,
    ) -> Result<Vec<AccountRecord>> {
        if let Some(user) = user {
            self.user(practice, user).await?;
        }
        let users = self.directory.users(practice).await?;
        let active: BTreeSet<&UserId> =
            users.iter().filter(|user| user.active).map(|user| &user.id).collect();
        let accounts = self.storage.mail.accounts(practice).await?.into_iter();
        let wanted = accounts.filter(|record| {
            let account = &record.account;
            record.state == AccountState::Connected
                && account.settings.reading == Reading::Allowed
                && active.contains(&account.user)
                && user.is_none_or(|user| account.user == *user)
        });
        Ok(wanted.collect())
    }

    /// Works on an account alone, with a session open. What came of the server counts, also of work that fails.
    async fn with_reader<T>(
        &self,
        account: &NewAccount,
        work: impl AsyncFnOnce(PassInput<'_>, &mut Connection) -> Result<T>,
    ) -> Result<T> {
        let store = &self.storage.mail;
        let fence = self.quiet(&account.practice, &account.id).await?;
        let done = async {
            let state = store.sync_state(&account.practice, &account.id).await?;
            let hints = SignInHints::from_stored(state.hints);
            let mut connection = self.connections.open_reader(account, &hints).await?;
            let accounted = Accounted::default();
            let brake = Brake::default();
            let input = self.pass_input(account, (&fence, LEASE_SECONDS, &accounted), (&|_| {}, &brake));
            let done = work(input, &mut connection).await;
            if done.is_ok() {
                connection.reader.close().await;
            }
            let left = accounted.left_of((connection.traffic)());
            let counted = self.count_octets(&fence, left).await;
            let done = done?;
            counted?;
            Ok(done)
        };
        let done = done.await;
        store.release_lease(&fence).await?;
        done
    }

    /// Counts octets towards the day's budget where no pass ends that would.
    async fn count_octets(&self, fence: &Fence, octets: u64) -> Result<()> {
        let store = &self.storage.mail;
        let state = store.sync_state(&fence.practice, &fence.account).await?;
        // A window that says what is known already; of an account of which nothing was read there is nothing to say.
        let Some(mailbox) = state.mailboxes.into_iter().next() else { return Ok(()) };
        let mut window = Window::new(mailbox.name, mailbox.cursor.uid_validity);
        window.finished = mailbox.cursor.status;
        window.look_again_at = mailbox.cursor.look_again_at;
        window.octets_read = octets;
        store.commit_window(fence, &window).await.map(drop)
    }

    pub(super) fn pass_input<'a>(
        &'a self,
        account: &'a NewAccount,
        (fence, lease, accounted): (&'a Fence, u32, &'a Accounted),
        (progress, brake): (ProgressSink<'a>, &'a Brake),
    ) -> PassInput<'a> {
        PassInput {
            store: &*self.storage.mail,
            blobs: &*self.storage.blobs,
            directory: &*self.directory,
            clock: &*self.clock,
            account,
            fence,
            lease,
            accounted,
            window: self.window,
            progress,
            brake,
        }
    }
}

fn has_defects(found: &Inspection) -> bool {
    found.mailboxes.iter().flat_map(|mailbox| &mailbox.missing).any(|missing| missing.reason.is_defect())
}
