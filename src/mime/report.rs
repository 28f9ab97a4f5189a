//! Reports that a message could not be delivered: by the standard (RFC 3464), and as software writes them that has none.

use super::address_list::AddressList;
use super::field::HeaderFields;
use super::{MessageScan, addressing_headers, bounce_text, delivery_status, marks};
use crate::contract::{Bounce, BounceReport};
use crate::types::{Address, DraftFile, Field, MessageId, OutgoingId, ParsedMessage, Participant, Timestamp};

/// How much of a report is read: what it says stands first, the message it gives back may be of any size.
const MAX_OCTETS: usize = 512 * 1024;
/// Local parts, and what a display name begins with, in lower case, of the programs that send reports.
const LOCAL_PARTS: [&str; 6] =
    ["mailer-daemon", "postmaster", "mail-daemon", "mailerdaemon", "mailer_daemon", "mdaemon"];
const EXCHANGE: &str = "microsoftexchange";
const NAMES: [&str; 3] = ["mail delivery sub", "mail delivery sys", "mailer-daemon"];

/// Most recipients taken from a field.
const MAX_FAILED: usize = 100;
/// Types of the parts that tell, and of those that give the message or its header back.
const STATUSES: [&str; 2] = ["message/delivery-status", "message/global-delivery-status"];
const RETURNED: [&str; 5] = [
    "message/rfc822",
    "message/global",
    "text/rfc822-headers",
    "message/rfc822-headers",
    "message/global-headers",
];

/// Whether its addressing headers say that a message may report a failure: it comes from a mail system itself.
pub fn is_bounce_candidate(participants: &[Participant]) -> bool {
    participants.iter().filter(|participant| participant.field == Field::From).any(|author| {
        let local = author.address.local().to_lowercase();
        let name = author.name.as_str().to_lowercase();
        LOCAL_PARTS.contains(&local.as_str())
            || local.starts_with(EXCHANGE)
            || NAMES.iter().any(|known| name.starts_with(known))
    })
}

/// Reads a report on the delivery of a message that names that message, found at `at`; `None` for all other mail, such as that
/// of a client who passes a report on.
///
/// A report by the standard has an empty return path or comes from a mail system, any other comes from one and says in words
/// that something failed. Anybody can write either: what it is about is told by identifiers that only recipients of that
/// message know.
pub fn bounce_report(octets: &[u8], at: Timestamp) -> Option<BounceReport> {
    let octets = octets.get(..MAX_OCTETS).unwrap_or(octets);
    let candidate = is_bounce_candidate(&addressing_headers(octets).participants);
    if !candidate && !has_empty_return_path(octets) {
        return None;
    }
    let mut scan = MessageScan::keeping_files();
    scan.update(octets);
    let (message, files) = scan.finish_with_files();
    let statuses: Vec<_> =
        files.iter().filter(|file| marks::is_report(octets) && is_one_of(file, &STATUSES)).collect();
    let recipients = match statuses.as_slice() {
        // A report that holds no status is one for people.
        [] if candidate => told(octets, &message, at)?,
        statuses => statuses.iter().flat_map(|file| delivery_status::recipients(&file.octets, at)).collect(),
    };
    let (outgoing, message_id) = reported(&message, &files);
    let names_it = outgoing.is_some() || message_id.is_some();
    (names_it && !recipients.is_empty()).then(|| BounceReport::new(outgoing, message_id, recipients))
}

fn has_empty_return_path(octets: &[u8]) -> bool {
    let path = HeaderFields::new(octets).find(|field| field.is("return-path"));
    path.is_some_and(|field| field.text(16).replace(' ', "") == "<>")
}

fn is_one_of(file: &DraftFile, types: &[&str]) -> bool {
    let essence = file.content_type.split(';').next().unwrap_or_default();
    types.contains(&essence)
}

/// What a report says that is written for people; `None` where it says of no failure.
fn told(octets: &[u8], message: &ParsedMessage, at: Timestamp) -> Option<Vec<(Option<Address>, Bounce)>> {
    let permanent = bounce_text::verdict(message.subject.as_str(), &message.text);
    let failed = HeaderFields::new(octets).filter(|field| field.is("x-failed-recipients"));
    let failed: Vec<_> = failed
        .flat_map(|field| AddressList::new(field.value))
        .take(MAX_FAILED)
        .map(|(address, _)| address)
        .collect();
    let permanent = permanent.or((!failed.is_empty()).then_some(true))?;
    let mut recipients = bounce_text::recipients(&message.text, permanent, at);
    if !failed.is_empty() {
        // The field names them surely; lines of the text may begin with other addresses.
        let reason = |address: &Address| {
            let said = recipients.iter().find(|(known, _)| known.as_ref() == Some(address));
            said.map_or_else(|| Bounce::new(permanent, None, "", at), |(_, bounce)| bounce.clone())
        };
        recipients = failed.iter().map(|address| (Some(address.clone()), reason(address))).collect();
    }
    if recipients.is_empty() {
        let status = delivery_status::status(&message.text);
        recipients
            .push((None, Bounce::new(permanent, status, delivery_status::diagnostic(&message.text), at)));
    }
    Some(recipients)
}

