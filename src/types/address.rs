//! Addresses (RFC 5322 §3.4.1, RFC 6531) and the form in which they are compared.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::serial::by_text;

/// Longest addr-spec: a path of 256 octets (RFC 5321 §4.5.3.1.3) would do, 320 is what 64 + 1 + 255 add up to.
const MAX_OCTETS: usize = 320;

/// Says why a text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// There is no `@`.
    #[error("an address needs an @")]
    NoAt,
    /// Nothing stands before the `@`.
    #[error("nothing stands before the @")]
    NoLocalPart,
    /// What stands behind the `@` is not a domain name.
    #[error("what stands behind the @ is not a domain name")]
    BadDomain,
    /// A character that an address cannot hold where it stands.
    #[error("an address cannot hold the character U+{:04X} there", u32::from(*.0))]
    BadCharacter(char),
    /// The address is longer than 320 octets.
    #[error("an address has at most 320 octets")]
    TooLong,
}

/// A domain in the form it is compared in: lower-case A-labels without a trailing dot (RFC 5890 §2.3.2.1).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainName(String);

impl DomainName {
    /// Reads a domain as people and messages write it.
    ///
    /// # Errors
    /// [`AddressError::BadDomain`] for anything that is not a domain name or an address literal.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim().trim_end_matches('.');
        if let Some(literal) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
            let plain = !literal.is_empty()
                && literal.bytes().all(|b| b.is_ascii_graphic() && !b"[]\\\"<>()@,;".contains(&b));
            return if plain { Ok(Self(text.to_ascii_lowercase())) } else { Err(AddressError::BadDomain) };
        }
        let ascii = idna::domain_to_ascii(text).map_err(|_| AddressError::BadDomain)?;
        let ascii = ascii.trim_end_matches('.');
        let label_ok = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if ascii.is_empty() || ascii.len() > 253 || !ascii.split('.').all(label_ok) {
            return Err(AddressError::BadDomain);
        }
        Ok(Self(ascii.to_owned()))
    }

    /// Reads a domain as people write one that stands for its addresses: also with an `@` before it.
    pub(crate) fn parse_typed(text: &str) -> Result<Self, AddressError> {
        Self::parse(text.trim().trim_start_matches('@'))
    }

    /// The domain in A-labels.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

by_text!(DomainName, |domain| domain.as_str(), |text| DomainName::parse(&text));

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DomainName(..)")
    }
}

/// An addr-spec: a local part, kept as written, and a domain.
///
/// ```
/// use practicemail::types::Address;
/// let address = Address::parse(" Anna.Müller@Exämple.DE. ").unwrap();
/// assert_eq!(address.to_string(), "Anna.Müller@xn--exmple-cua.de");
/// assert_eq!(address.key(), Address::parse("anna.müller@exämple.de").unwrap().key());
/// ```
///
/// Serialised as its two parts, for not every reader of texts takes a quoted one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Parts")]
pub struct Address {
    /// NFC, without quotes, backslashes undone.
    local: String,
    domain: DomainName,
}

impl Address {
    /// Reads one addr-spec, without display name, comments or angle brackets.
    ///
    /// # Errors
    /// [`AddressError`] names what is wrong, with the character where it is one.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.len() > MAX_OCTETS {
            return Err(AddressError::TooLong);
        }
        let (local, domain) = match text.strip_prefix('"') {
            Some(rest) => quoted_local(rest)?,
            None => {
                let (local, domain) = text.rsplit_once('@').ok_or(AddressError::NoAt)?;
                (local.to_owned(), domain)
            }
        };
        let quoted = text.starts_with('"');
        let forbidden =
            |c: char| c.is_control() || (!quoted && (c.is_whitespace() || "\"(),:;<>@[\\]".contains(c)));
        if let Some(bad) = local.chars().find(|c| forbidden(*c)) {
            return Err(AddressError::BadCharacter(bad));
        }
        Self::from_parts(&local, domain)
    }

    /// Puts a local part, already without quotes, and a domain together.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn from_parts(local: &str, domain: &str) -> Result<Self, AddressError> {
        let local: String = local.nfc().collect();
        if local.is_empty() {
            return Err(AddressError::NoLocalPart);
        }
        if let Some(bad) = local.chars().find(|c| c.is_control()) {
            return Err(AddressError::BadCharacter(bad));
        }
        let domain = DomainName::parse(domain)?;
        if local.len() + 1 + domain.as_str().len() > MAX_OCTETS {
            return Err(AddressError::TooLong);
        }
        Ok(Self { local, domain })
    }

    /// The local part without quotes.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The domain.
    pub fn domain(&self) -> &DomainName {
        &self.domain
    }

    /// The form in which addresses are compared.
    pub fn key(&self) -> AddressKey {
        let local: String = self.local.to_lowercase().nfc().collect();
        AddressKey { at: local.len(), text: format!("{local}@{}", self.domain) }
    }
}

/// An address as it was serialised.
#[derive(Deserialize)]
struct Parts {
    local: String,
    domain: String,
}

impl TryFrom<Parts> for Address {
    type Error = AddressError;

    fn try_from(parts: Parts) -> Result<Self, AddressError> {
        Self::from_parts(&parts.local, &parts.domain)
    }
}

/// Reads the rest of a quoted local part (RFC 5321 §4.1.2) and what stands behind its `@`.
fn quoted_local(rest: &str) -> Result<(String, &str), AddressError> {
    let mut local = String::new();
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => local.push(chars.next().ok_or(AddressError::NoAt)?),
            '"' => {
                let domain = chars.as_str().strip_prefix('@').ok_or(AddressError::NoAt)?;
                return Ok((local, domain));
            }
            c => local.push(c),
        }
    }
    Err(AddressError::NoAt)
}

