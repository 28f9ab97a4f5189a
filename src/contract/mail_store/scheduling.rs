//! What the schedule is asked, and what it answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{AccountRecord, Fence};
use crate::settings::ProviderReading;
use crate::types::{AccountId, MailboxName, PracticeId, Timestamp};

/// When an account is due again, by the store's clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum NextDue {
    /// As before.
    #[default]
    Unchanged,
    /// So many seconds from now.
    In(u32),
    /// When it is connected again, or asked for.
    Stopped,
}

/// A question for an account to read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DueClaim {
    /// Who asks, for people.
    pub holder: String,
    /// How long its lease is to last.
    pub seconds: u32,
    /// Whether an account that was never read to the end will do.
    pub with_first: bool,
    /// How much of each provider is read at once.
    pub limits: ProviderLimits,
}

impl DueClaim {
    /// A question for any account.
    pub fn new(holder: impl Into<String>, seconds: u32) -> Self {
        Self { holder: holder.into(), seconds, with_first: true, limits: ProviderLimits::default() }
    }

    /// Only for one that was read to the end before.
    pub fn without_first(mut self) -> Self {
        self.with_first = false;
        self
    }

    /// Within these limits.
    pub fn within(mut self, limits: ProviderLimits) -> Self {
        self.limits = limits;
        self
    }
}

/// How many accounts of a provider are read at once, over all workers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProviderLimits {
    chosen: BTreeMap<String, u32>,
}

impl ProviderLimits {
    /// Chooses the limit of a provider, by its name as [`ProviderReading::name`] has it.
    pub fn limit(mut self, provider: impl Into<String>, at_once: u32) -> Self {
        self.chosen.insert(provider.into(), at_once);
        self
    }

    /// The providers whose limit was chosen.
    pub fn chosen(&self) -> Vec<&str> {
        self.chosen.keys().map(String::as_str).collect()
    }

    /// That of a provider: as it was chosen, else as it is known.
    pub fn of(&self, provider: &str) -> u32 {
        self.chosen.get(provider).copied().unwrap_or_else(|| ProviderReading::named(provider).at_once)
    }

    /// Whether one more may be read, of a provider of which so many are, so many of those for the first time.
    pub fn have_room(&self, provider: &str, (all, first): (u32, u32), is_first: bool) -> bool {
        let most = self.of(provider);
        // What takes hours does not take the places of what takes seconds.
        all < most && (!is_first || first < (most / 2).max(1))
    }
}

/// What a claim came to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claimed {
    /// An account, and its lease.
    Account(Box<DueAccount>),
    /// Nothing for now.
    Nothing {
        /// When the next account is due.
        next: Option<Timestamp>,
    },
}

/// An account that is to be read now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DueAccount {
    /// The proof of its lease.
    pub fence: Fence,
    /// The account.
    pub record: AccountRecord,
    /// When it was due.
    pub due: Timestamp,
    /// Passes that failed since the last that ended well.
    pub failures: u32,
    /// Whether it was never read to the end.
    pub is_first: bool,
    /// The name of the provider it is read from.
    pub provider: String,
}

impl DueAccount {
    /// An account and its lease, made by stores only.
    pub fn new(
        fence: Fence,
        record: AccountRecord,
        due: Timestamp,
        (failures, is_first): (u32, bool),
        provider: String,
    ) -> Self {
        Self { fence, record, due, failures, is_first, provider }
    }
}

/// How an account stands in the schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccountSchedule {
    /// Which.
    pub account: AccountId,
    /// When it is due; `None` when it waits for being connected again, or asked for.
    pub next_due: Option<Timestamp>,
    /// Whether it was asked for, and not claimed since.
    pub requested: bool,
    /// Passes that failed since the last that ended well.
    pub failures: u32,
    /// Whether it was never read to the end since it was connected, or its archive erased.
    pub is_first: bool,
    /// Who has its lease, and until when; none when nobody does.
    pub lease: Option<(String, Timestamp)>,
    /// What the pass under way, or the last one that did not end well, leaves to be read.
    pub backlog: Vec<MailboxBacklog>,
}

impl AccountSchedule {
    /// An account that is due, and of which nothing was read.
    pub fn new(account: AccountId, next_due: Option<Timestamp>) -> Self {
        Self {
            account,
            next_due,
            requested: false,
            failures: 0,
            is_first: true,
            lease: None,
            backlog: Vec::new(),
        }
    }
}

/// What is left to be read of a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MailboxBacklog {
    /// Which.
    pub mailbox: MailboxName,
    /// Messages left.
    pub left: u64,
    /// Messages in it.
    pub total: u64,
}

impl MailboxBacklog {
    /// So many messages are left of so many.
    pub fn new(mailbox: MailboxName, left: u64, total: u64) -> Self {
        Self { mailbox, left, total }
    }
}

/// What a pause holds up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PauseScope {
    /// Everything.
    Everything,
    /// The accounts of a provider, by its name as [`ProviderReading::name`] has it.
    Provider(String),
    /// A practice.
    Practice(PracticeId),
    /// An account.
    Account(PracticeId, AccountId),
}

impl PauseScope {
    /// Whether it holds up an account of a practice.
    pub fn holds(&self, practice: &PracticeId, account: &AccountId, provider: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Provider(name) => name == provider,
            Self::Practice(paused) => paused == practice,
            Self::Account(of, paused) => of == practice && paused == account,
        }
    }

    /// Whether it holds up a whole practice.
    pub fn holds_practice(&self, practice: &PracticeId) -> bool {
        matches!(self, Self::Everything) || matches!(self, Self::Practice(paused) if paused == practice)
    }
}

/// A kill switch that was thrown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Pause {
    /// What it holds up.
    pub scope: PauseScope,
    /// Until when; `None` until it is lifted.
    pub until: Option<Timestamp>,
    /// Why, for people.
    pub reason: String,
}

impl Pause {
    /// A pause until it is lifted.
    pub fn new(scope: PauseScope, reason: impl Into<String>) -> Self {
        Self { scope, until: None, reason: reason.into() }
    }

    /// Ends it at a time.
    pub fn until(mut self, until: Timestamp) -> Self {
        self.until = Some(until);
        self
    }

    /// Whether it holds at a time.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}
