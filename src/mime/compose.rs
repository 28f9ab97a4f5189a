//! A draft to octets.

use std::fmt;

use super::Answered;
use super::draft_text::DraftText;
use super::header_block::{HeaderBlock, is_repeatable};
use super::{date, outgoing_body};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{Address, Answer, Draft, MessageDate, MessageId, OutgoingId, Recipient};

/// Most recipients of one message: as many as the largest providers take.
pub const MAX_RECIPIENTS: usize = 500;
/// Most Message-IDs in References: RFC 5322 bounds them not, software of others does.
const MAX_REFERENCES: usize = 20;

/// A draft and what identifies the message made of it.
#[non_exhaustive]
pub struct Composition<'a> {
    /// The intent to send.
    pub id: OutgoingId,
    /// Message-ID.
    pub message_id: MessageId,
    /// Date, in the zone of its author.
    pub date: MessageDate,
    /// Whom it comes from.
    pub from: Recipient,
    /// Whom answers go to, where that is somebody else.
    pub reply_to: Option<Recipient>,
    /// What its author wrote; of an answer, as [`prepare`](super::prepare) left it.
    pub draft: &'a Draft,
    /// What it answers.
    pub answered: Option<&'a Answered>,
}

impl<'a> Composition<'a> {
    /// A message of its own, under the [Message-ID](message_id) that follows from `id`.
    pub fn new(id: OutgoingId, date: MessageDate, from: Recipient, draft: &'a Draft) -> Self {
        let message_id = message_id(id, &from.address);
        Self { id, message_id, date, from, reply_to: None, draft, answered: None }
    }

    /// Says whom answers go to.
    pub fn reply_to(mut self, recipient: Recipient) -> Self {
        self.reply_to = Some(recipient);
        self
    }

    /// Says what it answers.
    pub fn answering(mut self, answered: &'a Answered) -> Self {
        self.answered = Some(answered);
        self
    }
}

/// Nothing of the message.
impl fmt::Debug for Composition<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Composition({})", self.id)
    }
}

/// The Message-ID of an intent: under the domain of its sender (RFC 5322 §3.6.4), the same whenever it is asked for.
pub fn message_id(id: OutgoingId, sender: &Address) -> MessageId {
    MessageId::under(sender.domain(), id)
}

/// Writes a message, Bcc included, as it is filed; what goes to others is that [without Bcc](without_bcc). Lines end in CR LF and
/// have at most 998 octets; the same composition is the same octets.
///
/// # Errors
/// [`Invalid`](ErrorKind::Invalid), naming the field, for a draft without recipients, with more than [`MAX_RECIPIENTS`], or without
/// anything in it; for a date on no calendar, and for a content id that cannot be written.
///
/// ```
/// use practicemail::mime::{Composition, compose, without_bcc};
/// use practicemail::types::{Address, Draft, MessageDate, OutgoingId, Timestamp};
/// let address = |text| Address::parse(text).unwrap();
/// let draft = Draft::new("Grüße").to(address("paula@bakery.example")).bcc(address("me@office.example")).text("Hello");
/// let date = MessageDate::new(Timestamp::parse_rfc3339("2026-11-24T08:30:00Z").unwrap(), 60);
/// let from = address("anna@office.example").into();
/// let octets = compose(&Composition::new(OutgoingId::from_random([7; 16]), date, from, &draft)).unwrap();
/// let filed = String::from_utf8(octets.clone()).unwrap();
/// assert!(filed.starts_with("Date: Tue, 24 Nov 2026 09:30:00 +0100\r\n"));
/// assert!(filed.contains("\r\nBcc: me@office.example\r\n"));
/// assert!(!String::from_utf8(without_bcc(&octets)).unwrap().contains("me@office.example"));
/// ```
pub fn compose(composition: &Composition<'_>) -> Result<Vec<u8>> {
    let Composition { id, draft, .. } = composition;
    check(draft)?;
    let mut text = DraftText::of(draft);
    if let Some(signature) = &draft.signature {
        text.sign(signature);
    }
    let mut octets = header(composition)?.into_bytes();
    octets.extend(outgoing_body::write(text, &draft.files, *id)?);
    Ok(octets)
}

