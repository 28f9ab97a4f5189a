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

/// A new line in the key file, `reseal`, and the old line can go.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_replaced_by_another() {
    let office = Office::open(Personality::Plain).await;
    let key_file = office.path("mail.db.key");
    let before = std::fs::read_to_string(&key_file).expect("the key file");
    let line = ["practicemail-key 1 2 ", &"0b".repeat(32), "\n"].concat();
    std::fs::write(&key_file, before.clone() + &line).expect("the new key is written");
    let resealed = office.ok(&["reseal"]);
    assert!(resealed["anew"].as_u64().unwrap() >= 2, "{resealed}");
    assert_eq!((&resealed["current"], &resealed["unreadable"]), (&0.into(), &serde_json::json!([])));
    assert_eq!(office.ok(&["reseal"])["current"], resealed["anew"]);

    std::fs::write(&key_file, line).expect("the old key is taken away");
    office.ok(&["sync", "--user", "anna"]);

    std::fs::write(&key_file, before).expect("only the old key is left");
    let failed = office.run(&["reseal"]);
    let told = office::answered(&failed, 1);
    assert_eq!(told["anew"], 0, "{told}");
    assert!(!told["unreadable"].as_array().unwrap().is_empty(), "{told}");
}
