//! Mailbox files (RFC 4155) in the dialect that can be undone: mboxrd.

use chrono::{DateTime, Datelike, Utc};

use crate::types::{Address, Timestamp};

/// What a line begins with that begins a message, or is quoted in one.
const FROM: &[u8] = b"From ";
/// Who sent what nobody is known to have sent.
const NOBODY: &str = "MAILER-DAEMON";

/// Writes one message into a mailbox file, as it flows by.
///
/// Before it stands a line with its sender and the time; behind it an empty line. Lines in it that begin with `From
/// `, or with that behind any number of `>`, get one `>` more, and a last line without an end gets one. Nothing else
/// is changed: whoever takes one `>` away from such lines has the octets back.
///
/// ```
/// use practicemail::mime::MailboxFileEntry;
/// use practicemail::types::{Address, Timestamp};
/// let mut file = Vec::new();
/// let anna = Address::parse("anna@example.org").unwrap();
/// let mut entry = MailboxFileEntry::begin(Some(&anna), Timestamp::from_unix(0), &mut file);
/// entry.update(b"Subject: s\r\n\r\nFr", &mut file);
/// entry.update(b"om here\r\n", &mut file);
/// entry.finish(&mut file);
/// assert_eq!(file, b"From anna@example.org Thu Jan  1 00:00:00 1970\nSubject: s\r\n\r\n>From here\r\n\n");
/// ```
#[derive(Debug)]
pub struct MailboxFileEntry {
    line: Line,
}

/// How much of a line was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Nothing but `>`, and then so many octets of [`FROM`], which are held back.
    Begun { quoted: bool, held: usize },
    /// Enough to know that it needs no quoting.
    Known,
}

impl Line {
    const NEW: Self = Self::Begun { quoted: false, held: 0 };
}

impl MailboxFileEntry {
    /// Begins a message by this envelope sender, where one is known, that was received at this time.
    pub fn begin(sender: Option<&Address>, at: Timestamp, file: &mut Vec<u8>) -> Self {
        let sender = sender.map(Address::to_string).filter(|sender| !sender.contains(char::is_whitespace));
        let date = DateTime::<Utc>::from_timestamp(at.as_unix(), 0);
        let date = date.filter(|date| (1..=9999).contains(&date.year())).unwrap_or_default();
        let date = date.format("%a %b %e %H:%M:%S %Y");
        file.extend_from_slice(format!("From {} {date}\n", sender.as_deref().unwrap_or(NOBODY)).as_bytes());
        Self { line: Line::NEW }
    }

    /// Writes the next octets of the message.
    pub fn update(&mut self, octets: &[u8], file: &mut Vec<u8>) {
        let mut rest = octets;
        while let Some((first, behind)) = rest.split_first() {
            match self.line {
                Line::Begun { held: 0, .. } if *first == b'>' => {
                    file.push(b'>');
                    self.line = Line::Begun { quoted: true, held: 0 };
                    rest = behind;
                }
                Line::Begun { quoted, held } if FROM.get(held) == Some(first) => {
                    self.line = Line::Begun { quoted, held: held + 1 };
                    rest = behind;
                    if held + 1 == FROM.len() {
                        file.push(b'>');
                        self.release(file);
                    }
                }
                Line::Begun { .. } => self.release(file),
                Line::Known => {
                    let end = rest.iter().position(|b| *b == b'\n').map(|end| end + 1);
                    let (line, behind) =
                        rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
                    file.extend_from_slice(line);
                    rest = behind;
                    if end.is_some() {
                        self.line = Line::NEW;
                    }
                }
            }
        }
    }

    /// Writes what was held back.
    fn release(&mut self, file: &mut Vec<u8>) {
        if let Line::Begun { held, .. } = std::mem::replace(&mut self.line, Line::Known) {
            file.extend_from_slice(FROM.get(..held).unwrap_or_default());
        }
    }

    /// Ends the message.
    pub fn finish(mut self, file: &mut Vec<u8>) {
        if self.line != Line::NEW {
            self.release(file);
            file.push(b'\n');
        }
        file.push(b'\n');
    }
}
