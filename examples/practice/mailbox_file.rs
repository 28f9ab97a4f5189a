//! Where exports with octets go: a mailbox file, or a directory of files.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use async_trait::async_trait;
use practicemail::error::Result;
use practicemail::mime::MailboxFileEntry;
use practicemail::practice_mail::{ExportSink, ExportedMessage};
use tempfile::{NamedTempFile, TempDir};

use crate::export::unwritable;

/// One mailbox file.
pub(crate) struct MboxSink {
    file: BufWriter<NamedTempFile>,
    entry: Option<MailboxFileEntry>,
}

impl MboxSink {
    pub(crate) fn new(file: NamedTempFile) -> Self {
        Self { file: BufWriter::new(file), entry: None }
    }

    /// Gives the file its name.
    pub(crate) fn persist(self, out: &Path) -> Result<()> {
        let file = self.file.into_inner().map_err(|error| unwritable(error.into_error()))?;
        file.persist(out).map(drop).map_err(unwritable)
    }
}

#[async_trait]
impl ExportSink for MboxSink {
    async fn begin(&mut self, message: &ExportedMessage) -> Result<()> {
        let mut file = Vec::new();
        self.entry = Some(MailboxFileEntry::begin(message.sender.as_ref(), message.time, &mut file));
        self.file.write_all(&file).map_err(unwritable)
    }

    async fn octets(&mut self, octets: &[u8]) -> Result<()> {
        let mut file = Vec::new();
        if let Some(entry) = &mut self.entry {
            entry.update(octets, &mut file);
        }
        self.file.write_all(&file).map_err(unwritable)
    }

    async fn end(&mut self) -> Result<()> {
        let mut file = Vec::new();
        if let Some(entry) = self.entry.take() {
            entry.finish(&mut file);
        }
        self.file.write_all(&file).map_err(unwritable)
    }
}

/// A directory of files, named by ids.
pub(crate) struct EmlSink {
    directory: TempDir,
    file: Option<BufWriter<File>>,
}

impl EmlSink {
    pub(crate) const fn new(directory: TempDir) -> Self {
        Self { directory, file: None }
    }

    /// Gives the directory its name.
    pub(crate) fn persist(self, out: &Path) -> Result<()> {
        std::fs::rename(self.directory.keep(), out).map_err(unwritable)
    }
}

#[async_trait]
impl ExportSink for EmlSink {
    async fn begin(&mut self, message: &ExportedMessage) -> Result<()> {
        let version = if message.version == 0 { String::new() } else { format!(".{}", message.version) };
        let inexact = if message.exact { "" } else { ".incomplete" };
        let name = format!("{}{version}{inexact}.eml", message.id);
        let file = File::create_new(self.directory.path().join(name)).map_err(unwritable)?;
        self.file = Some(BufWriter::new(file));
        Ok(())
    }

    async fn octets(&mut self, octets: &[u8]) -> Result<()> {
        self.file.as_mut().map_or(Ok(()), |file| file.write_all(octets)).map_err(unwritable)
    }

    async fn end(&mut self) -> Result<()> {
        self.file.take().map_or(Ok(()), |mut file| file.flush()).map_err(unwritable)
    }
}
