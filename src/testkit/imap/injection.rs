//! Faults in force: when each holds, and how often it has.

use std::{
    ops::{Bound, RangeBounds},
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::fault::{Asked, Fault};

/// A [`Fault`] with the occasions it holds on.
///
/// ```
/// use practicemail::testkit::imap::Fault;
///
/// // Every second FETCH on the first connection, three times in all.
/// let throttle = Fault::Answer { command: "FETCH".into(), text: "NO [LIMIT] slower".into() }
///     .every(2)
///     .times(3)
///     .on_connections(..=1);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Injection {
    fault: Fault,
    after: u32,
    every: u32,
    times: Option<u32>,
    connections: (Bound<u32>, Bound<u32>),
    mailbox: Option<String>,
    user: Option<String>,
    asked: Option<Asked>,
    met: u32,
    held: u32,
}

impl From<Fault> for Injection {
    fn from(fault: Fault) -> Self {
        Self {
            fault,
            after: 0,
            every: 1,
            times: None,
            connections: (Bound::Unbounded, Bound::Unbounded),
            mailbox: None,
            user: None,
            asked: None,
            met: 0,
            held: 0,
        }
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

    /// Holds on each `nth` occasion: 2 is every second one.
    pub fn every(mut self, nth: u32) -> Self {
        self.every = nth.max(1);
        self
    }

    /// Holds on these connections only; the first one is 1.
    pub fn on_connections(mut self, connections: impl RangeBounds<u32>) -> Self {
        self.connections = (connections.start_bound().cloned(), connections.end_bound().cloned());
        self
    }

    /// Holds while this mailbox is selected, or named by the command.
    pub fn in_mailbox(mut self, mailbox: &str) -> Self {
        self.mailbox = Some(mailbox.to_owned());
        self
    }

    /// Holds for this user's sessions only.
    pub fn for_user(mut self, login: &str) -> Self {
        self.user = Some(login.to_owned());
        self
    }

    /// Holds for a FETCH that asks for such a thing only.
    pub fn asking(mut self, asked: Asked) -> Self {
        self.asked = Some(asked);
        self
    }

    fn admits(&mut self, occasion: &Occasion) -> bool {
        let here = self.connections.contains(&occasion.connection)
            && self.mailbox.as_ref().is_none_or(|mailbox| occasion.mailbox.as_ref() == Some(mailbox))
            && self.user.as_ref().is_none_or(|user| occasion.user.as_ref() == Some(user))
            && self.asked.is_none_or(|asked| occasion.asked == Some(asked))
            && self.times.is_none_or(|times| self.held < times);
        if !here {
            return false;
        }
        self.met += 1;
        let holds = self.met > self.after && (self.met - self.after).is_multiple_of(self.every);
        self.held += u32::from(holds);
        holds
    }
}

/// Where and when a server could go wrong.
#[derive(Clone, Default)]
pub(super) struct Occasion {
    pub(super) connection: u32,
    pub(super) user: Option<String>,
    pub(super) mailbox: Option<String>,
    pub(super) asked: Option<Asked>,
}

/// The faults of one server, shared by its sessions.
#[derive(Default)]
pub(super) struct Faults(Mutex<Vec<Injection>>);

impl Faults {
    pub(super) fn add(&self, injection: Injection) {
        self.lock().push(injection);
    }

    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    /// What the first fault that fits and holds now says; the occasion is counted.
    pub(super) fn take<T>(&self, occasion: &Occasion, fits: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        self.lock().iter_mut().find_map(|injection| {
            let found = fits(&injection.fault)?;
            injection.admits(occasion).then_some(found)
        })
    }

    /// As [`take`](Self::take), for all faults that fit.
    pub(super) fn take_all<T>(&self, occasion: &Occasion, fits: impl Fn(&Fault) -> Option<T>) -> Vec<T> {
        let mut faults = self.lock();
        let held = faults.iter_mut().filter_map(|injection| {
            let found = fits(&injection.fault)?;
            injection.admits(occasion).then_some(found)
        });
        held.collect()
    }

    /// Whether that very fault holds now.
    pub(super) fn holds(&self, occasion: &Occasion, fault: &Fault) -> bool {
        self.take(occasion, |armed| (armed == fault).then_some(())).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Injection>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_injection_holds_when_it_was_told_to() {
        let faults = Faults::default();
        faults.add(Fault::ListEmpty.after(1).every(2).times(2).on_connections(2..));
        let holds =
            |connection| faults.holds(&Occasion { connection, ..Occasion::default() }, &Fault::ListEmpty);
        assert!(!holds(1));
        let held: Vec<bool> = (0..8).map(|_| holds(2)).collect();
        assert_eq!(held, [false, false, true, false, true, false, false, false]);
    }
}
