//! The mail store: everything durable but the octets.

mod account;
mod archive;
mod archive_rules;
mod archive_store;
mod bounce;
mod outbox;
mod outgoing;
mod outgoing_step;
mod schedule;
mod scheduling;
mod sync_state;

use async_trait::async_trait;

pub use account::{AccountHealth, AccountRecord, AccountState, Fence, NewAccount, PassEnd, SettingsChange};
pub use archive::{Change, ChangeKind, Message, MessageCopy, PagePosition, PageQuery, Rendition};
pub use archive_rules::{
    Bars, ClientSighting, Erasable, EraseReason, Erased, ErasedClient, Erasure, PageFilter, Tombstone,
};
pub use archive_store::Archive;
pub use bounce::{Bounce, BounceReport};
pub use outbox::Outbox;
pub use outgoing::{
    ComposedMessage, Filing, NewOutgoing, Outgoing, OutgoingRecipient, OutgoingState, RecipientState, Route,
};
pub use outgoing_step::{
    OutboxQuery, OutgoingClaim, OutgoingDecision, OutgoingEnd, OutgoingStep, OutgoingWork, SendLimits,
    SentMessage,
};
pub use schedule::Schedule;
pub use scheduling::{
    AccountSchedule, Claimed, DueAccount, DueClaim, MailboxBacklog, NextDue, Pause, PauseScope,
    ProviderLimits,
};
pub use sync_state::{
    ArchivedCopy, Comparison, CopiesInMailbox, CoverageChange, CoveredKeys, DeadLetter, HistoryStep,
    MailboxState, MovedCopy, StoredCopy, SyncState, Window, WindowReceipt,
};

use crate::error::Result;
use crate::settings::{AccountSettings, PracticeSettings};
use crate::types::{AccountId, Digest, MailboxName, MessageKey, PracticeId, UidSet, UidValidity};

/// Keeps accounts, progress, archive and change feed. Every method is a *transition* or a read.
///
/// # Contract
/// - **S1** A transition is atomic: it happens whole or, when it fails or its future is dropped before it began, not at all.
/// - **S2** A transition with a [`Fence`] is refused with [`FenceLost`](crate::error::ErrorKind::FenceLost), inside its
///   transaction, when the lease is not the account's latest or has expired, or the account's epoch has changed.
/// - **S3** [`acquire_lease`](Self::acquire_lease) is refused with [`Busy`](crate::error::ErrorKind::Busy) while another
///   holder's lease lives; tokens of one account only rise. A released or expired lease is in nobody's way, nor is one whose
///   process is known to have died.
/// - **S4** Connecting an account again replaces its settings and keeps its progress and archive.
/// - **S5** [`commit_window`](Self::commit_window) writes copies, cursor, gaps, dead letters, octet count and changes
///   together. The same copy committed twice is one copy, and puts back what its message lacks; a message's `sort_time` stays what it was first; a message with
///   another rendition gains a rendition; a place that held other octets before becomes the new copy's; a place that a copy is committed
///   at, known or not, is no dead letter's any more.
/// - **S6** A window under another validity voids what was seen under the last one; its copies stay until they are moved or
///   missing.
/// - **S7** [`change_coverage`](Self::change_coverage) does as [`CoverageChange`] says, for all mailboxes of the account at
///   once.
/// - **S8** [`page`](Self::page) answers, for any keys, each message once, newest first, ties by key descending; from a
///   position on nothing is skipped or repeated, whatever was added in between. With a filter it answers those of them for which
///   everything holds that is set.
/// - **S9** A message is found by every key in its postings, whichever copy brought it, on pages and in searches:
///   [`is_indexed`](Archive::is_indexed) says whether it is.
/// - **S10** Changes are written with what they tell; their numbers rise without reuse, per practice.
/// - **S11** After [`disconnect`](Self::disconnect) every fence of the account is lost; the archive stays.
/// - **S12** Practices do not see each other.
/// - **S13** [`commit_window`](Self::commit_window) knows the practice's own mail again. A copy that bears the id of an intent in the
///   [`Outbox`] is a copy of that intent's message, whatever its Message-ID, if it lies in the Sent mailbox of the account the
///   message left by, or says the same as the message; otherwise the field was borrowed and counts for nothing. A copy of an
///   intent's message in that Sent mailbox, known by the id or by the message's identity, is evidence: an *unknown* intent, or one
///   that is held, was sent, as by [`OutgoingEnd::Found`], and a pending copy is filed.
/// - **S14** A window's bounces are written at the recipients they name, if the intent left by the window's account; a failure
///   for good is not replaced by a delay. A report about no intent is passed over.
/// - **S15** [`set_practice_settings`](Self::set_practice_settings) replaces what is settled, if that is what the change was made from, and tells
///   who did it. In the same transaction every connected account whose way is off then is
///   [`SwitchedOff`](AccountState::SwitchedOff), its epoch risen, so that every fence and claim of it is lost; one that is switched
///   off and whose way is on then is connected again, and what was disconnected stays so. An account that is connected while
///   its way is off is switched off at once. Each account's turn is told.
/// - **S16** [`erase_account`](Self::erase_account) leaves of an account that is disconnected no copy, cursor, gap, dead letter, covered
///   key or hint, and of a message that no other account has a copy of, and that was not sent with this crate, nothing at all. A
///   message that stays keeps the renditions and the postings that its other copies brought, and those it was sent with. Which
///   octets no copy, dead letter or intent names any more, it answers. Every message that went is told, then the account. The
///   account stays disconnected, and is read anew when it is connected; how much was read of it today stays counted.
/// - **S17** A row that the engine refuses for what it holds, by a constraint or a limit of its own, has its window refused with
///   [`StorageRefused`](crate::error::ErrorKind::StorageRefused), and with no other kind: nothing of the window is written, the lease holds, and the
///   same without that row is written. Who reads a mailbox gives up one message by that, and not the mailbox.
///
/// Every method is cancel safe in the sense of S1.
#[async_trait]
pub trait MailStore: Outbox + Archive + Schedule {
    /// Connects an account, or replaces the settings of one.
    ///
    /// # Errors
    /// Storage kinds.
    async fn connect(&self, account: &NewAccount) -> Result<AccountRecord>;

