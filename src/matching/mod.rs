//! Floor 4: which clients a message belongs to. Pure: keys in memory, no input or output.
//!
//! A message is matched by the addresses in From, Sender, X-Original-From, To, Cc and, on what staff sent, Bcc; never by
//! Reply-To, Delivered-To, Resent-*, References, the subject, or a name. Mail among staff is internal and not matched. Mail
//! with an address of the never-log list is not matched, whoever else takes part. A match is computed, never stored: the
//! archive is indexed by the keys of its participants, and whose keys those are is asked anew each time.

mod domain_rules;
mod keys;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

pub use domain_rules::DomainRefusal;
use keys::{all_keys, keys_of};

use crate::contract::{ClientEntry, ClientKey, Practice, User};
use crate::types::{
    Address, AddressKey, ClientId, Digest, DomainName, Field, Hasher, KeyDigest, MatchKey, Participant,
};

/// A client's key that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefusedKey {
    /// Whose.
    pub client: ClientId,
    /// The key.
    pub key: ClientKey,
    /// Why.
    pub reason: &'static str,
}

/// Why a message is, or is not, a client's.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Relevance {
    /// It carries keys of clients.
    Client,
    /// None of its participants is a client.
    NoClient,
    /// All of its participants are staff.
    Internal,
    /// A participant is on the never-log list.
    NeverLogged,
}

/// Why a message is on a client's tab: a participant, and the key by which they matched.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reason {
    /// The field they stand in.
    pub field: Field,
    /// Their address.
    pub address: Address,
    /// The key: the address itself, the address as its provider folds it, or its domain.
    pub key: MatchKey,
}

/// A key and whose it is.
#[derive(Debug)]
struct KeyInUse {
    key: MatchKey,
    clients: Vec<ClientId>,
}

/// The keys of a practice's clients and the rules of the practice, ready to be compared with.
#[derive(Debug, Default)]
pub struct Matcher {
    clients: HashMap<KeyDigest, KeyInUse>,
    staff: HashSet<AddressKey>,
    own_domains: HashSet<DomainName>,
    never_addresses: HashSet<AddressKey>,
    never_domains: HashSet<DomainName>,
    fold: bool,
    refused: Vec<RefusedKey>,
}

impl Matcher {
    /// Takes up the rules of a practice; keys are added with [`add`](Self::add).
    pub fn new(practice: &Practice, users: &[User]) -> Self {
        let mut matcher = Self { fold: practice.fold_addresses, ..Self::default() };
        matcher.own_domains = practice.domains.iter().filter_map(|d| DomainName::parse(d).ok()).collect();
        for entry in &practice.never_log {
            match Address::parse(entry) {
                Ok(address) => _ = matcher.never_addresses.insert(address.key()),
                Err(_) => matcher.never_domains.extend(DomainName::parse_typed(entry)),
            }
        }
        for user in users {
            let addresses = std::iter::once(&user.address).chain(&user.aliases);
            matcher.staff.extend(addresses.filter_map(|a| Address::parse(a).ok()).map(|a| a.key()));
        }
        matcher
    }

    /// Adds a client's key; one that cannot be used is kept aside, with the reason.
    pub fn add(&mut self, entry: &ClientEntry) {
        match keys_of(&entry.key, self.fold, &self.own_domains) {
            Ok(keys) => {
                for key in keys {
                    let in_use = self.clients.entry(key.digest());
                    let in_use = in_use.or_insert_with(|| KeyInUse { key, clients: Vec::new() });
                    if !in_use.clients.contains(&entry.client) {
                        in_use.clients.push(entry.client.clone());
                    }
                }
            }
            Err(reason) => {
                self.refused.push(RefusedKey {
                    client: entry.client.clone(),
                    key: entry.key.clone(),
                    reason,
                });
            }
        }
    }

    /// Keys that cannot be used.
    pub fn refused(&self) -> &[RefusedKey] {
        &self.refused
    }

