//! Sets of UIDs: what a mailbox holds, and what of it has been read.

use std::fmt;

use super::Uid;
use super::serial::by_octets;

/// A set of UIDs, kept as sorted ranges: a mailbox of a million messages without holes is one range.
///
/// ```
/// use practicemail::types::{Uid, UidSet};
/// let set: UidSet = [5, 1, 2, 3].into_iter().filter_map(Uid::new).collect();
/// assert_eq!(set.to_string(), "1:3,5");
/// assert_eq!(set.len(), 4);
/// ```
///
/// Serialised as the hexadecimal digits of its [octets](Self::to_bytes).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct UidSet {
    /// Inclusive, ascending, neither overlapping nor touching.
    ranges: Vec<(u32, u32)>,
}

impl UidSet {
    /// The empty set.
    pub const fn new() -> Self {
        Self { ranges: Vec::new() }
    }

    /// Whether there is no UID in the set.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many UIDs there are.
    pub fn len(&self) -> u64 {
        self.ranges.iter().map(|(low, high)| u64::from(high - low) + 1).sum()
    }

    /// Whether `uid` is in the set.
    pub fn contains(&self, uid: Uid) -> bool {
        let uid = uid.get();
        let next = self.ranges.partition_point(|(low, _)| *low <= uid);
        next.checked_sub(1).and_then(|i| self.ranges.get(i)).is_some_and(|(_, high)| uid <= *high)
    }

    /// Adds a UID.
    pub fn insert(&mut self, uid: Uid) {
        self.insert_range(uid, uid);
    }

    /// Adds every number from `a` to `b`, in either order.
    pub fn insert_range(&mut self, a: Uid, b: Uid) {
        let (low, high) = (a.get().min(b.get()), a.get().max(b.get()));
        let from = self.ranges.partition_point(|(_, h)| h.saturating_add(1) < low);
        let to = self.ranges.partition_point(|(l, _)| *l <= high.saturating_add(1));
        let touched = self.ranges.get(from..to).unwrap_or_default();
        let low = touched.first().map_or(low, |(l, _)| low.min(*l));
        let high = touched.last().map_or(high, |(_, h)| high.max(*h));
        self.ranges.splice(from..to.max(from), [(low, high)]);
    }

    /// The UIDs of `self` that are not in `other`.
    pub fn difference(&self, other: &Self) -> Self {
        let mut ranges = Vec::new();
        let mut others = other.ranges.iter().copied().peekable();
        for &(mut low, high) in &self.ranges {
            while others.next_if(|(_, oh)| *oh < low).is_some() {}
            let mut rest = true;
            while let Some(&(ol, oh)) = others.peek().filter(|(ol, _)| *ol <= high) {
                if ol > low {
                    ranges.push((low, ol - 1));
                }
                if oh >= high {
                    rest = false;
                    break;
                }
                low = oh + 1;
                others.next();
            }
            if rest {
                ranges.push((low, high));
            }
        }
        Self { ranges }
    }

    /// The UIDs that are in both.
    pub fn intersection(&self, other: &Self) -> Self {
        self.difference(&self.difference(other))
    }

    /// Adds all of `other`.
    pub fn extend_from(&mut self, other: &Self) {
        if self.is_empty() {
            self.ranges.clone_from(&other.ranges);
            return;
        }
        for (low, high) in &other.ranges {
            if let (Some(low), Some(high)) = (Uid::new(*low), Uid::new(*high)) {
                self.insert_range(low, high);
            }
        }
    }

    /// The lowest UID.
    pub fn first(&self) -> Option<Uid> {
        self.ranges.first().and_then(|(low, _)| Uid::new(*low))
    }

    /// The highest UID.
    pub fn last(&self) -> Option<Uid> {
        self.ranges.last().and_then(|(_, high)| Uid::new(*high))
    }

    /// The UIDs, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Uid> + '_ {
        self.ranges.iter().flat_map(|(low, high)| (*low..=*high).filter_map(Uid::new))
    }

    /// Takes the `n` highest UIDs out: the next window, newest first.
    pub fn take_highest(&mut self, n: usize) -> Self {
        let mut taken = Vec::new();
        let mut wanted = u32::try_from(n).unwrap_or(u32::MAX);
        while wanted > 0 {
            let Some((low, high)) = self.ranges.pop() else { break };
            let available = high - low + 1;
            if available > wanted {
                let cut = high - wanted + 1;
                self.ranges.push((low, cut - 1));
                taken.push((cut, high));
                wanted = 0;
            } else {
                taken.push((low, high));
                wanted -= available;
            }
        }
        taken.reverse();
        Self { ranges: taken }
    }

    /// The set as IMAP sequence-sets (RFC 9051 §9) of at most `octets` octets each: command lines have a limit.
    pub fn sequence_sets(&self, octets: usize) -> Vec<String> {
        let mut sets = Vec::new();
        let mut line = String::new();
        for (low, high) in &self.ranges {
            let range = if low == high { low.to_string() } else { format!("{low}:{high}") };
            if !line.is_empty() && line.len() + 1 + range.len() > octets {
                sets.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(',');
            }
            line.push_str(&range);
        }
        if !line.is_empty() {
            sets.push(line);
        }
        sets
    }

    /// The set as octets for storage: gaps and lengths as LEB128 numbers.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.ranges.len() * 3);
        let mut after = 0;
        for (low, high) in &self.ranges {
            leb128(&mut bytes, low - after);
            leb128(&mut bytes, high - low);
            after = *high;
        }
        bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote; `None` for anything else.
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let mut ranges = Vec::new();
        let mut after = 0u32;
        while !bytes.is_empty() {
            let gap = read_leb128(&mut bytes)?;
            let low = after.checked_add(gap)?;
            let high = low.checked_add(read_leb128(&mut bytes)?)?;
            let touches = !ranges.is_empty() && gap < 2;
            if low == 0 || touches {
                return None;
            }
            ranges.push((low, high));
            after = high;
        }
        Some(Self { ranges })
    }
}

