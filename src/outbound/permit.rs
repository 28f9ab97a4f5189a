//! The last look at the claim before a message can leave.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::contract::{MailStore, OutgoingClaim, SendPermit};
use crate::error::Result;

/// How long the last octet may still be handed over once a claim was confirmed.
const LAST_OCTET: Duration = Duration::from_mins(10);
/// Longest wait for the answer to the end of a message: RFC 5321 §4.5.3.2.6 asks for ten minutes.
pub(super) const ANSWER: Duration = Duration::from_mins(10);
/// How long a claim lasts, and lasts on once it was confirmed: both waits, and a minute for clocks.
pub(super) const CLAIM_SECONDS: u32 = 21 * 60;

/// Confirms a claim in the store.
pub(super) struct ClaimPermit {
    pub(super) store: Arc<dyn MailStore>,
    pub(super) claim: OutgoingClaim,
}

#[async_trait]
impl SendPermit for ClaimPermit {
    async fn confirm(&self) -> Result<Duration> {
        self.store.confirm_outgoing(&self.claim, CLAIM_SECONDS).await?;
        Ok(LAST_OCTET)
    }
}
