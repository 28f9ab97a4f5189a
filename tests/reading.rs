//! Reading a real protocol conversation end to end, against the test kit's server.

mod kit;

use kit::{Kit, Sums as _, letter};
use practicemail::contract::ClientKey;
use practicemail::error::ErrorKind;
use practicemail::practice_mail::ConnectRequest;
use practicemail::testkit::imap::{Fault, Personality};
use practicemail::types::{Secret, UserId};

/// S2, S14: what was there before connecting shows, and what is nobody's is not even fetched.
#[tokio::test]
async fn a_tab_shows_history_and_nothing_of_others_is_fetched() {
    let kit = Kit::start(Personality::Dovecot).await;
    let mail = kit.user();
    mail.append(
        "INBOX",
        letter("client@example.org", "anna@practice.example", "m1", "Year end"),
        &["\\Seen"],
        1_000_000,
    );
    mail.append(
        "INBOX",
        letter("stranger@else.example", "anna@practice.example", "m2", "Offer"),
        &[],
        1_000_100,
    );
    mail.append(
        "Sent",
        letter("anna@practice.example", "Client@EXAMPLE.org", "m3", "Re: Year end"),
        &["\\Seen"],
        1_000_200,
    );
    kit.connect().await;
    let report = kit.sync().await;
    assert_eq!(report.scanned(), 3);
    assert_eq!(kit.tab("c1").await, ["Re: Year end", "Year end"]);
    let mut fetched: Vec<_> =
        kit.server.bodies_fetched().into_iter().map(|(_, mailbox, uid)| (mailbox, uid)).collect();
    fetched.sort();
    assert_eq!(fetched, [("INBOX".to_owned(), 1), ("Sent".to_owned(), 1)]);
    assert_eq!(kit.server.flags_changed(), 0);
}

#[tokio::test]
async fn an_unchanged_pass_reads_nothing_in_few_round_trips() {
    for (personality, limit) in
        [(Personality::Dovecot, 5), (Personality::Bare, 6), (Personality::Exchange, 6)]
    {
        let kit = Kit::start(personality).await;
        for i in 0..20 {
            kit.user().create_mailbox(&format!("Matter {i}"), &[]);
        }
        kit.user().append(
            "INBOX",
            letter("client@example.org", "anna@practice.example", "m1", "x"),
            &[],
            1_000_000,
        );
        kit.connect().await;
        kit.sync().await;
        let again = kit.sync().await;
        assert_eq!(again.scanned(), 0, "{personality:?}");
        assert!(again.accounts[0].mailboxes.iter().all(|m| m.unchanged), "{personality:?}");
        let trips = again.accounts[0].traffic.round_trips;
        assert!(trips <= limit, "{personality:?}: {trips}");
    }
}

/// B6: an address added later brings its past; one removed takes it off the tab at once.
#[tokio::test]
async fn an_address_added_later_brings_its_past_mail() {
    let kit = Kit::start(Personality::Dovecot).await;
    for i in 0..30 {
        let from = if i % 10 == 3 { "late@example.org" } else { "stranger@else.example" };
        kit.user().append(
            "INBOX",
            letter(from, "anna@practice.example", &format!("m{i}"), &format!("s{i}")),
            &[],
            1_000_000 + i,
        );
    }
    kit.connect().await;
    kit.sync().await;
    assert!(kit.tab("c1").await.is_empty());
    kit.set_keys(&[("c1", ClientKey::Address("late@example.org".into()))]);
    kit.sync().await;
    assert_eq!(kit.tab("c1").await, ["s23", "s13", "s3"]);
    assert_eq!(kit.server.bodies_fetched().len(), 3);
    assert_eq!(kit.sync().await.scanned(), 0);
    kit.set_keys(&[]);
    assert!(kit.tab_or_none("c1").await.unwrap_or_default().is_empty());
}

#[tokio::test]
async fn moves_renames_and_renumbering_download_nothing_again() {
    let kit = Kit::start(Personality::Dovecot).await;
    let mail = kit.user();
    mail.create_mailbox("Old", &[]);
    mail.create_mailbox("Target", &[]);
    for i in 0..6 {
        let mailbox = if i % 2 == 0 { "INBOX" } else { "Old" };
        mail.append(
            mailbox,
            letter("client@example.org", "anna@practice.example", &format!("m{i}"), &format!("s{i}")),
            &[],
            1_000_000 + i64::from(i),
        );
    }
    kit.connect().await;
    kit.sync().await;
    assert_eq!(kit.server.bodies_fetched().len(), 6);
    mail.move_message("INBOX", 1, "Target").unwrap();
    mail.rename_mailbox("Old", "New");
    kit.sync().await;
    mail.set_uid_validity("New", 77);
    let report = kit.sync().await;
    assert_eq!(kit.server.bodies_fetched().len(), 6);
    assert_eq!(report.new_messages(), 0);
    let copies = kit.copies().await;
    assert_eq!(copies.len(), 6, "{copies:?}");
    assert!(copies.iter().all(|(_, _, state)| state == "present"), "{copies:?}");
    assert_eq!(kit.tab("c1").await.len(), 6);
}

