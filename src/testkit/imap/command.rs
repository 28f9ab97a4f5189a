//! Commands: read off the wire, told apart into values (RFC 9051 §9 `command`).

use std::io;

use super::personality::Manners;
use crate::testkit::wire::Wire;

/// The longest line taken; RFC 7162 §4 advises servers to take at least 8,192 octets.
const LINE: usize = 64 * 1024;
/// The largest literal taken: room for the 60 MB messages tests upload.
const LITERAL: usize = 128 * 1024 * 1024;
/// RFC 7888 §5: with `LITERAL-` a literal nobody waits for holds at most this much.
const LITERAL_MINUS: usize = 4096;
/// Deeper parentheses than any command needs.
const DEPTH: usize = 32;

/// A command as octets: lines with the literals between them.
///
/// No `Debug`: it may hold a password.
#[derive(Default)]
pub(super) struct RawCommand(Vec<Segment>);

#[derive(Default)]
struct Segment {
    text: Vec<u8>,
    literal: Option<Vec<u8>>,
}

/// A word of a command.
///
/// No `Debug`: it may hold a password.
#[derive(Clone, PartialEq)]
pub(super) enum Value {
    /// An atom, a number, a set, a section: whatever stands bare.
    Atom(Vec<u8>),
    /// A quoted string or a literal.
    Text(Vec<u8>),
    /// A parenthesised list.
    List(Vec<Value>),
}

/// A command told apart.
///
/// No `Debug`: it may hold a password.
pub(super) struct Command {
    pub(super) tag: String,
    /// In upper case; `UID FETCH` and its like are one name.
    pub(super) name: String,
    pub(super) arguments: Arguments,
}

/// The words behind the name, taken from the front.
pub(super) struct Arguments(std::collections::VecDeque<Value>);

/// A command that cannot be read; its tag where one was found.
pub(super) struct Malformed {
    pub(super) tag: Option<String>,
}

/// What came off the wire.
pub(super) enum Incoming {
    Command(RawCommand),
    /// A literal was announced that this server does not take, for this reason; the line is kept for the transcript.
    Refused(RawCommand, String),
    End,
}

/// What happens where a literal is announced.
pub(super) enum Hitch {
    /// The session is answered so, in place of `+`.
    Refused(String),
    /// The session is told this before `+`.
    Told(Vec<u8>),
    /// The connection ends after so many octets.
    Closed(usize),
}

/// Reads one command with its literals, asking for those that must be asked for.
pub(super) async fn read(
    wire: &mut Wire,
    personality: &Manners,
    hitch: impl Fn(&str) -> Option<Hitch>,
) -> io::Result<Incoming> {
    let mut segments = Vec::new();
    loop {
        let Some(line) = wire.line(LINE).await? else { return Ok(Incoming::End) };
        let Some((text, size, waits)) = announced(&line) else {
            segments.push(Segment { text: line, literal: None });
            return Ok(Incoming::Command(RawCommand(segments)));
        };
        let taken =
            waits || personality.has("LITERAL+") || personality.has("LITERAL-") && size <= LITERAL_MINUS;
        if size > LITERAL || !taken {
            segments.push(Segment { text: line, literal: None });
            return Ok(Incoming::Refused(RawCommand(segments), "BAD Literal refused.".to_owned()));
        }
        match hitch(&name_of(segments.first().map_or(text, |first| &first.text))) {
            Some(Hitch::Refused(reason)) if waits => {
                segments.push(Segment { text: line, literal: None });
                return Ok(Incoming::Refused(RawCommand(segments), reason));
            }
            Some(Hitch::Told(octets)) if waits => wire.write(&octets).await?,
            Some(Hitch::Closed(octets)) => {
                if waits {
                    wire.write(b"+ OK\r\n").await?;
                    wire.flush().await?;
                }
                wire.octets(octets.min(size)).await?;
                return Ok(Incoming::End);
            }
            _ => {}
        }
        if waits {
            wire.write(b"+ OK\r\n").await?;
            wire.flush().await?;
        }
        let literal = wire.octets(size).await?;
        segments.push(Segment { text: text.to_vec(), literal: Some(literal) });
    }
}

