//! What went wrong in an engine, by what has to be done next.

use crate::error::{Error, ErrorKind};

/// Maps an error of the database. What it says of one row is told apart from what it says of the database. SQLite's messages name tables and columns, never values; PostgreSQL's may, and are left out.
pub(in crate::storage) fn failure(error: sqlx::Error) -> Error {
    let (kind, message) = match &error {
        #[cfg(feature = "postgres")]
        sqlx::Error::Database(cause)
            if cause.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() =>
        {
            by_state(cause.code().as_deref().unwrap_or_default())
        }
        sqlx::Error::Database(cause) => by_code(cause.code().as_deref()),
        sqlx::Error::PoolTimedOut => {
            (ErrorKind::Storage, "the archive's database cannot be reached, or has no connection free")
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::RowNotFound => {
            (ErrorKind::StorageCorrupt, "the archive holds a value of another type")
        }
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) => {
            (ErrorKind::Storage, "the archive's database cannot be reached")
        }
        _ => (ErrorKind::Storage, "the archive could not be read or written"),
    };
    match error {
        #[cfg(feature = "postgres")]
        sqlx::Error::Database(cause)
            if cause.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() =>
        {
            let code = cause.code().unwrap_or_default();
            Error::new(kind, format!("{message} (SQLSTATE {code})"))
        }
        error => Error::new(kind, message).with_source(error),
    }
}

/// A value that was stored and cannot be read back.
pub(in crate::storage) fn corrupt(what: &'static str) -> Error {
    Error::new(ErrorKind::StorageCorrupt, format!("the archive holds {what} that cannot be read"))
}

/// A word that only a newer version of this crate writes.
pub(in crate::storage) fn newer(what: &'static str) -> Error {
    Error::new(ErrorKind::StorageVersion, format!("the archive holds {what} this version does not know"))
}

/// Reads an extended result code (sqlite.org/rescode.html); its low octet is the primary one.
fn by_code(code: Option<&str>) -> (ErrorKind, &'static str) {
    match code.and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff) {
        Some(5 | 6) => (ErrorKind::Busy, "another process kept the archive locked for too long"),
        Some(11) => (ErrorKind::StorageCorrupt, "the archive is damaged"),
        Some(13) => (ErrorKind::StorageFull, "there is no room to write the archive"),
        Some(14) => (ErrorKind::Storage, "the archive could not be opened"),
        Some(18..=20) => (ErrorKind::StorageRefused, "the archive's database does not take a row"),
        Some(26) => (ErrorKind::StorageCorrupt, "the file is not a database"),
        _ => (ErrorKind::Storage, "the archive could not be read or written"),
    }
}

/// Reads an SQLSTATE (postgresql.org/docs/current/errcodes-appendix.html): its first two characters are its class.
#[cfg(feature = "postgres")]
fn by_state(state: &str) -> (ErrorKind, &'static str) {
    match state {
        "55P03" => (ErrorKind::Busy, "another process kept the practice locked for too long"),
        "40001" | "40P01" => (ErrorKind::Busy, "another process was in the way"),
        "53100" | "53200" => (ErrorKind::StorageFull, "there is no room to write the archive"),
        "XX001" | "XX002" => (ErrorKind::StorageCorrupt, "the archive is damaged"),
        _ if ["22", "23", "54"].iter().any(|class| state.starts_with(class)) => {
            (ErrorKind::StorageRefused, "the archive's database does not take a row")
        }
        _ if state.starts_with("28") || state.starts_with("3D") => {
            (ErrorKind::Storage, "the archive's database does not let this process in")
        }
        _ if ["08", "53", "57"].iter().any(|class| state.starts_with(class)) => {
            (ErrorKind::Storage, "the archive's database is not there")
        }
        _ => (ErrorKind::Storage, "the archive could not be read or written"),
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::*;
    use crate::storage::sqlite::database::Database;

    #[tokio::test]
    async fn a_row_that_is_refused_is_told_apart_from_a_database_that_is_broken() {
        let database = Database::open_in_memory().await.unwrap();
        let mut session = database.writer().await.unwrap();
        let mut tx = session.begin().await.unwrap();
        let table = "CREATE TABLE t (n INTEGER NOT NULL PRIMARY KEY) STRICT";
        sqlx::raw_sql(table).execute(&mut *tx).await.unwrap();
        for (sql, kind) in [
            ("INSERT INTO t VALUES ('text')", ErrorKind::StorageRefused),
            ("INSERT INTO t VALUES (1), (1)", ErrorKind::StorageRefused),
            ("INSERT INTO t VALUES (length(zeroblob(2000000000)))", ErrorKind::StorageRefused),
            ("INSERT INTO nothing VALUES (1)", ErrorKind::Storage),
        ] {
            let error = sqlx::query(sql).execute(&mut *tx).await.map_err(failure).unwrap_err();
            assert_eq!(error.kind(), kind, "{sql}: {error:?}");
        }
    }
}
