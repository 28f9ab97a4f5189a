//! Where the octets of messages are kept.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::types::{Digest, PracticeId};

/// Keeps octets under `practice/sha256`.
///
/// # Contract
/// - **B1** What [`BlobWriter::finish`] answered `Ok` for is there, whole, for every later read, also after a crash.
/// - **B2** A writer dropped, or failed, before that leaves nothing that can be read or listed.
/// - **B3** Writing the same octets twice is one blob.
/// - **B4** A range is answered exactly; one that reaches past the end is cut, one that begins there is empty.
/// - **B5** Practices do not see each other's blobs.
/// - **B6** After [`delete`](Self::delete) a blob is gone; deleting what is not there is no error.
/// - **B7** [`list`](Self::list) names every blob once, in the order of digests, continued after a digest.
///
/// Every method is cancel safe: a dropped future leaves the store as before the call or as after it.
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// Begins a blob.
    ///
    /// # Errors
    /// Storage kinds.
    async fn writer(&self, practice: &PracticeId) -> Result<Box<dyn BlobWriter>>;

    /// Reads `length` octets from `offset`; `None` when there is no such blob.
    ///
    /// # Errors
    /// Storage kinds.
    async fn read(
        &self,
        practice: &PracticeId,
        sha256: Digest,
        offset: u64,
        length: usize,
    ) -> Result<Option<Vec<u8>>>;

    /// Removes a blob.
    ///
    /// # Errors
    /// Storage kinds.
    async fn delete(&self, practice: &PracticeId, sha256: Digest) -> Result<()>;

    /// Lists at most `limit` blobs with digests above `after`.
    ///
    /// # Errors
    /// Storage kinds.
    async fn list(&self, practice: &PracticeId, after: Option<Digest>, limit: usize)
    -> Result<Vec<BlobInfo>>;
}

/// A blob being written; dropped before [`finish`](Self::finish) it leaves nothing.
#[async_trait]
pub trait BlobWriter: Send {
    /// Adds octets.
    ///
    /// # Errors
    /// Storage kinds; the writer is then of no more use.
    async fn write(&mut self, octets: &[u8]) -> Result<()>;

    /// Makes the blob durable and readable.
    ///
    /// # Errors
    /// Storage kinds.
    async fn finish(self: Box<Self>) -> Result<BlobInfo>;
}

/// A blob's name and length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BlobInfo {
    /// SHA-256 of its octets.
    pub sha256: Digest,
    /// How many they are.
    pub size: u64,
}

impl BlobInfo {
    /// Names a blob.
    pub const fn new(sha256: Digest, size: u64) -> Self {
        Self { sha256, size }
    }
}

#[async_trait]
impl<T: BlobStore + ?Sized> BlobStore for std::sync::Arc<T> {
    async fn writer(&self, practice: &PracticeId) -> Result<Box<dyn BlobWriter>> {
        (**self).writer(practice).await
    }
    async fn read(
        &self,
        practice: &PracticeId,
        sha256: Digest,
        offset: u64,
        length: usize,
    ) -> Result<Option<Vec<u8>>> {
        (**self).read(practice, sha256, offset, length).await
    }
    async fn delete(&self, practice: &PracticeId, sha256: Digest) -> Result<()> {
        (**self).delete(practice, sha256).await
    }
    async fn list(
        &self,
        practice: &PracticeId,
        after: Option<Digest>,
        limit: usize,
    ) -> Result<Vec<BlobInfo>> {
        (**self).list(practice, after, limit).await
    }
}
