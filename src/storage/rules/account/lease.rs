//! Leases and fences.

use super::{AccountRow, Lease};
use crate::contract::{AccountState, Fence, NewAccount};
use crate::error::{Error, ErrorKind, Result};
use crate::types::Timestamp;

impl AccountRow {
    /// Whether it has a lease that lives.
    pub fn is_leased(&self, now: Timestamp) -> bool {
        self.lease.as_ref().is_some_and(|lease| now < lease.until)
    }

    /// Gives its lease to a holder (S3).
    ///
    /// # Errors
    /// As [`no_account`](Self::no_account) where it is not connected; [`Busy`](ErrorKind::Busy) while another holds it.
    pub fn acquire(&mut self, holder: &str, seconds: u32, now: Timestamp) -> Result<Fence> {
        if self.record.state != AccountState::Connected {
            return Err(Self::no_account());
        }
        if self.is_leased(now) && self.lease.as_ref().is_some_and(|lease| lease.holder != holder) {
            return Err(Self::held());
        }
        self.last_token = self.last_token.saturating_add(1);
        let until = now.plus(i64::from(seconds));
        self.lease = Some(Lease { token: self.last_token, holder: holder.to_owned(), until });
        let NewAccount { practice, id, .. } = &self.record.account;
        Ok(Fence::new(practice.clone(), id.clone(), self.last_token, self.record.epoch))
    }

    /// Refuses a fence that does not prove its lease (S2).
    ///
    /// # Errors
    /// As [`fence_lost`](Self::fence_lost).
    pub fn check(&self, fence: &Fence, now: Timestamp) -> Result<()> {
        let own = self.record.account.practice == fence.practice && self.record.account.id == fence.account;
        let is_latest = self.lease.as_ref().is_some_and(|lease| lease.token == fence.token);
        let holds = own && is_latest && self.is_leased(now) && self.record.epoch == fence.epoch;
        if holds { Ok(()) } else { Err(Self::fence_lost()) }
    }

    pub(super) fn held() -> Error {
        Error::new(ErrorKind::Busy, "the account's lease is held by another")
    }

    /// What is said to whoever writes without holding the lease.
    pub fn fence_lost() -> Error {
        Error::new(ErrorKind::FenceLost, "the account's lease is not held any more")
    }

    /// What is said to whoever asks for an account that is not there.
    pub fn no_account() -> Error {
        Error::new(ErrorKind::NotFound, "the account is not connected")
    }

    /// Extends its lease.
    pub fn renew(&mut self, seconds: u32, now: Timestamp) {
        if let Some(lease) = &mut self.lease {
            lease.until = now.plus(i64::from(seconds));
        }
    }
}
