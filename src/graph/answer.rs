//! What Graph's answers mean.
//!
//! Sources: learn.microsoft.com/graph/errors (statuses), /graph/api/user-sendmail (202), and what is reported of sendMail in
//! use: mail that a 504 was answered to was delivered all the same, and a message too large was answered with 200 and lost.

use serde::Deserialize;

use crate::error::{Error, ErrorKind};
use crate::net::HttpResponse;
use crate::types::{CleanText, Timestamp};

/// Codes and what they mean, whatever the status of a refusal is.
const CODES: &[(&str, ErrorKind)] = &[
    ("ErrorInvalidRecipients", ErrorKind::RecipientRefused),
    ("ErrorSendAsDenied", ErrorKind::SenderRefused),
    ("ErrorMessageSizeExceeded", ErrorKind::MessageTooLarge),
    ("ErrorExceededMessageLimit", ErrorKind::SendingLimit),
    ("ErrorQuotaExceeded", ErrorKind::MailboxFull),
    ("ErrorMessageSubmissionBlocked", ErrorKind::SendingDisabled),
    // A mailbox elsewhere, or without a licence: nothing its user can change.
    ("MailboxNotEnabledForRESTAPI", ErrorKind::SendingDisabled),
];
/// Longest code shown.
const MAX_CODE: usize = 64;

#[derive(Debug, Default, Deserialize)]
struct Body {
    error: Refusal,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    code: String,
    message: String,
}

impl std::fmt::Debug for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Refusal(..)")
    }
}

/// What Graph said.
pub(super) enum Answer {
    /// It takes responsibility; with the number it gave the request.
    Accepted(String),
    /// The message was not taken, with what was said about it, made safe to show.
    Refused(Error, String),
    /// It may have been taken.
    Unknown(Error),
}

/// Reads an answer; `now` is what a pause it asks for counts from.
pub(super) fn read(response: &HttpResponse, now: Timestamp) -> Answer {
    if response.status == 202 {
        let number = response.header("request-id").unwrap_or_default().chars().take(MAX_CODE);
        return Answer::Accepted(number.filter(|c| c.is_ascii_hexdigit() || *c == '-').collect());
    }
    let told = serde_json::from_slice::<Body>(&response.body).ok().filter(|_| response.whole);
    let by_graph = told.is_some();
    let Refusal { code, message } = told.unwrap_or_default().error;
    let code: String =
        code.chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).take(MAX_CODE).collect();
    let said = format!("Microsoft Graph answered {} {code}", response.status).trim_end().to_owned();
    let Some(kind) = kind(response.status, &code, by_graph) else {
        let uncertain = "which does not say whether the message was taken";
        return Answer::Unknown(Error::new(ErrorKind::DeliveryUnknown, format!("{said}, {uncertain}")));
    };
    let mut error = Error::new(kind, said);
    let pause = response.header("retry-after").and_then(|seconds| seconds.trim().parse().ok());
    if let Some(seconds) = pause.filter(|seconds: &u32| error.is_retryable() && *seconds > 0) {
        error = error.retry_at(now.plus(i64::from(seconds)));
    }
    Answer::Refused(error, CleanText::new(&format!("{code} {message}")).to_string())
}

/// Why the message was not taken; `None` where the answer does not say that it was not.
///
/// A refusal of the client's doing (4xx) comes before anything is done. Of a failure of the server's own only that counts
/// which its documentation says may be repeated (503), or says of what it cannot do (501), and only in Graph's own words:
/// what a gateway writes in between (502, 504, and pages of its own) tells nothing of the server behind it.
fn kind(status: u16, code: &str, by_graph: bool) -> Option<ErrorKind> {
    let by_code = CODES.iter().find(|(known, _)| *known == code).map(|(_, kind)| *kind);
    Some(match status {
        400..=499 => by_code.unwrap_or(match status {
            400 => ErrorKind::MessageRefused,
            401 => ErrorKind::AuthorizationRequired,
            // The token does not allow sending: consent is given anew where the account is connected.
            403 | 404 => ErrorKind::AccountCannotSend,
            408 => ErrorKind::ServerUnavailable,
            413 => ErrorKind::MessageTooLarge,
            429 => ErrorKind::Throttled,
            _ => ErrorKind::ServerRefused,
        }),
        501 if by_graph => ErrorKind::ServerRefused,
        503 if by_graph => ErrorKind::ServerUnavailable,
        300..=399 => ErrorKind::Protocol,
        _ => return None,
    })
}
