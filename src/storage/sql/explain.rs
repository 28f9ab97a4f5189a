//! Asks SQLite how it would answer.

use super::statement::Sql;
use crate::storage::sqlite::database::Database;
use crate::storage::sqlite::migrate::migrate;
use crate::storage::sqlite::{DIRECTORY, STORE};

/// The steps of the plan for a statement, on empty tables. None of them walks through all that a practice has.
pub(in crate::storage) async fn plan(sql: impl Into<Sql>) -> Vec<String> {
    let sql = sql.into();
    let steps = plan_for_a_practice(sql).await;
    assert!(!steps.iter().any(|step| step.ends_with("(practice=?)")), "{steps:?} for {sql}");
    steps
}

/// The same of a statement that is about all of a practice, or of a table that has little of one.
pub(in crate::storage) async fn plan_for_a_practice(sql: impl Into<Sql>) -> Vec<String> {
    let database = Database::open_in_memory().await.unwrap();
    let mut session = database.writer().await.unwrap();
    let mut tx = session.begin().await.unwrap();
    migrate(&mut tx, &STORE).await.unwrap();
    migrate(&mut tx, &DIRECTORY).await.unwrap();
    let sql = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", sql.into()));
    let rows: Vec<(i64, i64, i64, String)> = sqlx::query_as(sql).fetch_all(&mut *tx).await.unwrap();
    assert!(!rows.is_empty());
    rows.into_iter().map(|(_, _, _, detail)| detail).collect()
}
