//! Reading the archive.

use serde::{Deserialize, Serialize};

use super::{OutgoingStep, PageFilter};
use crate::types::{
    AccountId, Attachment, CleanText, ConversationId, Copy, Digest, Field, KeyDigest, MessageDate, MessageId,
    MessageKey, OutgoingId, ParsedMessage, Participant, PracticeId, Timestamp, UserId,
};

/// A place between two messages of a page: newest first, then by key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PagePosition {
    /// The message's place in time.
    pub sort_time: Timestamp,
    /// The message.
    pub message: MessageKey,
}

impl PagePosition {
    /// The position of a message.
    pub const fn new(sort_time: Timestamp, message: MessageKey) -> Self {
        Self { sort_time, message }
    }
}

/// Which messages a page is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageQuery {
    /// The practice.
    pub practice: PracticeId,
    /// Messages that carry any of these keys.
    pub keys: Vec<KeyDigest>,
    /// Only those that come after this position, that is, are older.
    pub before: Option<PagePosition>,
    /// At most so many.
    pub limit: usize,
    /// Only messages of this conversation.
    pub conversation: Option<ConversationId>,
    /// Only these of them.
    pub filter: PageFilter,
}

impl PageQuery {
    /// The first page.
    pub fn new(practice: PracticeId, keys: Vec<KeyDigest>, limit: usize) -> Self {
        Self { practice, keys, before: None, limit, conversation: None, filter: PageFilter::default() }
    }

    /// The page after `position`.
    pub fn before(mut self, position: Option<PagePosition>) -> Self {
        self.before = position;
        self
    }

    /// Only messages of this conversation.
    pub fn of_conversation(mut self, conversation: ConversationId) -> Self {
        self.conversation = Some(conversation);
        self
    }

    /// Only these of them.
    pub fn filter(mut self, filter: PageFilter) -> Self {
        self.filter = filter;
        self
    }
}

/// One distinct content of a message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Rendition {
    /// Its digest.
    pub digest: Digest,
    /// Who takes part, Bcc aside: that belongs to copies.
    pub participants: Vec<Participant>,
    /// Date.
    pub date: Option<MessageDate>,
    /// Subject.
    pub subject: CleanText,
    /// The text.
    pub text: String,
    /// The HTML text as it came, **not sanitised**.
    pub html: Option<String>,
    /// What it carries besides its text.
    pub attachments: Vec<Attachment>,
    /// The Message-ID it answers.
    pub in_reply_to: Option<MessageId>,
    /// Its References, oldest first.
    pub references: Vec<MessageId>,
    /// Why its content could not be taken apart, where it could not.
    pub unparsed: Option<String>,
    /// Whether a program wrote it: an automatic reply or a notice (RFC 3834).
    pub automatic: bool,
    /// Whether only its beginning was read: there may be more text, and more attachments.
    pub incomplete: bool,
}

/// Nothing of what the message says.
impl std::fmt::Debug for Rendition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rendition({:?}, {} attachments)", self.digest, self.attachments.len())
    }
}

impl Rendition {
    /// What is shown of parsed content.
    pub fn of(digest: Digest, parsed: &ParsedMessage) -> Self {
        let public = |p: &&Participant| p.field != Field::Bcc;
        Self {
            digest,
            participants: parsed.headers.participants.iter().filter(public).cloned().collect(),
            date: parsed.headers.date,
            subject: parsed.subject.clone(),
            text: parsed.text.clone(),
            html: parsed.html.clone(),
            attachments: parsed.attachments.clone(),
            in_reply_to: parsed.in_reply_to.clone(),
            references: parsed.references.clone(),
            unparsed: parsed.unparsed.map(str::to_owned),
            automatic: parsed.automatic,
            incomplete: parsed.incomplete,
        }
    }

    /// The first words of the text in one line, at most `chars` characters.
    pub fn snippet(&self, chars: usize) -> String {
        let mut snippet = String::new();
        let mut left = chars;
        for word in self.text.split_whitespace() {
            let wanted = word.chars().count() + usize::from(!snippet.is_empty());
            if wanted > left {
                break;
            }
            left -= wanted;
            if !snippet.is_empty() {
                snippet.push(' ');
            }
            snippet.push_str(word);
        }
        snippet
    }
}

/// A copy of a message, whose it is and what only it shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MessageCopy {
    /// The copy.
    pub copy: Copy,
    /// The account's user.
    pub user: UserId,
    /// Which rendition it holds.
    pub rendition: Digest,
    /// The Bcc recipients this copy names: shown to its owner only.
    pub bcc: Vec<Participant>,
    /// Whether its account shares headers only, as the account is settled now.
    pub headers_only: bool,
}

impl MessageCopy {
    /// A copy without Bcc.
    pub fn new(copy: Copy, user: UserId, rendition: Digest, bcc: Vec<Participant>) -> Self {
        Self { copy, user, rendition, bcc, headers_only: false }
    }

