//! Floor 6: reading accounts into the archive. Knows no protocol.

pub(crate) mod absence;
pub(crate) mod ask;
mod backlog;
mod beginning;
pub(crate) mod brake;
mod busy;
mod erased;
mod fetching;
#[allow(dead_code, reason = "the door opens it next")]
pub(crate) mod findings;
mod gathered;
mod incoming;
pub(crate) mod inspect;
mod kept;
pub(crate) mod keys;
mod listed;
mod mailbox_pass;
mod mailbox_writer;
mod moves;
pub(crate) mod pass;
mod plan;
pub(crate) mod replay;
mod report;
mod round;
pub(crate) mod schedule;
mod sorting;
#[cfg(all(test, feature = "sqlite", feature = "testkit"))]
mod tests;
pub(crate) mod work;

pub(crate) use findings::Inspection;
pub use findings::{MailboxFindings, Missing, MissingReason};
pub use report::{AccountReport, MailboxReport, Progress, ProgressSink};
