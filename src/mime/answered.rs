//! What an answer takes from the message it answers.

use std::fmt;

use super::MessageScan;
use super::address_list::AddressList;
use super::field::HeaderFields;
use super::scan::ids;
use crate::types::{Address, CleanText, DraftFile, Field, MessageDate, MessageId, ParsedMessage, Recipient};

/// Most addresses of Reply-To taken.
const MAX_REPLY_TO: usize = 100;

/// A message that is answered.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answered {
    /// Its Message-ID.
    pub message_id: Option<MessageId>,
    /// What it refers to, oldest first: its References or, where it has none, its In-Reply-To if that is one
    /// (RFC 5322 §3.6.4).
    pub references: Vec<MessageId>,
    /// Its subject.
    pub subject: CleanText,
    /// Its authors.
    pub from: Vec<Recipient>,
    /// Whom its authors want answers to go to.
    pub reply_to: Vec<Recipient>,
    /// Its primary recipients.
    pub to: Vec<Recipient>,
    /// Its secondary recipients.
    pub cc: Vec<Recipient>,
    /// Its date.
    pub date: Option<MessageDate>,
    /// Its text, capped as the archive keeps it; made from its HTML where that is all it has.
    pub text: String,
    /// Its attachments; the message itself where it cannot be taken apart.
    pub files: Vec<DraftFile>,
}

impl Answered {
    /// What an answer refers to: everything it does, and itself.
    pub(super) fn ancestors(&self) -> Vec<&MessageId> {
        self.references.iter().chain(&self.message_id).collect()
    }
}

/// Nothing of the message.
impl fmt::Debug for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answered({} files)", self.files.len())
    }
}

/// Reads a stored message for an answer. The memory it takes is that of its attachments and about 1 MiB.
///
/// ```
/// use practicemail::mime::answered;
/// let message = answered(b"From: anna@x.example\r\nReply-To: tax@x.example\r\nSubject: VAT\r\n\r\nHello\r\n");
/// assert_eq!(message.reply_to[0].address.to_string(), "tax@x.example");
/// ```
pub fn answered(octets: &[u8]) -> Answered {
    let mut scan = MessageScan::keeping_files();
    scan.update(octets);
    let (message, mut files) = scan.finish_with_files();
    if message.unparsed.is_some() {
        // As its recipients have it: whom a Sent copy names in Bcc is nobody else's to know.
        files = vec![DraftFile::attachment("message.eml", "message/rfc822", super::without_bcc(octets))];
    }
    let by = |field: Field| -> Vec<Recipient> {
        let those = message.headers.participants.iter().filter(|participant| participant.field == field);
        those.map(|participant| recipient(participant.address.clone(), &participant.name)).collect()
    };
    let (from, to, cc) = (by(Field::From), by(Field::To), by(Field::Cc));
    let reply_to = HeaderFields::new(octets).filter(|field| field.is("reply-to"));
    let reply_to = reply_to.flat_map(|field| AddressList::new(field.value)).take(MAX_REPLY_TO);
    let reply_to = reply_to.map(|(address, name)| recipient(address, &name)).collect();
    let ParsedMessage { headers, subject, in_reply_to, mut references, text, .. } = message;
    if references.is_empty() {
        references.extend(in_reply_to.filter(|_| replies_to_one(octets)));
    }
    Answered {
        message_id: headers.message_id,
        references,
        subject,
        from,
        reply_to,
        to,
        cc,
        date: headers.date,
        text,
        files,
    }
}

fn recipient(address: Address, name: &CleanText) -> Recipient {
    Recipient::named(name.as_str(), address)
}

/// Whether In-Reply-To holds one Message-ID: with several, they are no line of ancestors.
fn replies_to_one(octets: &[u8]) -> bool {
    let fields = HeaderFields::new(octets).filter(|field| field.is("in-reply-to"));
    fields.flat_map(|field| ids(field.value)).take(2).count() == 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(list: &[MessageId]) -> Vec<&str> {
        list.iter().map(MessageId::as_str).collect()
    }

    #[test]
    fn ancestors_are_the_references_or_a_single_in_reply_to() {
        let read = |fields: &str| answered(format!("{fields}\r\nMessage-ID: <c@x>\r\n\r\nt").as_bytes());
        assert_eq!(shown(&read("References: <a@x> <b@x>\r\nIn-Reply-To: <z@x>").references), ["a@x", "b@x"]);
        assert_eq!(shown(&read("In-Reply-To: <b@x>").references), ["b@x"]);
        assert_eq!(shown(&read("In-Reply-To: <a@x> <b@x>").references), [""; 0]);
        assert_eq!(read("In-Reply-To: <b@x>").ancestors().len(), 2);
    }

    #[test]
    fn attachments_come_decoded_and_nested_messages_whole() {
        let nested = "From: c@x\r\nSubject: inner\r\n\r\ninner text";
        let message = answered(
            format!(
                "From: a@x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nouter\r\n--b\r\n\
                 Content-Type: text/csv; charset=iso-8859-1\r\nContent-Disposition: attachment; filename=../a.csv\r\n\
                 Content-Transfer-Encoding: base64\r\n\r\n5Pb8Cg==\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n{nested}\r\n--b--\r\n"
            )
            .as_bytes(),
        );
        assert_eq!(message.text, "outer");
        let [csv, inner] = &message.files[..] else { panic!("two files") };
        assert_eq!((csv.name.as_str(), csv.content_type.as_str()), ("a.csv", "text/csv; charset=iso-8859-1"));
        assert_eq!(csv.octets, b"\xe4\xf6\xfc\n");
        assert_eq!(
            (inner.content_type.as_str(), inner.octets.as_slice()),
            ("message/rfc822", nested.as_bytes())
        );
    }

    #[test]
    fn what_cannot_be_taken_apart_goes_along_whole() {
        let octets = format!("Content-Type: multipart/mixed\r\n\r\n{}", "--\r\n".repeat(10));
        assert_eq!(answered(octets.as_bytes()).files[0].octets, octets.as_bytes());
        assert!(answered(b"").files[0].octets.is_empty());
    }

    #[test]
    fn forty_thousand_nested_messages_are_one_attachment() {
        let octets = "Content-Type: message/rfc822\r\n\r\n".repeat(40_000);
        let message = answered(octets.as_bytes());
        assert_eq!(message.files.len(), 1);
        assert_eq!(
            message.files[0].octets.len(),
            octets.len() - "Content-Type: message/rfc822\r\n\r\n".len()
        );
    }

    proptest! {
        #[test]
        fn any_octets_are_read_without_panic(octets in prop::collection::vec(any::<u8>(), 0..300)) {
            answered(&octets);
            answered(&[b"Content-Type: multipart/mixed; boundary=b\n\n--b\nReply-To: ", &octets[..]].concat());
        }
    }
}
