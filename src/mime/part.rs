//! Where attachments lie in a message, and what is in one of them.

use std::fmt;

use super::MessageScan;
use super::keep::Keep;

/// Where the content of an attachment lies in its message, as it is encoded there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartRange {
    /// Which attachment, counted from 0 in the order in which they are listed.
    pub attachment: u32,
    /// How many octets stand before it.
    pub offset: u64,
    /// How many octets it has; the end of line before a boundary is the boundary's.
    pub length: u64,
}

impl PartRange {
    /// The content of an attachment.
    pub const fn new(attachment: u32, offset: u64, length: u64) -> Self {
        Self { attachment, offset, length }
    }
}

/// Reads one attachment out of a message as that flows by, decoded, in little memory.
///
/// ```
/// use practicemail::mime::AttachmentReader;
/// let mut reader = AttachmentReader::new(0);
/// let mut content = reader.update(b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBE");
/// content.extend(reader.update(b"Ri0=\r\n"));
/// let end = reader.finish();
/// content.extend(end.octets);
/// assert!(end.found && end.ended);
/// assert_eq!(content, b"%PDF-");
/// ```
pub struct AttachmentReader {
    scan: MessageScan,
    ended: bool,
}

/// Nothing of the message.
impl fmt::Debug for AttachmentReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AttachmentReader(..)")
    }
}

/// How reading an attachment ended.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttachmentEnd {
    /// The last decoded octets.
    pub octets: Vec<u8>,
    /// Whether the message has such an attachment.
    pub found: bool,
    /// Whether its end was seen: a boundary, or the end of a message that is nothing but this attachment. Where it
    /// was not, the message was cut off, or whoever wrote it forgot the last boundary.
    pub ended: bool,
}

/// Nothing of the message.
impl fmt::Debug for AttachmentEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttachmentEnd")
            .field("found", &self.found)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl AttachmentReader {
    /// Begins a message of which this attachment is wanted, counted from 0 in the order in which they are listed.
    pub fn new(attachment: u32) -> Self {
        let number = usize::try_from(attachment).unwrap_or(usize::MAX);
        Self { scan: MessageScan::keeping(Keep::one(number)), ended: false }
    }

    /// Reads the next octets of the message; answers those of the attachment that they held, decoded. It may lag
    /// behind.
    pub fn update(&mut self, octets: &[u8]) -> Vec<u8> {
        if self.ended {
            return Vec::new();
        }
        self.scan.update(octets);
        let Keep::One(one) = self.scan.keep() else { return Vec::new() };
        self.ended = one.ended;
        std::mem::take(&mut one.octets)
    }

    /// Whether the attachment's end was seen, so that nothing more of the message is needed.
    pub const fn is_ended(&self) -> bool {
        self.ended
    }

    /// Ends the message.
    pub fn finish(mut self) -> AttachmentEnd {
        if !self.ended {
            self.scan.end();
        }
        let Keep::One(one) = self.scan.keep() else { return AttachmentEnd::default() };
        AttachmentEnd { octets: std::mem::take(&mut one.octets), found: one.found, ended: one.ended }
    }
}
