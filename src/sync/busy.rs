//! What a worker is at.

use std::time::Duration;

use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

use super::brake::Brake;
use crate::contract::{Fence, Pause};
use crate::types::PracticeId;

/// A pass under way.
pub(super) struct Running {
    pub(super) fence: Fence,
    pub(super) provider: String,
    pub(super) is_first: bool,
    pub(super) since: Instant,
    pub(super) brake: Brake,
}

/// Passes and outboxes under way. Dropped, all of them end.
#[derive(Default)]
pub(super) struct Busy {
    tasks: JoinSet<()>,
    passes: Vec<(AbortHandle, Running)>,
    outboxes: Vec<(AbortHandle, PracticeId, Brake)>,
}

impl Busy {
    pub(super) fn begin(&mut self, running: Running, pass: impl Future<Output = ()> + Send + 'static) {
        let task = self.tasks.spawn(pass);
        self.passes.push((task, running));
    }

    pub(super) fn deliver(
        &mut self,
        (practice, brake): (PracticeId, Brake),
        delivery: impl Future<Output = ()> + Send + 'static,
    ) {
        let task = self.tasks.spawn(delivery);
        self.outboxes.push((task, practice, brake));
    }

    pub(super) fn is_idle(&self) -> bool {
        self.tasks.is_empty()
    }

    pub(super) fn passes(&self) -> usize {
        self.passes.len()
    }

    pub(super) fn first_passes(&self) -> usize {
        self.passes.iter().filter(|(_, running)| running.is_first).count()
    }

    pub(super) fn outboxes(&self) -> usize {
        self.outboxes.len()
    }

    pub(super) fn delivers(&self, practice: &PracticeId) -> bool {
        self.outboxes.iter().any(|(_, of, _)| of == practice)
    }

    /// Waits for one to end, however it does. Dropping this future loses nothing.
    pub(super) async fn done(&mut self) {
        let id = match self.tasks.join_next_with_id().await {
            None => return,
            Some(Ok((id, ()))) => id,
            Some(Err(error)) => {
                // Its lease expires: what panics once may panic again.
                tracing::error!("a pass or a delivery panicked");
                error.id()
            }
        };
        self.passes.retain(|(task, _)| task.id() != id);
        self.outboxes.retain(|(task, ..)| task.id() != id);
    }

    pub(super) fn brake_all(&self) {
        for (_, _, brake) in &self.outboxes {
            brake.pull();
        }
        for (_, running) in &self.passes {
            running.brake.pull();
        }
    }

    /// Ends what is paused.
    pub(super) fn brake_paused(&self, pauses: &[Pause]) {
        for (_, running) in &self.passes {
            let Fence { practice, account, .. } = &running.fence;
            if pauses.iter().any(|pause| pause.scope.holds(practice, account, &running.provider)) {
                running.brake.pull();
            }
        }
        for (_, practice, brake) in &self.outboxes {
            if pauses.iter().any(|pause| pause.scope.holds_practice(practice)) {
                brake.pull();
            }
        }
    }

    /// The brake of the longest of the first synchronisations that have lasted so long.
    pub(super) fn longest_first(&self, turn: Duration) -> Option<Brake> {
        let first = self.passes.iter().map(|(_, running)| running).filter(|running| running.is_first);
        let long = first.filter(|running| running.since.elapsed() >= turn && !running.brake.is_pulled());
        long.min_by_key(|running| running.since).map(|running| running.brake.clone())
    }

    /// Ends everything at once; answers the leases that are held still.
    pub(super) async fn abandon(mut self) -> Vec<Fence> {
        self.tasks.shutdown().await;
        self.passes.into_iter().map(|(_, running)| running.fence).collect()
    }
}
