//! The change feed.

use practicemail::contract::{Change, ChangeKind};
use practicemail::error::Result;
use practicemail::types::{AccountId, UserId};

use super::engine::{Readable, Tx, Writing};
use super::keys::{Key, Kind};

impl<T: Readable> Tx<T> {
    pub(crate) fn last_change(&self) -> Result<u64> {
        let last = self.keys(&Key::of(Kind::Change, &self.practice), None)?.next_back().transpose()?;
        let number = last.and_then(|rest| rest.try_into().ok());
        Ok(number.map_or(0, u64::from_be_bytes))
    }

    pub(crate) fn changes(&self, after: u64, limit: usize) -> Result<Vec<Change>> {
        let all = Key::of(Kind::Change, &self.practice);
        self.records(&all, Some(&all.clone().number(after)))?.take(limit).collect()
    }
}

impl Writing<'_> {
    /// Tells what happened by itself; answers the change's number.
    pub(crate) fn tell<'a>(
        &mut self,
        account: impl Into<Option<&'a AccountId>>,
        kind: ChangeKind,
    ) -> Result<u64> {
        self.tell_by(account, None, kind)
    }

    pub(crate) fn tell_by<'a>(
        &mut self,
        account: impl Into<Option<&'a AccountId>>,
        by: Option<UserId>,
        kind: ChangeKind,
    ) -> Result<u64> {
        let sequence = self.last_change()? + 1;
        self.put(&Change::new(sequence, self.now, account.into().cloned(), kind).by(by))?;
        Ok(sequence)
    }
}
