//! Statements, written once for both engines.
//!
//! Their SQL is what SQLite and PostgreSQL both understand: numbers, text and octets, `?1` for a parameter, `"user"` in quotes, lists
//! as one JSON text by `json_each`. The few words that one of them lacks (`json_each` of a text, `unhex`, `instr`, `json_extract`) are
//! functions in PostgreSQL's schema. Where that is not enough a statement has a text for each: [`Sql::each`].

use std::marker::PhantomData;

use super::row::{Column, Columns, Row};
use super::transaction::{Connection, Tx};

type Outcome<T> = Result<T, sqlx::Error>;

/// A statement's text, in the words of either engine.
#[derive(Clone, Copy)]
pub(in crate::storage) struct Sql {
    #[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "the other engine's"))]
    sqlite: &'static str,
    #[cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "the other engine's"))]
    postgres: &'static str,
}

impl Sql {
    /// A text for each.
    pub(in crate::storage) const fn each(sqlite: &'static str, postgres: &'static str) -> Self {
        Self { sqlite, postgres }
    }

    /// The text for PostgreSQL, which numbers parameters with another sign, and chooses indexes itself.
    #[cfg(feature = "postgres")]
    pub(in crate::storage) fn for_postgres(self) -> String {
        const HINT: &str = " INDEXED BY ";
        let mut text = String::with_capacity(self.postgres.len());
        let mut parts = self.postgres.split(HINT);
        text.extend(parts.next());
        for part in parts {
            text.extend(part.find([' ', '\n', ')']).and_then(|end| part.get(end..)));
        }
        text.replace('?', "$")
    }
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Self {
        Self::each(text, text)
    }
}

#[cfg(all(test, feature = "sqlite"))]
impl std::fmt::Display for Sql {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.sqlite)
    }
}

/// A parameter.
#[derive(Clone)]
pub(in crate::storage) enum Value {
    Number(Option<i64>),
    Text(Option<String>),
    Octets(Option<Vec<u8>>),
}

macro_rules! value_of {
    ($($kind:ident($from:ty) $value:ident => $to:expr;)*) => {$(
        impl From<$from> for Value {
            fn from($value: $from) -> Self {
                Self::$kind(Some($to))
            }
        }
        impl From<Option<$from>> for Value {
            fn from(value: Option<$from>) -> Self {
                Self::$kind(value.map(|$value| $to))
            }
        }
    )*};
}

value_of! {
    Number(i64) value => value;
    Number(bool) value => value.into();
    Text(String) value => value;
    Text(&str) value => value.to_owned();
    Octets(Vec<u8>) value => value;
    Octets(&[u8]) value => value.to_vec();
}

/// A statement whose rows are read by name, or that answers none.
pub(in crate::storage) fn query(sql: impl Into<Sql>) -> Query<Row> {
    Query { sql: sql.into(), values: Vec::new(), read: Ok, rows: PhantomData }
}

/// A statement whose rows are tuples.
pub(in crate::storage) fn query_as<T: Columns>(sql: impl Into<Sql>) -> Query<T> {
    Query { sql: sql.into(), values: Vec::new(), read: |row| T::of_row(&row), rows: PhantomData }
}

/// A statement whose rows are one value each.
pub(in crate::storage) fn query_scalar<T: Column>(sql: impl Into<Sql>) -> Query<T> {
    Query { sql: sql.into(), values: Vec::new(), read: |row| row.at(0), rows: PhantomData }
}

/// A statement and its parameters.
pub(in crate::storage) struct Query<T> {
    sql: Sql,
    values: Vec<Value>,
    read: fn(Row) -> Outcome<T>,
    rows: PhantomData<fn() -> T>,
}

/// What a statement did.
pub(in crate::storage) struct Done(u64);

impl Done {
    pub(in crate::storage) const fn rows_affected(&self) -> u64 {
        self.0
    }
}

impl<T> Query<T> {
    /// Gives it its next parameter.
    pub(in crate::storage) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    pub(in crate::storage) async fn execute(self, tx: &mut Tx<'_>) -> Outcome<Done> {
        match tx.connection() {
            #[cfg(feature = "sqlite")]
            Connection::Sqlite(connection) => {
                let done = for_sqlite(self.sql, self.values).execute(connection).await?;
                Ok(Done(done.rows_affected()))
            }
            #[cfg(feature = "postgres")]
            Connection::Postgres(connection) => {
                let done = for_postgres(self.sql, self.values).execute(connection).await?;
                Ok(Done(done.rows_affected()))
            }
        }
    }

    pub(in crate::storage) async fn fetch_all(self, tx: &mut Tx<'_>) -> Outcome<Vec<T>> {
        let read = self.read;
        match tx.connection() {
            #[cfg(feature = "sqlite")]
            Connection::Sqlite(connection) => {
                let rows = for_sqlite(self.sql, self.values).fetch_all(connection).await?;
                rows.into_iter().map(|row| read(Row::Sqlite(row))).collect()
            }
            #[cfg(feature = "postgres")]
            Connection::Postgres(connection) => {
                let rows = for_postgres(self.sql, self.values).fetch_all(connection).await?;
                rows.into_iter().map(|row| read(Row::Postgres(row))).collect()
            }
        }
    }

    pub(in crate::storage) async fn fetch_optional(self, tx: &mut Tx<'_>) -> Outcome<Option<T>> {
        let read = self.read;
        match tx.connection() {
            #[cfg(feature = "sqlite")]
            Connection::Sqlite(connection) => {
                let row = for_sqlite(self.sql, self.values).fetch_optional(connection).await?;
                row.map(|row| read(Row::Sqlite(row))).transpose()
            }
            #[cfg(feature = "postgres")]
            Connection::Postgres(connection) => {
                let row = for_postgres(self.sql, self.values).fetch_optional(connection).await?;
                row.map(|row| read(Row::Postgres(row))).transpose()
            }
        }
    }

    pub(in crate::storage) async fn fetch_one(self, tx: &mut Tx<'_>) -> Outcome<T> {
        self.fetch_optional(tx).await?.ok_or(sqlx::Error::RowNotFound)
    }
}

#[cfg(feature = "sqlite")]
fn for_sqlite(
    sql: Sql,
    values: Vec<Value>,
) -> sqlx::query::Query<'static, sqlx::Sqlite, sqlx::sqlite::SqliteArguments> {
    values.into_iter().fold(sqlx::query(sql.sqlite), |query, value| match value {
        Value::Number(number) => query.bind(number),
        Value::Text(text) => query.bind(text),
        Value::Octets(octets) => query.bind(octets),
    })
}

/// Never under a name: a name would belong to a connection that a pooler lends to others after this transaction.
#[cfg(feature = "postgres")]
fn for_postgres(
    sql: Sql,
    values: Vec<Value>,
) -> sqlx::query::Query<'static, sqlx::Postgres, sqlx::postgres::PgArguments> {
    let query = sqlx::query(sqlx::AssertSqlSafe(sql.for_postgres())).persistent(false);
    values.into_iter().fold(query, |query, value| match value {
        Value::Number(number) => query.bind(number),
        Value::Text(text) => query.bind(text.map(without_nul)),
        Value::Octets(octets) => query.bind(octets),
    })
}

/// PostgreSQL keeps every character but one.
#[cfg(feature = "postgres")]
fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{2400}") } else { text }
}
