//! What a header says of a message besides whom it is between: whether a program wrote it, and which intent to send it is.

use super::content::ContentHeaders;
use super::field::HeaderFields;
use crate::types::OutgoingId;

/// Longest value of such a field looked at.
const MAX_VALUE: usize = 256;

/// The intent to send that a message says it is; a message with several such fields says nothing.
pub(super) fn outgoing(header: &[u8]) -> Option<OutgoingId> {
    let mut fields = HeaderFields::new(header).filter(|field| field.is(OutgoingId::FIELD));
    match (fields.next(), fields.next()) {
        (Some(field), None) => OutgoingId::parse(&field.text(MAX_VALUE)),
        _ => None,
    }
}

/// Whether a program wrote it: by RFC 3834 §5, by what was in use before it, or because it is a report.
pub(super) fn is_automatic(header: &[u8]) -> bool {
    let says = HeaderFields::new(header).any(|field| {
        let value = field.text(MAX_VALUE);
        let keyword = value.split([';', '(', ' ', '\t']).next().unwrap_or_default().to_ascii_lowercase();
        if field.is("auto-submitted") || field.is("x-autoreply") || field.is("x-autorespond") {
            return keyword != "no";
        }
        field.is("precedence") && matches!(keyword.as_str(), "auto_reply" | "auto-reply")
    });
    says || is_report(header)
}

/// Whether it is a report by a program for programs (RFC 6522).
pub(super) fn is_report(header: &[u8]) -> bool {
    ContentHeaders::parse(header, "text/plain").media_type == "multipart/report"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mime::MessageScan;

    fn parsed(fields: &str) -> crate::types::ParsedMessage {
        let mut scan = MessageScan::new();
        scan.update(format!("From: a@x\r\n{fields}\r\n\r\nX-Practicemail-Id: {:032x}\r\n", 1).as_bytes());
        scan.finish()
    }

    #[test]
    fn programs_say_so_in_several_ways() {
        for (fields, automatic) in [
            ("Auto-Submitted: auto-replied", true),
            ("AUTO-SUBMITTED: auto-generated; type=x", true),
            ("Auto-Submitted: No (really)", false),
            ("X-Autoreply: yes", true),
            ("X-Autorespond: Out of office", true),
            ("Precedence: auto_reply", true),
            ("Precedence: bulk", false),
            ("X-Auto-Response-Suppress: All", false),
            ("Content-Type: Multipart/Report; report-type=delivery-status; boundary=b", true),
            ("Content-Type: multipart/mixed; boundary=b", false),
            ("Subject: s", false),
        ] {
            assert_eq!(parsed(fields).automatic, automatic, "{fields}");
        }
    }

    #[test]
    fn one_field_names_the_intent_and_two_name_none() {
        let id = OutgoingId::from_random([0xab; 16]);
        assert_eq!(parsed(&format!("x-practicemail-id:  {id} ")).outgoing, Some(id));
        assert_eq!(parsed("Subject: s").outgoing, None);
        assert_eq!(parsed("X-Practicemail-Id: <one>").outgoing, None);
        let other = OutgoingId::from_random([1; 16]);
        assert_eq!(parsed(&format!("X-Practicemail-Id: {id}\r\nX-Practicemail-Id: {other}")).outgoing, None);
    }

    #[test]
    fn a_flood_of_marks_does_not_hide_the_intent() {
        let id = OutgoingId::from_random([3; 16]);
        let flood = "Precedence: list\r\n".repeat(10_000);
        assert_eq!(parsed(&format!("{flood}X-Practicemail-Id: {id}")).outgoing, Some(id));
    }
}
