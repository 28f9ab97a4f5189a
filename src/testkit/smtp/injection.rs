//! Faults in force: when each holds, and how often it has.

use std::{
    ops::{Bound, RangeBounds},
    sync::{Mutex, PoisonError},
};

use super::fault::Fault;

/// A [`Fault`] with the occasions it holds on.
///
/// ```
/// use practicemail::testkit::smtp::{Fault, Stage};
///
/// // The second message on the first connection is not taken.
/// let full = Fault::reply(Stage::EndOfData, "452 4.3.1 disk full").after(1).times(1).on_connections(..=1);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Injection {
    fault: Fault,
    after: u32,
    times: Option<u32>,
    connections: (Bound<u32>, Bound<u32>),
    met: u32,
    held: u32,
}

impl From<Fault> for Injection {
    fn from(fault: Fault) -> Self {
        let connections = (Bound::Unbounded, Bound::Unbounded);
        Self { fault, after: 0, times: None, connections, met: 0, held: 0 }
    }
}

impl Injection {
    /// Holds for the first `count` occasions only.
    pub fn times(mut self, count: u32) -> Self {
        self.times = Some(count);
        self
    }

    /// Lets the first `count` occasions pass.
    pub fn after(mut self, count: u32) -> Self {
        self.after = count;
        self
    }

    /// Holds on these connections only; the first one is 1.
    pub fn on_connections(mut self, connections: impl RangeBounds<u32>) -> Self {
        self.connections = (connections.start_bound().cloned(), connections.end_bound().cloned());
        self
    }

    fn admits(&mut self, connection: u32) -> bool {
        let spent = self.times.is_some_and(|times| self.held >= times);
        if spent || !self.connections.contains(&connection) {
            return false;
        }
        self.met += 1;
        let holds = self.met > self.after;
        self.held += u32::from(holds);
        holds
    }
}

/// The faults of one server, shared by its sessions.
#[derive(Default)]
pub(super) struct Faults(Mutex<Vec<Injection>>);

impl Faults {
    pub(super) fn add(&self, injection: Injection) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(injection);
    }

    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What the first fault that fits and holds now says; the occasion is counted.
    pub(super) fn take<T>(&self, connection: u32, fits: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        faults.iter_mut().find_map(|injection| {
            let found = fits(&injection.fault)?;
            injection.admits(connection).then_some(found)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_injection_holds_when_it_was_told_to() {
        let faults = Faults::default();
        faults.add(Fault::Greylist.after(1).times(2).on_connections(2..));
        let holds = |connection| faults.take(connection, |_| Some(())).is_some();
        assert!(!holds(1));
        assert_eq!([(); 5].map(|()| holds(2)), [false, true, true, false, false]);
    }
}
