//! Message-ID (RFC 5322 §3.6.4).

use std::fmt;

use super::serial::by_text;
use super::{DomainName, OutgoingId};

/// Longest Message-ID kept: a header line has at most 998 octets.
const MAX_OCTETS: usize = 998;

/// A message's identifier as its writer gave it, without angle brackets. Neither unique nor always there: it is one part
/// of a message's identity, never the whole.
///
/// ```
/// use practicemail::types::MessageId;
/// assert_eq!(MessageId::parse(" <a.1@example.org> ").unwrap().as_str(), "a.1@example.org");
/// assert!(MessageId::parse("<>").is_none());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(String);

impl MessageId {
    /// Reads the value of a Message-ID field, with or without its angle brackets; white space that folding left inside
    /// goes. `None` when it is empty, longer than 998 octets or holds control characters.
    pub fn parse(value: &str) -> Option<Self> {
        let value = value.trim();
        let inner = match value.split_once('<') {
            Some((_, rest)) => rest.split_once('>').map_or(rest, |(inner, _)| inner),
            None => value,
        };
        let id: String = inner.chars().filter(|c| !c.is_whitespace()).collect();
        let fine = !id.is_empty() && id.len() <= MAX_OCTETS && !id.chars().any(char::is_control);
        fine.then_some(Self(id))
    }

    /// Reads what [`as_str`](Self::as_str) answered: a text that holds a `<` reads back only between brackets.
    pub(crate) fn from_stored(text: &str) -> Option<Self> {
        let same = |id: &Self| id.as_str() == text;
        Self::parse(text).filter(same).or_else(|| Self::parse(&format!("<{text}>")).filter(same))
    }

    /// The identifier of an intent to send, under its sender's domain.
    pub fn under(domain: &DomainName, id: OutgoingId) -> Self {
        Self(format!("{id}@{domain}"))
    }

    /// The identifier without angle brackets.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

by_text!(MessageId, |id| id.as_str(), |text| MessageId::from_stored(&text).ok_or("not a Message-ID"));

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MessageId(..)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn folding_and_missing_brackets_are_read() {
        let id = |v: &str| MessageId::parse(v).map(|id| id.as_str().to_owned());
        assert_eq!(id("<a b\r\n c@x>").as_deref(), Some("abc@x"));
        assert_eq!(id("plain@x").as_deref(), Some("plain@x"));
        assert_eq!(id("<unclosed@x").as_deref(), Some("unclosed@x"));
        assert_eq!(id("<a\0b@x>"), None);
        assert_eq!(id(&format!("<{}>", "x".repeat(999))), None);
    }

    #[test]
    fn what_was_stored_reads_back_whatever_brackets_it_holds() {
        for value in ["<a@x>", "a>b@x", "<a<b@x>", "<unclosed<x@y"] {
            let id = MessageId::parse(value).unwrap();
            assert_eq!(MessageId::from_stored(id.as_str()), Some(id), "{value}");
        }
        assert_eq!(MessageId::from_stored(" a@x"), None);
    }

    proptest! {
        #[test]
        fn what_is_parsed_reads_back(value in any::<String>()) {
            if let Some(id) = MessageId::parse(&value) {
                prop_assert!(id.as_str().len() <= MAX_OCTETS);
                prop_assert_eq!(MessageId::parse(&format!("<{}>", id.as_str().replace(['<', '>'], ""))).is_some(),
                    !id.as_str().replace(['<', '>'], "").is_empty());
            }
        }
    }
}
