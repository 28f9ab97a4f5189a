//! The tokens of structured header fields (RFC 5322 §3.2), read without recursion and without copying.

/// A token; the slices are as they came, escapes included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A run of anything that is not white space or special; dots and encoded words belong to it.
    Atom(&'a [u8]),
    /// What stands between double quotes.
    Quoted(&'a [u8]),
    /// What stands between the outermost parentheses.
    Comment(&'a [u8]),
    /// A domain literal with its brackets.
    Literal(&'a [u8]),
    /// One of `<>:;@,` or a stray special.
    Special(u8),
    /// A quoted string, comment or literal without an end: it takes the rest with it.
    Unterminated,
}

/// Longest encoded word recognised as one token: RFC 2047 §2 allows 75 octets, writers that do not fold exceed it.
const MAX_ENCODED_WORD: usize = 300;

#[derive(Clone)]
pub(super) struct Lexer<'a> {
    octets: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(octets: &'a [u8]) -> Self {
        Self { octets, at: 0 }
    }

    /// Where the next token begins, or white space before it.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    fn rest(&self) -> &'a [u8] {
        self.octets.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, octets: usize) -> &'a [u8] {
        let rest = self.rest();
        let taken = rest.get(..octets).unwrap_or(rest);
        self.at += taken.len();
        taken
    }

    /// Takes what brackets or quotes enclose, of the given length; the rest where it is none.
    fn enclosed(&mut self, length: Option<usize>) -> Option<&'a [u8]> {
        let Some(length) = length else {
            self.at = self.octets.len();
            return None;
        };
        self.take(1);
        let inner = self.take(length);
        self.take(1);
        Some(inner)
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let white = self.rest().iter().take_while(|b| is_white(**b)).count();
        self.take(white);
        let rest = self.rest();
        let first = *rest.first()?;
        Some(match first {
            b'"' => match self.enclosed(length_to(rest, b'"')) {
                Some(inner) => Token::Quoted(inner),
                None => Token::Unterminated,
            },
            b'(' => match self.enclosed(comment_length(rest)) {
                Some(inner) => Token::Comment(inner),
                None => Token::Unterminated,
            },
            b'[' => {
                let length = length_to(rest, b']');
                match self.enclosed(length) {
                    Some(_) => Token::Literal(rest.get(..length.unwrap_or(0) + 2).unwrap_or(rest)),
                    None => Token::Unterminated,
                }
            }
            special if is_special(special) => {
                self.take(1);
                Token::Special(special)
            }
            _ => {
                let word = encoded_word_length(rest).unwrap_or(0);
                let more = rest.iter().skip(word).take_while(|b| !is_white(**b) && !is_special(**b)).count();
                Token::Atom(self.take(word + more))
            }
        })
    }
}

fn is_white(octet: u8) -> bool {
    octet <= b' ' || octet == 0x7f
}

fn is_special(octet: u8) -> bool {
    matches!(octet, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b':' | b';' | b'@' | b'\\' | b',' | b'"')
}

/// How many octets stand between the first octet and the next unescaped `close`.
fn length_to(octets: &[u8], close: u8) -> Option<usize> {
    let mut escaped = false;
    octets.iter().skip(1).position(|octet| {
        let ends = *octet == close && !escaped;
        escaped = *octet == b'\\' && !escaped;
        ends
    })
}

/// How many octets stand inside the comment that begins here; comments nest (RFC 5322 §3.2.2).
fn comment_length(octets: &[u8]) -> Option<usize> {
    let mut depth = 1usize;
    let mut escaped = false;
    octets.iter().skip(1).position(|octet| {
        match *octet {
            _ if escaped => {}
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        escaped = *octet == b'\\' && !escaped;
        depth == 0
    })
}

/// The length of the encoded word that begins here. Its text may hold commas and parentheses that writers left bare.
fn encoded_word_length(octets: &[u8]) -> Option<usize> {
    octets.strip_prefix(b"=?")?;
    let head = octets.get(..MAX_ENCODED_WORD).unwrap_or(octets);
    let mut marks = 0;
    let mut before = 0;
    for (at, octet) in head.iter().enumerate() {
        match *octet {
            b'=' if before == b'?' && marks >= 4 => return Some(at + 1),
            b'?' => marks += 1,
            white if is_white(white) => return None,
            b'<' | b'>' | b'"' => return None,
            special if marks < 3 && is_special(special) => return None,
            _ => {}
        }
        before = *octet;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(octets: &[u8]) -> Vec<Token<'_>> {
        Lexer::new(octets).collect()
    }

    #[test]
    fn tokens_are_what_the_grammar_says() {
        assert_eq!(
            tokens(b"a.b \"c \\\" d\"\r\n (e(f)\\)) <[x]>"),
            [
                Token::Atom(b"a.b"),
                Token::Quoted(b"c \\\" d"),
                Token::Comment(b"e(f)\\)"),
                Token::Special(b'<'),
                Token::Literal(b"[x]"),
                Token::Special(b'>'),
            ]
        );
    }

    #[test]
    fn an_encoded_word_is_one_token() {
        assert_eq!(tokens(b"=?utf-8?Q?a,b?= x"), [Token::Atom(b"=?utf-8?Q?a,b?="), Token::Atom(b"x")]);
        assert_eq!(tokens(b"=?q,b"), [Token::Atom(b"=?q"), Token::Special(b','), Token::Atom(b"b")]);
    }

    #[test]
    fn what_never_ends_takes_the_rest_with_it() {
        for open in [&b"\"a, b"[..], b"(a, (b)", b"[a, b"] {
            assert_eq!(tokens(open), [Token::Unterminated]);
        }
    }
}
