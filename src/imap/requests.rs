//! Requests under way: what was asked for, and what of it came.

use std::collections::{BTreeMap, BTreeSet};

use super::wire::{Fetched, FetchedRange, Outcome};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{Uid, UidSet};

/// A request for addressing headers: its commands not yet answered, and what came.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) wanted: UidSet,
    pub(super) tags: BTreeSet<String>,
    pub(super) found: BTreeMap<Uid, Fetched>,
    pub(super) refused: bool,
}

/// A request for messages: its commands not yet answered, once they were sent.
#[derive(Debug)]
pub(super) struct Bodies {
    pub(super) wanted: UidSet,
    pub(super) tags: Option<BTreeSet<String>>,
    pub(super) refused: bool,
}

/// A request for a range of a message.
#[derive(Debug)]
pub(super) struct Range {
    pub(super) uid: Uid,
    pub(super) offset: u64,
    pub(super) length: usize,
    pub(super) tag: String,
    /// What came, once it has.
    pub(super) octets: Option<Vec<u8>>,
    /// How the command ended.
    pub(super) ended: Option<Outcome>,
}

impl Range {
    /// Takes what came of the message; what is no part of the range is an error, since it may be all of the message.
    pub(super) fn add(&mut self, came: FetchedRange) -> Result<()> {
        if came.origin != self.offset || came.octets.len() > self.length {
            return Err(Error::new(
                ErrorKind::Protocol,
                "the server sent another part of a message than was asked for",
            ));
        }
        self.octets.get_or_insert(came.octets);
        Ok(())
    }
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
        known.thread = fetched.thread.or_else(|| known.thread.take());
    }
}
