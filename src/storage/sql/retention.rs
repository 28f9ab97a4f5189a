//! What must not be erased, of clients that are there and that were.

use super::directory::SqlDirectory;
use super::engine::Engine;
use super::failure::failure;
use super::statement::{query, query_as};
use super::transaction::Tx;
use super::values;
use crate::contract::{ClientKey, Retention};
use crate::error::Result;
use crate::types::{Address, ClientId, PracticeId};

const SELECT_RETENTION: &str = "
    SELECT held, keep_days FROM client_retention WHERE practice = ?1 AND client = ?2";

/// Keys of clients of whom something has to be kept: those they had, and those left behind by a client that was deleted.
const SELECT_RETAINED_KEYS: &str = "
    SELECT k.key, r.held, r.keep_days
    FROM client_retention AS r JOIN former_key AS k ON k.practice = r.practice AND k.client = r.client
    WHERE r.practice = ?1 AND (r.held = 1 OR r.keep_days IS NOT NULL)
    UNION ALL
    SELECT k.address, r.held, r.keep_days
    FROM client_retention AS r JOIN client_address AS k ON k.practice = r.practice AND k.client = r.client
    WHERE r.practice = ?1 AND (r.held = 1 OR r.keep_days IS NOT NULL)
    UNION ALL
    SELECT k.domain, r.held, r.keep_days
    FROM client_retention AS r JOIN client_domain AS k ON k.practice = r.practice AND k.client = r.client
    WHERE r.practice = ?1 AND (r.held = 1 OR r.keep_days IS NOT NULL)";

const SET_RETENTION: &str = "
    INSERT INTO client_retention (practice, client, held, keep_days) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (practice, client) DO UPDATE SET held = excluded.held, keep_days = excluded.keep_days";

impl<E: Engine> SqlDirectory<E> {
    /// Says what must not be erased of a client's mail, whether the client is there or not.
    ///
    /// # Errors
    /// Storage kinds.
    pub async fn set_retention(
        &self,
        practice: &PracticeId,
        client: &ClientId,
        retention: Retention,
    ) -> Result<()> {
        let mut session = self.writing(practice).await?;
        let mut tx = session.begin().await?;
        query(SET_RETENTION)
            .bind(practice.as_str())
            .bind(client.as_str())
            .bind(retention.held)
            .bind(retention.keep_days.map(i64::from))
            .execute(&mut tx)
            .await
            .map_err(failure)?;
        tx.commit().await
    }
}

/// What must be kept of a client's mail.
pub(super) async fn of_client(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    client: &ClientId,
) -> Result<Retention> {
    let row: Option<(bool, Option<i64>)> = query_as(SELECT_RETENTION)
        .bind(practice.as_str())
        .bind(client.as_str())
        .fetch_optional(tx)
        .await
        .map_err(failure)?;
    row.map_or(Ok(Retention::FREE), of_row)
}

/// What must be kept of the mail of an address, for clients that have or had it, or its domain.
pub(super) async fn of_address(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    address: &Address,
) -> Result<Retention> {
    let rows: Vec<(String, bool, Option<i64>)> =
        query_as(SELECT_RETAINED_KEYS).bind(practice.as_str()).fetch_all(tx).await.map_err(failure)?;
    let mut theirs = rows.into_iter().filter(|(key, ..)| names(key, address));
    theirs.try_fold(Retention::FREE, |all, (_, held, keep_days)| Ok(all.and(of_row((held, keep_days))?)))
}

fn of_row((held, keep_days): (bool, Option<i64>)) -> Result<Retention> {
    Ok(Retention { held, keep_days: keep_days.map(values::small).transpose()? })
}

/// Whether a key of either kind, as people write it, is this address, or its domain.
fn names(key: &str, address: &Address) -> bool {
    ClientKey::Address(key.to_owned()).names(address) || ClientKey::Domain(key.to_owned()).names(address)
}
