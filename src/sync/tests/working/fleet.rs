//! 25,000 accounts, twenty workers.

use std::collections::BTreeMap;

use super::office::{Office, Script, Worker, intervals};
use crate::contract::ProviderLimits;

/// A practice of 5,000 accounts, one of three, and others of a hundred; most with Gmail, every fifth account on a server of its practice's
/// own. One in a hundred is new.
async fn staffed(accounts: usize) -> Office {
    let office = Office::new(|due| {
        let spread = due.fence.account.as_str().bytes().map(u64::from).sum::<u64>() % 4;
        Script::taking(if due.is_first { 240 } else { 1 + spread })
    });
    let office = office.limits(ProviderLimits::default().limit("gmail", 150));
    let large = accounts / 5;
    for number in 0..accounts {
        let practice = match number {
            0..3 => "small".to_owned(),
            _ if number < large => "large".to_owned(),
            _ => format!("practice {}", number / 100),
        };
        let host = if number % 5 == 0 {
            format!("imap.{}.example", practice.replace(' ', "-"))
        } else {
            "imap.gmail.com".to_owned()
        };
        let account = format!("{number:05}");
        if number % 100 == 99 {
            office.connect(&practice, &account, &host).await;
        } else {
            let due = u32::try_from(number * 17 % 750).unwrap();
            office.connect_known(&practice, &account, &host, due).await;
        }
    }
    office
}

fn workers(office: &Office, workers: usize) -> Vec<Worker> {
    (0..workers).map(|number| office.worker(&format!("worker {number}"), 8)).collect()
}

#[tokio::test(start_paused = true)]
async fn every_account_of_25_000_is_read_every_ten_to_fifteen_minutes() {
    let office = staffed(25_000).await;
    let workers = workers(&office, 20);
    office.pass_time(1_900).await;
    drop(workers);
    let made = office.made();
    let mut of_account: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    let mut firsts = 0;
    for pass in &made {
        firsts += usize::from(pass.was_first);
        if !pass.was_first {
            of_account.entry(&pass.account).or_default().push(pass.begun);
        }
    }
    assert_eq!(firsts, 250, "each new account is read to the end once");
    assert_eq!(of_account.len(), 25_000);
    let all: Vec<i64> = of_account.values().flat_map(|begun| intervals(begun)).collect();
    assert!(all.len() > 25_000, "{}", all.len());
    let outside = all.iter().filter(|seconds| !(600..=900).contains(*seconds)).count();
    assert_eq!(outside, 0, "{} to {}", all.iter().min().unwrap(), all.iter().max().unwrap());
    assert!(office.most_at("gmail") <= 150);
    assert!(office.most_at("imap.large.example") <= 10);
}

#[tokio::test(start_paused = true)]
async fn the_same_happens_in_every_run() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let office = staffed(1_000).await;
        let workers = workers(&office, 3);
        office.pass_time(3_600).await;
        drop(workers);
        runs.push(office.made());
    }
    assert!(runs[0].len() > 4_000);
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test(start_paused = true)]
async fn a_practice_of_three_does_not_wait_behind_one_of_5_000() {
    // Everything is due at once, and there is room for eight: an hour's work.
    let office = Office::new(|_| Script::taking(5));
    for number in 0..5_000 {
        office.connect_known("large", &format!("l{number}"), "imap.gmail.com", 0).await;
    }
    for account in ["s1", "s2", "s3"] {
        office.connect_known("small", account, "imap.gmail.com", 10).await;
    }
    let worker = office.worker("worker", 8);
    office.pass_time(60).await;
    drop(worker);
    for account in ["s1", "s2", "s3"] {
        assert!(office.begun(account).first().is_some_and(|at| *at <= 20), "{:?}", office.begun(account));
    }
}
