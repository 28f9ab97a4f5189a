//! How much may leave by one way.

use crate::contract::SendLimits;
use crate::error::{Error, ErrorKind};
use crate::types::Timestamp;

/// The limits as windows: in any so many seconds, so many messages.
pub fn windows(limits: SendLimits) -> impl Iterator<Item = (i64, u32)> {
    [(60, limits.per_minute), (86_400, limits.per_day)]
        .into_iter()
        .filter_map(|(seconds, most)| most.map(|most| (seconds, most)))
}

/// What is said to whoever would go beyond them.
pub fn throttled(until: Timestamp) -> Error {
    Error::new(ErrorKind::Throttled, "as much was sent this way as may be for now").retry_at(until)
}