fn check(draft: &Draft) -> Result<()> {
    let message = match draft.recipients().count() {
        0 => "none of to, cc and bcc names a recipient".to_owned(),
        MAX_RECIPIENTS.. if draft.recipients().count() > MAX_RECIPIENTS => {
            format!("to, cc and bcc together name more than {MAX_RECIPIENTS} recipients")
        }
        _ if draft.text.is_none() && draft.html.is_none() && draft.files.is_empty() => {
            "there is neither text, nor html, nor one of files".to_owned()
        }
        _ => return Ok(()),
    };
    Err(Error::new(ErrorKind::Invalid, message))
}

fn header(composition: &Composition<'_>) -> Result<String> {
    let Composition { id, message_id, date, from, reply_to, draft, answered } = composition;
    let date = date::format(*date)
        .ok_or_else(|| Error::new(ErrorKind::Invalid, "the date is before 1900 or after 9999"))?;
    let mut block = HeaderBlock::default();
    block.token("Date", &date);
    block.addresses("From", std::slice::from_ref(from));
    block.addresses("Reply-To", reply_to.as_slice());
    if draft.to.is_empty() && draft.cc.is_empty() {
        // RFC 5322 §3.4: an empty group tells readers, and filters, that it went to somebody.
        block.token("To", "undisclosed-recipients:;");
    }
    block.addresses("To", &draft.to);
    block.addresses("Cc", &draft.cc);
    // Behind To and Cc: where a reader keeps a bounded number of recipients, those are the same with and without it.
    block.addresses("Bcc", &draft.bcc);
    block.text("Subject", &draft.subject);
    block.ids("Message-ID", [message_id]);
    // A forwarded message goes to people who may have nothing of the conversation it comes from: it begins another.
    if let Some(answered) = answered
        && !matches!(draft.answers, Some(Answer::Forward(_)))
    {
        block.ids("In-Reply-To", answered.message_id.as_ref());
        block.ids("References", bounded(answered.ancestors()));
    }
    block.token(OutgoingId::FIELD, &id.to_string());
    block.token("MIME-Version", "1.0");
    Ok(block.finish())
}

/// The beginning of the conversation and the nearest ancestors: what the middle is good for, those who have these two know.
fn bounded(mut ids: Vec<&MessageId>) -> Vec<&MessageId> {
    ids.retain(|id| is_repeatable(id));
    let surplus = ids.len().saturating_sub(MAX_REFERENCES);
    if surplus > 0 {
        ids.drain(1..=surplus);
    }
    ids
}

