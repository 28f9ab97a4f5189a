//! Accounts.

use std::collections::BTreeMap;

use practicemail::contract::{AccountRecord, ChangeKind, Fence, NewAccount, SettingsChange};
use practicemail::error::{Error, ErrorKind, Result};
use practicemail::settings::PracticeSettings;
use practicemail::storage::rules::AccountRow;
use practicemail::types::AccountId;

use super::engine::{Readable, Tx, Writing};
use super::keys::{self, Key, Kind};

/// Accounts that were read once: of a page's messages most lie in the same.
pub(crate) type Accounts = BTreeMap<AccountId, Option<AccountRecord>>;

impl<T: Readable> Tx<T> {
    pub(crate) fn find_account(&self, id: &AccountId) -> Result<Option<AccountRow>> {
        self.get(&keys::account(&self.practice, id))
    }

    pub(crate) fn account(&self, id: &AccountId) -> Result<AccountRow> {
        self.find_account(id)?.ok_or_else(AccountRow::no_account)
    }

    /// The account whose lease this fence proves to be held (S2).
    pub(crate) fn fenced(&self, fence: &Fence) -> Result<AccountRow> {
        let row = self.find_account(&fence.account)?.ok_or_else(AccountRow::fence_lost)?;
        row.check(fence, self.now).map(|()| row)
    }

    pub(crate) fn accounts(&self) -> Result<Vec<AccountRow>> {
        self.records(&Key::of(Kind::Account, &self.practice), None)?.collect()
    }

    pub(crate) fn known_account<'a>(
        &self,
        id: &AccountId,
        accounts: &'a mut Accounts,
    ) -> Result<Option<&'a AccountRecord>> {
        if !accounts.contains_key(id) {
            let record = self.find_account(id)?.map(|row| row.record);
            accounts.insert(id.clone(), record);
        }
        Ok(accounts.get(id).and_then(Option::as_ref))
    }

    pub(crate) fn settings(&self) -> Result<PracticeSettings> {
        Ok(self.get(&Key::of(Kind::Settings, &self.practice))?.unwrap_or_default())
    }
}

impl Writing<'_> {
    pub(crate) fn connect(&mut self, account: &NewAccount) -> Result<AccountRecord> {
        let known = self.find_account(&account.id)?;
        let mut row = known.unwrap_or_else(|| AccountRow::new(account.clone(), self.now));
        let changes = row.connect(account, &self.settings()?, self.now);
        self.put_account(&row, changes)?;
        Ok(row.record)
    }

    /// Writes an account, and what is told of it.
    pub(crate) fn put_account(
        &mut self,
        row: &AccountRow,
        changes: impl IntoIterator<Item = ChangeKind>,
    ) -> Result<()> {
        self.put(row)?;
        changes.into_iter().try_for_each(|change| self.tell(&row.record.account.id, change).map(|_| ()))
    }

    /// Settles anew what the practice settles for all its users (S15).
    pub(crate) fn settle(&mut self, change: &SettingsChange) -> Result<()> {
        if self.settings()? != change.before {
            return Err(Error::new(ErrorKind::Busy, "the practice's settings were changed meanwhile"));
        }
        self.put(&change.after)?;
        self.tell_by(None, change.by.clone(), ChangeKind::SettingsChanged)?;
        for mut row in self.accounts()? {
            if let Some(told) = row.obey(&change.after, self.now) {
                self.put_account(&row, [told])?;
            }
        }
        Ok(())
    }
}
