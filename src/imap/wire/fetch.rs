//! FETCH responses (RFC 9051 §7.5.2), read piece by piece around their literals.

use super::cursor::Cursor;
use super::response::{Body, Fetched, FetchedRange};
use crate::types::Uid;

/// What the item that a line broke off in wants of the literal that follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// BODY[]: its octets are handed on.
    Body,
    /// BODY[HEADER.FIELDS ..]: kept.
    Headers,
    /// BODY[]<origin>: kept.
    Range,
    /// One label of a list: kept.
    Label,
    /// Nothing: skipped.
    Skip,
}

/// The state of reading one FETCH response.
#[derive(Debug, Default)]
pub(super) struct FetchReader {
    pub(super) fetched: Fetched,
    /// Parentheses open inside an item that is skipped.
    depth: usize,
    in_labels: bool,
    opened: bool,
    pub(super) closed: bool,
}

impl FetchReader {
    pub(super) fn new(sequence: u32) -> Self {
        Self { fetched: Fetched { sequence, ..Fetched::default() }, ..Self::default() }
    }

    /// Reads a line of the response; `literal` says that it ends by announcing one. Answers what that literal is wanted for.
    /// `None`: the line is not a FETCH response.
    pub(super) fn line(&mut self, line: &[u8], literal: bool) -> Option<Wanted> {
        let end = if literal { line.iter().rposition(|b| *b == b'{')? } else { line.len() };
        let line = line.get(..end)?;
        let line = if literal { line.strip_suffix(b"~").unwrap_or(line) } else { line };
        let mut cursor = Cursor::new(line);
        if !self.opened {
            cursor.spaces();
            if !cursor.eat(b'(') {
                return None;
            }
            self.opened = true;
        }
        loop {
            cursor.spaces();
            if self.in_labels {
                if self.labels(&mut cursor)? {
                    continue;
                }
                return Some(Wanted::Label);
            }
            if self.depth > 0 {
                self.skip_nested(&mut cursor);
                if self.depth > 0 {
                    return Some(Wanted::Skip);
                }
                continue;
            }
            match cursor.peek() {
                None => return if literal { Some(Wanted::Skip) } else { None },
                Some(b')') => {
                    self.closed = true;
                    return Some(Wanted::Skip);
                }
                Some(_) => {
                    if let Some(wanted) = self.item(&mut cursor)? {
                        return Some(wanted);
                    }
                }
            }
        }
    }

    /// Takes a literal that was kept.
    pub(super) fn kept(&mut self, wanted: Wanted, octets: Vec<u8>) {
        match wanted {
            Wanted::Headers => self.fetched.headers = Some(octets),
            Wanted::Range => {
                if let Some(range) = &mut self.fetched.range {
                    range.octets = octets;
                }
            }
            Wanted::Label => self.fetched.labels.get_or_insert_default().push(octets),
            Wanted::Body | Wanted::Skip => {}
        }
    }

    /// Reads one item. `Some(wanted)` when it breaks off before a literal.
    #[allow(
        clippy::option_option,
        reason = "outside: whether it can be read; inside: whether a literal follows"
    )]
    fn item(&mut self, cursor: &mut Cursor<'_>) -> Option<Option<Wanted>> {
        let name = cursor.item_name().to_ascii_uppercase();
        if name.is_empty() {
            return None;
        }
        cursor.spaces();
        match name.as_slice() {
            b"UID" => self.fetched.uid = u32::try_from(cursor.number()?).ok().and_then(Uid::new),
            b"RFC822.SIZE" => {
                self.fetched.size = cursor.number();
                if self.fetched.size.is_none() {
                    cursor.word();
                }
            }
            b"FLAGS" => {
                if !cursor.eat(b'(') {
                    return None;
                }
                let mut flags = Vec::new();
                loop {
                    cursor.spaces();
                    if cursor.eat(b')') {
                        break;
                    }
                    let flag = cursor.word();
                    if flag.is_empty() {
                        return None;
                    }
                    flags.push(String::from_utf8_lossy(flag).to_lowercase());
                }
                self.fetched.flags = Some(flags);
            }
            b"INTERNALDATE" => match cursor.quoted() {
                Some(date) => self.fetched.internal_date = Some(String::from_utf8_lossy(&date).into_owned()),
                None => _ = cursor.word(),
            },
            b"X-GM-LABELS" => {
                if cursor.eat(b'(') {
                    self.in_labels = true;
                    self.fetched.labels.get_or_insert_default();
                } else {
                    cursor.word();
                }
            }
            b"BODY[]" => match cursor.peek() {
                None => return Some(Some(Wanted::Body)),
                Some(b'"') => {
                    // A short text as a quoted string: given up like an absent one; servers send literals.
                    cursor.quoted()?;
                    self.fetched.body = Body::Empty;
                }
                Some(_) => {
                    cursor.word();
                    self.fetched.body = Body::Empty;
                }
            },
            name if name.starts_with(b"BODY[]<") => {
                let range = self.fetched.range.insert(FetchedRange::default());
                let mut origin = Cursor::new(name.strip_prefix(b"BODY[]<")?);
                range.origin = origin.number()?;
                match cursor.peek() {
                    None => return Some(Some(Wanted::Range)),
                    Some(b'"') => range.octets = cursor.quoted()?,
                    Some(_) => _ = cursor.word(),
                }
            }
            b"X-GM-THRID" if cursor.peek().is_some_and(|octet| octet.is_ascii_digit()) => {
                self.fetched.thread = thread_id(cursor.word());
            }
            // NIL, which is passed over, where the server puts the message into none (RFC 8474 §5.2).
            b"THREADID" if cursor.eat(b'(') => {
                cursor.spaces();
                self.fetched.thread = thread_id(cursor.word());
                self.depth = 1;
            }
            name if name.starts_with(b"BODY[HEADER.FIELDS") => match cursor.peek() {
                None => return Some(Some(Wanted::Headers)),
                Some(b'"') => self.fetched.headers = Some(cursor.quoted()?),
                Some(_) => _ = cursor.word(),
            },
            _ => match cursor.peek() {
                None => return Some(Some(Wanted::Skip)),
                Some(b'(') => {
                    cursor.eat(b'(');
                    self.depth = 1;
                }
                Some(b'"') => _ = cursor.quoted()?,
                Some(b')') => {}
                Some(_) => _ = cursor.word(),
            },
        }
        Some(None)
    }

    /// Reads labels; `false` when the list breaks off before a literal.
    fn labels(&mut self, cursor: &mut Cursor<'_>) -> Option<bool> {
        loop {
            cursor.spaces();
            let label = match cursor.peek() {
                None => return Some(false),
                Some(b')') => {
                    cursor.eat(b')');
                    self.in_labels = false;
                    return Some(true);
                }
                Some(b'"') => cursor.quoted()?,
                Some(b'(') => return None,
                Some(_) => cursor.word().to_vec(),
            };
            self.fetched.labels.get_or_insert_default().push(label);
        }
    }

    /// Skips what stands in parentheses, however deep, without recursion.
    fn skip_nested(&mut self, cursor: &mut Cursor<'_>) {
        while self.depth > 0 {
            match cursor.peek() {
                None => return,
                Some(b'"') => {
                    if cursor.quoted().is_none() {
                        cursor.eat(b'"');
                    }
                }
                Some(octet) => {
                    cursor.eat(octet);
                    match octet {
                        b'(' => self.depth += 1,
                        b')' => self.depth -= 1,
                        _ => {}
                    }
                }
            }
        }
    }
}

