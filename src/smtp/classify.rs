//! What a reply means, by where it was met, its code, its enhanced code and its words.

use super::reply::Reply;
use super::veil::Veil;
use crate::error::{Error, ErrorKind};

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

/// One signature: what a reply has to be, and what it then means.
#[derive(Clone, Copy)]
struct Signature {
    /// Where; everywhere if empty.
    stages: &'static [Stage],
    /// Reply codes; a 4yz and a 5yz never stand together, as one is tried again and the other is not.
    codes: &'static [u16],
    /// The enhanced code; any if empty.
    enhanced: &'static str,
    /// Words in lower case; any if empty.
    words: &'static str,
    kind: ErrorKind,
}

const fn signature(
    codes: &'static [u16],
    enhanced: &'static str,
    words: &'static str,
    kind: ErrorKind,
) -> Signature {
    Signature { stages: &[], codes, enhanced, words, kind }
}

const fn at(stages: &'static [Stage], signature: Signature) -> Signature {
    Signature { stages, ..signature }
}

/// After the message was offered, a full mailbox is the sender's own: the provider files a copy there.
const OFFERED: &[Stage] = &[Stage::Mail, Stage::Data, Stage::EndOfData];
const IN_TRANSACTION: &[Stage] = &[Stage::Mail, Stage::Recipient, Stage::Data, Stage::EndOfData];

/// The first that fits decides.
const SIGNATURES: &[Signature] = &[
    signature(&[432], "", "", ErrorKind::TooManyConnections),
    signature(&[421, 450, 451, 452, 454], "", "too many connections", ErrorKind::TooManyConnections),
    signature(&[421, 450, 451, 452, 454], "4.3.2", "concurrent", ErrorKind::TooManyConnections),
    signature(&[421, 450, 451, 452], "4.7.0", "", ErrorKind::Throttled),
    signature(&[421, 450, 451, 452, 454], "4.7.28", "", ErrorKind::Throttled),
    signature(&[421, 450, 451, 452, 454], "", "try again later, closing connection", ErrorKind::Throttled),
    at(&[Stage::SignIn], signature(&[454], "4.7.0", "", ErrorKind::Throttled)),
    signature(&[534, 535], "5.7.9", "", ErrorKind::AppPasswordRequired),
    at(
        &[Stage::SignIn],
        signature(&[534, 535], "", "application-specific password", ErrorKind::AppPasswordRequired),
    ),
    signature(&[534, 535], "5.7.14", "", ErrorKind::WebLoginRequired),
    signature(&[535, 550], "5.7.139", "", ErrorKind::SendingDisabled),
    signature(&[535, 550], "", "smtpclientauthentication is disabled", ErrorKind::SendingDisabled),
    signature(&[535, 550], "5.7.30", "", ErrorKind::PasswordRefusedByProvider),
    at(&[Stage::SignIn], signature(&[538], "", "", ErrorKind::NoUsableSignIn)),
    at(&[Stage::SignIn], signature(&[504], "", "", ErrorKind::NoUsableSignIn)),
    at(&[Stage::SignIn], signature(&[534, 535, 550, 554], "", "", ErrorKind::AuthenticationFailed)),
    at(IN_TRANSACTION, signature(&[530], "", "", ErrorKind::AuthenticationFailed)),
    at(IN_TRANSACTION, signature(&[550, 554], "5.4.5", "", ErrorKind::SendingLimit)),
    at(IN_TRANSACTION, signature(&[550, 554], "5.7.1", "sending limit", ErrorKind::SendingLimit)),
    at(IN_TRANSACTION, signature(&[554], "5.2.0", "quota", ErrorKind::SendingLimit)),
    at(IN_TRANSACTION, signature(&[554], "5.2.0", "storedrv", ErrorKind::SendingLimit)),
    at(IN_TRANSACTION, signature(&[550, 553, 554], "5.7.60", "", ErrorKind::SenderRefused)),
    at(IN_TRANSACTION, signature(&[550, 553, 554], "5.2.252", "", ErrorKind::SenderRefused)),
    at(IN_TRANSACTION, signature(&[550, 553, 554], "", "sendasdenied", ErrorKind::SenderRefused)),
    at(IN_TRANSACTION, signature(&[550, 553, 554], "", "sender address rejected", ErrorKind::SenderRefused)),
    at(IN_TRANSACTION, signature(&[552, 554], "5.3.4", "", ErrorKind::MessageTooLarge)),
    at(OFFERED, signature(&[552], "5.2.3", "", ErrorKind::MessageTooLarge)),
    at(OFFERED, signature(&[552, 554], "5.2.2", "", ErrorKind::MailboxFull)),
    at(&[Stage::Mail], signature(&[552], "", "", ErrorKind::MessageTooLarge)),
];

/// What a reply that is not the one hoped for means.
pub(super) fn kind(stage: Stage, reply: &Reply) -> ErrorKind {
    let text = reply.text().to_lowercase();
    let known = SIGNATURES.iter().find(|signature| {
        (signature.stages.is_empty() || signature.stages.contains(&stage))
            && signature.codes.contains(&reply.code)
            && (signature.enhanced.is_empty() || signature.enhanced == reply.enhanced())
            && text.contains(signature.words)
    });
    if let Some(signature) = known {
        return signature.kind;
    }
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
pub(super) fn refused(stage: Stage, reply: &Reply, veil: &Veil) -> Error {
    let kind = kind(stage, reply);
    let what = stage.what();
    // What answers on a wrong port may be anything: its text is nothing to show.
    let text = if stage == Stage::Greeting { reply.code.to_string() } else { veil.show(reply) };
    if kind == ErrorKind::Protocol {
        return Error::new(
            kind,
            format!("the server answered out of place where it could refuse {what}: {text}"),
        );
    }
    Error::new(kind, format!("the server refused {what}: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(kind(stage, &Reply::of(code, text)), expected, "{stage:?} {code} {text}");
        }
    }

    /// What the server may take later is tried again, and what it never takes is not, but for limits that end by themselves.
    #[test]
    fn transient_replies_are_tried_again_and_permanent_ones_are_not() {
        let texts: Vec<String> = SIGNATURES
            .iter()
            .flat_map(|s| [format!("{} {}", s.enhanced, s.words), s.words.to_owned(), s.enhanced.to_owned()])
            .collect();
        for stage in STAGES {
            for code in 400..600 {
                for text in &texts {
                    let kind = kind(stage, &Reply::of(code, text.trim()));
                    let again = Error::new(kind, "").is_retryable();
                    let right = again == (code < 500) || kind == ErrorKind::SendingLimit && code >= 500;
                    assert!(right, "{stage:?} {code} {text}: {kind:?}");
                }
            }
        }
    }
}
