//! The dice of a walk.

/// `SplitMix64` (Steele, Lea and Flood 2014): the same for the same number, wherever it runs.
pub(super) struct Chance(u64);

impl Chance {
    pub(super) const fn new(number: u64) -> Self {
        Self(number)
    }

    pub(super) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`; zero of none.
    pub(super) fn below(&mut self, end: u8) -> u8 {
        let drawn = self.bits().checked_rem(u64::from(end)).unwrap_or(0);
        u8::try_from(drawn).unwrap_or(0)
    }

    /// Whether it happened, which it does once in so many times.
    pub(super) fn one_in(&mut self, times: u8) -> bool {
        self.below(times) == 0
    }

    /// One of these.
    pub(super) fn of<T: Copy + Default>(&mut self, these: &[T]) -> T {
        let drawn = self.below(u8::try_from(these.len()).unwrap_or(u8::MAX));
        these.get(usize::from(drawn)).copied().unwrap_or_default()
    }

    /// A number below `end`, or nothing, which is as likely.
    pub(super) fn perhaps(&mut self, end: u8) -> Option<u8> {
        self.one_in(2).then(|| self.below(end))
    }

    /// As many numbers below `end` as are drawn, at most `most`.
    pub(super) fn some(&mut self, most: u8, end: u8) -> Vec<u8> {
        let count = self.below(most.saturating_add(1));
        (0..count).map(|_| self.below(end)).collect()
    }
}
