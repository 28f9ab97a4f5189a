//! The `SQLite` store and directory keep the contracts.

use std::path::Path;
use std::rc::Rc;

use practicemail::conformance::{self, DirectoryChange, Seed};
use practicemail::contract::{ClientKey, Role};
use practicemail::storage::sqlite::{SqliteDirectory, SqliteStore};
use practicemail::types::MessageKey;
use sqlx::{ConnectOptions, Connection as _, SqliteConnection};

#[tokio::test]
async fn sqlite_store_is_a_mail_store() {
    let files = Files::new();
    let open = async |seed: Seed| {
        let file = files.next();
        let store = SqliteStore::open(&file, seed.clock).await.unwrap();
        (store, async move |message| refuse(&file, message).await)
    };
    conformance::store_refusing(open).await.assert_complete();
    let report =
        conformance::store(async |seed: Seed| SqliteStore::open_in_memory(seed.clock).await.unwrap());
    let report = report.await;
    report.assert_passed();
    // Nobody else gets at its tables.
    assert_eq!(report.unchecked_clauses(), ["O12", "S17"]);
}

/// Has the database refuse a message, as somebody would who knows the tables.
async fn refuse(file: &Path, message: MessageKey) {
    let key: String = message.as_bytes().iter().map(|octet| format!("{octet:02x}")).collect();
    let sql = format!(
        "CREATE TRIGGER refusing BEFORE INSERT ON message WHEN NEW.message = x'{key}'
         BEGIN SELECT RAISE(ABORT, 'not this one'); END"
    );
    let mut others = sqlx::sqlite::SqliteConnectOptions::new().filename(file).connect().await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut others).await.unwrap();
    others.close().await.unwrap();
}

#[tokio::test]
async fn sqlite_store_is_a_credential_store() {
    let files = Files::new();
    conformance::credentials(async |seed: Seed| SqliteStore::open(files.next(), seed.clock).await.unwrap())
        .await
        .assert_passed();
}

#[tokio::test]
async fn sqlite_store_is_a_blob_store() {
    let files = Files::new();
    conformance::blobs(async || SqliteStore::open(files.next(), Seed::new().clock).await.unwrap())
        .await
        .assert_passed();
}

#[tokio::test]
async fn sqlite_directory_is_a_practice_directory() {
    let files = Files::new();
    conformance::directory(async || {
        let file = files.next();
        let directory = SqliteDirectory::open(&file).await.unwrap();
        let others = sqlx::sqlite::SqliteConnectOptions::new().filename(&file).connect().await.unwrap();
        let others = Rc::new(tokio::sync::Mutex::new(others));
        let change = async move |change| {
            let others = Rc::clone(&others);
            write(&mut *others.lock().await, change).await;
        };
        (directory, change)
    })
    .await
    .assert_passed();
}

/// Makes a change as anybody would who knows the tables.
async fn write(others: &mut SqliteConnection, change: DirectoryChange) {
    match change {
        DirectoryChange::PutPractice(practice) => {
            let id = practice.id.to_string();
            let sql = "INSERT OR REPLACE INTO practice (id, name, fold_addresses) VALUES (?1, ?2, ?3)";
            let insert = sqlx::query(sql).bind(&id).bind(practice.name).bind(practice.fold_addresses);
            insert.execute(&mut *others).await.unwrap();
            run(others, "DELETE FROM practice_domain WHERE practice = ?1", [&id]).await;
            run(others, "DELETE FROM never_log WHERE practice = ?1", [&id]).await;
            for domain in &practice.domains {
                run(others, "INSERT INTO practice_domain (practice, domain) VALUES (?1, ?2)", [&id, domain])
                    .await;
            }
            for entry in &practice.never_log {
                run(others, "INSERT INTO never_log (practice, entry) VALUES (?1, ?2)", [&id, entry]).await;
            }
        }
        DirectoryChange::PutUser(practice, user) => {
            let (practice, id) = (practice.to_string(), user.id.to_string());
            let role = if user.role == Role::Administrator { "administrator" } else { "staff" };
            let sql = "INSERT OR REPLACE INTO staff (practice, id, name, address, role, active) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            let insert = sqlx::query(sql).bind(&practice).bind(&id).bind(user.name).bind(user.address);
            insert.bind(role).bind(user.active).execute(&mut *others).await.unwrap();
            run(others, "DELETE FROM user_alias WHERE practice = ?1 AND user = ?2", [&practice, &id]).await;
            for alias in &user.aliases {
                let sql = "INSERT INTO user_alias (practice, user, address) VALUES (?1, ?2, ?3)";
                run(others, sql, [&practice, &id, alias]).await;
            }
        }
        DirectoryChange::RemoveUser(practice, user) => {
            let ids = [practice.as_str(), user.as_str()];
            run(others, "DELETE FROM staff WHERE practice = ?1 AND id = ?2", ids).await;
            run(others, "DELETE FROM user_alias WHERE practice = ?1 AND user = ?2", ids).await;
        }
        DirectoryChange::PutClient(practice, client, keys) => {
            let ids = [practice.as_str(), client.as_str()];
            run(
                others,
                "INSERT OR REPLACE INTO client (practice, id, name) VALUES (?1, ?2, 'A client')",
                ids,
            )
            .await;
            run(others, "DELETE FROM client_address WHERE practice = ?1 AND client = ?2", ids).await;
            run(others, "DELETE FROM client_domain WHERE practice = ?1 AND client = ?2", ids).await;
            for key in &keys {
                let (sql, key) = match key {
                    ClientKey::Address(key) => ("INSERT INTO client_address VALUES (?1, ?2, ?3)", key),
                    ClientKey::Domain(key) => ("INSERT INTO client_domain VALUES (?1, ?2, ?3)", key),
                    other => panic!("a new kind of key: {other:?}"),
                };
                run(others, sql, [ids[0], ids[1], key]).await;
            }
        }
        DirectoryChange::RemoveClient(practice, client) => {
            let ids = [practice.as_str(), client.as_str()];
            run(others, "DELETE FROM client WHERE practice = ?1 AND id = ?2", ids).await;
        }
        DirectoryChange::SetRetention(practice, client, retention) => {
            let sql = "INSERT OR REPLACE INTO client_retention (practice, client, held, keep_days) VALUES (?1, ?2, ?3, ?4)";
            let insert = sqlx::query(sql).bind(practice.to_string()).bind(client.to_string());
            insert.bind(retention.held).bind(retention.keep_days).execute(&mut *others).await.unwrap();
        }
        other => panic!("a new kind of change: {other:?}"),
    }
}

async fn run<const N: usize>(others: &mut SqliteConnection, sql: &'static str, values: [impl AsRef<str>; N]) {
    let query = values.iter().fold(sqlx::query(sql), |query, value| query.bind(value.as_ref()));
    query.execute(others).await.unwrap();
}

/// Names of files that do not exist yet.
struct Files {
    dir: tempfile::TempDir,
    given: std::cell::Cell<u32>,
}

impl Files {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), given: 0.into() }
    }

    fn next(&self) -> std::path::PathBuf {
        self.given.set(self.given.get() + 1);
        self.dir.path().join(format!("{}.db", self.given.get()))
    }
}
