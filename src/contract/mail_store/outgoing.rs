//! An intent to send, and what became of it.

use serde::{Deserialize, Serialize};

use super::Bounce;
use crate::contract::{BlobInfo, FiledCopy};
use crate::error::ErrorKind;
use crate::types::serial::by_name;
use crate::types::{
    AccountId, Address, Digest, Field, MessageId, MessageKey, OutgoingId, PracticeId, RecipientPolicy,
    Timestamp, UserId,
};

/// By which way a message leaves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Route {
    /// By the author's own account.
    Own(AccountId),
    /// By the practice's noreply address.
    Noreply,
}

impl Route {
    /// `own` or `noreply`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Own(_) => "own",
            Self::Noreply => "noreply",
        }
    }

    /// The account, where it is one's own.
    pub const fn account(&self) -> Option<&AccountId> {
        match self {
            Self::Own(account) => Some(account),
            Self::Noreply => None,
        }
    }
}

/// A message to be sent, composed: its octets do not change any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NewOutgoing {
    /// The practice.
    pub practice: PracticeId,
    /// The intent.
    pub id: OutgoingId,
    /// Who wrote it.
    pub author: UserId,
    /// By which way it leaves.
    pub route: Route,
    /// The intent in the host's words, if it has any.
    pub key: Option<String>,
    /// A digest of the draft, by which a second draft under the same key is compared.
    pub draft: Digest,
    /// The message's identity in the archive.
    pub message: MessageKey,
    /// Its Message-ID.
    pub message_id: MessageId,
    /// The digest of its content.
    pub rendition: Digest,
    /// Its octets in the blob store, Bcc field included.
    pub octets: BlobInfo,
    /// Where delivery failures go.
    pub reverse_path: Address,
    /// Whom it goes to, each address once.
    pub recipients: Vec<(Field, Address)>,
    /// What a refused recipient means for the others.
    pub policy: RecipientPolicy,
    /// Not to be sent before this.
    pub not_before: Option<Timestamp>,
}

impl NewOutgoing {
    /// A message to be sent; what `composed` holds follows from its octets.
    pub fn new(
        practice: PracticeId,
        id: OutgoingId,
        author: UserId,
        route: Route,
        composed: ComposedMessage,
        recipients: Vec<(Field, Address)>,
    ) -> Self {
        Self {
            practice,
            id,
            author,
            route,
            key: None,
            draft: Digest::of(b""),
            message: composed.message,
            message_id: composed.message_id,
            rendition: composed.rendition,
            octets: composed.octets,
            reverse_path: composed.reverse_path,
            recipients,
            policy: RecipientPolicy::default(),
            not_before: None,
        }
    }
}

/// What follows from a message's octets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "written out where a message is composed, with every field named"
)]
pub struct ComposedMessage {
    /// The message's identity in the archive.
    pub message: MessageKey,
    /// Its Message-ID.
    pub message_id: MessageId,
    /// The digest of its content.
    pub rendition: Digest,
    /// Its octets in the blob store.
    pub octets: BlobInfo,
    /// Where delivery failures go.
    pub reverse_path: Address,
}

/// What became of an intent to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum OutgoingState {
    /// It waits: for its time, for the next try, or, where [`Outgoing::held`] says so, for a person.
    Queued,
    /// Somebody is handing it over.
    Sending,
    /// The provider took it.
    Sent,
    /// It was not sent and will not be.
    Refused,
    /// It may have left. It is not tried again unless a person decides so.
    Unknown,
    /// It was taken back before it was sent.
    Cancelled,
}

impl OutgoingState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Sending, Self::Sent, Self::Refused, Self::Unknown, Self::Cancelled];

    /// A stable name in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Cancelled => "cancelled",
        }
    }
}

by_name!(OutgoingState);

/// What became of one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecipientState {
    /// Not decided yet.
    Pending,
    /// The provider took the message for them.
    Accepted,
    /// The provider refused them.
    Refused,
}

