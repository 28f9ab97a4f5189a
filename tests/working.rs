//! The schedule at the door, against the kit's server.

mod kit;

use std::time::Duration;

use kit::{Kit, Sums as _, letter};
use practicemail::error::ErrorKind;
use practicemail::practice_mail::{ConnectRequest, Health, StatusSummary, WorkOptions};
use practicemail::testkit::imap::Personality;
use practicemail::types::{Secret, UserId};

#[tokio::test]
async fn accounts_are_read_by_themselves_and_when_they_are_asked_for() {
    let kit = Kit::start(Personality::Dovecot).await;
    kit.connect().await;
    kit.user().append(
        "INBOX",
        letter("client@example.org", "anna@practice.example", "m1", "first"),
        &[],
        1_000,
    );
    let (told, mut passes) = tokio::sync::mpsc::unbounded_channel();
    let options = WorkOptions::new("w1").look_every(Duration::from_millis(10));
    let work = kit.mail.work(options.on_pass(move |_, report| told.send(report.error.is_none()).unwrap()));
    assert!(passes.recv().await.unwrap());
    assert_eq!(kit.tab("c1").await, ["first"]);
    kit.user().append(
        "INBOX",
        letter("client@example.org", "anna@practice.example", "m2", "second"),
        &[],
        1_001,
    );
    assert_eq!(kit.mail.request_now(&Kit::practice(), None).await.unwrap(), 1);
    assert!(passes.recv().await.unwrap());
    assert_eq!(kit.tab("c1").await, ["second", "first"]);
    work.shutdown(Duration::from_secs(10)).await;
    let rows = kit.mail.status(&Kit::practice()).await.unwrap();
    assert_eq!((rows[0].health, rows[0].is_stale, rows[0].reader.is_none()), (Health::Fine, false, true));
    assert!(rows[0].next_due > rows[0].last_synchronised && !rows[0].is_first, "{:?}", rows[0].next_due);
    kit.clock.advance(3_700);
    let summary = kit.mail.status_summary(&Kit::practice()).await.unwrap();
    assert_eq!((summary.stale, summary.fine), (1, 0));
    assert_eq!(summary, StatusSummary::of(&kit.mail.status(&Kit::practice()).await.unwrap()));
}

/// B22: a first synchronisation that takes days leaves a part of every day's budget to what arrives.
#[tokio::test]
async fn old_mail_leaves_a_part_of_the_day_to_new_mail() {
    let kit = Kit::start(Personality::Dovecot).await;
    for i in 0..200 {
        let letter =
            letter("client@example.org", "anna@practice.example", &format!("m{i}"), &format!("s{i}"));
        kit.user().append("INBOX", letter, &[], 1_000_000 + i);
    }
    let mut settings = kit.settings();
    settings.limits.octets_per_day = 40_000;
    let request = ConnectRequest::new(settings, Secret::new("hunter2"));
    kit.mail.connect(&Kit::practice(), &UserId::new("anna").unwrap(), request).await.unwrap();
    let mail = kit.mail.clone().with_window(5);
    let sync = async || mail.sync(&Kit::practice(), None, &|_| {}).await.unwrap();
    let report = sync().await;
    let error = report.accounts[0].error.as_ref().unwrap();
    assert_eq!((error.kind(), error.not_before()), (ErrorKind::BudgetSpent, None), "{error}");
    let rows = mail.status(&Kit::practice()).await.unwrap();
    assert!(rows[0].is_first && rows[0].left() > 0 && rows[0].left() < 200, "{:?}", rows[0].backlog);
    assert_eq!(rows[0].backlog.iter().map(|of| of.total).sum::<u64>(), 200);
    let seen = report.scanned();
    kit.user().append(
        "INBOX",
        letter("client@example.org", "anna@practice.example", "m300", "new"),
        &[],
        2_000_000,
    );
    let report = sync().await;
    assert!(report.scanned() <= 5, "the window of what is new, and nothing else: {}", report.scanned());
    assert_eq!(kit.tab("c1").await[0], "new");
    for _ in 0..20 {
        kit.clock.advance(86_400);
        if sync().await.is_ok() {
            break;
        }
    }
    assert!(seen < 200);
    assert_eq!(kit.server.bodies_fetched().len(), 201);
    let rows = mail.status(&Kit::practice()).await.unwrap();
    assert_eq!((rows[0].left(), rows[0].is_first), (0, false));
}
