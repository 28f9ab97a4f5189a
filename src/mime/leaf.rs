//! The content of one part, decoded and digested as it flows by; only the beginning of a text is kept.

use super::content::{ContentHeaders, Encoding};
use super::rendition::TextHasher;
use super::transfer::{Base64, QuotedPrintable};
use crate::types::{Digest, Hasher};

/// Most octets of a text that are kept for reading.
pub(super) const MAX_TEXT: usize = 256 * 1024;
/// How much is decoded at once, and gathered before it is digested.
const BATCH: usize = 16 * 1024;

/// Part content in the making.
pub(super) struct Leaf {
    content: ContentHeaders,
    decoder: Decoder,
    hash: ContentHash,
    /// The end of the last line: it belongs to a boundary, should one follow (RFC 2046 §5.1.1).
    held: &'static [u8],
    decoded: Vec<u8>,
    size: u64,
    kept: Vec<u8>,
    keep: usize,
}

enum Decoder {
    Identity,
    Base64(Base64),
    QuotedPrintable(QuotedPrintable),
}

enum ContentHash {
    Octets(Hasher),
    Text(TextHasher),
}

/// What a part turned out to be.
pub(super) struct LeafContent {
    pub(super) content: ContentHeaders,
    pub(super) digest: Digest,
    pub(super) size: u64,
    /// The beginning of a text.
    pub(super) kept: Vec<u8>,
}

impl Leaf {
    /// Begins a part of which the first `keep` octets are kept.
    pub(super) fn new(content: ContentHeaders, keep: usize) -> Self {
        let decoder = match content.encoding {
            Encoding::Identity => Decoder::Identity,
            Encoding::Base64 => Decoder::Base64(Base64::default()),
            Encoding::QuotedPrintable => Decoder::QuotedPrintable(QuotedPrintable::default()),
        };
        let hash = if content.is_text() {
            ContentHash::Text(TextHasher::default())
        } else {
            ContentHash::Octets(Hasher::new())
        };
        Self { content, decoder, hash, held: b"", decoded: Vec::new(), size: 0, kept: Vec::new(), keep }
    }

    /// Adds a line, or a piece of a long one: `end` is the line's end once it is reached.
    pub(super) fn add(&mut self, line: &[u8], end: Option<&'static [u8]>) {
        self.decoded.extend_from_slice(std::mem::take(&mut self.held));
        for piece in line.chunks(BATCH) {
            match &mut self.decoder {
                Decoder::Identity => self.decoded.extend_from_slice(piece),
                Decoder::Base64(decoder) => decoder.decode(piece, &mut self.decoded),
                Decoder::QuotedPrintable(decoder) => decoder.decode(piece, &mut self.decoded),
            }
            if self.decoded.len() >= BATCH {
                self.flush();
            }
        }
        let Some(end) = end else { return };
        let counts = match &mut self.decoder {
            Decoder::Identity => true,
            Decoder::Base64(_) => false,
            Decoder::QuotedPrintable(decoder) => decoder.end_line(&mut self.decoded),
        };
        if counts {
            self.held = end;
        }
    }

    fn flush(&mut self) {
        self.size += self.decoded.len() as u64;
        match &mut self.hash {
            ContentHash::Octets(hasher) => hasher.update(&self.decoded),
            ContentHash::Text(hasher) => hasher.update(&self.decoded),
        }
        let room = self.keep.saturating_sub(self.kept.len());
        self.kept.extend_from_slice(self.decoded.get(..room).unwrap_or(&self.decoded));
        self.decoded.clear();
    }

    /// What was kept so far.
    pub(super) fn kept(&mut self) -> &mut Vec<u8> {
        &mut self.kept
    }

    /// Ends the part, at a boundary or with the message.
    pub(super) fn finish(mut self, at_boundary: bool) -> LeafContent {
        if !at_boundary {
            self.decoded.extend_from_slice(self.held);
        }
        if let Decoder::QuotedPrintable(decoder) = &mut self.decoder {
            decoder.finish(&mut self.decoded);
        }
        self.flush();
        let digest = match self.hash {
            ContentHash::Octets(hasher) => hasher.finish(),
            ContentHash::Text(hasher) => hasher.finish(),
        };
        LeafContent { content: self.content, digest, size: self.size, kept: self.kept }
    }
}
