//! The secret of a practice: what was erased is known again by digests that are of no use without it.

use std::fmt;

use crate::error::Result;
use crate::storage::sealing::no_randomness;
use crate::types::{Digest, Hasher, MessageId, MessageKey};

/// Tells what was erased again without saying what it was. It does not leave the store.
#[derive(Clone)]
pub struct PracticeSecret([u8; 32]);

impl PracticeSecret {
    /// One nobody had before.
    ///
    /// # Errors
    /// Where the system has no randomness to give.
    pub fn random() -> Result<Self> {
        let mut octets = [0; 32];
        getrandom::fill(&mut octets).map_err(no_randomness)?;
        Ok(Self(octets))
    }

    /// Reads one from storage; `None` unless `octets` are 32.
    pub fn from_slice(octets: &[u8]) -> Option<Self> {
        octets.try_into().ok().map(Self)
    }

    /// The octets, for storage.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A message, as its tombstone knows it.
    pub fn message(&self, message: &MessageKey) -> Digest {
        self.digest(b"message", message.as_bytes())
    }

    /// A Message-ID, as tombstones know it.
    pub fn message_id(&self, message_id: &MessageId) -> Digest {
        self.digest(b"message-id", message_id.as_str().as_bytes())
    }

    /// A content, as an erased intent knows it.
    pub fn rendition(&self, rendition: &Digest) -> Digest {
        self.digest(b"rendition", rendition.as_bytes())
    }

    fn digest(&self, kind: &[u8], value: &[u8]) -> Digest {
        let mut hasher = Hasher::new();
        for field in [&self.0, kind, value] {
            hasher.field(field);
        }
        hasher.finish()
    }
}

impl fmt::Debug for PracticeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PracticeSecret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_told_apart_by_secret_and_by_kind() {
        let (one, other) = (PracticeSecret::random().unwrap(), PracticeSecret::random().unwrap());
        let digest = Digest::of(b"a value");
        let key = MessageKey::from_slice(digest.as_bytes()).unwrap();
        assert_eq!(one.message(&key), one.clone().message(&key));
        assert_ne!(one.message(&key), other.message(&key));
        assert_ne!(one.message(&key), one.rendition(&digest));
    }
}