impl RecipientState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Accepted, Self::Refused];

    /// A stable name in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
        }
    }
}

by_name!(RecipientState);

/// One recipient of an intent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OutgoingRecipient {
    /// By which field: To, Cc or Bcc.
    pub field: Field,
    /// Whom.
    pub address: Address,
    /// What became of them.
    pub state: RecipientState,
    /// What the provider said of them, made safe to show; empty where it said nothing.
    pub reply: String,
    /// The failure reported later, where one was.
    pub bounce: Option<Bounce>,
}

impl OutgoingRecipient {
    /// A recipient nobody has said anything of.
    pub fn new(field: Field, address: Address) -> Self {
        Self { field, address, state: RecipientState::Pending, reply: String::new(), bounce: None }
    }
}

/// What became of the Sent mailbox's copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Filing {
    /// It is not filed: there is no Sent mailbox, or nothing was sent.
    Not,
    /// It is still to be looked for, and filed if it is not there.
    Pending,
    /// The provider filed it.
    Server,
    /// This crate filed it.
    Appended,
}

impl Filing {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Not, Self::Pending, Self::Server, Self::Appended];

    /// A stable name in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Not => "not",
            Self::Pending => "pending",
            Self::Server => "server",
            Self::Appended => "appended",
        }
    }
}

by_name!(Filing);

/// An intent to send, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Outgoing {
    /// What is to be sent.
    pub message: NewOutgoing,
    /// What became of it.
    pub state: OutgoingState,
    /// When it became durable.
    pub created_at: Timestamp,
    /// The recipients, in the order of the draft.
    pub recipients: Vec<OutgoingRecipient>,
    /// How often it was tried.
    pub attempts: u32,
    /// When there is something to do about it by itself: a try, a look for evidence, the filing of the copy.
    pub next_try: Option<Timestamp>,
    /// Queued, and waiting for a person: the archive was restored from a backup since, and it may have left before.
    pub held: bool,
    /// When the provider took it.
    pub sent_at: Option<Timestamp>,
    /// The last failure: why it was refused, why it waits, why it is unknown, why its copy is not filed. Of one that was sent and that the
    /// archive did not take it is that, of the kind [`StorageRefused`](ErrorKind::StorageRefused), whatever becomes of the copy.
    pub failure: Option<(ErrorKind, String)>,
    /// Of an unknown one: not before this can the first try be over for certain, so that a person may decide.
    pub decide_after: Option<Timestamp>,
    /// What became of the Sent mailbox's copy.
    pub filing: Filing,
    /// Where that copy is, as far as it is known.
    pub filed: Option<FiledCopy>,
}

impl Outgoing {
    /// Whether its message is not sent any more, nor can turn out to be: it can be erased.
    pub const fn is_over(&self) -> bool {
        matches!(self.state, OutgoingState::Sent | OutgoingState::Refused | OutgoingState::Cancelled)
    }

    /// Why the archive did not take its message when it was sent (O12 of [`Outbox`](super::Outbox)), where it did not.
    pub fn unarchived(&self) -> Option<&(ErrorKind, String)> {
        let failure = self.failure.as_ref().filter(|(kind, _)| *kind == ErrorKind::StorageRefused);
        failure.filter(|_| self.sent_at.is_some())
    }

    /// An intent just queued.
    pub fn new(message: NewOutgoing, created_at: Timestamp) -> Self {
        let recipients =
            message.recipients.iter().map(|(field, a)| OutgoingRecipient::new(*field, a.clone())).collect();
        Self {
            next_try: Some(message.not_before.unwrap_or(created_at)),
            message,
            state: OutgoingState::Queued,
            created_at,
            recipients,
            attempts: 0,
            held: false,
            sent_at: None,
            failure: None,
            decide_after: None,
            filing: Filing::Not,
            filed: None,
        }
    }
}
