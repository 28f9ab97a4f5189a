//! One server: where it is and how it is reached.

use serde::{Deserialize, Serialize};

use super::typed::{self, Place};
use crate::error::{Error, ErrorKind, Result};

/// How the connection is encrypted. There is no opportunistic mode: a STARTTLS that is not offered is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum TlsMode {
    /// TLS from the first octet (RFC 8314 §3); port 993 for IMAP, 465 for submission.
    Implicit,
    /// An upgrade that is insisted on (RFC 8314 §4.1); port 143 or 587.
    StartTls,
    /// No encryption: refused unless the host is this machine itself.
    None,
}

/// A mail server as a user's settings name it.
///
/// ```
/// use practicemail::settings::{ServerSettings, TlsMode};
/// let server = ServerSettings::new(" imap.example.org ", 993, TlsMode::Implicit).unwrap();
/// assert_eq!(server.host(), "imap.example.org");
/// assert!(ServerSettings::new("imap.example.org", 143, TlsMode::None).is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerSettings {
    host: String,
    port: u16,
    tls: TlsMode,
    /// An own authority (PEM) that is trusted instead of the system's.
    ca_pem: Option<String>,
}

impl ServerSettings {
    /// A server; what slips in around the name when it is pasted goes: white space, invisible characters, curly quotes.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a name with characters no host name or address has, or that look like others, naming the
    /// character; for port 0, and for [`TlsMode::None`] with a host that is not this machine.
    pub fn new(host: &str, port: u16, tls: TlsMode) -> Result<Self> {
        let host = typed::trimmed(host).trim_end_matches('.');
        let invalid = |why: String| Error::new(ErrorKind::Invalid, why);
        if let Some(misfit) = typed::misfit(host) {
            return Err(invalid(format!("the server name {misfit}")));
        }
        if let Some(bad) = host.chars().find(|c| !(c.is_alphanumeric() || ".-_:[]".contains(*c))) {
            let which = if bad.is_ascii_graphic() {
                format!("{bad} (U+{:04X})", u32::from(bad))
            } else {
                format!("U+{:04X}", u32::from(bad))
            };
            return Err(invalid(format!("a server name cannot hold the character {which}")));
        }
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || port == 0 {
            return Err(invalid("a server needs a name and a port".to_owned()));
        }
        let host = match host.parse::<std::net::IpAddr>() {
            Ok(address) => address.to_string(),
            Err(_) => {
                idna::domain_to_ascii(host).map_err(|_| invalid("this is not a server name".to_owned()))?
            }
        };
        let here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|a| a.is_loopback());
        if tls == TlsMode::None && !here {
            return Err(invalid(
                "a connection without encryption is possible to this machine only".to_owned(),
            ));
        }
        Ok(Self { host, port, tls, ca_pem: None })
    }

    /// Trusts the authority in `pem` for this server, instead of the system's.
    pub fn with_ca(mut self, pem: impl Into<String>) -> Self {
        self.ca_pem = Some(pem.into());
        self
    }

    /// The name that may have been meant where this one is nearly that of a known server.
    ///
    /// ```
    /// use practicemail::settings::{ServerSettings, TlsMode};
    /// let typed = ServerSettings::new("imap.gmal.com", 993, TlsMode::Implicit).unwrap();
    /// assert_eq!(typed.did_you_mean(), Some("imap.gmail.com"));
    /// ```
    pub fn did_you_mean(&self) -> Option<&'static str> {
        let place = match self.port {
            993 | 143 => Place::Incoming,
            465 | 587 => Place::Outgoing,
            _ => return None,
        };
        typed::did_you_mean(&self.host, place)
    }

    /// Name or address, in A-labels.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Encryption.
    pub const fn tls(&self) -> TlsMode {
        self.tls
    }

    /// The own authority, where there is one.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }
}

/// A user name at a server; its password is in the credential store.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login(String);

impl Login {
    /// Reads a user name as typed: what slips in around it when it is pasted goes.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`], naming the character, for one that no user name has inside: white space, invisible
    /// characters, curly quotation marks, and letters of other scripts that look like those around them.
    pub fn new(name: &str) -> Result<Self> {
        let name = typed::trimmed(name);
        if name.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, "the user name is empty"));
        }
        if let Some(misfit) = typed::misfit(name) {
            return Err(Error::new(ErrorKind::Invalid, format!("the user name {misfit}")));
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Login(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_goes_to_this_machine_only() {
        assert!(ServerSettings::new("127.0.0.1", 143, TlsMode::None).is_ok());
        assert!(ServerSettings::new("localhost", 143, TlsMode::None).is_ok());
        assert!(ServerSettings::new("127.0.0.1.example.org", 143, TlsMode::None).is_err());
    }

    /// S17
    #[test]
    fn white_space_in_a_user_name_is_trimmed_outside_and_named_inside() {
        assert_eq!(Login::new("\u{a0} anna@example.org\u{200b}\n").unwrap().as_str(), "anna@example.org");
        let error = Login::new("anna @example.org").unwrap_err().to_string();
        assert!(error.contains("U+0020"), "{error}");
    }
}