/// The id of a conversation, as RFC 8474 §4 limits it; `None` for anything else.
fn thread_id(word: &[u8]) -> Option<String> {
    let plain = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-');
    let fits = (1..=255).contains(&word.len()) && word.iter().all(plain);
    fits.then(|| String::from_utf8_lossy(word).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<Fetched> {
        let mut reader = FetchReader::new(1);
        reader.line(line.as_bytes(), false)?;
        reader.closed.then_some(reader.fetched)
    }

    #[test]
    fn items_are_read_in_any_order_and_unknown_ones_skipped() {
        let fetched = read(
            r#"(FLAGS (\Seen $Label) X-UNKNOWN (a "b)" (c)) UID 7 PREVIEW "x" RFC822.SIZE 12 MODSEQ (5) INTERNALDATE "17-Jul-1996 02:44:25 -0700" X-GM-LABELS (\Inbox "a b"))"#,
        )
        .unwrap();
        assert_eq!(fetched.uid, Uid::new(7));
        assert_eq!(fetched.size, Some(12));
        assert_eq!(fetched.flags.unwrap(), ["\\seen", "$label"]);
        assert_eq!(fetched.labels.unwrap(), [b"\\Inbox".to_vec(), b"a b".to_vec()]);
        assert_eq!(read("(UID 3 BODY[] NIL)").unwrap().body, Body::Empty);
        assert_eq!(read("(INTERNALDATE NIL UID 3)").unwrap().uid, Uid::new(3));
    }

    #[test]
    fn a_range_is_a_literal_a_string_or_nothing_and_says_where_it_begins() {
        let range = |origin, octets: &[u8]| Some(FetchedRange { origin, octets: octets.to_vec() });
        assert_eq!(read(r#"(UID 3 BODY[]<7> "a\"b")"#).unwrap().range, range(7, b"a\"b"));
        assert_eq!(read("(BODY[]<0> NIL UID 3)").unwrap().range, range(0, b""));
        let mut reader = FetchReader::new(1);
        assert_eq!(reader.line(b"(UID 3 BODY[]<4294967296> {3}", true), Some(Wanted::Range));
        reader.kept(Wanted::Range, b"abc".to_vec());
        assert_eq!(reader.line(b")", false), Some(Wanted::Skip));
        assert_eq!(reader.fetched.range, range(1 << 32, b"abc"));
        for bad in ["(BODY[]<> NIL)", "(BODY[]<x> NIL)", "(BODY[]<99999999999999999999> NIL)"] {
            assert!(read(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_conversation_has_a_name_or_none() {
        let thread = |line: &str| read(line).unwrap().thread;
        assert_eq!(thread("(UID 3 X-GM-THRID 1278455344230334865)").as_deref(), Some("1278455344230334865"));
        assert_eq!(thread("(THREADID (T64b478a75b7ea9) UID 3)").as_deref(), Some("T64b478a75b7ea9"));
        let long = format!("(THREADID ({}) UID 3)", "x".repeat(256));
        let odd =
            ["(THREADID NIL UID 3)", r#"(THREADID ("a b" (c)) UID 3)"#, "(X-GM-THRID NIL UID 3)", &long];
        for none in odd {
            let fetched = read(none).unwrap();
            assert_eq!((fetched.uid, fetched.thread), (Uid::new(3), None), "{none}");
        }
    }

    #[test]
    fn a_million_open_parentheses_are_no_deeper_than_one() {
        let deep = format!("(BODYSTRUCTURE {}", "(".repeat(1_000_000));
        let mut reader = FetchReader::new(1);
        assert_eq!(reader.line(deep.as_bytes(), false), Some(Wanted::Skip));
        assert!(!reader.closed);
    }

    #[test]
    fn what_is_no_fetch_response_is_told() {
        for bad in ["", "UID 3", "(UID", "(UID x)", "(FLAGS \\Seen)"] {
            assert!(read(bad).is_none(), "{bad}");
        }
    }
}
