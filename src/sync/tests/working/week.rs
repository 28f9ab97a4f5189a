//! A week, and what goes wrong in it.

use std::time::Duration;

use super::office::{Office, START, Script, account_id, intervals, practice_id};
use crate::contract::{Pause, PauseScope, ProviderLimits, Schedule as _};
use crate::error::{Error, ErrorKind};
use crate::types::Timestamp;

const HOST: &str = "imap.example.org";
const WEEK: u64 = 7 * 86_400;

#[tokio::test(start_paused = true)]
async fn a_week_of_passes_is_ten_to_fifteen_minutes_apart() {
    let office = Office::new(|_| Script::taking(2));
    for account in ["anna", "ben", "cleo"] {
        office.connect("practice", account, HOST).await;
    }
    let worker = office.worker("worker", 4);
    office.pass_time(WEEK).await;
    drop(worker);
    let mut all_begun = Vec::new();
    for account in ["anna", "ben", "cleo"] {
        let begun = office.begun(account);
        let apart = intervals(&begun);
        assert!(apart.iter().all(|seconds| (600..=900).contains(seconds)), "{account}: {apart:?}");
        assert!(apart.len() > 700, "{}", apart.len());
        all_begun.push(begun);
    }
    let together = all_begun[0].iter().filter(|at| all_begun[1].contains(at)).count();
    assert!(together < 20, "they began together and went apart: {together}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_down_is_asked_less_and_less_and_found_again_when_it_is_back() {
    let up_at = START + 5 * 3_600;
    let office = Office::new(move |due| {
        if due.due.as_unix() < up_at {
            Script::failing(ErrorKind::ConnectionRefused)
        } else {
            Script::taking(2)
        }
    });
    office.connect("practice", "anna", HOST).await;
    let worker = office.worker("worker", 2);
    office.pass_time(8 * 3_600).await;
    drop(worker);
    let begun = office.begun("anna");
    let down = intervals(&begun.iter().copied().filter(|at| *at < 5 * 3_600).collect::<Vec<_>>());
    assert!(down[0] <= 130 && down.last().is_some_and(|last| *last >= 2_700), "{down:?}");
    assert!(down.len() < 12, "{down:?}");
    let back: Vec<i64> = begun.iter().copied().filter(|at| *at >= 5 * 3_600).collect();
    assert!(back[0] <= 6 * 3_600 + 10, "within an hour");
    assert!(intervals(&back).iter().all(|seconds| (600..=900).contains(seconds)), "{back:?}");
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_permission_is_asked_for_once_and_again_when_somebody_says_so() {
    let office = Office::new(|_| Script::failing(ErrorKind::AuthorizationRequired));
    office.connect("practice", "anna", HOST).await;
    let worker = office.worker("worker", 2);
    office.pass_time(86_400).await;
    assert_eq!(office.begun("anna").len(), 1);
    office.request("practice", "anna").await;
    office.pass_time(3_600).await;
    assert_eq!(office.begun("anna").len(), 2);
    office.connect("practice", "anna", HOST).await;
    office.pass_time(3_600).await;
    assert_eq!(office.begun("anna").len(), 3);
    drop(worker);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_account_waits_until_the_time_it_was_told() {
    let until = Timestamp::from_unix(START + 20_000);
    let office = Office::new(move |due| match due.failures {
        0 if due.is_first => Script {
            takes: Duration::from_secs(1),
            fails: Some(Error::new(ErrorKind::Throttled, "slow down").retry_at(until)),
        },
        _ => Script::taking(1),
    });
    office.connect("practice", "anna", HOST).await;
    let worker = office.worker("worker", 2);
    office.pass_time(21_000).await;
    drop(worker);
    let begun = office.begun("anna");
    assert!((20_000..20_070).contains(&begun[1]), "{begun:?}");
}

/// B22: what may not be read today is due after midnight (UTC), sixteen hours from the start.
#[tokio::test(start_paused = true)]
async fn a_spent_budget_waits_for_midnight() {
    let midnight = Timestamp::from_unix((START / 86_400 + 1) * 86_400);
    let office = Office::new(move |due| {
        if due.due < midnight {
            let error = Error::new(ErrorKind::BudgetSpent, "").retry_at(midnight);
            Script { takes: Duration::from_secs(1), fails: Some(error) }
        } else {
            Script::taking(1)
        }
    });
    office.connect("practice", "anna", HOST).await;
    let worker = office.worker("worker", 2);
    office.pass_time(86_400).await;
    drop(worker);
    let begun = office.begun("anna");
    let seconds = midnight.as_unix() - START;
    assert!((seconds..seconds + 70).contains(&begun[1]), "{begun:?}");
}

#[tokio::test(start_paused = true)]
async fn kill_switches_are_obeyed_within_seconds_and_lifted() {
    let scopes = [
        PauseScope::Everything,
        PauseScope::Provider(HOST.to_owned()),
        PauseScope::Practice(practice_id("practice")),
        PauseScope::Account(practice_id("practice"), account_id("anna")),
    ];
    for scope in scopes {
        let office = Office::new(|_| Script::taking(300));
        office.connect("practice", "anna", HOST).await;
        office.connect("other", "zoe", "imap.example.com").await;
        let worker = office.worker("worker", 4);
        office.pass_time(50).await;
        office.store.pause(&Pause::new(scope.clone(), "the provider asks for it")).await.unwrap();
        office.pass_time(20).await;
        let made = office.made();
        let anna = made.iter().find(|made| made.account == "anna").unwrap();
        assert!(anna.broken_off && anna.ended.is_some_and(|at| at < 65), "{anna:?}");
        office.pass_time(10_000).await;
        assert_eq!(office.begun("anna").len(), 1, "{scope:?}");
        let others = office.begun("zoe").len();
        assert_eq!(others > 5, scope != PauseScope::Everything, "{others} {scope:?}");
        assert!(office.store.resume(&scope).await.unwrap());
        office.pass_time(10).await;
        assert_eq!(office.begun("anna").len(), 2, "{scope:?}");
        drop(worker);
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_with_an_end_ends_by_itself() {
    let office = Office::new(|_| Script::taking(1));
    let until = Timestamp::from_unix(START + 5_000);
    office.store.pause(&Pause::new(PauseScope::Everything, "upkeep").until(until)).await.unwrap();
    office.connect("practice", "anna", HOST).await;
    let worker = office.worker("worker", 1);
    office.pass_time(6_000).await;
    drop(worker);
    assert!((5_000..5_010).contains(&office.begun("anna")[0]), "{:?}", office.begun("anna"));
}

#[tokio::test(start_paused = true)]
async fn first_synchronisations_yield_to_accounts_that_are_read_already() {
    let office = Office::new(|due| Script::taking(if due.is_first { 4 * 3_600 } else { 3 }));
    let office = office.limits(ProviderLimits::default().limit(HOST, 100));
    for number in 0..20 {
        office.connect("practice", &format!("new{number}"), HOST).await;
    }
    for number in 0..20 {
        office.connect_known("practice", &format!("known{number}"), HOST, 5).await;
    }
    for (name, side_by_side) in [("wide", 4), ("narrow", 1)] {
        let worker = office.worker(name, side_by_side);
        office.pass_time(7_200).await;
        drop(worker);
        // The dropped worker's leases end.
        office.pass_time(400).await;
    }
    let known = (0..20).flat_map(|number| intervals(&office.begun(&format!("known{number}"))));
    let longest = known.max().unwrap();
    // A worker with one place gives it to a first synchronisation for ten minutes at most.
    assert!(longest < 2_000, "{longest}");
    let first = office.made().into_iter().filter(|made| made.was_first).count();
    assert!(first >= 2, "and they are read meanwhile: {first}");
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_worker_held_is_taken_over_within_a_lease() {
    let office = Office::new(|_| Script::taking(100_000));
    office.connect("practice", "anna", HOST).await;
    let dies = office.worker("dies", 1);
    office.pass_time(1_000).await;
    let lives = office.worker("lives", 1);
    office.pass_time(1_000).await;
    assert_eq!(office.begun("anna").len(), 1, "a living worker keeps its lease, however long the pass takes");
    drop(dies);
    office.pass_time(310).await;
    let begun = office.begun("anna");
    assert!(begun.len() == 2 && begun[1] <= 2_310, "{begun:?}");
    drop(lives);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_passes_at_a_window_and_gives_leases_back() {
    let office = Office::new(|_| Script::taking(1_000));
    office.connect("practice", "anna", HOST).await;
    let worker = office.worker("first", 1);
    office.pass_time(100).await;
    worker.shutdown(Duration::from_secs(30)).await;
    let made = office.made();
    assert!(made[0].broken_off && made[0].ended.is_some_and(|at| at <= 105), "{made:?}");
    let next = office.worker("second", 1);
    office.pass_time(1).await;
    assert_eq!(office.begun("anna").len(), 2, "it goes on at once");
    // A window of five seconds does not end within one.
    next.shutdown(Duration::from_secs(1)).await;
    let made = office.made();
    assert_eq!(made[1].ended, None, "it was cut short");
    let third = office.worker("third", 1);
    office.pass_time(1).await;
    assert_eq!(office.begun("anna").len(), 3, "and its lease is back");
    drop(third);
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_while_it_is_read_is_read_again_after_it() {
    let office = Office::new(|_| Script::taking(60));
    office.connect("practice", "anna", HOST).await;
    let worker = office.worker("worker", 1);
    office.pass_time(30).await;
    office.request("practice", "anna").await;
    office.pass_time(200).await;
    drop(worker);
    let begun = office.begun("anna");
    assert!(begun.len() == 2 && begun[1] <= 66, "{begun:?}");
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_panics_is_tried_again_when_its_lease_has_ended() {
    let office = Office::new(|due| {
        assert!(due.due.as_unix() > START || due.fence.token > 1, "the first pass panics");
        Script::taking(1)
    });
    office.connect("practice", "anna", HOST).await;
    let worker = office.worker("worker", 1);
    office.pass_time(400).await;
    drop(worker);
    let begun = office.begun("anna");
    assert!(begun.len() == 2 && (300..310).contains(&begun[1]), "{begun:?}");
}
