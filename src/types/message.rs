//! Messages as the archive knows them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::serial::{by_name, unhex};
use super::{
    Address, Attachment, AuthenticationResults, CleanText, Digest, Hasher, MessageDate, MessageId, OutgoingId,
};

/// The header field by which someone takes part in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Field {
    /// An author.
    From,
    /// The one who sent it for the author.
    Sender,
    /// A primary recipient.
    To,
    /// A secondary recipient.
    Cc,
    /// A recipient the others do not see.
    Bcc,
    /// The author before a mailing list rewrote From (X-Original-From).
    OriginalFrom,
}

impl Field {
    /// Every field, in the order in which participants are listed.
    pub const ALL: [Self; 6] = [Self::From, Self::Sender, Self::OriginalFrom, Self::To, Self::Cc, Self::Bcc];

    /// The field's name in lower case, for storage and for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::From => "from",
            Self::Sender => "sender",
            Self::To => "to",
            Self::Cc => "cc",
            Self::Bcc => "bcc",
            Self::OriginalFrom => "x-original-from",
        }
    }

    /// Reads what [`as_str`](Self::as_str) wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == text)
    }
}

by_name!(Field);

/// Someone who takes part in a message.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Participant {
    /// By which field.
    pub field: Field,
    /// With which address.
    pub address: Address,
    /// Under which name: shown, never compared.
    pub name: CleanText,
}

impl Participant {
    /// A participant.
    pub fn new(field: Field, address: Address, name: CleanText) -> Self {
        Self { field, address, name }
    }
}

impl fmt::Debug for Participant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Participant({})", self.field.as_str())
    }
}

/// What is read of a message before anything else of it is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AddressingHeaders {
    /// From, Sender, X-Original-From, To, Cc, Bcc, in this order; of repeated fields all.
    pub participants: Vec<Participant>,
    /// Message-ID.
    pub message_id: Option<MessageId>,
    /// Date.
    pub date: Option<MessageDate>,
    /// Whether there were more addresses than are looked at.
    pub truncated: bool,
}

/// A message's identity in a practice: a digest over Message-ID, From and Date, or, without a Message-ID, over its octets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageKey(Digest);

impl MessageKey {
    /// The identity of a message with these headers and, for one without a Message-ID, these octets.
    pub fn of(headers: &AddressingHeaders, octets: &Digest) -> Self {
        Self::of_headers(headers).unwrap_or_else(|| {
            let mut hasher = Hasher::new();
            hasher.field(b"octets");
            hasher.field(octets.as_bytes());
            Self(hasher.finish())
        })
    }

    /// The identity, where the headers alone tell it: `None` without a Message-ID.
    pub fn of_headers(headers: &AddressingHeaders) -> Option<Self> {
        let id = headers.message_id.as_ref()?;
        let mut hasher = Hasher::new();
        hasher.field(b"message-id");
        hasher.field(id.as_str().as_bytes());
        let mut authors: Vec<_> =
            headers.participants.iter().filter(|p| p.field == Field::From).map(|p| p.address.key()).collect();
        authors.sort();
        authors.dedup();
        for author in authors {
            hasher.field(author.as_str().as_bytes());
        }
        hasher.field(b"date");
        hasher.field(&headers.date.map_or(i64::MIN, |date| date.at.as_unix()).to_be_bytes());
        Some(Self(hasher.finish()))
    }

    /// The octets, for storage.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Reads a key from storage; `None` unless `bytes` are 32 octets.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        Digest::from_slice(bytes).map(Self)
    }

    /// Reads what `Display` wrote, and nothing else: a key has one spelling.
    pub fn parse(text: &str) -> Option<Self> {
        unhex(text).and_then(|octets| Self::from_slice(&octets))
    }
}

/// Sixty-four lower-case hexadecimal digits.
impl fmt::Display for MessageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for MessageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What the archive keeps of a message's content, derived from its octets.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParsedMessage {
    /// Who takes part, which Message-ID and Date it bears.
    pub headers: AddressingHeaders,
    /// Subject, decoded.
    pub subject: CleanText,
    /// The first Message-ID of In-Reply-To.
    pub in_reply_to: Option<MessageId>,
    /// The Message-IDs of References, oldest first, at most 100 of the last ones.
    pub references: Vec<MessageId>,
    /// The text, decoded, without NUL, capped; made from the HTML where there is no plain text.
    pub text: String,
    /// The HTML text as it came, decoded, capped and **not sanitised**.
    pub html: Option<String>,
    /// What it carries besides its text.
    pub attachments: Vec<Attachment>,
    /// A digest of the decoded content, the headers of transport aside: equal for two copies of one mail, different for a
    /// forgery that reuses its identity.
    pub rendition: Option<Digest>,
    /// Why the content could not be taken apart, where it could not: the octets are kept and the headers shown.
    pub unparsed: Option<&'static str>,
    /// The intent to send that it says it is; on mail from outside anybody may have written that.
    pub outgoing: Option<OutgoingId>,
    /// Whether a program wrote it: an automatic reply or a notice (RFC 3834).
    pub automatic: bool,
    /// What servers say of its author, topmost first, at most ten.
    pub authentication: Vec<AuthenticationResults>,
    /// Whether only its beginning was read: there may be more text, and more attachments.
    pub incomplete: bool,
}

impl fmt::Debug for ParsedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParsedMessage")
            .field("participants", &self.headers.participants.len())
            .field("attachments", &self.attachments.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ConversationId;

    #[test]
    fn a_key_has_one_spelling() {
        let key = MessageKey::from_slice(&[0xab; 32]).unwrap();
        let written = key.to_string();
        let short = written.split_at(62).0;
        for other in [
            written.to_uppercase(),
            written.replacen("ab", "+b", 1),
            written.replacen("ab", "Ab", 1),
            format!(" {written}"),
            format!("{written}\n"),
            format!("{written}ab"),
            format!("{short}é"),
            short.to_owned(),
            String::new(),
        ] {
            assert_eq!(MessageKey::parse(&other), None, "{other:?}");
            assert_eq!(ConversationId::parse(&other), None, "{other:?}");
            assert!(serde_json::from_value::<MessageKey>(other.clone().into()).is_err(), "{other:?}");
        }
        assert_eq!(MessageKey::parse(&written), Some(key));
        assert_eq!(serde_json::to_value(key).unwrap(), written);
        assert_eq!(serde_json::from_value::<MessageKey>(written.into()).unwrap(), key);
    }
}
