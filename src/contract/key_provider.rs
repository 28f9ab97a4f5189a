//! The keys that seal credentials.

use std::fmt;

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::error::Result;

/// A key of 256 bits and its number. Wiped when dropped.
#[derive(Clone)]
pub struct SealingKey {
    id: u32,
    key: Zeroizing<[u8; 32]>,
}

impl SealingKey {
    /// Takes a key over.
    pub fn new(id: u32, key: [u8; 32]) -> Self {
        Self { id, key: Zeroizing::new(key) }
    }

    /// Its number, stored beside what it sealed.
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// The key itself.
    pub fn expose(&self) -> &[u8; 32] {
        &self.key
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKey({}, ..)", self.id)
    }
}

/// Supplies the keys: from a file, the environment, a key management service or a keychain.
///
/// # Contract
/// - **K1** [`by_id`](Self::by_id) finds the key that [`current`](Self::current) returned at any time before, as long as
///   something sealed with it may exist.
/// - **K2** A number never stands for two keys.
#[async_trait]
pub trait KeyProvider: Send + Sync {
    /// The key that seals from now on.
    ///
    /// # Errors
    /// [`KeyUnavailable`](crate::error::ErrorKind::KeyUnavailable).
    async fn current(&self) -> Result<SealingKey>;

    /// The key of this number; `None` when there is none.
    ///
    /// # Errors
    /// [`KeyUnavailable`](crate::error::ErrorKind::KeyUnavailable).
    async fn by_id(&self, id: u32) -> Result<Option<SealingKey>>;
}

#[async_trait]
impl<T: KeyProvider + ?Sized> KeyProvider for std::sync::Arc<T> {
    async fn current(&self) -> Result<SealingKey> {
        (**self).current().await
    }
    async fn by_id(&self, id: u32) -> Result<Option<SealingKey>> {
        (**self).by_id(id).await
    }
}
