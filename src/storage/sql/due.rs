//! Which account is claimed next.

use super::failure::failure;
use super::statement::{self, Sql};
use super::transaction::Tx;
use super::values;
use crate::contract::DueClaim;
use crate::error::Result;
use crate::types::{AccountId, PracticeId, Timestamp};

/// Claims take turns: so limits that are counted over practices hold exactly. SQLite has one writer anyway; in PostgreSQL it is the turn
/// of a practice that cannot be. Taken before the practice's own, and by nobody who has one: nobody waits in a ring.
const TAKE_TURN_OF_CLAIMS: Sql = Sql::each(
    "SELECT CAST(1 AS BIGINT)",
    "INSERT INTO turn (practice) VALUES ('') ON CONFLICT (practice) DO UPDATE SET practice = excluded.practice",
);

const MAKE_TURN: Sql =
    Sql::each("SELECT CAST(1 AS BIGINT)", "INSERT INTO turn (practice) VALUES (?1) ON CONFLICT DO NOTHING");

/// A practice at which somebody writes for long keeps the claims of others waiting for nothing.
const TAKE_TURN: Sql = Sql::each(
    "SELECT CAST(1 AS BIGINT) WHERE ?1 <> ''",
    "SELECT CAST(1 AS BIGINT) FROM turn WHERE practice = ?1 FOR UPDATE SKIP LOCKED",
);

const SELECT_LIVING: &str = "
    SELECT l.practice, l.account, l.token, a.provider, a.first_pass
    FROM lease AS l JOIN account AS a ON a.practice = l.practice AND a.account = l.account
    WHERE l.expires_at > ?1";

const END_LEASE: &str = "UPDATE lease SET expires_at = 0 WHERE practice = ?1 AND account = ?2 AND token = ?3";

/// Parameters: now, providers without room, providers without room for a first synchronisation, whether one will do, practices that
/// somebody writes at.
const SELECT_BEST: &str = "
    SELECT a.practice, a.account, a.provider, a.next_due, a.failures, a.first_pass
    FROM account AS a
    LEFT JOIN lease AS l ON l.practice = a.practice AND l.account = a.account
    LEFT JOIN (
        SELECT practice, count(*) AS living FROM lease WHERE expires_at > ?1 GROUP BY practice
    ) AS n ON n.practice = a.practice
    WHERE a.next_due <= ?1 AND a.state = 'connected' AND coalesce(l.expires_at, 0) <= ?1
      AND a.first_pass <= ?4
      AND a.practice NOT IN (SELECT w.value FROM json_each(?5) AS w)
      AND a.provider NOT IN (SELECT b.value FROM json_each(?2) AS b)
      AND (a.first_pass = 0 OR a.provider NOT IN (SELECT f.value FROM json_each(?3) AS f))
      AND NOT EXISTS (
        SELECT 1 FROM pause AS p
        WHERE (p.ends_at IS NULL OR p.ends_at > ?1)
          AND (p.provider = '' OR p.provider = a.provider)
          AND (p.practice = '' OR p.practice = a.practice)
          AND (p.account = '' OR p.account = a.account))
    ORDER BY a.first_pass, a.requested DESC, coalesce(n.living, 0), a.next_due, a.practice, a.account
    LIMIT 1";

/// Whether it is still there to be claimed, in its practice's turn.
const SELECT_FREE: &str = "
    SELECT CAST(1 AS BIGINT)
    FROM account AS a LEFT JOIN lease AS l ON l.practice = a.practice AND l.account = a.account
    WHERE a.practice = ?1 AND a.account = ?2 AND a.next_due <= ?3 AND a.state = 'connected'
      AND coalesce(l.expires_at, 0) <= ?3";

const SELECT_NEXT: &str = "
    SELECT a.next_due
    FROM account AS a LEFT JOIN lease AS l ON l.practice = a.practice AND l.account = a.account
    WHERE a.next_due > ?1 AND a.state = 'connected' AND coalesce(l.expires_at, 0) <= ?1
    ORDER BY a.next_due LIMIT 1";

/// An account that can be claimed.
pub(super) struct Candidate {
    pub(super) practice: PracticeId,
    pub(super) account: AccountId,
    pub(super) provider: String,
    pub(super) due: Timestamp,
    pub(super) failures: u32,
    pub(super) is_first: bool,
}

/// A lease that has not ended.
pub(super) struct Living {
    pub(super) practice: PracticeId,
    pub(super) account: AccountId,
    pub(super) token: u64,
    provider: String,
    is_first: bool,
}

/// Waits for the turn of claims.
pub(super) async fn take_turn_of_claims(tx: &mut Tx<'_>) -> Result<()> {
    statement::query(TAKE_TURN_OF_CLAIMS).execute(tx).await.map_err(failure)?;
    Ok(())
}