    /// Ends an account's work everywhere; what was archived is kept.
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorKind::NotFound); storage kinds.
    async fn disconnect(&self, practice: &PracticeId, account: &AccountId) -> Result<()>;

    /// Erases what was archived from an account, as S16; answers the digests of octets that can go from the blob store.
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorKind::NotFound); [`Busy`](crate::error::ErrorKind::Busy) while the account is connected or switched off;
    /// storage kinds.
    async fn erase_account(&self, practice: &PracticeId, account: &AccountId) -> Result<Vec<Digest>>;

    /// What a practice settled for all its users; nothing of one that settled nothing.
    ///
    /// # Errors
    /// Storage kinds.
    async fn practice_settings(&self, practice: &PracticeId) -> Result<PracticeSettings>;

    /// Settles it anew, as S15.
    ///
    /// # Errors
    /// [`Busy`](crate::error::ErrorKind::Busy) where what is settled is not `before`; storage kinds.
    async fn set_practice_settings(&self, practice: &PracticeId, change: &SettingsChange) -> Result<()>;

    /// Replaces an account's settings under its lease, as a pass that learnt something does; all else stays as it is.
    ///
    /// # Errors
    /// As S2; storage kinds.
    async fn change_settings(&self, fence: &Fence, settings: &AccountSettings) -> Result<()>;

    /// The accounts of a practice, by id.
    ///
    /// # Errors
    /// Storage kinds.
    async fn accounts(&self, practice: &PracticeId) -> Result<Vec<AccountRecord>>;

    /// Takes an account's lease for `seconds`, by the store's clock.
    ///
    /// # Errors
    /// As S3; [`NotFound`](crate::error::ErrorKind::NotFound) for an account that is not connected.
    async fn acquire_lease(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        holder: &str,
        seconds: u32,
    ) -> Result<Fence>;

    /// Extends a lease to `seconds` from now.
    ///
    /// # Errors
    /// As S2.
    async fn renew_lease(&self, fence: &Fence, seconds: u32) -> Result<()>;

    /// Gives a lease back; one that is lost is no error.
    ///
    /// # Errors
    /// Storage kinds.
    async fn release_lease(&self, fence: &Fence) -> Result<()>;

    /// How far an account is read.
    ///
    /// # Errors
    /// Storage kinds.
    async fn sync_state(&self, practice: &PracticeId, account: &AccountId) -> Result<SyncState>;

    /// Changes the keys an account is covered for, and the history work that follows from it.
    ///
    /// # Errors
    /// As S2; [`Invalid`](crate::error::ErrorKind::Invalid) when history is to be finished that is not done.
    async fn change_coverage(&self, fence: &Fence, change: &CoverageChange) -> Result<()>;

    /// Writes one step of reading a mailbox.
    ///
    /// # Errors
    /// As S2 and S17; storage kinds.
    async fn commit_window(&self, fence: &Fence, window: &Window) -> Result<WindowReceipt>;

    /// Writes what comparing copies with the server showed.
    ///
    /// # Errors
    /// As S2; storage kinds.
    async fn commit_comparison(&self, fence: &Fence, comparison: &Comparison) -> Result<()>;

    /// Writes how a pass ended.
    ///
    /// # Errors
    /// As S2; storage kinds.
    async fn end_pass(&self, fence: &Fence, end: &PassEnd) -> Result<()>;

    /// The copies of an account, by mailbox and validity; those that are gone are left out.
    ///
    /// # Errors
    /// Storage kinds.
    async fn copies(&self, practice: &PracticeId, account: &AccountId) -> Result<Vec<CopiesInMailbox>>;

    /// Copies at these places.
    ///
    /// # Errors
    /// Storage kinds.
    async fn copies_at(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        mailbox: &MailboxName,
        uid_validity: UidValidity,
        uids: &UidSet,
    ) -> Result<Vec<StoredCopy>>;

    /// The positions of a page of messages.
    ///
    /// # Errors
    /// Storage kinds.
    async fn page(&self, query: &PageQuery) -> Result<Vec<PagePosition>>;

    /// These messages, in this order; those that do not exist are left out.
    ///
    /// # Errors
    /// Storage kinds.
    async fn messages(&self, practice: &PracticeId, keys: &[MessageKey]) -> Result<Vec<Message>>;

    /// Every message, in the order of keys, continued after a key.
    ///
    /// # Errors
    /// Storage kinds.
    async fn all_messages(
        &self,
        practice: &PracticeId,
        after: Option<MessageKey>,
        limit: usize,
    ) -> Result<Vec<Message>>;

    /// How many messages a question has from its beginning on, counted up to its limit.
    ///
    /// # Errors
    /// Storage kinds.
    async fn count(&self, query: &PageQuery) -> Result<usize>;

    /// Every dead letter, by place.
    ///
    /// # Errors
    /// Storage kinds.
    async fn dead_letters(&self, practice: &PracticeId) -> Result<Vec<DeadLetter>>;

    /// At most `limit` changes after the one numbered `after` (zero: from the first on).
    ///
    /// # Errors
    /// Storage kinds.
    async fn changes(&self, practice: &PracticeId, after: u64, limit: usize) -> Result<Vec<Change>>;
}

