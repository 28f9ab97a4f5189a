//! Conversations.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::MessageKey;

/// Names a conversation: the identity of the message that began it here. Of conversations that turn out to be one the oldest keeps
/// its id, and the others' go on to name it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConversationId(MessageKey);

impl ConversationId {
    /// The conversation that a message begins.
    pub const fn begun_by(message: MessageKey) -> Self {
        Self(message)
    }

    /// The octets, for storage.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Reads an id from storage; `None` unless `bytes` are 32 octets.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        MessageKey::from_slice(bytes).map(Self)
    }

    /// Reads what `Display` wrote.
    pub fn parse(text: &str) -> Option<Self> {
        MessageKey::parse(text).map(Self)
    }
}

/// Sixty-four lower-case hexadecimal digits.
impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
