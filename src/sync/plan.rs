//! Decisions, pure: what is left to do in a mailbox, when a message sorts, when a gap is tried again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::contract::{CoverageChange, HistoryStep, MailboxState, SyncState};
use crate::matching::Matcher;
use crate::types::{
    AddressingHeaders, Cursor, Digest, Gap, GapReason, KeyDigest, Mailbox, MessageDate, Timestamp, Uid,
    UidSet,
};

/// A Date further than this from INTERNALDATE is not believed: messages are delivered within two days or bounce.
const DATE_SLACK: i64 = 2 * 86_400;
/// A UID that would not come as often as this becomes a dead letter.
const MAX_ATTEMPTS: u32 = 5;
/// A missing copy is looked for again after this; absent then too, it is gone.
pub(super) const MISSING_FOR: i64 = 86_400;

/// A message's place in time.
pub(super) fn sort_time(date: Option<MessageDate>, internal: Option<Timestamp>, now: Timestamp) -> Timestamp {
    match (date, internal) {
        (Some(date), Some(internal)) if (date.at.as_unix() - internal.as_unix()).abs() <= DATE_SLACK => {
            date.at
        }
        (_, Some(internal)) => internal,
        (Some(date), None) if date.at <= now.plus(DATE_SLACK) => date.at,
        _ => now,
    }
}

/// The gap after one more failure; `None` when the message is to be given up.
pub(super) fn failed_again(uid: Uid, reason: GapReason, known: Option<&Gap>, now: Timestamp) -> Option<Gap> {
    let attempts = known.map_or(0, |gap| gap.attempts) + 1;
    let wait = match attempts {
        1 => 0,
        2 => 600,
        3 => 3_600,
        _ => 6 * 3_600,
    };
    (attempts < MAX_ATTEMPTS).then(|| Gap::new(uid, reason, attempts, now.plus(wait)))
}

/// Whether a mailbox's status tells that nothing is to be done in it.
pub(super) fn is_unchanged(mailbox: &Mailbox, state: Option<&MailboxState>, now: Timestamp) -> bool {
    let Some(state) = state else { return false };
    let (Some(status), Some(last)) = (mailbox.status, state.cursor.status) else { return false };
    let history = state.cursor.history.as_ref().is_some_and(|left| !left.is_empty());
    let due = state.cursor.look_again_at.is_some_and(|at| at <= now)
        || state.gaps.iter().any(|gap| gap.next_try <= now);
    status == last && status.uid_validity == Some(state.cursor.uid_validity) && !history && !due
}

/// What is to be read of a mailbox.
pub(super) struct Work {
    /// What was not seen, and what would not come and is tried again.
    new: UidSet,
    /// What is read again for keys that are new.
    pub(super) again: UidSet,
    /// What failed more than once: it is asked for by itself, behind the others, for it may break the session.
    alone: UidSet,
}

impl Work {
    /// What is left: what the server lists and was not seen, what is due of what would not come, and the history.
    pub(super) fn left(cursor: &Cursor, gaps: &BTreeMap<Uid, Gap>, listed: &UidSet, now: Timestamp) -> Self {
        let waiting: UidSet = gaps.values().filter(|gap| gap.next_try > now).map(|gap| gap.uid).collect();
        let due: UidSet = gaps.keys().copied().collect();
        let mut new = listed.difference(&cursor.seen);
        new.extend_from(&due.intersection(listed));
        let mut work = Self::of(&new.difference(&waiting), gaps);
        work.again = cursor.history.as_ref().map(|left| left.intersection(listed)).unwrap_or_default();
        work
    }

    /// These messages, whatever was seen of them.
    pub(super) fn of(chosen: &UidSet, gaps: &BTreeMap<Uid, Gap>) -> Self {
        let suspects: UidSet = gaps.values().filter(|gap| gap.attempts > 1).map(|gap| gap.uid).collect();
        let alone = chosen.intersection(&suspects);
        Self { new: chosen.difference(&alone), again: UidSet::new(), alone }
    }

