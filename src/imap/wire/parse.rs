//! Framed responses become values. What cannot be read is [`Response::Other`]: passed over, never an error.

use super::cursor::Cursor;
use super::response::{ListRow, Outcome, Response, Verdict};
use crate::types::MailboxName;

/// The sequence number of a FETCH response, and where its items begin.
pub(super) fn fetch_begins(line: &[u8]) -> Option<(u32, usize)> {
    let mut cursor = Cursor::new(line.strip_prefix(b"* ")?);
    cursor.spaces();
    let sequence = u32::try_from(cursor.number()?).ok()?;
    cursor.spaces();
    if !cursor.word().eq_ignore_ascii_case(b"FETCH") {
        return None;
    }
    Some((sequence, line.len() - cursor.rest().len()))
}

fn verdict(word: &[u8]) -> Option<Verdict> {
    match word.to_ascii_uppercase().as_slice() {
        b"OK" => Some(Verdict::Ok),
        b"NO" => Some(Verdict::No),
        b"BAD" => Some(Verdict::Bad),
        _ => None,
    }
}

/// Whether a line is a tagged or untagged status, or a continuation: free text to its end.
pub(super) fn is_status(line: &[u8]) -> bool {
    let mut cursor = Cursor::new(line);
    if cursor.word() != b"*" {
        return true;
    }
    cursor.spaces();
    let word = cursor.word();
    verdict(word).is_some() || word.eq_ignore_ascii_case(b"BYE") || word.eq_ignore_ascii_case(b"PREAUTH")
}

/// Reads a framed response; what cannot be read is [`Response::Other`].
pub(super) fn parse(pieces: &[Vec<u8>], literals: &[Vec<u8>]) -> Response {
    let first = pieces.first().map(Vec::as_slice).unwrap_or_default();
    let mut cursor = Cursor::new(first);
    if cursor.eat(b'+') {
        cursor.spaces();
        return Response::Continue(String::from_utf8_lossy(cursor.rest()).into_owned());
    }
    let tag = cursor.word();
    cursor.spaces();
    if tag != b"*" {
        let verdict = verdict(cursor.word()).unwrap_or(Verdict::Bad);
        let tag = String::from_utf8_lossy(tag).into_owned();
        return Response::Tagged { tag, outcome: Outcome::parse(verdict, cursor.rest()) };
    }
    if let Some(number) = cursor.number() {
        cursor.spaces();
        let number = u32::try_from(number);
        return match (cursor.word().to_ascii_uppercase().as_slice(), number) {
            (b"EXISTS", Ok(number)) => Response::Exists(number),
            (b"EXPUNGE", Ok(number)) => Response::Expunge(number),
            _ => Response::Other,
        };
    }
    let word = cursor.word().to_ascii_uppercase();
    match word.as_slice() {
        b"OK" => Response::Status(Outcome::parse(Verdict::Ok, cursor.rest())),
        b"NO" => Response::Status(Outcome::parse(Verdict::No, cursor.rest())),
        b"BAD" => Response::Status(Outcome::parse(Verdict::Bad, cursor.rest())),
        b"BYE" => Response::Bye(Outcome::parse(Verdict::No, cursor.rest())),
        b"PREAUTH" => Response::PreAuth,
        b"CAPABILITY" => Response::Capability(words(cursor.rest())),
        b"LIST" | b"XLIST" => list(cursor, pieces, literals).map_or(Response::Other, Response::List),
        b"STATUS" => mailbox_status(cursor, pieces, literals).unwrap_or(Response::Other),
        b"SEARCH" => Response::Search(
            words(cursor.rest()).iter().filter_map(|w| w.parse().ok()).map(|n| (n, n)).collect(),
        ),
        b"ESEARCH" => Response::Search(esearch_all(cursor.rest())),
        _ => Response::Other,
    }
}

