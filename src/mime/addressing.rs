//! Addressing headers: who takes part in a message, read before anything else of it is asked for.

use super::address_list::AddressList;
use super::date;
use super::field::HeaderFields;
use crate::types::{AddressingHeaders, Field, MessageId, Participant};

/// Most addresses looked at: ten times what the largest providers let anyone write to, and an end to a million.
pub(super) const MAX_ADDRESSES: usize = 10_000;
/// Most octets of a Message-ID field looked at.
const MAX_MESSAGE_ID: usize = 4 * 1024;
/// Most octets of a Date field looked at.
const MAX_DATE: usize = 200;

/// Reads the addressing headers of a header block, or of the part of one that was asked for; what follows its first
/// empty line and fields of other names are not looked at.
///
/// Of repeated address fields all count, of repeated Message-ID and Date fields the first that says something. What is
/// not an address is skipped. Addresses beyond 10,000, in the order of [`Field::ALL`], set `truncated`.
///
/// ```
/// use practicemail::mime::addressing_headers;
/// let headers = addressing_headers(b"To: Board: Anna <anna@example.org>;\r\nFrom: =?utf-8?q?J=C3=BCrgen?= <j@example.org>\r\n\r\n");
/// let shown: Vec<_> = headers.participants.iter().map(|p| format!("{}: {} {}", p.field.as_str(), p.name, p.address)).collect();
/// assert_eq!(shown, ["from: Jürgen j@example.org", "to: Anna anna@example.org"]);
/// ```
pub fn addressing_headers(octets: &[u8]) -> AddressingHeaders {
    let mut headers = AddressingHeaders::default();
    let mut values: [Vec<&[u8]>; Field::ALL.len()] = Default::default();
    for field in HeaderFields::new(octets) {
        let place = Field::ALL.iter().position(|known| field.is(known.as_str()));
        if let Some(values) = place.and_then(|place| values.get_mut(place)) {
            values.push(field.value);
        } else if headers.message_id.is_none() && field.is("message-id") {
            headers.message_id = MessageId::parse(&field.text(MAX_MESSAGE_ID));
        } else if headers.date.is_none() && field.is("date") {
            headers.date = date::parse(&field.text(MAX_DATE));
        }
    }
    for (field, values) in Field::ALL.into_iter().zip(values) {
        for (address, name) in values.into_iter().flat_map(AddressList::new) {
            if headers.participants.len() == MAX_ADDRESSES {
                headers.truncated = true;
                return headers;
            }
            headers.participants.push(Participant::new(field, address, name));
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;
    use crate::types::{Address, CleanText};

    fn shown(octets: &[u8]) -> Vec<String> {
        addressing_headers(octets)
            .participants
            .iter()
            .map(|p| format!("{} {}", p.field.as_str(), p.address))
            .collect()
    }

    #[test]
    fn repeated_fields_all_count_in_the_order_of_fields() {
        let block = b"Cc: c@x\r\nFrom: client1@example.org\r\nTo: t@x\r\nFROM: evil@evil.example\r\n\
            X-Original-From: o@x\r\nSender: s@x\r\nBcc: b@x\r\nReply-To: no@x\r\n\r\nTo: body@x";
        assert_eq!(
            shown(block),
            [
                "from client1@example.org",
                "from evil@evil.example",
                "sender s@x",
                "x-original-from o@x",
                "to t@x",
                "cc c@x",
                "bcc b@x",
            ]
        );
    }

    #[test]
    fn a_folded_or_raw_value_is_read() {
        assert_eq!(shown(b"To:\r\n a@x,\r\n\tM\xfcller <b@x>\n"), ["to a@x", "to b@x"]);
        let raw = addressing_headers(b"From: M\xfcller <b@x>\r\n");
        assert_eq!(raw.participants[0].name.as_str(), "Müller");
    }

    #[test]
    fn the_first_message_id_and_date_that_say_something_count() {
        let block = b"Message-ID: <>\r\nMessage-Id: <a\r\n b@x>\r\nMessage-ID: <c@x>\r\nDate: soon\r\n\
            Date: 24 Nov 26 09:30 EST\r\nDate: 25 Nov 2026 09:30 +0000";
        let headers = addressing_headers(block);
        assert_eq!(headers.message_id.unwrap().as_str(), "ab@x");
        assert_eq!(headers.date.unwrap().at.to_string(), "2026-11-24T14:30:00Z");
    }

    #[test]
    fn a_million_recipients_are_cut_in_seconds() {
        let mut block = b"To: ".to_vec();
        for n in 0..1_000_000 {
            block.extend(format!("<r{n:07}@example.org>,\r\n ").bytes());
        }
        block.extend(b"\r\nFrom: client1@example.org\r\n");
        let begun = Instant::now();
        let headers = addressing_headers(&block);
        assert!(begun.elapsed() < Duration::from_secs(10));
        assert!(headers.truncated);
        assert_eq!(headers.participants.len(), MAX_ADDRESSES);
        assert_eq!(headers.participants[0].address.to_string(), "client1@example.org");
    }

    #[test]
    fn a_hundred_thousand_fields_and_hostile_runs_end_in_seconds() {
        let begun = Instant::now();
        assert_eq!(shown(&b"To: a@x\r\n".repeat(20_000)).len(), MAX_ADDRESSES);
        for run in ["=?a?q?,", "a@x ", "<", "(", "[", "\"", "a. ", "=?a?q?b?= ", ":", "@", "\\", "<@", "a <"]
        {
            addressing_headers(format!("From: {}\r\n", run.repeat(300_000)).as_bytes());
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    }

    fn participant() -> impl Strategy<Value = (String, String)> {
        ("[a-z0-9.+_]{1,12}|[ -~]{1,12}", "[a-z]{1,8}\\.(org|example|de)", "[ -~]{0,20}|[äöüß漢 ]{1,8}")
            .prop_filter_map("an address", |(local, domain, name)| {
                let address = Address::from_parts(&local, &domain).ok()?;
                let name = CleanText::new(name.replace("=?", "").trim());
                Some((address.to_string(), name.to_string()))
            })
    }

    fn written((address, name): &(String, String), form: u8) -> String {
        let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
        let comment = quoted.replace('(', "\\(").replace(')', "\\)");
        match form % 3 {
            _ if name.is_empty() => address.clone(),
            0 => format!("\"{quoted}\" <{address}>"),
            1 => format!("{address}\r\n ({comment})"),
            _ => format!("(c) \"{quoted}\"\r\n\t<@route.example:{address}>(d)"),
        }
    }

    proptest! {
        #[test]
        fn a_well_formed_list_comes_back_exactly(list in prop::collection::vec((participant(), any::<u8>()), 0..12),
                                                 separator in "(,|;|,\r\n |, ,)") {
            let value: Vec<_> = list.iter().map(|(p, form)| written(p, *form)).collect();
            let headers = addressing_headers(format!("To: {}\r\n\r\n", value.join(&separator)).as_bytes());
            let read: Vec<_> = headers.participants.iter().map(|p| (p.address.to_string(), p.name.to_string())).collect();
            let expected: Vec<_> = list.into_iter().map(|(p, _)| p).collect();
            prop_assert_eq!(read, expected);
        }

        #[test]
        fn any_octets_are_read_without_panic(octets in prop::collection::vec(any::<u8>(), 0..300),
                                             marks in "[-a@.,;:<>()\"\\\\ =?\r\nq0-9+]{0,120}") {
            addressing_headers(&octets);
            for field in ["From", "To", "Date", "Message-ID"] {
                addressing_headers(&[format!("{field}: ").as_bytes(), &octets].concat());
                addressing_headers(format!("{field}: {marks}").as_bytes());
            }
        }
    }
}
