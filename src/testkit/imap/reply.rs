//! What a command is answered with, kept in pieces so that a fault can cut between them.

use std::{ops::Range, sync::Arc};

use super::fault::Flood;

/// A piece of an answer: text of its own, or a part of a stored message.
pub(super) enum Chunk {
    Text(Vec<u8>),
    Octets(Arc<[u8]>, Range<usize>),
}

impl Chunk {
    pub(super) fn octets(&self) -> &[u8] {
        match self {
            Self::Text(text) => text,
            Self::Octets(octets, range) => octets.get(range.clone()).unwrap_or_default(),
        }
    }
}

/// One untagged response.
#[derive(Default)]
pub(super) struct Response(pub(super) Vec<Chunk>);

impl Response {
    pub(super) fn text(&mut self, text: impl AsRef<[u8]>) {
        match self.0.last_mut() {
            Some(Chunk::Text(last)) => last.extend_from_slice(text.as_ref()),
            _ => self.0.push(Chunk::Text(text.as_ref().to_vec())),
        }
    }

    pub(super) fn literal(&mut self, octets: &Arc<[u8]>, range: Range<usize>) {
        self.text(format!("{{{}}}\r\n", range.len()));
        self.0.push(Chunk::Octets(Arc::clone(octets), range));
    }
}

/// What happens to the connection once the answer is written.
#[derive(Default)]
pub(super) enum Then {
    #[default]
    Continue,
    StartTls,
    Close,
    Stall,
    Flood(Flood),
}

/// The answer to one command.
#[derive(Default)]
pub(super) struct Reply {
    pub(super) untagged: Vec<Response>,
    /// Without the tag; `None` leaves the command unanswered.
    pub(super) tagged: Option<String>,
    pub(super) then: Then,
}

impl Reply {
    pub(super) fn ok(text: impl Into<String>) -> Self {
        Self::tagged(format!("OK {}", text.into()))
    }

    pub(super) fn no(text: impl Into<String>) -> Self {
        Self::tagged(format!("NO {}", text.into()))
    }

    pub(super) fn bad(text: impl Into<String>) -> Self {
        Self::tagged(format!("BAD {}", text.into()))
    }

    pub(super) fn tagged(text: impl Into<String>) -> Self {
        Self { tagged: Some(text.into()), ..Self::default() }
    }

    pub(super) fn with(mut self, untagged: Vec<Response>) -> Self {
        self.untagged = untagged;
        self
    }
}

/// Appends a line as a response of its own.
pub(super) fn line(untagged: &mut Vec<Response>, text: impl AsRef<[u8]>) {
    let mut response = Response::default();
    response.text(text);
    response.text("\r\n");
    untagged.push(response);
}

/// A string as IMAP can carry it: atom, quoted, or literal where neither will do.
pub(super) fn astring(octets: &[u8]) -> Vec<u8> {
    let atom = |octet: &u8| octet.is_ascii_graphic() && !b"(){%*\"\\".contains(octet);
    if !octets.is_empty() && octets.iter().all(atom) && !octets.eq_ignore_ascii_case(b"NIL") {
        octets.to_vec()
    } else {
        string(octets)
    }
}

/// A string that is never an atom.
pub(super) fn string(octets: &[u8]) -> Vec<u8> {
    if octets.iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0)) {
        let mut literal = format!("{{{}}}\r\n", octets.len()).into_bytes();
        literal.extend_from_slice(octets);
        return literal;
    }
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
