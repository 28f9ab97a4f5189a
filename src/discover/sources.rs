//! Where is asked.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use url::form_urlencoded::byte_serialize;

use super::Source;
use crate::settings::TlsMode;
use crate::types::Address;

/// Where is asked, as templates: `{domain}` stands for the address's domain, `{address}` for the address.
///
/// ```
/// use practicemail::discover::{Source, Sources};
/// let discreet = Sources::default().without(Source::Ispdb).without(Source::Exchange);
/// # let _ = discreet;
/// ```
#[derive(Debug, Clone)]
pub struct Sources {
    pub(super) off: BTreeSet<Source>,
    pub(super) autoconfig: Vec<String>,
    pub(super) ispdb: Option<String>,
    pub(super) exchange: Option<String>,
    pub(super) incoming: Vec<GuessedServer>,
    pub(super) outgoing: Vec<GuessedServer>,
    pub(super) ca_pem: Option<String>,
    pub(super) name_server: Option<SocketAddr>,
}

/// A server that is guessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuessedServer {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: TlsMode,
}

impl GuessedServer {
    /// A server whose name is made of the domain: `imap.{domain}`.
    pub fn new(host: impl Into<String>, port: u16, tls: TlsMode) -> Self {
        Self { host: host.into(), port, tls }
    }
}

impl Default for Sources {
    fn default() -> Self {
        let guesses = |hosts: [&str; 2], implicit: u16, start_tls: u16| {
            let at = |port, tls| hosts.map(|host| GuessedServer::new(host, port, tls));
            [at(implicit, TlsMode::Implicit), at(start_tls, TlsMode::StartTls)].concat()
        };
        Self {
            off: BTreeSet::new(),
            // draft-ietf-mailmaint-autoconfig §4.1; its plain-text variant is left out.
            autoconfig: vec![
                "https://autoconfig.{domain}/mail/config-v1.1.xml?emailaddress={address}".to_owned(),
                "https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml".to_owned(),
            ],
            ispdb: Some("https://v1.ispdb.net/{domain}".to_owned()),
            // Any local part will do, and the user's own is nobody's business.
            exchange: Some(
                "https://outlook.office365.com/autodiscover/autodiscover.json?Email=autodiscover%40{domain}&Protocol=AutodiscoverV1"
                    .to_owned(),
            ),
            incoming: guesses(["imap.{domain}", "mail.{domain}"], 993, 143),
            outgoing: guesses(["smtp.{domain}", "mail.{domain}"], 465, 587),
            ca_pem: None,
            name_server: None,
        }
    }
}

impl Sources {
    /// Leaves a source out.
    pub fn without(mut self, source: Source) -> Self {
        self.off.insert(source);
        self
    }

    /// Asks for autoconfig documents there, in this order.
    pub fn autoconfig(mut self, templates: impl IntoIterator<Item = String>) -> Self {
        self.autoconfig = templates.into_iter().collect();
        self
    }

    /// Asks another data base in the format of the ISPDB.
    pub fn ispdb(mut self, template: impl Into<String>) -> Self {
        self.ispdb = Some(template.into());
        self
    }

    /// Asks another Autodiscover, as national clouds have.
    pub fn exchange(mut self, template: impl Into<String>) -> Self {
        self.exchange = Some(template.into());
        self
    }

    /// Guesses these servers, the likeliest first.
    pub fn guesses(
        mut self,
        incoming: impl IntoIterator<Item = GuessedServer>,
        outgoing: impl IntoIterator<Item = GuessedServer>,
    ) -> Self {
        self.incoming = incoming.into_iter().collect();
        self.outgoing = outgoing.into_iter().collect();
        self
    }

    /// Trusts the authority in `pem` for all that is asked and guessed, instead of the system's.
    pub fn with_ca(mut self, pem: impl Into<String>) -> Self {
        self.ca_pem = Some(pem.into());
        self
    }

    /// Asks this name server instead of the system's.
    pub fn name_server(mut self, address: SocketAddr) -> Self {
        self.name_server = Some(address);
        self
    }
}

/// A template filled in; the address only for those it belongs to.
pub(super) fn filled(template: &str, domain: &str, address: Option<&Address>) -> String {
    let address = address.map(|address| byte_serialize(address.to_string().as_bytes()).collect::<String>());
    template.replace("{domain}", domain).replace("{address}", &address.unwrap_or_default())
}
