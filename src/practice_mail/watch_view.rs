//! What somebody who watches is told.

use std::time::Duration;

use crate::error::Error;
use crate::sync::AccountReport;
use crate::types::AccountId;

/// Told what happens while accounts are watched.
pub type WatchSink<'a> = &'a (dyn Fn(Watched) + Send + Sync);

/// Something that happened while accounts were watched.
#[derive(Debug)]
#[non_exhaustive]
pub enum Watched {
    /// A pass over an account has ended, well or not.
    Passed(AccountReport),
    /// A session waits at the account's inbox: what comes from now on is noticed at once.
    Waiting(AccountId),
    /// The account's server does not tell of changes: it is read at intervals, and nothing waits there.
    AtIntervals(AccountId),
    /// The session that waited has ended, or could not be opened; another is opened after a pause.
    Interrupted {
        /// Whose.
        account: AccountId,
        /// Why.
        error: Error,
        /// The pause.
        again_in: Duration,
    },
}
