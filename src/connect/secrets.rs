//! Secrets, sealed on their way to the store and opened on their way back.

use std::sync::Arc;

use crate::contract::{Claim, CredentialField, CredentialStore, KeyProvider};
use crate::error::Result;
use crate::storage::Sealer;
use crate::types::{AccountId, PracticeId, Secret};

/// Under which account a practice keeps secrets that are no user's. No user's account can be called so.
pub(crate) fn reserved(name: &str) -> Result<AccountId> {
    Ok(AccountId::new(format!("{RESERVED}{name}"))?)
}

/// Whether an account id is kept for the crate itself.
pub(crate) fn is_reserved(account: &AccountId) -> bool {
    account.as_str().starts_with(RESERVED)
}

/// What no account's id begins with.
const RESERVED: char = '#';

/// A credential store, and the keys that seal what it holds.
#[derive(Clone)]
pub(super) struct Secrets {
    pub(super) store: Arc<dyn CredentialStore>,
    pub(super) sealer: Sealer,
}

impl Secrets {
    pub(super) fn new(store: Arc<dyn CredentialStore>, keys: Arc<dyn KeyProvider>) -> Self {
        Self { store, sealer: Sealer::new(keys) }
    }

    pub(super) async fn load(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        field: CredentialField,
    ) -> Result<Option<Secret>> {
        Ok(self.load_versioned(practice, account, field).await?.map(|(secret, _)| secret))
    }

    pub(super) async fn load_versioned(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        field: CredentialField,
    ) -> Result<Option<(Secret, u64)>> {
        let Some(record) = self.store.load(practice, account, field).await? else { return Ok(None) };
        let secret = self.sealer.open(practice, account, field, &record.octets).await?;
        Ok(Some((secret, record.version)))
    }

    /// Seals something, and keeps it nowhere.
    pub(super) async fn try_sealing(&self, practice: &PracticeId, account: &AccountId) -> Result<()> {
        let field = CredentialField::IncomingPassword;
        self.sealer.seal(practice, account, field, &Secret::new("")).await.map(drop)
    }

    /// Writes a secret; `false` where a claim was needed and no longer holds.
    pub(super) async fn keep(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        (field, secret): (CredentialField, &Secret),
        claim: Option<Claim>,
    ) -> Result<bool> {
        let sealed = self.sealer.seal(practice, account, field, secret).await?;
        Ok(self.store.replace(practice, account, field, sealed, claim).await?.is_some())
    }
}
