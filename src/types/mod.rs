//! Floor 1: the nouns. A value of a type here is valid: what a stranger sent is parsed into one of these or refused.
//!
//! Nothing in this module does input or output, and nothing prints a secret, a subject, an address or a body through
//! `Debug`.

mod address;
mod attachment;
mod authenticity;
mod clean;
mod conversation;
mod copy;
mod cursor;
mod digest;
mod id;
mod key;
mod mailbox;
mod masked;
mod message;
mod message_id;
mod outgoing;
mod registrable;
mod search;
mod secret;
pub(crate) mod serial;
mod time;
mod uid;
mod uid_set;

pub use address::{Address, AddressError, AddressKey, DomainName};
pub use attachment::Attachment;
pub use authenticity::{AuthenticationResults, Authenticity};
pub use clean::CleanText;
pub use conversation::ConversationId;
pub use copy::{Copy, CopyPlace, CopyState, Cut, Kept};
pub use cursor::{Cursor, Gap, GapReason, MailboxStatus};
pub use digest::{Digest, Hasher};
pub use id::{AccountId, ClientId, InvalidId, PracticeId, UserId};
pub use key::{KEY_VERSION, KeyDigest, MatchKey};
pub use mailbox::{Mailbox, MailboxName, SpecialUse};
pub use masked::{Entered, Masked};
pub use message::{AddressingHeaders, Field, MessageKey, ParsedMessage, Participant};
pub use message_id::MessageId;
pub use outgoing::{Answer, Draft, DraftFile, OutgoingId, Recipient, RecipientPolicy, Signature};
pub(crate) use registrable::registrable;
pub use search::{SearchTerms, search_words};
pub use secret::Secret;
pub use time::{MessageDate, Timestamp};
pub use uid::{ModSeq, Uid, UidValidity};
pub use uid_set::UidSet;
