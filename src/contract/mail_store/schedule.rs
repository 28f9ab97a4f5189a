//! The schedule: which account is read next, by whom, and what keeps it from being read.
//!
//! ```text
//! connected ─▶ due ─claim─▶ leased ─end of pass─▶ waits ─time─▶ due
//!               ▲             │ └───▶ stopped ─connected again, or asked for─▶ due
//!               └─ lease ends ┘
//! ```

use async_trait::async_trait;

use super::{AccountSchedule, Claimed, DueClaim, Fence, MailboxBacklog, Pause, PauseScope};
use crate::error::Result;
use crate::types::{AccountId, PracticeId};

/// The part of a [`MailStore`](super::MailStore) that any number of workers share accounts by. Its clock is the store's.
///
/// # Contract
/// - **W1** [`claim_due`](Self::claim_due) takes the lease of one account, as S2 and S3 of [`MailStore`](super::MailStore) have
///   it: one that is connected, due, not paused, and whose lease nobody holds, the one who asks included. Of any number that
///   claim at once no two get the same account.
/// - **W2** Of those that can be claimed it takes one that was read to the end before one that was never, then one that was asked
///   for, then one of the practice with the fewest living leases, then the longest due, of such as are due as long the first by practice and
///   id.
/// - **W3** It takes none that was never read to the end where the claim does not want such, and none of a provider of which as
///   many accounts are leased as the claim's limits let, of those never read to the end half as many, or one; however many claim at
///   once, there are never more.
/// - **W4** When nothing can be claimed it says when the next account that is connected and not leased becomes due later on,
///   paused or not.
/// - **W5** An account is due at once when it is connected, also anew, which forgets its failures and before when it was not to be tried, or switched on again. [`end_pass`](super::MailStore::end_pass)
///   sets when it is due next, as [`NextDue`](super::NextDue) says, and counts: a pass that failed is one failure more, one that
///   ended well leaves none and the account read to the end, one that was broken off changes neither, nor health. Once its archive
///   is erased (S16) an account was never read.
/// - **W6** [`request_now`](Self::request_now) makes accounts that are connected due at once, stopped ones too. A claim serves it;
///   what is asked for while a lease lives is served after it, whatever the end of that pass says.
/// - **W7** A pause holds from when it is set until it is lifted or its time has come; set again, it is replaced. What is paused is
///   not claimed, and a practice that is paused has no due outbox.
/// - **W8** [`set_backlog`](Self::set_backlog) replaces what an account leaves to be read. A window with a `left` changes it for its
///   mailbox; a pass that ended well leaves nothing.
/// - **W9** [`due_outboxes`](Self::due_outboxes) answers the practices in whose outbox there is something to do about now, by id.
/// - **W10** Practices do not see each other; what is asked for in one is not in another.
///
/// Every method is cancel safe: it happens whole or not at all.
#[async_trait]
pub trait Schedule: Send + Sync {
    /// Takes the lease of the account, of all practices, that is to be read next.
    ///
    /// # Errors
    /// Storage kinds.
    async fn claim_due(&self, claim: &DueClaim) -> Result<Claimed>;

    /// Asks for an account to be read now, or for all of a practice; answers how many it asked for.
    ///
    /// # Errors
    /// Storage kinds.
    async fn request_now(&self, practice: &PracticeId, account: Option<AccountId>) -> Result<usize>;

    /// How the accounts of a practice stand, by id.
    ///
    /// # Errors
    /// Storage kinds.
    async fn schedule(&self, practice: &PracticeId) -> Result<Vec<AccountSchedule>>;

    /// Writes what an account leaves to be read.
    ///
    /// # Errors
    /// As S2 of [`MailStore`](super::MailStore); storage kinds.
    async fn set_backlog(&self, fence: &Fence, backlog: &[MailboxBacklog]) -> Result<()>;

    /// At most `limit` practices whose outbox is due, after one.
    ///
    /// # Errors
    /// Storage kinds.
    async fn due_outboxes(&self, after: Option<PracticeId>, limit: usize) -> Result<Vec<PracticeId>>;

    /// Pauses what it says.
    ///
    /// # Errors
    /// Storage kinds.
    async fn pause(&self, pause: &Pause) -> Result<()>;

    /// Lifts a pause; says whether there was one that held.
    ///
    /// # Errors
    /// Storage kinds.
    async fn resume(&self, scope: &PauseScope) -> Result<bool>;

    /// The pauses that hold.
    ///
    /// # Errors
    /// Storage kinds.
    async fn pauses(&self) -> Result<Vec<Pause>>;
}

#[async_trait]
impl<T: Schedule + ?Sized> Schedule for std::sync::Arc<T> {
    async fn claim_due(&self, claim: &DueClaim) -> Result<Claimed> {
        (**self).claim_due(claim).await
    }
    async fn request_now(&self, practice: &PracticeId, account: Option<AccountId>) -> Result<usize> {
        (**self).request_now(practice, account).await
    }
    async fn schedule(&self, practice: &PracticeId) -> Result<Vec<AccountSchedule>> {
        (**self).schedule(practice).await
    }
    async fn set_backlog(&self, fence: &Fence, backlog: &[MailboxBacklog]) -> Result<()> {
        (**self).set_backlog(fence, backlog).await
    }
    async fn due_outboxes(&self, after: Option<PracticeId>, limit: usize) -> Result<Vec<PracticeId>> {
        (**self).due_outboxes(after, limit).await
    }
    async fn pause(&self, pause: &Pause) -> Result<()> {
        (**self).pause(pause).await
    }
    async fn resume(&self, scope: &PauseScope) -> Result<bool> {
        (**self).resume(scope).await
    }
    async fn pauses(&self) -> Result<Vec<Pause>> {
        (**self).pauses().await
    }
}
