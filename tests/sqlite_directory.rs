//! The `SQLite` directory, written to by others.

use practicemail::contract::{
    ClientKey, Clock, MailStore, Practice, PracticeDirectory, Retention, Role, SystemClock, User,
};
use practicemail::storage::sqlite::{ClientData, PracticeData, SqliteDirectory, SqliteStore};
use practicemail::types::{ClientId, PracticeId, UserId};

fn practice() -> PracticeId {
    PracticeId::new("p").unwrap()
}

fn client(id: &str) -> ClientId {
    ClientId::new(id).unwrap()
}

fn data() -> PracticeData {
    let mut rules = Practice::new(practice(), "Hale & Partner");
    rules.domains = vec!["hale.example".into()];
    rules.never_log = vec!["doctor@example.org".into(), "union.example".into()];
    rules.fold_addresses = true;
    let mut anna = User::new(UserId::new("anna").unwrap(), "Anna", "anna@hale.example");
    anna.aliases = vec!["a.hale@hale.example".into()];
    anna.role = Role::Administrator;
    let mut ben = User::new(UserId::new("ben").unwrap(), "Ben", "ben@hale.example");
    ben.active = false;
    let keys =
        vec![ClientKey::Address("Info@Client.example".into()), ClientKey::Domain("client.example".into())];
    let clients = vec![
        ClientData::new(client("c1"), "Client & Co", keys),
        ClientData::new(client("c2"), "Zoe", vec![]),
    ];
    PracticeData::new(rules, vec![anna, ben], clients)
}

async fn revision(directory: &SqliteDirectory) -> String {
    directory.client_keys(&practice(), None).await.unwrap().revision
}

/// A connection of somebody else's.
async fn plain(path: &std::path::Path) -> sqlx::SqliteConnection {
    use sqlx::ConnectOptions;
    sqlx::sqlite::SqliteConnectOptions::new().filename(path).foreign_keys(false).connect().await.unwrap()
}

#[tokio::test]
async fn what_was_filled_in_is_answered_and_the_same_again_changes_nothing() {
    let directory = SqliteDirectory::open_in_memory().await.unwrap();
    let mut data = data();
    assert_eq!(directory.practice(&practice()).await.unwrap(), None);
    directory.replace_practice(&data).await.unwrap();
    assert_eq!(directory.practice(&practice()).await.unwrap().as_ref(), Some(&data.practice));
    assert_eq!(directory.users(&practice()).await.unwrap(), data.users);
    assert_eq!(
        directory.keys_of(&practice(), &client("c1")).await.unwrap().as_ref(),
        Some(&data.clients[0].keys)
    );
    assert_eq!(directory.keys_of(&practice(), &client("c2")).await.unwrap(), Some(vec![]));
    assert_eq!(directory.keys_of(&practice(), &client("c3")).await.unwrap(), None);
    let names: Vec<_> =
        directory.clients(&practice()).await.unwrap().into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["Client & Co", "Zoe"]);
    let may = async |user: &str, id: &str| {
        directory.may_see(&practice(), &UserId::new(user).unwrap(), &client(id)).await.unwrap()
    };
    assert!(
        may("anna", "c1").await
            && !may("ben", "c1").await
            && !may("eve", "c1").await
            && !may("anna", "x").await
    );

    let before = revision(&directory).await;
    directory.replace_practice(&data).await.unwrap();
    assert_eq!(revision(&directory).await, before);
    data.clients[1].name = "Zoë".into();
    data.users[1].active = true;
    directory.replace_practice(&data).await.unwrap();
    assert_ne!(revision(&directory).await, before);
    assert_eq!(directory.users(&practice()).await.unwrap(), data.users);
    data.clients.clear();
    directory.replace_practice(&data).await.unwrap();
    assert!(directory.clients(&practice()).await.unwrap().is_empty());
}

