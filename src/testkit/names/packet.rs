//! Packets (RFC 1035 §4): a question read, an answer written.

use std::{collections::BTreeMap, net::Ipv4Addr};

/// The type of a canonical name; it answers questions for every other type.
const CNAME: u16 = 5;
/// The type of a question for everything.
const ANY: u16 = 255;
/// The class Internet.
const IN: u16 = 1;
/// How long an answer may be kept, in seconds.
const TTL: u32 = 60;
/// How many canonical names are followed, so that a circle of them ends.
const MOST_NAMES: usize = 8;
/// Where a header ends.
const HEADER: usize = 12;
/// The longest text of one piece (RFC 1035 §3.3).
const TEXT: usize = 255;

// What came of a question (RFC 1035 §4.1.1).
const FORMAT_ERROR: u16 = 1;
const NO_SUCH_NAME: u16 = 3;
const NOT_IMPLEMENTED: u16 = 4;

// Bits of a header's flags.
const IS_ANSWER: u16 = 0x8000;
const OPERATION: u16 = 0x7800;
const AUTHORITATIVE: u16 = 0x0400;
const TRUNCATED: u16 = 0x0200;
const RECURSION_DESIRED: u16 = 0x0100;
const RECURSION_AVAILABLE: u16 = 0x0080;

/// What stands at a name.
#[derive(Clone, Debug)]
pub(super) enum Data {
    A(Ipv4Addr),
    Cname(String),
    Mx(u16, String),
    Txt(String),
    Srv([u16; 3], String),
}

impl Data {
    const fn kind(&self) -> u16 {
        match self {
            Self::A(_) => 1,
            Self::Cname(_) => CNAME,
            Self::Mx(..) => 15,
            Self::Txt(_) => 16,
            Self::Srv(..) => 33,
        }
    }

    fn octets(&self) -> Vec<u8> {
        match self {
            Self::A(address) => address.octets().to_vec(),
            Self::Cname(name) => encoded(name),
            Self::Mx(preference, exchange) => [&preference.to_be_bytes()[..], &encoded(exchange)].concat(),
            Self::Txt(text) => {
                let pieces = text.as_bytes().chunks(TEXT);
                let piece = |piece: &[u8]| [&[u8::try_from(piece.len()).unwrap_or_default()], piece].concat();
                pieces.flat_map(piece).collect()
            }
            Self::Srv(numbers, target) => {
                let numbers = numbers.iter().flat_map(|number| number.to_be_bytes());
                numbers.chain(encoded(target)).collect()
            }
        }
    }
}

/// What is known, by name in lower case.
#[derive(Clone, Debug, Default)]
pub(super) struct Table(BTreeMap<String, Vec<Data>>);

impl Table {
    pub(super) fn add(&mut self, name: &str, data: Data) {
        self.0.entry(plain(name)).or_default().push(data);
    }

    /// The records that answer a question, canonical names followed, and whether the name last asked for is known.
    fn find(&self, name: &str, kind: u16) -> (Vec<(String, &Data)>, bool) {
        let mut found = Vec::new();
        let mut name = name.to_owned();
        for _ in 0..MOST_NAMES {
            let Some(records) = self.0.get(&name) else { return (found, false) };
            let fits = |data: &&Data| data.kind() == kind || kind == ANY;
            let before = found.len();
            found.extend(records.iter().filter(fits).map(|data| (name.clone(), data)));
            let canonical = records.iter().find_map(|data| match data {
                Data::Cname(canonical) => Some((data, canonical)),
                _ => None,
            });
            match canonical {
                Some((data, canonical)) if found.len() == before => {
                    found.push((name, data));
                    name = plain(canonical);
                }
                _ => return (found, true),
            }
        }
        (found, true)
    }
}

/// A name as the table has it.
fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// A name as labels behind their lengths (RFC 1035 §3.1).
fn encoded(name: &str) -> Vec<u8> {
    let labels = name.split('.').filter(|label| !label.is_empty());
    let mut octets: Vec<u8> = labels
        .flat_map(|label| [&[u8::try_from(label.len()).unwrap_or_default() & 63], label.as_bytes()].concat())
        .collect();
    octets.push(0);
    octets
}

/// A packet that is read front to back.
struct Reader<'p>(&'p [u8]);

impl<'p> Reader<'p> {
    fn take(&mut self, count: usize) -> Option<&'p [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_be_bytes)
    }

    /// A name; a question's has no pointers.
    fn name(&mut self) -> Option<String> {
        let mut labels = Vec::new();
        loop {
            let length = usize::from(*self.take(1)?.first()?);
            match length {
                0 => return Some(labels.join(".")),
                1..=63 => labels.push(String::from_utf8_lossy(self.take(length)?).to_ascii_lowercase()),
                _ => return None,
            }
        }
    }
}

