//! One server: where it is and how it is reached.

use std::borrow::Cow;

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

/// What a server name or an address holds beside letters and digits.
const PUNCTUATION: &str = ".-_:[]";
/// What a name could hold besides, before it was looked at for what its characters stand for.
const ONCE_LET_THROUGH: &str = " (),";

/// A mail server as a user's settings name it.
///
/// ```
/// use practicemail::settings::{ServerSettings, TlsMode};
/// let server = ServerSettings::new(" imap.example.org ", 993, TlsMode::Implicit).unwrap();
/// assert_eq!(server.host(), "imap.example.org");
/// assert!(ServerSettings::new("imap.example.org", 143, TlsMode::None).is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "KeptServer")]
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
        if let Some(misfit) = typed::misfit(host) {
            return Err(invalid(format!("the server name {misfit}")));
        }
        only(host, |c| c.is_alphanumeric() || PUNCTUATION.contains(c))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let host = match host.parse::<std::net::IpAddr>() {
            Ok(address) => address.to_string(),
            Err(_) => idna::domain_to_ascii(host).map_err(|_| invalid("this is not a server name"))?,
        };
        // A character may stand for several: `⑴` is `(1)`.
        only(&host, |c| c.is_ascii_alphanumeric() || PUNCTUATION.contains(c))?;
        Self::checked(host, port, tls)
    }

    /// What every server is held to: one that is read back, too. It refuses nothing by which a server that was saved could be reached, so that
    /// what is looked at when a name is typed may grow.
    fn checked(host: String, port: u16, tls: TlsMode) -> Result<Self> {
        if host.is_empty() || port == 0 {
            return Err(invalid("a server needs a name and a port"));
        }
        only(&host, |c| {
            c.is_ascii_alphanumeric() || PUNCTUATION.contains(c) || ONCE_LET_THROUGH.contains(c)
        })?;
        let here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|a| a.is_loopback());
        if tls == TlsMode::None && !here {
            return Err(invalid("a connection without encryption is possible to this machine only"));
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

/// A server as it was serialised.
#[derive(Deserialize)]
#[serde(rename = "ServerSettings")]
struct KeptServer {
    host: String,
    port: u16,
    tls: TlsMode,
    ca_pem: Option<String>,
}

impl TryFrom<KeptServer> for ServerSettings {
    type Error = Error;

    fn try_from(kept: KeptServer) -> Result<Self> {
        let server = Self::checked(kept.host.to_ascii_lowercase(), kept.port, kept.tls)?;
        Ok(Self { ca_pem: kept.ca_pem, ..server })
    }
}

/// Refuses a server name with a character that is none of these.
fn only(host: &str, known: impl Fn(char) -> bool) -> Result<()> {
    let Some(bad) = host.chars().find(|c| !known(*c)) else { return Ok(()) };
    let which = if bad.is_ascii_graphic() {
        format!("{bad} (U+{:04X})", u32::from(bad))
    } else {
        format!("U+{:04X}", u32::from(bad))
    };
    Err(invalid(format!("a server name cannot hold the character {which}")))
}

fn invalid(why: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Invalid, why)
}

/// A user name at a server; its password is in the credential store.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "KeptLogin")]
pub struct Login(String);

impl Login {
    /// Reads a user name as typed: what slips in around it when it is pasted goes.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`], naming the character, for one that no user name has inside: white space, invisible
    /// characters, curly quotation marks, and letters of other scripts that look like those around them.
    pub fn new(name: &str) -> Result<Self> {
        let name = typed::trimmed(name);
        if let Some(misfit) = typed::misfit(name) {
            return Err(invalid(format!("the user name {misfit}")));
        }
        Self::checked(name.to_owned())
    }

