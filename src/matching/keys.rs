//! Addresses, domains and clients' keys in the form that is compared.

use std::collections::HashSet;

use super::domain_rules;
use crate::contract::ClientKey;
use crate::types::{Address, DomainName, MatchKey};

/// The keys of an address, the strongest first.
pub(super) fn all_keys(address: &Address) -> Vec<MatchKey> {
    let key = address.key();
    let folded = key.folded().map(MatchKey::Folded);
    let mut keys = vec![MatchKey::Address(key)];
    keys.extend(folded);
    keys.push(MatchKey::Domain(address.domain().clone()));
    keys
}

/// A client's key as it is compared, with its second tier.
pub(super) fn keys_of(
    key: &ClientKey,
    fold: bool,
    own: &HashSet<DomainName>,
) -> Result<Vec<MatchKey>, &'static str> {
    match key {
        ClientKey::Address(text) => {
            let address = Address::parse(text).map_err(|_| "this is not an address")?;
            let key = address.key();
            let folded = key.folded().filter(|_| fold).map(MatchKey::Folded);
            Ok(std::iter::once(MatchKey::Address(key)).chain(folded).collect())
        }
        ClientKey::Domain(text) => {
            let domain = DomainName::parse_typed(text).map_err(|_| "this is not a domain")?;
            if own.contains(&domain) {
                return Err("this is the practice's own domain");
            }
            match domain_rules::refusal(&domain) {
                Some(refusal) => Err(refusal.as_str()),
                None => Ok(vec![MatchKey::Domain(domain)]),
            }
        }
    }
}