#[tokio::test]
async fn an_expunged_message_stays_and_its_copy_is_missing() {
    let kit = Kit::start(Personality::Dovecot).await;
    kit.user().append(
        "INBOX",
        letter("client@example.org", "anna@practice.example", "m1", "x"),
        &[],
        1_000_000,
    );
    kit.connect().await;
    kit.sync().await;
    kit.user().expunge("INBOX", 1);
    kit.sync().await;
    assert_eq!(kit.copies().await[0].2, "missing");
    assert_eq!(kit.tab("c1").await, ["x"]);
    kit.clock.advance(86_400 + 1);
    kit.sync().await;
    assert_eq!(kit.copies().await[0].2, "gone");
    assert_eq!(kit.tab("c1").await, ["x"]);
}

#[tokio::test]
async fn what_would_not_come_is_a_gap_that_closes_when_it_comes() {
    let faults = [
        Fault::FetchMissing { uid: 3 },
        Fault::BodyNil { uid: 3 },
        Fault::BodyEmpty { uid: 3 },
        Fault::FetchRefused { uid: 3, text: "bad message".into() },
        Fault::WrongUid { asked: 3, sent: 1 },
    ];
    for fault in faults {
        let name = format!("{fault:?}");
        let kit = Kit::start(Personality::Dovecot).await;
        for i in 1..=5 {
            kit.user().append(
                "INBOX",
                letter("client@example.org", "anna@practice.example", &format!("m{i}"), &format!("s{i}")),
                &[],
                1_000_000 + i,
            );
        }
        kit.server.inject(fault);
        kit.connect().await;
        let report = kit.sync().await;
        assert_eq!(kit.tab("c1").await.len(), 4, "{name}");
        assert_eq!(report.accounts[0].mailboxes.iter().map(|m| m.gaps).sum::<u64>(), 1, "{name}");
        kit.server.clear_faults();
        kit.sync().await;
        assert_eq!(kit.tab("c1").await.len(), 5, "{name}");
        let last = kit.sync().await;
        assert!(last.accounts[0].mailboxes.iter().all(|m| m.gaps == 0 && m.unchanged), "{name}");
    }
}

/// B7
#[tokio::test]
async fn gmail_is_read_once_with_its_labels() {
    let kit = Kit::start(Personality::Gmail).await;
    let mail = kit.user();
    mail.create_mailbox("Work", &[]);
    let uid = mail
        .append("INBOX", letter("client@example.org", "anna@practice.example", "m1", "x"), &[], 1_000_000)
        .unwrap();
    mail.copy_message("INBOX", uid, "Work");
    kit.connect().await;
    let report = kit.sync().await;
    assert_eq!(report.accounts[0].mailboxes.len(), 1);
    assert_eq!(kit.copies().await.len(), 1);
    assert_eq!(kit.server.bodies_fetched().len(), 1);
}

/// A mailbox that the server lists and will not open is told, and keeps nothing else from being read.
#[tokio::test]
async fn a_mailbox_that_does_not_open_is_in_nobodys_way() {
    let kit = Kit::start(Personality::Dovecot).await;
    let mail = kit.user();
    mail.create_mailbox("Closed", &[]);
    mail.append("INBOX", letter("late@example.org", "anna@practice.example", "m1", "x"), &[], 1_000_000);
    mail.append("INBOX", letter("later@example.org", "anna@practice.example", "m2", "y"), &[], 1_000_001);
    kit.server.inject(
        Fault::Answer { command: "EXAMINE".into(), text: "NO not for you".into() }.in_mailbox("Closed"),
    );
    kit.connect().await;
    let (late, later) = ("late@example.org".to_owned(), "later@example.org".to_owned());
    for addresses in [vec![], vec![&late], vec![&late, &later]] {
        let keys: Vec<_> = addresses.into_iter().map(|a| ("c1", ClientKey::Address(a.clone()))).collect();
        kit.set_keys(&keys);
        let report = kit.try_sync().await;
        let error = report.accounts[0].error.as_ref().unwrap();
        assert_eq!(error.kind(), ErrorKind::MailboxUnavailable);
    }
    assert_eq!(kit.tab("c1").await, ["y", "x"]);
    kit.server.clear_faults();
    kit.sync().await;
}

/// B22: a day's budget stops the reading before the provider does, and the next day goes on behind it.
#[tokio::test]
async fn a_days_budget_is_kept_and_the_next_day_goes_on() {
    let kit = Kit::start(Personality::Dovecot).await;
    let messages = 40;
    for i in 0..messages {
        let letter =
            letter("client@example.org", "anna@practice.example", &format!("m{i}"), &format!("s{i}"));
        kit.user().append("INBOX", letter, &[], 1_000_000 + i);
    }
    let mut settings = kit.settings();
    settings.limits.octets_per_day = 12_000;
    let request = ConnectRequest::new(settings, Secret::new("hunter2"));
    kit.mail.connect(&Kit::practice(), &UserId::new("anna").unwrap(), request).await.unwrap();
    let mail = kit.mail.clone().with_window(5);
    let mut days = 0;
    loop {
        let report = mail.sync(&Kit::practice(), None, &|_| {}).await.unwrap();
        let Some(error) = &report.accounts[0].error else { break };
        assert_eq!(error.kind(), ErrorKind::BudgetSpent);
        let refused = mail.sync(&Kit::practice(), None, &|_| {}).await.unwrap();
        assert_eq!(refused.scanned(), 0, "nothing more is read that day");
        kit.clock.advance(86_400);
        days += 1;
        assert!(days < 20);
    }
    assert!(days >= 1);
    assert_eq!(kit.tab("c1").await.len(), usize::try_from(messages).unwrap());
    assert_eq!(kit.server.bodies_fetched().len(), usize::try_from(messages).unwrap());
}
