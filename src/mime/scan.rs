//! A message read in pieces of any size, once, in little memory.

use std::fmt;

use super::addressing_headers;
use super::field::{HeaderFields, text};
use super::keep::Keep;
use super::part::PartRange;
use super::walker::{MAX_BOUNDARY_LINE, Walked, Walker};
use super::{authentication, marks, rendition, words};
use crate::types::{CleanText, DraftFile, MessageId, ParsedMessage};

/// Longest line put together before it is handed on; longer ones are handed on in pieces.
const MAX_LINE: usize = 1_024;
const _: () = assert!(MAX_BOUNDARY_LINE + "\r".len() < MAX_LINE);
/// Most references kept: the last ones, which are the nearest.
const MAX_REFERENCES: usize = 100;

/// Reads a message as it arrives and keeps what the archive shows of it, about 1 MiB at most whatever the message's
/// size. How the octets are cut into pieces makes no difference.
///
/// Every part is decoded and digested; of texts the first 256 KiB are kept, of attachments name, type and size.
/// Attached messages are attachments. Nesting beyond 50 levels and parts beyond 1,000 are not taken apart, which
/// [`ParsedMessage::unparsed`] says; the headers are read all the same.
///
/// ```
/// use practicemail::mime::MessageScan;
/// let mut scan = MessageScan::new();
/// scan.update(b"From: anna@example.org\r\nSubject: =?utf-8?q?Gr=C3=BC");
/// scan.update(b"=C3=9Fe?=\r\n\r\nHello\r\n");
/// let message = scan.finish();
/// assert_eq!((message.subject.as_str(), message.text.as_str()), ("Grüße", "Hello"));
/// ```
pub struct MessageScan {
    walker: Walker,
    /// The beginning of a line whose end has not come, or the carriage return that may be half of it.
    line: Vec<u8>,
    /// The line's beginning was handed on already.
    begun: bool,
    empty: bool,
    /// A line feed was read.
    has_lines: bool,
}

/// Nothing of the message.
impl fmt::Debug for MessageScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MessageScan(..)")
    }
}

impl Default for MessageScan {
    fn default() -> Self {
        Self::new()
    }
}

impl MessageScan {
    /// Begins a message.
    pub fn new() -> Self {
        Self {
            walker: Walker::new(),
            line: Vec::with_capacity(MAX_LINE + 1),
            begun: false,
            empty: true,
            has_lines: false,
        }
    }

    /// Begins a message whose attachments are kept whole.
    pub(super) fn keeping_files() -> Self {
        Self::keeping(Keep::All(Vec::new()))
    }

    /// Begins a message of whose attachments is kept what `keep` says.
    pub(super) fn keeping(keep: Keep) -> Self {
        Self { walker: Walker::keeping(keep), ..Self::new() }
    }

    /// What is kept of the attachments so far.
    pub(super) fn keep(&mut self) -> &mut Keep {
        self.walker.keep()
    }

    /// Reads the next octets.
    pub fn update(&mut self, octets: &[u8]) {
        self.empty &= octets.is_empty();
        let mut rest = octets;
        while !rest.is_empty() {
            let end = rest.iter().position(|b| *b == b'\n');
            let (line, behind) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
            rest = behind.strip_prefix(b"\n").unwrap_or(behind);
            match end {
                Some(_) => self.end_line(line),
                None => self.part_of_line(line),
            }
        }
    }

    /// Takes octets of a line that does not end with them.
    fn part_of_line(&mut self, octets: &[u8]) {
        let mut rest = octets;
        if !self.begun {
            let (fits, behind) = rest.split_at_checked(MAX_LINE + 1 - self.line.len()).unwrap_or((rest, &[]));
            self.line.extend_from_slice(fits);
            rest = behind;
            if self.line.len() <= MAX_LINE {
                return;
            }
            let returned = self.line.pop_if(|last| *last == b'\r');
            self.walker.begin_line(&self.line, None);
            self.line.clear();
            self.line.extend(returned);
            self.begun = true;
        }
        if rest.is_empty() {
            return;
        }
        self.hand_on_return();
        let (piece, returned) = match rest.strip_suffix(b"\r") {
            Some(piece) => (piece, &b"\r"[..]),
            None => (rest, &b""[..]),
        };
        self.walker.continue_line(piece, None);
        self.line.extend_from_slice(returned);
    }

    /// Hands on the carriage return that turned out to be no half of a line's end.
    fn hand_on_return(&mut self) {
        if !self.line.is_empty() {
            self.walker.continue_line(b"\r", None);
            self.line.clear();
        }
    }

