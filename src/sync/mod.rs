//! Floor 6: reading accounts into the archive.

mod report;

pub use report::{AccountReport, MailboxReport, Progress, ProgressSink};
