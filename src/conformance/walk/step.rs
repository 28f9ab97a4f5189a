//! The steps of a walk: every transition of the contract, and the reads that take an argument.

use std::collections::BTreeSet;

use crate::contract::{
    ClientSighting, Comparison, CoverageChange, DueClaim, Erasure, MailboxBacklog, NewAccount, NewOutgoing,
    OutgoingDecision, OutgoingEnd, PageQuery, PassEnd, Pause, PauseScope, SendLimits, SentMessage, Window,
};
use crate::settings::{AccountSettings, Way};
use crate::types::{ClientId, Digest, KeyDigest, MessageKey, Timestamp, UidSet, UserId};

/// One of the fences an account gave: the newest, or one of before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fenced {
    pub(super) account: u8,
    pub(super) back: u8,
}

/// One of the claims of an intent: the newest, or one of before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claiming {
    pub(super) intent: u8,
    pub(super) back: u8,
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    Wait(i64),
    Connect(NewAccount),
    Disconnect(u8),
    EraseAccount(u8),
    /// The ways that are off from then on; made from what is settled, or from what is not.
    SetPracticeSettings {
        second: bool,
        switched_off: BTreeSet<Way>,
        stale: bool,
        by: Option<UserId>,
    },
    AcquireLease {
        account: u8,
        holder: u8,
        seconds: u32,
    },
    RenewLease(Fenced, u32),
    ReleaseLease(Fenced),
    ChangeSettings(Fenced, AccountSettings),
    ChangeCoverage(Fenced, CoverageChange),
    CommitWindow(Fenced, Box<Window>),
    CommitComparison(Fenced, Comparison),
    EndPass(Fenced, PassEnd),
    SetBacklog(Fenced, Vec<MailboxBacklog>),
    CopiesAt {
        account: u8,
        mailbox: u8,
        valid: u8,
        uids: UidSet,
    },
    Page(PageQuery),
    IsIndexed {
        second: bool,
        message: MessageKey,
        keys: BTreeSet<KeyDigest>,
    },
    Hide {
        second: bool,
        message: MessageKey,
        user: UserId,
        hidden: bool,
    },
    EraseMessages(Erasure),
    SightClient {
        second: bool,
        client: ClientId,
        sighting: ClientSighting,
    },
    MarkUnlisted {
        second: bool,
        unlisted: Vec<MessageKey>,
        listed: Vec<MessageKey>,
    },
    Unlisted {
        second: bool,
        before: Timestamp,
    },
    Orphans {
        second: bool,
        listed: Vec<Digest>,
        seconds: u32,
    },
    RecordExport {
        second: bool,
        by: Option<UserId>,
    },
    Purge,
    Enqueue(Box<NewOutgoing>),
    ClaimOutgoing {
        intent: u8,
        holder: u8,
        seconds: u32,
        limits: SendLimits,
    },
    ConfirmOutgoing(Claiming, u32),
    /// By the claim's work: what ends a delivery, or what ends looking and filing; `astray` takes the other one.
    FinishOutgoing {
        claim: Claiming,
        delivery: OutgoingEnd,
        looking: OutgoingEnd,
        astray: bool,
    },
    CancelOutgoing(u8),
    DecideOutgoing {
        intent: u8,
        decision: OutgoingDecision,
        archived: Option<Box<SentMessage>>,
    },
    ClaimDue(DueClaim),
    RequestNow {
        second: bool,
        account: Option<u8>,
    },
    Pause(Pause),
    Resume(PauseScope),
    /// Everything that can be read of a part.
    Look(Part),
}

/// A part of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Store,
    Outbox,
    Archive,
    Schedule,
}

impl Part {
    pub(super) const ALL: [Self; 4] = [Self::Store, Self::Outbox, Self::Archive, Self::Schedule];

    /// Its clauses' letter.
    pub(super) const fn letter(self) -> &'static str {
        match self {
            Self::Store => "S",
            Self::Outbox => "O",
            Self::Archive => "A",
            Self::Schedule => "W",
        }
    }
}

impl Step {
    /// What it is a step of.
    pub(super) const fn part(&self) -> Part {
        match self {
            Self::Look(part) => *part,
            Self::IsIndexed { .. }
            | Self::Hide { .. }
            | Self::EraseMessages(_)
            | Self::SightClient { .. }
            | Self::MarkUnlisted { .. }
            | Self::Unlisted { .. }
            | Self::Orphans { .. }
            | Self::RecordExport { .. }
            | Self::Purge => Part::Archive,
            Self::Enqueue(_)
            | Self::ClaimOutgoing { .. }
            | Self::ConfirmOutgoing(..)
            | Self::FinishOutgoing { .. }
            | Self::CancelOutgoing(_)
            | Self::DecideOutgoing { .. } => Part::Outbox,
            Self::ClaimDue(_)
            | Self::RequestNow { .. }
            | Self::Pause(_)
            | Self::Resume(_)
            | Self::SetBacklog(..) => Part::Schedule,
            _ => Part::Store,
        }
    }
}
