//! Walks find a broken double too, wherever they happen to come by, and say how they came there.

use practicemail::conformance::{self, Report, Seed};
use practicemail::storage::MemoryStore;

use crate::store::{Double, Fault};

async fn walks(fault: Fault) -> Report {
    let reference = async |seed: Seed| MemoryStore::new(seed.clock);
    conformance::store_walks(0..8, reference, async |seed: Seed| Double::new(&seed, fault)).await
}

#[tokio::test]
async fn what_keeps_every_clause_walks_as_another_does() {
    walks(Fault::None).await.assert_complete();
}

/// A range that was written the wrong way round must not read as green.
#[tokio::test]
async fn without_a_walk_nothing_is_checked() {
    let memory = async |seed: Seed| MemoryStore::new(seed.clock);
    let report = conformance::store_walks(9..9, memory, memory).await;
    assert_eq!(report.unchecked_clauses(), report.clauses());
}

#[tokio::test]
async fn what_is_broken_is_found_and_the_way_to_it_is_short() {
    for (fault, part) in [
        (Fault::SortTimeMoves, "S"),
        (Fault::MovedCopiesStay, "S"),
        (Fault::RecoveredIsDelivered, "O"),
        (Fault::ClaimsAreShared, "O"),
        (Fault::StrangersHide, "A"),
        (Fault::TheSecondComesFirst, "W"),
    ] {
        let report = walks(fault).await;
        let failed = report.checks().iter().find(|check| check.clause == part);
        let failure = failed.and_then(|check| check.failure.as_deref());
        let told = failure.unwrap_or_else(|| panic!("{fault:?} was not found: {report}"));
        assert!(told.starts_with("walk ") && told.contains(" answered `"), "{fault:?}: {told}");
        let steps = told.lines().count() - 1;
        assert!((1..30).contains(&steps), "{fault:?}: {steps} of over a hundred steps are left: {told}");
    }
}
