//! How an intent to send goes on: claims, what they end with, decisions, and steps as the feed tells them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Filing, Outgoing, OutgoingState, RecipientState};
use crate::contract::FiledCopy;
use crate::error::{Error, ErrorKind};
use crate::types::serial::by_name;
use crate::types::{Address, KeyDigest, OutgoingId, ParsedMessage, Timestamp};

/// What is to be done about an intent that was claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OutgoingWork {
    /// Hand it over; it is *sending* from now on.
    Deliver,
    /// Somebody was handing it over, may have done so, and is gone: it must not be handed over, and ends as unknown.
    Recover,
    /// Look for evidence in the Sent mailbox.
    Look,
    /// File the copy.
    File,
}

/// The right to work on one intent, until it expires or another gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutgoingClaim {
    /// The intent, as it is now.
    pub item: Outgoing,
    /// Higher than that of every claim of the intent before.
    pub token: u64,
    /// The account's epoch when it was claimed; zero by noreply.
    pub epoch: u64,
    /// What is to be done.
    pub work: OutgoingWork,
    /// When it was granted, by the store's clock: what its holder says of times to come counts from here.
    pub at: Timestamp,
}

impl OutgoingClaim {
    /// A claim, made by stores only.
    pub fn new(item: Outgoing, token: u64, epoch: u64, work: OutgoingWork, at: Timestamp) -> Self {
        Self { item, token, epoch, work, at }
    }
}

/// How much may be sent by one way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SendLimits {
    /// Messages in any sixty seconds.
    pub per_minute: Option<u32>,
    /// Messages in any twenty-four hours.
    pub per_day: Option<u32>,
}

impl SendLimits {
    /// These limits; `None` is none.
    pub const fn new(per_minute: Option<u32>, per_day: Option<u32>) -> Self {
        Self { per_minute, per_day }
    }

    /// The limits as windows: in any so many seconds, so many messages.
    pub fn windows(self) -> impl Iterator<Item = (i64, u32)> {
        [(60, self.per_minute), (86_400, self.per_day)]
            .into_iter()
            .filter_map(|(seconds, most)| most.map(|most| (seconds, most)))
    }

    /// What is said to whoever would go beyond them before this time.
    pub fn reached(until: Timestamp) -> Error {
        Error::new(ErrorKind::Throttled, "as much was sent this way as may be for now").retry_at(until)
    }
}

/// A sent message as the archive takes it up: it has no copy yet, and stands on its clients' tabs all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SentMessage {
    /// Its place in time.
    pub sort_time: Timestamp,
    /// Its content.
    pub parsed: ParsedMessage,
    /// The keys of its participants.
    pub postings: BTreeSet<KeyDigest>,
}

impl SentMessage {
    /// A sent message.
    pub fn new(sort_time: Timestamp, parsed: ParsedMessage, postings: BTreeSet<KeyDigest>) -> Self {
        Self { sort_time, parsed, postings }
    }
}

