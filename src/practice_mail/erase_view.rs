//! What erasing asks and answers.

use crate::types::{Address, ClientId, MessageKey, UserId};

/// A part of a practice's archive.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// All of it.
    Practice,
    /// What is on a client's tab.
    Client(ClientId),
    /// What only this user has, or sent.
    User(UserId),
    /// One message.
    Message(MessageKey),
    /// What an address takes part in: for whoever asks what is kept about them.
    Address(Address),
}

/// What was erased, and what was not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErasedReport {
    /// Messages that are gone.
    pub erased: usize,
    /// Messages that are another client's too, and stay.
    pub shared: usize,
    /// Messages that must be kept still.
    pub retained: usize,
    /// Messages that are still to be sent, or of which it is not known whether they were.
    pub unsent: usize,
}

/// When what is no client's any more is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ForgetOptions {
    /// Days between the first time a message was found to be no client's and its end. Default 30: an address taken out by mistake is put
    /// back by then.
    pub grace_days: u32,
    /// Most of the archive one run may erase, in per cent. Default 5: more than that is a mistake elsewhere until somebody says otherwise.
    pub most_percent: u32,
}

impl Default for ForgetOptions {
    fn default() -> Self {
        Self { grace_days: 30, most_percent: 5 }
    }
}

impl ForgetOptions {
    /// Sets the days of grace.
    pub const fn grace_days(mut self, days: u32) -> Self {
        self.grace_days = days;
        self
    }

    /// Lets a run erase as much as there is to: somebody has looked at the figures of a run that stopped.
    pub const fn confirmed(mut self) -> Self {
        self.most_percent = 100;
        self
    }
}

/// What forgetting did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forgotten {
    /// Messages of the archive that were looked at.
    pub messages: usize,
    /// Those that are no client's now.
    pub unlisted: usize,
    /// Those whose last copy has left the servers, where the practice does not keep them for ever.
    pub gone: usize,
    /// Messages whose time was over.
    pub due: usize,
    /// Messages that were erased.
    pub erased: usize,
    /// Messages that must be kept still.
    pub retained: usize,
    /// Octets nothing named any more, in blobs.
    pub orphans: usize,
    /// Whether nothing was erased because too much was due: [`confirmed`](ForgetOptions::confirmed) goes on.
    pub stopped: bool,
}