    pub(super) fn len(&self) -> u64 {
        self.new.len() + self.again.len() + self.alone.len()
    }

    pub(super) fn windows(self, size: usize) -> VecDeque<UidSet> {
        let mut left: VecDeque<UidSet> = windows(self.new, size).into();
        left.extend(windows(self.again, size));
        left.extend(windows(self.alone, 1));
        left
    }
}

/// Cuts what is left into windows, newest first.
pub(super) fn windows(mut left: UidSet, size: usize) -> Vec<UidSet> {
    let mut windows = Vec::new();
    while !left.is_empty() {
        windows.push(left.take_highest(size.max(1)));
    }
    windows
}

/// The two halves of a window that the server refused as a whole.
pub(super) fn halves(window: &UidSet) -> Option<(UidSet, UidSet)> {
    let mut low = window.clone();
    let half = usize::try_from(window.len() / 2).unwrap_or(usize::MAX);
    let high = low.take_highest(half);
    (!high.is_empty() && !low.is_empty()).then_some((high, low))
}

/// What has to change in the keys an account is covered for; `None` when nothing has.
///
/// Keys that history is being read for go on; new ones wait until it is done, so that a batch never grows.
pub(super) fn coverage(
    state: &SyncState,
    matcher: &Matcher,
    policy: Digest,
    revision: &str,
) -> Option<CoverageChange> {
    let now = matcher.keys();
    let keys = &state.keys;
    let mut change = CoverageChange {
        forget: keys.covered.union(&keys.pending).filter(|key| !now.contains(key)).copied().collect(),
        revision: revision.to_owned(),
        ..CoverageChange::default()
    };
    let going_on = keys.pending.iter().any(|key| now.contains(key));
    if keys.policy != Some(policy) {
        change.policy = Some(policy);
        change.pend = now;
        change.history = HistoryStep::Begin;
    } else if !going_on {
        change.pend = now.difference(&keys.covered).copied().collect::<BTreeSet<KeyDigest>>();
        if !change.pend.is_empty() {
            change.history = HistoryStep::Begin;
        }
    }
    let nothing = change.forget.is_empty() && change.pend.is_empty() && change.policy.is_none();
    (!nothing).then_some(change)
}

/// Whether the headers identify a message well enough to recognise it in another place.
pub(super) fn is_recognisable(headers: &AddressingHeaders) -> bool {
    headers.message_id.is_some() && headers.date.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    #[test]
    fn a_date_far_from_its_arrival_is_not_believed() {
        let date = |s| Some(MessageDate::new(at(s), 0));
        let now = at(2_000_000_000);
        assert_eq!(sort_time(date(1_000_000), Some(at(1_000_060)), now), at(1_000_000));
        assert_eq!(sort_time(date(9_000_000_000), Some(at(1_000_060)), now), at(1_000_060));
        assert_eq!(sort_time(date(9_000_000_000), None, now), now);
        assert_eq!(sort_time(None, None, now), now);
    }

    #[test]
    fn a_gap_is_tried_again_at_once_then_later_then_given_up() {
        let uid = Uid::new(3).unwrap();
        let mut gap = failed_again(uid, GapReason::NotAnswered, None, at(0)).unwrap();
        assert_eq!(gap.next_try, at(0));
        let mut waits = Vec::new();
        while let Some(next) = failed_again(uid, GapReason::NotAnswered, Some(&gap), at(0)) {
            waits.push(next.next_try.as_unix());
            gap = next;
        }
        assert_eq!(waits, [600, 3_600, 21_600]);
    }

    #[test]
    fn windows_are_counted_in_messages_not_in_numbers() {
        let sparse: UidSet = [1, 2, 4_294_967_295].into_iter().filter_map(Uid::new).collect();
        let cut: Vec<String> = windows(sparse, 2).iter().map(ToString::to_string).collect();
        assert_eq!(cut, ["2,4294967295", "1"]);
    }
}
