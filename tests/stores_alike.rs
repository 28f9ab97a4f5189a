//! The stores answer alike: what the memory store says, which reads the contract as plainly as can be, the `SQLite` store says
//! too, and the PostgreSQL store, and the example's store over an engine of its own, wherever a walk has led.

use std::ops::Range;

use practicemail::conformance::{self, Report, Seed};
use practicemail::contract::MailStore;
use practicemail::storage::MemoryStore;
use practicemail::storage::postgres::Postgres;
use practicemail::storage::sqlite::SqliteStore;

#[path = "../examples/custom_store/store/mod.rs"]
#[allow(dead_code, reason = "here it keeps no file")]
mod store;
mod support;

use store::FileStore;
use support::postgres::PostgresServer;

/// So many in every run; `PRACTICE_TEST_WALKS=1000..2000` takes others.
fn walks(usual: u64) -> Range<u64> {
    let Ok(chosen) = std::env::var("PRACTICE_TEST_WALKS") else { return 0..usual };
    let (begin, end) = chosen.split_once("..").expect("a range, as 1000..2000");
    begin.parse().unwrap()..end.parse().unwrap()
}

async fn against_memory<S: MailStore + 'static>(usual: u64, open: impl AsyncFn(Seed) -> S) -> Report {
    conformance::store_walks(walks(usual), async |seed: Seed| MemoryStore::new(seed.clock), open).await
}

#[tokio::test]
async fn sqlite_store_answers_as_the_memory_store() {
    let open = async |seed: Seed| SqliteStore::open_in_memory(seed.clock).await.unwrap();
    against_memory(40, open).await.assert_complete();
}

#[tokio::test]
async fn postgres_store_answers_as_the_memory_store() {
    let server = PostgresServer::start();
    let open = async |seed: Seed| {
        let database = Postgres::connect(&server.url()).await.unwrap();
        let database = database.schema(&server.next_schema()).unwrap();
        database.migrate().await.unwrap();
        database.clock(seed.clock).open().await.unwrap()
    };
    against_memory(8, open).await.assert_complete();
}

#[tokio::test]
async fn the_examples_store_answers_as_the_memory_store() {
    against_memory(40, async |seed: Seed| FileStore::in_memory(seed.clock).await.unwrap())
        .await
        .assert_complete();
}
