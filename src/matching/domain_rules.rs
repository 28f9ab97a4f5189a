//! Which domains may stand for a client.

use crate::types::{DomainName, registrable};

/// Domains at which anybody can have an address.
const PUBLIC_PROVIDERS: &str = include_str!("../settings/public_providers.txt");

/// Why a domain may not stand for a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DomainRefusal {
    /// Anybody can have an address there.
    PublicProvider,
    /// Anybody can register a domain under it (publicsuffix.org).
    PublicSuffix,
}

impl DomainRefusal {
    /// The reason in words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PublicProvider => "this is the domain of a public mail provider",
            Self::PublicSuffix => "this is a public suffix, under which anybody can register a domain",
        }
    }
}

/// Why `domain` may not stand for a client, if it may not.
pub(super) fn refusal(domain: &DomainName) -> Option<DomainRefusal> {
    let name = domain.as_str();
    if PUBLIC_PROVIDERS.lines().any(|line| line == name) {
        return Some(DomainRefusal::PublicProvider);
    }
    registrable(name).is_none().then_some(DomainRefusal::PublicSuffix)
}
