//! How an account, or a practice's noreply address, hands messages over, and what providers are known to do with them.

use serde::{Deserialize, Serialize};

use super::{Login, ServerSettings};
use crate::types::Address;

/// Where messages are handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outgoing {
    /// A submission server (RFC 6409), and the user name there.
    Smtp {
        /// The server.
        server: ServerSettings,
        /// The user name.
        login: Login,
    },
    /// Microsoft Graph, which needs no SMTP AUTH in the tenant.
    Graph {
        /// The service; [`Outgoing::graph`] names Microsoft's own.
        server: ServerSettings,
    },
}

impl Outgoing {
    /// A submission server.
    pub fn smtp(server: ServerSettings, login: Login) -> Self {
        Self::Smtp { server, login }
    }

    /// Microsoft Graph at `server`: `graph.microsoft.com`, port 443, implicit TLS, but for national clouds and tests.
    pub fn graph(server: ServerSettings) -> Self {
        Self::Graph { server }
    }

    /// The server.
    pub const fn server(&self) -> &ServerSettings {
        match self {
            Self::Smtp { server, .. } | Self::Graph { server } => server,
        }
    }

    /// The OAuth scope a token needs to send this way; `None` where tokens are not known to be taken.
    ///
    /// ```
    /// use practicemail::settings::{Outgoing, ServerSettings, TlsMode};
    /// let graph = ServerSettings::new("graph.microsoft.com", 443, TlsMode::Implicit).unwrap();
    /// assert_eq!(Outgoing::graph(graph).scope(), Some("https://graph.microsoft.com/Mail.Send"));
    /// ```
    pub fn scope(&self) -> Option<&'static str> {
        match self {
            Self::Graph { .. } => Some(GRAPH_SEND_SCOPE),
            Self::Smtp { server, .. } => {
                SMTP_SCOPES.iter().find(|(host, _)| *host == server.host()).map(|(_, scope)| *scope)
            }
        }
    }

    /// What is known of the provider.
    pub fn provider(&self) -> ProviderSending {
        ProviderSending::of(self.server().host())
    }
}

/// What a provider is known to do with what is handed to it, and how much it takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProviderSending {
    /// Whether it files a copy in the Sent mailbox; `None` where that is not known and has to be learnt.
    pub files_copy: Option<bool>,
    /// Messages a minute.
    pub per_minute: Option<u32>,
    /// Messages in twenty-four hours.
    pub per_day: Option<u32>,
}

/// What a token must allow to send by Graph; reading is asked for apart.
pub(crate) const GRAPH_SEND_SCOPE: &str = "https://graph.microsoft.com/Mail.Send";
/// What a token must allow to submit by SMTP, by server. Source: learn.microsoft.com, "Authenticate an IMAP, POP or SMTP
/// connection using OAuth"; developers.google.com/workspace/gmail/imap/xoauth2-protocol.
const SMTP_SCOPES: &[(&str, &str)] = &[
    ("smtp.office365.com", "https://outlook.office.com/SMTP.Send"),
    ("smtp-mail.outlook.com", "https://outlook.office.com/SMTP.Send"),
    ("outlook.office365.com", "https://outlook.office.com/SMTP.Send"),
    ("smtp.gmail.com", "https://mail.google.com/"),
];

/// One provider a line; provenance at its head.
const PROVIDERS: &str = include_str!("sending.tsv");

impl ProviderSending {
    /// What is known of the provider whose server has this name; nothing of most.
    ///
    /// ```
    /// use practicemail::settings::ProviderSending;
    /// assert_eq!(ProviderSending::of("smtp.gmail.com").files_copy, Some(true));
    /// assert_eq!(ProviderSending::of("mail.example.org").files_copy, None);
    /// ```
    pub fn of(host: &str) -> Self {
        let rows = PROVIDERS.lines().filter(|line| !line.starts_with('#'));
        let mut columns = rows.map(|line| line.split('\t')).filter(|row| row.clone().next() == Some(host));
        let Some(mut row) = columns.next() else { return Self::default() };
        let mut number = || row.next().and_then(|text| text.parse().ok());
        number(); // The host itself.
        let files_copy = number().map(|files: u32| files == 1);
        Self { files_copy, per_minute: number(), per_day: number() }
    }
}

/// Where replies to a noreply message go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NoreplyReplyTo {
    /// To the address of the user who wrote it.
    #[default]
    Author,
    /// To the noreply address itself: nobody sees them.
    Nobody,
    /// To one address of the practice.
    Address(String),
}

/// The address mail leaves from when its author has no account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Noreply {
    /// The address.
    pub address: String,
    /// Where it hands messages over.
    pub outgoing: Outgoing,
    /// Where replies go. From always shows who wrote: `Anna Hale (Hale & Partners) <noreply@…>`.
    #[serde(default)]
    pub reply_to: NoreplyReplyTo,
    /// Whether everybody's mail leaves from it, also that of users with an account of their own.
    #[serde(default)]
    pub always: bool,
}

impl Noreply {
    /// A noreply address for those without an account; replies go to the author.
    pub fn new(address: &Address, outgoing: Outgoing) -> Self {
        Self { address: address.to_string(), outgoing, reply_to: NoreplyReplyTo::default(), always: false }
    }

    /// Says where replies go.
    pub fn reply_to(mut self, reply_to: NoreplyReplyTo) -> Self {
        self.reply_to = reply_to;
        self
    }

    /// Sends everybody's mail from it.
    pub fn for_everybody(mut self) -> Self {
        self.always = true;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_known_where_tokens_are_taken() {
        let smtp = |host| {
            let server = ServerSettings::new(host, 587, crate::settings::TlsMode::StartTls).unwrap();
            Outgoing::smtp(server, Login::new("anna").unwrap()).scope()
        };
        assert_eq!(smtp("smtp.office365.com"), Some("https://outlook.office.com/SMTP.Send"));
        assert_eq!(smtp("SMTP.Gmail.com"), Some("https://mail.google.com/"));
        assert_eq!(smtp("mail.example.org"), None);
    }

    #[test]
    fn what_is_known_of_a_provider_is_read_by_its_server() {
        let microsoft = ProviderSending::of("smtp.office365.com");
        assert_eq!((microsoft.files_copy, microsoft.per_minute), (Some(true), Some(30)));
        assert_eq!(ProviderSending::of("smtp.gmail.com").per_day, Some(500));
        assert_eq!(ProviderSending::of("graph.microsoft.com").files_copy, Some(true));
        assert_eq!(ProviderSending::of("# Server"), ProviderSending::default());
    }
}
