//! Asks SQLite how it would answer.

use super::statement::Sql;
use crate::storage::sqlite::database::Database;
use crate::storage::sqlite::migrate::migrate;
use crate::storage::sqlite::{DIRECTORY, STORE};

/// The steps of the plan for a statement, on empty tables.
pub(in crate::storage) async fn plan(sql: impl Into<Sql>) -> Vec<String> {
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
