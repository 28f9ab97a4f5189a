//! A server of a mail service, as data.

use super::{ServerSettings, TlsMode};

/// A server of a service. Where its name is each customer's own it holds the place to fill in, as in `ex{N}.mail.ovh.net`.
#[derive(Debug, PartialEq, Eq)]
pub struct ServerTemplate {
    host: &'static str,
    port: u16,
    tls: TlsMode,
}

impl ServerTemplate {
    /// Its name, with the place to fill in where there is one.
    pub const fn host(&self) -> &'static str {
        self.host
    }

    /// Its port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// How it is encrypted.
    pub const fn tls(&self) -> TlsMode {
        self.tls
    }

    /// Whether the user has to say what the name is.
    pub fn needs_input(&self) -> bool {
        self.host.contains('{')
    }

    /// The server; `None` where the user has to say what its name is.
    pub fn settings(&self) -> Option<ServerSettings> {
        ServerSettings::new(self.host, self.port, self.tls).ok()
    }

    pub(super) fn is(&self, host: &str) -> bool {
        let filled = || {
            let (before, rest) = self.host.split_once('{')?;
            let (_, after) = rest.split_once('}')?;
            let value = host.strip_prefix(before)?.strip_suffix(after)?;
            (!value.is_empty() && !value.contains('.')).then_some(())
        };
        self.host == host || filled().is_some()
    }

    pub(super) fn read(text: &'static str) -> Option<Self> {
        let mut parts = text.split(':');
        let (host, port) = (parts.next()?, parts.next()?.parse().ok()?);
        let tls = match parts.next()? {
            "implicit" => TlsMode::Implicit,
            "starttls" => TlsMode::StartTls,
            _ => return None,
        };
        Some(Self { host, port, tls })
    }
}
