//! The PostgreSQL store keeps the contracts, on a real server.

use std::rc::Rc;
use std::sync::Arc;

use practicemail::conformance::{self, DirectoryChange, Seed};
use practicemail::contract::{ClientKey, Clock, Practice, Role};
use practicemail::storage::postgres::{Postgres, PostgresStore, PracticeData};
use practicemail::types::{MessageKey, PracticeId};
use sqlx::{Connection as _, PgConnection};

mod support;

use support::pgbouncer::PgBouncer;
use support::postgres::PostgresServer;

/// A store in a schema of its own.
async fn open(server: &PostgresServer, clock: Arc<dyn Clock>) -> PostgresStore {
    open_in(&server.next_schema(), &server.url(), clock).await
}

async fn open_in(schema: &str, url: &str, clock: Arc<dyn Clock>) -> PostgresStore {
    let database = Postgres::connect(url).await.unwrap();
    let database = database.schema(schema).unwrap().clock(clock);
    database.migrate().await.unwrap();
    database.open().await.unwrap()
}

/// Has the database refuse a message, as somebody would who knows the tables.
async fn refuse(schema: &str, url: &str, message: MessageKey) {
    let key: String = message.as_bytes().iter().map(|octet| format!("{octet:02x}")).collect();
    let sql = format!("ALTER TABLE {schema}.message ADD CHECK (message <> '\\x{key}')");
    let mut others = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut others).await.unwrap();
    others.close().await.unwrap();
}

/// By way of a pooler that lends connections for one transaction each, fewer than are asked for: nothing may be left to a session.
#[tokio::test]
async fn postgres_store_is_a_mail_store_behind_a_pooler() {
    let server = PostgresServer::start();
    let bouncer = PgBouncer::start(&server, 3);
    let open = async |seed: Seed| {
        let (schema, url) = (server.next_schema(), server.url());
        let store = open_in(&schema, &bouncer.url(), seed.clock).await;
        (store, async move |message| refuse(&schema, &url, message).await)
    };
    conformance::store_refusing(open).await.assert_complete();
}

#[tokio::test]
async fn postgres_store_is_a_credential_store() {
    let server = PostgresServer::start();
    conformance::credentials(async |seed: Seed| open(&server, seed.clock).await).await.assert_passed();
}

#[tokio::test]
async fn postgres_store_is_a_blob_store() {
    let server = PostgresServer::start();
    conformance::blobs(async || open(&server, Seed::new().clock).await).await.assert_passed();
}

#[tokio::test]
async fn postgres_directory_is_a_practice_directory() {
    let server = PostgresServer::start();
    conformance::directory(async || {
        let schema = server.next_schema();
        let database = Postgres::connect(&server.url()).await.unwrap().schema(&schema).unwrap();
        database.migrate_directory().await.unwrap();
        let directory = database.open_directory().await.unwrap();
        let nobody = PracticeData::new(
            Practice::new(PracticeId::new("nobody").unwrap(), "Nobody"),
            Vec::new(),
            Vec::new(),
        );
        directory.replace_practice(&nobody).await.unwrap();
        let others = sqlx::PgConnection::connect(&server.url()).await.unwrap();
        let others = Rc::new(tokio::sync::Mutex::new(others));
        let change = async move |change| {
            let others = Rc::clone(&others);
            write(&mut *others.lock().await, &schema, change).await;
        };
        (directory, change)
    })
    .await
    .assert_passed();
}

/// No trigger would be told whose keys went.
#[tokio::test]
async fn a_directorys_tables_are_not_truncated() {
    let server = PostgresServer::start();
    let database = Postgres::connect(&server.url()).await.unwrap();
    database.migrate_directory().await.unwrap();
    let mut others = sqlx::PgConnection::connect(&server.url()).await.unwrap();
    let refused = sqlx::query("TRUNCATE practicemail.client_address").execute(&mut others).await.unwrap_err();
    assert!(refused.to_string().contains("deleted, not truncated"), "{refused}");
}

