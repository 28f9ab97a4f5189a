//! [`CredentialStore`]: sealed secrets.

use async_trait::async_trait;
use practicemail::contract::{Claim, CredentialField, CredentialStore, SealedRecord};
use practicemail::error::Result;
use practicemail::types::{AccountId, PracticeId};

use super::keys::{self, Key, Kind};
use super::records::{Credential, LastClaim};
use super::{FileStore, nowhere};

#[async_trait]
impl CredentialStore for FileStore {
    async fn load(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        field: CredentialField,
    ) -> Result<Option<SealedRecord>> {
        let key = Credential::key_of(practice, account, field);
        let load = move |row: Option<Credential>| row.map(|row| row.record);
        self.engine.read(practice, move |tx| Ok(load(tx.get(&key)?))).await
    }

    async fn claim(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        field: CredentialField,
        version: u64,
        seconds: u32,
    ) -> Result<Option<Claim>> {
        let key = Credential::key_of(practice, account, field);
        let claim = self.engine.write(practice, move |tx| {
            let Some(mut row) = tx.get::<Credential>(&key)? else { return Ok(None) };
            if row.record.version != version || row.claim.is_some_and(|claim| tx.now < claim.until) {
                return Ok(None);
            }
            let LastClaim(last) = tx.get(&LastClaim::key_of(&tx.practice))?.unwrap_or_default();
            let claim = Claim::new(version, last + 1, tx.now.plus(i64::from(seconds)));
            tx.put(&LastClaim(claim.token))?;
            row.claim = Some(claim.clone());
            tx.put(&row)?;
            Ok(Some(claim))
        });
        claim.await
    }

    async fn replace(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        field: CredentialField,
        octets: Vec<u8>,
        claim: Option<Claim>,
    ) -> Result<Option<u64>> {
        let (key, account) = (Credential::key_of(practice, account, field), account.clone());
        let replaced = self.engine.write(practice, move |tx| {
            let row: Option<Credential> = tx.get(&key)?;
            if let Some(claim) = claim {
                let held = row.as_ref().and_then(|row| row.claim.as_ref());
                if !held.is_some_and(|held| held.token == claim.token && tx.now < held.until) {
                    return Ok(None);
                }
            }
            let version = row.map_or(1, |row| row.record.version + 1);
            tx.put(&Credential { account, field, record: SealedRecord::new(version, octets), claim: None })?;
            Ok(Some(version))
        });
        replaced.await
    }

    async fn delete(&self, practice: &PracticeId, account: &AccountId) -> Result<()> {
        let all = keys::in_account(Kind::Credential, practice, account);
        self.engine.write(practice, move |tx| tx.clear(&all)).await
    }

    async fn is_empty(&self) -> Result<bool> {
        let all = Key::of_all(Kind::Credential);
        self.engine.read(&nowhere(), move |tx| Ok(tx.keys(&all, None)?.next().transpose()?.is_none())).await
    }
}
