//! What a part's header says of its content (RFC 2045 §5, §6, RFC 2183), parameters as RFC 2231 spells them.

use std::collections::BTreeMap;

use super::address_list::unescaped;
use super::field::{HeaderFields, text};
use super::transfer::hex;
use super::{charset, words};
use crate::types::CleanText;

/// How the octets of a part are encoded (RFC 2045 §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Base64,
    QuotedPrintable,
}

/// What is known of a part before its content.
#[derive(Clone)]
pub(super) struct ContentHeaders {
    /// `type/subtype` in lower case.
    pub(super) media_type: String,
    pub(super) charset: Option<String>,
    pub(super) boundary: Option<Vec<u8>>,
    /// RFC 3676: paragraphs are broken for the screen of their writer.
    pub(super) flowed: bool,
    /// RFC 3676 §4.1: the space before such a break is no part of the text.
    pub(super) delsp: bool,
    pub(super) encoding: Encoding,
    /// RFC 2183: the writer wants it apart from the text.
    pub(super) attachment: bool,
    pub(super) name: CleanText,
    pub(super) content_id: Option<CleanText>,
}

impl ContentHeaders {
    /// Content of which nothing is said but its type.
    pub(super) fn of_type(media_type: &str) -> Self {
        Self {
            media_type: media_type.to_owned(),
            charset: None,
            boundary: None,
            flowed: false,
            delsp: false,
            encoding: Encoding::Identity,
            attachment: false,
            name: CleanText::default(),
            content_id: None,
        }
    }

    /// Reads a header block; of repeated fields the first counts. `default_type` is what a part without a type is.
    pub(super) fn parse(block: &[u8], default_type: &str) -> Self {
        let first =
            |name: &str| HeaderFields::new(block).find(|field| field.is(name)).map(|field| field.value);
        let kind = first("content-type").map(Structured::parse).unwrap_or_default();
        let disposition = first("content-disposition").map(Structured::parse).unwrap_or_default();
        let encoding = first("content-transfer-encoding").map(Structured::parse).unwrap_or_default();
        let name = disposition.text("filename").or_else(|| kind.text("name")).unwrap_or_default();
        let content_id =
            first("content-id").map(|id| CleanText::new(text(id).trim_matches(['<', '>', ' ', '\t'])));
        Self {
            media_type: media_type(&kind.value, default_type),
            charset: kind.text("charset"),
            boundary: kind.octets("boundary").map(|boundary| boundary.trim_ascii_end().to_vec()),
            flowed: kind.is("format", "flowed"),
            delsp: kind.is("delsp", "yes"),
            encoding: match encoding.value.as_str() {
                "base64" => Encoding::Base64,
                "quoted-printable" => Encoding::QuotedPrintable,
                _ => Encoding::Identity,
            },
            attachment: disposition.value == "attachment",
            name: CleanText::file_name(&name),
            content_id: content_id.filter(|id| !id.is_empty()),
        }
    }

    pub(super) fn is_multipart(&self) -> bool {
        self.media_type.starts_with("multipart/")
    }

    pub(super) fn is_text(&self) -> bool {
        self.media_type.starts_with("text/")
    }
}

/// The type as written, where it is one; what carries the old `text` or nothing is text, all else is just octets.
fn media_type(value: &str, default_type: &str) -> String {
    let token = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_graphic() && b != b'/');
    match value.split_once('/') {
        Some((kind, subtype)) if token(kind) && token(subtype) && value.len() <= 127 => value.to_owned(),
        None if value.is_empty() => default_type.to_owned(),
        None if value == "text" => "text/plain".to_owned(),
        _ => "application/octet-stream".to_owned(),
    }
}

/// A value with parameters (RFC 2045 §5.1).
#[derive(Default)]
struct Structured {
    /// In lower case.
    value: String,
    /// Names in lower case; of equal names all.
    parameters: Vec<(String, Vec<u8>)>,
}