    /// What every user name is held to, as [`ServerSettings::checked`] has it.
    fn checked(name: String) -> Result<Self> {
        if name.is_empty() {
            return Err(invalid("the user name is empty"));
        }
        let unseen = |c: &char| {
            c.is_whitespace()
                || c.is_control()
                || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
        };
        if let Some(bad) = name.chars().find(unseen) {
            let bad = u32::from(bad);
            return Err(invalid(format!("the user name holds U+{bad:04X}, which does not belong there")));
        }
        Ok(Self(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A user name as it was serialised.
#[derive(Deserialize)]
#[serde(rename = "Login")]
struct KeptLogin(String);

impl TryFrom<KeptLogin> for Login {
    type Error = Error;

    fn try_from(KeptLogin(name): KeptLogin) -> Result<Self> {
        Self::checked(name)
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Login(..)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    fn kept(host: &str, port: u32, tls: &str) -> Result<ServerSettings, serde_json::Error> {
        serde_json::from_value(serde_json::json!({"host": host, "port": port, "tls": tls, "ca_pem": null}))
    }

    #[test]
    fn a_server_that_is_read_back_is_checked_as_one_that_is_typed() {
        for (host, port, tls, says) in [
            ("", 993, "implicit", "needs a name and a port"),
            ("imap.example.org", 0, "implicit", "needs a name and a port"),
            ("imap.example.org", 143, "none", "without encryption"),
            ("127.0.0.1.example.org", 143, "none", "without encryption"),
            ("imap.example.org\r\nx", 993, "implicit", "U+000D"),
            ("imap.example.org/x", 993, "implicit", "U+002F"),
            ("anna@imap.example.org", 993, "implicit", "U+0040"),
            ("imap.ex\u{e4}mple.org", 993, "implicit", "U+00E4"),
            ("imap.example.org", 65_536, "implicit", "65536"),
            ("imap.example.org", 993, "sometimes", "unknown variant"),
        ] {
            let error = kept(host, port, tls).unwrap_err().to_string();
            assert!(error.contains(says) && !error.contains("example"), "{host}:{port} {tls}: {error}");
        }
    }

    #[test]
    fn what_was_once_let_through_is_read_back() {
        for host in ["(1).example", "a b.example", "1,.example", "a[b", "a:b", "xn--zzzzzzzz", "a_b-c."] {
            assert_eq!(kept(host, 993, "implicit").unwrap().host(), host);
        }
        assert_eq!(kept("IMAP.Example.ORG", 993, "starttls").unwrap().host(), "imap.example.org");
        assert!(kept("::1", 143, "none").is_ok());
        for typed in ["\u{2474}.example", "\u{fdfa}.example", "\u{1f101}.example", "\u{3164}"] {
            assert!(ServerSettings::new(typed, 993, TlsMode::Implicit).is_err(), "{typed}: and no more");
        }
        for name in ["\u{430}nna@example.org", "o\u{2019}brien", "HALE\\anna", "\u{202a}anna", "anna\"\\"] {
            let login: Login = serde_json::from_value(name.into()).unwrap();
            assert_eq!(login.as_str(), name);
        }
    }

    #[test]
    fn a_user_name_that_is_read_back_is_checked() {
        for (name, says) in [
            ("", "empty"),
            ("anna example", "U+0020"),
            ("anna\r\n", "U+000D"),
            ("an\u{0}na", "U+0000"),
            ("anna\u{200b}", "U+200B"),
            ("\u{a0}anna", "U+00A0"),
        ] {
            let error = serde_json::from_value::<Login>(name.into()).unwrap_err().to_string();
            assert!(error.contains(says) && !error.contains("anna"), "{name:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_typed_reads_back(host in "\\PC{1,12}|[a-z.:\\[\\]⑴ﷺAäß-]{1,12}", port in any::<u16>(), pem: Option<String>) {
            if let Ok(mut server) = ServerSettings::new(&host, port, TlsMode::StartTls) {
                server.ca_pem = pem;
                let written = serde_json::to_string(&server).unwrap();
                prop_assert_eq!(serde_json::from_str::<ServerSettings>(&written).unwrap(), server);
            }
            if let Ok(login) = Login::new(&host) {
                let written = serde_json::to_string(&login).unwrap();
                prop_assert!(serde_json::from_str::<Login>(&written).unwrap() == login);
            }
        }
    }
}
