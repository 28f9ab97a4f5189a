//! The worker as an operator runs it: the terminal host against the kit's servers.

#[path = "support/office.rs"]
mod office;

use office::{Office, PAULA};
use practicemail::testkit::smtp::Personality;

const SEND: &[&str] =
    &["send", "--user", "anna", "--to", PAULA, "--subject", "VAT", "--text", "It is done.", "--queue"];

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_reads_accounts_and_delivers_what_is_queued_until_its_time_is_over() {
    let office = Office::open(Personality::Plain).await;
    office.ok(SEND);
    let worked = office.ok(&["worker", "--name", "w1", "--for", "2", "--look-every", "0.1"]);
    assert_eq!((&worked["worker"], &worked["failed"]), (&"w1".into(), &0.into()));
    assert!(worked["passes"].as_u64().unwrap() >= 1, "{worked}");
    assert_eq!(office.deliveries().len(), 1);
    assert_eq!(office.tab("bakery").len(), 1);
    let status = office.ok(&["status"]);
    let anna = &status["users"][0];
    assert!(anna["last_synchronised"].is_string() && anna["next_due"].is_string(), "{anna}");
    assert_eq!(
        (&anna["stale"], &anna["failures"], &anna["reader"]),
        (&false.into(), &0.into(), &serde_json::Value::Null)
    );
    assert_eq!(status["summary"]["fine"], 1, "{status}");
    // Nothing is due for ten minutes, unless it is asked for.
    assert_eq!(office.ok(&["worker", "--for", "1", "--look-every", "0.1"])["passes"], 0);
    assert_eq!(office.ok(&["sync", "--ask"])["asked"], 1);
    assert_eq!(office.ok(&["worker", "--for", "1", "--look-every", "0.1"])["passes"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_paused_is_not_read_until_it_is_resumed() {
    let office = Office::open(Personality::Plain).await;
    let paused = office.ok(&["pause", "--reason", "the provider asks for it"]);
    assert_eq!(paused["pauses"][0]["what"], "everything");
    assert_eq!(office.ok(&["worker", "--for", "1", "--look-every", "0.1"])["passes"], 0);
    assert_eq!(office.ok(&["resume"])["pauses"].as_array().unwrap().len(), 0);
    assert_eq!(office.ok(&["worker", "--for", "1", "--look-every", "0.1"])["passes"], 1);
}