/// Upper-case words.
fn words(rest: &[u8]) -> Vec<String> {
    let words = rest.split(|b| *b == b' ').filter(|w| !w.is_empty());
    words.map(|w| String::from_utf8_lossy(w).to_uppercase()).collect()
}

/// The ALL result of ESEARCH (RFC 9051 §7.3.4); its correlator and other results are passed over.
fn esearch_all(rest: &[u8]) -> Vec<(u32, u32)> {
    let text = String::from_utf8_lossy(rest).to_uppercase();
    let mut words = text.split(' ');
    let set = loop {
        match words.next() {
            None => return Vec::new(),
            Some("ALL") => break words.next().unwrap_or_default().to_owned(),
            Some(_) => {}
        }
    };
    let range = |range: &str| {
        let (low, high) = range.split_once(':').unwrap_or((range, range));
        Some((low.parse().ok()?, high.parse().ok()?))
    };
    set.split(',').filter_map(range).collect()
}

/// A mailbox name: atom, quoted string or literal, and what follows it.
fn mailbox_name<'a>(
    mut cursor: Cursor<'a>,
    pieces: &'a [Vec<u8>],
    literals: &[Vec<u8>],
) -> Option<(MailboxName, Cursor<'a>)> {
    cursor.spaces();
    if cursor.peek() == Some(b'"') {
        let name = cursor.quoted()?;
        return Some((MailboxName::from_wire(name), cursor));
    }
    if let (Some(b'{' | b'~'), Some(literal)) = (cursor.peek(), literals.first()) {
        return Some((MailboxName::from_wire(literal.clone()), Cursor::new(pieces.get(1)?)));
    }
    let name = cursor.word().to_vec();
    Some((MailboxName::from_wire(name), cursor))
}

fn list(mut cursor: Cursor<'_>, pieces: &[Vec<u8>], literals: &[Vec<u8>]) -> Option<ListRow> {
    cursor.spaces();
    if !cursor.eat(b'(') {
        return None;
    }
    let mut attributes = Vec::new();
    loop {
        cursor.spaces();
        if cursor.eat(b')') {
            break;
        }
        let word = cursor.word();
        if word.is_empty() {
            return None;
        }
        // Some servers glue attributes together without a space.
        let word = String::from_utf8_lossy(word).to_lowercase();
        attributes.extend(word.split('\\').filter(|a| !a.is_empty()).map(str::to_owned));
    }
    cursor.spaces();
    let delimiter = match cursor.peek()? {
        b'"' => cursor.quoted()?.first().copied(),
        _ => cursor.word().first().copied().filter(|b| !b.eq_ignore_ascii_case(&b'N')),
    };
    let (name, _) = mailbox_name(cursor, pieces, literals)?;
    Some(ListRow { attributes, delimiter, name })
}

fn mailbox_status(cursor: Cursor<'_>, pieces: &[Vec<u8>], literals: &[Vec<u8>]) -> Option<Response> {
    let (name, mut cursor) = mailbox_name(cursor, pieces, literals)?;
    cursor.spaces();
    if !cursor.eat(b'(') {
        return None;
    }
    let mut items = Vec::new();
    loop {
        cursor.spaces();
        if cursor.eat(b')') {
            return Some(Response::MailboxStatus { name, items });
        }
        let item = String::from_utf8_lossy(cursor.word()).to_uppercase();
        cursor.spaces();
        match cursor.number() {
            Some(number) => items.push((item, number)),
            // An absent value (NIL), or one in parentheses, of an item of no interest.
            None if !cursor.word().is_empty() => {}
            None if cursor.eat(b'(') => {
                cursor.word();
                cursor.eat(b')');
            }
            None => return None,
        }
    }
}

/// A string as a command carries it: quoted. A literal is never needed, since nothing that is sent holds CR or LF.
pub(in crate::imap) fn quoted(octets: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'"'];
    for octet in octets {
        if matches!(octet, b'"' | b'\\') {
            quoted.push(b'\\');
        }
        quoted.push(*octet);
    }
    quoted.push(b'"');
    quoted
}
