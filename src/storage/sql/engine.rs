//! What engines differ in besides their SQL.

use std::future::Future;

use super::lease_lock::LeaseLock;
use super::outbox_lock::OutboxLock;
use super::transaction::{Access, Session, Tx};
use crate::error::Result;

/// An engine that a [`SqlStore`](super::SqlStore) keeps everything in. Implemented in this crate only.
pub trait Engine: Send + Sync + 'static {
    /// Opens a session.
    #[doc(hidden)]
    fn session<'a>(&'a self, access: Access<'a>) -> impl Future<Output = Result<Session<'a>>> + Send;

    /// By what it is known that other processes live; `None` where only the end of a lease tells.
    #[doc(hidden)]
    fn presence(&self) -> Option<&Presence>;

    /// Writes, in the transaction by which a message may leave or an intent the queue, what tells a restored database.
    #[doc(hidden)]
    fn renew<'a>(&'a self, tx: &'a mut Tx<'_>) -> impl Future<Output = Result<()>> + Send;

    /// Makes a restored backup of before known from now on, after that transaction.
    #[doc(hidden)]
    fn settle(&self) -> impl Future<Output = Result<()>> + Send;

    /// Holds what is queued, for the database was restored.
    #[doc(hidden)]
    fn restored(&self) -> impl Future<Output = Result<()>> + Send;

    /// Overwrites what was deleted, as far as the engine does not do so by itself.
    #[doc(hidden)]
    fn purge(&self) -> impl Future<Output = Result<()>> + Send;
}

/// The leases and the claims of one store, and the locks on files by which other processes know that it lives.
#[derive(Default)]
pub struct Presence {
    pub(in crate::storage) leases: LeaseLock,
    pub(in crate::storage) outbox: OutboxLock,
}

impl std::fmt::Debug for Presence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Presence(..)")
    }
}
