//! Asks SQLite how it would answer.

use super::STORE;
use super::database::Database;
use super::directory::DIRECTORY;
use super::migrate::migrate;

/// The steps of the plan for a statement, on empty tables.
pub(super) async fn plan(sql: &str) -> Vec<String> {
    let database = Database::open_in_memory().await.unwrap();
    let mut session = database.writer().await.unwrap();
    let mut tx = session.begin().await.unwrap();
    migrate(&mut tx, &STORE).await.unwrap();
    migrate(&mut tx, &DIRECTORY).await.unwrap();
    let sql = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    let rows: Vec<(i64, i64, i64, String)> = sqlx::query_as(sql).fetch_all(&mut *tx).await.unwrap();
    assert!(!rows.is_empty());
    rows.into_iter().map(|(_, _, _, detail)| detail).collect()
}
