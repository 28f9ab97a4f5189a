//! Whether a database is the one that the outbox was written in, and no restored backup of it: what is queued in a backup may have
//! left before, and waits for a person.
//!
//! The server tells by the number of its cluster, the timeline of its write-ahead log (a new one after every recovery to a point in
//! time, and after a standby was promoted, which may lack what was last written) and the number of the table (a new one when a dump
//! was restored).

use sqlx::PgConnection;

use crate::error::Result;
use crate::storage::sql::failure::failure;
use crate::storage::sql::restored::hold;
use crate::storage::sql::statement;
use crate::storage::sql::transaction::Tx;

const OF_SERVER: &str = "
    SELECT (SELECT CAST(system_identifier AS TEXT) FROM pg_control_system())
        || '/' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)
        || '/' || CAST(CAST(to_regclass('outgoing') AS oid) AS TEXT)";

/// For servers that do not tell everybody about themselves.
const OF_TABLE: &str = "SELECT '-/-/' || CAST(CAST(to_regclass('outgoing') AS oid) AS TEXT)";

const SELECT: &str = "SELECT identity FROM incarnation WHERE id = 1";

const SAVE: &str = "
    INSERT INTO incarnation (id, identity) VALUES (1, ?1)
    ON CONFLICT (id) DO UPDATE SET identity = excluded.identity";

/// What an identity says where the server does not tell.
const UNKNOWN: &str = "-";

/// SQLSTATE where the server does not tell: no privilege, no such function, not supported.
const UNTOLD: [&str; 3] = ["42501", "42883", "0A000"];

/// Nobody else writes for any practice until the end of the transaction.
const TAKE_EVERY_TURN: &str = "LOCK TABLE turn IN EXCLUSIVE MODE";

/// How the server is asked which database it is.
pub(in crate::storage) struct Incarnation {
    question: &'static str,
}

impl Incarnation {
    /// Finds out what the server tells; in a transaction that is given up afterwards.
    pub(in crate::storage) async fn probe(tx: &mut PgConnection) -> Result<Self> {
        let told = sqlx::query(OF_SERVER).persistent(false).execute(tx).await;
        let Err(error) = told else { return Ok(Self { question: OF_SERVER }) };
        let state =
            error.as_database_error().and_then(|cause| cause.code().map(std::borrow::Cow::into_owned));
        if !state.is_some_and(|state| UNTOLD.contains(&state.as_str())) {
            return Err(failure(error));
        }
        tracing::warn!(
            "the server does not tell its identity: a backup restored as a whole is not told apart"
        );
        Ok(Self { question: OF_TABLE })
    }

    /// Holds what is queued if the database was restored; says whether it was.
    pub(in crate::storage) async fn check(&self, tx: &mut Tx<'_>) -> Result<bool> {
        if self.is_known(tx).await? {
            return Ok(false);
        }
        statement::query(TAKE_EVERY_TURN).execute(tx).await.map_err(failure)?;
        // Another process may have seen it too, and been first.
        if self.is_known(tx).await? {
            return Ok(false);
        }
        let is_first = Self::known(tx).await?.is_none();
        if !is_first {
            let now = tx.now().await?;
            hold(tx, now).await?;
        }
        self.save(tx).await?;
        Ok(!is_first)
    }

    /// Holds what is queued.
    pub(in crate::storage) async fn restored(&self, tx: &mut Tx<'_>) -> Result<()> {
        statement::query(TAKE_EVERY_TURN).execute(tx).await.map_err(failure)?;
        let now = tx.now().await?;
        hold(tx, now).await?;
        self.save(tx).await
    }

    async fn known(tx: &mut Tx<'_>) -> Result<Option<String>> {
        statement::query_scalar(SELECT).fetch_optional(tx).await.map_err(failure)
    }

    /// Whether this is the database that was written down, as far as either process was told.
    async fn is_known(&self, tx: &mut Tx<'_>) -> Result<bool> {
        let (known, now) = (Self::known(tx).await?, self.now(tx).await?);
        Ok(known.zip(now).is_some_and(|(known, now)| agree(&known, &now)))
    }

    async fn save(&self, tx: &mut Tx<'_>) -> Result<()> {
        let now = self.now(tx).await?;
        let known = Self::known(tx).await?;
        // What another process was told is not forgotten by one that is not.
        let keeps = known.as_deref().zip(now.as_deref()).is_some_and(|(known, now)| agree(known, now));
        let now = if keeps && self.question == OF_TABLE { known } else { now };
        statement::query(SAVE).bind(now).execute(tx).await.map_err(failure)?;
        Ok(())
    }

    async fn now(&self, tx: &mut Tx<'_>) -> Result<Option<String>> {
        statement::query_scalar(self.question).fetch_one(tx).await.map_err(failure)
    }
}

/// Whether two identities may be of one database: what one of them does not tell agrees with anything.
fn agree(one: &str, other: &str) -> bool {
    let mut parts = one.split('/').zip(other.split('/'));
    one.matches('/').count() == other.matches('/').count()
        && parts.all(|(one, other)| one == other || one == UNKNOWN || other == UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_role_may_not_ask_for_makes_no_other_database() {
        for (one, other, is_one) in [
            ("7/00000001/9", "7/00000001/9", true),
            ("7/00000001/9", "-/-/9", true),
            ("7/00000001/9", "7/00000002/9", false),
            ("-/-/9", "-/-/8", false),
            ("7/00000001/9", "9", false),
        ] {
            assert_eq!(agree(one, other), is_one, "{one} {other}");
        }
    }
}
