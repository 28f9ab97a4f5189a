//! What is to be sent, and what became of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::serial::by_octets;
use super::{Address, CleanText, Field, MessageKey, Timestamp};

/// Names one intent to send: it stands in the message as `X-Practicemail-Id` and in the outbox as the row's key, so that
/// whatever a provider does to a Message-ID, the practice's own mail is known again.
///
/// ```
/// use practicemail::types::OutgoingId;
/// let id = OutgoingId::from_random([7; 16]);
/// assert_eq!(OutgoingId::parse(&id.to_string()), Some(id));
/// assert_eq!(OutgoingId::parse("<not one>"), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutgoingId([u8; 16]);

impl OutgoingId {
    /// The header field that carries it.
    pub const FIELD: &'static str = "X-Practicemail-Id";

    /// Takes 128 random bits.
    pub const fn from_random(bits: [u8; 16]) -> Self {
        Self(bits)
    }

    /// The octets, for storage.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads an id from storage; `None` unless `bytes` are 16 octets.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Reads what `Display` wrote; white space around it goes.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(|bits| Self(bits.to_be_bytes()))
    }
}

by_octets!(OutgoingId, |id| id.as_bytes(), |octets| OutgoingId::from_slice(&octets));

/// Thirty-two lower-case hexadecimal digits.
impl fmt::Display for OutgoingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for OutgoingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OutgoingId({self})")
    }
}

/// Somebody mail goes to, or comes from: an address and the name shown with it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Recipient {
    /// The name; may be empty.
    pub name: CleanText,
    /// The address.
    pub address: Address,
}

impl Recipient {
    /// An address with a name.
    pub fn named(name: &str, address: Address) -> Self {
        Self { name: CleanText::new(name), address }
    }
}

/// An address without a name.
impl From<Address> for Recipient {
    fn from(address: Address) -> Self {
        Self { name: CleanText::default(), address }
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recipient(..)")
    }
}

/// A file that goes with a message.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DraftFile {
    /// Its name, as one safe component.
    pub name: CleanText,
    /// Its media type, such as `application/pdf`; what is none becomes `application/octet-stream`.
    pub content_type: String,
    /// What is in it.
    pub octets: Vec<u8>,
    /// For an image in the HTML text: the name it has there, as in `<img src="cid:NAME">`.
    pub content_id: Option<CleanText>,
}

impl DraftFile {
    /// A file to be attached.
    pub fn attachment(name: &str, content_type: impl Into<String>, octets: impl Into<Vec<u8>>) -> Self {
        Self {
            name: CleanText::file_name(name),
            content_type: content_type.into(),
            octets: octets.into(),
            content_id: None,
        }
    }

    /// An image that the HTML text shows by `cid:content_id`.
    pub fn inline(
        name: &str,
        content_type: impl Into<String>,
        octets: impl Into<Vec<u8>>,
        content_id: &str,
    ) -> Self {
        Self { content_id: Some(CleanText::new(content_id)), ..Self::attachment(name, content_type, octets) }
    }
}

impl fmt::Debug for DraftFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DraftFile({} octets)", self.octets.len())
    }
}

/// What a message answers, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// Its author alone, unless the draft names recipients itself.
    Reply(MessageKey),
    /// Its author and everybody it went to.
    ReplyAll(MessageKey),
    /// Others: its text and its attachments go along.
    Forward(MessageKey),
}

impl Answer {
    /// The message that is answered.
    pub const fn message(self) -> MessageKey {
        match self {
            Self::Reply(key) | Self::ReplyAll(key) | Self::Forward(key) => key,
        }
    }
}

/// What happens when a server accepts some recipients and refuses others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RecipientPolicy {
    /// Nothing is sent unless every recipient is accepted.
    #[default]
    AllOrNone,
    /// It is sent to those who are accepted.
    AcceptedOnes,
}

/// What stands below a message's text.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Signature {
    /// In plain text.
    pub text: String,
    /// In HTML; made from the text where there is none.
    pub html: Option<String>,
}

impl Signature {
    /// A signature in plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), html: None }
    }

    /// Adds its HTML.
    pub fn html(mut self, html: impl Into<String>) -> Self {
        self.html = Some(html.into());
        self
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(..)")
    }
}