/// Takes the turn of a practice; says whether it could be had at once.
pub(super) async fn take_turn(tx: &mut Tx<'_>, practice: &PracticeId) -> Result<bool> {
    statement::query(MAKE_TURN).bind(practice.as_str()).execute(tx).await.map_err(failure)?;
    let select = statement::query_as(TAKE_TURN).bind(practice.as_str());
    let taken: Option<(i64,)> = select.fetch_optional(tx).await.map_err(failure)?;
    Ok(taken.is_some())
}

pub(super) async fn living(tx: &mut Tx<'_>, now: Timestamp) -> Result<Vec<Living>> {
    let rows: Vec<(String, String, i64, String, bool)> =
        statement::query_as(SELECT_LIVING).bind(now.as_unix()).fetch_all(tx).await.map_err(failure)?;
    let living = rows.into_iter().map(|(practice, account, token, provider, is_first)| {
        let practice = values::practice(practice)?;
        let account = values::account(account)?;
        Ok(Living { practice, account, token: token.cast_unsigned(), provider, is_first })
    });
    living.collect()
}

/// Ends a lease whose process died.
pub(super) async fn end(tx: &mut Tx<'_>, lease: &Living) -> Result<()> {
    let end = statement::query(END_LEASE).bind(lease.practice.as_str()).bind(lease.account.as_str());
    end.bind(lease.token.cast_signed()).execute(tx).await.map_err(failure)?;
    Ok(())
}

/// The one that a claim takes, where these leases live.
pub(super) async fn best(
    tx: &mut Tx<'_>,
    now: Timestamp,
    claim: &DueClaim,
    (living, written_at): (&[Living], &[PracticeId]),
) -> Result<Option<Candidate>> {
    let providers: std::collections::BTreeSet<&str> = living.iter().map(|l| l.provider.as_str()).collect();
    let chosen = claim.limits.chosen();
    let full = |is_first: bool| {
        let all = providers.iter().copied().chain(chosen.iter().copied());
        let without_room = all.filter(|provider| {
            let of = living.iter().filter(|lease| lease.provider == *provider);
            let first = of.clone().filter(|lease| lease.is_first).count();
            let held =
                (u32::try_from(of.count()).unwrap_or(u32::MAX), u32::try_from(first).unwrap_or(u32::MAX));
            !claim.limits.have_room(provider, held, is_first)
        });
        without_room.collect::<serde_json::Value>().to_string()
    };
    let row: Option<(String, String, String, i64, i64, bool)> = statement::query_as(SELECT_BEST)
        .bind(now.as_unix())
        .bind(full(false))
        .bind(full(true))
        .bind(claim.with_first)
        .bind(values::json(&written_at.iter().map(PracticeId::as_str).collect::<Vec<_>>())?)
        .fetch_optional(tx)
        .await
        .map_err(failure)?;
    let Some((practice, account, provider, due, failures, is_first)) = row else { return Ok(None) };
    Ok(Some(Candidate {
        practice: values::practice(practice)?,
        account: values::account(account)?,
        provider,
        due: Timestamp::from_unix(due),
        failures: u32::try_from(failures).unwrap_or(u32::MAX),
        is_first,
    }))
}

/// Whether nobody took it before its practice's turn came.
pub(super) async fn is_free(tx: &mut Tx<'_>, now: Timestamp, of: &Candidate) -> Result<bool> {
    let select = statement::query_as(SELECT_FREE).bind(of.practice.as_str()).bind(of.account.as_str());
    let free: Option<(i64,)> = select.bind(now.as_unix()).fetch_optional(tx).await.map_err(failure)?;
    Ok(free.is_some())
}

/// When the next one becomes due.
pub(super) async fn next(tx: &mut Tx<'_>, now: Timestamp) -> Result<Option<Timestamp>> {
    let row: Option<(i64,)> =
        statement::query_as(SELECT_NEXT).bind(now.as_unix()).fetch_optional(tx).await.map_err(failure)?;
    Ok(row.map(|(due,)| Timestamp::from_unix(due)))
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::super::explain::plan;
    use super::*;

    #[tokio::test]
    async fn only_what_is_due_is_looked_at() {
        for sql in [SELECT_BEST, SELECT_NEXT] {
            let steps = plan(sql).await;
            assert!(steps.iter().any(|step| step.contains("account_due")), "{steps:?}");
            assert!(!steps.iter().any(|step| step.starts_with("SCAN a")), "{steps:?}");
        }
        let steps = plan(SELECT_LIVING).await;
        assert!(steps.iter().any(|step| step.contains("lease_living")), "{steps:?}");
    }
}
