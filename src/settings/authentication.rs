//! Under which name mail services write Authentication-Results (RFC 8601 §2.5), as data.

/// IMAP host and name; the empty one where the service names itself in none.
const SERVERS: [(&str, &str); 2] = [
    // support.google.com/mail/answer/180707, and the original of any message at Gmail.
    ("imap.gmail.com", "mx.google.com"),
    // learn.microsoft.com/defender-office-365/message-headers-eop-mdo, "Authentication-results": the field begins with its results.
    ("outlook.office365.com", ""),
];

/// The name for a mailbox at that IMAP host, where it is known.
pub(super) fn server_of(imap_host: &str) -> Option<&'static str> {
    SERVERS.iter().find(|(host, _)| imap_host.eq_ignore_ascii_case(host)).map(|(_, server)| *server)
}

#[cfg(test)]
mod tests {
    use crate::settings::{AccountSettings, Login, ServerSettings, TlsMode};

    #[test]
    fn what_is_settled_counts_before_what_is_known() {
        let at = |host: &str| {
            let server = ServerSettings::new(host, 993, TlsMode::Implicit).unwrap();
            AccountSettings::new(server, Login::new("anna").unwrap())
        };
        assert_eq!(at("IMAP.gmail.com").trusted_authentication(), Some("mx.google.com"));
        assert_eq!(at("outlook.office365.com").trusted_authentication(), Some(""));
        assert_eq!(at("imap.example.org").trusted_authentication(), None);
        let mut settled = at("imap.gmail.com");
        settled.authentication_server = Some("mx.example.org".to_owned());
        assert_eq!(settled.trusted_authentication(), Some("mx.example.org"));
    }
}
