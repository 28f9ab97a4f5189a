//! Delivery status notifications (RFC 3464).

use super::field::{HeaderField, HeaderFields};
use crate::contract::Bounce;
use crate::types::{Address, CleanText, Timestamp};

/// Most recipients looked at: more than one message has.
const MAX_RECIPIENTS: usize = 1_000;
/// Most octets kept of what a server says.
const MAX_DIAGNOSTIC: usize = 500;
const MAX_VALUE: usize = 4 * 1024;

/// The failed and the late recipients of a message/delivery-status; what was delivered is no news here.
pub(super) fn recipients(octets: &[u8], at: Timestamp) -> Vec<(Option<Address>, Bounce)> {
    let mut rest = octets;
    let mut found = Vec::new();
    while !rest.is_empty() && found.len() < MAX_RECIPIENTS {
        let (group, behind) = split_group(rest);
        found.extend(recipient(group, at));
        rest = behind;
    }
    found
}

/// The fields up to the next empty line, and what follows it.
fn split_group(octets: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    for line in octets.split_inclusive(|b| *b == b'\n') {
        at += line.len();
        if line.trim_ascii().is_empty() {
            break;
        }
    }
    octets.split_at_checked(at).unwrap_or((octets, &[]))
}

fn recipient(group: &[u8], at: Timestamp) -> Option<(Option<Address>, Bounce)> {
    let first = |name: &str| HeaderFields::new(group).find(|field| field.is(name)).map(value);
    let original = first("original-recipient");
    let last = first("final-recipient");
    if original.is_none() && last.is_none() {
        return None;
    }
    let diagnostic = diagnostic(first("diagnostic-code").as_deref().map(behind_type).unwrap_or_default());
    let status = first("status").and_then(|text| status(&text)).or_else(|| status(&diagnostic));
    let action = first("action").unwrap_or_default().to_ascii_lowercase();
    let permanent = match action.split([' ', '(', ';']).next().unwrap_or_default() {
        "failed" => true,
        "delayed" => false,
        "" => !status.as_ref()?.starts_with('4'),
        _ => return None,
    };
    // What it was sent to comes first: behind a forwarder the final address is one its sender never wrote.
    let address = original.as_deref().and_then(address).or_else(|| last.as_deref().and_then(address));
    Some((address, Bounce::new(permanent, status, diagnostic, at)))
}

fn value(field: HeaderField<'_>) -> String {
    field.text(MAX_VALUE).into_owned()
}

/// `rfc822; anna@example.org`, with or without its type and angle brackets.
fn address(value: &str) -> Option<Address> {
    Address::parse(behind_type(value).trim_matches(['<', '>', ' '])).ok()
}

fn behind_type(value: &str) -> &str {
    match value.split_once(';') {
        Some((kind, rest)) if kind.trim().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') => {
            rest.trim()
        }
        _ => value.trim(),
    }
}

/// What a server said, safe to show.
pub(super) fn diagnostic(text: &str) -> String {
    let clean = CleanText::new(text);
    let text = clean.as_str();
    text.get(..text.floor_char_boundary(MAX_DIAGNOSTIC)).unwrap_or(text).to_owned()
}

/// The first enhanced status code (RFC 3463 §2) of a failure in a text.
pub(super) fn status(text: &str) -> Option<String> {
    let number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    text.split(|c: char| !c.is_ascii_digit() && c != '.')
        .map(|word| word.trim_matches('.'))
        .find(|word| {
            let mut parts = word.split('.');
            matches!(parts.next(), Some("4" | "5")) && parts.clone().count() == 2 && parts.all(number)
        })
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, bool, String, String)> {
        let list = recipients(text.replace('\n', "\r\n").as_bytes(), Timestamp::from_unix(0));
        list.into_iter()
            .map(|(address, bounce)| {
                let address = address.map_or_else(String::new, |address| address.to_string());
                (address, bounce.permanent, bounce.status.unwrap_or_default(), bounce.diagnostic)
            })
            .collect()
    }

    fn row(address: &str, permanent: bool, status: &str, diagnostic: &str) -> (String, bool, String, String) {
        (address.to_owned(), permanent, status.to_owned(), diagnostic.to_owned())
    }

    #[test]
    fn failed_and_late_recipients_are_told_and_delivered_ones_are_not() {
        let text = "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1 (bad)\n\
            Diagnostic-Code: smtp; 550 5.1.1\n <a@x.example>: User unknown\n\n\
            Final-Recipient: RFC822;b@x.example\nAction: Delayed\nStatus: 4.4.1\n\n\
            Final-Recipient: rfc822; c@x.example\nAction: delivered\nStatus: 2.0.0\n\n\
            Original-Recipient: rfc822;written@x.example\nFinal-Recipient: rfc822; moved@y.example\nAction: failed\nStatus: 5.0.0\n\n\
            Final-Recipient: x; ?\nAction: failed\nDiagnostic-Code: 552 5.2.2 full; really\n\n\
            Final-Recipient: rfc822; <e@x.example>\nStatus: 4.2.2\n\nFinal-Recipient: rfc822; f@x.example\n";
        assert_eq!(
            read(text),
            [
                row("a@x.example", true, "5.1.1", "550 5.1.1 <a@x.example>: User unknown"),
                row("b@x.example", false, "4.4.1", ""),
                row("written@x.example", true, "5.0.0", ""),
                row("", true, "5.2.2", "552 5.2.2 full; really"),
                row("e@x.example", false, "4.2.2", ""),
            ]
        );
    }

    #[test]
    fn status_codes_are_found_in_words_and_addresses_are_none() {
        for (text, expected) in [
            ("550 5.1.1 x", Some("5.1.1")),
            ("(#5.7.60)", Some("5.7.60")),
            ("[192.0.2.1] said 421-4.7.0.", Some("4.7.0")),
            ("5.1 or 5.1.1.1 or 2.0.0 or 5.1234.1", None),
            ("", None),
        ] {
            assert_eq!(status(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_flood_of_recipients_is_cut() {
        assert_eq!(
            read(&"Final-Recipient: rfc822; a@x\nAction: failed\n\n".repeat(5_000)).len(),
            MAX_RECIPIENTS
        );
        assert_eq!(
            read(&format!("Final-Recipient: a@x\nAction: failed\nDiagnostic-Code: {}", "é".repeat(9_000)))[0]
                .3
                .len(),
            500
        );
    }
}
