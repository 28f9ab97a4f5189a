//! Credential stores that break a clause.

use std::collections::BTreeSet;
use std::sync::Mutex;

use async_trait::async_trait;
use practicemail::conformance::{self, Seed};
use practicemail::contract::{Claim, CredentialField, CredentialStore, SealedRecord};
use practicemail::error::Result;
use practicemail::storage::MemoryStore;
use practicemail::types::{AccountId, PracticeId, Timestamp};

use crate::assert_reported;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    EveryClaimIsGiven,
    GrantAloneIsDeleted,
    LateClaimWrites,
    FieldsAreOne,
    PracticesAreOne,
    NeverEmptyAgain,
    EmptyOfOnePractice,
}

#[tokio::test]
async fn every_broken_clause_is_reported() {
    for (fault, clause) in [
        (Fault::EveryClaimIsGiven, "C1"),
        (Fault::GrantAloneIsDeleted, "C2"),
        (Fault::LateClaimWrites, "C3"),
        (Fault::FieldsAreOne, "C4"),
        (Fault::PracticesAreOne, "C4"),
        (Fault::NeverEmptyAgain, "C5"),
        (Fault::EmptyOfOnePractice, "C5"),
    ] {
        let open = async |seed: Seed| Double {
            inner: MemoryStore::new(seed.clock),
            fault,
            deleted: Mutex::default(),
        };
        assert_reported(&fault, &conformance::credentials(open).await, &[clause]);
    }
}

struct Double {
    inner: MemoryStore,
    fault: Fault,
    /// Accounts that were deleted at some time.
    deleted: Mutex<BTreeSet<AccountId>>,
}

impl Double {
    fn field(&self, field: CredentialField) -> CredentialField {
        if self.fault == Fault::FieldsAreOne { CredentialField::Grant } else { field }
    }

    fn practice(&self, practice: &PracticeId) -> PracticeId {
        if self.fault == Fault::PracticesAreOne { PracticeId::new("one").unwrap() } else { practice.clone() }
    }
}

#[async_trait]
impl CredentialStore for Double {
    async fn load(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        field: CredentialField,
    ) -> Result<Option<SealedRecord>> {
        self.inner.load(&self.practice(practice), account, self.field(field)).await
    }

    async fn claim(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        field: CredentialField,
        version: u64,
        seconds: u32,
    ) -> Result<Option<Claim>> {
        let (practice, field) = (self.practice(practice), self.field(field));
        let claim = self.inner.claim(&practice, account, field, version, seconds).await?;
        let record = self.inner.load(&practice, account, field).await?;
        if claim.is_none() && self.fault == Fault::EveryClaimIsGiven {
            let claimed = record.filter(|record| record.version == version);
            return Ok(claimed.map(|_| Claim::new(version, 0, Timestamp::from_unix(i64::MAX))));
        }
        Ok(claim)
    }

    async fn replace(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        field: CredentialField,
        octets: Vec<u8>,
        claim: Option<Claim>,
    ) -> Result<Option<u64>> {
        let (practice, field) = (self.practice(practice), self.field(field));
        let written = self.inner.replace(&practice, account, field, octets.clone(), claim).await?;
        let was_deleted = self.deleted.lock().unwrap().contains(account);
        if written.is_none() && self.fault == Fault::LateClaimWrites && !was_deleted {
            return self.inner.replace(&practice, account, field, octets, None).await;
        }
        Ok(written)
    }

    async fn delete(&self, practice: &PracticeId, account: &AccountId) -> Result<()> {
        let practice = self.practice(practice);
        self.deleted.lock().unwrap().insert(account.clone());
        let password = CredentialField::IncomingPassword;
        let kept = self.inner.load(&practice, account, password).await?;
        CredentialStore::delete(&self.inner, &practice, account).await?;
        if let Some(kept) = kept.filter(|_| self.fault == Fault::GrantAloneIsDeleted) {
            self.inner.replace(&practice, account, password, kept.octets, None).await?;
        }
        Ok(())
    }

    async fn is_empty(&self) -> Result<bool> {
        let was_used = !self.deleted.lock().unwrap().is_empty();
        Ok(match self.fault {
            Fault::NeverEmptyAgain if was_used => false,
            Fault::EmptyOfOnePractice => {
                let (practice, account) = (PracticeId::new("practice")?, AccountId::new("account")?);
                self.inner.load(&practice, &account, CredentialField::Grant).await?.is_none()
            }
            _ => self.inner.is_empty().await?,
        })
    }
}
