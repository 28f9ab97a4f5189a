//! A cursor over one line of a response.

/// Reads tokens off a line; every method leaves the cursor where it was when it finds something else.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(line: &'a [u8]) -> Self {
        Self { rest: line }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn spaces(&mut self) {
        let start = self.rest.iter().position(|b| *b != b' ').unwrap_or(self.rest.len());
        self.rest = self.rest.get(start..).unwrap_or_default();
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(super) fn eat(&mut self, octet: u8) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if *first == octet => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Octets up to a space, parenthesis or the end.
    pub(super) fn word(&mut self) -> &'a [u8] {
        let end = self.rest.iter().position(|b| b" ()".contains(b)).unwrap_or(self.rest.len());
        self.take(end)
    }

    /// The name of a FETCH item: a word, with the section in brackets and the origin in angle brackets where it has them.
    pub(super) fn item_name(&mut self) -> &'a [u8] {
        let mut depth = 0;
        let end = self.rest.iter().position(|b| {
            match b {
                b'[' => depth += 1,
                b']' => depth -= 1,
                _ => {}
            }
            depth <= 0 && b" (){\"".contains(b)
        });
        self.take(end.unwrap_or(self.rest.len()))
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let end = self.rest.iter().position(|b| !b.is_ascii_digit()).unwrap_or(self.rest.len());
        let number = std::str::from_utf8(self.rest.get(..end)?).ok()?.parse().ok()?;
        self.take(end);
        Some(number)
    }

    /// A quoted string, unescaped.
    pub(super) fn quoted(&mut self) -> Option<Vec<u8>> {
        let mut octets = self.rest.strip_prefix(b"\"")?.iter();
        let mut text = Vec::new();
        loop {
            match octets.next()? {
                b'\\' => text.push(*octets.next()?),
                b'"' => break,
                octet => text.push(*octet),
            }
        }
        self.rest = octets.as_slice();
        Some(text)
    }

    fn take(&mut self, n: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(n.min(self.rest.len()));
        self.rest = rest;
        taken
    }
}

/// The length that a line ending in `{n}`, `{n+}` or `~{n}` announces; `Err` for braces with anything else in them.
pub(super) fn announced_literal(line: &[u8]) -> Result<Option<u64>, ()> {
    let Some(inside) = line.strip_suffix(b"}") else { return Ok(None) };
    let Some(open) = inside.iter().rposition(|b| *b == b'{') else { return Ok(None) };
    let digits = inside.get(open + 1..).unwrap_or_default();
    let digits = digits.strip_suffix(b"+").unwrap_or(digits);
    let number =
        std::str::from_utf8(digits).ok().filter(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()));
    number.and_then(|d| d.parse().ok()).map(Some).ok_or(())
}

/// Whether the line ends inside a quoted string, so that a brace at its end announces nothing.
pub(super) fn ends_inside_quotes(line: &[u8]) -> bool {
    let mut inside = false;
    let mut octets = line.iter();
    while let Some(octet) = octets.next() {
        match octet {
            b'\\' if inside => {
                octets.next();
            }
            b'"' => inside = !inside,
            _ => {}
        }
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_announced_at_the_end_of_a_line_only() {
        for (line, announced) in [
            (&b"* 1 FETCH (BODY[] {12}"[..], Ok(Some(12))),
            (b"x {0}", Ok(Some(0))),
            (b"x {3+}", Ok(Some(3))),
            (b"x {-1}", Err(())),
            (b"x {0x10}", Err(())),
            (b"x {18446744073709551616}", Err(())),
            (b"x {}", Err(())),
            (b"{5} x", Ok(None)),
            (b"x }", Ok(None)),
        ] {
            assert_eq!(announced_literal(line), announced, "{}", line.escape_ascii());
        }
        assert!(ends_inside_quotes(b"* LIST () \"/\" \"a {5}"));
        assert!(!ends_inside_quotes(b"* LIST () \"\\\\\" {5}"));
    }

    #[test]
    fn quoted_strings_are_unescaped() {
        let mut cursor = Cursor::new(b"\"a\\\"b\\\\c\" rest");
        assert_eq!(cursor.quoted().unwrap(), b"a\"b\\c");
        assert_eq!(cursor.rest(), b" rest");
        assert_eq!(Cursor::new(b"\"open").quoted(), None);
    }
}
