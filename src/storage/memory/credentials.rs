//! [`CredentialStore`] in memory.

use async_trait::async_trait;

use super::MemoryStore;
use crate::contract::{Claim, CredentialField, CredentialStore, SealedRecord};
use crate::error::Result;
use crate::types::{AccountId, PracticeId};

pub(super) struct CredentialRow {
    record: SealedRecord,
    claim: Option<Claim>,
}

#[async_trait]
impl CredentialStore for MemoryStore {
    async fn load(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        field: CredentialField,
    ) -> Result<Option<SealedRecord>> {
        let key = (account.clone(), field);
        Ok(self.read(practice, |rows| rows.credentials.get(&key).map(|row| row.record.clone())))
    }

    async fn claim(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        field: CredentialField,
        version: u64,
        seconds: u32,
    ) -> Result<Option<Claim>> {
        let key = (account.clone(), field);
        Ok(self.write(practice, |rows, now| {
            let row = rows.credentials.get_mut(&key)?;
            if row.record.version != version || row.claim.as_ref().is_some_and(|claim| now < claim.until) {
                return None;
            }
            rows.last_claim = rows.last_claim.saturating_add(1);
            row.claim = Some(Claim::new(version, rows.last_claim, now.plus(i64::from(seconds))));
            row.claim.clone()
        }))
    }

    async fn replace(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        field: CredentialField,
        octets: Vec<u8>,
        claim: Option<Claim>,
    ) -> Result<Option<u64>> {
        let key = (account.clone(), field);
        Ok(self.write(practice, |rows, now| {
            let row = rows.credentials.get(&key);
            if let Some(claim) = claim {
                let held = row.and_then(|row| row.claim.as_ref())?;
                if held.token != claim.token || now >= held.until {
                    return None;
                }
            }
            let version = row.map_or(1, |row| row.record.version.saturating_add(1));
            let record = SealedRecord::new(version, octets);
            rows.credentials.insert(key, CredentialRow { record, claim: None });
            Some(version)
        }))
    }

    async fn delete(&self, practice: &PracticeId, account: &AccountId) -> Result<()> {
        self.write(practice, |rows, _| rows.credentials.retain(|(owner, _), _| owner != account));
        Ok(())
    }

    async fn is_empty(&self) -> Result<bool> {
        Ok(self.lock().practices.values().all(|rows| rows.credentials.is_empty()))
    }
}
