//! The fields of a header that are read later, collected within a bound while a message flows by.

use super::field::split_field;

/// The groups of fields that share a bound, so that none can crowd out another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    Authors,
    Recipients,
    Subject,
    Threading,
    Content,
    Marks,
    Outgoing,
    Authentication,
    Received,
}

const GROUPS: usize = 9;
/// Together 276 KiB: several thousand recipients, and of all else many times what real mail has. Of Received there is
/// room for one name: where the first stands says all that is asked.
const MESSAGE_BOUNDS: [usize; GROUPS] = [
    32 * 1024,
    144 * 1024,
    16 * 1024,
    48 * 1024,
    16 * 1024,
    4 * 1024,
    256,
    16 * 1024,
    "received: \r\n".len() + 1,
];
/// A part is described by its content fields alone.
const PART_BOUNDS: [usize; GROUPS] = [0, 0, 0, 0, 16 * 1024, 0, 0, 0, 0];

const FIELDS: [(&str, Group); 22] = [
    ("from", Group::Authors),
    ("sender", Group::Authors),
    ("x-original-from", Group::Authors),
    ("message-id", Group::Authors),
    ("date", Group::Authors),
    ("to", Group::Recipients),
    ("cc", Group::Recipients),
    ("bcc", Group::Recipients),
    ("subject", Group::Subject),
    ("in-reply-to", Group::Threading),
    ("references", Group::Threading),
    ("content-type", Group::Content),
    ("content-transfer-encoding", Group::Content),
    ("content-disposition", Group::Content),
    ("content-id", Group::Content),
    ("auto-submitted", Group::Marks),
    ("x-autoreply", Group::Marks),
    ("x-autorespond", Group::Marks),
    ("precedence", Group::Marks),
    ("x-practicemail-id", Group::Outgoing),
    ("authentication-results", Group::Authentication),
    ("received", Group::Received),
];

/// What became of a line that was offered to a header.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum HeaderLine {
    /// It is part of the header.
    Taken,
    /// It is the empty line behind the header.
    End,
    /// The header is missing: the line is the first of the content.
    Content,
}

/// A header in the making.
pub(super) struct KeptHeader {
    bounds: [usize; GROUPS],
    octets: Vec<u8>,
    /// Where the current field's value begins in `octets`, and its group; `None` while a field is skipped.
    field: Option<(usize, Group)>,
    lines: u64,
    addresses_cut: bool,
}

impl KeptHeader {
    pub(super) fn of_message() -> Self {
        Self::within(MESSAGE_BOUNDS)
    }

    pub(super) fn of_part() -> Self {
        Self::within(PART_BOUNDS)
    }

    fn within(bounds: [usize; GROUPS]) -> Self {
        Self { bounds, octets: Vec::new(), field: None, lines: 0, addresses_cut: false }
    }

    /// Offers the beginning of a line, the whole of it when `whole`.
    pub(super) fn begin_line(&mut self, line: &[u8], whole: bool) -> HeaderLine {
        if line.is_empty() && whole {
            self.end_field();
            return HeaderLine::End;
        }
        let first = self.lines == 0;
        self.lines += 1;
        if !first && matches!(line.first(), Some(b' ' | b'\t')) {
            self.append(line);
            return HeaderLine::Taken;
        }
        self.end_field();
        match split_field(line) {
            Some((name, value)) => self.begin_field(name, value),
            // What mailbox files put before a message is no content.
            None if first && !line.starts_with(b"From ") && !line.starts_with(b">From ") => {
                return HeaderLine::Content;
            }
            None => {}
        }
        HeaderLine::Taken
    }

    /// Adds more of a line that is longer than what is handed over at once.
    pub(super) fn continue_line(&mut self, piece: &[u8]) {
        self.append(piece);
    }

    /// The fields kept, and whether addresses had to be left out.
    pub(super) fn finish(mut self) -> (Vec<u8>, bool) {
        self.end_field();
        (self.octets, self.addresses_cut)
    }

    /// The fields of a header of which only the beginning came. Nobody knows whether the last field is over: what
    /// could turn out to be another address, or another result, is left out.
    pub(super) fn finish_beginning(mut self) -> Vec<u8> {
        if let Some((start, group)) = self.field
            && matches!(group, Group::Authors | Group::Recipients | Group::Authentication)
        {
            self.cut(start, group);
        }
        self.finish().0
    }

