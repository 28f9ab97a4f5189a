//! The in-memory storage, and octets in a directory, keep the contracts.

use std::sync::{Arc, Mutex};

use practicemail::conformance::{self, DirectoryChange, Seed};
use practicemail::storage::{BlobDirectory, MemoryDirectory, MemoryStore};

#[tokio::test]
async fn memory_store_is_a_mail_store() {
    let report = conformance::store(async |seed: Seed| MemoryStore::new(seed.clock)).await;
    report.assert_passed();
    // There is no engine under it that refuses a row for what it holds.
    assert_eq!(report.unchecked_clauses(), ["O12", "S17"]);
}

#[tokio::test]
async fn memory_store_is_a_credential_store() {
    conformance::credentials(async |seed: Seed| MemoryStore::new(seed.clock)).await.assert_passed();
}

#[tokio::test]
async fn memory_store_is_a_blob_store() {
    conformance::blobs(async || MemoryStore::new(Seed::new().clock)).await.assert_passed();
}

#[tokio::test]
async fn blob_directory_is_a_blob_store() {
    let directories = Mutex::new(Vec::new());
    let open = async || {
        let directory = tempfile::tempdir().unwrap();
        let store = BlobDirectory::open(directory.path()).await.unwrap();
        directories.lock().unwrap().push(directory);
        store
    };
    conformance::blobs(open).await.assert_passed();
}

#[tokio::test]
async fn memory_directory_is_a_practice_directory() {
    for page_size in [1, 3, 1_000] {
        conformance::directory(async || {
            let directory = Arc::new(MemoryDirectory::with_page_size(page_size));
            let tables = Arc::clone(&directory);
            let change = async move |change| match change {
                DirectoryChange::PutPractice(practice) => tables.put_practice(practice),
                DirectoryChange::PutUser(practice, user) => tables.put_user(&practice, user).unwrap(),
                DirectoryChange::RemoveUser(practice, user) => tables.remove_user(&practice, &user).unwrap(),
                DirectoryChange::PutClient(practice, client, keys) => {
                    tables.put_client(&practice, client, keys).unwrap();
                }
                DirectoryChange::RemoveClient(practice, client) => {
                    tables.remove_client(&practice, &client).unwrap();
                }
                DirectoryChange::SetRetention(practice, client, retention) => {
                    tables.set_retention(&practice, client, retention).unwrap();
                }
                other => panic!("a new kind of change: {other:?}"),
            };
            (directory, change)
        })
        .await
        .assert_passed();
    }
}
