//! Rows of either engine, read the same.

use sqlx::Row as _;
#[cfg(feature = "postgres")]
use sqlx::postgres::PgRow;
#[cfg(feature = "sqlite")]
use sqlx::sqlite::SqliteRow;

type Outcome<T> = Result<T, sqlx::Error>;

/// A row.
pub(in crate::storage) enum Row {
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteRow),
    #[cfg(feature = "postgres")]
    Postgres(PgRow),
}

impl Row {
    /// A column by its name.
    pub(in crate::storage) fn named<T: Column>(&self, name: &str) -> Outcome<T> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(row) => T::of_sqlite(row, name),
            #[cfg(feature = "postgres")]
            Self::Postgres(row) => T::of_postgres(row, name),
        }
    }

    /// A column by its place.
    pub(in crate::storage) fn at<T: Column>(&self, place: usize) -> Outcome<T> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(row) => T::of_sqlite(row, place),
            #[cfg(feature = "postgres")]
            Self::Postgres(row) => T::of_postgres(row, place),
        }
    }
}

/// What a column is read as.
pub(in crate::storage) trait Column: Sized {
    #[cfg(feature = "sqlite")]
    fn of_sqlite<I: sqlx::ColumnIndex<SqliteRow>>(row: &SqliteRow, at: I) -> Outcome<Self>;
    #[cfg(feature = "postgres")]
    fn of_postgres<I: sqlx::ColumnIndex<PgRow>>(row: &PgRow, at: I) -> Outcome<Self>;
}

/// Of the same type in both engines.
macro_rules! column {
    ($($type:ty),*) => {$(
        impl Column for $type {
            #[cfg(feature = "sqlite")]
            fn of_sqlite<I: sqlx::ColumnIndex<SqliteRow>>(row: &SqliteRow, at: I) -> Outcome<Self> {
                row.try_get(at)
            }
            #[cfg(feature = "postgres")]
            fn of_postgres<I: sqlx::ColumnIndex<PgRow>>(row: &PgRow, at: I) -> Outcome<Self> {
                row.try_get(at)
            }
        }
    )*};
}

column!(i64, Option<i64>, String, Option<String>, Vec<u8>, Option<Vec<u8>>);

/// SQLite knows only numbers; PostgreSQL answers what is asked with `EXISTS` as what it is, and stores numbers here.
impl Column for Option<bool> {
    #[cfg(feature = "sqlite")]
    fn of_sqlite<I: sqlx::ColumnIndex<SqliteRow>>(row: &SqliteRow, at: I) -> Outcome<Self> {
        row.try_get(at)
    }
    #[cfg(feature = "postgres")]
    fn of_postgres<I: sqlx::ColumnIndex<PgRow>>(row: &PgRow, at: I) -> Outcome<Self> {
        let place = at.index(row)?;
        match row.try_get::<Option<bool>, _>(place) {
            Ok(known) => Ok(known),
            Err(_) => Ok(row.try_get::<Option<i64>, _>(place)?.map(|number| number != 0)),
        }
    }
}

impl Column for bool {
    #[cfg(feature = "sqlite")]
    fn of_sqlite<I: sqlx::ColumnIndex<SqliteRow>>(row: &SqliteRow, at: I) -> Outcome<Self> {
        row.try_get(at)
    }
    #[cfg(feature = "postgres")]
    fn of_postgres<I: sqlx::ColumnIndex<PgRow>>(row: &PgRow, at: I) -> Outcome<Self> {
        let known = Option::<bool>::of_postgres(row, at)?;
        known.ok_or_else(|| sqlx::Error::Decode("null where there is always an answer".into()))
    }
}

/// What a row is read as, by the places of its columns.
pub(in crate::storage) trait Columns: Sized {
    fn of_row(row: &Row) -> Outcome<Self>;
}

macro_rules! columns {
    ($(($($type:ident $place:literal),*))*) => {$(
        impl<$($type: Column),*> Columns for ($($type,)*) {
            fn of_row(row: &Row) -> Outcome<Self> {
                Ok(($(row.at::<$type>($place)?,)*))
            }
        }
    )*};
}

columns! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13)
}
