//! Bounces written for people alone: what qmail, Exim, Postfix without a report and their like say.

use super::delivery_status::{diagnostic, status};
use crate::contract::Bounce;
use crate::types::{Address, Timestamp};

/// Most recipients and lines looked at.
const MAX_RECIPIENTS: usize = 100;
const MAX_LINES: usize = 2_000;

/// What subjects and texts of such mail say, in lower case.
const FAILED: &[&str] = &[
    "undeliver",
    "not deliver",
    "n't deliver",
    "able to deliver",
    "not be delivered",
    "n't be delivered",
    "delivery failed",
    "delivery failure",
    "delivery has failed",
    "delivery status notification (failure)",
    "mail delivery failed",
    "failure notice",
    "returned mail",
    "returned to sender",
    "address(es) failed",
    "addresses had permanent fatal errors",
    "permanent error",
    "did not reach",
    "unzustellbar",
    "nicht zugestellt",
    "nicht zustellbar",
    "échec de la remise",
    "non remis",
    "mancata consegna",
    "no se pudo entregar",
];
const LATE: &[&str] = &[
    "delivery status notification (delay)",
    "delayed",
    "not yet been delivered",
    "do not need to resend",
    "will be retried",
    "will continue to try",
    "still being tried",
    "noch nicht zugestellt",
    "warning: could not send message",
];
/// What stands between a report and the message it gives back.
const RETURNED: &[&str] = &[
    "--- below this line is a copy of the message",
    "--- below the next line is a copy of the message",
    "------ this is a copy of",
    "----- original message -----",
    "----- message header follows -----",
    "--- the header of the original message is following",
    "original message headers",
];

/// Whether this reads as the report of a failure, or of a delay: `Some` of whether it is permanent.
pub(super) fn verdict(subject: &str, text: &str) -> Option<bool> {
    let (subject, text) = (subject.to_lowercase(), before_returned(text).to_lowercase());
    let says =
        |phrases: &[&str]| phrases.iter().any(|phrase| subject.contains(phrase) || text.contains(phrase));
    match (says(LATE), says(FAILED)) {
        (true, _) => Some(false),
        (false, true) => Some(true),
        (false, false) => None,
    }
}

/// The recipients a report names: at the beginning of a line, in angle brackets or alone, the reason behind or below.
pub(super) fn recipients(text: &str, permanent: bool, at: Timestamp) -> Vec<(Option<Address>, Bounce)> {
    let mut found: Vec<(Address, String)> = Vec::new();
    for line in before_returned(text).lines().take(MAX_LINES) {
        match line_recipient(line) {
            Some((address, reason)) if found.len() < MAX_RECIPIENTS => {
                if !found.iter().any(|(known, _)| *known == address) {
                    found.push((address, reason.to_owned()));
                }
            }
            _ => {
                if let Some((_, reason)) = found.last_mut() {
                    if line.trim().is_empty() && !reason.trim().is_empty() {
                        reason.push('\n');
                    } else if !reason.ends_with('\n') {
                        reason.push(' ');
                        reason.push_str(line.trim());
                    }
                }
            }
        }
    }
    found
        .into_iter()
        .map(|(address, reason)| {
            let reason = diagnostic(&reason);
            (Some(address), Bounce::new(permanent, status(&reason), reason, at))
        })
        .collect()
}

/// `<anna@example.org>: reason`, `<anna@example.org>` or `anna@example.org`.
fn line_recipient(line: &str) -> Option<(Address, &str)> {
    let line = line.trim();
    if let Some((address, rest)) = line.strip_prefix('<').and_then(|line| line.split_once('>')) {
        return Some((Address::parse(address).ok()?, rest.trim_start_matches([':', ' '])));
    }
    let (word, rest) = line.split_once(": ").unwrap_or((line.trim_end_matches(':'), ""));
    Some((Address::parse(word).ok()?, rest))
}

/// The report without the message it gives back.
fn before_returned(text: &str) -> &str {
    let mut at = 0;
    for line in text.split_inclusive('\n').take(MAX_LINES) {
        let head = line.get(..line.floor_char_boundary(100)).unwrap_or(line).trim().to_lowercase();
        let returned =
            RETURNED.iter().chain(&["received: ", "return-path: "]).any(|mark| head.starts_with(mark));
        if returned {
            break;
        }
        at += line.len();
    }
    text.get(..at).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        let list = recipients(text, true, Timestamp::from_unix(0));
        list.into_iter().map(|(address, bounce)| (address.unwrap().to_string(), bounce.diagnostic)).collect()
    }

    fn row(address: &str, diagnostic: &str) -> (String, String) {
        (address.to_owned(), diagnostic.to_owned())
    }

    const QMAIL: &str = "Hi. This is the qmail-send program at mx.example.\n\
        I'm afraid I wasn't able to deliver your message to the following addresses.\n\
        This is a permanent error; I've given up. Sorry it didn't work out.\n\n\
        <paula@bakery.example>:\n192.0.2.1 does not like recipient.\n\
        Remote host said: 550 5.1.1 unknown user\nGiving up on 192.0.2.1.\n\n\
        --- Below this line is a copy of the message.\n\nReturn-Path: <anna@office.example>\n<x@y.example>: z\n";
    const EXIM: &str = "This message was created automatically by mail delivery software.\n\n\
        A message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. \
        The following address(es) failed:\n\n  paula@bakery.example\n    host mx.bakery.example [192.0.2.1]\n    \
        SMTP error from remote mail server after RCPT TO: 550 No such user\n  bob@bakery.example\n    mailbox is full\n\n\
        ------ This is a copy of the message, including all the headers. ------\n\nfrom@other.example\n";

    #[test]
    fn recipients_and_reasons_are_found_above_the_returned_message() {
        let said = "192.0.2.1 does not like recipient. Remote host said: 550 5.1.1 unknown user Giving up on 192.0.2.1.";
        assert_eq!(read(QMAIL), [row("paula@bakery.example", said)]);
        let host = "host mx.bakery.example [192.0.2.1] SMTP error from remote mail server after RCPT TO: 550 No such user";
        assert_eq!(
            read(EXIM),
            [row("paula@bakery.example", host), row("bob@bakery.example", "mailbox is full")]
        );
        let postfix =
            "This is the mail system at host mx.\n\n<a@x.example>: host mx said: 552\n    5.2.2 full\n\nmore";
        assert_eq!(read(postfix), [row("a@x.example", "host mx said: 552 5.2.2 full")]);
    }

    #[test]
    fn failures_delays_and_other_mail_are_told_apart() {
        assert_eq!(verdict("failure notice", QMAIL), Some(true));
        assert_eq!(verdict("", EXIM), Some(true));
        assert_eq!(verdict("Warning: message 1 delayed 24 hours", "has not yet been delivered"), Some(false));
        assert_eq!(verdict("Your quota", "is nearly used up"), None);
        assert_eq!(verdict("s", "see\n--- Below this line is a copy of the message\nundeliverable"), None);
    }
}