/// The second word of a line, in upper case.
fn name_of(line: &[u8]) -> String {
    let word = line.split(|octet| *octet == b' ').nth(1).unwrap_or_default();
    String::from_utf8_lossy(word).to_ascii_uppercase()
}

/// The text before `{n}` or `{n+}` at the end of a line, n, and whether the session waits.
fn announced(line: &[u8]) -> Option<(&[u8], usize, bool)> {
    let inner = line.strip_suffix(b"}")?;
    let (inner, waits) = inner.strip_suffix(b"+").map_or((inner, true), |inner| (inner, false));
    let open = inner.iter().rposition(|octet| *octet == b'{')?;
    let (text, digits) = inner.split_at_checked(open)?;
    Some((text, std::str::from_utf8(digits.get(1..)?).ok()?.parse().ok()?, waits))
}

impl RawCommand {
    /// What a transcript shows: literals as their announcement only.
    pub(super) fn line(&self) -> String {
        self.0
            .iter()
            .map(|segment| {
                let text = String::from_utf8_lossy(&segment.text);
                match &segment.literal {
                    Some(literal) => format!("{text}{{{}}}", literal.len()),
                    None => text.into_owned(),
                }
            })
            .collect()
    }

    pub(super) fn parse(self) -> Result<Command, Malformed> {
        let tag = self.0.first().map(|segment| segment.text.as_slice()).and_then(tag_of);
        let malformed = || Malformed { tag: tag.clone() };
        let mut words = values(self.0).ok_or_else(malformed)?.into_iter();
        let (Some(Value::Atom(_)), Some(tag), Some(Value::Atom(name))) =
            (words.next(), tag.clone(), words.next())
        else {
            return Err(malformed());
        };
        let mut name = String::from_utf8_lossy(&name).to_ascii_uppercase();
        if name == "UID" {
            let Some(Value::Atom(second)) = words.next() else { return Err(malformed()) };
            name = format!("UID {}", String::from_utf8_lossy(&second).to_ascii_uppercase());
        }
        Ok(Command { tag, name, arguments: Arguments(words.collect()) })
    }
}

fn tag_of(line: &[u8]) -> Option<String> {
    let word = line.split(|octet| *octet == b' ').next()?;
    let plain = |octet: &u8| octet.is_ascii_graphic() && !b"+(){%*\"\\".contains(octet);
    (!word.is_empty() && word.iter().all(plain)).then(|| String::from_utf8_lossy(word).into_owned())
}

fn values(segments: Vec<Segment>) -> Option<Vec<Value>> {
    let mut open: Vec<Vec<Value>> = vec![Vec::new()];
    for segment in segments {
        let mut rest = segment.text.as_slice();
        while let Some((octet, tail)) = rest.split_first() {
            rest = match octet {
                b' ' => tail,
                b'(' if open.len() < DEPTH => {
                    open.push(Vec::new());
                    tail
                }
                b'(' => return None,
                b')' => {
                    let list = open.pop()?;
                    open.last_mut()?.push(Value::List(list));
                    tail
                }
                b'"' => {
                    let (text, tail) = quoted(tail)?;
                    open.last_mut()?.push(Value::Text(text));
                    tail
                }
                _ => {
                    let (atom, tail) = rest.split_at_checked(atom_length(rest))?;
                    open.last_mut()?.push(Value::Atom(atom.to_vec()));
                    tail
                }
            };
        }
        if let Some(literal) = segment.literal {
            open.last_mut()?.push(Value::Text(literal));
        }
    }
    let words = open.pop()?;
    open.is_empty().then_some(words)
}

fn quoted(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut text = Vec::new();
    loop {
        let (octet, tail) = rest.split_first()?;
        rest = tail;
        match octet {
            b'"' => return Some((text, rest)),
            b'\\' => {
                let (escaped, tail) = rest.split_first()?;
                text.push(*escaped);
                rest = tail;
            }
            _ => text.push(*octet),
        }
    }
}

