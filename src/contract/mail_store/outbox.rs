//! The outbox: every intent to send, from the moment it is durable to the end of what can be known of it.
//!
//! ```text
//!              cancel ─▶ cancelled
//! queued ─claim─▶ sending ─▶ sent ─claim─▶ its copy is filed
//!    ▲              │ │ └──▶ refused
//!    └─ not sent ───┘ └────▶ unknown ─claim─▶ found in the Sent mailbox ─▶ sent
//!                               └── a person decides, once the first try is over for certain
//! ```

use async_trait::async_trait;

use super::{
    NewOutgoing, OutboxQuery, Outgoing, OutgoingClaim, OutgoingDecision, OutgoingEnd, SendLimits, SentMessage,
};
use crate::error::Result;
use crate::types::{AccountId, MessageKey, OutgoingId, PracticeId};

/// The part of a [`MailStore`](super::MailStore) that keeps intents to send. Written in the same database, for what was
/// sent is archived in the transaction that says so.
///
/// # Contract
/// - **O1** [`enqueue`](Self::enqueue) is durable when it answers. A second intent under the same key is the first, unchanged,
///   when the draft's digest is the same, and [`Invalid`](crate::error::ErrorKind::Invalid) otherwise. Keys are a practice's. The id and the
///   key of an intent that was erased (A5 of [`Archive`](super::Archive)) are refused with `Invalid` for good: it may have left.
/// - **O2** Of any number that claim an intent at once, one gets it; the others get [`Busy`](crate::error::ErrorKind::Busy) until the claim is
///   ended, has expired by the store's clock, or its process is known to have died. Tokens of an intent only rise. A claim says
///   when it was granted, by the store's clock.
/// - **O3** An intent is claimed to be delivered only while queued, due and not held, and is *sending* from then on. A *sending*
///   one whose claim is dead is claimed to be delivered if that claim was never confirmed, for nothing left under it; otherwise to
///   be recovered, never to be delivered. An *unknown* one that left by an account can be
///   claimed at any time, to look for evidence.
/// - **O4** [`confirm_outgoing`](Self::confirm_outgoing) and [`finish_outgoing`](Self::finish_outgoing) are refused with
///   [`FenceLost`](crate::error::ErrorKind::FenceLost) unless the claim is the intent's latest and not ended; the former also when the claim has expired,
///   or the account's epoch has changed or it is not connected. So of two that believe to hold an intent one at most hands it over, and what
///   happened is recorded as long as nobody else has acted on it.
/// - **O5** A finish writes state, recipients, archive, what was learnt and changes together: a message is on its clients'
///   tabs from the instant it is sent or unknown, and its postings are complete.
/// - **O6** From *unknown* an intent goes on only by evidence ([`OutgoingEnd::Found`], or a window that holds its copy, S13 of
///   [`MailStore`](super::MailStore)) or by [`decide_outgoing`](Self::decide_outgoing), which is refused with [`Busy`](crate::error::ErrorKind::Busy) before
///   `decide_after` and while a claim lives. *Sent*, *refused* and *cancelled* never become *queued* again.
/// - **O7** [`cancel_outgoing`](Self::cancel_outgoing) takes back what is queued, and only that.
/// - **O8** Limits count what was sent by the same way in the time before, whether it was erased since or not; a claim beyond them is refused with
///   [`Throttled`](crate::error::ErrorKind::Throttled) and the time at which it would be granted.
/// - **O9** Intents queued before the store was restored from a backup are held until a person decides, at
///   any time, or evidence shows that they were sent (S13); those queued afterwards are not.
/// - **O10** Every step is a change in the feed, in its transaction, under the account it leaves by (none by noreply). That a message
///   was sent, or is unknown, is told after that it was archived.
/// - **O11** Practices do not see each other.
/// - **O12** Where the engine refuses the message that an end or a decision brings for the archive (S17 of [`MailStore`](super::MailStore)), that is refused
///   with [`StorageRefused`](crate::error::ErrorKind::StorageRefused), and with no other kind: nothing is written, the claim is held on, and the same without
///   the message is written. So what a provider took is never handed over again because the archive cannot hold it. Why it is not archived
///   ([`OutgoingEnd::unarchived`]) stays with what was sent, also when its copy is filed.
///
/// Every method is cancel safe: it happens whole or not at all.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Makes an intent durable; answers it, and whether it was there before.
    ///
    /// # Errors
    /// As O1; storage kinds.
    async fn enqueue(&self, message: &NewOutgoing) -> Result<(Outgoing, bool)>;

    /// One intent.
    ///
    /// # Errors
    /// Storage kinds.
    async fn outgoing(&self, practice: &PracticeId, id: OutgoingId) -> Result<Option<Outgoing>>;

    /// Lists intents, the latest queued first.
    ///
    /// # Errors
    /// Storage kinds.
    async fn outbox(&self, practice: &PracticeId, query: &OutboxQuery) -> Result<Vec<Outgoing>>;

    /// The intents that are these messages.
    ///
    /// # Errors
    /// Storage kinds.
    async fn outgoing_of(&self, practice: &PracticeId, messages: &[MessageKey]) -> Result<Vec<Outgoing>>;

    /// Intents there is something to do about now: due and not held, or *sending* with a dead claim; the longest due first.
    ///
    /// # Errors
    /// Storage kinds.
    async fn due_outgoing(&self, practice: &PracticeId, limit: usize) -> Result<Vec<OutgoingId>>;

    /// Claims an intent for `seconds`, by the store's clock; for what, the claim says.
    ///
    /// # Errors
    /// As O2, O3 and O8; [`NotFound`](crate::error::ErrorKind::NotFound), also where there is nothing to do about it now; storage kinds.
    async fn claim_outgoing(
        &self,
        practice: &PracticeId,
        id: OutgoingId,
        holder: &str,
        seconds: u32,
        limits: SendLimits,
    ) -> Result<OutgoingClaim>;

    /// Confirms a claim right before the message can leave, and extends it to `seconds` from now.
    ///
    /// # Errors
    /// As O4; storage kinds.
    async fn confirm_outgoing(&self, claim: &OutgoingClaim, seconds: u32) -> Result<()>;

    /// Ends a claim; answers the intent as it is then.
    ///
    /// # Errors
    /// As O4 and O12; [`Invalid`](crate::error::ErrorKind::Invalid) for an end that does not go with the claim's work; storage kinds.
    async fn finish_outgoing(&self, claim: &OutgoingClaim, end: &OutgoingEnd) -> Result<Outgoing>;

    /// Takes an intent back.
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorKind::NotFound); [`Busy`](crate::error::ErrorKind::Busy) while it is being sent; [`Invalid`](crate::error::ErrorKind::Invalid) once it was; storage
    /// kinds.
    async fn cancel_outgoing(&self, practice: &PracticeId, id: OutgoingId) -> Result<Outgoing>;

    /// Writes what a person decided. [`OutgoingDecision::WasSent`] counts every pending recipient as accepted, and archives
    /// what it is given in the same transaction; the other decisions pass that over.
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorKind::NotFound); as O6 and O12; [`Invalid`](crate::error::ErrorKind::Invalid) where there is nothing to decide; storage kinds.
    async fn decide_outgoing(
        &self,
        practice: &PracticeId,
        id: OutgoingId,
        decision: OutgoingDecision,
        archived: Option<Box<SentMessage>>,
    ) -> Result<Outgoing>;

    /// Whether an account's provider files copies by itself; `None` before it was learnt, and after the account was connected
    /// anew.
    ///
    /// # Errors
    /// Storage kinds.
    async fn files_copies(&self, practice: &PracticeId, account: &AccountId) -> Result<Option<bool>>;
}