impl Structured {
    fn parse(value: &[u8]) -> Self {
        let unfolded: Vec<u8> = value.iter().copied().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
        let (mut quoted, mut escaped) = (false, false);
        let mut pieces = unfolded.split(|octet| {
            let plain = !std::mem::take(&mut escaped);
            escaped = plain && quoted && *octet == b'\\';
            quoted ^= plain && *octet == b'"';
            !quoted && *octet == b';'
        });
        let value = text(uncommented(pieces.next().unwrap_or_default())).to_ascii_lowercase();
        let value = value.split_whitespace().collect();
        Self { value, parameters: pieces.filter_map(parameter).collect() }
    }

    fn plain(&self, name: &str) -> Option<&[u8]> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_slice())
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.plain(name).is_some_and(|given| given.eq_ignore_ascii_case(value.as_bytes()))
    }

    /// A parameter as octets, continued (RFC 2231 §3) or not.
    fn octets(&self, name: &str) -> Option<Vec<u8>> {
        self.plain(name).map(<[u8]>::to_vec).or_else(|| self.extended(name).map(|(_, octets)| octets))
    }

    /// A parameter as text: in the charset it names (RFC 2231 §4), else with encoded words, which many write there.
    fn text(&self, name: &str) -> Option<String> {
        match self.extended(name) {
            Some((label, octets)) => Some(charset::decode(label.as_deref(), &octets)),
            None => self.plain(name).map(words::decode),
        }
    }

    /// The charset and octets of `name*` or of `name*0`, `name*1*` and so on up to the first that is missing.
    fn extended(&self, name: &str) -> Option<(Option<String>, Vec<u8>)> {
        let mut sections: BTreeMap<u32, (bool, &[u8])> = BTreeMap::new();
        for (known, value) in &self.parameters {
            let Some(suffix) = known.strip_prefix(name).and_then(|rest| rest.strip_prefix('*')) else {
                continue;
            };
            let (number, encoded) = match suffix.strip_suffix('*') {
                _ if suffix.is_empty() => ("0", true),
                Some(number) => (number, true),
                None => (suffix, false),
            };
            if let Ok(number) = number.parse() {
                sections.entry(number).or_insert((encoded, value));
            }
        }
        let mut label = None;
        let mut octets = Vec::new();
        for (expected, (number, (encoded, mut value))) in (0u32..).zip(sections) {
            if number != expected {
                break;
            }
            if encoded && number == 0 {
                let mut parts = value.splitn(3, |b| *b == b'\'');
                if let (Some(given), Some(_language), Some(rest)) = (parts.next(), parts.next(), parts.next())
                {
                    label = Some(text(given).into_owned());
                    value = rest;
                }
            }
            if encoded {
                percent_decode(value, &mut octets);
            } else {
                octets.extend_from_slice(value);
            }
        }
        (!octets.is_empty()).then_some((label, octets))
    }
}

fn parameter(piece: &[u8]) -> Option<(String, Vec<u8>)> {
    let equals = piece.iter().position(|b| *b == b'=')?;
    let (name, value) = piece.split_at_checked(equals)?;
    let name = text(name.trim_ascii()).to_ascii_lowercase();
    let value = value.strip_prefix(b"=").unwrap_or(value).trim_ascii();
    let value = match value.strip_prefix(b"\"") {
        Some(quoted) => {
            let mut escaped = false;
            let inner = quoted.iter().take_while(|octet| {
                let ends = **octet == b'"' && !escaped;
                escaped = **octet == b'\\' && !escaped;
                !ends
            });
            unescaped(quoted.get(..inner.count()).unwrap_or(quoted)).collect()
        }
        None => uncommented(value).to_vec(),
    };
    Some((name, value))
}

/// What stands before a comment; one inside a value written without quotes needs white space before it.
fn uncommented(value: &[u8]) -> &[u8] {
    let comment = value.windows(2).position(|pair| matches!(pair, [b' ' | b'\t', b'(']));
    value.get(..comment.unwrap_or(value.len())).unwrap_or(value).trim_ascii()
}

