//! Many workers on one PostgreSQL, killed, stopped and continued while mail arrives at a real Dovecot: nothing is lost or doubled, and no
//! two of them are at one account's server at once.

mod support;

use std::time::{Duration, Instant};

use practicemail::contract::{Clock as _, SystemClock};
use support::configuration::{Options, Tier};
use support::dovecot::Dovecot;
use support::practice::{Encryption, Practice, Running};
use support::scene::Scene;

/// Of a lease; renewed by a third of it.
const LEASE: u64 = 6;

/// How the workers are treated.
struct Treatment {
    workers: usize,
    time: Duration,
    stops: bool,
    crashes_of_the_database: usize,
}

#[test]
fn workers_that_are_killed_lose_and_double_nothing() {
    treat(&Treatment { workers: 4, time: Duration::from_secs(20), stops: false, crashes_of_the_database: 0 });
}

#[test]
fn a_worker_that_was_stopped_beyond_its_lease_is_refused_and_silent() {
    treat(&Treatment { workers: 3, time: Duration::from_secs(25), stops: true, crashes_of_the_database: 1 });
}

/// Sixteen of them, for minutes.
#[test]
#[ignore = "campaign: scripts/campaign"]
fn sixteen_workers_for_minutes() {
    treat(&Treatment { workers: 16, time: Duration::from_mins(4), stops: true, crashes_of_the_database: 2 });
}

fn treat(treatment: &Treatment) {
    let dovecot = Options::new(Tier::Full).record().start();
    for user in ["anna", "ben"] {
        dovecot.record_user(user);
    }
    let mut scene = Scene::of_two_on(&dovecot, Practice::on_server(), 600, Encryption::Implicit);
    let begun = now();
    let mut workers: Vec<Running> = (0..treatment.workers).map(|n| worker(&scene.practice, n)).collect();
    let mut stopped: Option<(usize, Instant)> = None;
    let (mut names, mut delivered, mut round) = (treatment.workers, 0, 0_usize);
    let end = Instant::now() + treatment.time;
    let mut crashes = (1..=treatment.crashes_of_the_database)
        .map(|n| {
            let part = u32::try_from(n).expect("few") * treatment.time
                / (u32::try_from(treatment.crashes_of_the_database).expect("few") + 1);
            Instant::now() + part
        })
        .collect::<Vec<_>>();
    while Instant::now() < end {
        round += 1;
        for user in ["anna", "ben"] {
            let letter = scene.corpus.composer.received(user);
            let octets = scene.corpus.note(&letter, 900_000 + delivered);
            dovecot.session(user).append("INBOX", "", &octets);
            delivered += 1;
        }
        if crashes.first().is_some_and(|at| *at <= Instant::now()) {
            crashes.remove(0);
            scene.practice.crash_the_database();
        }
        // Ask for both at once: by itself the schedule reads them every ten minutes. The database may be down.
        let _ = scene.practice.run(&[], &["sync", "--ask"]);
        if let Some((n, _)) = stopped.filter(|(_, since)| since.elapsed() > Duration::from_secs(LEASE * 2)) {
            workers[n].signal("CONT");
            stopped = None;
        }
        let victim = (round * 7 + delivered as usize) % workers.len();
        if stopped.is_none_or(|(n, _)| n != victim) {
            if treatment.stops && stopped.is_none() {
                workers[victim].signal("STOP");
                stopped = Some((victim, Instant::now()));
            } else if round % 3 == 0 {
                let new = worker(&scene.practice, names);
                names += 1;
                std::mem::replace(&mut workers[victim], new).kill();
            }
        }
        std::thread::sleep(Duration::from_millis(700));
    }
    if let Some((n, _)) = stopped {
        workers[n].signal("CONT");
    }
    for worker in &workers {
        worker.signal("INT");
    }
    for worker in workers {
        let ended = worker.wait();
        assert_eq!(ended.code, Some(0), "a worker that is asked to end ends well: {ended:?}");
    }
    // Leases of the killed end by themselves.
    std::thread::sleep(Duration::from_secs(LEASE + 1));
    scene.practice.sync(&[]);
    assert!(delivered > 10, "{delivered}");
    scene.truth().assert_equals(&scene.practice.export());
    let reconciled = scene.practice.run(&[], &["reconcile"]).success();
    assert_eq!(reconciled["complete"], true, "{reconciled}");
    for user in ["anna", "ben"] {
        assert_one_at_a_time(&dovecot, user, begun);
    }
}

fn worker(practice: &Practice, number: usize) -> Running {
    let (name, lease) = (format!("w{number}"), LEASE.to_string());
    practice.start(&[], &["worker", "--name", &name, "--look-every", "1", "--lease", &lease])
}

/// Seconds since 1970.
fn now() -> f64 {
    f64::from(i32::try_from(SystemClock::new().now().as_unix()).expect("before 2038"))
}

/// After a worker's first command to an account's server, no other worker that was there before sends more than one.
fn assert_one_at_a_time(dovecot: &Dovecot, user: &str, begun: f64) {
    let mut sessions: Vec<Vec<(f64, String)>> = dovecot.timed_command_lines(user);
    // The test's own sessions append.
    sessions.retain(|lines| lines.iter().all(|(_, line)| !line.contains(" APPEND ")));
    sessions.retain(|lines| lines.first().is_some_and(|(at, _)| *at >= begun));
    sessions.sort_by(|a, b| a[0].0.total_cmp(&b[0].0));
    assert!(sessions.len() > 3, "{user} was read {} times", sessions.len());
    for (n, session) in sessions.iter().enumerate() {
        let Some(next) = sessions.get(n + 1) else { continue };
        let late: Vec<_> = session.iter().filter(|(at, _)| *at > next[0].0).collect();
        assert!(late.len() <= 1, "{user}: after {:?} another sent {late:?}", next[0]);
    }
}
