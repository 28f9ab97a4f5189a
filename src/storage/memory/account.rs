//! Accounts: rows of [`AccountRow`], and what is told of their steps.

use std::collections::BTreeMap;

use super::PracticeRows;
use crate::contract::{AccountRecord, ChangeKind, Fence, NewAccount};
use crate::error::Result;
use crate::settings::AccountSettings;
use crate::storage::rules::AccountRow;
use crate::types::{AccountId, Timestamp};

/// The account whose lease this fence proves to be held.
pub(super) fn fenced<'a>(
    accounts: &'a mut BTreeMap<AccountId, AccountRow>,
    fence: &Fence,
    now: Timestamp,
) -> Result<&'a mut AccountRow> {
    let row = accounts.get_mut(&fence.account).ok_or_else(AccountRow::fence_lost)?;
    row.check(fence, now).map(|()| row)
}

impl PracticeRows {
    pub(super) fn account(&mut self, id: &AccountId) -> Result<&mut AccountRow> {
        self.accounts.get_mut(id).ok_or_else(AccountRow::no_account)
    }

    pub(super) fn connect(&mut self, account: &NewAccount, now: Timestamp) -> AccountRecord {
        let begun = || AccountRow::new(account.clone(), now);
        let row = self.accounts.entry(account.id.clone()).or_insert_with(begun);
        let changes = row.connect(account, &self.settings, now);
        let record = row.record.clone();
        self.tell_of(&account.id, changes, now);
        record
    }

    pub(super) fn change_settings(
        &mut self,
        fence: &Fence,
        changed: &AccountSettings,
        now: Timestamp,
    ) -> Result<()> {
        let row = fenced(&mut self.accounts, fence, now)?;
        let changes = row.change_settings(changed, &self.settings, now);
        self.tell_of(&fence.account, changes, now);
        Ok(())
    }

    pub(super) fn disconnect(&mut self, id: &AccountId, now: Timestamp) -> Result<()> {
        let change = self.account(id)?.disconnect();
        self.tell_of(id, change, now);
        Ok(())
    }

    pub(super) fn tell_of(
        &mut self,
        account: &AccountId,
        changes: impl IntoIterator<Item = ChangeKind>,
        now: Timestamp,
    ) {
        changes.into_iter().for_each(|change| self.feed.push(now, account, change));
    }
}