by_octets!(UidSet, |set| &set.to_bytes(), |octets| UidSet::from_bytes(&octets));

fn leb128(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

fn read_leb128(bytes: &mut &[u8]) -> Option<u32> {
    let mut number = 0u64;
    for shift in (0..35).step_by(7) {
        let (octet, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(octet & 0x7f) << shift;
        if octet & 0x80 == 0 {
            return u32::try_from(number).ok();
        }
    }
    None
}

impl FromIterator<Uid> for UidSet {
    fn from_iter<I: IntoIterator<Item = Uid>>(uids: I) -> Self {
        let mut numbers: Vec<u32> = uids.into_iter().map(Uid::get).collect();
        numbers.sort_unstable();
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for number in numbers {
            match ranges.last_mut() {
                Some((_, high)) if number <= high.saturating_add(1) => *high = (*high).max(number),
                _ => ranges.push((number, number)),
            }
        }
        Self { ranges }
    }
}

/// An IMAP sequence-set; empty for the empty set.
impl fmt::Display for UidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sequence_sets(usize::MAX).iter().try_for_each(|set| f.write_str(set))
    }
}

impl fmt::Debug for UidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UidSet({self})")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn set(numbers: &BTreeSet<u32>) -> UidSet {
        numbers.iter().copied().filter_map(Uid::new).collect()
    }

    fn back(set: &UidSet) -> BTreeSet<u32> {
        set.iter().map(Uid::get).collect()
    }

    #[test]
    fn the_highest_number_is_a_member_like_any_other() {
        let mut all = UidSet::new();
        all.insert_range(Uid::new(u32::MAX).unwrap(), Uid::new(1).unwrap());
        assert_eq!(all.len(), u64::from(u32::MAX));
        assert_eq!(all.take_highest(2).to_string(), "4294967294:4294967295");
        assert_eq!(UidSet::from_bytes(&all.to_bytes()), Some(all));
    }

    #[test]
    fn stored_octets_of_another_shape_are_refused() {
        for bad in [&[0u8, 1][..], &[1], &[0x80], &[1, 0, 1, 0], &[0xff, 0xff, 0xff, 0xff, 0x7f, 0]] {
            assert_eq!(UidSet::from_bytes(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn sequence_sets_are_cut_to_the_length_asked_for() {
        let odd: UidSet = (1..200).step_by(2).filter_map(Uid::new).collect();
        let sets = odd.sequence_sets(40);
        assert!(sets.iter().all(|s| s.len() <= 40));
        assert_eq!(sets.join(","), odd.to_string());
    }

    proptest! {
        #[test]
        fn it_behaves_as_a_set_of_numbers(a in prop::collection::btree_set(1u32..400, 0..80),
                                          b in prop::collection::btree_set(1u32..400, 0..80), n in 0usize..90) {
            let (sa, sb) = (set(&a), set(&b));
            prop_assert_eq!(back(&sa), a.clone());
            prop_assert_eq!(back(&sa.difference(&sb)), &a - &b);
            prop_assert_eq!(back(&sa.intersection(&sb)), &a & &b);
            let mut union = sa.clone();
            union.extend_from(&sb);
            prop_assert_eq!(back(&union), &a | &b);
            prop_assert_eq!(UidSet::from_bytes(&union.to_bytes()), Some(union.clone()));
            let mut one_by_one = UidSet::new();
            for number in a.iter().rev().chain(&b) {
                one_by_one.insert(Uid::new(*number).unwrap());
            }
            prop_assert_eq!(&one_by_one, &union);
            for number in 1..400 {
                prop_assert_eq!(sa.contains(Uid::new(number).unwrap()), a.contains(&number));
            }
            let mut rest = sa.clone();
            let top = rest.take_highest(n);
            prop_assert_eq!(back(&top), a.iter().rev().take(n).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(back(&rest), &a - &back(&top));
        }
    }
}
