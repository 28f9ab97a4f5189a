//! Content transfer encodings (RFC 2045 §6), undone as the octets flow by.

/// Undoes base64. What is not in the alphabet is skipped; padding ends a group, so that joined pieces decode too.
#[derive(Clone, Default)]
pub(super) struct Base64 {
    bits: u32,
    held: u8,
}

const NOT_BASE64: u8 = 0xff;

#[allow(clippy::indexing_slicing, reason = "the compiler evaluates it, and would see a wrong index")]
const BASE64: [u8; 256] = {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut table = [NOT_BASE64; 256];
    let mut value = 0u8;
    while value < 64 {
        table[alphabet[value as usize] as usize] = value;
        value += 1;
    }
    table
};

fn sextet(octet: u8) -> u8 {
    BASE64.get(usize::from(octet)).copied().unwrap_or(NOT_BASE64)
}

impl Base64 {
    /// Decodes the next octets into `out`.
    pub(super) fn decode(&mut self, mut octets: &[u8], out: &mut Vec<u8>) {
        loop {
            if self.held == 0 {
                let (groups, _) = octets.as_chunks::<4>();
                let read = 4 * whole_groups(groups, out);
                octets = octets.get(read..).unwrap_or_default();
            }
            let Some((octet, rest)) = octets.split_first() else { return };
            self.one(*octet, out);
            octets = rest;
        }
    }

    fn one(&mut self, octet: u8, out: &mut Vec<u8>) {
        if octet == b'=' {
            *self = Self::default();
            return;
        }
        let value = sextet(octet);
        if value == NOT_BASE64 {
            return;
        }
        self.bits = self.bits << 6 | u32::from(value);
        self.held += 1;
        match self.held {
            2 => out.push(lowest(self.bits >> 4)),
            3 => out.push(lowest(self.bits >> 2)),
            4 => {
                out.push(lowest(self.bits));
                *self = Self::default();
            }
            _ => {}
        }
    }
}

fn lowest(bits: u32) -> u8 {
    let [octet, ..] = bits.to_le_bytes();
    octet
}

/// Decodes groups of four as long as all four octets are of the alphabet; tells how many groups that were.
fn whole_groups(groups: &[[u8; 4]], out: &mut Vec<u8>) -> usize {
    for (read, group) in groups.iter().enumerate() {
        let values = group.map(sextet);
        if values.iter().fold(0, |all, value| all | value) & 0xc0 != 0 {
            return read;
        }
        let bits = values.iter().fold(0, |bits, value| bits << 6 | u32::from(*value));
        out.extend(bits.to_be_bytes().iter().skip(1));
    }
    groups.len()
}

/// Undoes quoted-printable, a line at a time or a piece of one; a wrong escape stands for itself.
#[derive(Clone, Default)]
pub(super) struct QuotedPrintable {
    state: Escape,
}

#[derive(Debug, Clone, Copy, Default)]
enum Escape {
    #[default]
    None,
    /// `=` was read.
    Begun,
    /// `=` and a hexadecimal digit were read.
    Half(u8),
    /// `=` and white space were read: a soft line break that a transport padded.
    Padded,
}

impl QuotedPrintable {
    /// Decodes the next octets of a line into `out`.
    pub(super) fn decode(&mut self, mut octets: &[u8], out: &mut Vec<u8>) {
        loop {
            if matches!(self.state, Escape::None) {
                let plain = octets.iter().position(|b| *b == b'=').unwrap_or(octets.len());
                let (plain, rest) = octets.split_at_checked(plain).unwrap_or((octets, &[]));
                out.extend_from_slice(plain);
                octets = rest;
            }
            let Some((octet, rest)) = octets.split_first() else { return };
            octets = rest;
            self.one(*octet, out);
        }
    }

    fn one(&mut self, octet: u8, out: &mut Vec<u8>) {
        self.state = match (self.state, octet, hex(octet)) {
            (Escape::None, b'=', _) => Escape::Begun,
            (Escape::Begun, _, Some(_)) => Escape::Half(octet),
            (Escape::Half(first), _, Some(low)) => {
                out.push(hex(first).unwrap_or(0) << 4 | low);
                Escape::None
            }
            (Escape::Begun | Escape::Padded, b' ' | b'\t', _) => Escape::Padded,
            (unfinished, _, _) => {
                unfinished.literally(out);
                if octet == b'=' {
                    Escape::Begun
                } else {
                    out.push(octet);
                    Escape::None
                }
            }
        };
    }

    /// Ends the line; tells whether its end is part of the content, which after a soft line break it is not.
    pub(super) fn end_line(&mut self, out: &mut Vec<u8>) -> bool {
        let soft = matches!(self.state, Escape::Begun | Escape::Padded);
        if soft {
            self.state = Escape::None;
        } else {
            self.finish(out);
        }
        !soft
    }

    /// Gives back what an unfinished escape held.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        std::mem::take(&mut self.state).literally(out);
    }
}

impl Escape {
    fn literally(self, out: &mut Vec<u8>) {
        match self {
            Self::None => {}
            Self::Begun => out.push(b'='),
            Self::Half(digit) => out.extend_from_slice(&[b'=', digit]),
            Self::Padded => out.extend_from_slice(b"= "),
        }
    }
}

/// The value of a hexadecimal digit.
pub(super) fn hex(octet: u8) -> Option<u8> {
    char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn base64(pieces: &[&[u8]]) -> Vec<u8> {
        let (mut decoder, mut out) = (Base64::default(), Vec::new());
        for piece in pieces {
            decoder.decode(piece, &mut out);
        }
        out
    }

    fn quoted(lines: &[&[u8]]) -> Vec<u8> {
        let (mut decoder, mut out) = (QuotedPrintable::default(), Vec::new());
        for line in lines {
            decoder.decode(line, &mut out);
            if decoder.end_line(&mut out) {
                out.push(b'\n');
            }
        }
        out
    }

    #[test]
    fn base64_skips_what_is_not_of_its_alphabet() {
        assert_eq!(base64(&[b"aGVs", b"bG8="]), b"hello");
        assert_eq!(base64(&[b"a", b"G V\r\ns", b"b!G8"]), b"hello");
        assert_eq!(base64(&[b"aGVsbG8=aGVsbG8"]), b"hellohello");
        assert_eq!(base64(&[b"=", b"===", b"a"]), b"");
    }

    #[test]
    fn a_wrong_escape_stands_for_itself() {
        assert_eq!(quoted(&[b"a=C3=a9=", b"b=3D"]), "aéb=\n".as_bytes());
        assert_eq!(quoted(&[b"=  ", b"x"]), b"x\n");
        assert_eq!(quoted(&[b"=G1 =4", b"==41=zz"]), b"=G1 =4\n=A=zz\n");
    }

    proptest! {
        #[test]
        fn pieces_decode_as_the_whole_does(octets in prop::collection::vec(any::<u8>(), 0..60),
                                           text in "[A-Za-d0-3=+/ =]{0,60}", at in 0usize..60) {
            for octets in [&octets[..], text.as_bytes()] {
                let (a, b) = octets.split_at(at.min(octets.len()));
                prop_assert_eq!(base64(&[a, b]), base64(&[octets]));
                let (mut whole, mut split) = (Vec::new(), Vec::new());
                let mut decoder = QuotedPrintable::default();
                decoder.decode(octets, &mut whole);
                decoder.finish(&mut whole);
                decoder.decode(a, &mut split);
                decoder.decode(b, &mut split);
                decoder.finish(&mut split);
                prop_assert_eq!(whole, split);
            }
        }
    }
}
