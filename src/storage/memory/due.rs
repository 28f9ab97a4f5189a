//! Accounts in the order in which they are claimed.
//!
//! An account stands in a group of those of its practice and provider that are as urgent; the groups are in order by their first. So a
//! claim looks at few of many thousand accounts, whatever waits.

use std::collections::{BTreeMap, BTreeSet};

use crate::contract::{AccountState, DueClaim, PauseScope};
use crate::storage::rules::AccountRow;
use crate::types::{AccountId, PracticeId, Timestamp};

/// How urgent: whether it was never read to the end, and whether nobody asked for it.
type Urgency = (bool, bool);
/// Those that are alike for every claim.
type Group = (Urgency, PracticeId, String);
/// A group's place in the order: urgency, living leases of the practice, due time of its first.
type Place = (Urgency, u32, Timestamp, PracticeId, String);

/// Where an account stands.
enum Standing {
    Waits(Group, Timestamp),
    Leased(String, Timestamp, bool),
}

/// All accounts that wait for their turn, or are leased.
#[derive(Default)]
pub(super) struct DueAccounts {
    standings: BTreeMap<(PracticeId, AccountId), Standing>,
    groups: BTreeMap<Group, BTreeSet<(Timestamp, AccountId)>>,
    order: BTreeSet<Place>,
    /// How many are due when.
    dues: BTreeMap<Timestamp, u32>,
    /// The groups that a practice has.
    of_practice: BTreeMap<PracticeId, BTreeSet<Group>>,
    /// Leases by their end.
    ends: BTreeSet<(Timestamp, PracticeId, AccountId)>,
    leases: BTreeMap<PracticeId, u32>,
    /// Living leases by provider, and whether the account was never read to the end.
    at_provider: BTreeMap<(String, bool), u32>,
}

impl DueAccounts {
    /// Takes up how an account stands now.
    pub(super) fn put(&mut self, practice: &PracticeId, account: &AccountId, row: &AccountRow) {
        let standing = standing(practice, row);
        self.with_practice(practice, |due| {
            due.remove(practice, account);
            due.insert(practice, account, standing);
        });
    }

    /// The accounts whose leases have ended: they are to be taken up anew.
    pub(super) fn ended(&self, now: Timestamp) -> Vec<(PracticeId, AccountId)> {
        let ended = self.ends.iter().take_while(|(until, _, _)| *until <= now);
        ended.map(|(_, practice, account)| (practice.clone(), account.clone())).collect()
    }

