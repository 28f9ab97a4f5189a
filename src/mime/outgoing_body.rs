//! The content of a message to be sent (RFC 2046): its text, the images in it, its files.
//!
//! ```text
//! mixed ┬ alternative ┬ text/plain
//!       │             └ related ┬ text/html
//!       │                       └ images
//!       └ files
//! ```
//!
//! A level that would hold one part is left out.

use lettre::message::header::{
    ContentDisposition, ContentId, ContentTransferEncoding, ContentType, Header, HeaderName, HeaderValue,
};
use lettre::message::{Body, MultiPart, MultiPartBuilder, SinglePart};

use super::draft_text::DraftText;
use crate::error::{Error, ErrorKind, Result};
use crate::types::{CleanText, DraftFile, OutgoingId};

/// Writes the content with its header fields; `id` makes boundaries that are the same each time.
pub(super) fn write(text: DraftText, files: &[DraftFile], id: OutgoingId) -> Result<Vec<u8>> {
    let (images, files): (Vec<_>, Vec<_>) =
        files.iter().partition(|file| text.html.is_some() && file.content_id.is_some());
    let plain = Part::Single(text_part(&text.text, ContentType::TEXT_PLAIN)?);
    let mut content = match text.html {
        None => plain,
        Some(html) => {
            let mut shown = Part::Single(text_part(&html, ContentType::TEXT_HTML)?);
            if !images.is_empty() {
                let related = shown.inside(MultiPart::related(), "related", id);
                let images = images.into_iter().map(image_part).collect::<Result<Vec<_>>>()?;
                shown = Part::Multi(images.into_iter().fold(related, MultiPart::singlepart));
            }
            Part::Multi(shown.beside(plain.inside(MultiPart::alternative(), "alternative", id)))
        }
    };
    if !files.is_empty() {
        let mixed = content.inside(MultiPart::mixed(), "mixed", id);
        let files = files.into_iter().map(file_part).collect::<Result<Vec<_>>>()?;
        content = Part::Multi(files.into_iter().fold(mixed, MultiPart::singlepart));
    }
    Ok(match content {
        Part::Single(part) => part.formatted(),
        Part::Multi(part) => part.formatted(),
    })
}

enum Part {
    Single(SinglePart),
    Multi(MultiPart),
}

impl Part {
    /// The part as the first of a multipart.
    fn inside(self, multipart: MultiPartBuilder, kind: &str, id: OutgoingId) -> MultiPart {
        // Neither quoted-printable nor base64 ever writes "=_" (RFC 2045 §6.7).
        self.beside(multipart.boundary(format!("=_{kind}_{id}")).build())
    }

    /// The part as the next of a multipart.
    fn beside(self, multipart: MultiPart) -> MultiPart {
        match self {
            Self::Single(part) => multipart.singlepart(part),
            Self::Multi(part) => multipart.multipart(part),
        }
    }
}

/// A text, quoted-printable while most of it is ASCII. The line end behind it is written with the part.
fn text_part(text: &str, kind: ContentType) -> Result<SinglePart> {
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines = lines.strip_suffix('\n').unwrap_or(&lines).replace('\n', "\r\n");
    let foreign = lines.bytes().filter(|b| !b.is_ascii()).count();
    let encoding = if foreign * 4 > lines.len() {
        ContentTransferEncoding::Base64
    } else {
        ContentTransferEncoding::QuotedPrintable
    };
    Ok(SinglePart::builder().header(kind).body(encoded(lines.into_bytes(), encoding)?))
}

/// A file. Always base64: of a text file too every octet stays as it is.
fn file_part(file: &DraftFile) -> Result<SinglePart> {
    let name = file_name(file);
    let builder = SinglePart::builder().header(content_type(&file.content_type)?);
    let builder = if name.is_empty() {
        builder.header(Nameless("attachment"))
    } else {
        builder.header(ContentDisposition::attachment(name.as_str()))
    };
    Ok(builder.body(encoded(file.octets.clone(), ContentTransferEncoding::Base64)?))
}

/// The file's name; that of an attached message ends in `.eml`.
fn file_name(file: &DraftFile) -> CleanText {
    let name = CleanText::file_name(file.name.as_str());
    let essence = file.content_type.split(';').next().unwrap_or_default().trim();
    let message = ["message/rfc822", "message/global"].iter().any(|kind| essence.eq_ignore_ascii_case(kind));
    if !message || name.as_str().to_ascii_lowercase().ends_with(".eml") {
        return name;
    }
    let stem = if name.is_empty() { "message" } else { name.as_str() };
    let room = stem.floor_char_boundary(200);
    CleanText::file_name(&format!("{}.eml", stem.get(..room).unwrap_or(stem)))
}

