//! O1 to O12: the outbox.

mod claims;
mod decisions;
mod ends;
mod erased;
mod intent;
mod limits;
mod queue;
mod unarchived;

pub(super) use intent::{Intent, outgoing_id, sent, sent_message, unknown};

use super::bench::Bench;
use crate::conformance::check::Check;

pub(super) const CHECKS: [&[Check<Bench>]; 7] = [
    queue::CHECKS,
    claims::CHECKS,
    limits::CHECKS,
    ends::CHECKS,
    decisions::CHECKS,
    erased::CHECKS,
    unarchived::CHECKS,
];
