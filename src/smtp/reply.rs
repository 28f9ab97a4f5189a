//! One reply of a server (RFC 5321 §4.2, RFC 2034).

use std::fmt;

use crate::error::{Error, ErrorKind, Result};
use crate::net::Veil;
use crate::types::CleanText;

/// The longest reply line: RFC 5321 §4.5.3.1.5 says 512 octets, servers in use exceed it by a little.
pub(super) const MAX_LINE: usize = 2 * 1024;
/// The most lines of one reply: EHLO answers have some twenty.
pub(super) const MAX_LINES: usize = 100;

/// A complete reply. Its text is cleaned, and shown only through a [`Veil`].
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    lines: Vec<String>,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({}, {} lines)", self.code, self.lines.len())
    }
}

impl Reply {
    /// Whether the code is 2yz.
    pub(super) fn is_positive(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// Whether the code is 4yz.
    pub(super) fn is_transient(&self) -> bool {
        (400..500).contains(&self.code)
    }

    /// Whether the code is 5yz.
    pub(super) fn is_permanent(&self) -> bool {
        (500..600).contains(&self.code)
    }

    /// The lines behind the code, cleaned.
    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    /// The enhanced status code (RFC 3463); empty where there is none.
    pub(super) fn enhanced(&self) -> &str {
        let first = self.lines.first().map(String::as_str).unwrap_or_default();
        let word = first.split(' ').next().unwrap_or_default();
        let number =
            |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|octet| octet.is_ascii_digit());
        let parts = word.split('.').filter(|part| number(part)).count();
        if parts == 3 && word.split('.').count() == 3 { word } else { "" }
    }

    /// The reply as it may be shown: code and text, without secrets and addresses, of bounded length.
    pub(super) fn shown(&self, veil: &Veil) -> String {
        let (text, code) = (veil.cover(&self.text()), self.code);
        if text.is_empty() { code.to_string() } else { format!("{code} {text}") }
    }

    /// All lines in one, each enhanced code once.
    pub(super) fn text(&self) -> String {
        let enhanced = self.enhanced();
        let mut text = String::new();
        for line in &self.lines {
            let again = !text.is_empty() && !enhanced.is_empty();
            let line = if again { line.strip_prefix(enhanced).unwrap_or(line) } else { line };
            if !text.is_empty() && !line.trim().is_empty() {
                text.push(' ');
            }
            text.push_str(line.trim());
        }
        text
    }

    #[cfg(test)]
    pub(super) fn of(code: u16, text: &str) -> Self {
        Self { code, lines: vec![text.to_owned()] }
    }
}

/// Puts lines together to replies.
#[derive(Debug, Default)]
pub(super) struct ReplyReader {
    line: Vec<u8>,
    reply: Reply,
}

impl ReplyReader {
    /// Takes octets up to the end of a reply; says how many it took, and the reply if it is complete.
    pub(super) fn take(&mut self, octets: &[u8]) -> Result<(usize, Option<Reply>)> {
        for (at, octet) in octets.iter().enumerate() {
            if *octet != b'\n' {
                self.line.push(*octet);
                if self.line.len() > MAX_LINE {
                    return Err(Error::new(
                        ErrorKind::LimitExceeded,
                        "the server sent a line that does not end",
                    ));
                }
                continue;
            }
            let line = std::mem::take(&mut self.line);
            if self.line(line.strip_suffix(b"\r").unwrap_or(&line))? {
                return Ok((at + 1, Some(std::mem::take(&mut self.reply))));
            }
            if self.reply.lines.len() >= MAX_LINES {
                return Err(Error::new(
                    ErrorKind::LimitExceeded,
                    "the server sent a reply that does not end",
                ));
            }
        }
        Ok((octets.len(), None))
    }

    /// Whether part of a reply was taken.
    pub(super) fn is_amid(&self) -> bool {
        !self.line.is_empty() || !self.reply.lines.is_empty()
    }

    /// Takes a line; says whether it is the last one of its reply.
    fn line(&mut self, line: &[u8]) -> Result<bool> {
        let nonsense = || Error::new(ErrorKind::Protocol, "the server sent what is no SMTP reply");
        let [first @ b'2'..=b'5', second @ b'0'..=b'5', third @ b'0'..=b'9', rest @ ..] = line else {
            return Err(nonsense());
        };
        let digit = |octet: &u8| u16::from(octet - b'0');
        let code = digit(first) * 100 + digit(second) * 10 + digit(third);
        if !self.reply.lines.is_empty() && self.reply.code != code {
            return Err(nonsense());
        }
        let (last, text) = match rest {
            [] => (true, rest),
            [b' ', text @ ..] => (true, text),
            [b'-', text @ ..] => (false, text),
            _ => return Err(nonsense()),
        };
        self.reply.code = code;
        self.reply.lines.push(CleanText::new(&String::from_utf8_lossy(text)).as_str().to_owned());
        Ok(last)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(octets: &[u8]) -> Result<Option<Reply>> {
        ReplyReader::default().take(octets).map(|(_, reply)| reply)
    }

    #[test]
    fn replies_of_several_lines_are_one_text() {
        let reply = read(b"554-5.7.1 line\x1b one\r\n554 5.7.1 line two\r\n").unwrap().unwrap();
        assert_eq!((reply.code, reply.enhanced()), (554, "5.7.1"));
        assert_eq!(reply.text(), "5.7.1 line one line two");
        assert_eq!(read(b"250\r\n").unwrap().unwrap().text(), "");
        assert_eq!(read(b"250 \xfc\xff\r\n").unwrap().unwrap().code, 250);
        assert_eq!(read(b"250-a\r\n250 ").unwrap(), None);
        assert_eq!(read(b"550 5.7.1.2 no\r\n").unwrap().unwrap().enhanced(), "");
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        for wrong in
            ["999 what\r\n", "2\r\n", "\r\n", "250_x\r\n", "250-a\r\n251 b\r\n", "150 x\r\n", "* OK\r\n"]
        {
            assert_eq!(read(wrong.as_bytes()).unwrap_err().kind(), ErrorKind::Protocol, "{wrong:?}");
        }
        assert_eq!(read(&[b'2'; MAX_LINE + 1]).unwrap_err().kind(), ErrorKind::LimitExceeded);
        assert_eq!(
            read("250-x\r\n".repeat(MAX_LINES).as_bytes()).unwrap_err().kind(),
            ErrorKind::LimitExceeded
        );
    }

    proptest! {
        #[test]
        fn any_octets_are_read_or_refused_however_they_are_cut(
            octets in prop::collection::vec(prop::sample::select(&b"2450 -\r\n.x\xff"[..]), 0..60),
            cut in 0_usize..60,
        ) {
            let mut whole = ReplyReader::default();
            let mut pieces = ReplyReader::default();
            let cut = cut.min(octets.len());
            let whole = whole.take(&octets);
            let pieces = match pieces.take(&octets[..cut]) {
                Ok((_, None)) => pieces.take(&octets[cut..]).map(|(n, reply)| (n + cut, reply)),
                other => other,
            };
            prop_assert_eq!(whole.ok(), pieces.ok());
        }
    }
}
