//! Where sealed passwords and tokens are kept.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::types::serial::octets;
use crate::types::{AccountId, PracticeId, Timestamp};

/// Which secret of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CredentialField {
    /// The password of the IMAP server.
    IncomingPassword,
    /// The password of the submission server.
    OutgoingPassword,
    /// An access token for sending, as the host obtained it.
    OutgoingToken,
    /// The tokens of an OAuth grant.
    Grant,
    /// What a user set out to authorize, until they come back.
    PendingAuthorization,
    /// The client secret of a practice's own registration (RFC 6749 §2.3.1).
    ClientSecret,
}

impl CredentialField {
    /// A stable name, for storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IncomingPassword => "incoming_password",
            Self::OutgoingPassword => "outgoing_password",
            Self::OutgoingToken => "outgoing_token",
            Self::Grant => "grant",
            Self::PendingAuthorization => "pending_authorization",
            Self::ClientSecret => "client_secret",
        }
    }
}

/// A secret as stores see it: sealed, with the version that compare-and-swap goes by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SealedRecord {
    /// Counts up with every [`CredentialStore::replace`].
    pub version: u64,
    /// The sealed octets; serialised as hexadecimal digits.
    #[serde(with = "octets")]
    pub octets: Vec<u8>,
}

impl SealedRecord {
    /// A record as it was stored.
    pub fn new(version: u64, octets: Vec<u8>) -> Self {
        Self { version, octets }
    }
}

/// The right to refresh one record, until it expires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Claim {
    /// The version it was claimed at.
    pub version: u64,
    /// Names the claim.
    pub token: u64,
    /// When it ends by itself, by the store's clock.
    pub until: Timestamp,
}

impl Claim {
    /// A claim.
    pub fn new(version: u64, token: u64, until: Timestamp) -> Self {
        Self { version, token, until }
    }
}

/// Keeps sealed records. What it keeps is of no use without the host's [`KeyProvider`](super::KeyProvider).
///
/// # Contract
/// - **C1** Of any number that [`claim`](Self::claim) the same version at once, one gets the claim; the others get `None`
///   until it is used, given up or expired (by the store's clock).
/// - **C2** After [`delete`](Self::delete) nothing of the account is left, and nothing claimed before can write.
/// - **C3** [`replace`](Self::replace) with a claim writes only while the claim holds; without one it writes always. Either
///   raises the version and ends any claim.
/// - **C4** Practices and accounts do not see each other's records.
/// - **C5** [`is_empty`](Self::is_empty) says so only while there is no record of any practice.
#[async_trait]
pub trait CredentialStore: Send + Sync {
    /// Reads a record.
    ///
    /// # Errors
    /// Storage kinds.
    async fn load(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        field: CredentialField,
    ) -> Result<Option<SealedRecord>>;

    /// Claims the right to replace a record of this version, for `seconds`.
    ///
    /// # Errors
    /// Storage kinds.
    async fn claim(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        field: CredentialField,
        version: u64,
        seconds: u32,
    ) -> Result<Option<Claim>>;

    /// Writes a record and returns its version; `None` when the claim no longer holds.
    ///
    /// # Errors
    /// Storage kinds.
    async fn replace(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        field: CredentialField,
        octets: Vec<u8>,
        claim: Option<Claim>,
    ) -> Result<Option<u64>>;

    /// Erases every record of an account.
    ///
    /// # Errors
    /// Storage kinds.
    async fn delete(&self, practice: &PracticeId, account: &AccountId) -> Result<()>;

    /// Whether nothing is kept, of any practice: where something is, a key must be there that opens it, and a new one is not made in its
    /// place.
    ///
    /// # Errors
    /// Storage kinds.
    async fn is_empty(&self) -> Result<bool>;
}

#[async_trait]
impl<T: CredentialStore + ?Sized> CredentialStore for std::sync::Arc<T> {
    async fn load(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        field: CredentialField,
    ) -> Result<Option<SealedRecord>> {
        (**self).load(practice, account, field).await
    }
    async fn claim(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        field: CredentialField,
        version: u64,
        seconds: u32,
    ) -> Result<Option<Claim>> {
        (**self).claim(practice, account, field, version, seconds).await
    }
    async fn replace(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        field: CredentialField,
        octets: Vec<u8>,
        claim: Option<Claim>,
    ) -> Result<Option<u64>> {
        (**self).replace(practice, account, field, octets, claim).await
    }
    async fn delete(&self, practice: &PracticeId, account: &AccountId) -> Result<()> {
        (**self).delete(practice, account).await
    }
    async fn is_empty(&self) -> Result<bool> {
        (**self).is_empty().await
    }
}
