//! Header fields (RFC 5322 §2.2) as slices of the octets they came in.

use std::borrow::Cow;

/// One header field: name and folded value, both as they came.
#[derive(Clone, Copy)]
pub(super) struct HeaderField<'a> {
    pub(super) name: &'a [u8],
    pub(super) value: &'a [u8],
}

impl<'a> HeaderField<'a> {
    /// Whether the field has this name (RFC 5322 §1.2.2: names ignore case).
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// At most `octets` octets of the value, unfolded.
    pub(super) fn text(&self, octets: usize) -> Cow<'a, str> {
        text(self.value.get(..octets).unwrap_or(self.value))
    }
}

/// The value of the first field of that name in a header block, unfolded; at most `octets` octets of it.
pub(crate) fn first_field<'a>(header: &'a [u8], name: &str, octets: usize) -> Option<Cow<'a, str>> {
    HeaderFields::new(header).find(|field| field.is(name)).map(|field| field.text(octets))
}

/// The fields of a header block, up to its first empty line; lines that belong to no field are skipped.
#[derive(Clone)]
pub(super) struct HeaderFields<'a> {
    rest: &'a [u8],
}

impl<'a> HeaderFields<'a> {
    pub(super) fn new(octets: &'a [u8]) -> Self {
        Self { rest: octets }
    }
}

impl<'a> Iterator for HeaderFields<'a> {
    type Item = HeaderField<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (line, after) = split_line(self.rest);
            if self.rest.is_empty() || line.is_empty() {
                self.rest = &[];
                return None;
            }
            let field = split_field(line);
            let start = self.rest;
            self.rest = after;
            let Some((name, _)) = field else { continue };
            while matches!(self.rest.first(), Some(b' ' | b'\t')) {
                self.rest = split_line(self.rest).1;
            }
            let whole = start.get(..start.len() - self.rest.len()).unwrap_or_default();
            let value = match whole.iter().position(|b| *b == b':') {
                Some(colon) => whole.get(colon + 1..).unwrap_or_default(),
                None => &[],
            };
            return Some(HeaderField { name, value: before_lone_return(value).trim_ascii() });
        }
    }
}

/// The first line without its end, and what follows it.
fn split_line(octets: &[u8]) -> (&[u8], &[u8]) {
    let (line, rest) = match octets.iter().position(|b| *b == b'\n') {
        Some(end) => (octets.get(..end).unwrap_or_default(), octets.get(end + 1..).unwrap_or_default()),
        None => (octets, &[][..]),
    };
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}

/// What stands before a carriage return that ends a line by itself: some write so, and then what follows is another
/// field, whose addresses are not this one's.
fn before_lone_return(value: &[u8]) -> &[u8] {
    let end = value.windows(2).position(|pair| matches!(pair, [b'\r', next] if !b"\r\n \t".contains(next)));
    value.get(..end.unwrap_or(value.len())).unwrap_or(value)
}

/// Longest field name looked for: names are short, lines of strangers need not be.
const MAX_NAME: usize = 256;

/// Name and first line of the value, if `line` begins a field; white space before the colon is obsolete syntax.
pub(super) fn split_field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let head = line.get(..MAX_NAME).unwrap_or(line);
    let colon = head.iter().position(|b| *b == b':')?;
    let (name, value) = line.split_at_checked(colon)?;
    let name = name.trim_ascii_end();
    let fine = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    fine.then_some((name, value.strip_prefix(b":").unwrap_or(value)))
}

/// Raw octets as text: UTF-8 (RFC 6532) or, where they are not, Latin-1, which every octet is. Line ends are removed,
/// which is how a folded value is unfolded.
pub(super) fn text(octets: &[u8]) -> Cow<'_, str> {
    let unfolded: Cow<'_, [u8]> = if octets.iter().any(|b| matches!(b, b'\r' | b'\n')) {
        Cow::Owned(octets.iter().copied().filter(|b| !matches!(b, b'\r' | b'\n')).collect())
    } else {
        Cow::Borrowed(octets)
    };
    match unfolded {
        Cow::Borrowed(octets) => match std::str::from_utf8(octets) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(octets.iter().copied().map(char::from).collect()),
        },
        Cow::Owned(octets) => Cow::Owned(match String::from_utf8(octets) {
            Ok(text) => text,
            Err(error) => error.into_bytes().into_iter().map(char::from).collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(octets: &[u8]) -> Vec<(String, String)> {
        HeaderFields::new(octets)
            .map(|f| (String::from_utf8_lossy(f.name).into_owned(), f.text(usize::MAX).into_owned()))
            .collect()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn a_folded_value_is_one_value() {
        assert_eq!(
            fields(b"To: a@x,\r\n\tb@y\r\nX:1\r\n\r\nNo: more"),
            [pair("To", "a@x,\tb@y"), pair("X", "1")]
        );
        assert_eq!(fields(b"A : obsolete\nB:\n\nC: no"), [pair("A", "obsolete"), pair("B", "")]);
    }

    #[test]
    fn lines_that_are_no_fields_are_skipped() {
        assert_eq!(
            fields(b"From nobody Tue\r\n continued\r\nA: 1\r\nno colon\r\n\xff: 2\r\nB: 3"),
            [pair("A", "1"), pair("B", "3")]
        );
    }

    #[test]
    fn what_follows_a_lone_return_is_not_the_field() {
        assert_eq!(fields(b"From: a@x\rTo: b@y\r\r"), [pair("From", "a@x")]);
        assert_eq!(fields(b"From: a\r\n b\r c\r\r\n"), [pair("From", "a b c")]);
    }

    #[test]
    fn raw_octets_are_utf_8_or_latin_1() {
        assert_eq!(text("Müller".as_bytes()), "Müller");
        assert_eq!(text(b"M\xfcller"), "Müller");
    }
}
