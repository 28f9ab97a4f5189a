//! Deliveries that failed after the provider had taken the message.

use serde::{Deserialize, Serialize};

use crate::types::{Address, MessageId, OutgoingId, Timestamp};

/// A delivery that failed after the provider had taken the message (RFC 3464).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Bounce {
    /// Whether it failed for good; otherwise it is late and still tried.
    pub permanent: bool,
    /// The enhanced status code (RFC 3463), where one was told.
    pub status: Option<String>,
    /// What the last server said, made safe to show.
    pub diagnostic: String,
    /// When it was reported.
    pub at: Timestamp,
}

impl Bounce {
    /// A delivery that failed.
    pub fn new(
        permanent: bool,
        status: Option<String>,
        diagnostic: impl Into<String>,
        at: Timestamp,
    ) -> Self {
        Self { permanent, status, diagnostic: diagnostic.into(), at }
    }
}

/// A report about the delivery of one message, as it was found in an account.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BounceReport {
    /// The intent it is about, where the report holds the field.
    pub outgoing: Option<OutgoingId>,
    /// The Message-ID it is about, where the report holds one.
    pub message_id: Option<MessageId>,
    /// The recipients; of a report that names none, the message's only recipient is meant.
    pub recipients: Vec<(Option<Address>, Bounce)>,
}

impl BounceReport {
    /// A report.
    pub fn new(
        outgoing: Option<OutgoingId>,
        message_id: Option<MessageId>,
        recipients: Vec<(Option<Address>, Bounce)>,
    ) -> Self {
        Self { outgoing, message_id, recipients }
    }
}
