//! Floor 6: reading accounts into the archive. Knows no protocol.

pub(crate) mod keys;
mod mailbox_pass;
mod moves;
pub(crate) mod pass;
mod plan;
mod report;

pub use report::{AccountReport, MailboxReport, Progress, ProgressSink};
