//! SHA-256, the one digest of the crate.

use std::fmt;

use sha2::Digest as _;

use super::serial::by_octets;

/// A SHA-256 digest (FIPS 180-4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Digests `octets`.
    pub fn of(octets: &[u8]) -> Self {
        Self(sha2::Sha256::digest(octets).into())
    }

    /// Takes the 32 octets of a digest computed before.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Takes a digest from storage; `None` unless `bytes` are 32 octets.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The 32 octets.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

by_octets!(Digest, |digest| digest.as_bytes(), |octets| Digest::from_slice(&octets));

/// Sixty-four lower-case hexadecimal digits.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Digests octets that arrive in pieces.
#[derive(Clone, Default)]
pub struct Hasher(sha2::Sha256);

impl Hasher {
    /// Starts with no octets.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds octets as they are.
    pub fn update(&mut self, octets: &[u8]) {
        self.0.update(octets);
    }

    /// Adds a field so that neighbouring fields cannot run into each other: its length, then its octets.
    pub fn field(&mut self, octets: &[u8]) {
        self.0.update((octets.len() as u64).to_be_bytes());
        self.0.update(octets);
    }

    /// The digest of everything added.
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher(..)")
    }
}
