//! Sealing passwords and tokens, so that a copied database is of no use without the host's key.

use std::fmt;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::contract::{CredentialField, KeyProvider, SealingKey};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{AccountId, PracticeId, Secret};

/// The format `version 1 | key id (4, big endian) | nonce (24) | ciphertext and tag`.
const VERSION: u8 = 1;
/// `XChaCha20` has room for one drawn at random: it does not repeat.
const NONCE: usize = 24;

/// Seals secrets with XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha), bound to practice, account and field: a record moved to
/// another account does not open.
///
/// ```
/// # use std::sync::Arc;
/// use practicemail::contract::CredentialField;
/// use practicemail::storage::{Sealer, StaticKey};
/// use practicemail::types::{AccountId, PracticeId, Secret};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let sealer = Sealer::new(Arc::new(StaticKey::new([7; 32])));
/// let (practice, account) = (PracticeId::new("miller")?, AccountId::new("ann")?);
/// let field = CredentialField::IncomingPassword;
/// let sealed = sealer.seal(&practice, &account, field, &Secret::new("hunter2")).await?;
/// assert_eq!(sealer.open(&practice, &account, field, &sealed).await?.expose(), "hunter2");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Sealer {
    keys: Arc<dyn KeyProvider>,
}

impl Sealer {
    /// Seals with the provider's keys.
    pub fn new(keys: Arc<dyn KeyProvider>) -> Self {
        Self { keys }
    }

    /// Seals a secret with the current key.
    ///
    /// # Errors
    /// [`ErrorKind::KeyUnavailable`].
    pub async fn seal(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        field: CredentialField,
        secret: &Secret,
    ) -> Result<Vec<u8>> {
        let key = self.keys.current().await?;
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(no_randomness)?;
        let aad = associated_data(key.id(), practice, account, field);
        let payload = Payload { msg: secret.expose().as_bytes(), aad: &aad };
        let sealed = cipher(&key).encrypt(&XNonce::from(nonce), payload);
        let sealed =
            sealed.map_err(|_| Error::new(ErrorKind::Invalid, "a secret is too long to be sealed"))?;
        Ok([&[VERSION], &key.id().to_be_bytes()[..], &nonce, &sealed].concat())
    }

    /// Opens what was sealed for this practice, account and field.
    ///
    /// # Errors
    /// [`ErrorKind::KeyUnavailable`] when the key it was sealed with is not there; [`ErrorKind::CredentialsUnreadable`] when
    /// it was altered, was sealed for something else, or is not a sealed record at all.
    pub async fn open(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        field: CredentialField,
        sealed: &[u8],
    ) -> Result<Secret> {
        let unreadable = |why: &'static str| Error::new(ErrorKind::CredentialsUnreadable, why);
        let Some((id, nonce, ciphertext)) = take_apart(sealed) else {
            return Err(unreadable("a stored secret is not in a known format"));
        };
        let Some(key) = self.keys.by_id(id).await? else {
            let message = format!("the key numbered {id}, which sealed a stored secret, is not there");
            return Err(Error::new(ErrorKind::KeyUnavailable, message));
        };
        let aad = associated_data(id, practice, account, field);
        let opened = cipher(&key).decrypt(&XNonce::from(nonce), Payload { msg: ciphertext, aad: &aad });
        let opened =
            opened.map_err(|_| unreadable("a stored secret was altered or belongs to something else"))?;
        let opened = Zeroizing::new(opened);
        let text = str::from_utf8(&opened).map_err(|_| unreadable("a stored secret is not text"))?;
        Ok(Secret::new(text))
    }
}

impl Sealer {
    /// Whether a sealed record was sealed with the current key.
    ///
    /// # Errors
    /// [`ErrorKind::KeyUnavailable`].
    pub async fn is_current(&self, sealed: &[u8]) -> Result<bool> {
        let current = self.keys.current().await?.id();
        Ok(take_apart(sealed).is_some_and(|(id, ..)| id == current))
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(..)")
    }
}

fn cipher(key: &SealingKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.expose().into())
}

fn take_apart(sealed: &[u8]) -> Option<(u32, [u8; NONCE], &[u8])> {
    let (version, rest) = sealed.split_first()?;
    let (id, rest) = rest.split_first_chunk()?;
    let (nonce, ciphertext) = rest.split_first_chunk()?;
    (*version == VERSION).then_some((u32::from_be_bytes(*id), *nonce, ciphertext))
}

/// Each text with its length before it: no two sets of fields make the same octets.
fn associated_data(key: u32, practice: &PracticeId, account: &AccountId, field: CredentialField) -> Vec<u8> {
    let mut data = vec![VERSION];
    data.extend(key.to_be_bytes());
    for text in [practice.as_str(), account.as_str(), field.as_str()] {
        data.extend((text.len() as u64).to_be_bytes());
        data.extend(text.as_bytes());
    }
    data
}

pub(super) fn no_randomness(error: getrandom::Error) -> Error {
    Error::new(ErrorKind::KeyUnavailable, "the system gives no random numbers").with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::StaticKey;

    const FIELD: CredentialField = CredentialField::IncomingPassword;

    fn ids(practice: &str, account: &str) -> (PracticeId, AccountId) {
        (PracticeId::new(practice).unwrap(), AccountId::new(account).unwrap())
    }

    async fn sealed(sealer: &Sealer) -> Vec<u8> {
        let (practice, account) = ids("p", "a");
        sealer.seal(&practice, &account, FIELD, &Secret::new("pässwörd")).await.unwrap()
    }

    #[tokio::test]
    async fn what_was_sealed_opens_and_never_looks_the_same() {
        let sealer = Sealer::new(Arc::new(StaticKey::new([1; 32])));
        let (practice, account) = ids("p", "a");
        let (one, two) = (sealed(&sealer).await, sealed(&sealer).await);
        assert_ne!(one, two);
        assert_eq!(one[..5], [1, 0, 0, 0, 1]);
        assert_eq!(sealer.open(&practice, &account, FIELD, &one).await.unwrap().expose(), "pässwörd");
    }

    #[tokio::test]
    async fn any_altered_or_missing_octet_is_refused() {
        let sealer = Sealer::new(Arc::new(StaticKey::new([1; 32])));
        let (practice, account) = ids("p", "a");
        let good = sealed(&sealer).await;
        for i in 0..good.len() {
            let mut bad = good.clone();
            bad[i] ^= 1;
            let kind = sealer.open(&practice, &account, FIELD, &bad).await.unwrap_err().kind();
            let key_id = (1..5).contains(&i);
            let expected = if key_id { ErrorKind::KeyUnavailable } else { ErrorKind::CredentialsUnreadable };
            assert_eq!(kind, expected, "octet {i}");
            let short = sealer.open(&practice, &account, FIELD, &good[..i]).await.unwrap_err();
            assert_eq!(short.kind(), ErrorKind::CredentialsUnreadable, "cut at {i}");
        }
    }

    #[tokio::test]
    async fn a_record_moved_to_another_place_does_not_open() {
        let sealer = Sealer::new(Arc::new(StaticKey::new([1; 32])));
        let good = sealed(&sealer).await;
        for (practice, account, field) in
            [("q", "a", FIELD), ("p", "b", FIELD), ("pa", "a", FIELD), ("p", "a", CredentialField::Grant)]
        {
            let (practice, account) = ids(practice, account);
            let error = sealer.open(&practice, &account, field, &good).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::CredentialsUnreadable);
        }
        let other = Sealer::new(Arc::new(StaticKey::new([2; 32])));
        let (practice, account) = ids("p", "a");
        let error = other.open(&practice, &account, FIELD, &good).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialsUnreadable);
    }
}
