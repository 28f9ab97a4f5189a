//! What a client's Email tab answers.

use super::send_view::Delivery;
use crate::error::{Error, ErrorKind, Result};
use crate::matching::Reason;
use crate::types::{
    AccountId, Attachment, Authenticity, CleanText, ConversationId, MailboxName, MessageDate, MessageId,
    MessageKey, Participant, SearchTerms, Timestamp, UserId,
};

/// Messages of a page unless something else is asked for.
const LIMIT: usize = 50;

/// Which part of a client's Email tab is wanted. Everything that is set has to hold.
///
/// ```
/// # fn main() -> practicemail::error::Result<()> {
/// use practicemail::practice_mail::{Direction, TabQuery};
/// let query = TabQuery::newest(20).direction(Direction::In).with_attachments(true).search("\"annual accounts\" 2025")?;
/// # let _ = query; Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TabQuery {
    /// At most so many messages, or conversations; at least one.
    pub limit: usize,
    /// A page's `next`: what comes after that page.
    pub before: Option<String>,
    /// Only what came in, or only what went out.
    pub direction: Option<Direction>,
    /// Only messages of which this user has a copy, or which they sent.
    pub user: Option<UserId>,
    /// Only messages of this time and later.
    pub since: Option<Timestamp>,
    /// Only messages of before this time.
    pub until: Option<Timestamp>,
    /// Only messages with attachments, or only those without.
    pub attachments: Option<bool>,
    /// Only messages that hold these terms in subject, participants, text or the names of attachments.
    pub terms: Option<SearchTerms>,
}

impl Default for TabQuery {
    fn default() -> Self {
        Self::newest(LIMIT)
    }
}

impl TabQuery {
    /// The first page, of at most so many.
    pub const fn newest(limit: usize) -> Self {
        Self {
            limit,
            before: None,
            direction: None,
            user: None,
            since: None,
            until: None,
            attachments: None,
            terms: None,
        }
    }

    /// The page after the one whose `next` this is.
    pub fn before(mut self, next: Option<impl Into<String>>) -> Self {
        self.before = next.map(Into::into);
        self
    }

    /// Only what came in, or only what went out.
    pub const fn direction(mut self, direction: Direction) -> Self {
        self.direction = Some(direction);
        self
    }

    /// Only messages of which this user has a copy, or which they sent.
    pub fn user(mut self, user: UserId) -> Self {
        self.user = Some(user);
        self
    }

    /// Only messages of this time and later.
    pub const fn since(mut self, time: Timestamp) -> Self {
        self.since = Some(time);
        self
    }

    /// Only messages of before this time.
    pub const fn until(mut self, time: Timestamp) -> Self {
        self.until = Some(time);
        self
    }

    /// Only messages with attachments, or only those without.
    pub const fn with_attachments(mut self, with: bool) -> Self {
        self.attachments = Some(with);
        self
    }

    /// Only messages that hold these terms (B16): beginnings of words, or words in a row between quotation marks, without regard to
    /// case and accents. A text somebody may not read is not searched for them.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) where there is no word in it.
    pub fn search(mut self, terms: &str) -> Result<Self> {
        let nothing = || Error::new(ErrorKind::Invalid, "there is no word to search for");
        self.terms = Some(SearchTerms::parse(terms).ok_or_else(nothing)?);
        Ok(self)
    }
}

/// Whether a message came in or went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Direction {
    /// Somebody else wrote it.
    In,
    /// Staff wrote it.
    Out,
}

impl Direction {
    /// `in` or `out`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

/// Where one copy of a message on a tab lies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct TabCopy {
    /// The account.
    pub account: AccountId,
    /// Whose.
    pub user: UserId,
    /// The mailbox, or label.
    pub mailbox: MailboxName,
}

/// A message on a client's Email tab.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
#[allow(clippy::struct_excessive_bools, reason = "each is a mark of its own on a screen")]
pub struct TabMessage {
    /// Its identity.
    pub id: MessageKey,
    /// Its Message-ID.
    pub message_id: Option<MessageId>,
    /// Its place in time.
    pub time: Timestamp,
    /// Its Date, with its writer's zone.
    pub date: Option<MessageDate>,
    /// Its authors.
    pub from: Vec<Participant>,
    /// Its primary recipients.
    pub to: Vec<Participant>,
    /// Its secondary recipients.
    pub cc: Vec<Participant>,
    /// Recipients the others do not see, where the viewer owns the copy that names them.
    pub bcc: Vec<Participant>,
    /// Its subject.
    pub subject: CleanText,
    /// Whether it came in or went out.
    pub direction: Direction,
    /// Its first words.
    pub snippet: String,
    /// What it carries.
    pub attachments: Vec<Attachment>,
    /// Where it lies.
    pub copies: Vec<TabCopy>,
    /// Why it is on this tab.
    pub matched: Vec<Reason>,
    /// The conversation it is part of.
    pub conversation: ConversationId,
    /// How many distinct contents go by its identity; more than one deserves a look.
    pub versions: usize,
    /// What the servers that received it found of its author's domain; nothing for what went out.
    pub authenticity: Authenticity,
    /// Whether its text and attachments are kept from the viewer: who has it shares headers only.
    pub headers_only: bool,
    /// Whether only its beginning was taken in, for it is longer than the account takes: there may be more text and attachments.
    pub incomplete: bool,
    /// Whether the viewer hid it from their colleagues; for the host itself, whether anybody did.
    pub hidden: bool,
    /// Whether a program wrote it: an automatic reply or a notice.
    pub automatic: bool,
    /// What became of it, where the practice sent it with this crate.
    pub delivery: Option<Delivery>,
}

/// Nothing of what the message says.
impl std::fmt::Debug for TabMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TabMessage({}, {} copies)", self.id, self.copies.len())
    }
}

/// How many messages a tab has: exact to a thousand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Count {
    /// So many.
    Exactly(u32),
    /// More than so many.
    MoreThan(u32),
}

/// `17` or `1000+`.
impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exactly(n) => write!(f, "{n}"),
            Self::MoreThan(n) => write!(f, "{n}+"),
        }
    }
}

/// A page of a client's Email tab, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tab {
    /// The messages.
    pub messages: Vec<TabMessage>,
    /// What to ask the next page with; `None` on the last.
    pub next: Option<String>,
    /// How many there are in all.
    pub count: Count,
}

/// A conversation on a client's Email tab: those of its messages that are this client's and that the viewer sees.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TabConversation {
    /// Its id. It may change when conversations turn out to be one; the id of before names it still.
    pub id: ConversationId,
    /// Its newest message.
    pub newest: TabMessage,
    /// How many messages it has here.
    pub messages: Count,
    /// Who wrote them, the newest first, each once.
    pub authors: Vec<Participant>,
}

/// Nothing of what its messages say.
impl std::fmt::Debug for TabConversation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TabConversation({}, {} messages)", self.id, self.messages)
    }
}

/// A page of a client's conversations, the one with the newest message first.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conversations {
    /// The conversations.
    pub conversations: Vec<TabConversation>,
    /// What to ask the next page with; `None` on the last.
    pub next: Option<String>,
}
