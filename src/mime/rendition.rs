//! The digest by which two copies of one mail are known to say the same.

use crate::types::{AddressingHeaders, CleanText, Digest, Field, Hasher};

/// Digests text as it is read: line ends are one line feed, white space at its very end does not count. Transports
/// change both.
#[derive(Default)]
pub(super) struct TextHasher {
    hasher: Hasher,
    /// White space that counts only if something follows it.
    white: Vec<u8>,
    /// The last octet was a carriage return: a line feed that follows belongs to it.
    after_return: bool,
}

/// Longest run of white space held back: what is longer counts, wherever it stands.
const MAX_WHITE: usize = 16 * 1024;

impl TextHasher {
    pub(super) fn update(&mut self, octets: &[u8]) {
        let mut rest = octets;
        if !rest.is_empty() && std::mem::take(&mut self.after_return) {
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while !rest.is_empty() {
            let plain = rest.iter().position(|b| *b == b'\r').unwrap_or(rest.len());
            let (plain, behind) = rest.split_at_checked(plain).unwrap_or((rest, &[]));
            self.add(plain);
            rest = behind;
            if let Some(behind) = rest.strip_prefix(b"\r") {
                self.add(b"\n");
                self.after_return = behind.is_empty();
                rest = behind.strip_prefix(b"\n").unwrap_or(behind);
            }
        }
    }

    fn add(&mut self, octets: &[u8]) {
        let solid = octets.iter().rposition(|b| !b.is_ascii_whitespace()).map_or(0, |last| last + 1);
        let (solid, mut white) = octets.split_at_checked(solid).unwrap_or((octets, &[]));
        if !solid.is_empty() {
            self.hasher.update(&self.white);
            self.white.clear();
            self.hasher.update(solid);
        }
        while !white.is_empty() {
            let room = MAX_WHITE - self.white.len();
            let (fits, rest) = white.split_at_checked(room).unwrap_or((white, &[]));
            self.white.extend_from_slice(fits);
            white = rest;
            if self.white.len() == MAX_WHITE {
                self.hasher.update(&self.white);
                self.white.clear();
            }
        }
    }

    pub(super) fn finish(self) -> Digest {
        self.hasher.finish()
    }
}

/// Digests what a message says and to whom: subject, From, To, Cc, Date, and the digest over its parts. Not Bcc, which
/// only the sender's copy has, and nothing that transports add or change.
pub(super) fn digest(headers: &AddressingHeaders, subject: &CleanText, parts: &Digest) -> Digest {
    let mut hasher = Hasher::new();
    hasher.field(b"rendition 1");
    hasher.field(subject.as_str().as_bytes());
    for field in [Field::From, Field::To, Field::Cc] {
        let mut keys: Vec<_> =
            headers.participants.iter().filter(|p| p.field == field).map(|p| p.address.key()).collect();
        keys.sort();
        hasher.field(field.as_str().as_bytes());
        for key in keys {
            hasher.field(key.as_str().as_bytes());
        }
    }
    hasher.field(b"date");
    hasher.field(&headers.date.map_or(i64::MIN, |date| date.at.as_unix()).to_be_bytes());
    hasher.field(parts.as_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text_digest(pieces: &[&[u8]]) -> Digest {
        let mut hasher = TextHasher::default();
        for piece in pieces {
            hasher.update(piece);
        }
        hasher.finish()
    }

    #[test]
    fn line_ends_and_white_space_at_the_end_do_not_count() {
        let expected = Digest::of(b"a\n\n b");
        for text in ["a\n\n b", "a\r\n\r\n b\r\n", "a\r\r b \t\r\n\r\n", "a\n\r\n b\n"] {
            assert_eq!(text_digest(&[text.as_bytes()]), expected, "{text:?}");
        }
        assert_ne!(text_digest(&[b"a\n b"]), expected);
    }

    proptest! {
        #[test]
        fn pieces_digest_as_the_whole_does(text in "[ab \r\n]{0,30}", run in 0usize..40_000, at in 0usize..40_000) {
            let text = format!("a{}{text}", " ".repeat(run));
            let (a, b) = text.as_bytes().split_at(at.min(text.len()));
            prop_assert_eq!(text_digest(&[a, b]), text_digest(&[text.as_bytes()]));
        }
    }
}