    /// Takes the last octets of a line.
    fn end_line(&mut self, octets: &[u8]) {
        self.has_lines = true;
        if !self.begun && self.line.is_empty() {
            let (line, end) = without_return(octets);
            return self.walker.begin_line(line, Some(end));
        }
        self.part_of_line(octets);
        let line = std::mem::take(&mut self.line);
        let (piece, end) = without_return(&line);
        if std::mem::take(&mut self.begun) {
            self.walker.continue_line(piece, Some(end));
        } else {
            self.walker.begin_line(piece, Some(end));
        }
        self.line = line;
        self.line.clear();
    }

    /// Ends the message.
    pub fn finish(mut self) -> ParsedMessage {
        let walked = self.end();
        self.tell(walked).0
    }

    /// Ends the message, and tells where the content of each attachment lies, in the order in which they are listed.
    pub fn finish_with_ranges(mut self) -> (ParsedMessage, Vec<PartRange>) {
        let mut walked = self.end();
        let ranges = std::mem::take(&mut walked.ranges);
        (self.tell(walked).0, ranges)
    }

    /// Ends the message, and answers what was kept of its attachments.
    pub(super) fn finish_with_files(mut self) -> (ParsedMessage, Vec<DraftFile>) {
        let walked = self.end();
        self.tell(walked)
    }

    /// Ends the beginning of a message, of which more was not given: [`ParsedMessage::incomplete`].
    ///
    /// An attachment is listed if its header came whole, with so much of its content as came. The last line of the
    /// header, and an address that may go on, are left out.
    pub fn finish_beginning(mut self) -> ParsedMessage {
        if self.walker.is_in_content() {
            if self.begun {
                self.hand_on_return();
            } else if !self.line.is_empty() && !may_be_boundary(&self.line) {
                self.walker.begin_line(&self.line, None);
            }
        }
        let walked = self.walker.finish_beginning();
        let mut message = self.tell(walked).0;
        message.incomplete = true;
        message
    }

    /// Hands on the last line and ends the walk.
    pub(super) fn end(&mut self) -> Walked {
        if self.begun {
            self.hand_on_return();
        } else if !self.line.is_empty() {
            self.walker.begin_line(&self.line, Some(b""));
        }
        self.walker.finish()
    }

    /// Tells what the walk found.
    fn tell(&self, walked: Walked) -> (ParsedMessage, Vec<DraftFile>) {
        let mut message = ParsedMessage::default();
        let Walked { header, addresses_cut, body, attachments, files, ranges: _, parts, unparsed } = walked;
        message.headers = addressing_headers(&header);
        message.headers.truncated |= addresses_cut;
        let fields = || HeaderFields::new(&header);
        message.subject = fields()
            .find(|field| field.is("subject"))
            .map(|field| CleanText::new(&words::decode(field.value)))
            .unwrap_or_default();
        message.in_reply_to =
            fields().filter(|field| field.is("in-reply-to")).flat_map(|field| ids(field.value)).next();
        message.references =
            fields().filter(|field| field.is("references")).flat_map(|field| ids(field.value)).collect();
        let older = message.references.len().saturating_sub(MAX_REFERENCES);
        message.references.drain(..older);
        (message.text, message.html) = body.finish();
        message.attachments = attachments;
        message.rendition = Some(rendition::digest(&message.headers, &message.subject, &parts));
        message.unparsed = match (self.empty, self.has_lines) {
            (true, _) => Some("there are no octets"),
            (_, false) => Some("no line ends in a line feed"),
            _ => unparsed,
        };
        message.outgoing = marks::outgoing(&header);
        message.automatic = marks::is_automatic(&header);
        message.authentication = authentication::results(&header, &message.headers);
        (message, files)
    }
}

/// Whether a line of which the beginning came can still become a boundary.
fn may_be_boundary(line: &[u8]) -> bool {
    line.starts_with(b"--") || line == b"-"
}

fn without_return(line: &[u8]) -> (&[u8], &'static [u8]) {
    match line.strip_suffix(b"\r") {
        Some(line) => (line, b"\r\n"),
        None => (line, b"\n"),
    }
}

/// The Message-IDs of a field that holds several; words between them, which old software wrote, are skipped.
pub(super) fn ids(value: &[u8]) -> impl Iterator<Item = MessageId> {
    value.split(|b| *b == b'<').skip(1).filter_map(|piece| {
        let end = piece.iter().position(|b| *b == b'>')?;
        MessageId::parse(&text(piece.get(..end)?))
    })
}
