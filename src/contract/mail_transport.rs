//! Handing a message to the provider that delivers it.

use async_trait::async_trait;

use crate::error::{Error, Result};
use crate::types::Address;

/// What is handed over: the envelope (RFC 5321 §2.3.1) and the octets, which hold no Bcc field.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Submission {
    /// Where delivery failures go.
    pub reverse_path: Address,
    /// Every recipient, those of Bcc too.
    pub forward_paths: Vec<Address>,
    /// The message, with CRLF line ends.
    pub octets: Vec<u8>,
}

impl Submission {
    /// Puts envelope and octets together.
    pub fn new(reverse_path: Address, forward_paths: Vec<Address>, octets: Vec<u8>) -> Self {
        Self { reverse_path, forward_paths, octets }
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
pub struct RecipientResult {
    /// Whom.
    pub address: Address,
    /// Why it was refused; `None` when it was accepted.
    pub refused: Option<Error>,
}

impl RecipientResult {
    /// A recipient's result.
    pub fn new(address: Address, refused: Option<Error>) -> Self {
        Self { address, refused }
    }
}

/// What the provider took responsibility for.
#[derive(Debug)]
#[non_exhaustive]
pub struct SendReport {
    /// Every recipient, in the order of the envelope.
    pub recipients: Vec<RecipientResult>,
}

impl SendReport {
    /// A report over these recipients.
    pub fn new(recipients: Vec<RecipientResult>) -> Self {
        Self { recipients }
    }
}

/// Hands messages to a provider: SMTP submission (RFC 6409) or an HTTP interface.
///
/// # Contract
/// - **T1** `Ok` exactly when the provider took responsibility for at least one recipient.
/// - **T2** From the moment the write that holds the last octet of the message is handed to the stream until a complete
///   reply is read, every failure is [`DeliveryUnknown`](crate::error::ErrorKind::DeliveryUnknown); before it, every failure
///   is another kind and means *not sent*.
/// - **T3** Recipients never see Bcc.
///
/// **Not** cancel safe by nature: a future dropped between the two moments of T2 leaves the outcome unknown.
#[async_trait]
pub trait MailTransport: Send + Sync {
    /// Hands `submission` over.
    ///
    /// # Errors
    /// As T2 says.
    async fn send(&self, submission: &Submission) -> Result<SendReport>;
}

#[async_trait]
impl<T: MailTransport + ?Sized> MailTransport for std::sync::Arc<T> {
    async fn send(&self, submission: &Submission) -> Result<SendReport> {
        (**self).send(submission).await
    }
}
