//! What a server offers (RFC 5321 §4.1.1.1).

use std::collections::BTreeSet;
use std::fmt;

use super::reply::Reply;

/// The answer to EHLO, as far as it matters.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Extensions {
    keywords: BTreeSet<String>,
    /// The ways of signing in (RFC 4954).
    pub(super) mechanisms: BTreeSet<String>,
    /// The largest message (RFC 1870); `None` where the server names no limit.
    pub(super) size: Option<u64>,
}

impl Extensions {
    /// Reads the answer: its first line is the server's name, each other one an extension.
    pub(super) fn of(reply: &Reply) -> Self {
        let mut extensions = Self::default();
        for line in reply.lines().skip(1) {
            let line = line.to_ascii_uppercase();
            let mut words = line.split([' ', '=']);
            let keyword = words.next().unwrap_or_default();
            match keyword {
                // Some servers say `AUTH=` besides, for clients older than RFC 2554.
                "AUTH" => extensions.mechanisms.extend(words.filter(|w| !w.is_empty()).map(str::to_owned)),
                "SIZE" => {
                    extensions.size =
                        words.next().and_then(|limit| limit.parse().ok()).filter(|limit| *limit > 0);
                }
                _ => {}
            }
            extensions.keywords.insert(keyword.to_owned());
        }
        extensions
    }

    /// Whether the server offers `keyword`.
    pub(super) fn has(&self, keyword: &str) -> bool {
        self.keywords.contains(keyword)
    }
}

impl fmt::Display for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = |set: &BTreeSet<String>| set.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        write!(f, "{}; signs in by: {}", words(&self.keywords), words(&self.mechanisms))
    }
}

#[cfg(test)]
mod tests {
    use super::super::reply::ReplyReader;
    use super::*;

    #[test]
    fn an_answer_to_ehlo_is_read() {
        let said =
            b"250-SIZE 1\r\n250-size 60\r\n250-AUTH plain LOGIN\r\n250-AUTH=XOAUTH2\r\n250 8BITMIME\r\n";
        let (_, reply) = ReplyReader::default().take(said).unwrap();
        let extensions = Extensions::of(&reply.unwrap());
        assert_eq!(extensions.size, Some(60));
        assert_eq!(Vec::from_iter(&extensions.mechanisms), ["LOGIN", "PLAIN", "XOAUTH2"]);
        assert!(extensions.has("8BITMIME") && extensions.has("SIZE") && !extensions.has("STARTTLS"));
    }
}
