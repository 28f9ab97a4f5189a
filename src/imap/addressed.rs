//! What FETCH says of a message before its octets are asked for.

use chrono::DateTime;

use super::listing;
use super::wire::Fetched;
use crate::contract::Addressed;
use crate::mime::addressing_headers;
use crate::types::{MailboxName, Timestamp, Uid};

/// Fields by which a message can belong to a client, and those by which it is recognised.
pub(super) const ADDRESSING: &str =
    "BODY.PEEK[HEADER.FIELDS (FROM SENDER TO CC BCC X-ORIGINAL-FROM MESSAGE-ID DATE)]";

/// Puts what was fetched together; `None` where the server did not tell the headers.
pub(super) fn addressed(uid: Uid, fetched: Fetched, excluded: &[String]) -> Option<Addressed> {
    // A section of header fields ends with an empty line (RFC 9051 §6.4.5): no octets at all is no answer.
    let headers = fetched.headers.filter(|octets| !octets.is_empty())?;
    let headers = addressing_headers(&headers);
    let internal_date = fetched.internal_date.as_deref().and_then(internal_date);
    let mut addressed = Addressed::new(uid, fetched.size.unwrap_or_default(), internal_date, headers);
    let labels = fetched.labels.unwrap_or_default();
    let flagged = fetched.flags.unwrap_or_default().iter().any(|f| f == "\\draft" || f == "\\deleted");
    addressed.skip = flagged || labels.iter().any(|label| listing::label_excludes(label, excluded));
    addressed.labels = labels.into_iter().map(MailboxName::from_wire).collect();
    addressed.labels.sort();
    addressed.thread = fetched.thread;
    Some(addressed)
}

/// INTERNALDATE (RFC 9051 §9, `date-time`).
fn internal_date(text: &str) -> Option<Timestamp> {
    let date = DateTime::parse_from_str(text.trim(), "%d-%b-%Y %H:%M:%S %z").ok()?;
    Some(Timestamp::from_unix(date.timestamp()))
}