    fn begin_field(&mut self, name: &[u8], value: &[u8]) {
        let Some((name, group)) =
            FIELDS.into_iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()))
        else {
            return;
        };
        if self.bound(group) <= name.len() + 4 {
            self.addresses_cut |= matches!(group, Group::Authors | Group::Recipients);
            return;
        }
        self.charge(group, name.len() + 4);
        self.octets.extend_from_slice(name.as_bytes());
        self.octets.extend_from_slice(b": ");
        self.field = Some((self.octets.len(), group));
        self.append(value);
    }

    fn end_field(&mut self) {
        if self.field.take().is_some() {
            self.octets.extend_from_slice(b"\r\n");
        }
    }

    fn bound(&self, group: Group) -> usize {
        self.bounds.get(group as usize).copied().unwrap_or(0)
    }

    fn charge(&mut self, group: Group, octets: usize) {
        if let Some(bound) = self.bounds.get_mut(group as usize) {
            *bound = bound.saturating_sub(octets);
        }
    }

    fn append(&mut self, mut piece: &[u8]) {
        while let Some((start, group)) = self.field
            && !piece.is_empty()
        {
            let (fits, rest) = piece.split_at_checked(self.bound(group)).unwrap_or((piece, &[]));
            self.octets.extend_from_slice(fits);
            self.charge(group, fits.len());
            piece = rest;
            if !rest.is_empty() {
                self.cut(start, group);
            }
        }
    }

    /// Makes a field end that has used up its bound: an address list behind its last whole address, a list of
    /// references at its beginning, so that the nearest ancestors stay; a list of results whole; of anything else the
    /// beginning stays.
    fn cut(&mut self, start: usize, group: Group) {
        let length = self.octets.len() - start;
        match group {
            Group::Threading if length > 1 => {
                self.octets.drain(start..start + length / 2);
                if let Some(bound) = self.bounds.get_mut(group as usize) {
                    *bound += length / 2;
                }
            }
            Group::Authors | Group::Recipients => {
                let value = self.octets.get(start..).unwrap_or_default();
                let whole = value.iter().rposition(|b| *b == b',').unwrap_or(0);
                self.octets.truncate(start + whole);
                self.addresses_cut = true;
                self.end_field();
            }
            // Half a list of results says something else than the whole: it says nothing, nor does what stands below.
            Group::Authentication => {
                self.octets.truncate(start);
                self.charge(group, usize::MAX);
                self.end_field();
            }
            Group::Threading
            | Group::Subject
            | Group::Content
            | Group::Marks
            | Group::Outgoing
            | Group::Received => self.end_field(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mime::addressing_headers;
    use crate::mime::field::HeaderFields;

    fn kept(block: &str) -> (Vec<u8>, bool) {
        let mut header = KeptHeader::of_message();
        for line in block.split("\r\n") {
            header.begin_line(line.as_bytes(), true);
        }
        header.finish()
    }

    #[test]
    fn only_fields_that_are_read_later_are_kept() {
        let (octets, cut) = kept("Received: x\r\n y\r\nTO : a@x,\r\n\tb@x\r\nX: 1\r\n z\r\nSubject: s");
        assert_eq!(String::from_utf8(octets).unwrap(), "received:  \r\nto:  a@x,\tb@x\r\nsubject:  s\r\n");
        assert!(!cut);
    }

    #[test]
    fn a_flood_of_recipients_ends_behind_a_whole_address_and_leaves_room_for_the_author() {
        let (octets, cut) = kept(&format!("To: {}\r\nFrom: a@x", "<client1@example.org>, ".repeat(10_000)));
        assert!(cut && octets.len() < 276 * 1024);
        let headers = addressing_headers(&octets);
        assert_eq!(headers.participants[0].address.to_string(), "a@x");
        assert!(headers.participants[1..].iter().all(|p| p.address.to_string() == "client1@example.org"));
    }

    #[test]
    fn of_a_flood_of_references_the_last_are_kept() {
        let ids: Vec<_> = (0..100_000).map(|n| format!("<{n}@x> ")).collect();
        let (octets, _) = kept(&format!("References: {}\r\nSubject: s", ids.concat()));
        assert!(octets.len() < 64 * 1024);
        let value = HeaderFields::new(&octets).next().unwrap().text(usize::MAX).into_owned();
        assert!(value.ends_with("<99998@x> <99999@x>"));
        assert_eq!(HeaderFields::new(&octets).count(), 2);
    }

    #[test]
    fn a_hundred_thousand_fields_stay_within_the_bound() {
        for field in [
            "To: a@x",
            "Subject: s",
            "Subject:",
            "References: <a>",
            "Content-Type: a/b",
            "X: y",
            "Received: x",
            "Authentication-Results: x",
        ] {
            assert!(kept(&format!("{field}\r\n").repeat(100_000)).0.len() < 256 * 1024, "{field}");
        }
    }

    #[test]
    fn a_missing_header_is_noticed_by_its_first_line() {
        assert_eq!(KeptHeader::of_message().begin_line(b"Dear all", true), HeaderLine::Content);
        assert_eq!(KeptHeader::of_message().begin_line(b" x: y", true), HeaderLine::Content);
        let mut header = KeptHeader::of_message();
        assert_eq!(header.begin_line(b"From anna Tue Nov 24", true), HeaderLine::Taken);
        assert_eq!(header.begin_line(b"no field", true), HeaderLine::Taken);
        assert_eq!(header.begin_line(b"", true), HeaderLine::End);
    }
}
