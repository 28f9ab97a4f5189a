//! The suites find what they are for: each double here breaks one clause, and the report names it and no other.

mod archive;
mod blobs;
mod credentials;
mod directory;
mod outbox;
mod reader;
mod refusing;
mod schedule;
mod store;
mod transport;
mod walks;

use practicemail::conformance::{self, Report, Seed};
use practicemail::contract::MockBlobStore;

/// Fails unless exactly these clauses are reported.
fn assert_reported(what: &dyn std::fmt::Debug, report: &Report, clauses: &[&str]) {
    assert_eq!(report.failed_clauses(), clauses, "{what:?}\n{report}");
}

#[tokio::test]
async fn panics_are_reported_check_by_check() {
    let report = conformance::blobs(async || {
        let mut store = MockBlobStore::new();
        store.expect_writer().returning(|_| panic!("no room"));
        store.expect_read().returning(|_, _, _, _| Ok(None));
        store.expect_delete().returning(|_, _| Ok(()));
        store.expect_list().returning(|_, _, _| Ok(Vec::new()));
        store
    })
    .await;
    assert_eq!(report.failed_clauses(), report.clauses());
    assert!(report.to_string().contains("it panicked: no room"), "{report}");
}

#[tokio::test(start_paused = true)]
async fn what_hangs_is_reported_and_keeps_nobody_waiting() {
    let report = conformance::credentials(async |_: Seed| {
        std::future::pending::<practicemail::storage::MemoryStore>().await
    })
    .await;
    assert_eq!(report.failed_clauses(), ["C1", "C2", "C3", "C4", "C5"]);
    assert!(report.to_string().contains("did not end"), "{report}");
}

#[tokio::test]
#[should_panic(expected = "B4: 0 of 1 passed")]
async fn a_report_panics_with_the_clauses_that_failed() {
    blobs::report(blobs::Fault::RangePastTheEndIsNone).await.assert_passed();
}

#[tokio::test]
async fn every_clause_is_checked() {
    let seed = Seed::new();
    let memory = async |seed: Seed| practicemail::storage::MemoryStore::new(seed.clock);
    let clauses = |letter: &str, last: u32| (1..=last).map(|n| format!("{letter}{n}")).collect::<Vec<_>>();
    let of_a_store = [clauses("S", 17), clauses("A", 11), clauses("O", 12), clauses("W", 10)].concat();
    let report = refusing::report(store::Fault::None).await;
    report.assert_complete();
    let mut found = report.clauses();
    found.sort_by_key(|clause| of_a_store.iter().position(|known| known == clause));
    assert_eq!(found, of_a_store);
    assert_eq!(conformance::credentials(memory).await.clauses(), clauses("C", 5));
    assert_eq!(conformance::blobs(async || memory(seed.clone()).await).await.clauses(), clauses("B", 7));
    assert_eq!(directory::report(directory::Fault::None).await.clauses(), clauses("D", 7));
    assert_eq!(reader::report(reader::Fault::None).await.clauses(), clauses("M", 6));
    assert_eq!(transport::report(transport::Fault::None).await.clauses(), clauses("T", 5));
}