    /// The account it lies in.
    pub fn account(&self) -> &AccountId {
        &self.copy.place.account
    }
}

/// A message of the archive, with everything known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Message {
    /// Its identity.
    pub key: MessageKey,
    /// Its place in time.
    pub sort_time: Timestamp,
    /// Its Message-ID.
    pub message_id: Option<MessageId>,
    /// Its distinct contents, in the order in which they were first archived.
    pub renditions: Vec<Rendition>,
    /// Its copies, by place.
    pub copies: Vec<MessageCopy>,
    /// The conversation it is part of.
    pub conversation: ConversationId,
    /// The number of the change by which it was archived: ascending, without reuse.
    pub arrival: u64,
    /// Users who hid it from their colleagues.
    pub hidden_by: Vec<UserId>,
}

impl Message {
    /// A message by itself, hidden by nobody.
    pub fn new(
        key: MessageKey,
        sort_time: Timestamp,
        message_id: Option<MessageId>,
        renditions: Vec<Rendition>,
        copies: Vec<MessageCopy>,
    ) -> Self {
        let conversation = ConversationId::begun_by(key);
        Self {
            key,
            sort_time,
            message_id,
            renditions,
            copies,
            conversation,
            arrival: 0,
            hidden_by: Vec::new(),
        }
    }
}

/// What happened, for a host that follows the feed. Written in the transaction of what it tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Change {
    /// Its number in the practice: ascending, without reuse.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// The account it happened in.
    pub account: Option<AccountId>,
    /// The user who did it; `None` where it was the host itself, or happened by itself.
    pub by: Option<UserId>,
    /// What.
    pub kind: ChangeKind,
}

impl Change {
    /// A change that nobody in particular made.
    pub fn new(sequence: u64, at: Timestamp, account: Option<AccountId>, kind: ChangeKind) -> Self {
        Self { sequence, at, account, by: None, kind }
    }

    /// Says who made it.
    pub fn by(mut self, by: Option<UserId>) -> Self {
        self.by = by;
        self
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChangeKind {
    /// A message was archived that the practice did not have.
    MessageArchived(MessageKey),
    /// A further copy of a message was archived.
    CopyArchived(MessageKey),
    /// A copy was not on the server any more.
    CopyMissing(MessageKey),
    /// A copy that was missing was not there a day later either.
    CopyGone(MessageKey),
    /// A message was given up and is a dead letter.
    DeadLetter,
    /// A step of an intent to send; [`Change::account`] says by which way it leaves, none being noreply.
    Outgoing(OutgoingId, OutgoingStep),
    /// What the practice settles for all its users was changed.
    SettingsChanged,
    /// An account was connected, or its settings replaced.
    AccountConnected,
    /// An account was disconnected.
    AccountDisconnected,
    /// An account's way was switched off by its practice.
    AccountSwitchedOff,
    /// An account's way was switched on again.
    AccountSwitchedOn,
    /// What was archived from an account was erased.
    AccountErased,
    /// A message was erased: the archive has nothing of it any more.
    MessageErased(MessageKey),
    /// A user hid a message from their colleagues.
    MessageHidden(MessageKey),
    /// A user showed a message to their colleagues again.
    MessageShown(MessageKey),
    /// Messages were exported.
    Exported,
    /// An account began to fail, with this kind of failure.
    AccountFailed(crate::error::ErrorKind),
    /// An account that failed works again.
    AccountRecovered,
}

impl ChangeKind {
    /// A short stable name, for storage and for people; of an intent's step that of the step.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::MessageArchived(_) => "message_archived",
            Self::CopyArchived(_) => "copy_archived",
            Self::CopyMissing(_) => "copy_missing",
            Self::CopyGone(_) => "copy_gone",
            Self::DeadLetter => "dead_letter",
            Self::Outgoing(_, step) => step.as_str(),
            Self::SettingsChanged => "settings_changed",
            Self::AccountConnected => "account_connected",
            Self::AccountDisconnected => "account_disconnected",
            Self::AccountSwitchedOff => "account_switched_off",
            Self::AccountSwitchedOn => "account_switched_on",
            Self::AccountErased => "account_erased",
            Self::MessageErased(_) => "message_erased",
            Self::MessageHidden(_) => "message_hidden",
            Self::MessageShown(_) => "message_shown",
            Self::Exported => "exported",
            Self::AccountFailed(_) => "account_failed",
            Self::AccountRecovered => "account_recovered",
        }
    }

    /// The message it is about.
    pub const fn message(&self) -> Option<MessageKey> {
        match self {
            Self::MessageArchived(message)
            | Self::CopyArchived(message)
            | Self::CopyMissing(message)
            | Self::CopyGone(message)
            | Self::MessageErased(message)
            | Self::MessageHidden(message)
            | Self::MessageShown(message) => Some(*message),
            _ => None,
        }
    }
}