/// What a packet is answered, in no more than `most` octets, and the question in words where there was one; `None` for what
/// is no question and must not be answered.
pub(super) fn answer(table: &Table, packet: &[u8], most: usize) -> Option<(Vec<u8>, Option<String>)> {
    let mut reader = Reader(packet);
    let (id, flags, count) = (reader.number()?, reader.number()?, reader.number()?);
    reader.take(HEADER - 6)?;
    if flags & IS_ANSWER != 0 {
        return None;
    }
    let told = IS_ANSWER | AUTHORITATIVE | RECURSION_AVAILABLE | flags & (OPERATION | RECURSION_DESIRED);
    let bare = |code| Some((header(id, told | code, 0, 0), None));
    if flags & OPERATION != 0 {
        return bare(NOT_IMPLEMENTED);
    }
    let behind = reader.0;
    let question = reader.name().zip(reader.number()).zip(reader.number());
    let Some(((name, kind), IN)) = question.filter(|_| count == 1) else { return bare(FORMAT_ERROR) };
    let asked = behind.get(..behind.len() - reader.0.len()).unwrap_or_default();
    let (found, known) = table.find(&name, kind);
    let code = if known { 0 } else { NO_SUCH_NAME };
    let records: Vec<u8> = found.iter().flat_map(|(name, data)| record(name, data)).collect();
    let words = Some(format!("{} {name}", kind_name(kind)));
    if HEADER + asked.len() + records.len() > most {
        return Some(([header(id, told | TRUNCATED | code, 1, 0), asked.to_vec()].concat(), words));
    }
    let count = u16::try_from(found.len()).unwrap_or_default();
    Some(([header(id, told | code, 1, count), asked.to_vec(), records].concat(), words))
}

fn header(id: u16, flags: u16, questions: u16, answers: u16) -> Vec<u8> {
    [id, flags, questions, answers, 0, 0].into_iter().flat_map(u16::to_be_bytes).collect()
}

fn record(name: &str, data: &Data) -> Vec<u8> {
    let octets = data.octets();
    let length = u16::try_from(octets.len()).unwrap_or_default();
    let mut record = encoded(name);
    record.extend([data.kind(), IN].into_iter().flat_map(u16::to_be_bytes));
    record.extend(TTL.to_be_bytes());
    record.extend(length.to_be_bytes());
    record.extend(octets);
    record
}

fn kind_name(kind: u16) -> String {
    let known = match kind {
        1 => "A",
        CNAME => "CNAME",
        15 => "MX",
        16 => "TXT",
        28 => "AAAA",
        33 => "SRV",
        ANY => "ANY",
        _ => return format!("TYPE{kind}"),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::default();
        table.add("Hale.example.", Data::Mx(10, "mx.hale.example".to_owned()));
        table.add("hale.example", Data::Txt("v=spf1".to_owned()));
        table.add("a.example", Data::Cname("b.example".to_owned()));
        table.add("b.example", Data::A([127, 0, 0, 1].into()));
        table.add("circle.example", Data::Cname("circle.example".to_owned()));
        table
    }

    fn question(name: &str, kind: u16) -> Vec<u8> {
        let mut packet = header(7, RECURSION_DESIRED, 1, 0);
        packet.extend(encoded(name));
        packet.extend([kind, IN].into_iter().flat_map(u16::to_be_bytes));
        packet
    }

    /// The code and how many records there are.
    fn asked(name: &str, kind: u16) -> (u16, u16) {
        let (packet, _) = answer(&table(), &question(name, kind), 512).unwrap();
        let mut reader = Reader(&packet);
        assert_eq!(reader.number(), Some(7));
        let flags = reader.number().unwrap();
        reader.number();
        (flags & 15, reader.number().unwrap())
    }

    #[test]
    fn what_the_table_has_is_answered() {
        assert_eq!(asked("HALE.example", 15), (0, 1));
        assert_eq!(asked("hale.example", 28), (0, 0));
        assert_eq!(asked("hale.example", ANY), (0, 2));
        assert_eq!(asked("a.example", 1), (0, 2));
        assert_eq!(asked("nobody.example", 15), (NO_SUCH_NAME, 0));
        assert_eq!(asked("circle.example", 1), (0, 8));
    }

    #[test]
    fn a_packet_cut_or_changed_anywhere_is_no_harm() {
        let packet = question("hale.example", 15);
        for length in 0..packet.len() {
            let cut = answer(&table(), &packet[..length], 512);
            assert!(cut.is_none_or(|(answer, words)| answer[3] & 15 == 1 && words.is_none()), "{length}");
        }
        for at in 0..packet.len() {
            for octet in 0..=255 {
                let mut packet = packet.clone();
                packet[at] = octet;
                let answered = answer(&table(), &packet, 512);
                assert!(answered.is_none_or(|(answer, _)| answer.len() <= 512));
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_truncated() {
        let (packet, _) = answer(&table(), &question("hale.example", 15), 40).unwrap();
        assert_eq!((packet[2] & 2, packet[7]), (2, 0));
    }
}
