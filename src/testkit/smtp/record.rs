//! What a server took and saw, for tests to look at.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::testkit::imap::Line;

/// A message the server took responsibility for.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// Who had signed in.
    pub login: String,
    /// The address of MAIL.
    pub reverse_path: String,
    /// The addresses of RCPT that were accepted.
    pub recipients: Vec<String>,
    /// The message as it was handed over, without dot-stuffing.
    pub octets: Arc<[u8]>,
    /// The parameters of MAIL.
    pub parameters: Vec<String>,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Delivery({} recipients, {} octets)", self.recipients.len(), self.octets.len())
    }
}

/// The figures of one connection, above TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionRecord {
    /// Octets of the client that were acted on.
    pub client_octets: u64,
    /// Octets sent.
    pub server_octets: u64,
    /// Replies sent, the greeting included.
    pub replies: u64,
    /// Where the data of the last message began, in octets of the client.
    pub data_began: u64,
}

/// Everything a server remembers of its sessions.
#[derive(Default)]
pub(super) struct Record {
    lines: Mutex<Vec<Line>>,
    deliveries: Mutex<Vec<Delivery>>,
    sessions: Mutex<BTreeMap<u32, SessionRecord>>,
    open: AtomicUsize,
}

impl Record {
    /// Counts a connection in and returns its number.
    pub(super) fn opened(&self) -> u32 {
        self.open.fetch_add(1, Ordering::SeqCst);
        let mut sessions = lock(&self.sessions);
        let number = sessions.last_key_value().map_or(1, |(last, _)| last + 1);
        sessions.insert(number, SessionRecord::default());
        number
    }

    pub(super) fn closed(&self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
    }

    pub(super) fn open_count(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    pub(super) fn session(&self, number: u32, change: impl FnOnce(&mut SessionRecord)) -> SessionRecord {
        let mut sessions = lock(&self.sessions);
        let session = sessions.entry(number).or_default();
        change(session);
        *session
    }

    pub(super) fn line(&self, line: Line) {
        lock(&self.lines).push(line);
    }

    /// Keeps a delivery, and returns how many there are now.
    pub(super) fn delivered(&self, delivery: Delivery) -> usize {
        let mut deliveries = lock(&self.deliveries);
        deliveries.push(delivery);
        deliveries.len()
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        lock(&self.lines).clone()
    }

    pub(super) fn deliveries(&self) -> Vec<Delivery> {
        lock(&self.deliveries).clone()
    }

    pub(super) fn sessions(&self) -> Vec<SessionRecord> {
        lock(&self.sessions).values().copied().collect()
    }

    pub(super) fn forget(&self) {
        lock(&self.lines).clear();
        lock(&self.deliveries).clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
