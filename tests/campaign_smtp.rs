//! A connection to a submission server, cut wherever it can be: sampled always, at every octet for scripts/campaign.

mod submission;

use submission::matrix::{Cuts, run};

#[tokio::test]
async fn a_connection_cut_anywhere_tells_no_lie() {
    for recipients in [1, 3] {
        let outcomes = run(recipients, Cuts::Every(41)).await;
        for outcome in ["sent", "not sent", "unknown"] {
            assert!(
                outcomes.contains_key(outcome),
                "{recipients} recipients: nothing {outcome} in {outcomes:?}"
            );
        }
    }
}

#[tokio::test]
#[ignore = "campaign: scripts/campaign"]
async fn a_connection_cut_at_every_octet_tells_no_lie() {
    for recipients in [1, 2, 3, 20] {
        println!("{recipients} recipients: {:?}", run(recipients, Cuts::All).await);
    }
}
