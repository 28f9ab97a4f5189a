//! Traces, into a file.

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Mutex;

use practicemail::error::{Error, ErrorKind, Result};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Appends what the crate traces, and nothing of other crates: they do not promise to keep addresses out.
pub(crate) fn write_to(file: &Path, level: LevelFilter) -> Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let log = options.open(file).map_err(|cause| {
        Error::new(ErrorKind::Invalid, "the file for traces could not be opened").with_source(cause)
    })?;
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(Mutex::new(log));
    let ours = Targets::new().with_target("practicemail", level);
    tracing_subscriber::registry().with(lines).with(ours).init();
    Ok(())
}
