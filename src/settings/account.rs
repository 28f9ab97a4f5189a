//! One account: its servers, and how far reading goes.

use serde::{Deserialize, Serialize};

use super::authentication;
use super::{Login, OAuthProvider, Outgoing, ServerSettings, Way};

/// How an account reads, and later sends. Holds no secret; serialises, so that stores keep it as they like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AccountSettings {
    /// The IMAP server.
    pub incoming: ServerSettings,
    /// The user name there.
    pub incoming_login: Login,
    /// With what it signs in, to read and to send.
    #[serde(default)]
    pub sign_in: SignIn,
    /// Whether it may read yet.
    #[serde(default)]
    pub reading: Reading,
    /// Where it hands over what it sends; without it the account only reads.
    pub outgoing: Option<Outgoing>,
    /// The Sent mailbox the user chose, as people write it; found by use or name otherwise.
    pub sent_mailbox: Option<String>,
    /// Mailboxes that are not read, as people write them; what is below them is not read either.
    #[serde(default)]
    pub excluded_mailboxes: Vec<String>,
    /// How much colleagues see of its mail.
    #[serde(default)]
    pub sharing: Sharing,
    /// Whether attachments are kept.
    #[serde(default)]
    pub attachments: AttachmentKeeping,
    /// The name under which its own mail server writes Authentication-Results (RFC 8601 §2.5), where that server takes out what others
    /// wrote under it (§5). Known for Gmail and Exchange Online.
    #[serde(default)]
    pub authentication_server: Option<String>,
    /// Limits on reading.
    #[serde(default)]
    pub limits: ReadLimits,
}

impl AccountSettings {
    /// An account that reads.
    pub fn new(incoming: ServerSettings, login: Login) -> Self {
        Self {
            incoming,
            incoming_login: login,
            sign_in: SignIn::default(),
            reading: Reading::default(),
            outgoing: None,
            sent_mailbox: None,
            excluded_mailboxes: Vec::new(),
            sharing: Sharing::default(),
            attachments: AttachmentKeeping::default(),
            authentication_server: None,
            limits: ReadLimits::default(),
        }
    }

    /// Adds the submission server.
    pub fn sending(self, server: ServerSettings, login: Login) -> Self {
        self.sending_by(Outgoing::smtp(server, login))
    }

    /// Adds the way it sends.
    pub fn sending_by(mut self, outgoing: Outgoing) -> Self {
        self.outgoing = Some(outgoing);
        self
    }

    /// Signs in with tokens of an OAuth grant instead of a password.
    pub fn authorized_by(mut self, provider: OAuthProvider) -> Self {
        self.sign_in = SignIn::OAuth(provider);
        self
    }

    /// Says whether it may read yet.
    pub fn reading(mut self, reading: Reading) -> Self {
        self.reading = reading;
        self
    }

    /// Sets how much colleagues see of its mail.
    pub const fn sharing(mut self, sharing: Sharing) -> Self {
        self.sharing = sharing;
        self
    }

    /// Sets whether attachments are kept.
    pub const fn keeping(mut self, attachments: AttachmentKeeping) -> Self {
        self.attachments = attachments;
        self
    }

    /// Believes what its own mail server says of authors, under this name (RFC 8601 §2.5): one that takes out what others wrote under it.
    pub fn authenticated_by(mut self, server: impl Into<String>) -> Self {
        self.authentication_server = Some(server.into());
        self
    }

    /// By which of a practice's switches it is ruled.
    pub const fn way(&self) -> Way {
        match self.sign_in {
            SignIn::Password => Way::SmtpImap,
            SignIn::OAuth(OAuthProvider::Google) => Way::Gmail,
            SignIn::OAuth(OAuthProvider::Microsoft) => Way::Microsoft365,
        }
    }

    /// Says which mailbox holds what the user sent.
    pub fn sent_mailbox(mut self, name: impl Into<String>) -> Self {
        self.sent_mailbox = Some(name.into());
        self
    }

    /// The name under which the account's own mail server writes Authentication-Results, as it is settled or known of that server; `""`
    /// for one that names itself in none.
    pub fn trusted_authentication(&self) -> Option<&str> {
        self.authentication_server.as_deref().or_else(|| authentication::server_of(self.incoming.host()))
    }

    /// Leaves a mailbox, and what is below it, out.
    pub fn excluding(mut self, name: impl Into<String>) -> Self {
        self.excluded_mailboxes.push(name.into());
        self
    }
}

/// How much colleagues see of an account's mail. Who owns it sees all of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Sharing {
    /// All of it.
    #[default]
    Full,
    /// Who wrote to whom, when, and the subject: neither text nor attachments.
    HeadersOnly,
}

/// Whether attachments are kept with their messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AttachmentKeeping {
    /// They are.
    #[default]
    All,
    /// Those of at most so many octets, as they are encoded. What is larger comes once with its message, is digested and dropped, and is asked
    /// for again when somebody wants it.
    UpTo(u64),
}

/// With what an account signs in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SignIn {
    /// A password.
    #[default]
    Password,
    /// Tokens of an OAuth grant.
    #[serde(rename = "oauth")]
    OAuth(OAuthProvider),
}

/// Whether an account may read yet. Consent to sending is given apart from consent to reading.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reading {
    /// It reads.
    #[default]
    Allowed,
    /// It sends; reading pends until the user, or an administrator of the tenant, consents to it, and then begins by itself.
    Pends,
    /// It sends, and nobody wants it to read.
    Off,
}

/// Limits on what reading takes from a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReadLimits {
    /// Octets an account reads in a day (UTC). Default 2 GB: Gmail locks a user out for a day at 2.5 GB
    /// (support.google.com/a/answer/1071518); others publish nothing lower.
    pub octets_per_day: u64,
    /// Octets of a message that is taken in whole. Of a longer one the beginning is, and it is marked. Default 100 MB: Gmail
    /// takes in 35 MB (its APPENDLIMIT).
    #[serde(default = "max_message")]
    pub max_message: u64,
}

const fn max_message() -> u64 {
    100_000_000
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self { octets_per_day: 2_000_000_000, max_message: max_message() }
    }
}
