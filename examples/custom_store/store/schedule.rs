//! The schedule: one for all practices.

use std::collections::BTreeMap;

use practicemail::contract::{Claimed, DueAccount, DueClaim, Pause, PauseScope};
use practicemail::error::Result;
use practicemail::storage::rules::AccountRow;
use practicemail::types::{AccountId, PracticeId, Timestamp};

use super::conversations::damaged;
use super::engine::{Readable, Tx, Writing};
use super::keys::{self, Key, Kind};
use super::records::Pauses;

/// What is leased now.
#[derive(Default)]
struct Leased {
    of_practice: BTreeMap<PracticeId, u32>,
    /// Of a provider: all, and those of them that were never read to the end.
    at_provider: BTreeMap<String, (u32, u32)>,
}

impl<T: Readable> Tx<T> {
    pub(crate) fn pauses(&self) -> Result<Vec<Pause>> {
        let Pauses(pauses) = self.get(&Pauses::key_of_all())?.unwrap_or_default();
        Ok(pauses.into_iter().filter(|pause| pause.holds_at(self.now)).collect())
    }

    /// At most `limit` practices in whose outbox there is something to do about now, after one (W9).
    pub(crate) fn due_outboxes(
        &mut self,
        after: Option<&PracticeId>,
        limit: usize,
    ) -> Result<Vec<PracticeId>> {
        let (open, pauses) = (Key::of_all(Kind::Open), self.pauses()?);
        let mut from = after.map(|practice| Key::of(Kind::Open, practice).end());
        let mut due = Vec::new();
        while due.len() < limit {
            let next = self.keys(&open, from.as_ref())?.next().transpose()?;
            let Some(next) = next else { break };
            let (practice, _) = practice_at(&next)?;
            from = Some(Key::of(Kind::Open, &practice).end());
            self.practice = practice;
            if !pauses.iter().any(|pause| pause.scope.holds_practice(&self.practice)) && self.has_due()? {
                due.push(self.practice.clone());
            }
        }
        Ok(due)
    }

    fn row_of(&self, (practice, account): &(PracticeId, AccountId)) -> Result<AccountRow> {
        self.get(&keys::account(practice, account))?.ok_or_else(damaged)
    }

    fn leased(&self) -> Result<Leased> {
        let mut leased = Leased::default();
        let held = Key::of_all(Kind::Held);
        for entry in self.keys(&held, Some(&held.clone().time(self.now)))? {
            let of = account_at(&entry?)?;
            let row = self.row_of(&of)?;
            if row.is_leased(self.now) {
                *leased.of_practice.entry(of.0).or_default() += 1;
                let (all, first) = leased.at_provider.entry(row.provider).or_default();
                *all += 1;
                *first += u32::from(row.plan.is_first);
            }
        }
        Ok(leased)
    }

    /// The account that a claim takes (W1 to W3). Reads the row of every account that is due, also of those that are paused or for which there is no
    /// room: right for hundreds. A store for many thousands keeps what is asked here in the entry, in the order in which it is claimed.
    fn best(&self, claim: &DueClaim) -> Result<Option<AccountRow>> {
        let (leased, pauses, due) = (self.leased()?, self.pauses()?, Key::of_all(Kind::Due));
        let mut best = None;
        for entry in self.keys_before(&due, Some(&due.clone().time(self.now.plus(1))))? {
            let of = account_at(&entry?)?;
            let row = self.row_of(&of)?;
            let (practice, account) = of;
            let is_paused = pauses.iter().any(|pause| pause.scope.holds(&practice, &account, &row.provider));
            let at_provider = leased.at_provider.get(&row.provider).copied().unwrap_or_default();
            let is_first = row.plan.is_first;
            if row.is_leased(self.now)
                || is_paused
                || (is_first && !claim.with_first)
                || !claim.limits.have_room(&row.provider, at_provider, is_first)
            {
                continue;
            }
            let leases = leased.of_practice.get(&practice).copied().unwrap_or_default();
            let rank = (is_first, !row.plan.requested, leases, row.plan.next_due, practice, account);
            if best.as_ref().is_none_or(|(least, _)| rank < *least) {
                best = Some((rank, row));
            }
        }
        Ok(best.map(|(_, row)| row))
    }

    /// When the next one that waits becomes due (W4).
    fn next_due(&self) -> Result<Option<Timestamp>> {
        let due = Key::of_all(Kind::Due);
        for entry in self.keys(&due, Some(&due.clone().time(self.now.plus(1))))? {
            let row = self.row_of(&account_at(&entry?)?)?;
            if !row.is_leased(self.now) {
                return Ok(row.plan.next_due);
            }
        }
        Ok(None)
    }
}

impl Writing<'_> {
    pub(crate) fn claim_due(&mut self, claim: &DueClaim) -> Result<Claimed> {
        let Some(mut row) = self.best(claim)? else {
            return Ok(Claimed::Nothing { next: self.next_due()? });
        };
        let due: DueAccount = row.claim(claim, self.now)?;
        self.practice = due.fence.practice.clone();
        self.put(&row)?;
        Ok(Claimed::Account(Box::new(due)))
    }

    pub(crate) fn request_now(&mut self, account: Option<&AccountId>) -> Result<usize> {
        let rows = match account {
            Some(id) => self.find_account(id)?.into_iter().collect(),
            None => self.accounts()?,
        };
        let mut requested = 0;
        for mut row in rows {
            if row.request(self.now) {
                self.put(&row)?;
                requested += 1;
            }
        }
        Ok(requested)
    }

    /// Takes a pause away; says whether it held.
    pub(crate) fn resume(&mut self, scope: &PauseScope) -> Result<bool> {
        let mut pauses: Pauses = self.get(&Pauses::key_of_all())?.unwrap_or_default();
        let mut held = false;
        pauses.0.retain(|pause| {
            let is_it = pause.scope == *scope;
            held |= is_it && pause.holds_at(self.now);
            !is_it
        });
        self.put(&pauses)?;
        Ok(held)
    }

    pub(crate) fn pause(&mut self, pause: &Pause) -> Result<()> {
        self.resume(&pause.scope)?;
        let mut pauses: Pauses = self.get(&Pauses::key_of_all())?.unwrap_or_default();
        pauses.0.push(pause.clone());
        self.put(&pauses)
    }
}

/// The practice that a key goes on with, and what follows.
fn practice_at(octets: &[u8]) -> Result<(PracticeId, &[u8])> {
    let end = octets.iter().position(|octet| *octet == 0).ok_or_else(damaged)?;
    let (id, rest) = octets.split_at(end);
    let id = std::str::from_utf8(id).ok().and_then(|id| PracticeId::new(id).ok());
    Ok((id.ok_or_else(damaged)?, rest.get(1..).unwrap_or_default()))
}

/// The account that an entry of the schedule names, behind its time.
fn account_at(octets: &[u8]) -> Result<(PracticeId, AccountId)> {
    let (practice, rest) = practice_at(octets.get(8..).ok_or_else(damaged)?)?;
    let id = rest.strip_suffix(&[0]).and_then(|id| std::str::from_utf8(id).ok());
    Ok((practice, id.and_then(|id| AccountId::new(id).ok()).ok_or_else(damaged)?))
}
