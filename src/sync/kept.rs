//! What is kept of a message that came whole.

use super::pass::Pass;
use crate::contract::BlobInfo;
use crate::error::{Error, ErrorKind, Result};
use crate::mime::{Cutter, MessageScan, PartRange};
use crate::settings::AttachmentKeeping;
use crate::types::{Copy, Digest, Hasher, Kept, ParsedMessage};

/// Octets read of a blob at once.
const PIECE: usize = 64 << 10;

impl Pass<'_> {
    /// Leaves out of a blob the attachments that the account does not keep. The whole blob stays until nothing is found to name
    /// it: another copy of the message may.
    pub(super) async fn kept(&self, blob: &BlobInfo, ranges: Vec<PartRange>) -> Result<Kept> {
        let AttachmentKeeping::UpTo(most) = self.account.settings.attachments else { return Ok(Kept::Whole) };
        let large: Vec<PartRange> = ranges.into_iter().filter(|range| range.length > most).collect();
        if large.is_empty() {
            return Ok(Kept::Whole);
        }
        let mut cutter = Cutter::new(large);
        let mut writer = self.blobs.writer(&self.fence.practice).await?;
        let mut at = 0;
        while at < blob.size {
            self.keep_lease().await?;
            let piece = self.piece(blob.sha256, at).await?;
            let lost = || Error::new(ErrorKind::StorageCorrupt, "octets that were stored are not there");
            let piece = piece.filter(|piece| !piece.is_empty()).ok_or_else(lost)?;
            at += piece.len() as u64;
            let mut stays = Vec::with_capacity(piece.len());
            cutter.update(&piece, &mut stays);
            writer.write(&stays).await?;
        }
        let stored = writer.finish().await?.sha256;
        Ok(Kept::WithoutAttachments { stored, cuts: cutter.finish() })
    }

    /// Reads a stored message again, and where its attachments lie; `None` where its octets are not there, or not all of them.
    pub(super) async fn parse_stored(
        &self,
        blob: &BlobInfo,
    ) -> Result<Option<(ParsedMessage, Vec<PartRange>)>> {
        let mut scan = MessageScan::new();
        let mut at = 0;
        while at < blob.size {
            self.keep_lease().await?;
            match self.piece(blob.sha256, at).await? {
                Some(piece) if !piece.is_empty() => {
                    at += piece.len() as u64;
                    scan.update(&piece);
                }
                _ => return Ok(None),
            }
        }
        Ok(Some(scan.finish_with_ranges()))
    }

    /// Whether what is kept of a copy is in the blob store, octet for octet.
    pub(super) async fn has_octets(&self, copy: &Copy) -> Result<bool> {
        let (mut hasher, mut at) = (Hasher::new(), 0);
        loop {
            let piece = match self.piece(copy.blob(), at).await {
                // Damaged octets are what is looked for.
                Err(error) if error.kind() == ErrorKind::StorageCorrupt => return Ok(false),
                piece => piece?,
            };
            match piece {
                None => return Ok(false),
                Some(octets) if octets.is_empty() => return Ok(hasher.finish() == copy.blob()),
                Some(octets) => {
                    hasher.update(&octets);
                    at += octets.len() as u64;
                }
            }
            self.keep_lease().await?;
        }
    }

    async fn piece(&self, sha256: Digest, at: u64) -> Result<Option<Vec<u8>>> {
        self.blobs.read(&self.fence.practice, sha256, at, PIECE).await
    }
}
