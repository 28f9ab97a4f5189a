//! Address lists (RFC 5322 §3.4), the obsolete forms (§4.4) and what people's software makes of them.

use std::collections::VecDeque;

use super::addr_spec::{AddrSpec, Place};
use super::lexer::{Lexer, Token};
use super::words;
use crate::types::{Address, CleanText};

/// Most octets of a display name that are decoded.
const MAX_NAME: usize = 2_048;
/// Most addresses without a comma between them that are taken for a list: as many as are looked at in all, and one.
const MAX_UNSEPARATED: usize = super::addressing::MAX_ADDRESSES + 1;

/// The addresses of one field value with their display names. What is not an address is skipped, the list goes on.
pub(super) struct AddressList<'a> {
    value: &'a [u8],
    lexer: Lexer<'a>,
    /// A token that ended one address and begins the next.
    ahead: Option<(usize, Token<'a>)>,
    ready: VecDeque<(Address, CleanText)>,
}

impl<'a> AddressList<'a> {
    pub(super) fn new(value: &'a [u8]) -> Self {
        Self { value, lexer: Lexer::new(value), ahead: None, ready: VecDeque::new() }
    }

    /// The next token and where it, or white space before it, begins.
    fn token(&mut self) -> Option<(usize, Token<'a>)> {
        let at = self.lexer.position();
        self.ahead.take().or_else(|| self.lexer.next().map(|token| (at, token)))
    }

    /// Reads up to the next separator, or through the next angle brackets; tells whether there was anything.
    ///
    /// Addresses without a comma between them count each, unless angle brackets follow: then all before is a display
    /// name, in which anyone may write anyone's address.
    fn item(&mut self) -> bool {
        let mut spec = AddrSpec::new(Place::Bare);
        let mut phrase: Option<usize> = None;
        let mut comment: Option<&[u8]> = None;
        let mut any = false;
        while let Some((at, token)) = self.token() {
            any = true;
            match token {
                Token::Special(b',' | b';') => break,
                // The name of a group (§3.4) is nobody; its members follow.
                Token::Special(b':') if spec.is_phrase() => return true,
                Token::Special(b'<') => {
                    self.ready.clear();
                    let name = self.value.get(phrase.unwrap_or(at)..at).unwrap_or_default();
                    let address = self.angle();
                    self.ready.extend(address.map(|address| (address, phrase_name(name))));
                    return true;
                }
                Token::Comment(inner) => {
                    comment.get_or_insert(inner);
                }
                token => {
                    phrase.get_or_insert(at);
                    if spec.is_complete_before(token) {
                        self.keep(std::mem::replace(&mut spec, AddrSpec::new(Place::Bare)), comment.take());
                    }
                    spec.add(token);
                }
            }
        }
        self.keep(spec, comment);
        any
    }

    fn keep(&mut self, spec: AddrSpec, comment: Option<&[u8]>) {
        if self.ready.len() < MAX_UNSEPARATED {
            self.ready.extend(
                spec.address().map(|address| (address, comment.map(comment_name).unwrap_or_default())),
            );
        }
    }

    /// Reads what stands between `<` and `>`, an obsolete route (§4.4) included.
    fn angle(&mut self) -> Option<Address> {
        let mut spec = AddrSpec::new(Place::Angle);
        let mut first = true;
        let mut route = false;
        while let Some((at, token)) = self.token() {
            let begins = std::mem::take(&mut first);
            match token {
                Token::Special(b'>') => break,
                Token::Special(b'@') if begins => route = true,
                Token::Special(b':') if route => route = false,
                _ if route => {}
                // The bracket is never closed, or a second one begins: what follows is another address.
                Token::Special(b',' | b';' | b'<') => {
                    self.ahead = Some((at, token));
                    break;
                }
                token => spec.add(token),
            }
        }
        spec.address()
    }
}

impl Iterator for AddressList<'_> {
    type Item = (Address, CleanText);

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() {
            if !self.item() {
                return None;
            }
        }
        self.ready.pop_front()
    }
}

/// The display name a phrase spells: quotes undone, comments left out, encoded words decoded.
fn phrase_name(phrase: &[u8]) -> CleanText {
    let phrase = phrase.get(..MAX_NAME).unwrap_or(phrase);
    let mut plain = Vec::with_capacity(phrase.len());
    let mut lexer = Lexer::new(phrase);
    let mut end = 0;
    loop {
        let spaced = phrase.get(end).is_some_and(u8::is_ascii_whitespace);
        let Some(token) = lexer.next() else { break };
        end = lexer.position();
        if spaced {
            plain.push(b' ');
        }
        match token {
            Token::Atom(word) | Token::Literal(word) => plain.extend_from_slice(word),
            Token::Quoted(inner) => plain.extend(unescaped(inner)),
            Token::Special(special) => plain.push(special),
            Token::Comment(_) | Token::Unterminated => {}
        }
    }
    CleanText::new(&words::decode(&plain))
}

/// The display name that a comment behind a bare address gives, as was the custom before RFC 822.
fn comment_name(comment: &[u8]) -> CleanText {
    let comment = comment.get(..MAX_NAME).unwrap_or(comment);
    CleanText::new(&words::decode(&unescaped(comment).collect::<Vec<_>>()))
}

