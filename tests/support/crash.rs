//! A process that is sending dies at a point of choice, and others go on.

use practicemail::testkit::smtp::Personality;

use crate::office::{Office, PAULA, answered};

/// Every failpoint that sending can pass.
pub(crate) fn failpoints(office: &Office) -> Vec<String> {
    let list = office.ok(&["--failpoint", "list"]);
    let names = list["failpoints"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned());
    let of_sending = |name: &String| {
        let words = ["outgoing", "enqueue", "smtp_", "wire.find", "wire.append", "wire.sign_in", "wire.list"];
        words.iter().any(|word| name.contains(word))
    };
    names.filter(of_sending).collect()
}

/// Sends with a fuse at `point`, then goes on without; checks what has to hold. Answers whether the fuse blew.
pub(crate) async fn die_and_go_on(personality: Personality, point: &str) -> bool {
    let office = Office::open(personality).await;
    let send = ["send", "--user", "anna", "--to", PAULA, "--subject", "VAT", "--text", "It is done."];
    let died = office.run(&[&["--failpoint", point][..], &send].concat()).status.code().is_none();
    for _ in 0..2 {
        answered(&office.run(&["sync"]), 0);
    }
    let outbox = office.ok(&["outbox"])["outbox"].as_array().unwrap().clone();
    let states: Vec<&str> = outbox.iter().map(|row| row["state"].as_str().unwrap()).collect();
    let deliveries = office.deliveries().len();
    let told = format!(
        "{personality:?} {point}: {states:?}, {deliveries} deliveries, {} filed",
        office.sent().len()
    );
    match states[..] {
        // It died before the message was durable: nobody was told that it is.
        [] => assert_eq!(deliveries, 0, "{told}"),
        ["sent"] => assert_eq!(deliveries, 1, "{told}"),
        // Where the provider files nothing there is no evidence, and a person decides.
        ["unknown"] => assert!(deliveries == 0 || personality == Personality::Plain, "{told}"),
        _ => panic!("{told}"),
    }
    assert!(deliveries <= 1 && office.sent().len() <= 1, "{told}");
    assert_eq!(office.tab("bakery").len(), states.len(), "{told}");
    died
}