/// The same octets less the Bcc fields of the message's own header.
pub fn without_bcc(octets: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(octets.len());
    let mut rest = octets;
    let mut dropping = false;
    while !rest.is_empty() && !rest.starts_with(b"\r\n") && !rest.starts_with(b"\n") {
        let end = rest.iter().position(|b| *b == b'\n').map_or(rest.len(), |end| end + 1);
        let (line, behind) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        if !matches!(line.first(), Some(b' ' | b'\t')) {
            let name = line.split(|b| *b == b':').next().unwrap_or_default().trim_ascii_end();
            dropping = name.eq_ignore_ascii_case(b"bcc");
        }
        if !dropping {
            kept.extend_from_slice(line);
        }
        rest = behind;
    }
    kept.extend_from_slice(rest);
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mime::{MessageScan, answered};
    use crate::types::{Digest, DraftFile, MessageKey, ParsedMessage, Signature, Timestamp};

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    fn composition(draft: &Draft) -> Composition<'_> {
        let date = MessageDate::new(Timestamp::parse_rfc3339("2026-11-24T08:30:00Z").unwrap(), 60);
        let from = Recipient::named("Anna Müller", address("anna@office.example"));
        Composition::new(OutgoingId::from_random([7; 16]), date, from, draft)
    }

    fn composed(draft: &Draft) -> String {
        String::from_utf8(compose(&composition(draft)).unwrap()).unwrap()
    }

    fn refused(draft: &Draft) -> String {
        let error = compose(&composition(draft)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        error.to_string()
    }

    fn parsed(octets: &[u8]) -> ParsedMessage {
        let mut scan = MessageScan::new();
        scan.update(octets);
        scan.finish()
    }

    fn fields(octets: &[u8]) -> Vec<String> {
        let text = String::from_utf8_lossy(octets).replace("\r\n ", " ");
        text.split("\r\n").take_while(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn a_plain_message_is_these_octets() {
        let draft =
            Draft::new("VAT return").to(address("paula@bakery.example")).text("Dear Paula,\n\nfertig: é \n");
        let id = "07".repeat(16);
        assert_eq!(
            composed(&draft),
            format!(
                "Date: Tue, 24 Nov 2026 09:30:00 +0100\r\nFrom: =?utf-8?b?QW5uYSBNw7xsbGVy?= <anna@office.example>\r\n\
                 To: paula@bakery.example\r\nSubject: VAT return\r\nMessage-ID: <{id}@office.example>\r\n\
                 X-Practicemail-Id: {id}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
                 Content-Transfer-Encoding: quoted-printable\r\n\r\nDear Paula,\r\n\r\nfertig: =C3=A9=20\r\n"
            )
        );
    }

    #[test]
    fn what_cannot_be_sent_is_refused_by_field() {
        let to = || Draft::new("s").to(address("a@x"));
        assert!(refused(&Draft::new("s").text("t")).contains("to, cc and bcc"));
        assert!(refused(&to()).contains("text"));
        let many = (0..=MAX_RECIPIENTS).fold(to(), |draft, n| draft.bcc(address(&format!("r{n}@x"))));
        assert!(refused(&many.text("t")).contains("500"));
        for id in ["", "a b", "<a>", "é", "a\"b"] {
            assert!(
                refused(&to().html("<p>").file(DraftFile::inline("a", "image/png", *b"", id)))
                    .contains("content_id")
            );
        }
        let date = MessageDate::new(Timestamp::from_unix(i64::MIN), 0);
        let draft = to().text("t");
        let error = compose(&Composition { date, ..composition(&draft) }).unwrap_err();
        assert!(error.to_string().contains("date"));
        assert!(compose(&composition(&to().text(""))).is_ok());
    }

    #[test]
    fn images_stand_beside_the_html_and_files_outside() {
        let draft = Draft::new("s")
            .to(address("a@x"))
            .html("<img src=\"cid:logo@x\">Hello")
            .file(DraftFile::inline("logo.png", "image/png", *b"PNG", "logo@x"))
            .file(DraftFile::attachment("a.eml", "message/rfc822", *b"From: x\r\n\r\n"));
        let text = composed(&draft);
        let places: Vec<_> = [
            "multipart/mixed",
            "multipart/alternative",
            "text/plain",
            "multipart/related",
            "text/html",
            "image/png",
            "Content-ID: <logo@x>\r\nContent-Disposition: inline; filename=\"logo.png\"",
            "application/octet-stream\r\nContent-Disposition: attachment; filename=\"a.eml\"",
        ]
        .map(|what| text.find(what).unwrap_or_else(|| panic!("{what} in {text}")))
        .into();
        assert!(places.is_sorted(), "{text}");
        let parsed = parsed(text.as_bytes());
        assert_eq!((parsed.text.as_str(), parsed.attachments.len()), ("Hello", 2));
    }

    #[test]
    fn an_answer_names_its_ancestors_within_bounds() {
        let ids: Vec<_> = (0..200).map(|n| format!("<{n}@x>")).collect();
        let mail = format!("Message-ID: <me@x>\r\nReferences: {}\r\n\r\n", ids.join("\r\n "));
        let answered = answered(mail.as_bytes());
        let draft = Draft::answering(Answer::Reply(MessageKey::from_slice(&[0; 32]).unwrap()));
        let draft = draft.to(address("a@x")).text("t");
        let octets = compose(&composition(&draft).answering(&answered)).unwrap();
        assert!(fields(&octets).contains(&"In-Reply-To: <me@x>".to_owned()));
        let read = parsed(&octets);
        let references: Vec<_> = read.references.iter().map(MessageId::as_str).collect();
        assert_eq!(references.len(), MAX_REFERENCES);
        assert_eq!((references[0], references[1], references[19]), ("100@x", "182@x", "me@x"));
        let forward =
            Draft { answers: draft.answers.map(|answer| Answer::Forward(answer.message())), ..draft };
        assert!(parsed(&compose(&composition(&forward).answering(&answered)).unwrap()).references.is_empty());
    }

    #[test]
    fn only_the_messages_own_bcc_is_left_out() {
        let octets =
            b"Bcc: a@x\r\nTo: b@x\r\nBCC : c@x,\r\n\td@x\r\n e@x\r\nBcc-X: f\r\n g\r\n\r\nBcc: body\r\n";
        assert_eq!(without_bcc(octets), b"To: b@x\r\nBcc-X: f\r\n g\r\n\r\nBcc: body\r\n");
        for octets in [&b""[..], b"\r\nBcc: x\r\n", b"To: a", b"no header\n\nBcc: x"] {
            assert_eq!(without_bcc(octets), octets);
        }
    }

    fn draft() -> impl Strategy<Value = Draft> {
        let recipient = ("[a-z]{1,8}|[ -~]{1,9}|[éä漢]{1,4}", any::<String>())
            .prop_filter_map("an address", |(local, name)| {
                Some(Recipient::named(&name, Address::from_parts(&local, "x.example").ok()?))
            });
        let list = || prop::collection::vec(recipient.clone(), 0..4);
        let file = (
            "\\PC{0,30}",
            "[a-z]{0,9}/[a-z;= \"]{0,9}|.{0,9}",
            prop::collection::vec(any::<u8>(), 0..200),
            any::<bool>(),
        );
        let files = prop::collection::vec(file, 0..3);
        let body = || prop::option::of("[ -~éä漢\r\n\t.]{0,200}|(From |\\.|-- |=_)[ -~]{0,1500}");
        let parts = (any::<String>(), body(), body(), any::<String>());
        (parts, list(), list(), list(), files).prop_map(
            |((subject, text, html, signature), to, cc, bcc, files)| {
                let named = files.into_iter().map(|(name, kind, octets, inline)| {
                    if inline {
                        DraftFile::inline(&name, kind, octets, "c@x")
                    } else {
                        DraftFile::attachment(&name, kind, octets)
                    }
                });
                let mut draft = Draft::new(&subject)
                    .to(address("first@x"))
                    .text("")
                    .signature(Signature::text(signature));
                draft.to.extend(to);
                draft.files.extend(named);
                Draft { cc, bcc, text, html: html.or(Some("<p>".to_owned())), ..draft }
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_sent_is_what_is_filed_less_the_bcc_field(draft in draft()) {
            let filed = compose(&composition(&draft)).unwrap();
            let sent = without_bcc(&filed);
            let bcc = fields(&filed).into_iter().filter(|field| field.starts_with("Bcc:")).count();
            prop_assert_eq!(bcc, usize::from(!draft.bcc.is_empty()));
            let expected: Vec<_> = fields(&filed).into_iter().filter(|field| !field.starts_with("Bcc:")).collect();
            prop_assert_eq!(fields(&sent), expected);
            let open = Draft { bcc: Vec::new(), ..draft.clone() };
            prop_assert_eq!(&sent, &compose(&composition(&open)).unwrap());

            let (a, b) = (parsed(&filed), parsed(&sent));
            prop_assert!(a.rendition.is_some() && a.rendition == b.rendition);
            prop_assert_eq!(MessageKey::of(&a.headers, &Digest::of(b"a")), MessageKey::of(&b.headers, &Digest::of(b"b")));
            prop_assert_eq!((a.outgoing, a.automatic), (Some(OutgoingId::from_random([7; 16])), false));
            prop_assert_eq!(a.headers.participants.len(), 1 + draft.recipients().count());
            prop_assert_eq!(a.subject, draft.subject);
        }

        #[test]
        fn lines_are_short_and_end_in_both_octets(draft in draft()) {
            let octets = compose(&composition(&draft)).unwrap();
            let text = String::from_utf8(octets).unwrap();
            prop_assert!(text.ends_with("\r\n"));
            for line in text.split("\r\n") {
                prop_assert!(line.len() <= 450 && !line.contains(['\r', '\n', '\0']), "{line:?}");
            }
            let body = text.split_once("\r\n\r\n").unwrap().1;
            prop_assert!(body.is_ascii());
        }
    }
}
