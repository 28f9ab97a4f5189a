//! One message at a time by each way: providers count connections, and a session serves many messages.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::MutexGuard;

use super::worker::Worker;
use crate::contract::{MailTransport, MessageFiler, Outgoing as Intent, Route};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::Outgoing;
use crate::types::{OutgoingId, PracticeId};

/// By which settings a session was opened: it serves no others.
pub(super) type Way = (u64, Outgoing);

/// The turns of one process. Holds nothing that is lost when it is dropped.
#[derive(Default)]
pub(crate) struct Turns {
    ways: Mutex<BTreeMap<(PracticeId, Route), Arc<Turn>>>,
    intents: Mutex<BTreeMap<OutgoingId, Arc<tokio::sync::Mutex<()>>>>,
}

/// Who sends by one way, and what they left open for the next.
#[derive(Default)]
pub(super) struct Turn {
    waiting: AtomicUsize,
    open: tokio::sync::Mutex<Open>,
}

/// Sessions that are open.
#[derive(Default)]
pub(super) struct Open {
    pub(super) transport: Option<(Way, Box<dyn MailTransport>)>,
    pub(super) filer: Option<Box<dyn MessageFiler>>,
}

impl Open {
    /// The transport for an intent; one that was opened by other settings is not used for it.
    pub(super) async fn transport_for(
        &mut self,
        worker: &Worker,
        item: &Intent,
    ) -> Result<&dyn MailTransport> {
        let way = worker.way_of(item).await?;
        if self.transport.as_ref().is_none_or(|(opened_by, _)| *opened_by != way) {
            self.transport = None;
            let transport = worker.transport(item).await?;
            self.transport = Some((way, transport));
        }
        let gone = || Error::new(ErrorKind::Cancelled, "the session was taken away");
        self.transport.as_ref().map(|(_, transport)| &**transport).ok_or_else(gone)
    }
}

impl Turns {
    /// The turn of a way, to be waited for.
    pub(super) fn of(&self, practice: &PracticeId, route: &Route) -> Arc<Turn> {
        let mut turns = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        turns.entry((practice.clone(), route.clone())).or_default().clone()
    }

    /// Who takes an intent as far as it goes: others wait until they are done.
    pub(super) fn of_intent(&self, id: OutgoingId) -> Arc<tokio::sync::Mutex<()>> {
        let mut intents = self.intents.lock().unwrap_or_else(PoisonError::into_inner);
        intents.retain(|_, intent| Arc::strong_count(intent) > 1);
        intents.entry(id).or_default().clone()
    }
}

impl Turn {
    /// Keeps sessions open until it is dropped: more is to come by this way.
    pub(super) fn expect_more(&self) -> Counted<'_> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        Counted(&self.waiting)
    }

    /// Waits for the turn.
    pub(super) async fn take(&self) -> Taken<'_> {
        let counted = self.expect_more();
        let open = self.open.lock().await;
        Taken { open, counted }
    }
}

/// One who waits, or works.
pub(super) struct Counted<'a>(&'a AtomicUsize);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A turn that is held.
pub(super) struct Taken<'a> {
    pub(super) open: MutexGuard<'a, Open>,
    counted: Counted<'a>,
}

impl Taken<'_> {
    /// Ends the turn; the last in the row closes the sessions.
    pub(super) async fn end(mut self) {
        if self.counted.0.load(Ordering::SeqCst) > 1 {
            return;
        }
        let Open { transport, filer } = std::mem::take(&mut *self.open);
        if let Some((_, transport)) = transport {
            transport.close().await;
        }
        if let Some(filer) = filer {
            filer.close().await;
        }
    }
}
