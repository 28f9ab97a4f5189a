//! Times to come, by the store's clock: what one worker writes, another reads, and neither of their clocks need be right.

use tokio::time::Instant;

use crate::contract::OutgoingClaim;
use crate::types::Timestamp;

/// What time it is at the store, for whoever holds a claim.
#[derive(Clone, Copy)]
pub(super) struct ClaimTime {
    at: Timestamp,
    since: Instant,
}

impl ClaimTime {
    /// Of a claim that was asked for at that time: a little late rather than early, for nobody may decide too soon.
    pub(super) fn of(claim: &OutgoingClaim, asked: Instant) -> Self {
        Self { at: claim.at, since: asked }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.at.plus(i64::try_from(self.since.elapsed().as_secs()).unwrap_or(i64::MAX))
    }
}
