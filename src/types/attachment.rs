//! What a message says it carries besides its text.

use serde::{Deserialize, Serialize};

use super::CleanText;

/// One attachment or inline part, as listed with a message; its octets stay inside the stored message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Attachment {
    /// A single safe file name; empty when the message gives none.
    pub name: CleanText,
    /// The media type as written, lower case (`application/pdf`).
    pub content_type: CleanText,
    /// Octets after decoding.
    pub size: u64,
    /// The Content-ID an HTML text may refer to, without angle brackets.
    pub content_id: Option<CleanText>,
}

impl Attachment {
    /// An attachment without a Content-ID.
    pub fn new(name: CleanText, content_type: CleanText, size: u64) -> Self {
        Self { name, content_type, size, content_id: None }
    }
}