fn percent_decode(value: &[u8], out: &mut Vec<u8>) {
    let mut rest = value;
    while let Some((octet, after)) = rest.split_first() {
        rest = after;
        if let (b'%', [high, low, behind @ ..]) = (octet, after)
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            out.push(high << 4 | low);
            rest = behind;
        } else {
            out.push(*octet);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(fields: &str) -> String {
        ContentHeaders::parse(fields.as_bytes(), "text/plain").name.to_string()
    }

    #[test]
    fn types_and_parameters_are_read() {
        let content = ContentHeaders::parse(
            b"content-type: Multipart/Mixed; Charset=\"utf-8\" (x);\r\n boundary=\"a\\\"; b=\" ; format=Flowed; delsp=yes\r\n\
              Content-Transfer-Encoding: BASE64 (really)\r\nContent-Disposition: ATTACHMENT\r\nContent-ID: <a@b>\r\n",
            "text/plain",
        );
        assert_eq!(content.media_type, "multipart/mixed");
        assert_eq!(content.charset.as_deref(), Some("utf-8"));
        assert_eq!(content.boundary.as_deref(), Some(&b"a\"; b="[..]));
        assert!(content.flowed && content.delsp && content.attachment);
        assert_eq!(content.encoding, Encoding::Base64);
        assert_eq!(content.content_id.unwrap().as_str(), "a@b");
    }

    #[test]
    fn what_is_no_type_is_text_only_where_it_says_nothing_else() {
        for (value, expected) in [
            ("", "message/rfc822"),
            ("text", "text/plain"),
            ("TEXT/HTML", "text/html"),
            ("text / plain; x", "text/plain"),
            ("a/b/c", "application/octet-stream"),
            ("/", "application/octet-stream"),
            ("text/plain (comment)", "text/plain"),
        ] {
            let block = format!("Content-Type: {value}");
            assert_eq!(
                ContentHeaders::parse(block.as_bytes(), "message/rfc822").media_type,
                expected,
                "{value}"
            );
        }
    }

    #[test]
    fn names_are_read_in_every_spelling() {
        for (fields, expected) in [
            ("Content-Disposition: attachment; filename=\"a b.pdf\"", "a b.pdf"),
            ("Content-Disposition: attachment; filename=a b.pdf", "a b.pdf"),
            ("Content-Type: a/b; name=\"=?iso-8859-1?q?M=E4rz.pdf?=\"", "März.pdf"),
            ("Content-Disposition: x; filename=plain; filename*=UTF-8'de'M%C3%A4rz.pdf", "März.pdf"),
            (
                "Content-Disposition: x; filename*0*=utf-8''M%C3; filename*1*=%A4rz; filename*2=\".pdf\"",
                "März.pdf",
            ),
            ("Content-Disposition: x; filename*1=b; filename*0=a; filename*3=d", "ab"),
            ("Content-Disposition: x; filename=\"../../a\\\\b/../\u{202e}c.exe\"", "c.exe"),
            ("Content-Disposition: x; filename=\"März.pdf\"", "März.pdf"),
            ("Content-Disposition: x; filename=\"never closed; a=b", "never closed; a=b"),
        ] {
            assert_eq!(name(fields), expected, "{fields}");
        }
        assert_eq!(
            ContentHeaders::parse(b"Content-Disposition: x; filename=M\xe4rz", "a/b").name.as_str(),
            "März"
        );
    }

    #[test]
    fn a_hundred_thousand_parameters_end_soon() {
        let many: Vec<_> = (0..100_000).map(|n| format!("; name*{n}*=%41")).collect();
        assert_eq!(name(&format!("Content-Type: a/b{}", many.concat())).len(), 255);
    }

    proptest! {
        #[test]
        fn any_octets_are_read_without_panic(octets in prop::collection::vec(any::<u8>(), 0..100), marks in "[-a/;=*0-9'%\" \\\\]{0,80}") {
            for value in [&octets[..], marks.as_bytes()] {
                ContentHeaders::parse(&[b"Content-Type: ", value, b"\nContent-Disposition: x; filename", value].concat(), "a/b");
            }
        }
    }
}