    /// How many clients have keys in use.
    pub fn clients(&self) -> usize {
        self.client_ids().len()
    }

    /// The clients that have keys in use.
    pub(crate) fn client_ids(&self) -> BTreeSet<&ClientId> {
        self.clients.values().flat_map(|in_use| &in_use.clients).collect()
    }

    /// The keys of these clients that are in use, as they are compared.
    pub(crate) fn keys_of_clients(&self, clients: &BTreeSet<ClientId>) -> BTreeMap<KeyDigest, MatchKey> {
        let theirs = |in_use: &KeyInUse| in_use.clients.iter().any(|client| clients.contains(client));
        let in_use = self.clients.iter().filter(|(_, in_use)| theirs(in_use));
        in_use.map(|(digest, in_use)| (*digest, in_use.key.clone())).collect()
    }

    /// The keys of one client that are in use.
    pub fn keys_of_client(&self, client: &ClientId) -> BTreeSet<KeyDigest> {
        let of_client = self.clients.iter().filter(|(_, in_use)| in_use.clients.contains(client));
        of_client.map(|(digest, _)| *digest).collect()
    }

    /// Those of these keys that are in use, as they are compared.
    pub fn match_keys(&self, digests: &BTreeSet<KeyDigest>) -> Vec<MatchKey> {
        digests
            .iter()
            .filter_map(|digest| self.clients.get(digest))
            .map(|in_use| in_use.key.clone())
            .collect()
    }

    /// Every key in use.
    pub fn keys(&self) -> BTreeSet<KeyDigest> {
        self.clients.keys().copied().collect()
    }

    /// A digest over the rules that decide what is not matched: when it changes, everything is matched again.
    pub fn policy(&self, excluded_mailboxes: &[String]) -> Digest {
        let mut hasher = Hasher::new();
        let mut add = |kind: &str, mut values: Vec<&str>| {
            values.sort_unstable();
            hasher.field(kind.as_bytes());
            for value in values {
                hasher.field(value.as_bytes());
            }
        };
        add("staff", self.staff.iter().map(AddressKey::as_str).collect());
        add("own", self.own_domains.iter().map(DomainName::as_str).collect());
        add("never address", self.never_addresses.iter().map(AddressKey::as_str).collect());
        add("never domain", self.never_domains.iter().map(DomainName::as_str).collect());
        add("excluded", excluded_mailboxes.iter().map(String::as_str).collect());
        hasher.finish()
    }

    /// Whether an address is one of staff: a user's, or at an own domain.
    pub fn is_staff(&self, address: &Address) -> bool {
        self.own_domains.contains(address.domain()) || self.staff.contains(&address.key())
    }

