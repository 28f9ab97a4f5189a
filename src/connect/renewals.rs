//! Renewals under way in this process: owned, so that nobody's dropped future stops one, and ended with their owner.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::error::{Error, ErrorKind, Result};

/// The tasks of one door and its clones. With the last clone they end; their claims then end by themselves.
#[derive(Clone, Default)]
pub(super) struct Renewals(Arc<Mutex<JoinSet<()>>>);

impl Renewals {
    /// Does `work`, to its end whether or not this future is dropped before.
    pub(super) async fn start<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let (answer, waiting) = oneshot::channel();
        {
            let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            while tasks.try_join_next().is_some() {}
            tasks.spawn(async move {
                // Nobody need be waiting.
                let _ = answer.send(work.await);
            });
        }
        let ended = |_| Error::new(ErrorKind::Cancelled, "renewing the access token was stopped");
        waiting.await.map_err(ended)?
    }
}
