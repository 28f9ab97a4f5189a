//! One account: its servers, and how far reading goes.

use serde::{Deserialize, Serialize};

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

    /// Leaves a mailbox, and what is below it, out.
    pub fn excluding(mut self, name: impl Into<String>) -> Self {
        self.excluded_mailboxes.push(name.into());
        self
    }
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
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self { octets_per_day: 2_000_000_000 }
    }
}
