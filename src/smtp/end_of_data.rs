//! Where a message ends on the wire (RFC 5321 §4.1.1.4).

use memchr::memmem;

/// What ends the data: a dot alone on a line.
pub(super) const END: &[u8] = b"\r\n.\r\n";

/// Follows what is written after DATA and finds the end of data, however it is cut into writes.
#[derive(Debug, Clone, Copy)]
pub(super) struct EndOfData {
    /// How many octets of [`END`] the octets before now end with.
    matched: usize,
}

impl EndOfData {
    /// At the beginning of the data, which is the beginning of a line.
    pub(super) const fn new() -> Self {
        Self { matched: 2 }
    }

    /// How many of `octets` may be written before the first one that completes the end of data; `None` when none of them
    /// does.
    pub(super) fn completed_at(self, octets: &[u8]) -> Option<usize> {
        let mut at = self;
        let begun_before = octets.iter().take(END.len() - 1).position(|octet| at.step(*octet));
        begun_before.or_else(|| memmem::find(octets, END).map(|start| start + END.len() - 1))
    }

    /// Takes note of octets that were written.
    pub(super) fn wrote(&mut self, octets: &[u8]) {
        // Of what is behind an end that has begun, it takes the last octets alone to know how far it got.
        let last = octets.len().saturating_sub(END.len() - 1);
        if last > 0 {
            self.matched = 0;
        }
        for octet in octets.get(last..).unwrap_or_default() {
            self.step(*octet);
        }
    }

    fn step(&mut self, octet: u8) -> bool {
        self.matched = match END.get(self.matched) {
            Some(next) if *next == octet => self.matched + 1,
            _ if octet == b'\r' => 1,
            _ => 0,
        };
        self.matched == END.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_end_is_found_however_it_is_cut() {
        let data = b"a\r\n..\r\n\r\r\n.x\r\n.\r\n";
        let end = data.len() - 1;
        assert_eq!(EndOfData::new().completed_at(data), Some(end));
        for cut in 0..end {
            let mut at = EndOfData::new();
            assert_eq!(at.completed_at(&data[..cut]), None, "{cut}");
            at.wrote(&data[..cut]);
            assert_eq!(at.completed_at(&data[cut..]), Some(end - cut), "{cut}");
        }
    }

    proptest! {
        #[test]
        fn any_pieces_are_followed_octet_by_octet(
            octets in prop::collection::vec(prop::sample::select(&b"\r\n.\r\nx"[..]), 0..40),
            cut in 0_usize..40,
        ) {
            let (first, second) = octets.split_at(cut.min(octets.len()));
            let mut by_octet = EndOfData::new();
            let expected = octets.iter().position(|octet| by_octet.step(*octet));
            let mut by_piece = EndOfData::new();
            let found = by_piece.completed_at(first).or_else(|| {
                by_piece.wrote(first);
                by_piece.completed_at(second).map(|at| first.len() + at)
            });
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn an_end_begun_before_is_forgotten_behind_other_octets() {
        let mut at = EndOfData::new();
        at.wrote(b"a\r\n.");
        at.wrote(b".stuffed\r\n.\r");
        assert_eq!(at.completed_at(b"\n"), Some(0));
    }

    #[test]
    fn a_dot_at_the_very_beginning_is_an_end() {
        assert_eq!(EndOfData::new().completed_at(b".\r\n"), Some(2));
        assert_eq!(EndOfData::new().completed_at(b"..\r\n"), None);
    }
}
