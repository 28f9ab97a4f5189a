//! B13: processes that die or stand still while they send. scripts/campaign goes through every point.

#[path = "support/crash.rs"]
mod crash;
#[path = "support/office.rs"]
mod office;

use std::process::Command;
use std::time::Duration;

use office::{Office, PAULA};
use practicemail::testkit::smtp::{Fault, Personality, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn a_process_killed_while_it_sends_leaves_no_second_delivery() {
    let points = crash::failpoints(&Office::open(Personality::Plain).await);
    let mut died = 0;
    for (index, point) in points.iter().enumerate().filter(|(index, _)| index % 3 == 1) {
        let personality = if index % 2 == 0 { Personality::FilesCopy } else { Personality::Plain };
        died += usize::from(crash::die_and_go_on(personality, point).await);
    }
    assert!(died >= points.len() / 6, "only {died} of the sampled points were passed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_stopped_beyond_its_claim_sends_nothing_more() {
    let office = Office::open(Personality::Plain).await;
    let begin = "2026-11-25T08:00:00Z";
    // The server takes its time to say 354; meanwhile the process stands still, and an hour passes for the others.
    office.smtp.inject(Fault::Delay { at: Stage::Data, by: Duration::from_secs(2) }.times(1));
    let send =
        ["--now", begin, "send", "--user", "anna", "--to", PAULA, "--subject", "VAT", "--text", "Done."];
    let stopped = office.start(&send);
    let pid = stopped.id().to_string();
    while !office.smtp.transcript().iter().any(|line| line.text.starts_with("DATA")) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let signal = |name: &str| assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    signal("-STOP");

    office.ok(&["--now", "2026-11-25T08:10:00Z", "sync"]);
    let row = |office: &Office| office.ok(&["outbox"])["outbox"][0].clone();
    assert_eq!(row(&office)["state"], "sending", "its claim is respected");
    // It had no permit yet, and gets none any more: another may send.
    office.ok(&["--now", "2026-11-25T09:00:00Z", "sync"]);
    assert_eq!((office.deliveries().len(), row(&office)["state"].as_str()), (1, Some("sent")));

    signal("-CONT");
    tokio::task::block_in_place(|| stopped.wait_with_output().unwrap());
    assert_eq!(office.deliveries().len(), 1, "the first process found out in time");
    assert_eq!(row(&office)["state"], "sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_stopped_after_it_handed_over_is_not_followed_by_another_try() {
    let office = Office::open(Personality::Plain).await;
    // The server takes the message and keeps silent: nobody hears that it has left.
    office.smtp.inject(Fault::AnswerNever { at: Stage::EndOfData }.times(1));
    let begin = "2026-11-25T08:00:00Z";
    let send =
        ["--now", begin, "send", "--user", "anna", "--to", PAULA, "--subject", "VAT", "--text", "Done."];
    let stopped = office.start(&send);
    let pid = stopped.id().to_string();
    while office.deliveries().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let signal = |name: &str| assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    signal("-STOP");
    office.ok(&["--now", "2026-11-25T09:00:00Z", "sync"]);
    let row = |office: &Office| office.ok(&["outbox"])["outbox"][0].clone();
    assert_eq!((office.deliveries().len(), row(&office)["state"].as_str()), (1, Some("unknown")));
    signal("-KILL");
    tokio::task::block_in_place(|| stopped.wait_with_output().unwrap());
    office.ok(&["--now", "2026-11-25T10:00:00Z", "sync"]);
    assert_eq!((office.deliveries().len(), row(&office)["state"].as_str()), (1, Some("unknown")));
}

/// O9: what was queued when the backup was made may have left since.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_restore_queued_messages_wait_for_a_person() {
    let office = Office::open(Personality::Plain).await;
    // By noreply: what left by an account is found in its Sent mailbox, and settles itself.
    let send = ["send", "--user", "dan", "--to", PAULA, "--subject", "VAT", "--text", "Done.", "--queue"];
    let id = office.ok(&send)["id"].as_str().unwrap().to_owned();
    std::fs::copy(office.path("mail.db"), office.path("backup.db")).unwrap();
    office.ok(&["sync"]);
    assert_eq!(office.deliveries().len(), 1);
    for log in ["mail.db-wal", "mail.db-shm"] {
        let _none = std::fs::remove_file(office.path(log));
    }
    std::fs::copy(office.path("backup.db"), office.path("mail.db")).unwrap();
    office.ok(&["sync"]);
    assert_eq!(office.deliveries().len(), 1, "not sent a second time");
    let row = office.ok(&["outbox"])["outbox"][0].clone();
    assert_eq!((&row["state"], &row["held"]), (&"queued".into(), &true.into()));
    let resolved = office.ok(&["outbox", "resolve", &id, "--as", "sent"]);
    assert_eq!(resolved["state"], "sent");
    assert_eq!(office.tab("bakery").len(), 1, "it stands on the tab, though the restore took it away");
    assert_eq!(office.deliveries().len(), 1);
}