/// A section's brackets may hold spaces and parentheses: `BODY[HEADER.FIELDS (FROM TO)]`.
fn atom_length(rest: &[u8]) -> usize {
    let mut bracket_ends = None;
    for (at, octet) in rest.iter().enumerate() {
        match octet {
            _ if bracket_ends.is_some_and(|end| at < end) => {}
            b'[' => {
                let behind = rest.get(at..).unwrap_or_default();
                bracket_ends = behind.iter().position(|octet| *octet == b']').map(|length| at + length);
            }
            b' ' | b'(' | b')' | b'"' => return at,
            _ => {}
        }
    }
    rest.len()
}

impl Value {
    /// The octets of anything but a list.
    pub(super) fn octets(&self) -> Option<&[u8]> {
        match self {
            Self::Atom(octets) | Self::Text(octets) => Some(octets),
            Self::List(_) => None,
        }
    }

    /// The octets as text, where they are text.
    pub(super) fn text(&self) -> Option<&str> {
        self.octets().and_then(|octets| std::str::from_utf8(octets).ok())
    }

    /// Whether this is the atom `word`, in any case.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self, Self::Atom(atom) if atom.eq_ignore_ascii_case(word.as_bytes()))
    }

    /// The list's values; anything else as a list of itself.
    pub(super) fn items(&self) -> &[Value] {
        match self {
            Self::List(items) => items,
            single => std::slice::from_ref(single),
        }
    }
}

impl Arguments {
    pub(super) fn new(values: impl IntoIterator<Item = Value>) -> Self {
        Self(values.into_iter().collect())
    }

    pub(super) fn peek(&self) -> Option<&Value> {
        self.0.front()
    }

    pub(super) fn next(&mut self) -> Option<Value> {
        self.0.pop_front()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next word's octets.
    pub(super) fn octets(&mut self) -> Option<Vec<u8>> {
        self.next()?.octets().map(<[u8]>::to_vec)
    }

    /// The next word as text.
    pub(super) fn text(&mut self) -> Option<String> {
        self.next()?.text().map(str::to_owned)
    }

    /// The next word if it is a list, else nothing is taken.
    pub(super) fn list(&mut self) -> Option<Vec<Value>> {
        match self.0.pop_front()? {
            Value::List(items) => Some(items),
            other => {
                self.0.push_front(other);
                None
            }
        }
    }

    /// Takes the next word if it is the atom `word`.
    pub(super) fn skip(&mut self, word: &str) -> bool {
        let found = self.peek().is_some_and(|value| value.is(word));
        if found {
            self.0.pop_front();
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Option<Command> {
        let raw = RawCommand(vec![Segment { text: line.as_bytes().to_vec(), literal: None }]);
        raw.parse().ok()
    }

    #[test]
    fn words_are_told_apart() {
        let mut command = parse("a1 uid FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (FROM TO)]<0.9>)").unwrap();
        assert_eq!((command.tag.as_str(), command.name.as_str()), ("a1", "UID FETCH"));
        assert_eq!(command.arguments.text().as_deref(), Some("1:*"));
        let items = command.arguments.list().unwrap();
        assert_eq!(items.get(1).unwrap().text(), Some("BODY.PEEK[HEADER.FIELDS (FROM TO)]<0.9>"));

        let mut command = parse(r#"a2 SELECT "a \"b\" \\c""#).unwrap();
        assert_eq!(command.arguments.text().as_deref(), Some(r#"a "b" \c"#));
        assert_eq!(parse("a3 SELECT [Gmail]/All").unwrap().arguments.text().as_deref(), Some("[Gmail]/All"));
    }

    #[test]
    fn what_is_no_command_is_refused() {
        for line in ["", "a", "a (", "a NOOP )", "a SELECT \"x", "* OK", "a UID"] {
            assert!(parse(line).is_none(), "{line}");
        }
        assert!(parse(&format!("a X {}", "(".repeat(1000))).is_none());
    }

    #[test]
    fn literals_are_announced_at_the_end_of_a_line() {
        assert_eq!(announced(b"a LOGIN {4}"), Some((&b"a LOGIN "[..], 4, true)));
        assert_eq!(announced(b"a LOGIN {4+}"), Some((&b"a LOGIN "[..], 4, false)));
        assert_eq!(announced(b"a LOGIN {x}"), None);
    }
}
