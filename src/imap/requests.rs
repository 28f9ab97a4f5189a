//! Requests under way: what was asked for, and what of it came.

use std::collections::{BTreeMap, BTreeSet};

use super::wire::Fetched;
use crate::types::{Uid, UidSet};

/// A request for addressing headers: its commands not yet answered, and what came.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) wanted: UidSet,
    pub(super) tags: BTreeSet<String>,
    pub(super) found: BTreeMap<Uid, Fetched>,
    pub(super) refused: bool,
}

/// A request for messages.
#[derive(Debug)]
pub(super) struct Bodies {
    pub(super) wanted: UidSet,
    pub(super) tags: BTreeSet<String>,
    pub(super) refused: bool,
}

impl Scan {
    /// Adds what came of a message, in one response or in several.
    pub(super) fn add(&mut self, uid: Uid, fetched: Fetched) {
        let known = self.found.entry(uid).or_default();
        known.uid = Some(uid);
        known.size = fetched.size.or(known.size);
        known.flags = fetched.flags.or_else(|| known.flags.take());
        known.internal_date = fetched.internal_date.or_else(|| known.internal_date.take());
        known.labels = fetched.labels.or_else(|| known.labels.take());
        known.headers = fetched.headers.or_else(|| known.headers.take());
    }
}
