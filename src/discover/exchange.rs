//! Microsoft's Autodiscover v2, which says without a sign-in where a domain's mailboxes are.

use serde::Deserialize;

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Url")]
    url: String,
}

/// Whether the domain's mailboxes are in Exchange Online; elsewhere they are on a server of the organisation's own.
pub(super) fn is_online(body: &[u8]) -> bool {
    let answer: Option<Answer> = serde_json::from_slice(body).ok();
    let url = answer.and_then(|answer| url::Url::parse(&answer.url).ok());
    url.is_some_and(|url| url.scheme() == "https" && url.host_str() == Some("outlook.office365.com"))
}