#[async_trait]
impl<T: Outbox + ?Sized> Outbox for std::sync::Arc<T> {
    async fn enqueue(&self, message: &NewOutgoing) -> Result<(Outgoing, bool)> {
        (**self).enqueue(message).await
    }
    async fn outgoing(&self, practice: &PracticeId, id: OutgoingId) -> Result<Option<Outgoing>> {
        (**self).outgoing(practice, id).await
    }
    async fn outbox(&self, practice: &PracticeId, query: &OutboxQuery) -> Result<Vec<Outgoing>> {
        (**self).outbox(practice, query).await
    }
    async fn outgoing_of(&self, practice: &PracticeId, messages: &[MessageKey]) -> Result<Vec<Outgoing>> {
        (**self).outgoing_of(practice, messages).await
    }
    async fn due_outgoing(&self, practice: &PracticeId, limit: usize) -> Result<Vec<OutgoingId>> {
        (**self).due_outgoing(practice, limit).await
    }
    async fn claim_outgoing(
        &self,
        practice: &PracticeId,
        id: OutgoingId,
        holder: &str,
        seconds: u32,
        limits: SendLimits,
    ) -> Result<OutgoingClaim> {
        (**self).claim_outgoing(practice, id, holder, seconds, limits).await
    }
    async fn confirm_outgoing(&self, claim: &OutgoingClaim, seconds: u32) -> Result<()> {
        (**self).confirm_outgoing(claim, seconds).await
    }
    async fn finish_outgoing(&self, claim: &OutgoingClaim, end: &OutgoingEnd) -> Result<Outgoing> {
        (**self).finish_outgoing(claim, end).await
    }
    async fn cancel_outgoing(&self, practice: &PracticeId, id: OutgoingId) -> Result<Outgoing> {
        (**self).cancel_outgoing(practice, id).await
    }
    async fn decide_outgoing(
        &self,
        practice: &PracticeId,
        id: OutgoingId,
        decision: OutgoingDecision,
        archived: Option<Box<SentMessage>>,
    ) -> Result<Outgoing> {
        (**self).decide_outgoing(practice, id, decision, archived).await
    }
    async fn files_copies(&self, practice: &PracticeId, account: &AccountId) -> Result<Option<bool>> {
        (**self).files_copies(practice, account).await
    }
}
