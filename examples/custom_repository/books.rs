//! A small bookkeeping product: what it had before there was any mail in it.

use std::path::Path;

use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;

/// Its tables; a company has a database of its own.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS company (name TEXT NOT NULL, mail_domains TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS employees (
        id INTEGER PRIMARY KEY, full_name TEXT NOT NULL, email TEXT NOT NULL, is_admin INTEGER NOT NULL, left_on TEXT);
    CREATE TABLE IF NOT EXISTS customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS customer_contacts (
        id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, person TEXT, email TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS invoices (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, cents INTEGER NOT NULL);";

/// The product's database.
pub(crate) struct Books {
    pub(crate) pool: SqlitePool,
}

impl Books {
    /// Opens it.
    pub(crate) async fn open(file: &Path) -> sqlx::Result<Self> {
        let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
        let pool = SqlitePool::connect_with(options).await?;
        sqlx::raw_sql(TABLES).execute(&pool).await?;
        Ok(Self { pool })
    }
}