#[tokio::test]
async fn any_change_by_plain_sql_changes_the_revision() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("practice.db");
    let directory = SqliteDirectory::open(&path).await.unwrap();
    directory.replace_practice(&data()).await.unwrap();
    let mut others = plain(&path).await;
    let mut last = revision(&directory).await;
    for sql in [
        "INSERT INTO client_address (practice, client, address) VALUES ('p', 'c2', 'zoe@example.net')",
        "INSERT OR REPLACE INTO client_address (practice, client, address) VALUES ('p', 'c2', 'zoe@example.com')",
        "INSERT OR IGNORE INTO client_address (practice, client, address) VALUES ('p', 'c2', 'zoe@example.de')",
        "UPDATE client_address SET address = 'zoe@example.org' WHERE address = 'zoe@example.net'",
        "UPDATE OR REPLACE client_address SET client = 'c1' WHERE address = 'zoe@example.com'",
        "DELETE FROM client_address WHERE client = 'c2'",
        "INSERT INTO client_domain VALUES ('p', 'c2', 'zoe.example')",
        "DELETE FROM client_domain",
        "UPDATE client SET name = 'Zoe & Co' WHERE id = 'c2'",
        "DELETE FROM client WHERE id = 'c2'",
        "UPDATE practice SET fold_addresses = 0",
        "INSERT INTO practice_domain VALUES ('p', 'hale-partner.example')",
        "DELETE FROM never_log",
        "UPDATE staff SET active = 1",
        "INSERT INTO user_alias VALUES ('p', 'ben', 'b@hale.example')",
        "UPDATE client_address SET practice = 'q' WHERE client = 'c1' AND address LIKE 'Info%'",
        "DELETE FROM practice",
    ] {
        sqlx::raw_sql(sql).execute(&mut others).await.unwrap();
        let now = revision(&directory).await;
        assert_ne!(now, last, "{sql}");
        last = now;
    }
    sqlx::raw_sql("UPDATE staff SET active = active, name = name").execute(&mut others).await.unwrap();
    assert_eq!(revision(&directory).await, last, "nothing changed");
    assert!(directory.users(&practice()).await.unwrap().is_empty(), "the practice is gone");
}

#[tokio::test]
async fn keys_come_in_pages_each_once_and_orphans_are_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("practice.db");
    let directory = SqliteDirectory::open(&path).await.unwrap();
    let many = |n: usize, key: fn(String) -> ClientKey| (0..n).map(move |i| key(format!("k{i}@example.org")));
    let keys = many(1_500, ClientKey::Address).chain(many(1_000, ClientKey::Domain)).collect();
    let clients = vec![ClientData::new(client("c"), "C", keys)];
    let data = PracticeData::new(Practice::new(practice(), "P"), vec![], clients);
    directory.replace_practice(&data).await.unwrap();
    let orphan =
        "INSERT INTO client_address VALUES ('p', 'nobody', 'x@example.org'), ('q', 'c', 'x@example.org')";
    sqlx::raw_sql(orphan).execute(&mut plain(&path).await).await.unwrap();

    let (mut found, mut from, mut pages) = (std::collections::BTreeSet::new(), None, 0);
    loop {
        let page = directory.client_keys(&practice(), from).await.unwrap();
        assert!(page.entries.len() <= 1_000);
        let entries = page.entries.len();
        let before = found.len();
        found.extend(page.entries);
        assert_eq!(found.len(), before + entries, "each key once");
        pages += 1;
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!((found.len(), pages), (2_500, 4));
    assert!(directory.client_keys(&practice(), Some("x".into())).await.is_err());
}

#[tokio::test]
async fn a_directory_and_a_store_share_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.db");
    let clock: std::sync::Arc<dyn Clock> = std::sync::Arc::new(SystemClock::new());
    let store = SqliteStore::open(&path, clock).await.unwrap();
    let directory = SqliteDirectory::open(&path).await.unwrap();
    directory.replace_practice(&data()).await.unwrap();
    assert!(store.accounts(&practice()).await.unwrap().is_empty());
    drop(directory);
    assert_eq!(SqliteDirectory::open(&path).await.unwrap().clients(&practice()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn replacing_a_practice_keeps_holds_and_writes_how_long_gone_messages_are_kept() {
    let directory = SqliteDirectory::open_in_memory().await.unwrap();
    let mut data = data();
    directory.replace_practice(&data).await.unwrap();
    let kept = [("c1", Retention::HELD), ("gone", Retention::days(3_650))];
    for (id, retention) in kept {
        directory.set_retention(&practice(), &client(id), retention).await.unwrap();
    }
    for keep_gone_days in [Some(30), Some(0), None] {
        data.practice.keep_gone_days = keep_gone_days;
        data.practice.name.push('!');
        data.clients.retain(|client| client.id.as_str() != "c1");
        directory.replace_practice(&data).await.unwrap();
        assert_eq!(directory.practice(&practice()).await.unwrap(), Some(data.practice.clone()));
        for (id, retention) in kept {
            assert_eq!(directory.retention(&practice(), &client(id)).await.unwrap(), retention, "{id}");
        }
    }
}