    /// Whether the message was written by staff.
    pub fn is_outgoing<'a>(&self, participants: impl IntoIterator<Item = &'a Participant>) -> bool {
        participants.into_iter().any(|p| p.field == Field::From && self.is_staff(&p.address))
    }

    /// Whether a message of these participants is a client's. `sent` says that it lies where what the user sent lies.
    pub fn relevance(&self, participants: &[Participant], sent: bool) -> Relevance {
        let counted = self.counted(participants, sent);
        if counted.iter().any(|p| {
            self.never_domains.contains(p.address.domain()) || self.never_addresses.contains(&p.address.key())
        }) {
            return Relevance::NeverLogged;
        }
        if !counted.is_empty() && counted.iter().all(|p| self.is_staff(&p.address)) {
            return Relevance::Internal;
        }
        let matches = |p: &&Participant| {
            self.participant_keys(p).iter().any(|key| self.clients.contains_key(&key.digest()))
        };
        if counted.iter().any(matches) { Relevance::Client } else { Relevance::NoClient }
    }

    /// The keys a message is indexed by: every participant's, of every tier, whether a client's now or not.
    pub fn postings(&self, participants: &[Participant], sent: bool) -> BTreeSet<KeyDigest> {
        let counted = self.counted(participants, sent);
        counted.iter().flat_map(|p| all_keys(&p.address)).map(|key| key.digest()).collect()
    }

    /// The clients a message of these participants belongs to.
    pub fn clients_of<'a>(
        &'a self,
        participants: impl IntoIterator<Item = &'a Participant>,
    ) -> BTreeSet<&'a ClientId> {
        let keys = participants.into_iter().flat_map(|p| self.participant_keys(p));
        let in_use = keys.filter_map(|key| self.clients.get(&key.digest()));
        in_use.flat_map(|in_use| &in_use.clients).collect()
    }

    /// The clients' keys that a message of these participants carries. `sent` is as in [`relevance`](Self::relevance).
    pub fn keys_carried(&self, participants: &[Participant], sent: bool) -> BTreeSet<KeyDigest> {
        let counted = self.counted(participants, sent);
        let keys = counted.iter().flat_map(|p| self.participant_keys(p)).map(|key| key.digest());
        keys.filter(|digest| self.clients.contains_key(digest)).collect()
    }

    /// Why a message of these participants belongs to the owner of `keys`.
    pub fn reasons<'a>(
        &self,
        participants: impl IntoIterator<Item = &'a Participant>,
        keys: &BTreeMap<KeyDigest, MatchKey>,
    ) -> Vec<Reason> {
        let mut reasons: Vec<Reason> = Vec::new();
        for participant in participants {
            let key =
                self.participant_keys(participant).into_iter().find(|key| keys.contains_key(&key.digest()));
            let Some(key) = key else { continue };
            let known = reasons
                .iter()
                .any(|r| r.field == participant.field && r.address.key() == participant.address.key());
            if !known {
                reasons.push(Reason { field: participant.field, address: participant.address.clone(), key });
            }
        }
        reasons
    }

    /// The keys of what is never archived, as the archive is indexed by them.
    pub fn never_keys(&self) -> BTreeSet<KeyDigest> {
        let addresses = self.never_addresses.iter().cloned().map(MatchKey::Address);
        let domains = self.never_domains.iter().cloned().map(MatchKey::Domain);
        addresses.chain(domains).map(|key| key.digest()).collect()
    }

    /// Whether staff may be found by these keys: then mail that carries them may be internal all the same.
    pub fn overlaps_staff(&self, keys: &BTreeMap<KeyDigest, MatchKey>) -> bool {
        keys.values().any(|key| match key {
            MatchKey::Address(address) | MatchKey::Folded(address) => {
                self.own_domains.iter().any(|own| own.as_str() == address.domain())
                    || self
                        .staff
                        .iter()
                        .any(|staff| staff == address || staff.folded().as_ref() == Some(address))
            }
            MatchKey::Domain(domain) => self.staff.iter().any(|staff| staff.domain() == domain.as_str()),
        })
    }

    /// The keys of one client, as they are compared.
    pub fn client_keys(&self, keys: &[ClientKey]) -> BTreeMap<KeyDigest, MatchKey> {
        let usable = keys.iter().filter_map(|key| keys_of(key, self.fold, &self.own_domains).ok());
        usable.flatten().map(|key| (key.digest(), key)).collect()
    }

    /// Whether the Bcc field of a message is believed. `sent` says that it lies where what the user sent lies.
    pub fn trusts_bcc(&self, participants: &[Participant], sent: bool) -> bool {
        sent || self.is_outgoing(participants)
    }

    /// Bcc counts on what staff sent only: on received mail anybody may have written it.
    fn counted<'a>(&self, participants: &'a [Participant], sent: bool) -> Vec<&'a Participant> {
        let trusted = self.trusts_bcc(participants, sent);
        participants.iter().filter(|p| trusted || p.field != Field::Bcc).collect()
    }

    fn participant_keys(&self, participant: &Participant) -> Vec<MatchKey> {
        let keys = all_keys(&participant.address);
        keys.into_iter().filter(|key| self.fold || !matches!(key, MatchKey::Folded(_))).collect()
    }
}

#[cfg(test)]
mod tests;
