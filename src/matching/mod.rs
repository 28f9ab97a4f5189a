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
mod tests {
    use super::*;
    use crate::types::{CleanText, PracticeId, UserId};

    fn matcher(keys: &[(&str, ClientKey)]) -> Matcher {
        let mut practice = Practice::new(PracticeId::new("p").unwrap(), "P");
        practice.domains = vec!["practice.example".to_owned()];
        practice.never_log = vec!["spouse@home.example".to_owned(), "@doctor.example".to_owned()];
        let mut user = User::new(UserId::new("u").unwrap(), "U", "Uta@Private.example");
        user.aliases = vec!["u2@private.example".to_owned()];
        let mut matcher = Matcher::new(&practice, &[user]);
        for (client, key) in keys {
            matcher.add(&ClientEntry::new(ClientId::new(*client).unwrap(), key.clone()));
        }
        matcher
    }

    fn people(list: &[(Field, &str)]) -> Vec<Participant> {
        list.iter()
            .map(|(f, a)| Participant::new(*f, Address::parse(a).unwrap(), CleanText::default()))
            .collect()
    }

    fn address(a: &str) -> ClientKey {
        ClientKey::Address(a.to_owned())
    }

    #[test]
    fn clients_match_by_address_in_any_case_and_every_field_that_counts() {
        let m = matcher(&[("c", address("Client@Example.org"))]);
        for field in [Field::From, Field::Sender, Field::OriginalFrom, Field::To, Field::Cc] {
            let p = people(&[(Field::From, "x@else.example"), (field, "CLIENT@example.ORG")]);
            assert_eq!(m.relevance(&p, false), Relevance::Client, "{field:?}");
        }
        assert_eq!(
            m.relevance(&people(&[(Field::From, "client@example.org.evil.example")]), false),
            Relevance::NoClient
        );
    }

    #[test]
    fn bcc_counts_on_what_staff_sent_only() {
        let m = matcher(&[("c", address("client@example.org"))]);
        let by = |from| {
            people(&[(Field::From, from), (Field::To, "x@else.example"), (Field::Bcc, "client@example.org")])
        };
        assert_eq!(m.relevance(&by("x@else.example"), false), Relevance::NoClient);
        assert_eq!(m.relevance(&by("uta@private.example"), false), Relevance::Client);
        assert_eq!(m.relevance(&by("x@else.example"), true), Relevance::Client);
    }

    /// B10
    #[test]
    fn internal_and_never_logged_mail_is_left_out() {
        let m = matcher(&[("c", address("client@example.org")), ("s", address("u2@private.example"))]);
        let internal = people(&[(Field::From, "anna@practice.example"), (Field::To, "U2@private.example")]);
        assert_eq!(m.relevance(&internal, false), Relevance::Internal);
        for never in ["SPOUSE@home.example", "any@doctor.example"] {
            let p = people(&[(Field::From, "client@example.org"), (Field::Cc, never)]);
            assert_eq!(m.relevance(&p, false), Relevance::NeverLogged);
        }
    }

    /// B10
    #[test]
    fn a_domain_stands_for_its_addresses_and_not_for_its_subdomains_or_look_alikes() {
        let m = matcher(&[("c", ClientKey::Domain("Example.org".to_owned()))]);
        let from = |a| m.relevance(&people(&[(Field::From, a)]), false);
        assert_eq!(from("any@example.org"), Relevance::Client);
        for other in ["any@sub.example.org", "any@notexample.org", "example.org@else.example"] {
            assert_eq!(from(other), Relevance::NoClient, "{other}");
        }
        for (domain, reason) in [
            ("gmail.com", "provider"),
            ("co.uk", "suffix"),
            ("practice.example", "own"),
            ("a b", "not a domain"),
        ] {
            let m = matcher(&[("c", ClientKey::Domain(domain.to_owned()))]);
            assert!(m.refused()[0].reason.contains(reason), "{domain}: {}", m.refused()[0].reason);
            assert!(m.keys().is_empty());
        }
    }

    #[test]
    fn folding_matches_only_where_the_practice_asks_for_it_and_says_so() {
        let key = address("an.na@gmail.com");
        let p = people(&[(Field::From, "anna+tax@googlemail.com")]);
        let mut m = matcher(&[("c", key.clone())]);
        assert_eq!(m.relevance(&p, false), Relevance::NoClient);
        m.fold = true;
        m.add(&ClientEntry::new(ClientId::new("c").unwrap(), key.clone()));
        assert_eq!(m.relevance(&p, false), Relevance::Client);
        let reasons = m.reasons(&p, &m.client_keys(&[key]));
        assert!(matches!(reasons[0].key, MatchKey::Folded(_)));
    }

    #[test]
    fn one_address_may_be_several_clients() {
        let m = matcher(&[("a", address("both@example.org")), ("b", address("both@example.org"))]);
        let p = people(&[(Field::To, "both@example.org")]);
        assert_eq!(m.clients_of(&p).len(), 2);
    }

    #[test]
    fn keys_are_told_of_clients_of_digests_and_of_messages() {
        let keys = [("a", address("a@example.org")), ("a", ClientKey::Domain("client.example".to_owned()))];
        let m = matcher(&[keys[0].clone(), keys[1].clone(), ("b", address("a@example.org"))]);
        let (a, b) = (ClientId::new("a").unwrap(), ClientId::new("b").unwrap());
        assert_eq!((m.keys_of_client(&a), m.keys_of_client(&b).len()), (m.keys(), 1));
        assert!(m.keys_of_client(&ClientId::new("c").unwrap()).is_empty());
        let told: BTreeSet<KeyDigest> = m.match_keys(&m.keys()).iter().map(MatchKey::digest).collect();
        assert_eq!(told, m.keys());
        let strangers = matcher(&[("z", address("z@example.org"))]).keys();
        assert!(m.match_keys(&strangers).is_empty());
        let from = |by, bcc| people(&[(Field::From, by), (Field::Bcc, bcc)]);
        assert!(m.keys_carried(&from("x@else.example", "a@example.org"), false).is_empty());
        assert_eq!(m.keys_carried(&from("x@else.example", "a@example.org"), true), m.keys_of_client(&b));
        assert_eq!(m.keys_carried(&from("x@client.example", "a@example.org"), true), m.keys());
    }
}
