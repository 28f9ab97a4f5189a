//! Clients whose messages were erased until they are back.

use std::collections::BTreeSet;

use super::statement;
use super::transaction::Tx;

use super::failure::{corrupt, failure};
use super::values;
use crate::contract::{ClientSighting, ErasedClient};
use crate::error::Result;
use crate::types::{ClientId, KeyDigest, PracticeId};

/// One that is erased again has to be away again.
const SAVE: &str = "
    INSERT INTO erased_client (practice, client, was_away) VALUES (?1, ?2, 0)
    ON CONFLICT (practice, client) DO UPDATE SET was_away = 0";

const SELECT: &str = "SELECT client, was_away FROM erased_client WHERE practice = ?1 ORDER BY client";

const LEAVE: &str = "UPDATE erased_client SET was_away = 1 WHERE practice = ?1 AND client = ?2";

const RETURN: &str = "DELETE FROM erased_client WHERE practice = ?1 AND client = ?2 AND was_away = 1";

const DELETE_TOMBSTONES: &str = "DELETE FROM tombstone WHERE practice = ?1 AND client = ?2";

/// Of every account of the practice.
const UNCOVER: &str = "
    DELETE FROM covered_key
    WHERE practice = ?1 AND account IN (SELECT account FROM account WHERE practice = ?1)
      AND key IN (SELECT unhex(value) FROM json_each(?2))";

/// Remembers that a client was erased.
pub(super) async fn erased(tx: &mut Tx<'_>, practice: &PracticeId, client: &ClientId) -> Result<()> {
    of_client(tx, SAVE, practice, client).await.map(drop)
}

/// The erased clients, by id.
pub(super) async fn all(tx: &mut Tx<'_>, practice: &PracticeId) -> Result<Vec<ErasedClient>> {
    let rows: Vec<(String, bool)> =
        statement::query_as(SELECT).bind(practice.as_str()).fetch_all(tx).await.map_err(failure)?;
    let read = |(client, was_away)| {
        let client = ClientId::new(client).map_err(|_| corrupt("a client's id"))?;
        Ok(ErasedClient::new(client, was_away))
    };
    rows.into_iter().map(read).collect()
}

/// Takes up what the directory showed of one.
pub(super) async fn sight(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    client: &ClientId,
    sighting: &ClientSighting,
) -> Result<()> {
    match sighting {
        ClientSighting::Away => of_client(tx, LEAVE, practice, client).await.map(drop),
        ClientSighting::Back(keys) => {
            if of_client(tx, RETURN, practice, client).await? == 0 {
                return Ok(());
            }
            of_client(tx, DELETE_TOMBSTONES, practice, client).await?;
            uncover(tx, practice, keys).await
        }
    }
}

async fn uncover(tx: &mut Tx<'_>, practice: &PracticeId, keys: &BTreeSet<KeyDigest>) -> Result<()> {
    let delete = statement::query(UNCOVER).bind(practice.as_str()).bind(values::keys_to_json(keys)?);
    delete.execute(tx).await.map_err(failure)?;
    Ok(())
}

/// Answers how many rows it was about.
async fn of_client(
    tx: &mut Tx<'_>,
    sql: &'static str,
    practice: &PracticeId,
    client: &ClientId,
) -> Result<u64> {
    let write = statement::query(sql).bind(practice.as_str()).bind(client.as_str());
    Ok(write.execute(tx).await.map_err(failure)?.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::super::explain::plan_for_a_practice as plan;
    use super::*;

    #[tokio::test]
    async fn clients_tombstones_and_keys_are_found_by_key() {
        for sql in [SELECT, LEAVE, RETURN, DELETE_TOMBSTONES, UNCOVER] {
            for step in plan(sql).await {
                assert!(!step.starts_with("SCAN") || step.contains("VIRTUAL TABLE"), "{step} in {sql}");
                assert!(!step.contains("covered_key") || step.contains("key=?"), "{step} in {sql}");
            }
        }
    }
}
