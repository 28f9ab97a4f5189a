//! Where messages go: into the mailboxes of an IMAP server of the kit.

use super::{
    personality::{Files, Manners},
    record::Delivery,
};
use crate::testkit::imap::Mailboxes;

/// Names under which the IMAP server's personalities keep what was sent.
const SENT: [&str; 4] = ["[Gmail]/Sent Mail", "Gesendete Elemente", "Sent Items", "Sent"];

/// The IMAP servers that copies are filed in and messages delivered into.
#[derive(Clone, Default)]
pub(super) struct Targets {
    pub(super) files_into: Option<Mailboxes>,
    pub(super) delivers_into: Option<Mailboxes>,
}

impl Targets {
    /// Files and delivers a message, the `number`th the server took, at `now` in seconds since 1970.
    pub(super) fn put(&self, manners: &Manners, delivery: &Delivery, number: usize, now: i64) {
        let own = if manners.rewrites_message_id {
            with_message_id(&delivery.octets, &format!("<{number}.{now}@rewritten.example>"))
        } else {
            delivery.octets.to_vec()
        };
        if manners.files == Files::Copy
            && let Some(mailboxes) = &self.files_into
        {
            let user = mailboxes.user(&delivery.login);
            let names = user.mailboxes();
            let there = SENT.iter().find(|name| names.iter().any(|own| own == name.as_bytes()));
            let sent = there.copied().unwrap_or("Sent");
            user.create_mailbox(sent, &["\\Sent"]);
            user.append(sent, &own, &["\\Seen"], now);
        }
        let Some(mailboxes) = &self.delivers_into else { return };
        for recipient in &delivery.recipients {
            let Some(user) = mailboxes.known_user(recipient) else { continue };
            let mut octets = trace(delivery, recipient, number, now).into_bytes();
            octets.extend_from_slice(&own);
            user.append("INBOX", octets, &[], now);
        }
    }
}

/// The fields a delivering server puts in front (RFC 5321 §4.4).
fn trace(delivery: &Delivery, recipient: &str, number: usize, now: i64) -> String {
    let date = chrono::DateTime::from_timestamp(now, 0).unwrap_or_default().to_rfc2822();
    format!(
        "Return-Path: <{}>\r\nReceived: from [127.0.0.1] by localhost (practicemail testkit) with ESMTPSA\r\n\
         \tid {number} for <{recipient}>; {date}\r\n",
        delivery.reverse_path
    )
}

/// The message with another Message-ID.
fn with_message_id(octets: &[u8], id: &str) -> Vec<u8> {
    let mut result = Vec::with_capacity(octets.len() + id.len());
    let mut in_header = true;
    let mut dropping = false;
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        if in_header {
            let folded = line.first().is_some_and(|first| *first == b' ' || *first == b'\t');
            dropping = if folded { dropping } else { names_message_id(line) };
            if line == b"\r\n" {
                result.extend_from_slice(format!("Message-ID: {id}\r\n").as_bytes());
                in_header = false;
            }
        }
        if !in_header || !dropping {
            result.extend_from_slice(line);
        }
    }
    result
}

fn names_message_id(line: &[u8]) -> bool {
    const NAME: &[u8] = b"message-id:";
    line.get(..NAME.len()).is_some_and(|start| start.eq_ignore_ascii_case(NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_id_is_replaced_and_nothing_else() {
        let message = b"Message-Id:\r\n <old@x>\r\nSubject: s\r\n y\r\n\r\nMessage-ID: in the text\r\n";
        let new = with_message_id(message, "<new@y>");
        let expected = "Subject: s\r\n y\r\nMessage-ID: <new@y>\r\n\r\nMessage-ID: in the text\r\n";
        assert_eq!(String::from_utf8(new).unwrap(), expected);
    }
}
