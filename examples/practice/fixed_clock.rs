//! A clock that stands still.

use practicemail::contract::Clock;
use practicemail::types::Timestamp;

/// Tells the time it was set to.
pub(crate) struct FixedClock(pub(crate) Timestamp);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}
