//! Framing, limits and the values a server's responses are parsed into. Private: another response engine could take its
//! place without anything above noticing.

mod cursor;
mod fetch;
mod guard;
mod literal;
mod parse;
mod response;

use crate::contract::MAX_RANGE;

pub(super) use guard::Guard;
pub(super) use parse::quoted;
pub(super) use response::{Body, Fetched, FetchedRange, ListRow, Outcome, Response, Verdict};

/// Longest line outside of literals. A SEARCH answer of 50,000 UIDs is half of it.
const MAX_LINE: usize = 1 << 20;
/// Longest literal that is kept whole: addressing headers with more name more people than are looked at.
const MAX_KEPT_LITERAL: usize = 1 << 20;
// A range is kept whole.
const _: () = assert!(MAX_RANGE <= MAX_KEPT_LITERAL);
/// Most octets of answers to one command, bodies aside: fifty times what a window of headers takes.
const MAX_ANSWER: u64 = 256 << 20;
/// Most responses to one command.
const MAX_RESPONSES: u64 = 1_000_000;
/// Octets of a body handed over at once.
const CHUNK: usize = 64 << 10;
/// Octets asked of the stream at once.
const READ: usize = 16 << 10;
/// Octets asked of the stream at once while news are waited for: a line or two.
const NEWS: usize = 256;
