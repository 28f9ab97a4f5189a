//! Match keys: what the matcher compares and the archive is indexed by.

use std::fmt;

use super::serial::by_octets;
use super::{AddressKey, Digest, DomainName};

/// The version of the rules that make a [`KeyDigest`]: rows written under another one are derived again.
pub const KEY_VERSION: u32 = 1;

/// One thing by which a message can belong to a client.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MatchKey {
    /// An address, exactly.
    Address(AddressKey),
    /// An address as its provider folds it (see [`AddressKey::folded`]): the second tier.
    Folded(AddressKey),
    /// Every address of a domain, not of its subdomains.
    Domain(DomainName),
}

impl MatchKey {
    /// The key as stores index it.
    pub fn digest(&self) -> KeyDigest {
        let (tier, text) = match self {
            Self::Address(key) => ("address\0", key.as_str()),
            Self::Folded(key) => ("folded\0", key.as_str()),
            Self::Domain(domain) => ("domain\0", domain.as_str()),
        };
        let digest = Digest::of(format!("{tier}{text}").as_bytes());
        let mut octets = [0; 16];
        octets.copy_from_slice(digest.as_bytes().split_at(16).0);
        KeyDigest(octets)
    }
}

impl fmt::Debug for MatchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address(_) => "Address(..)",
            Self::Folded(_) => "Folded(..)",
            Self::Domain(_) => "Domain(..)",
        })
    }
}

/// A [`MatchKey`] of fixed size: the first half of a SHA-256, so that no length of address meets an engine's limit on
/// index rows. To find a second address for a given digest takes 2^128 tries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyDigest([u8; 16]);

impl KeyDigest {
    /// The octets, for storage.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads a digest from storage; `None` unless `bytes` are 16 octets.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

by_octets!(KeyDigest, |digest| digest.as_bytes(), |octets| KeyDigest::from_slice(&octets));

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}
