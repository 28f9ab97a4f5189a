//! The shape of the tables, and how it grows. Migrations only add: a version that came before can go on reading and writing
//! beside a newer one, unless the newer one raised `min_reader`.

use sqlx::SqliteConnection;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::sql::failure::{corrupt, failure};

/// A set of tables that grows on its own; several may share a file.
pub(in crate::storage) struct Component {
    pub(in crate::storage) name: &'static str,
    /// In order; the first makes version 1.
    pub(in crate::storage) migrations: &'static [Migration],
}

pub(in crate::storage) struct Migration {
    pub(in crate::storage) sql: &'static str,
    /// The oldest version that can still read and write afterwards.
    pub(in crate::storage) min_reader: i64,
}

const CREATE_META: &str = "
    CREATE TABLE IF NOT EXISTS meta (
        component      TEXT    NOT NULL PRIMARY KEY,
        schema_version INTEGER NOT NULL,
        min_reader     INTEGER NOT NULL,
        incarnation    TEXT    NOT NULL
    ) STRICT, WITHOUT ROWID";

const INSERT_META: &str = "
    INSERT INTO meta (component, schema_version, min_reader, incarnation)
    VALUES (?1, 0, 0, lower(hex(randomblob(16))))
    ON CONFLICT DO NOTHING";

const SELECT_META: &str = "SELECT schema_version, min_reader FROM meta WHERE component = ?1";

const UPDATE_META: &str = "UPDATE meta SET schema_version = ?2, min_reader = ?3 WHERE component = ?1";

