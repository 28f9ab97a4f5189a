//! The clock that the suites set.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::contract::Clock;
use crate::types::Timestamp;

/// 2027-01-15 at eight in the morning: sixteen hours remain before the day's count of octets begins anew.
const START: i64 = 1_800_000_000;

pub(super) struct SteppedClock(AtomicI64);

impl SteppedClock {
    pub(super) fn new() -> Self {
        Self(AtomicI64::new(START))
    }

    pub(super) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for SteppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.0.load(Ordering::SeqCst))
    }
}
