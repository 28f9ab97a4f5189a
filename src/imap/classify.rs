//! What a refusal means, by the words that servers in use say and the codes of RFC 5530.

use super::wire::{Outcome, Verdict};
use crate::error::{Error, ErrorKind};
use crate::settings::{Signature, Stage};

/// The error of a refused command; `provider` is whose server refused it.
pub(super) fn refused(
    stage: Stage,
    provider: Option<&'static str>,
    what: &'static str,
    outcome: &Outcome,
) -> Error {
    let message = format!("the server refused {what}");
    match known(stage, provider, outcome) {
        Some(signature) => signature.error(message, &outcome.text),
        None if stage == Stage::ImapSignIn && outcome.verdict == Verdict::No => {
            Error::new(ErrorKind::AuthenticationFailed, message)
        }
        None => Error::new(ErrorKind::ServerRefused, message),
    }
}

/// The error of a connection that the server ended with BYE.
pub(super) fn said_bye(outcome: &Outcome) -> Error {
    let message = "the server ended the connection";
    match known(Stage::ImapCommand, None, outcome) {
        Some(signature) => signature.error(message.to_owned(), &outcome.text),
        None => Error::new(ErrorKind::ServerUnavailable, message),
    }
}

fn known(stage: Stage, provider: Option<&'static str>, outcome: &Outcome) -> Option<&'static Signature> {
    Signature::find(stage, provider, outcome.code.as_deref().unwrap_or_default(), &outcome.text)
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
            assert_eq!(refused(Stage::ImapSignIn, None, "the sign-in", &outcome).kind(), kind, "{text}");
        }
    }
}
