//! What is remembered of an intent that was erased: enough not to send it again, to count it, and to know its copies.

use serde::{Deserialize, Serialize};

use super::super::PracticeSecret;
use super::evidence::is_copy;
use crate::contract::{ArchivedCopy, Outgoing, Route};
use crate::types::{AccountId, Digest, OutgoingId, Timestamp};

/// An intent that was erased with its message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErasedIntent {
    /// Its id: never queued again.
    pub id: OutgoingId,
    /// Its key in the host's words: never given again.
    pub key: Option<String>,
    /// The way it left by.
    pub route: Route,
    /// When it was sent: it goes on to count for the limits of its way.
    pub sent_at: Option<Timestamp>,
    /// Its message, as tombstones know it.
    pub message: Digest,
    /// Its content, under the same secret.
    pub rendition: Digest,
}

impl ErasedIntent {
    /// What is remembered of an intent.
    pub fn of(intent: &Outgoing, secret: &PracticeSecret) -> Self {
        let message = &intent.message;
        Self {
            id: message.id,
            key: message.key.clone(),
            route: message.route.clone(),
            sent_at: intent.sent_at,
            message: secret.message(&message.message),
            rendition: secret.rendition(&message.rendition),
        }
    }

    /// Whether a copy of `account` that bears its id is one of its message; as of an intent that is still there.
    pub fn is_of(&self, archived: &ArchivedCopy, account: &AccountId, secret: &PracticeSecret) -> bool {
        let is_content = |rendition: &Digest| secret.rendition(rendition) == self.rendition;
        is_copy(archived, account, &self.route, is_content)
    }
}
