//! Work under way in this process: owned, so that nobody's dropped future stops it, and ended with its owner.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::error::{Error, ErrorKind, Result};

/// The tasks of one owner and its clones. With the last clone they end, wherever they are: a delivery is *unknown* then, and
/// recovered by whoever works the outbox next; the claim of a renewal ends by itself.
#[derive(Clone, Default)]
pub(crate) struct OwnedTasks(Arc<Mutex<JoinSet<()>>>);

impl OwnedTasks {
    /// Starts work that goes on whether its answer is waited for or not.
    pub(crate) fn start<T: Send + 'static>(
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
pub(crate) struct Started<T>(oneshot::Receiver<Result<T>>);

impl<T> Started<T> {
    /// Waits for it. Dropping this future stops nothing.
    pub(crate) async fn answer(self) -> Result<T> {
        let ended = |_| Error::new(ErrorKind::Cancelled, "the work was stopped before it was finished");
        self.0.await.map_err(ended)?
    }
}
