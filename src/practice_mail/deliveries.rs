//! Deliveries under way in this process: owned, so that nobody's dropped future stops one, and ended with their owner.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::error::{Error, ErrorKind, Result};

/// The tasks of one door and its clones. With the last clone they end; what they were at is *unknown* then, and is recovered
/// by whoever works the outbox next.
#[derive(Clone, Default)]
pub(super) struct Deliveries(Arc<Mutex<JoinSet<()>>>);

impl Deliveries {
    /// Starts work that goes on whether its answer is waited for or not.
    pub(super) fn start<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Started<T> {
        let (answer, waiting) = oneshot::channel();
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            // Nobody need be waiting.
            let _ = answer.send(work.await);
        });
        Started(waiting)
    }
}

/// Work that was started.
pub(super) struct Started<T>(oneshot::Receiver<Result<T>>);

impl<T> Started<T> {
    /// Waits for it. Dropping this future stops nothing.
    pub(super) async fn answer(self) -> Result<T> {
        let ended = |_| Error::new(ErrorKind::Cancelled, "the delivery was stopped before it was finished");
        self.0.await.map_err(ended)?
    }
}
