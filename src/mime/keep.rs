//! What is kept of the attachments while a message flows by: nothing, all, or one as it comes.

use super::content::ContentHeaders;
use crate::types::DraftFile;

/// Which attachments are kept, and what was.
#[derive(Default)]
pub(super) enum Keep {
    #[default]
    None,
    All(Vec<DraftFile>),
    One(OneAttachment),
}

/// An attachment that is handed on as it comes.
#[derive(Default)]
pub(super) struct OneAttachment {
    /// Which, counted from 0.
    number: usize,
    /// What was decoded of it and not handed on.
    pub(super) octets: Vec<u8>,
    /// It began.
    pub(super) found: bool,
    /// Its end was seen.
    pub(super) ended: bool,
}

impl Keep {
    pub(super) fn one(number: usize) -> Self {
        Self::One(OneAttachment { number, ..OneAttachment::default() })
    }

    /// How much is kept of an attachment that begins.
    pub(super) fn begin(&mut self, number: usize) -> usize {
        match self {
            Self::One(one) if one.number == number => {
                one.found = true;
                usize::MAX
            }
            Self::None | Self::One(_) => 0,
            Self::All(_) => usize::MAX,
        }
    }

    /// Takes over what was kept so far of an attachment that has not ended.
    pub(super) fn take(&mut self, number: usize, octets: &mut Vec<u8>) {
        if let Self::One(one) = self
            && one.number == number
        {
            one.octets.append(octets);
        }
    }

    /// Takes over an attachment of which nothing more will come; `ended` says that there is nothing more.
    pub(super) fn end(&mut self, number: usize, content: &ContentHeaders, octets: Vec<u8>, ended: bool) {
        match self {
            Self::All(files) => files.push(file(content, octets)),
            Self::One(one) if one.number == number => {
                one.octets.extend(octets);
                one.ended = ended;
            }
            Self::None | Self::One(_) => {}
        }
    }

    /// The attachments, where all were kept.
    pub(super) fn files(&mut self) -> Vec<DraftFile> {
        if let Self::All(files) = self { std::mem::take(files) } else { Vec::new() }
    }
}

fn file(content: &ContentHeaders, octets: Vec<u8>) -> DraftFile {
    let content_type = match &content.charset {
        Some(charset) if content.is_text() => format!("{}; charset={charset}", content.media_type),
        _ => content.media_type.clone(),
    };
    DraftFile::attachment(content.name.as_str(), content_type, octets)
}
