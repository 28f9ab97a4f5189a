//! What a reply means, by where it was met, its code, its enhanced code and its words.

use super::reply::Reply;
use crate::error::{Error, ErrorKind};
use crate::net::Veil;
use crate::settings::{self, Signature};

/// Where in the dialogue a reply was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Greeting,
    Hello,
    StartTls,
    SignIn,
    Mail,
    Recipient,
    Data,
    EndOfData,
}

impl Stage {
    const fn known(self) -> settings::Stage {
        match self {
            Self::Greeting | Self::Hello | Self::StartTls => settings::Stage::SmtpOpening,
            Self::SignIn => settings::Stage::SmtpSignIn,
            Self::Mail => settings::Stage::SmtpMail,
            Self::Recipient => settings::Stage::SmtpRecipient,
            Self::Data | Self::EndOfData => settings::Stage::SmtpData,
        }
    }

    /// What the server refused, for messages.
    const fn what(self) -> &'static str {
        match self {
            Self::Greeting => "the connection",
            Self::Hello => "to talk",
            Self::StartTls => "STARTTLS",
            Self::SignIn => "the sign-in",
            Self::Mail => "the sender",
            Self::Recipient => "a recipient",
            Self::Data | Self::EndOfData => "the message",
        }
    }
}

/// What is known of a reply; `provider` is whose server made it.
fn signature(stage: Stage, provider: Option<&'static str>, reply: &Reply) -> Option<&'static Signature> {
    Signature::find(stage.known(), provider, &reply.code.to_string(), &reply.text())
}

/// What a reply that is not the one hoped for, and not known, means.
fn by_stage(stage: Stage, reply: &Reply) -> ErrorKind {
    match stage {
        // The code says it all: what is behind a recipient's mailbox is not this account's.
        Stage::Recipient if reply.is_transient() && reply.code != 421 => ErrorKind::RecipientDeferred,
        Stage::Recipient if reply.is_permanent() => ErrorKind::RecipientRefused,
        _ if reply.is_transient() => ErrorKind::ServerUnavailable,
        Stage::StartTls if reply.is_permanent() => ErrorKind::StartTlsUnavailable,
        Stage::Mail if reply.is_permanent() => ErrorKind::SenderRefused,
        Stage::EndOfData | Stage::Data if reply.is_permanent() => ErrorKind::MessageRefused,
        Stage::Greeting | Stage::Hello | Stage::SignIn if reply.is_permanent() => ErrorKind::ServerRefused,
        _ => ErrorKind::Protocol,
    }
}

/// The error of a reply that is not the one hoped for.
pub(super) fn refused(stage: Stage, reply: &Reply, veil: &Veil, provider: Option<&'static str>) -> Error {
    let what = stage.what();
    // What answers on a wrong port may be anything: its text is nothing to show.
    let text = if stage == Stage::Greeting { reply.code.to_string() } else { reply.shown(veil) };
    let message = format!("the server refused {what}: {text}");
    if let Some(signature) = signature(stage, provider, reply) {
        return signature.error(message, &reply.text());
    }
    match by_stage(stage, reply) {
        ErrorKind::Protocol => Error::new(
            ErrorKind::Protocol,
            format!("the server answered out of place where it could refuse {what}: {text}"),
        ),
        kind => Error::new(kind, message),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn kind(stage: Stage, provider: Option<&'static str>, reply: &Reply) -> ErrorKind {
        refused(stage, reply, &Veil::default(), provider).kind()
    }

    const STAGES: [Stage; 8] = [
        Stage::Greeting,
        Stage::Hello,
        Stage::StartTls,
        Stage::SignIn,
        Stage::Mail,
        Stage::Recipient,
        Stage::Data,
        Stage::EndOfData,
    ];

    #[test]
    fn replies_say_who_must_act() {
        use ErrorKind as K;
        for (stage, code, text, expected) in [
            (Stage::SignIn, 535, "5.7.8 Username and Password not accepted", K::AuthenticationFailed),
            (Stage::SignIn, 535, "5.7.3 Authentication unsuccessful", K::AuthenticationFailed),
            (Stage::SignIn, 454, "4.7.0 Temporary authentication failure", K::Throttled),
            (Stage::SignIn, 534, "5.7.9 Application-specific password required", K::AppPasswordRequired),
            (Stage::SignIn, 534, "5.7.14 Please log in via your web browser", K::WebLoginRequired),
            (
                Stage::SignIn,
                535,
                "5.7.139 SmtpClientAuthentication is disabled for the Tenant",
                K::SendingDisabled,
            ),
            (
                Stage::SignIn,
                550,
                "5.7.30 Basic authentication is not supported",
                K::PasswordRefusedByProvider,
            ),
            (Stage::SignIn, 432, "4.3.2 Concurrent connections limit exceeded", K::TooManyConnections),
            (Stage::SignIn, 538, "5.7.11 Encryption required", K::NoUsableSignIn),
            (Stage::SignIn, 503, "5.5.1 what", K::ServerRefused),
            (Stage::Mail, 550, "5.7.60 SMTP; Client does not have permissions", K::SenderRefused),
            (Stage::Mail, 553, "5.7.1 Sender address rejected: not owned by user", K::SenderRefused),
            (Stage::Mail, 552, "5.3.4 Message size exceeds fixed limit", K::MessageTooLarge),
            (Stage::Mail, 552, "too big", K::MessageTooLarge),
            (Stage::Mail, 550, "5.4.5 Daily user sending limit exceeded", K::SendingLimit),
            (Stage::Mail, 530, "5.7.57 Client not authenticated", K::AuthenticationFailed),
            (Stage::Mail, 421, "4.4.2 closing", K::ServerUnavailable),
            (Stage::Mail, 354, "go", K::Protocol),
            (Stage::Recipient, 550, "5.1.1 unknown", K::RecipientRefused),
            (Stage::Recipient, 552, "5.2.2 Mailbox full", K::RecipientRefused),
            (Stage::Recipient, 450, "4.2.0 Greylisted", K::RecipientDeferred),
            (Stage::Recipient, 452, "4.2.2 Mailbox full", K::RecipientDeferred),
            (Stage::Recipient, 421, "4.7.0 slow down", K::Throttled),
            (Stage::Recipient, 553, "5.7.1 <a@b>: Sender address rejected: not owned", K::SenderRefused),
            (Stage::EndOfData, 552, "5.2.2 Mailbox full", K::MailboxFull),
            (Stage::EndOfData, 554, "5.2.0 STOREDRV.Submission; quota", K::SendingLimit),
            (Stage::EndOfData, 451, "4.3.0 try later", K::ServerUnavailable),
            (Stage::EndOfData, 552, "5.3.4 too big", K::MessageTooLarge),
            (Stage::EndOfData, 554, "5.7.1 spam", K::MessageRefused),
            (Stage::Data, 503, "5.5.1 need RCPT", K::MessageRefused),
            (Stage::Data, 250, "ok", K::Protocol),
            (Stage::StartTls, 454, "TLS not available", K::ServerUnavailable),
            (Stage::StartTls, 502, "not implemented", K::StartTlsUnavailable),
            (Stage::Greeting, 554, "No SMTP service here", K::ServerRefused),
            (Stage::Greeting, 221, "closing", K::Protocol),
        ] {
            assert_eq!(kind(stage, None, &Reply::of(code, text)), expected, "{stage:?} {code} {text}");
        }
    }

    /// What the server may take later is tried again, and what it never takes is not, but for limits that end by themselves.
    #[test]
    fn transient_replies_are_tried_again_and_permanent_ones_are_not() {
        // Every text of the table of signatures, with and without its enhanced code.
        let rows = include_str!("../settings/signatures.tsv").lines().filter(|row| row.starts_with("smtp"));
        let texts: BTreeSet<String> = rows
            .flat_map(|row| {
                let field = |index| row.split('\t').nth(index).unwrap().split('|').collect::<Vec<_>>();
                let (enhanced, words) = (field(3), field(4));
                enhanced
                    .iter()
                    .flat_map(|code| words.iter().map(move |words| format!("{code} {words}")))
                    .collect::<Vec<_>>()
            })
            .flat_map(|text| [text.clone(), text.split_once(' ').unwrap().1.to_owned()])
            .collect();
        for (stage, provider) in
            STAGES.iter().flat_map(|s| [None, Some("google"), Some("microsoft")].map(|p| (*s, p)))
        {
            for code in 400..600 {
                for text in &texts {
                    let kind = kind(stage, provider, &Reply::of(code, text.trim()));
                    let again = Error::new(kind, "").is_retryable();
                    let right = again == (code < 500) || kind == ErrorKind::SendingLimit && code >= 500;
                    assert!(right, "{stage:?} {provider:?} {code} {text}: {kind:?}");
                }
            }
        }
    }
}
