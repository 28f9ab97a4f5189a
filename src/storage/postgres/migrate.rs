//! The shape of the tables, and how it grows. Migrations only add, on request, while older versions go on: these read and write beside a
//! newer one, unless it raised `min_reader`.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::database::Schema;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::sql::failure::{corrupt, failure};

/// A set of tables that grows on its own.
pub(super) struct Component {
    name: &'static str,
    /// In order; the first makes version 1.
    migrations: &'static [Migration],
}

pub(super) const STORE: Component =
    Component { name: "store", migrations: &[Migration { sql: include_str!("schema.sql"), min_reader: 1 }] };

pub(super) const DIRECTORY: Component = Component {
    name: "directory",
    migrations: &[Migration { sql: include_str!("directory.sql"), min_reader: 1 }],
};

struct Migration {
    sql: &'static str,
    /// The oldest version that can still read and write afterwards.
    min_reader: i64,
}

/// Only one migrates a database at a time. The number is this crate's own.
const TAKE_TURN: &str = "SELECT pg_advisory_xact_lock(7263091847261)";

const CREATE_META: &str = "
    CREATE TABLE IF NOT EXISTS meta (
        component      TEXT COLLATE \"C\" NOT NULL PRIMARY KEY,
        schema_version BIGINT NOT NULL,
        min_reader     BIGINT NOT NULL
    )";

const INSERT_META: &str =
    "INSERT INTO meta (component, schema_version, min_reader) VALUES ($1, 0, 0) ON CONFLICT DO NOTHING";

const SELECT_META: &str = "SELECT schema_version, min_reader FROM meta WHERE component = $1";

const SELECT_HAS_META: &str = "SELECT to_regclass('meta') IS NOT NULL";

const UPDATE_META: &str = "UPDATE meta SET schema_version = $2, min_reader = $3 WHERE component = $1";

/// Makes the schema and its tables, or brings them up to date.
pub(super) async fn migrate(
    connection: &mut PgConnection,
    schema: &Schema,
    component: &Component,
) -> Result<()> {
    let mut tx = connection.begin().await.map_err(failure)?;
    sqlx::query(TAKE_TURN).persistent(false).execute(&mut *tx).await.map_err(failure)?;
    let name = schema.as_str();
    // Told by name only where it is missing: whoever was given a schema of their own need not be allowed to make one.
    let place = format!(
        "DO $$ BEGIN IF to_regnamespace('{name}') IS NULL THEN CREATE SCHEMA {name}; END IF; END $$; \
         SET LOCAL search_path TO {name}"
    );
    sqlx::raw_sql(AssertSqlSafe(place)).execute(&mut *tx).await.map_err(failure)?;
    sqlx::query(CREATE_META).persistent(false).execute(&mut *tx).await.map_err(failure)?;
    let insert = sqlx::query(INSERT_META).persistent(false).bind(component.name);
    insert.execute(&mut *tx).await.map_err(failure)?;
    let (version, min_reader) = component.versions(&mut tx).await?.unwrap_or_default();
    component.refuse_newer(min_reader)?;
    let done = usize::try_from(version).map_err(|_| corrupt("a version"))?;
    for (migration, number) in component.migrations.iter().zip(1i64..).skip(done) {
        sqlx::raw_sql(migration.sql).execute(&mut *tx).await.map_err(failure)?;
        let update = sqlx::query(UPDATE_META).persistent(false).bind(component.name).bind(number);
        let update = update.bind(migration.min_reader);
        update.execute(&mut *tx).await.map_err(failure)?;
    }
    tx.commit().await.map_err(failure)
}

impl Component {
    /// Refuses tables that this version cannot work with; in a transaction in the schema.
    pub(super) async fn check(&self, tx: &mut PgConnection) -> Result<()> {
        let has = sqlx::query_scalar(SELECT_HAS_META).persistent(false).fetch_one(&mut *tx);
        let has: bool = has.await.map_err(failure)?;
        let (version, min_reader) =
            if has { self.versions(tx).await?.unwrap_or_default() } else { Default::default() };
        self.refuse_newer(min_reader)?;
        let latest = self.latest();
        if version >= latest {
            return Ok(());
        }
        let message = match version {
            0 => format!("there are no tables of the {} in this schema: migrating makes them", self.name),
            _ => format!(
                "the {}'s tables are of version {version}: migrating brings them to {latest}",
                self.name
            ),
        };
        Err(Error::new(ErrorKind::StorageVersion, message))
    }

    fn latest(&self) -> i64 {
        i64::try_from(self.migrations.len()).unwrap_or(i64::MAX)
    }

    fn refuse_newer(&self, min_reader: i64) -> Result<()> {
        let latest = self.latest();
        if min_reader <= latest {
            return Ok(());
        }
        let name = self.name;
        let message = format!("the {name} needs version {min_reader} of its tables, this one knows {latest}");
        Err(Error::new(ErrorKind::StorageVersion, message))
    }

    /// The version of the tables, and the oldest that can work with them.
    async fn versions(&self, tx: &mut PgConnection) -> Result<Option<(i64, i64)>> {
        let select = sqlx::query_as(SELECT_META).persistent(false).bind(self.name);
        select.fetch_optional(tx).await.map_err(failure)
    }
}
