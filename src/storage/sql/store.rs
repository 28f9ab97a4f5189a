//! [`MailStore`] in one SQLite file.

use async_trait::async_trait;

use super::engine::Engine;
use super::{
    SqlStore, accounts, changes, comparison, coverage, erasure, leases, messages, page, practice_settings,
    window,
};
use crate::contract::{
    AccountRecord, AccountState, Change, Comparison, CopiesInMailbox, CoverageChange, DeadLetter, Fence,
    MailStore, Message, NewAccount, PagePosition, PageQuery, PassEnd, SettingsChange, StoredCopy, SyncState,
    Window, WindowReceipt,
};
use crate::error::Result;
use crate::settings::{AccountSettings, PracticeSettings};
use crate::types::{AccountId, Digest, MailboxName, MessageKey, PracticeId, Timestamp, UidSet, UidValidity};

impl<E: Engine> SqlStore<E> {
    /// Forgets the lease of an account that is switched off, so that it keeps no other process out.
    fn leave_if_off(&self, record: &AccountRecord) {
        let is_off = record.state == AccountState::SwitchedOff;
        if let Some(presence) = self.engine().presence().filter(|_| is_off) {
            presence.leases.leave_account(&record.account.practice, &record.account.id);
        }
    }
}

#[async_trait]
impl<E: Engine> MailStore for SqlStore<E> {
    async fn connect(&self, account: &NewAccount) -> Result<AccountRecord> {
        let mut session = self.writing(&account.practice).await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        let record = accounts::connect(&mut tx, now, account).await?;
        tx.commit().await?;
        self.leave_if_off(&record);
        Ok(record)
    }

    async fn disconnect(&self, practice: &PracticeId, account: &AccountId) -> Result<()> {
        let mut session = self.writing(practice).await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        accounts::disconnect(&mut tx, now, practice, account).await?;
        tx.commit().await?;
        if let Some(presence) = self.engine().presence() {
            presence.leases.leave_account(practice, account);
        }
        Ok(())
    }

    async fn practice_settings(&self, practice: &PracticeId) -> Result<PracticeSettings> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        practice_settings::load(&mut tx, practice).await
    }

    async fn set_practice_settings(&self, practice: &PracticeId, change: &SettingsChange) -> Result<()> {
        let mut session = self.writing(practice).await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        let records = practice_settings::save(&mut tx, now, practice, change).await?;
        tx.commit().await?;
        for record in &records {
            self.leave_if_off(record);
        }
        Ok(())
    }

    async fn change_settings(&self, fence: &Fence, settings: &AccountSettings) -> Result<()> {
        let mut session = self.writing(&fence.practice).await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        leases::check(&mut tx, now, fence).await?;
        let record = accounts::change_settings(&mut tx, now, fence, settings).await?;
        tx.commit().await?;
        self.leave_if_off(&record);
        Ok(())
    }

    async fn erase_account(&self, practice: &PracticeId, account: &AccountId) -> Result<Vec<Digest>> {
        let mut session = self.writing(practice).await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        let unnamed = erasure::erase(&mut tx, now, practice, account).await?;
        tx.commit().await?;
        Ok(unnamed)
    }

    async fn accounts(&self, practice: &PracticeId) -> Result<Vec<AccountRecord>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        accounts::all(&mut tx, practice).await
    }

    async fn acquire_lease(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        holder: &str,
        seconds: u32,
    ) -> Result<Fence> {
        let mut session = self.writing(practice).await?;
        let entering = self.engine().presence().map(|presence| presence.leases.enter()).transpose()?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        let until = now.plus(i64::from(seconds));
        let ids = (practice, account);
        let lock = self.engine().presence().map(|presence| &presence.leases);
        let fence = leases::acquire(&mut tx, lock, now, ids, holder, until).await?;
        tx.commit().await?;
        if let Some(entering) = entering {
            entering.remember(&fence, until);
        }
        Ok(fence)
    }

    async fn renew_lease(&self, fence: &Fence, seconds: u32) -> Result<()> {
        let mut session = self.writing(&fence.practice).await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        let until = now.plus(i64::from(seconds));
        leases::check(&mut tx, now, fence).await?;
        leases::move_end(&mut tx, fence, until).await?;
        tx.commit().await?;
        if let Some(presence) = self.engine().presence() {
            presence.leases.extend(fence, until);
        }
        Ok(())
    }

    async fn release_lease(&self, fence: &Fence) -> Result<()> {
        let mut session = self.writing(&fence.practice).await?;
        let mut tx = session.begin().await?;
        leases::move_end(&mut tx, fence, Timestamp::from_unix(i64::MIN)).await?;
        tx.commit().await?;
        if let Some(presence) = self.engine().presence() {
            presence.leases.leave(fence);
        }
        Ok(())
    }

    async fn sync_state(&self, practice: &PracticeId, account: &AccountId) -> Result<SyncState> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        coverage::state(&mut tx, now, practice, account).await
    }

    async fn change_coverage(&self, fence: &Fence, change: &CoverageChange) -> Result<()> {
        let mut session = self.writing(&fence.practice).await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        leases::check(&mut tx, now, fence).await?;
        coverage::change(&mut tx, fence, change).await?;
        tx.commit().await
    }

    async fn commit_window(&self, fence: &Fence, window: &Window) -> Result<WindowReceipt> {
        let mut session = self.writing(&fence.practice).await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        leases::check(&mut tx, now, fence).await?;
        let receipt = window::commit(&mut tx, now, fence, window).await?;
        tx.commit().await?;
        Ok(receipt)
    }

    async fn commit_comparison(&self, fence: &Fence, comparison: &Comparison) -> Result<()> {
        let mut session = self.writing(&fence.practice).await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        leases::check(&mut tx, now, fence).await?;
        comparison::commit(&mut tx, now, fence, comparison).await?;
        tx.commit().await
    }

    async fn end_pass(&self, fence: &Fence, end: &PassEnd) -> Result<()> {
        let mut session = self.writing(&fence.practice).await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        leases::check(&mut tx, now, fence).await?;
        accounts::end_pass(&mut tx, now, fence, end).await?;
        tx.commit().await
    }

    async fn copies(&self, practice: &PracticeId, account: &AccountId) -> Result<Vec<CopiesInMailbox>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        comparison::copies(&mut tx, practice, account).await
    }

    async fn copies_at(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        mailbox: &MailboxName,
        uid_validity: UidValidity,
        uids: &UidSet,
    ) -> Result<Vec<StoredCopy>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        comparison::copies_at(&mut tx, practice, account, (mailbox, uid_validity), uids).await
    }

    async fn page(&self, query: &PageQuery) -> Result<Vec<PagePosition>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        page::page(&mut tx, query).await
    }

    async fn messages(&self, practice: &PracticeId, keys: &[MessageKey]) -> Result<Vec<Message>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        messages::of_keys(&mut tx, practice, keys).await
    }

    async fn all_messages(
        &self,
        practice: &PracticeId,
        after: Option<MessageKey>,
        limit: usize,
    ) -> Result<Vec<Message>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        messages::all(&mut tx, practice, after, limit).await
    }

    async fn count(&self, query: &PageQuery) -> Result<usize> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        page::count(&mut tx, query).await
    }

    async fn dead_letters(&self, practice: &PracticeId) -> Result<Vec<DeadLetter>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        window::dead_letters(&mut tx, practice).await
    }

    async fn changes(&self, practice: &PracticeId, after: u64, limit: usize) -> Result<Vec<Change>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        changes::after(&mut tx, practice, after, limit).await
    }
}
