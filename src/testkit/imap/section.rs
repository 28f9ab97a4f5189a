//! The parts of a message a FETCH may ask for (RFC 9051 §6.4.5.1).

use std::{ops::Range, sync::Arc};

use super::header;

/// A section as it was asked for.
pub(super) struct SectionItem {
    /// What the answer calls it, the origin of a part aside.
    pub(super) label: String,
    pub(super) section: Section,
    pub(super) peek: bool,
    /// Offset and count.
    pub(super) partial: Option<(usize, usize)>,
}

pub(super) enum Section {
    Whole,
    Header,
    Text,
    Fields { names: Vec<String>, others: bool },
}

impl Section {
    /// The octets the section lies in, and where.
    pub(super) fn of(&self, octets: &Arc<[u8]>) -> (Arc<[u8]>, Range<usize>) {
        let header = header::length(octets);
        match self {
            Self::Whole => (Arc::clone(octets), 0..octets.len()),
            Self::Header => (Arc::clone(octets), 0..header),
            Self::Text => (Arc::clone(octets), header..octets.len()),
            Self::Fields { names, others } => {
                let listed =
                    |field: &[u8]| names.iter().any(|name| field.eq_ignore_ascii_case(name.as_bytes()));
                let mut picked: Vec<u8> = Vec::new();
                for (field, raw) in header::fields(octets) {
                    if listed(field) != *others {
                        picked.extend_from_slice(raw);
                    }
                }
                picked.extend_from_slice(b"\r\n");
                let end = picked.len();
                (Arc::from(picked), 0..end)
            }
        }
    }
}

/// `BODY[…]` and `BODY.PEEK[…]`, whole or `<offset.count>`.
pub(super) fn parse(word: &str) -> Option<SectionItem> {
    let (name, rest) = word.split_once('[')?;
    let (inner, partial) = rest.rsplit_once(']')?;
    let peek = match name.to_ascii_uppercase().as_str() {
        "BODY" => false,
        "BODY.PEEK" => true,
        _ => return None,
    };
    let (kind, names) = inner.split_once('(').unwrap_or((inner, ")"));
    let names = names.strip_suffix(')')?;
    let names: Vec<String> = names.split_whitespace().map(|name| name.trim_matches('"').to_owned()).collect();
    let section = match (kind.trim().to_ascii_uppercase().as_str(), names.is_empty()) {
        ("", true) => Section::Whole,
        ("HEADER", true) => Section::Header,
        ("TEXT", true) => Section::Text,
        ("HEADER.FIELDS", false) => Section::Fields { names, others: false },
        ("HEADER.FIELDS.NOT", false) => Section::Fields { names, others: true },
        _ => return None,
    };
    let label = format!("BODY[{inner}]");
    if partial.is_empty() {
        return Some(SectionItem { label, section, peek, partial: None });
    }
    let (offset, count) = partial.strip_prefix('<')?.strip_suffix('>')?.split_once('.')?;
    let (offset, count): (usize, usize) = (offset.parse().ok()?, count.parse().ok()?);
    let partial = Some((offset, count)).filter(|_| count > 0)?;
    Some(SectionItem { label, section, peek, partial: Some(partial) })
}