    /// The account that a claim takes.
    pub(super) fn best<'a>(
        &self,
        claim: &DueClaim,
        now: Timestamp,
        paused: impl IntoIterator<Item = &'a PauseScope>,
    ) -> Option<(PracticeId, AccountId)> {
        let paused: Vec<_> = paused.into_iter().collect();
        let mut after: Option<&Place> = None;
        let mut best: Option<(Urgency, u32, Timestamp, &PracticeId, &AccountId)> = None;
        while let Some(place) = self.next_place(after, now) {
            let (urgency, leases, first_due, practice, provider) = place;
            // Whatever is in a later group comes after its first, and that after this one.
            let is_found = best.is_some_and(|(of_best, held, due, of, _)| {
                (of_best, held, due, of) < (*urgency, *leases, *first_due, practice)
            });
            if is_found || (urgency.0 && !claim.with_first) {
                break;
            }
            after = Some(place);
            if !claim.limits.have_room(provider, self.held_at(provider), urgency.0) {
                continue;
            }
            let group = self.groups.get(&(*urgency, practice.clone(), provider.clone()));
            let due = group.into_iter().flatten().take_while(|(due, _)| *due <= now);
            let mut free =
                due.filter(|(_, id)| !paused.iter().any(|scope| scope.holds(practice, id, provider)));
            let candidate = free.next().map(|(due, account)| (*urgency, *leases, *due, practice, account));
            best = best.into_iter().chain(candidate).min();
        }
        best.map(|(_, _, _, practice, account)| (practice.clone(), account.clone()))
    }

    /// How many of a provider are leased, and how many of those were never read to the end.
    fn held_at(&self, provider: &str) -> (u32, u32) {
        let held = |first| self.at_provider.get(&(provider.to_owned(), first)).copied().unwrap_or_default();
        (held(false).saturating_add(held(true)), held(true))
    }

    /// When the next one that waits becomes due.
    pub(super) fn next(&self, now: Timestamp) -> Option<Timestamp> {
        self.dues.range(now.plus(1)..).next().map(|(due, _)| *due)
    }

    /// The next group in order whose first is due.
    fn next_place(&self, after: Option<&Place>, now: Timestamp) -> Option<&Place> {
        use std::ops::Bound::{Excluded, Unbounded};
        let mut from = after.map_or(Unbounded, |place| Excluded(place.clone()));
        loop {
            let place = self.order.range((from, Unbounded)).next()?;
            let (urgency, leases, due, ..) = place;
            if *due <= now {
                return Some(place);
            }
            // The rest of those with as many leases are due later still.
            let (practice, provider) = self.order.last().map(|last| (last.3.clone(), last.4.clone()))?;
            let end = Timestamp::from_unix(i64::MAX);
            from = Excluded((*urgency, *leases, end, practice, provider));
        }
    }

    /// Changes what a practice has, and puts its groups where they belong then.
    fn with_practice(&mut self, practice: &PracticeId, change: impl FnOnce(&mut Self)) {
        for place in self.places(practice) {
            self.order.remove(&place);
        }
        change(self);
        let places = self.places(practice);
        self.order.extend(places);
    }

    fn places(&self, practice: &PracticeId) -> Vec<Place> {
        let leases = self.leases.get(practice).copied().unwrap_or_default();
        let place = |group: &Group| {
            let (due, _) = self.groups.get(group)?.first()?;
            Some((group.0, leases, *due, practice.clone(), group.2.clone()))
        };
        self.of_practice.get(practice).into_iter().flatten().filter_map(place).collect()
    }

    fn remove(&mut self, practice: &PracticeId, account: &AccountId) {
        match self.standings.remove(&(practice.clone(), account.clone())) {
            Some(Standing::Waits(group, due)) => {
                count_down(&mut self.dues, &due);
                let Some(set) = self.groups.get_mut(&group) else { return };
                set.remove(&(due, account.clone()));
                if set.is_empty() {
                    self.groups.remove(&group);
                    if let Some(groups) = self.of_practice.get_mut(practice) {
                        groups.remove(&group);
                    }
                }
            }
            Some(Standing::Leased(provider, until, first)) => {
                self.ends.remove(&(until, practice.clone(), account.clone()));
                count_down(&mut self.leases, practice);
                count_down(&mut self.at_provider, &(provider, first));
            }
            None => {}
        }
    }

    fn insert(&mut self, practice: &PracticeId, account: &AccountId, standing: Option<Standing>) {
        let Some(standing) = standing else { return };
        match &standing {
            Standing::Waits(group, due) => {
                *self.dues.entry(*due).or_default() += 1;
                self.groups.entry(group.clone()).or_default().insert((*due, account.clone()));
                self.of_practice.entry(practice.clone()).or_default().insert(group.clone());
            }
            Standing::Leased(provider, until, first) => {
                self.ends.insert((*until, practice.clone(), account.clone()));
                *self.leases.entry(practice.clone()).or_default() += 1;
                *self.at_provider.entry((provider.clone(), *first)).or_default() += 1;
            }
        }
        self.standings.insert((practice.clone(), account.clone()), standing);
    }
}

fn standing(practice: &PracticeId, row: &AccountRow) -> Option<Standing> {
    if row.record.state != AccountState::Connected {
        return None;
    }
    let provider = row.provider.clone();
    if let Some(lease) = &row.lease {
        return Some(Standing::Leased(provider, lease.until, row.plan.is_first));
    }
    let plan = &row.plan;
    let group = ((plan.is_first, !plan.requested), practice.clone(), provider);
    Some(Standing::Waits(group, plan.next_due?))
}

fn count_down<K: Ord>(counts: &mut BTreeMap<K, u32>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}
