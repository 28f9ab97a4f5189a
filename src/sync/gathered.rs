//! What is gathered of a mailbox until it is committed.

use crate::contract::{ArchivedCopy, BounceReport, MovedCopy, Window};
use crate::types::{Uid, UidSet};

/// Most messages archived in one transaction.
pub(super) const MAX_BATCH: usize = 200;
/// Most octets of text held before they are archived.
const MAX_HELD: usize = 1 << 20;

/// What is gathered until it is committed.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) seen: UidSet,
    pub(super) history_done: UidSet,
    pub(super) copies: Vec<ArchivedCopy>,
    pub(super) moved: Vec<MovedCopy>,
    pub(super) bounces: Vec<BounceReport>,
    held: usize,
}

impl Gathered {
    /// Nothing more is to be done about a message.
    pub(super) fn done(&mut self, uid: Uid) {
        self.seen.insert(uid);
        self.history_done.insert(uid);
    }

    /// Adds a copy that is to be archived.
    pub(super) fn add(&mut self, copy: ArchivedCopy) {
        self.done(copy.copy.place.uid);
        let parsed = &copy.parsed;
        self.held += parsed.text.len()
            + parsed.html.as_ref().map_or(0, String::len)
            + parsed.headers.participants.len() * 64;
        self.copies.push(copy);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.seen.is_empty() && self.history_done.is_empty()
    }

    /// Whether as much is held as one transaction takes.
    pub(super) fn is_full(&self) -> bool {
        self.copies.len() >= MAX_BATCH || self.held >= MAX_HELD
    }

    /// Puts it into an empty window.
    pub(super) fn into_window(self, mut window: Window) -> Window {
        window.seen = self.seen;
        window.history_done = self.history_done;
        window.copies = self.copies;
        window.moved = self.moved;
        window.bounces = self.bounces;
        window
    }
}

/// A window of what was gathered, parted.
pub(super) enum Parted {
    Two(Window, Window),
    One(ArchivedCopy),
    /// There is no copy in it.
    None,
}

/// Parts a window that was refused as a whole: what is no copy from the copies, and those in halves.
pub(super) fn parted(mut window: Window) -> Parted {
    let mut copies = std::mem::take(&mut window.copies);
    let uids: UidSet = copies.iter().map(|copy| copy.copy.place.uid).collect();
    let empty = Window::new(window.mailbox.clone(), window.uid_validity);
    let of = |copies: Vec<ArchivedCopy>| {
        let mut gathered = Gathered::default();
        for copy in copies {
            gathered.add(copy);
        }
        gathered.into_window(empty.clone())
    };
    window.seen = window.seen.difference(&uids);
    window.history_done = window.history_done.difference(&uids);
    let others = !window.seen.is_empty() || !window.history_done.is_empty();
    match copies.len() {
        0 => Parted::None,
        _ if others => Parted::Two(window, of(copies)),
        1 => copies.pop().map_or(Parted::None, Parted::One),
        length => {
            let second = copies.split_off(length / 2);
            Parted::Two(of(copies), of(second))
        }
    }
}
