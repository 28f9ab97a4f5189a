//! Mail stores whose engine refuses a row, and what they make of it.

use std::sync::Arc;

use practicemail::conformance::{self, Report, Seed};
use practicemail::contract::{Fence, MailStore as _, Window, WindowReceipt};
use practicemail::error::{Error, ErrorKind, Result};

use crate::assert_reported;
use crate::store::{Double, Fault};

pub(crate) async fn report(fault: Fault) -> Report {
    conformance::store_refusing(async |seed: Seed| {
        let double = Arc::new(Double::new(&seed, fault));
        let engine = Arc::clone(&double);
        (double, async move |message| _ = engine.memory().refused.insert(message))
    })
    .await
}

#[tokio::test]
async fn what_is_made_of_a_refused_row_is_checked() {
    report(Fault::None).await.assert_complete();
    for fault in [
        Fault::RefusedRowsLeaveTheRest,
        Fault::RefusedRowsAreAnOutage,
        Fault::RefusedRowsArePassedOver,
        Fault::RefusedRowsLoseTheLease,
    ] {
        assert_reported(&fault, &report(fault).await, &["S17"]);
    }
}

#[tokio::test]
async fn without_an_engine_that_refuses_a_row_nothing_is_said_of_it() {
    let report = conformance::store(async |seed: Seed| Double::new(&seed, Fault::None)).await;
    report.assert_passed();
    assert_eq!(report.unchecked_clauses(), ["S17"]);
    assert!(report.to_string().contains("store_refusing"), "{report}");
}

/// Who arranges for a refusal that never comes is told.
#[tokio::test]
async fn an_engine_that_refuses_nothing_after_all_is_reported() {
    let open = async |seed: Seed| (Double::new(&seed, Fault::None), async |_| {});
    assert_reported(&"nothing is refused", &conformance::store_refusing(open).await, &["S17"]);
}

impl Double {
    /// What becomes of a window with a refused row; `None` of any other.
    pub(crate) async fn refused_rows(&self, fence: &Fence, window: &Window) -> Option<Result<WindowReceipt>> {
        let refused = self.memory().refused.clone();
        if !window.copies.iter().any(|copy| refused.contains(&copy.message)) {
            return None;
        }
        let kind = match self.fault() {
            Fault::RefusedRowsAreAnOutage => ErrorKind::Storage,
            _ => ErrorKind::StorageRefused,
        };
        let mut rest = window.clone();
        rest.copies.retain(|copy| !refused.contains(&copy.message));
        match self.fault() {
            Fault::RefusedRowsArePassedOver => return Some(self.inner.commit_window(fence, &rest).await),
            Fault::RefusedRowsLeaveTheRest => _ = self.inner.commit_window(fence, &rest).await,
            Fault::RefusedRowsLoseTheLease => _ = self.inner.release_lease(fence).await,
            _ => {}
        }
        Some(Err(Error::new(kind, "the engine does not take a row")))
    }
}