/// Makes a change as anybody would who knows the tables, with a search path that does not name them.
async fn write(others: &mut PgConnection, schema: &str, change: DirectoryChange) {
    let mut run = async |sql: &str, values: &[&str]| {
        let sql =
            sql.replace("INTO ", &format!("INTO {schema}.")).replace("FROM ", &format!("FROM {schema}."));
        let query =
            values.iter().fold(sqlx::query(sqlx::AssertSqlSafe(sql)), |query, value| query.bind(*value));
        query.execute(&mut *others).await.unwrap();
    };
    let flag = |set: bool| if set { "1" } else { "0" };
    match change {
        DirectoryChange::PutPractice(practice) => {
            let id = practice.id.as_str();
            let sql = "INSERT INTO practice (id, name, fold_addresses) VALUES ($1, $2, $3::bigint)
                ON CONFLICT (id) DO UPDATE SET name = excluded.name, fold_addresses = excluded.fold_addresses";
            run(sql, &[id, &practice.name, flag(practice.fold_addresses)]).await;
            run("DELETE FROM practice_domain WHERE practice = $1", &[id]).await;
            run("DELETE FROM never_log WHERE practice = $1", &[id]).await;
            for domain in &practice.domains {
                run("INSERT INTO practice_domain (practice, domain) VALUES ($1, $2)", &[id, domain]).await;
            }
            for entry in &practice.never_log {
                run("INSERT INTO never_log (practice, entry) VALUES ($1, $2)", &[id, entry]).await;
            }
        }
        DirectoryChange::PutUser(practice, user) => {
            let (practice, id) = (practice.as_str(), user.id.as_str());
            let role = if user.role == Role::Administrator { "administrator" } else { "staff" };
            let sql = "INSERT INTO staff (practice, id, name, address, role, active)
                VALUES ($1, $2, $3, $4, $5, $6::bigint)
                ON CONFLICT (practice, id) DO UPDATE SET
                    name = excluded.name, address = excluded.address, role = excluded.role, active = excluded.active";
            run(sql, &[practice, id, &user.name, &user.address, role, flag(user.active)]).await;
            run("DELETE FROM user_alias WHERE practice = $1 AND \"user\" = $2", &[practice, id]).await;
            for alias in &user.aliases {
                let sql = "INSERT INTO user_alias (practice, \"user\", address) VALUES ($1, $2, $3)";
                run(sql, &[practice, id, alias]).await;
            }
        }
        DirectoryChange::RemoveUser(practice, user) => {
            let ids = [practice.as_str(), user.as_str()];
            run("DELETE FROM staff WHERE practice = $1 AND id = $2", &ids).await;
            run("DELETE FROM user_alias WHERE practice = $1 AND \"user\" = $2", &ids).await;
        }
        DirectoryChange::PutClient(practice, client, keys) => {
            let ids = [practice.as_str(), client.as_str()];
            let sql =
                "INSERT INTO client (practice, id, name) VALUES ($1, $2, 'A client') ON CONFLICT DO NOTHING";
            run(sql, &ids).await;
            run("DELETE FROM client_address WHERE practice = $1 AND client = $2", &ids).await;
            run("DELETE FROM client_domain WHERE practice = $1 AND client = $2", &ids).await;
            for key in &keys {
                let (sql, key) = match key {
                    ClientKey::Address(key) => ("INSERT INTO client_address VALUES ($1, $2, $3)", key),
                    ClientKey::Domain(key) => ("INSERT INTO client_domain VALUES ($1, $2, $3)", key),
                    other => panic!("a new kind of key: {other:?}"),
                };
                run(sql, &[ids[0], ids[1], key]).await;
            }
        }
        DirectoryChange::RemoveClient(practice, client) => {
            let ids = [practice.as_str(), client.as_str()];
            run("DELETE FROM client WHERE practice = $1 AND id = $2", &ids).await;
        }
        DirectoryChange::SetRetention(practice, client, retention) => {
            let sql = "INSERT INTO client_retention (practice, client, held, keep_days)
                VALUES ($1, $2, $3::bigint, nullif($4, '')::bigint)
                ON CONFLICT (practice, client) DO UPDATE SET held = excluded.held, keep_days = excluded.keep_days";
            let days = retention.keep_days.map(|days| days.to_string()).unwrap_or_default();
            run(sql, &[practice.as_str(), client.as_str(), flag(retention.held), &days]).await;
        }
        other => panic!("a new kind of change: {other:?}"),
    }
}