/// The message a report is about: as the returned message or its header says, else what the report answers.
fn reported(message: &ParsedMessage, files: &[DraftFile]) -> (Option<OutgoingId>, Option<MessageId>) {
    let parts = || files.iter().filter(|file| is_one_of(file, &RETURNED)).map(|file| file.octets.as_slice());
    let outgoing = parts()
        .find_map(marks::outgoing)
        .or_else(|| OutgoingId::parse(behind(&message.text, OutgoingId::FIELD)?.split_whitespace().next()?));
    let message_id = parts()
        .find_map(|part| addressing_headers(part).message_id)
        .or_else(|| {
            let value = behind(&message.text, "Message-ID")?.trim_start();
            value.starts_with('<').then(|| MessageId::parse(value.get(..value.find('>')? + 1)?))?
        })
        .or_else(|| message.in_reply_to.clone())
        .or_else(|| message.references.last().cloned());
    (outgoing, message_id)
}

/// What stands behind a field's name and colon, where a text has them at the beginning of a line.
fn behind<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let lines = std::iter::successors(Some(text), |text| Some(text.split_once('\n')?.1));
    lines.map(|text| text.trim_start_matches([' ', '\t', '>'])).find_map(|text| {
        let (head, rest) = text.split_at_checked(name.len())?;
        rest.strip_prefix(':').filter(|_| head.eq_ignore_ascii_case(name))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::types::CleanText;

    const AT: Timestamp = Timestamp::from_unix(1);
    const ID: &str = "0707070707070707070707070707070b";

    fn report(mail: &str) -> Option<BounceReport> {
        bounce_report(mail.replace('\n', "\r\n").as_bytes(), AT)
    }

    type Told = (Option<String>, Option<String>, Vec<(String, bool, String)>);

    fn told_of(mail: &str) -> Told {
        let BounceReport { outgoing, message_id, recipients } = report(mail).unwrap();
        let recipients = recipients.into_iter().map(|(address, bounce)| {
            let address = address.map_or_else(String::new, |address| address.to_string());
            (address, bounce.permanent, bounce.status.unwrap_or_default())
        });
        (outgoing.map(|id| id.to_string()), message_id.map(|id| id.to_string()), recipients.collect())
    }

    fn standard(from: &str, returned: &str) -> String {
        format!(
            "Return-Path: <>\nFrom: {from}\nSubject: Undelivered\nContent-Type: multipart/report; report-type=delivery-status;\n boundary=b\n\n\
             --b\n\nSorry.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\n\
             Final-Recipient: rfc822; paula@bakery.example\nAction: failed\nStatus: 5.1.1\n\n--b\n{returned}\n--b--\n"
        )
    }

    fn returned(kind: &str) -> String {
        format!("Content-Type: {kind}\n\nFrom: a@x\nMessage-ID: <m@x>\nX-Practicemail-Id: {ID}\n\nbody\n")
    }

    #[test]
    fn a_standard_report_names_message_and_recipient() {
        for kind in ["message/rfc822", "text/rfc822-headers"] {
            let mail = standard("MAILER-DAEMON@mx.example (Mail Delivery System)", &returned(kind));
            let failed = vec![("paula@bakery.example".to_owned(), true, "5.1.1".to_owned())];
            assert_eq!(told_of(&mail), (Some(ID.to_owned()), Some("m@x".to_owned()), failed), "{kind}");
        }
        assert!(report(&standard("Bounces <b@mx.example>", &returned("message/rfc822"))).is_some());
    }

    #[test]
    fn what_is_no_bounce_or_names_no_message_is_none() {
        let whole = standard("postmaster@mx.example", &returned("message/rfc822"));
        for (mail, why) in [
            (standard("postmaster@mx.example", ""), "it names no message"),
            (whole.replace("Action: failed", "Action: relayed"), "nothing failed"),
            (whole.replace("Return-Path: <>\nFrom: postmaster", "From: paula"), "a person sent it"),
            (
                whole
                    .replace("multipart/report", "multipart/mixed")
                    .replace("From: postmaster", "From: paula"),
                "no report",
            ),
            (
                format!("From: paula@x\nReturn-Path: <>\nSubject: Undeliverable\n\n{}", returned("x")),
                "words of a person",
            ),
            (
                format!("From: postmaster@x\nIn-Reply-To: <m@x>\nSubject: Your quota\n\nIs {ID}"),
                "nothing failed",
            ),
            (
                format!(
                    "From: paula@x\nContent-Type: multipart/mixed; boundary=o\n\n--o\n\nSee\n--o\nContent-Type: message/rfc822\n\n{whole}\n--o--\n"
                ),
                "passed on",
            ),
            (String::new(), "nothing"),
        ] {
            assert_eq!(report(&mail), None, "{why}");
        }
    }

    #[test]
    fn reports_for_people_are_read_too() {
        let qmail = format!(
            "From: MAILER-DAEMON@mx.example\nSubject: failure notice\n\nHi. This is the qmail-send program.\n\
             I'm afraid I wasn't able to deliver your message to the following addresses.\n\n\
             <paula@bakery.example>:\nno such user (#5.1.1)\n\n--- Below this line is a copy of the message.\n\n\
             Return-Path: <a@x>\nMessage-ID:\n <m@x>\nX-Practicemail-Id: {ID}\n"
        );
        let failed = |address: &str, status: &str| vec![(address.to_owned(), true, status.to_owned())];
        let (outgoing, id) = (Some(ID.to_owned()), Some("m@x".to_owned()));
        assert_eq!(told_of(&qmail), (outgoing, id.clone(), failed("paula@bakery.example", "5.1.1")));
        let exim = "From: Mail Delivery System <x@mx.example>\nX-Failed-Recipients: bob@bakery.example\nIn-Reply-To: <m@x>\n\n\
            Could not be delivered.\n\n  paula@bakery.example\n    a line\n  bob@bakery.example\n    550 5.7.1 no\n";
        assert_eq!(told_of(exim), (None, id.clone(), failed("bob@bakery.example", "5.7.1")));
        let late = "From: Mail Delivery Subsystem <mailer-daemon@mx.example>\nSubject: Warning: message delayed\nReferences: <m@x>\n\nIt waits.\n";
        assert_eq!(told_of(late), (None, id.clone(), vec![(String::new(), false, String::new())]));
        let exchange = "From: \"Microsoft Outlook\" <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@x.example>\nSubject: Undeliverable: VAT\n\n\
            Your message did not reach some recipients.\n\nOriginal message headers:\n\nMessage-ID: <m@x>\n";
        let told = told_of(exchange);
        assert_eq!((told.1, told.2.len(), told.2[0].1), (id, 1, true));
    }

    #[test]
    fn candidates_are_known_by_their_author_alone() {
        let candidate = |field, address: &str, name: &str| {
            let address = Address::parse(address).unwrap();
            is_bounce_candidate(&[Participant::new(field, address, CleanText::new(name))])
        };
        assert!(candidate(Field::From, "MAILER-DAEMON@x", ""));
        assert!(candidate(Field::From, "microsoftexchange329e@x", ""));
        assert!(candidate(Field::From, "no-reply@x", "Mail Delivery Subsystem"));
        assert!(!candidate(Field::To, "postmaster@x", ""));
        assert!(!candidate(Field::From, "paula@x", "The postmaster"));
        assert!(!is_bounce_candidate(&[]));
    }

    #[test]
    fn a_report_of_any_size_is_read_within_bounds() {
        let mail = standard("postmaster@mx.example", &returned("message/rfc822"));
        assert!(report(&mail.replace("body", &"x".repeat(2 * MAX_OCTETS))).is_some());
        assert!(report(&mail.replace("Sorry.", &"x\n".repeat(MAX_OCTETS))).is_none());
    }

    proptest! {
        #[test]
        fn any_octets_are_read_without_panic(octets in prop::collection::vec(any::<u8>(), 0..300), text in "(<[a@.>]{0,5}|: |\n|Message-ID:|[é -]){0,40}") {
            let head = b"From: postmaster@x\r\nSubject: undeliverable\r\nIn-Reply-To: <a@x>\r\n\r\n";
            bounce_report(&[&head[..], &octets].concat(), AT);
            prop_assert!(bounce_report(&[&head[..], text.as_bytes()].concat(), AT).is_some());
        }
    }
}
