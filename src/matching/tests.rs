//! Whom mail is of, and why.

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
    list.iter().map(|(f, a)| Participant::new(*f, Address::parse(a).unwrap(), CleanText::default())).collect()
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
    for (domain, reason) in
        [("gmail.com", "provider"), ("co.uk", "suffix"), ("practice.example", "own"), ("a b", "not a domain")]
    {
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