/// Brings the tables up to date, inside the caller's transaction.
pub(in crate::storage) async fn migrate(
    connection: &mut SqliteConnection,
    component: &Component,
) -> Result<()> {
    sqlx::raw_sql(CREATE_META).execute(&mut *connection).await.map_err(failure)?;
    sqlx::query(INSERT_META).bind(component.name).execute(&mut *connection).await.map_err(failure)?;
    let (version, min_reader): (i64, i64) = sqlx::query_as(SELECT_META)
        .bind(component.name)
        .fetch_one(&mut *connection)
        .await
        .map_err(failure)?;
    let known = i64::try_from(component.migrations.len()).unwrap_or(i64::MAX);
    if min_reader > known {
        let message = format!("the archive needs version {min_reader} of its tables, this one knows {known}");
        return Err(Error::new(ErrorKind::StorageVersion, message));
    }
    let done = usize::try_from(version).map_err(|_| corrupt("a version"))?;
    for (migration, number) in component.migrations.iter().zip(1i64..).skip(done) {
        sqlx::raw_sql(migration.sql).execute(&mut *connection).await.map_err(failure)?;
        sqlx::query(UPDATE_META)
            .bind(component.name)
            .bind(number)
            .bind(migration.min_reader)
            .execute(&mut *connection)
            .await
            .map_err(failure)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::database::Database;
    use super::super::{STORE, SqliteStore};
    use super::*;
    use crate::contract::{ChangeKind, MailStore, Outbox, OutboxQuery, PageQuery, SystemClock};
    use crate::types::{AccountId, ConversationId, KeyDigest, PracticeId, SearchTerms};

    const WRITTEN_BY_VERSION_1: &str = "
        INSERT INTO message VALUES ('p', zeroblob(32), 5, 'a@x', 1);
        INSERT INTO rendition VALUES
            ('p', zeroblob(32), zeroblob(32), 0, NULL, NULL, 's', 't', NULL, '[]', '[]', NULL, '[]', NULL, 1);
        INSERT INTO feed VALUES ('p', 1);
        INSERT INTO change_feed VALUES ('p', 1, 5, 'a', 'message_archived', zeroblob(32), NULL);";

    /// Copies of two accounts, of which it is not told which keys they brought.
    const WRITTEN_BY_VERSION_2: &str = r#"
        INSERT INTO account (practice, account, user, address, settings, state, epoch, hints, revision)
        SELECT 'p', value, 'u', 'u@x.example', '{"incoming": {"host": "x", "port": 993, "tls": "implicit", "ca_pem": null},
            "incoming_login": "u", "outgoing": null, "sent_mailbox": null}', 'disconnected', 1, '', ''
        FROM json_each('["a", "b"]');
        INSERT INTO copy SELECT 'p', value, x'49', 1, 1, zeroblob(32), zeroblob(32), zeroblob(32), 1, NULL, '[]', '[]',
            'present', NULL
        FROM json_each('["a", "b"]');
        INSERT INTO posting VALUES ('p', zeroblob(16), 5, zeroblob(32));"#;

    /// An answer that came before what it answers, and a message that answers the same and has nobody in common with it.
    const WRITTEN_BY_VERSION_3: &str = r#"
        INSERT INTO message (practice, message, sort_time, message_id, key_version)
        SELECT 'p', unhex(printf('%064d', value)), value, value || '@x', 1 FROM json_each('[1, 2, 3]');
        INSERT INTO rendition (practice, message, digest, ordinal, subject, text, participants, attachments, refs,
            in_reply_to, parsed_by)
        SELECT 'p', message, message, 0, 'Answer', 'Tax ' || sort_time,
            CASE sort_time WHEN 3 THEN '[["from","ben","x.example",""]]' ELSE '[["to","anna","x.example",""]]' END,
            CASE sort_time WHEN 2 THEN '[["a.pdf","application/pdf",1,null]]' ELSE '[]' END,
            '[]', CASE sort_time WHEN 2 THEN NULL ELSE '2@x' END, 1
        FROM message WHERE sort_time < 4;
        INSERT INTO posting SELECT practice, zeroblob(16), sort_time, message FROM message WHERE sort_time < 4;"#;

    /// A file as versions wrote it, one after the other, from the first on.
    async fn written(rows: &[&'static str]) -> (tempfile::TempDir, Database) {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::open(&dir.path().join("mail.db")).await.unwrap();
        let mut session = database.writer().await.unwrap();
        let mut tx = session.begin().await.unwrap();
        for (sql, version) in rows.iter().zip(1..) {
            migrate(&mut tx, &store_of(version)).await.unwrap();
            sqlx::raw_sql(*sql).execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
        drop(session);
        (dir, database)
    }

    fn store_of(version: usize) -> Component {
        Component { name: STORE.name, migrations: &STORE.migrations[..version] }
    }

    async fn open(dir: &tempfile::TempDir) -> SqliteStore {
        SqliteStore::open(&dir.path().join("mail.db"), Arc::new(SystemClock::new())).await.unwrap()
    }

    #[tokio::test]
    async fn a_file_of_the_first_version_is_brought_up_to_date() {
        let (dir, database) = written(&[WRITTEN_BY_VERSION_1]).await;
        let store = open(&dir).await;
        let practice = PracticeId::new("p").unwrap();
        let messages = store.all_messages(&practice, None, 9).await.unwrap();
        assert_eq!(messages.len(), 1);
        assert!(!messages[0].renditions[0].automatic);
        let changes = store.changes(&practice, 0, 9).await.unwrap();
        assert_eq!(changes[0].kind, ChangeKind::MessageArchived(messages[0].key));
        assert_eq!(store.outbox(&practice, &OutboxQuery::newest(9)).await.unwrap(), []);

        let mut session = database.writer().await.unwrap();
        let mut tx = session.begin().await.unwrap();
        for version in 1..STORE.migrations.len() {
            let refused = migrate(&mut tx, &store_of(version)).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::StorageVersion, "version {version}");
        }
    }

    #[tokio::test]
    async fn of_copies_of_before_each_counts_for_all_of_its_messages_keys() {
        let (dir, _database) = written(&[WRITTEN_BY_VERSION_1, WRITTEN_BY_VERSION_2]).await;
        let store = open(&dir).await;
        let practice = PracticeId::new("p").unwrap();
        let query = PageQuery::new(practice.clone(), vec![KeyDigest::from_slice(&[0; 16]).unwrap()], 9);
        for (account, messages, octets) in [("a", 1, 0), ("b", 0, 1)] {
            let account = AccountId::new(account).unwrap();
            let unnamed = store.erase_account(&practice, &account).await.unwrap();
            assert_eq!(unnamed.len(), octets);
            assert_eq!(store.page(&query).await.unwrap().len(), messages);
            assert_eq!(store.all_messages(&practice, None, 9).await.unwrap().len(), messages);
        }
    }

    #[tokio::test]
    async fn what_was_archived_before_is_searched_and_joined() {
        let (dir, _database) = written(&["", "", WRITTEN_BY_VERSION_3]).await;
        for _ in 0..2 {
            let store = open(&dir).await;
            let practice = PracticeId::new("p").unwrap();
            let messages = store.all_messages(&practice, None, 9).await.unwrap();
            let [one, two, three] = [0, 1, 2].map(|n| &messages[n]);
            assert_eq!(one.conversation, ConversationId::begun_by(one.key));
            assert_eq!(two.conversation, one.conversation);
            assert_eq!(three.conversation, ConversationId::begun_by(three.key));
            let mut query = PageQuery::new(practice, vec![KeyDigest::from_slice(&[0; 16]).unwrap()], 9);
            query.filter.terms = SearchTerms::parse("ans tax");
            assert_eq!(store.count(&query).await.unwrap(), 3);
            query.filter.attachments = Some(true);
            assert_eq!(store.count(&query).await.unwrap(), 1);
            store.close().await.unwrap();
        }
    }
}