/// What a claim ends with. Recipients are told by address; those not told stay as they were.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutgoingEnd {
    /// The provider took it. Recipients still pending afterwards have it queued again, for them alone, until `next_try`.
    Sent {
        /// What was said of recipients.
        recipients: Vec<(Address, RecipientState, String)>,
        /// What is to become of the copy: [`Filing::Pending`], [`Filing::Server`] or [`Filing::Not`].
        filing: Filing,
        /// For the archive; `None` where the practice's rules keep it out.
        archived: Option<Box<SentMessage>>,
        /// Why the archive does not have it, where its engine refused it (O12 of [`Outbox`](super::Outbox)); `archived` is `None` then.
        failure: Option<(ErrorKind, String)>,
        /// When there is something to do next: the rest of the recipients, or the filing.
        next_try: Option<Timestamp>,
    },
    /// It was not sent and will not be.
    Refused {
        /// Why.
        failure: (ErrorKind, String),
        /// What was said of recipients.
        recipients: Vec<(Address, RecipientState, String)>,
    },
    /// It was not sent, and is tried again.
    Retry {
        /// Why.
        failure: (ErrorKind, String),
        /// What was said of recipients.
        recipients: Vec<(Address, RecipientState, String)>,
        /// When.
        next_try: Timestamp,
    },
    /// It may have left.
    Unknown {
        /// Why that is not known.
        failure: (ErrorKind, String),
        /// Not before this may a person decide.
        decide_after: Timestamp,
        /// For the archive; `None` where the practice's rules keep it out.
        archived: Option<Box<SentMessage>>,
        /// When to look for evidence.
        next_try: Option<Timestamp>,
    },
    /// It is in the Sent mailbox: an unknown one was sent, every recipient still pending accepted; the copy is filed. Of one
    /// that was sent to some recipients before, the copy proves nothing about the others: it stays unknown.
    Found {
        /// Where.
        copy: FiledCopy,
        /// Whether the provider files copies by itself, where this showed it.
        learnt: Option<bool>,
    },
    /// It was not in the Sent mailbox, which proves nothing of an unknown one.
    NotFound {
        /// When to look again, if at all.
        next_try: Option<Timestamp>,
    },
    /// The copy was filed.
    Filed {
        /// Where.
        copy: FiledCopy,
        /// Whether the provider files copies by itself, where this showed it.
        learnt: Option<bool>,
    },
    /// Looking or filing failed; without a `next_try` it is given up, and a pending copy becomes [`Filing::Not`].
    FilingFailed {
        /// Why.
        failure: (ErrorKind, String),
        /// When to try again.
        next_try: Option<Timestamp>,
    },
}

impl OutgoingEnd {
    /// What the archive takes up with it.
    pub fn archived(&self) -> Option<&SentMessage> {
        match self {
            Self::Sent { archived, .. } | Self::Unknown { archived, .. } => archived.as_deref(),
            _ => None,
        }
    }

    /// The same without the message, which the archive's engine refused (O12 of [`Outbox`](super::Outbox)): what became of it is to be written
    /// all the same.
    pub fn unarchived(mut self, refusal: &Error) -> Self {
        let why = format!("the archive did not take the message: {refusal}");
        match &mut self {
            Self::Sent { archived, failure, .. } => {
                *archived = None;
                *failure = Some((refusal.kind(), why));
            }
            // Why it is unknown stays what has to be acted on.
            Self::Unknown { archived, failure: (_, unknown), .. } => {
                *archived = None;
                *unknown = format!("{unknown}; {why}");
            }
            _ => {}
        }
        self
    }

    /// Whether the provider files copies by itself, where this showed it.
    pub const fn learnt(&self) -> Option<bool> {
        match self {
            Self::Found { learnt, .. } | Self::Filed { learnt, .. } => *learnt,
            _ => None,
        }
    }
}

/// What a person decides about an intent that is unknown, or held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutgoingDecision {
    /// It did not leave: send it.
    SendAgain,
    /// It left.
    WasSent,
    /// It did not leave, and is not to be sent.
    GiveUp,
}

/// A step of an intent, as the change feed tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutgoingStep {
    /// It became durable, or waits again.
    Queued,
    /// The provider took it.
    Sent,
    /// It was not sent and will not be.
    Refused,
    /// It may have left.
    Unknown,
    /// It was taken back.
    Cancelled,
    /// Its copy is in the Sent mailbox.
    Filed,
    /// Its copy could not be filed.
    FilingFailed,
    /// A delivery failed, or is late.
    Bounced,
}

impl OutgoingStep {
    /// Every step.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Sent,
        Self::Refused,
        Self::Unknown,
        Self::Cancelled,
        Self::Filed,
        Self::FilingFailed,
        Self::Bounced,
    ];

    /// A stable name in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Cancelled => "cancelled",
            Self::Filed => "filed",
            Self::FilingFailed => "filing_failed",
            Self::Bounced => "bounced",
        }
    }
}

by_name!(OutgoingStep);

/// Which intents are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutboxQuery {
    /// Only those in one of these states; all if empty.
    pub states: Vec<OutgoingState>,
    /// Only those queued before this one, that is, older; by the order of the outbox.
    pub before: Option<OutgoingId>,
    /// At most so many.
    pub limit: usize,
}

impl OutboxQuery {
    /// The newest `limit`, whatever became of them.
    pub fn newest(limit: usize) -> Self {
        Self { states: Vec::new(), before: None, limit }
    }
}
