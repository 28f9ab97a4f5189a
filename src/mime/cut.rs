//! Messages without the octets of their attachments, and the way back.

use super::part::PartRange;
use crate::types::{Cut, Hasher};

/// Copies a message without the content of some attachments, and digests what it leaves out.
///
/// ```
/// use practicemail::mime::{Cutter, PartRange, Segment, segments};
/// let mut cutter = Cutter::new(vec![PartRange::new(0, 2, 3)]);
/// let mut stored = Vec::new();
/// cutter.update(b"abCD", &mut stored);
/// cutter.update(b"Efg", &mut stored);
/// let cuts = cutter.finish();
/// assert_eq!((stored.as_slice(), cuts[0].offset, cuts[0].length), (&b"abfg"[..], 2, 3));
/// let plan = [Segment::Stored { offset: 0, length: 2 }, Segment::Cut(0), Segment::Stored { offset: 2, length: 2 }];
/// assert_eq!(segments(4, &cuts).unwrap(), plan);
/// ```
#[derive(Debug)]
pub struct Cutter {
    /// What is still to be left out, the nearest last.
    ranges: Vec<PartRange>,
    at: u64,
    /// What is being left out, as far as it came.
    cutting: Option<(PartRange, Hasher)>,
    cuts: Vec<Cut>,
}

impl Cutter {
    /// Begins a message of which these ranges are left out; those that are empty, or overlap one before them, are
    /// not.
    pub fn new(mut ranges: Vec<PartRange>) -> Self {
        ranges.sort_by_key(|range| (range.offset, range.attachment));
        let mut end = 0;
        ranges.retain(|range| {
            let fits = range.offset >= end && range.length > 0;
            if fits {
                end = range.offset.saturating_add(range.length);
            }
            fits
        });
        ranges.reverse();
        Self { ranges, at: 0, cutting: None, cuts: Vec::new() }
    }

    /// Reads the next octets of the message, and adds to `stored` those that are not left out.
    pub fn update(&mut self, octets: &[u8], stored: &mut Vec<u8>) {
        let mut rest = octets;
        while !rest.is_empty() {
            let (until, left_out) = match self.ranges.last() {
                Some(range) if range.offset > self.at => (range.offset, None),
                Some(range) => (range.offset.saturating_add(range.length), Some(*range)),
                None => (u64::MAX, None),
            };
            let length = usize::try_from(until - self.at).unwrap_or(usize::MAX);
            let (piece, behind) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            rest = behind;
            self.at += piece.len() as u64;
            match left_out {
                Some(range) => self.leave_out(range, piece, self.at == until),
                None => stored.extend_from_slice(piece),
            }
        }
    }

    fn leave_out(&mut self, range: PartRange, piece: &[u8], ends: bool) {
        let begun = || (PartRange { length: 0, ..range }, Hasher::new());
        let (cut, hasher) = self.cutting.get_or_insert_with(begun);
        hasher.update(piece);
        cut.length += piece.len() as u64;
        if ends {
            self.ranges.pop();
            self.end_cut();
        }
    }

    /// Ends the message; answers what was left out, ascending.
    pub fn finish(mut self) -> Vec<Cut> {
        self.end_cut();
        self.cuts
    }

    fn end_cut(&mut self) {
        self.cuts.extend(
            self.cutting.take().map(|(range, hasher)| {
                Cut::new(range.attachment, range.offset, range.length, hasher.finish())
            }),
        );
    }
}

/// A piece of a message that was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Segment {
    /// Octets that were stored.
    Stored {
        /// How many of the stored octets stand before them.
        offset: u64,
        /// How many.
        length: u64,
    },
    /// Octets that were cut out, by their place among the cuts.
    Cut(usize),
}

/// The pieces that together are the message of which so many octets were stored and these were cut out; `None` where
/// they do not fit together.
pub fn segments(stored: u64, cuts: &[Cut]) -> Option<Vec<Segment>> {
    let mut segments = Vec::with_capacity(2 * cuts.len() + 1);
    let (mut offset, mut at) = (0u64, 0u64);
    for (number, cut) in cuts.iter().enumerate() {
        let length = cut.offset.checked_sub(at)?;
        if length > 0 {
            segments.push(Segment::Stored { offset, length });
        }
        offset = offset.checked_add(length).filter(|offset| *offset <= stored)?;
        segments.push(Segment::Cut(number));
        at = cut.offset.checked_add(cut.length)?;
    }
    let length = stored - offset;
    if length > 0 {
        segments.push(Segment::Stored { offset, length });
    }
    Some(segments)
}