#[async_trait]
impl<T: MailStore + ?Sized> MailStore for std::sync::Arc<T> {
    async fn connect(&self, account: &NewAccount) -> Result<AccountRecord> {
        (**self).connect(account).await
    }
    async fn disconnect(&self, practice: &PracticeId, account: &AccountId) -> Result<()> {
        (**self).disconnect(practice, account).await
    }
    async fn erase_account(&self, practice: &PracticeId, account: &AccountId) -> Result<Vec<Digest>> {
        (**self).erase_account(practice, account).await
    }
    async fn practice_settings(&self, practice: &PracticeId) -> Result<PracticeSettings> {
        (**self).practice_settings(practice).await
    }
    async fn set_practice_settings(&self, practice: &PracticeId, change: &SettingsChange) -> Result<()> {
        (**self).set_practice_settings(practice, change).await
    }
    async fn change_settings(&self, fence: &Fence, settings: &AccountSettings) -> Result<()> {
        (**self).change_settings(fence, settings).await
    }
    async fn accounts(&self, practice: &PracticeId) -> Result<Vec<AccountRecord>> {
        (**self).accounts(practice).await
    }
    async fn acquire_lease(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        holder: &str,
        seconds: u32,
    ) -> Result<Fence> {
        (**self).acquire_lease(practice, account, holder, seconds).await
    }
    async fn renew_lease(&self, fence: &Fence, seconds: u32) -> Result<()> {
        (**self).renew_lease(fence, seconds).await
    }
    async fn release_lease(&self, fence: &Fence) -> Result<()> {
        (**self).release_lease(fence).await
    }
    async fn sync_state(&self, practice: &PracticeId, account: &AccountId) -> Result<SyncState> {
        (**self).sync_state(practice, account).await
    }
    async fn change_coverage(&self, fence: &Fence, change: &CoverageChange) -> Result<()> {
        (**self).change_coverage(fence, change).await
    }
    async fn commit_window(&self, fence: &Fence, window: &Window) -> Result<WindowReceipt> {
        (**self).commit_window(fence, window).await
    }
    async fn commit_comparison(&self, fence: &Fence, comparison: &Comparison) -> Result<()> {
        (**self).commit_comparison(fence, comparison).await
    }
    async fn end_pass(&self, fence: &Fence, end: &PassEnd) -> Result<()> {
        (**self).end_pass(fence, end).await
    }
    async fn copies(&self, practice: &PracticeId, account: &AccountId) -> Result<Vec<CopiesInMailbox>> {
        (**self).copies(practice, account).await
    }
    async fn copies_at(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        mailbox: &MailboxName,
        uid_validity: UidValidity,
        uids: &UidSet,
    ) -> Result<Vec<StoredCopy>> {
        (**self).copies_at(practice, account, mailbox, uid_validity, uids).await
    }
    async fn page(&self, query: &PageQuery) -> Result<Vec<PagePosition>> {
        (**self).page(query).await
    }
    async fn messages(&self, practice: &PracticeId, keys: &[MessageKey]) -> Result<Vec<Message>> {
        (**self).messages(practice, keys).await
    }
    async fn all_messages(
        &self,
        practice: &PracticeId,
        after: Option<MessageKey>,
        limit: usize,
    ) -> Result<Vec<Message>> {
        (**self).all_messages(practice, after, limit).await
    }
    async fn count(&self, query: &PageQuery) -> Result<usize> {
        (**self).count(query).await
    }
    async fn dead_letters(&self, practice: &PracticeId) -> Result<Vec<DeadLetter>> {
        (**self).dead_letters(practice).await
    }
    async fn changes(&self, practice: &PracticeId, after: u64, limit: usize) -> Result<Vec<Change>> {
        (**self).changes(practice, after, limit).await
    }
}
