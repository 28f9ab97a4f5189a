//! A message on its way into blob store and parser.

use super::pass::Pass;
use crate::contract::{BlobInfo, BlobWriter};
use crate::error::{Error, ErrorKind, Result};
use crate::mime::{MessageScan, PartRange};
use crate::types::ParsedMessage;

/// Octets a message may have beyond twice what the server said of it: sizes in use are wrong by line ends and by headers
/// added late, not by more.
const MAX_EXCESS: u64 = 16 << 20;
/// Octets a message may have when the server says nothing of its size: more than any provider takes in.
const MAX_UNSIZED: u64 = 256 << 20;

/// A message on its way into blob store and parser.
pub(super) struct Incoming {
    writer: Box<dyn BlobWriter>,
    scan: MessageScan,
    /// Octets that may still come.
    left: u64,
    /// The first octets, where they may be a report about what was sent.
    pub(super) beginning: Vec<u8>,
    /// How many of them are wanted.
    wanted: usize,
}

impl Incoming {
    pub(super) async fn begin(pass: &Pass<'_>, most: u64, wanted: usize) -> Result<Self> {
        let writer = pass.blobs.writer(&pass.fence.practice).await?;
        Ok(Self { writer, scan: MessageScan::new(), left: most, beginning: Vec::new(), wanted })
    }

    pub(super) async fn add(&mut self, chunk: &[u8]) -> Result<()> {
        let left = self.left.checked_sub(chunk.len() as u64);
        self.left = left.ok_or_else(|| {
            Error::new(ErrorKind::LimitExceeded, "the server sent a message far longer than it said")
        })?;
        let room = self.wanted.saturating_sub(self.beginning.len());
        self.beginning.extend(chunk.iter().take(room));
        self.scan.update(chunk);
        self.writer.write(chunk).await
    }

    /// Ends a message of which only this much is taken.
    pub(super) async fn end_of_beginning(self) -> Result<(BlobInfo, ParsedMessage)> {
        let parsed = self.scan.finish_beginning();
        Ok((self.writer.finish().await?, parsed))
    }

    /// Ends a message; tells where its attachments lie too.
    pub(super) async fn end(self) -> Result<(BlobInfo, ParsedMessage, Vec<PartRange>)> {
        let (parsed, ranges) = self.scan.finish_with_ranges();
        Ok((self.writer.finish().await?, parsed, ranges))
    }
}

/// Octets taken for a message of which the server said that it has `size`.
pub(super) fn most_octets(size: u64) -> u64 {
    if size == 0 { MAX_UNSIZED } else { size.saturating_mul(2).saturating_add(MAX_EXCESS) }
}
