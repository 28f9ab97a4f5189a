//! One account: its servers, and how far reading goes.

use serde::{Deserialize, Serialize};

use super::{Login, Outgoing, ServerSettings};

/// How an account reads, and later sends. Holds no secret; serialises, so that stores keep it as they like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AccountSettings {
    /// The IMAP server.
    pub incoming: ServerSettings,
    /// The user name there.
    pub incoming_login: Login,
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