/// What a quoted string or comment spells (RFC 5322 §3.2.1).
pub(super) fn unescaped(inner: &[u8]) -> impl Iterator<Item = u8> {
    let mut escaped = false;
    inner.iter().copied().filter(move |octet| {
        escaped = *octet == b'\\' && !escaped;
        !escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: &[(&str, &str)]) {
        let list: Vec<_> =
            AddressList::new(value.as_bytes()).map(|(a, n)| (a.to_string(), n.to_string())).collect();
        let list: Vec<_> = list.iter().map(|(a, n)| (a.as_str(), n.as_str())).collect();
        assert_eq!(list, expected, "{value}");
    }

    #[test]
    fn names_quotes_and_comments_are_read() {
        check("a@x.org", &[("a@x.org", "")]);
        check("Anna Q. Smith <a@x.org>, b@y.org", &[("a@x.org", "Anna Q. Smith"), ("b@y.org", "")]);
        check("\"Smith, \\\"Anna\\\"\" <a@x.org>", &[("a@x.org", "Smith, \"Anna\"")]);
        check("a@x.org (Anna (the) Smith\\))", &[("a@x.org", "Anna (the) Smith)")]);
        check("(c) Anna(d) (e)<(f)a(g)@(h)x.org(i)>(j)", &[("a@x.org", "Anna")]);
        check("=?utf-8?q?M=C3=BCller,_A?= <a@x.org>", &[("a@x.org", "Müller, A")]);
        check("\"=?utf-8?q?M=C3=BCller?=\" <a@x.org>", &[("a@x.org", "Müller")]);
    }

    #[test]
    fn obsolete_forms_are_read() {
        check("<@a.org,@b.org:local@dom.org>", &[("local@dom.org", "")]);
        check("<@evil.example:client1@example.org>", &[("client1@example.org", "")]);
        check("anna . smith @ x . org", &[("anna.smith@x.org", "")]);
        check("anna.\"s m\".th@x.org", &[("\"anna.s m.th\"@x.org", "")]);
        check(",,a@x.org,,, b@y.org,", &[("a@x.org", ""), ("b@y.org", "")]);
        check("a@[192.0.2.1]", &[("a@[192.0.2.1]", "")]);
    }

    #[test]
    fn members_of_groups_count_and_groups_do_not() {
        check("undisclosed-recipients:;", &[]);
        check("undisclosed-recipients: ;, a@x.org", &[("a@x.org", "")]);
        check(
            "\"The board\": Anna <a@x.org>, b@y.org; c@z.org",
            &[("a@x.org", "Anna"), ("b@y.org", ""), ("c@z.org", "")],
        );
    }

    #[test]
    fn separators_may_be_missing_or_wrong() {
        check("a@x.org; b@y.org", &[("a@x.org", ""), ("b@y.org", "")]);
        check("a@x.org b@y.org\r\n (C) c@z.org", &[("a@x.org", ""), ("b@y.org", "C"), ("c@z.org", "")]);
        check("A <a@x.org> B <b@y.org>", &[("a@x.org", "A"), ("b@y.org", "B")]);
        check("<a@x.org, b@y.org>, <c@z.org", &[("a@x.org", ""), ("b@y.org", ""), ("c@z.org", "")]);
        check("<<a@x.org>>", &[("a@x.org", "")]);
    }

    #[test]
    fn an_address_in_a_display_name_is_a_name() {
        check("\"client1@example.org\" <evil@evil.example>", &[("evil@evil.example", "client1@example.org")]);
        check("client1@example.org <evil@evil.example>", &[("evil@evil.example", "client1@example.org")]);
        check(
            "client1@example.org via Signing <s@sign.example>",
            &[("s@sign.example", "client1@example.org via Signing")],
        );
    }

    #[test]
    fn local_parts_are_kept_whole_and_never_decoded() {
        check("\"client1@example.org,x\"@evil.example", &[("\"client1@example.org,x\"@evil.example", "")]);
        check("\"a b\"@example.org", &[("\"a b\"@example.org", "")]);
        check(
            "=?x?q?client1=40example.org=3E?=@evil.example",
            &[("=?x?q?client1=40example.org=3E?=@evil.example", "")],
        );
        check(
            "=?utf-7?q?client1+AEA-example.org?=@evil.example",
            &[("=?utf-7?q?client1+AEA-example.org?=@evil.example", "")],
        );
        check(
            "=?utf-8?b?cG90dXNAd2hpdGVob3VzZS5nb3Y=?==?utf-8?Q?=00?==?utf-8?b?cG90dXM=?=@mailsploit.example",
            &[(
                "=?utf-8?b?cG90dXNAd2hpdGVob3VzZS5nb3Y=?==?utf-8?Q?=00?==?utf-8?b?cG90dXM=?=@mailsploit.example",
                "",
            )],
        );
    }

    #[test]
    fn what_is_no_address_is_skipped_and_the_list_goes_on() {
        check("evil.example!client1, a@b@c, @x, x@, <>, <a b@c>, Anna, a@x.org", &[("a@x.org", "")]);
        check("client1@example.org@evil.example, a@x.org", &[("a@x.org", "")]);
        check("a@x.org, \"never closed, b@y.org", &[("a@x.org", "")]);
        check("a@exa_mple..org, \"\"@x.org, b@y.org", &[("b@y.org", "")]);
    }

    #[test]
    fn deep_comments_and_long_phrases_end() {
        let deep = format!("{}x{} a@x.org", "(".repeat(100_000), ")".repeat(100_000));
        assert_eq!(AddressList::new(deep.as_bytes()).count(), 1);
        let phrase = format!("{} <a@x.org>", "word ".repeat(1_000_000));
        assert_eq!(AddressList::new(phrase.as_bytes()).count(), 1);
        let dots = format!("{}@x.org, b@y.org", "a. ".repeat(1_000_000));
        assert_eq!(AddressList::new(dots.as_bytes()).count(), 1);
    }
}
