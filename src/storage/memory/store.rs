//! [`MailStore`] in memory.

use async_trait::async_trait;

use super::account::fenced;
use super::{MemoryStore, PracticeRows, erasure, window};
use crate::contract::{
    AccountRecord, Change, Comparison, CopiesInMailbox, CoverageChange, DeadLetter, Fence, MailStore,
    Message, NewAccount, PagePosition, PageQuery, PassEnd, SettingsChange, StoredCopy, SyncState, Window,
    WindowReceipt,
};
use crate::error::Result;
use crate::settings::{AccountSettings, PracticeSettings};
use crate::types::{AccountId, Digest, MailboxName, MessageKey, PracticeId, UidSet, UidValidity};

#[async_trait]
impl MailStore for MemoryStore {
    async fn connect(&self, account: &NewAccount) -> Result<AccountRecord> {
        let of = (&account.practice, Some(&account.id));
        Ok(self.write_accounts(of.0, of.1, |rows, now| rows.connect(account, now)))
    }

    async fn disconnect(&self, practice: &PracticeId, account: &AccountId) -> Result<()> {
        self.write_accounts(practice, Some(account), |rows, now| rows.disconnect(account, now))
    }

    async fn practice_settings(&self, practice: &PracticeId) -> Result<PracticeSettings> {
        Ok(self.read(practice, |rows| rows.settings.clone()))
    }

    async fn set_practice_settings(&self, practice: &PracticeId, change: &SettingsChange) -> Result<()> {
        self.write_accounts(practice, None, |rows, now| rows.settle(change, now))
    }

    async fn change_settings(&self, fence: &Fence, settings: &AccountSettings) -> Result<()> {
        self.write_fenced(fence, |rows, now| rows.change_settings(fence, settings, now))
    }

    async fn erase_account(&self, practice: &PracticeId, account: &AccountId) -> Result<Vec<Digest>> {
        self.write_accounts(practice, Some(account), |rows, now| erasure::erase(rows, account, now))
    }

    async fn accounts(&self, practice: &PracticeId) -> Result<Vec<AccountRecord>> {
        Ok(self.read(practice, |rows| rows.accounts.values().map(|row| row.record.clone()).collect()))
    }

    async fn acquire_lease(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        holder: &str,
        seconds: u32,
    ) -> Result<Fence> {
        self.write_accounts(practice, Some(account), |rows, now| {
            rows.account(account)?.acquire(holder, seconds, now)
        })
    }

    async fn renew_lease(&self, fence: &Fence, seconds: u32) -> Result<()> {
        self.write_fenced(fence, |rows, now| {
            fenced(&mut rows.accounts, fence, now).map(|row| row.renew(seconds, now))
        })
    }

    async fn release_lease(&self, fence: &Fence) -> Result<()> {
        self.write_fenced(fence, |rows, now| {
            if let Ok(row) = fenced(&mut rows.accounts, fence, now) {
                row.lease = None;
            }
        });
        Ok(())
    }

    async fn sync_state(&self, practice: &PracticeId, account: &AccountId) -> Result<SyncState> {
        let now = self.clock.now();
        let state = |rows: &PracticeRows| {
            rows.accounts.get(account).map(|row| row.sync_state(now)).unwrap_or_default()
        };
        Ok(self.read(practice, state))
    }

    async fn change_coverage(&self, fence: &Fence, change: &CoverageChange) -> Result<()> {
        self.write(&fence.practice, |rows, now| {
            fenced(&mut rows.accounts, fence, now)?.change_coverage(change)
        })
    }

    async fn commit_window(&self, fence: &Fence, window: &Window) -> Result<WindowReceipt> {
        self.write(&fence.practice, |rows, now| window::commit(rows, fence, window, now))
    }

    async fn commit_comparison(&self, fence: &Fence, comparison: &Comparison) -> Result<()> {
        self.write(&fence.practice, |rows, now| window::compare(rows, fence, comparison, now))
    }

    async fn end_pass(&self, fence: &Fence, end: &PassEnd) -> Result<()> {
        self.write_fenced(fence, |rows, now| {
            let change = fenced(&mut rows.accounts, fence, now)?.end_pass(end, now);
            rows.tell_of(&fence.account, change, now);
            Ok(())
        })
    }

    async fn copies(&self, practice: &PracticeId, account: &AccountId) -> Result<Vec<CopiesInMailbox>> {
        Ok(self.read(practice, |rows| rows.archive.copies(account)))
    }

    async fn copies_at(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        mailbox: &MailboxName,
        uid_validity: UidValidity,
        uids: &UidSet,
    ) -> Result<Vec<StoredCopy>> {
        Ok(self.read(practice, |rows| rows.archive.copies_at(account, mailbox, uid_validity, uids)))
    }

    async fn page(&self, query: &PageQuery) -> Result<Vec<PagePosition>> {
        Ok(self.read(&query.practice, |rows| rows.page(query)))
    }

    async fn messages(&self, practice: &PracticeId, keys: &[MessageKey]) -> Result<Vec<Message>> {
        let messages = |rows: &PracticeRows| {
            keys.iter().filter_map(|key| rows.archive.message(*key, &rows.accounts)).collect()
        };
        Ok(self.read(practice, messages))
    }

    async fn all_messages(
        &self,
        practice: &PracticeId,
        after: Option<MessageKey>,
        limit: usize,
    ) -> Result<Vec<Message>> {
        Ok(self.read(practice, |rows| rows.archive.all_messages(after, limit, &rows.accounts)))
    }

    async fn count(&self, query: &PageQuery) -> Result<usize> {
        Ok(self.read(&query.practice, |rows| rows.count(query)))
    }

    async fn dead_letters(&self, practice: &PracticeId) -> Result<Vec<DeadLetter>> {
        Ok(self.read(practice, |rows| rows.dead_letters.values().cloned().collect()))
    }

    async fn changes(&self, practice: &PracticeId, after: u64, limit: usize) -> Result<Vec<Change>> {
        let later = |rows: &PracticeRows| {
            let from = rows.feed.0.partition_point(|change| change.sequence <= after);
            rows.feed.0.iter().skip(from).take(limit).cloned().collect()
        };
        Ok(self.read(practice, later))
    }
}
