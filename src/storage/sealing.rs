//! Sealing of credentials: what a store keeps is of no use without the host's key, and of no use in another place.

use std::sync::Arc;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::contract::{CredentialField, KeyProvider, SealingKey};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{AccountId, PracticeId, Secret};

/// The version of the format: `version 1 | key id 4 | nonce 24 | ciphertext and tag`.
const VERSION: u8 = 1;
const NONCE: usize = 24;
const HEAD: usize = 1 + 4 + NONCE;

/// Seals and opens secrets with XChaCha20-Poly1305. Practice, account, field and key are bound to what is sealed: a record
/// put in another's place does not open.
#[derive(Clone)]
pub struct Sealer {
    keys: Arc<dyn KeyProvider>,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(..)")
    }
}

impl Sealer {
    /// Seals with the current key of `keys`.
    pub fn new(keys: Arc<dyn KeyProvider>) -> Self {
        Self { keys }
    }

    /// Seals a secret.
    ///
    /// # Errors
    /// [`KeyUnavailable`](ErrorKind::KeyUnavailable).
    pub async fn seal(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        field: CredentialField,
        secret: &Secret,
    ) -> Result<Vec<u8>> {
        let unavailable = |_| Error::new(ErrorKind::KeyUnavailable, "the secret could not be sealed");
        let key = self.keys.current().await?;
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|e| unavailable(e.to_string()))?;
        let bound = bound_to(key.id(), practice, account, field);
        let payload = Payload { msg: secret.expose().as_bytes(), aad: &bound };
        let sealed =
            cipher(&key).encrypt(&XNonce::from(nonce), payload).map_err(|e| unavailable(e.to_string()))?;
        Ok([&[VERSION][..], &key.id().to_be_bytes(), &nonce, &sealed].concat())
    }

    /// Opens what [`seal`](Self::seal) made for the same practice, account and field.
    ///
    /// # Errors
    /// [`CredentialsUnreadable`](ErrorKind::CredentialsUnreadable) for anything else;
    /// [`KeyUnavailable`](ErrorKind::KeyUnavailable) when its key is not there.
    pub async fn open(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        field: CredentialField,
        sealed: &[u8],
    ) -> Result<Secret> {
        let unreadable =
            || Error::new(ErrorKind::CredentialsUnreadable, "the stored secret cannot be opened");
        let (head, ciphertext) = sealed.split_at_checked(HEAD).ok_or_else(unreadable)?;
        let (version, head) = head.split_first().ok_or_else(unreadable)?;
        let (id, nonce) = head.split_first_chunk::<4>().ok_or_else(unreadable)?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| unreadable())?;
        if *version != VERSION {
            return Err(unreadable());
        }
        let id = u32::from_be_bytes(*id);
        let missing =
            || Error::new(ErrorKind::KeyUnavailable, format!("the key numbered {id} is not available"));
        let key = self.keys.by_id(id).await?.ok_or_else(missing)?;
        let bound = bound_to(id, practice, account, field);
        let payload = Payload { msg: ciphertext, aad: &bound };
        let opened =
            Zeroizing::new(cipher(&key).decrypt(&XNonce::from(nonce), payload).map_err(|_| unreadable())?);
        Ok(Secret::new(std::str::from_utf8(&opened).map_err(|_| unreadable())?))
    }
}

fn cipher(key: &SealingKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&(*key.expose()).into())
}

/// What a sealed secret is bound to, each part after its length so that none can run into the next.
fn bound_to(key: u32, practice: &PracticeId, account: &AccountId, field: CredentialField) -> Vec<u8> {
    let mut bound = b"practicemail credential".to_vec();
    bound.push(VERSION);
    bound.extend(key.to_be_bytes());
    for part in [practice.as_str(), account.as_str(), field.as_str()] {
        bound.extend((part.len() as u64).to_be_bytes());
        bound.extend(part.as_bytes());
    }
    bound
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::StaticKey;

    fn ids(practice: &str, account: &str) -> (PracticeId, AccountId) {
        (PracticeId::new(practice).unwrap(), AccountId::new(account).unwrap())
    }

    #[tokio::test]
    async fn a_record_opens_in_its_own_place_only() {
        let sealer = Sealer::new(Arc::new(StaticKey::new(7, [1; 32])));
        let (practice, account) = ids("p", "a");
        let field = CredentialField::IncomingPassword;
        let sealed = sealer.seal(&practice, &account, field, &Secret::new("hunter2")).await.unwrap();
        assert!(!sealed.windows(7).any(|w| w == b"hunter2"));
        assert_eq!(sealer.open(&practice, &account, field, &sealed).await.unwrap().expose(), "hunter2");

        for (practice, account, field) in
            [("p", "b", field), ("q", "a", field), ("p", "a", CredentialField::OutgoingPassword)]
        {
            let (practice, account) = ids(practice, account);
            let error = sealer.open(&practice, &account, field, &sealed).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::CredentialsUnreadable);
        }
        for i in 0..sealed.len() {
            let mut tampered = sealed.clone();
            tampered[i] ^= 1;
            assert!(sealer.open(&practice, &account, field, &tampered).await.is_err(), "octet {i}");
            assert!(sealer.open(&practice, &account, field, &sealed[..i]).await.is_err(), "cut at {i}");
        }
    }

    #[tokio::test]
    async fn another_key_of_the_same_number_opens_nothing() {
        let (practice, account) = ids("p", "a");
        let field = CredentialField::IncomingPassword;
        let sealed = Sealer::new(Arc::new(StaticKey::new(7, [1; 32])))
            .seal(&practice, &account, field, &Secret::new("x"))
            .await
            .unwrap();
        let open = |id, key| {
            let sealer = Sealer::new(Arc::new(StaticKey::new(id, key)));
            let (sealed, practice, account) = (sealed.clone(), practice.clone(), account.clone());
            async move { sealer.open(&practice, &account, field, &sealed).await.unwrap_err().kind() }
        };
        assert_eq!(open(7, [2; 32]).await, ErrorKind::CredentialsUnreadable);
        assert_eq!(open(8, [1; 32]).await, ErrorKind::KeyUnavailable);
    }
}