fn image_part(file: &DraftFile) -> Result<SinglePart> {
    let name = CleanText::file_name(file.name.as_str());
    let id = file.content_id.as_ref().map_or("", CleanText::as_str);
    if !is_content_id(id) {
        return Err(Error::new(
            ErrorKind::Invalid,
            "a content_id is not letters, digits and @.!#$%&'*+-/^_{|}~",
        ));
    }
    let builder = SinglePart::builder()
        .header(content_type(&file.content_type)?)
        .header(ContentId::from(format!("<{id}>")));
    let builder = if name.is_empty() {
        builder.header(Nameless("inline"))
    } else {
        builder.header(ContentDisposition::inline_with_name(name.as_str()))
    };
    Ok(builder.body(encoded(file.octets.clone(), ContentTransferEncoding::Base64)?))
}

/// What stands in a URL of the scheme `cid` and in a field as it is, on one line.
fn is_content_id(id: &str) -> bool {
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"@.!#$%&'*+-/^_{|}~".contains(&b);
    (1..=200).contains(&id.len()) && id.bytes().all(fine)
}

fn encoded(octets: Vec<u8>, encoding: ContentTransferEncoding) -> Result<Body> {
    Body::new_with_encoding(octets, encoding)
        .map_err(|_| Error::new(ErrorKind::Invalid, "a part of the draft cannot be encoded"))
}

/// The media type as the draft has it, where a part in base64 may be of it. What is none is octets; so are attached messages and
/// multiparts, which must not be base64 (RFC 2046 §5.2.1, RFC 2045 §6.4) and would be altered by anything else: under a name
/// that ends in `.eml` mail programs open them all the same. Of parameters a text keeps its charset.
fn content_type(media_type: &str) -> Result<ContentType> {
    let mut pieces = media_type.split(';').map(str::trim);
    let essence = pieces.next().unwrap_or_default().to_ascii_lowercase();
    let charset = pieces.filter_map(|piece| piece.split_once('=')).find_map(|(name, value)| {
        let value = value.trim_matches(['"', ' ']);
        (name.trim().eq_ignore_ascii_case("charset") && is_token(value) && value.len() <= 40).then_some(value)
    });
    let usable = essence.len() <= 127
        && essence.split_once('/').is_some_and(|(kind, subtype)| {
            is_token(kind) && is_token(subtype) && !["multipart", "message"].contains(&kind)
        });
    let written = match (usable, charset) {
        (true, Some(charset)) if essence.starts_with("text/") => format!("{essence}; charset={charset}"),
        (true, _) => essence,
        (false, _) => OCTETS.to_owned(),
    };
    ContentType::parse(&written)
        .or_else(|_| ContentType::parse(OCTETS))
        .map_err(|_| Error::new(ErrorKind::Invalid, "a content_type is no media type"))
}

const OCTETS: &str = "application/octet-stream";

/// RFC 6838 §4.2: fewer characters than RFC 2045 lets a token have.
fn is_token(text: &str) -> bool {
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b);
    text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.bytes().all(fine)
}

/// A Content-Disposition without a file name.
#[derive(Clone)]
struct Nameless(&'static str);

impl Header for Nameless {
    fn name() -> HeaderName {
        ContentDisposition::name()
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self("attachment"))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_media_type_or_must_not_be_base64_is_octets() {
        let written = |text: &str| content_type(text).unwrap().display();
        let octets = written(OCTETS);
        for text in
            ["", "pdf", "a/b/c", "a/b\r\nBcc: x@y", "é/x", "message/rfc822", "Multipart/mixed", "/", "a /b"]
        {
            assert_eq!(written(text), octets, "{text:?}");
        }
        assert_ne!(written("Application/PDF; name=x"), octets);
        assert_eq!(written("Application/PDF; name=x"), written("application/pdf"));
        assert_eq!(
            written("text/csv; header=no; Charset=\"utf-16le\""),
            written("text/csv; charset=utf-16le")
        );
        assert_eq!(written("text/csv; charset=\"a b\""), written("text/csv"));
    }
}
