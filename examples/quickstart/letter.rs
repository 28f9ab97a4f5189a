//! A message in octets, in the charsets and encodings that people's mail programs use.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};

/// How the text is spelled.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Charset {
    Utf8,
    Latin1,
    Latin2,
    Windows1252,
    /// Octets that were encoded before: no program here needs to write it.
    Iso2022Jp,
}

impl Charset {
    const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Latin1 => "ISO-8859-1",
            Self::Latin2 => "ISO-8859-2",
            Self::Windows1252 => "windows-1252",
            Self::Iso2022Jp => "ISO-2022-JP",
        }
    }

    fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Self::Utf8 | Self::Iso2022Jp => text.as_bytes().to_vec(),
            Self::Latin1 => text.chars().map(|c| u8::try_from(c).unwrap_or(b'-')).collect(),
            Self::Latin2 => text.chars().map(latin2).collect(),
            Self::Windows1252 => text.chars().map(windows_1252).collect(),
        }
    }
}

fn latin2(c: char) -> u8 {
    const POLISH: &str = "ĄąĆćĘęŁłŃńÓóŚśŹźŻż";
    const OCTETS: [u8; 18] = [
        0xa1, 0xb1, 0xc6, 0xe6, 0xca, 0xea, 0xa3, 0xb3, 0xd1, 0xf1, 0xd3, 0xf3, 0xa6, 0xb6, 0xac, 0xbc, 0xaf,
        0xbf,
    ];
    let at = POLISH.chars().position(|known| known == c);
    at.map_or_else(|| if c.is_ascii() { c as u8 } else { b'-' }, |at| OCTETS[at])
}

fn windows_1252(c: char) -> u8 {
    match c {
        '€' => 0x80,
        '’' => 0x92,
        '–' => 0x96,
        other => u8::try_from(other).unwrap_or(b'?'),
    }
}

/// A name and an address.
pub(crate) type Person<'a> = (&'a str, &'a str);

/// A message to be written.
pub(crate) struct Letter<'a> {
    pub(crate) id: String,
    pub(crate) at: i64,
    /// How the writer's clock differs from UTC, as the Date field has it, and in seconds.
    pub(crate) zone: (&'static str, i64),
    pub(crate) from: Person<'a>,
    pub(crate) to: Vec<Person<'a>>,
    pub(crate) cc: Vec<Person<'a>>,
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) charset: Charset,
    pub(crate) attachment: Option<(String, usize)>,
}

impl Letter<'_> {
    /// The octets. `received` is what the server of whoever got this copy put above it.
    pub(crate) fn octets(&self, received: &str) -> Vec<u8> {
        let mut head = received.to_owned();
        let local = DateTime::<Utc>::from_timestamp(self.at + self.zone.1, 0).unwrap_or_default();
        let date = format!("{} {}", local.format("%a, %d %b %Y %H:%M:%S"), self.zone.0);
        let field = |head: &mut String, name: &str, value: &str| {
            write!(head, "{name}: {value}\r\n").expect("a string takes every line");
        };
        field(&mut head, "Message-ID", &format!("<{}>", self.id));
        field(&mut head, "Date", &date);
        field(&mut head, "From", &self.people(&[self.from]));
        field(&mut head, "To", &self.people(&self.to));
        if !self.cc.is_empty() {
            field(&mut head, "Cc", &self.people(&self.cc));
        }
        field(&mut head, "Subject", &self.word(&self.subject));
        field(&mut head, "MIME-Version", "1.0");
        let text = self.text_part();
        let body = match &self.attachment {
            None => text,
            Some((name, size)) => {
                let border = format!("=_{}", self.id.split('@').next().unwrap_or_default());
                field(&mut head, "Content-Type", &format!("multipart/mixed; boundary=\"{border}\""));
                head.push_str("\r\n");
                format!("--{border}\r\n{text}\r\n--{border}\r\n{}\r\n--{border}--\r\n", attached(name, *size))
            }
        };
        (head + &body).into_bytes()
    }

    /// The text as a part of its own.
    fn text_part(&self) -> String {
        let plain = |encoding: &str, body: &str| {
            let charset = self.charset.name();
            format!(
                "Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}"
            )
        };
        let octets = self.charset.encode(&self.text.replace('\n', "\r\n"));
        match self.charset {
            Charset::Iso2022Jp => plain("7bit", &self.text),
            Charset::Utf8 => plain("base64", &lines(&STANDARD.encode(octets))),
            _ => plain("quoted-printable", &quoted_printable(&octets)),
        }
    }

    fn people(&self, people: &[Person<'_>]) -> String {
        let one = |(name, address): &Person<'_>| format!("{} <{address}>", self.word(name));
        people.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    /// A word of a header field (RFC 2047 §2), cut so that none is too long.
    fn word(&self, text: &str) -> String {
        let charset = if matches!(self.charset, Charset::Iso2022Jp) { Charset::Utf8 } else { self.charset };
        if text.is_ascii() {
            return text.to_owned();
        }
        let chars: Vec<char> = text.chars().collect();
        let words = chars.chunks(15).map(|chunk| {
            let octets = charset.encode(&chunk.iter().collect::<String>());
            format!("=?{}?B?{}?=", charset.name(), STANDARD.encode(octets))
        });
        words.collect::<Vec<_>>().join("\r\n ")
    }
}

/// An attachment's part; its octets are like those of packed files: as good as random.
fn attached(name: &str, size: usize) -> String {
    let mut state = u32::try_from(size).unwrap_or(1);
    let octets: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    })
    .take(size)
    .collect();
    let content_type = match name.rsplit('.').next() {
        Some("pdf") => "application/pdf",
        Some("zip") => "application/zip",
        Some("xlsx") => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        _ => "application/octet-stream",
    };
    let name = percent(name);
    format!(
        "Content-Type: {content_type}\r\nContent-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename*=UTF-8''{name}\r\n\r\n{}",
        lines(&STANDARD.encode(octets))
    )
}

/// RFC 2231 §4.
fn percent(name: &str) -> String {
    let octet = |o: u8| {
        let plain = o.is_ascii_alphanumeric() || b".-_".contains(&o);
        if plain { char::from(o).to_string() } else { format!("%{o:02X}") }
    };
    name.bytes().map(octet).collect()
}

fn lines(base64: &str) -> String {
    let rows: Vec<&str> =
        base64.as_bytes().chunks(76).filter_map(|row| std::str::from_utf8(row).ok()).collect();
    rows.join("\r\n")
}

/// RFC 2045 §6.7.
fn quoted_printable(octets: &[u8]) -> String {
    let mut out = String::new();
    let mut column = 0;
    for octet in octets {
        if *octet == b'\n' {
            out.push('\n');
            column = 0;
            continue;
        }
        let plain = matches!(octet, b' '..=b'<' | b'>'..=b'~' | b'\r');
        let piece = if plain { char::from(*octet).to_string() } else { format!("={octet:02X}") };
        if column + piece.len() > 72 {
            out.push_str("=\r\n");
            column = 0;
        }
        column += piece.len();
        out.push_str(&piece);
    }
    out
}
