//! Gmail's own search (developers.google.com/workspace/gmail/imap/imap-extensions, X-GM-RAW): messages in which somebody takes part.

use crate::types::MatchKey;

/// Most keys asked for at once.
const MAX_KEYS: usize = 20;
/// The fields it knows people by.
const FIELDS: [&str; 4] = ["from", "to", "cc", "bcc"];
/// Those it does not: they are asked for as any server's SEARCH (RFC 9051 §6.4.4) is.
const OTHERS: [&str; 2] = ["SENDER", "X-ORIGINAL-FROM"];

/// The search key that finds what any of these keys takes part in; `None` where there is none that is sure to find all of it.
pub(super) fn search_key(keys: &[MatchKey]) -> Option<String> {
    let raw = query(keys)?.replace('"', "\\\"");
    let mut search = format!("X-GM-RAW \"{raw}\"");
    for text in keys.iter().filter_map(text) {
        for field in OTHERS {
            search = format!("OR HEADER {field} \"{text}\" {search}");
        }
    }
    Some(search)
}

/// The query in Gmail's own words.
fn query(keys: &[MatchKey]) -> Option<String> {
    if keys.is_empty() || keys.len() > MAX_KEYS {
        return None;
    }
    let mut terms = Vec::with_capacity(keys.len() * FIELDS.len());
    for key in keys {
        let text = text(key)?;
        terms.extend(FIELDS.iter().map(|field| format!("{field}:\"{text}\"")));
    }
    Some(terms.join(" OR "))
}

fn text(key: &MatchKey) -> Option<&str> {
    let text = match key {
        MatchKey::Address(address) => address.as_str(),
        MatchKey::Domain(domain) => domain.as_str(),
        // Which spellings a provider takes for one is not for a search to know.
        MatchKey::Folded(_) => return None,
    };
    is_plain(text).then_some(text)
}

/// Whether a text means itself in a query, and is written in one way only: an A-label may be indexed as what it stands for.
fn is_plain(text: &str) -> bool {
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"@._-+".contains(&octet);
    let domain = text.rsplit_once('@').map_or(text, |(_, domain)| domain);
    text.bytes().all(plain) && !domain.split('.').any(|label| label.starts_with("xn--"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Address, DomainName};

    fn address(text: &str) -> MatchKey {
        MatchKey::Address(Address::parse(text).unwrap().key())
    }

    #[test]
    fn addresses_and_domains_are_asked_for_in_every_field() {
        let domain = MatchKey::Domain(DomainName::parse("Example.org").unwrap());
        assert_eq!(
            query(&[address("Carl+tax@client.example"), domain]).unwrap(),
            "from:\"carl+tax@client.example\" OR to:\"carl+tax@client.example\" OR cc:\"carl+tax@client.example\" \
             OR bcc:\"carl+tax@client.example\" OR from:\"example.org\" OR to:\"example.org\" OR cc:\"example.org\" \
             OR bcc:\"example.org\""
        );
    }

    #[test]
    fn fields_that_gmail_does_not_know_are_asked_for_beside() {
        assert_eq!(
            search_key(&[address("c@x.example")]).unwrap(),
            "OR HEADER X-ORIGINAL-FROM \"c@x.example\" OR HEADER SENDER \"c@x.example\" X-GM-RAW \"from:\\\"c@x.example\\\" \
             OR to:\\\"c@x.example\\\" OR cc:\\\"c@x.example\\\" OR bcc:\\\"c@x.example\\\"\""
        );
    }

    #[test]
    fn what_could_mean_something_else_is_not_asked_for() {
        for odd in [
            "\"a b\"@client.example",
            "\"a\\\"b\"@client.example",
            "{a}@client.example",
            "a*@client.example",
            "müller@client.example",
            "carl@exämple.de",
            "carl@[192.0.2.1]",
        ] {
            assert_eq!(query(&[address("carl@client.example"), address(odd)]), None, "{odd}");
        }
        let folded = Address::parse("c.arl@gmail.com").unwrap().key().folded().unwrap();
        assert_eq!(query(&[MatchKey::Folded(folded)]), None);
    }

    #[test]
    fn as_many_are_asked_for_as_a_line_holds() {
        let keys: Vec<MatchKey> = (0..21).map(|i| address(&format!("carl{i}@client.example"))).collect();
        assert!(query(&keys[..20]).is_some());
        assert_eq!(query(&keys), None);
        assert_eq!(query(&[]), None);
    }
}