/// A message as its author wrote it.
///
/// ```
/// use practicemail::types::{Address, Draft};
/// let draft = Draft::new("Your VAT return")
///     .to(Address::parse("paula@marlowbakery.example").unwrap())
///     .text("Dear Paula,\n\nit is done.\n");
/// assert_eq!(draft.recipients().count(), 1);
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Draft {
    /// The address it comes from, where the user has several; the account's own if not given.
    pub from: Option<Address>,
    /// Primary recipients.
    pub to: Vec<Recipient>,
    /// Secondary recipients.
    pub cc: Vec<Recipient>,
    /// Recipients the others do not see.
    pub bcc: Vec<Recipient>,
    /// The subject; of an answer without one, that of what it answers.
    pub subject: CleanText,
    /// The plain text; made from the HTML where only that is given.
    pub text: Option<String>,
    /// The HTML text.
    pub html: Option<String>,
    /// What goes with it, images of the HTML text included.
    pub files: Vec<DraftFile>,
    /// What it answers.
    pub answers: Option<Answer>,
    /// What stands below its text.
    pub signature: Option<Signature>,
    /// Not to be sent before this.
    pub not_before: Option<Timestamp>,
    /// The author's zone, in minutes east of UTC: what the Date field shows. Default UTC.
    pub utc_offset_minutes: i16,
    /// Names the intent, in the host's words: a second draft under the same key is the first one.
    pub key: Option<String>,
    /// What a refused recipient means for the others.
    pub policy: RecipientPolicy,
}

impl Draft {
    /// A message without recipients or text yet.
    pub fn new(subject: &str) -> Self {
        Self { subject: CleanText::new(subject), ..Self::default() }
    }

    /// An answer; subject and recipients follow from what it answers unless given.
    pub fn answering(answer: Answer) -> Self {
        Self { answers: Some(answer), ..Self::default() }
    }

    /// Chooses the address it comes from.
    pub fn from(mut self, address: Address) -> Self {
        self.from = Some(address);
        self
    }

    /// Adds a primary recipient.
    pub fn to(mut self, recipient: impl Into<Recipient>) -> Self {
        self.to.push(recipient.into());
        self
    }

    /// Adds a secondary recipient.
    pub fn cc(mut self, recipient: impl Into<Recipient>) -> Self {
        self.cc.push(recipient.into());
        self
    }

    /// Adds a recipient the others do not see.
    pub fn bcc(mut self, recipient: impl Into<Recipient>) -> Self {
        self.bcc.push(recipient.into());
        self
    }

    /// Sets the plain text.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// Sets the HTML text.
    pub fn html(mut self, html: impl Into<String>) -> Self {
        self.html = Some(html.into());
        self
    }

    /// Adds a file.
    pub fn file(mut self, file: DraftFile) -> Self {
        self.files.push(file);
        self
    }

    /// Says what it answers.
    pub fn answer(mut self, answer: Answer) -> Self {
        self.answers = Some(answer);
        self
    }

    /// Sets what stands below its text.
    pub fn signature(mut self, signature: Signature) -> Self {
        self.signature = Some(signature);
        self
    }

    /// Sends it at this instant or later.
    pub fn not_before(mut self, at: Timestamp) -> Self {
        self.not_before = Some(at);
        self
    }

    /// Sets the author's zone, in minutes east of UTC.
    pub fn utc_offset_minutes(mut self, minutes: i16) -> Self {
        self.utc_offset_minutes = minutes;
        self
    }

    /// Names the intent, so that sending it again sends nothing more.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sends it to those who are accepted, also when others are refused.
    pub fn allow_partial(mut self) -> Self {
        self.policy = RecipientPolicy::AcceptedOnes;
        self
    }

    /// Everybody it goes to, by field.
    pub fn recipients(&self) -> impl Iterator<Item = (Field, &Recipient)> {
        let lists = [(Field::To, &self.to), (Field::Cc, &self.cc), (Field::Bcc, &self.bcc)];
        lists.into_iter().flat_map(|(field, list)| list.iter().map(move |recipient| (field, recipient)))
    }
}

/// Nothing of what the message says.
impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let recipients = self.recipients().count();
        write!(f, "Draft({recipients} recipients, {} files)", self.files.len())
    }
}
