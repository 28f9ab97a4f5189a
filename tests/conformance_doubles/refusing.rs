//! Mail stores whose engine refuses a row, and what they make of it.

use std::sync::Arc;

use practicemail::conformance::{self, Report, Seed};
use practicemail::contract::{
    Fence, MailStore as _, Outbox as _, Outgoing, OutgoingClaim, OutgoingDecision, OutgoingEnd, Window,
    WindowReceipt,
};
use practicemail::error::{Error, ErrorKind, Result};
use practicemail::types::{OutgoingId, PracticeId, Timestamp};

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
    for fault in [
        Fault::RefusedEndsAreWritten,
        Fault::RefusedEndsAreAnOutage,
        Fault::RefusedEndsArePassedOver,
        Fault::RefusedEndsQueueItAgain,
        Fault::RefusedDecisionsAreWritten,
    ] {
        assert_reported(&fault, &report(fault).await, &["O12"]);
    }
}

#[tokio::test]
async fn without_an_engine_that_refuses_a_row_nothing_is_said_of_it() {
    let report = conformance::store(async |seed: Seed| Double::new(&seed, Fault::None)).await;
    report.assert_passed();
    assert_eq!(report.unchecked_clauses(), ["O12", "S17"]);
    assert!(report.to_string().contains("store_refusing"), "{report}");
}

/// Who arranges for a refusal that never comes is told.
#[tokio::test]
async fn an_engine_that_refuses_nothing_after_all_is_reported() {
    let open = async |seed: Seed| (Double::new(&seed, Fault::None), async |_| {});
    assert_reported(&"nothing is refused", &conformance::store_refusing(open).await, &["O12", "S17"]);
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

    /// What becomes of an end that brings a refused message; `None` of any other.
    pub(crate) async fn refused_end(
        &self,
        claim: &OutgoingClaim,
        end: &OutgoingEnd,
    ) -> Option<Result<Outgoing>> {
        end.archived().filter(|_| self.memory().refused.contains(&claim.item.message.message))?;
        let refusal = Error::new(ErrorKind::StorageRefused, "the engine does not take a row");
        let without = end.clone().unarchived(&refusal);
        match self.fault() {
            Fault::RefusedEndsAreAnOutage => return Some(Err(Error::new(ErrorKind::Storage, "it is gone"))),
            Fault::RefusedEndsArePassedOver => {
                return Some(self.inner.finish_outgoing(claim, &without).await);
            }
            Fault::RefusedEndsAreWritten => _ = self.inner.finish_outgoing(claim, &without).await,
            Fault::RefusedEndsQueueItAgain => {
                let failure = (ErrorKind::Storage, String::new());
                let next_try = Timestamp::from_unix(0);
                let again = OutgoingEnd::Retry { failure, recipients: Vec::new(), next_try };
                _ = self.inner.finish_outgoing(claim, &again).await;
            }
            _ => {}
        }
        Some(Err(refusal))
    }

    /// What becomes of a decision that brings a message, which the engine refuses; `None` where it takes it.
    pub(crate) async fn refused_decision(
        &self,
        practice: &PracticeId,
        id: OutgoingId,
        decision: OutgoingDecision,
    ) -> Option<Result<Outgoing>> {
        let item = self.inner.outgoing(practice, id).await.unwrap()?;
        if !self.memory().refused.contains(&item.message.message) {
            return None;
        }
        if self.is(Fault::RefusedDecisionsAreWritten) {
            _ = self.inner.decide_outgoing(practice, id, decision, None).await;
        }
        Some(Err(Error::new(ErrorKind::StorageRefused, "the engine does not take a row")))
    }
}
