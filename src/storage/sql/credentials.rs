//! Sealed records.

use super::statement::{self, Sql};
use super::transaction::Tx;
use async_trait::async_trait;

use super::SqlStore;
use super::engine::Engine;
use super::failure::failure;
use crate::contract::{Claim, CredentialField, CredentialStore, SealedRecord};
use crate::error::Result;
use crate::types::{AccountId, PracticeId};

const SELECT: &str = "
    SELECT version, octets FROM credential WHERE practice = ?1 AND account = ?2 AND field = ?3";

const COUNT_UP: Sql = Sql::each(
    "
    INSERT INTO credential_counter (name, value) VALUES (?1, 1)
    ON CONFLICT (name) DO UPDATE SET value = value + 1
    RETURNING value",
    "SELECT nextval(CAST('credential_' || ?1 AS regclass))",
);

const CLAIM: &str = "
    UPDATE credential SET claim_token = ?5, claim_until = ?6
    WHERE practice = ?1 AND account = ?2 AND field = ?3 AND version = ?4
      AND (claim_until IS NULL OR claim_until <= ?7)";

const REPLACE: &str = "
    INSERT INTO credential (practice, account, field, version, octets) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (practice, account, field) DO UPDATE SET
        version = excluded.version, octets = excluded.octets, claim_token = NULL, claim_until = NULL";

const REPLACE_CLAIMED: &str = "
    UPDATE credential SET version = ?4, octets = ?5, claim_token = NULL, claim_until = NULL
    WHERE practice = ?1 AND account = ?2 AND field = ?3
      AND version = ?6 AND claim_token = ?7 AND claim_until > ?8";

const SELECT_ANY: &str = "SELECT EXISTS (SELECT 1 FROM credential)";

const DELETE: &str = "DELETE FROM credential WHERE practice = ?1 AND account = ?2";

#[async_trait]
impl<E: Engine> CredentialStore for SqlStore<E> {
    async fn load(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        field: CredentialField,
    ) -> Result<Option<SealedRecord>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        let row: Option<(i64, Vec<u8>)> = statement::query_as(SELECT)
            .bind(practice.as_str())
            .bind(account.as_str())
            .bind(field.as_str())
            .fetch_optional(&mut tx)
            .await
            .map_err(failure)?;
        Ok(row.map(|(version, octets)| SealedRecord::new(version.cast_unsigned(), octets)))
    }

    async fn claim(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        field: CredentialField,
        version: u64,
        seconds: u32,
    ) -> Result<Option<Claim>> {
        let mut session = self.writing(practice).await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        let until = now.plus(i64::from(seconds));
        let token = count_up(&mut tx, "claim").await?;
        let claimed = statement::query(CLAIM)
            .bind(practice.as_str())
            .bind(account.as_str())
            .bind(field.as_str())
            .bind(version.cast_signed())
            .bind(token)
            .bind(until.as_unix())
            .bind(now.as_unix())
            .execute(&mut tx)
            .await
            .map_err(failure)?;
        if claimed.rows_affected() == 0 {
            return Ok(None);
        }
        tx.commit().await?;
        Ok(Some(Claim::new(version, token.cast_unsigned(), until)))
    }

    async fn replace(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        field: CredentialField,
        octets: Vec<u8>,
        claim: Option<Claim>,
    ) -> Result<Option<u64>> {
        let mut session = self.writing(practice).await?;
        let mut tx = session.begin().await?;
        let version = count_up(&mut tx, "version").await?;
        let mut write = statement::query(if claim.is_some() { REPLACE_CLAIMED } else { REPLACE })
            .bind(practice.as_str())
            .bind(account.as_str())
            .bind(field.as_str())
            .bind(version)
            .bind(octets);
        if let Some(claim) = claim {
            let now = tx.now().await?.as_unix();
            write = write.bind(claim.version.cast_signed()).bind(claim.token.cast_signed()).bind(now);
        }
        let written = write.execute(&mut tx).await.map_err(failure)?;
        if written.rows_affected() == 0 {
            return Ok(None);
        }
        tx.commit().await?;
        Ok(Some(version.cast_unsigned()))
    }

    async fn delete(&self, practice: &PracticeId, account: &AccountId) -> Result<()> {
        let mut session = self.writing(practice).await?;
        let mut tx = session.begin().await?;
        statement::query(DELETE)
            .bind(practice.as_str())
            .bind(account.as_str())
            .execute(&mut tx)
            .await
            .map_err(failure)?;
        tx.commit().await
    }

    async fn is_empty(&self) -> Result<bool> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        let any: bool = statement::query_scalar(SELECT_ANY).fetch_one(&mut tx).await.map_err(failure)?;
        Ok(!any)
    }
}

async fn count_up(tx: &mut Tx<'_>, name: &'static str) -> Result<i64> {
    let (value,): (i64,) = statement::query_as(COUNT_UP).bind(name).fetch_one(tx).await.map_err(failure)?;
    Ok(value)
}
