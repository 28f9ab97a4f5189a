//! What a refusal means. Codes first (RFC 5530), then the words that servers in use say.

use super::wire::{Outcome, Verdict};
use crate::error::{Error, ErrorKind};

/// Where a refusal was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    SignIn,
    Command,
    /// A message is to be added to a mailbox.
    Append,
}

/// Words and what they mean, in order: the first that is found decides.
const WORDS: &[(&str, ErrorKind)] = &[
    ("application-specific password", ErrorKind::AppPasswordRequired),
    ("app password", ErrorKind::AppPasswordRequired),
    ("webalert", ErrorKind::WebLoginRequired),
    ("web login required", ErrorKind::WebLoginRequired),
    ("via your web browser", ErrorKind::WebLoginRequired),
    ("authenticated but not connected", ErrorKind::NotConnected),
    ("command or bandwidth limits", ErrorKind::Throttled),
    ("throttled", ErrorKind::Throttled),
    ("backoff time", ErrorKind::Throttled),
    ("too many simultaneous connections", ErrorKind::TooManyConnections),
    ("too many connections", ErrorKind::TooManyConnections),
    ("connections from your ip", ErrorKind::TooManyConnections),
    ("imap access is disabled", ErrorKind::ImapDisabled),
    ("imap is disabled", ErrorKind::ImapDisabled),
    ("not enabled for imap", ErrorKind::ImapDisabled),
    ("basicauthblocked", ErrorKind::PasswordRefusedByProvider),
    ("basic authentication is disabled", ErrorKind::PasswordRefusedByProvider),
    ("account is locked", ErrorKind::AccountLocked),
    ("account is disabled", ErrorKind::AccountLocked),
    ("account has been suspended", ErrorKind::AccountLocked),
];

/// Words with which servers without codes refuse a message.
const APPEND_WORDS: &[(&str, ErrorKind)] = &[
    ("quota", ErrorKind::MailboxFull),
    ("mailbox is full", ErrorKind::MailboxFull),
    ("too large", ErrorKind::MessageTooLarge),
    ("too big", ErrorKind::MessageTooLarge),
    ("maximum message size", ErrorKind::MessageTooLarge),
];

/// The error of a refused command.
pub(super) fn refused(stage: Stage, what: &'static str, outcome: &Outcome) -> Error {
    let said = format!("{} {}", outcome.code.as_deref().unwrap_or_default(), outcome.text).to_lowercase();
    let by_words = WORDS.iter().find(|(words, _)| said.contains(words)).map(|(_, kind)| *kind);
    let of_append = || {
        let words = APPEND_WORDS.iter().filter(|_| stage == Stage::Append);
        words.into_iter().find(|(words, _)| said.contains(words)).map(|(_, kind)| *kind)
    };
    let kind = by_words.or_else(|| by_code(stage, outcome)).or_else(of_append).unwrap_or(
        match (stage, outcome.verdict) {
            (Stage::SignIn, Verdict::No) => ErrorKind::AuthenticationFailed,
            _ => ErrorKind::ServerRefused,
        },
    );
    Error::new(kind, format!("the server refused {what}"))
}

/// The error of a connection that the server ended with BYE.
pub(super) fn said_bye(outcome: &Outcome) -> Error {
    let said = format!("{} {}", outcome.code.as_deref().unwrap_or_default(), outcome.text).to_lowercase();
    let kind = WORDS
        .iter()
        .find(|(words, _)| said.contains(words))
        .map_or(ErrorKind::ServerUnavailable, |(_, kind)| *kind);
    Error::new(kind, "the server ended the connection")
}

fn by_code(stage: Stage, outcome: &Outcome) -> Option<ErrorKind> {
    let code = outcome.code.as_deref()?.split(' ').next()?.to_ascii_uppercase();
    Some(match code.as_str() {
        "AUTHENTICATIONFAILED" => ErrorKind::AuthenticationFailed,
        "UNAVAILABLE" | "INUSE" | "SERVERBUG" => ErrorKind::ServerUnavailable,
        "LIMIT" if stage == Stage::SignIn => ErrorKind::TooManyConnections,
        "OVERQUOTA" if stage == Stage::Append => ErrorKind::MailboxFull,
        "TOOBIG" if stage == Stage::Append => ErrorKind::MessageTooLarge,
        "LIMIT" | "OVERQUOTA" => ErrorKind::Throttled,
        "EXPIRED" => ErrorKind::AccountLocked,
        "AUTHORIZATIONFAILED" | "CONTACTADMIN" | "NOPERM" => ErrorKind::NotConnected,
        "PRIVACYREQUIRED" => ErrorKind::NoUsableSignIn,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_the_sign_in_say_who_must_act() {
        for (code, text, kind) in [
            (
                Some("ALERT"),
                "Application-specific password required: https://…",
                ErrorKind::AppPasswordRequired,
            ),
            (
                Some("WEBALERT https://accounts.google.com/x"),
                "Web login required.",
                ErrorKind::WebLoginRequired,
            ),
            (Some("ALERT"), "Too many simultaneous connections. (Failure)", ErrorKind::TooManyConnections),
            (Some("LIMIT"), "too many", ErrorKind::TooManyConnections),
            (Some("INUSE"), "busy", ErrorKind::ServerUnavailable),
            (Some("AUTHENTICATIONFAILED"), "Invalid credentials", ErrorKind::AuthenticationFailed),
            (Some("OVERQUOTA"), "Account exceeded command or bandwidth limits.", ErrorKind::Throttled),
            (None, "LOGIN failed.", ErrorKind::AuthenticationFailed),
            (Some("REFERRAL imap://;AUTH=*@x.example/"), "go there", ErrorKind::AuthenticationFailed),
        ] {
            let outcome =
                Outcome { verdict: Verdict::No, code: code.map(str::to_owned), text: text.to_owned() };
            assert_eq!(refused(Stage::SignIn, "the sign-in", &outcome).kind(), kind, "{text}");
        }
    }
}
