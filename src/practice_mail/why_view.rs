//! What became of a message.

use crate::contract::{DeadLetter, Tombstone};
use crate::error::Error;
use crate::matching::Reason;
use crate::sync::MissingReason;
use crate::types::{AccountId, ClientId, MailboxName, MessageKey, Uid, UserId};

use super::tab_view::TabCopy;

/// Where a message is looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ask {
    /// In the archive.
    #[default]
    Archive,
    /// On the servers too.
    Servers,
}

/// Everything that is known of a Message-ID. Nothing at all: no account that was asked has seen it.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Why {
    /// Messages on tabs, and why they are there.
    pub archived: Vec<WhyArchived>,
    /// Messages of the archive that are on no tab: nobody who takes part is a client now, or a rule of the practice keeps them off.
    pub unlisted: Vec<MessageKey>,
    /// Messages that could not be archived.
    pub dead_letters: Vec<DeadLetter>,
    /// Messages that were erased.
    pub erased: Vec<Tombstone>,
    /// Messages on the servers that are not archived from there, and why not.
    pub on_servers: Vec<WhyOnServer>,
    /// Accounts that could not be asked.
    pub unasked: Vec<(AccountId, Error)>,
}

/// A message on a tab.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WhyArchived {
    /// Its identity.
    pub id: MessageKey,
    /// Whose it is, and by what.
    pub clients: Vec<(ClientId, Vec<Reason>)>,
    /// Where it lies.
    pub copies: Vec<TabCopy>,
}

/// A message on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WhyOnServer {
    /// The account.
    pub account: AccountId,
    /// Whose.
    pub user: UserId,
    /// The mailbox.
    pub mailbox: MailboxName,
    /// The message there.
    pub uid: Uid,
    /// Why it is not archived from there.
    pub reason: NotArchived,
}

/// Why a message is not archived from where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotArchived {
    /// None of its participants is a client.
    NoClient,
    /// All of its participants are staff.
    Internal,
    /// A participant is on the never-log list.
    NeverLogged,
    /// The mailbox is not read: drafts, junk, trash, and what is excluded.
    MailboxNotRead,
    /// It is a draft, or marked deleted.
    Skipped,
    /// It was erased, and is not archived again.
    Erased,
    /// It would not come, and is tried again.
    Gap,
    /// It could not be archived.
    DeadLetter,
    /// The next pass reads it.
    NotYetRead,
    /// It should be there: [`reconcile`](super::PracticeMail::reconcile) repairs that.
    Lost,
}

impl NotArchived {
    /// As a comparison of server and archive says it, of a message that is a client's.
    pub(super) const fn by(reason: MissingReason) -> Self {
        match reason {
            MissingReason::NotYetRead => Self::NotYetRead,
            MissingReason::Gap => Self::Gap,
            MissingReason::DeadLetter => Self::DeadLetter,
            MissingReason::Erased => Self::Erased,
            MissingReason::Policy => Self::NeverLogged,
            MissingReason::Lost => Self::Lost,
        }
    }

    /// A short stable name, for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoClient => "no_client",
            Self::Internal => "internal",
            Self::NeverLogged => "never_logged",
            Self::MailboxNotRead => "mailbox_not_read",
            Self::Skipped => "skipped",
            Self::Erased => "erased",
            Self::Gap => "gap",
            Self::DeadLetter => "dead_letter",
            Self::NotYetRead => "not_yet_read",
            Self::Lost => "lost",
        }
    }
}
