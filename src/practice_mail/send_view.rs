//! What the door answers about sending.

use crate::contract::{Bounce, Filing, Outgoing, OutgoingState, RecipientState, Route};
use crate::error::{Advice, ErrorKind};
use crate::settings::{Noreply, NoreplyReplyTo, Outgoing as Way};
use crate::types::{Address, Entered, MessageId, OutgoingId, Recipient, UserId};

/// By which way a message would leave, for the screen it is written on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoutePreview {
    /// The way.
    pub route: Route,
    /// Who it will say it is from.
    pub from: Recipient,
    /// Where replies will go, where that is not From.
    pub reply_to: Option<Recipient>,
    /// What is wrong with the account at the moment, where something is: sending may fail.
    pub failing: Option<ErrorKind>,
}

impl RoutePreview {
    /// What the author should know before writing (S3): that it leaves from noreply, or that the account has failed.
    pub fn notice(&self) -> Option<&'static str> {
        match (&self.route, self.failing) {
            (Route::Noreply, _) => Some(
                "This message leaves from the practice's noreply address: replies do not come into the practice's archive.",
            ),
            (Route::Own(_), Some(kind)) => Some(kind.advice().summary),
            (Route::Own(_), None) => None,
        }
    }

    /// What to do about a failing account.
    pub fn advice(&self) -> Option<Advice> {
        self.failing.map(ErrorKind::advice)
    }
}

/// A message that is in the outbox: whatever happens now, it is sent once or its outcome is told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Queued {
    /// Names it in the outbox.
    pub id: OutgoingId,
    /// By which way it leaves.
    pub route: Route,
    /// Its Message-ID.
    pub message_id: MessageId,
    /// Whether it was there before, under the same key.
    pub known: bool,
}

/// What became of a message that was sent with this crate, as its tab shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// Names it in the outbox.
    pub id: OutgoingId,
    /// Who sent it.
    pub author: UserId,
    /// By which way it left.
    pub route: Route,
    /// What became of it.
    pub state: OutgoingState,
    /// What became of each recipient; of those of Bcc only where the viewer wrote it.
    pub recipients: Vec<DeliveryRecipient>,
    /// What became of the Sent mailbox's copy.
    pub filing: Filing,
    /// The last failure.
    pub failure: Option<(ErrorKind, String)>,
}

/// What became of one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryRecipient {
    /// Whom.
    pub address: Address,
    /// What the provider decided.
    pub state: RecipientState,
    /// What it said.
    pub reply: String,
    /// The failure that was reported later.
    pub bounce: Option<Bounce>,
}

impl Delivery {
    /// What is shown of an intent; `sees_bcc` filters the recipients.
    pub(super) fn of(item: &Outgoing, shown: impl Fn(&crate::contract::OutgoingRecipient) -> bool) -> Self {
        let recipients = item.recipients.iter().filter(|r| shown(r)).map(|r| DeliveryRecipient {
            address: r.address.clone(),
            state: r.state,
            reply: r.reply.clone(),
            bounce: r.bounce.clone(),
        });
        Self {
            id: item.message.id,
            author: item.message.author.clone(),
            route: item.message.route.clone(),
            state: item.state,
            recipients: recipients.collect(),
            filing: item.filing,
            failure: item.failure.clone(),
        }
    }
}

/// A noreply address to be used from now on.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NoreplyRequest {
    /// The address and its way.
    pub noreply: Noreply,
    /// The password there; one stored before stays where it is [`Unchanged`](Entered::Unchanged) and the way is the same.
    pub password: Entered,
}

impl NoreplyRequest {
    /// An address for those without an account; replies go to the author.
    pub fn new(address: &Address, outgoing: Way, password: Entered) -> Self {
        Self { noreply: Noreply::new(address, outgoing), password }
    }

    /// Says where replies go.
    pub fn reply_to(mut self, reply_to: NoreplyReplyTo) -> Self {
        self.noreply = self.noreply.reply_to(reply_to);
        self
    }

    /// Sends everybody's mail from it.
    pub fn for_everybody(mut self) -> Self {
        self.noreply = self.noreply.for_everybody();
        self
    }
}