/// The addr-spec as a message or command carries it: quoted where it must be.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let atom = |c: char| !c.is_whitespace() && !"\"(),:;<>@[\\]".contains(c);
        if self.local.chars().all(atom) {
            return write!(f, "{}@{}", self.local, self.domain);
        }
        f.write_str("\"")?;
        for c in self.local.chars() {
            if c == '"' || c == '\\' {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        write!(f, "\"@{}", self.domain)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(..)")
    }
}

/// An address in the only form that is compared: local part in lower case and NFC, domain in A-labels.
///
/// RFC 5321 §2.4 lets a server tell `Anna` from `anna`; none in use does, and people write both.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressKey {
    text: String,
    at: usize,
}

impl AddressKey {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The domain.
    pub fn domain(&self) -> &str {
        self.text.get(self.at + 1..).unwrap_or_default()
    }

    fn local(&self) -> &str {
        self.text.get(..self.at).unwrap_or_default()
    }

    /// The key under which a provider delivers several spellings to one mailbox, where that is known of the domain:
    /// at Gmail dots and a `+tag` do not count and `googlemail.com` is `gmail.com`; at the others listed here a `+tag`
    /// does not. Never to be written to, and a weaker reason than the address itself. `None` elsewhere: in a Workspace
    /// domain dots are significant.
    pub fn folded(&self) -> Option<AddressKey> {
        let untagged = self.local().split('+').next().filter(|l| !l.is_empty())?;
        let (local, domain) = match self.domain() {
            "gmail.com" | "googlemail.com" => (untagged.replace('.', ""), "gmail.com"),
            domain if PLUS_TAGS.contains(&domain) => (untagged.to_owned(), domain),
            _ => return None,
        };
        Some(AddressKey { at: local.len(), text: format!("{local}@{domain}") })
    }
}

/// Providers whose help pages say that `name+tag` reaches `name` (facts of 2026-11).
const PLUS_TAGS: &[&str] = &[
    "fastmail.com",
    "hotmail.com",
    "icloud.com",
    "live.com",
    "mac.com",
    "me.com",
    "outlook.com",
    "pm.me",
    "proton.me",
    "protonmail.com",
];

impl fmt::Display for AddressKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for AddressKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AddressKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(text: &str) -> String {
        Address::parse(text).unwrap().key().to_string()
    }

    #[test]
    fn spellings_of_one_address_share_a_key() {
        for (a, b) in [
            ("CLIENT1@EXAMPLE.ORG", "client1@example.org"),
            ("a@example.org.", "a@example.org"),
            ("\"anna\"@example.org", "anna@example.org"),
            ("m\u{fc}ller@example.org", "mu\u{308}ller@example.org"),
            ("x@BÜCHER.example", "x@xn--bcher-kva.example"),
        ] {
            assert_eq!(key(a), key(b), "{a} {b}");
        }
    }

    #[test]
    fn what_looks_alike_is_not_the_same() {
        assert_ne!(key("a.b@example.org"), key("ab@example.org"));
        assert_ne!(key("a+b@example.org"), key("a@example.org"));
        assert_ne!(key("\"client1@example.org,x\"@evil.example"), key("client1@example.org"));
        assert_eq!(
            Address::parse("\"client1@example.org,x\"@evil.example").unwrap().domain().as_str(),
            "evil.example"
        );
        assert_eq!(
            key("=?x?q?client1=40example.org=3E?=@evil.example"),
            "=?x?q?client1=40example.org=3e?=@evil.example"
        );
    }

    #[test]
    fn folding_is_a_second_tier_and_known_per_domain() {
        let folded = |t: &str| Address::parse(t).unwrap().key().folded().map(|k| k.to_string());
        assert_eq!(folded("An.Na+tax@googlemail.com").as_deref(), Some("anna@gmail.com"));
        assert_eq!(folded("an.na+tax@outlook.com").as_deref(), Some("an.na@outlook.com"));
        assert_eq!(folded("an.na@workspace.example"), None);
        assert_eq!(folded("+x@gmail.com"), None);
    }

    #[test]
    fn bad_addresses_name_what_is_wrong() {
        assert_eq!(Address::parse("anna"), Err(AddressError::NoAt));
        assert_eq!(Address::parse("@example.org"), Err(AddressError::NoLocalPart));
        assert_eq!(Address::parse("a b@example.org"), Err(AddressError::BadCharacter(' ')));
        assert_eq!(Address::parse("a\u{0}@example.org"), Err(AddressError::BadCharacter('\0')));
        assert_eq!(Address::parse("a@exa mple.org"), Err(AddressError::BadDomain));
        assert_eq!(Address::parse("a@"), Err(AddressError::BadDomain));
        assert_eq!(Address::parse(&format!("{}@example.org", "a".repeat(400))), Err(AddressError::TooLong));
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused_and_what_is_parsed_reads_back(text in any::<String>()) {
            if let Ok(address) = Address::parse(&text) {
                let again = Address::parse(&address.to_string()).unwrap();
                prop_assert_eq!(&again, &address);
                prop_assert_eq!(again.key(), address.key());
            }
        }

        #[test]
        fn quoted_local_parts_read_back(local in "[ -~]{1,20}") {
            if let Ok(address) = Address::from_parts(&local, "example.org") {
                prop_assert_eq!(Address::parse(&address.to_string()).unwrap(), address);
            }
        }
    }
}
