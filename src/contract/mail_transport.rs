//! Handing a message to the provider that delivers it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::{Error, Result};
use crate::types::{Address, RecipientPolicy};

/// What is handed over: the envelope (RFC 5321 §2.3.1) and the octets, which hold no Bcc field.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Submission {
    /// Where delivery failures go.
    pub reverse_path: Address,
    /// Every recipient, those of Bcc too.
    pub forward_paths: Vec<Address>,
    /// Those of the recipients whom the octets do not name: for transports that read the header instead of an envelope.
    pub blind: Vec<Address>,
    /// The message, with CRLF line ends.
    pub octets: Vec<u8>,
    /// What a refused recipient means for the others.
    pub policy: RecipientPolicy,
}

impl Submission {
    /// Puts envelope and octets together: nobody blind, all recipients or none.
    pub fn new(reverse_path: Address, forward_paths: Vec<Address>, octets: Vec<u8>) -> Self {
        let policy = RecipientPolicy::default();
        Self { reverse_path, forward_paths, blind: Vec::new(), octets, policy }
    }

    /// Names the recipients the octets do not name.
    pub fn blind(mut self, blind: Vec<Address>) -> Self {
        self.blind = blind;
        self
    }

    /// Says what a refused recipient means for the others.
    pub fn policy(mut self, policy: RecipientPolicy) -> Self {
        self.policy = policy;
        self
    }
}

impl std::fmt::Debug for Submission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Submission({} recipients, {} octets)", self.forward_paths.len(), self.octets.len())
    }
}

/// What the provider said of one recipient.
#[derive(Debug)]
#[non_exhaustive]
pub enum RecipientVerdict {
    /// It takes responsibility, or would have, had the message been handed over.
    Accepted,
    /// It will never take this one.
    Refused(Error),
    /// It does not take this one now.
    Deferred(Error),
    /// It does not take so many in one transaction (RFC 5321 §4.5.3.1.10): this one goes in another.
    TooMany,
}

/// One recipient's result.
#[derive(Debug)]
#[non_exhaustive]
pub struct RecipientResult {
    /// Whom.
    pub address: Address,
    /// What became of them.
    pub verdict: RecipientVerdict,
    /// What the provider said, made safe to show; empty where it says nothing of single recipients.
    pub reply: String,
}

impl RecipientResult {
    /// A recipient's result.
    pub fn new(address: Address, verdict: RecipientVerdict, reply: impl Into<String>) -> Self {
        Self { address, verdict, reply: reply.into() }
    }
}

/// What the provider took responsibility for.
#[derive(Debug)]
#[non_exhaustive]
pub struct SendReport {
    /// Every recipient, in the order of the envelope.
    pub recipients: Vec<RecipientResult>,
    /// What the provider said in the end, made safe to show: often the number the message has with it.
    pub reply: String,
}

impl SendReport {
    /// A report over these recipients.
    pub fn new(recipients: Vec<RecipientResult>, reply: impl Into<String>) -> Self {
        Self { recipients, reply: reply.into() }
    }
}

/// Why a message was not handed over, or why that is not known.
#[derive(Debug)]
#[non_exhaustive]
pub struct SendFailure {
    /// Why.
    pub error: Error,
    /// What the provider said of recipients before, in the order of the envelope; may be empty.
    pub recipients: Vec<RecipientResult>,
}

impl SendFailure {
    /// A failure after these recipients were asked about.
    pub fn new(error: Error, recipients: Vec<RecipientResult>) -> Self {
        Self { error, recipients }
    }
}

/// A failure before any recipient was asked about.
impl From<Error> for SendFailure {
    fn from(error: Error) -> Self {
        Self { error, recipients: Vec::new() }
    }
}

/// Asked right before a message can leave: whether it still may.
#[async_trait]
pub trait SendPermit: Send + Sync {
    /// Confirms, and says for how long the last octet may still be handed over.
    ///
    /// # Errors
    /// [`FenceLost`](crate::error::ErrorKind::FenceLost) and its like: nothing may leave.
    async fn confirm(&self) -> Result<Duration>;
}

/// Hands messages to a provider: SMTP submission (RFC 6409) or an HTTP interface.
///
/// One value is one user's session; it connects when it is first used, and again after a failure.
///
/// # Contract
/// - **T1** `Ok` exactly when the provider took responsibility for at least one recipient; whatever happens afterwards
///   changes nothing about it.
/// - **T2** From the moment the write that holds the last octet of the message is handed to the stream until a complete
///   reply is read, every failure is [`DeliveryUnknown`](crate::error::ErrorKind::DeliveryUnknown); before it, every failure
///   is another kind and means *not sent*.
/// - **T3** Recipients never see Bcc.
/// - **T4** Before that write, and after everything that can be refused has been asked, the permit is asked once. Where it
///   refuses, its error is the answer; where the time it gave is over, nothing more is written. Either means *not sent*.
/// - **T5** With [`RecipientPolicy::AllOrNone`] nothing is handed over while a recipient is refused or deferred. Recipients
///   beyond what one transaction takes are no refusal: they are told as [`RecipientVerdict::TooMany`].
///
/// **Not** cancel safe by nature: a future dropped between the two moments of T2 leaves the outcome unknown.
#[async_trait]
pub trait MailTransport: Send + Sync {
    /// Hands `submission` over.
    ///
    /// # Errors
    /// As T2 says.
    async fn send(
        &self,
        submission: &Submission,
        permit: Arc<dyn SendPermit>,
    ) -> Result<SendReport, SendFailure>;

    /// Ends the session in good order, within seconds.
    async fn close(&self);
}

#[async_trait]
impl<T: MailTransport + ?Sized> MailTransport for Arc<T> {
    async fn send(
        &self,
        submission: &Submission,
        permit: Arc<dyn SendPermit>,
    ) -> Result<SendReport, SendFailure> {
        (**self).send(submission, permit).await
    }
    async fn close(&self) {
        (**self).close().await;
    }
}
