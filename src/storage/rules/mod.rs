//! What every store decides alike, whatever it keeps things in: how an account, an intent to send and a message go on, what belongs
//! together, and who sees what.
//!
//! A store of your own loads a row, has it take its step, and writes it back with the changes the step is told by, all in one
//! transaction: [`AccountRow`] for leases, progress and the schedule, [`OutgoingRow`] for the outbox, [`MessageRow`] and [`CopyRow`]
//! for the archive. What is left to the store is where rows lie, and how they are found. The rows read and write themselves by serde;
//! their forms are stable, in that fields are only added.
//!
//! [`MemoryStore`](super::MemoryStore) and `examples/custom_store` keep these very rows. The stores in SQL keep intents as these, and
//! accounts and messages in columns of their own.
//!
//! ```
//! use practicemail::contract::{ChangeKind, Fence, PassEnd};
//! use practicemail::error::Result;
//! use practicemail::storage::rules::AccountRow;
//! # use practicemail::types::{AccountId, Timestamp};
//! # struct Tx { now: Timestamp }
//! # impl Tx {
//! #     fn load(&self, _: &AccountId) -> Option<AccountRow> { None }
//! #     fn store(&mut self, _: &AccountRow) {}
//! #     fn tell(&mut self, _: ChangeKind) {}
//! # }
//! /// `MailStore::end_pass`, in a transaction of yours.
//! fn end_pass(tx: &mut Tx, fence: &Fence, end: &PassEnd) -> Result<()> {
//!     let mut row = tx.load(&fence.account).ok_or_else(AccountRow::fence_lost)?;
//!     row.check(fence, tx.now)?;
//!     let change = row.end_pass(end, tx.now);
//!     tx.store(&row);
//!     change.into_iter().for_each(|change| tx.tell(change));
//!     Ok(())
//! }
//! ```

mod account;
mod content;
pub(super) mod links;
mod message;
mod outgoing;
mod practice_secret;
mod sight;
pub(super) mod words;

pub use account::{AccountRow, Lease, MailboxRow, Plan};
pub use content::Content;
pub use message::{CopyRow, MessageRow};
pub use outgoing::{ErasedIntent, HeldClaim, OutgoingRow};
pub use practice_secret::PracticeSecret;
pub use sight::{Holder, Sight};
