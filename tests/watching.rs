//! Watching accounts: what comes is read within seconds, and whatever a server does, no faster than is good for it.

mod kit;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kit::{Kit, letter};
use practicemail::contract::MailStore as _;
use practicemail::error::{Error, ErrorKind};
use practicemail::practice_mail::{Archived, Health, Viewer, Watched};
use practicemail::settings::TlsMode;
use practicemail::testkit::ImapServer;
use practicemail::testkit::imap::{Fault, Personality};
use practicemail::types::UserId;
use tokio::time::{Instant, sleep, timeout};

/// What was told, in words.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn tell(&self, event: &Watched) {
        let word = match event {
            Watched::Passed(report) => match &report.error {
                None => "passed".to_owned(),
                Some(error) => error.kind().as_str().to_owned(),
            },
            Watched::Waiting(_) => "waiting".to_owned(),
            Watched::AtIntervals(_) => "at intervals".to_owned(),
            Watched::Interrupted { error, again_in, .. } => {
                format!("{} {}", error.kind().as_str(), again_in.as_secs())
            }
            other => format!("{other:?}"),
        };
        self.0.lock().unwrap().push(word);
    }

    fn words(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn count(&self, word: &str) -> usize {
        self.words().iter().filter(|told| *told == word).count()
    }

    async fn until(&self, holds: impl Fn(&Self) -> bool) {
        for _ in 0..1_500 {
            if holds(self) {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("it does not happen: {:?}", self.words());
    }
}

/// Lets time pass, whatever is under way meanwhile.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// Watches while `work` goes on.
async fn watching(kit: &Kit, work: impl AsyncFnOnce(&Told)) -> Told {
    let told = Told::default();
    let (practice, telling) = (Kit::practice(), told.clone());
    let tell = move |event: Watched| telling.tell(&event);
    tokio::select! {
        ended = kit.mail.watch(&practice, None, &tell) => panic!("it ended: {ended:?}"),
        () = work(&told) => {}
    }
    told
}

fn deliver(kit: &Kit, id: &str, subject: &str) {
    kit.user().append(
        "INBOX",
        letter("client@example.org", "anna@practice.example", id, subject),
        &[],
        1_000_000,
    );
}

async fn shows(kit: &Kit, subject: &str) {
    let shown = async {
        while !kit.tab("c1").await.contains(&subject.to_owned()) {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(10), shown).await.expect("it shows within seconds");
}

async fn settled(kit: &Kit) {
    for _ in 0..200 {
        if kit.server.open_connections() == 0 {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("a session stays open");
}

/// B5: nothing is asked for meanwhile, and nothing is left open behind.
#[tokio::test]
async fn what_comes_is_on_the_tab_within_seconds() {
    let kit = Kit::start(Personality::Dovecot).await;
    deliver(&kit, "m1", "From before");
    kit.connect().await;
    let told = watching(&kit, async |told| {
        shows(&kit, "From before").await;
        told.until(|told| told.count("passed") == 1).await;
        let quiet = kit.server.transcript().len();
        sleep(Duration::from_millis(500)).await;
        assert_eq!(kit.server.open_connections(), 1, "one session waits");
        assert!(kit.server.transcript().len() <= quiet + 1, "{:?}", kit.server.transcript());
        deliver(&kit, "m2", "Just now");
        shows(&kit, "Just now").await;
        deliver(&kit, "m3", "And again");
        shows(&kit, "And again").await;
    })
    .await;
    assert_eq!(told.words()[..2], ["waiting", "passed"]);
    settled(&kit).await;
    assert_eq!(kit.server.flags_changed(), 0);
}

#[tokio::test]
async fn what_comes_while_a_pass_reads_is_not_missed() {
    let kit = Kit::start(Personality::Dovecot).await;
    kit.connect().await;
    // The pass is slow to begin, and what it asks then is answered from before.
    kit.server.inject(Fault::Delay { command: "LIST".into(), by: Duration::from_millis(500) }.times(1));
    watching(&kit, async |told| {
        told.until(|told| told.count("passed") == 1).await;
        deliver(&kit, "m1", "In between");
        shows(&kit, "In between").await;
    })
    .await;
}

#[tokio::test]
async fn without_idle_accounts_are_read_at_intervals_and_nothing_waits() {
    let kit = Kit::on(ImapServer::builder().without_capability("IDLE"), TlsMode::Implicit, None).await;
    kit.connect().await;
    let told = watching(&kit, async |told| {
        told.until(|told| told.count("passed") == 1).await;
        settled(&kit).await;
        deliver(&kit, "m1", "Later");
        pass(Duration::from_mins(16)).await;
        shows(&kit, "Later").await;
    })
    .await;
    assert_eq!(told.words()[0], "at intervals");
    assert!((2..=3).contains(&told.count("passed")), "{:?}", told.words());
}

#[tokio::test]
async fn a_connection_that_breaks_is_opened_again_and_what_came_meanwhile_is_read() {
    let kit = Kit::start(Personality::Dovecot).await;
    kit.connect().await;
    let told = watching(&kit, async |told| {
        told.until(|told| told.count("passed") == 1).await;
        kit.server.disconnect_all();
        told.until(|told| told.count("connection_lost 5") == 1).await;
        deliver(&kit, "m1", "Meanwhile");
        shows(&kit, "Meanwhile").await;
    })
    .await;
    assert_eq!(told.count("waiting"), 2, "{:?}", told.words());
}

/// A server that drops every IDLE (hostile `idle-drop`): ever longer pauses, and the mail is read all the same.
#[tokio::test]
async fn a_server_that_always_drops_is_asked_ever_less() {
    let kit = Kit::start(Personality::Dovecot).await;
    kit.connect().await;
    kit.server.inject(Fault::IdleDrop { after: Duration::from_millis(10) });
    let told = watching(&kit, async |told| {
        for pause in [5, 10, 20, 40] {
            told.until(|told| told.count(&format!("connection_lost {pause}")) == 1).await;
            deliver(&kit, &format!("m{pause}"), &format!("After {pause}"));
            pass(Duration::from_secs(pause)).await;
            shows(&kit, &format!("After {pause}")).await;
        }
    })
    .await;
    let pauses: Vec<String> =
        told.words().into_iter().filter(|word| word.starts_with("connection_lost")).collect();
    assert!(pauses.len() <= 5, "{pauses:?}");
}

/// A flood of reports (hostile `idle-flood`) is a bounded number of passes.
#[tokio::test]
async fn a_flood_of_reports_is_a_few_passes() {
    let kit = Kit::start(Personality::Dovecot).await;
    deliver(&kit, "m1", "There");
    kit.connect().await;
    kit.server.inject(Fault::IdleFlood { count: 200 });
    let begun = Instant::now();
    let told = watching(&kit, async |_| sleep(Duration::from_secs(8)).await).await;
    assert!((2..=5).contains(&told.count("passed")), "{:?} in {:?}", told.words(), begun.elapsed());
}

/// S7: an account taken out of use is watched no more; one that is connected meanwhile is watched.
#[tokio::test]
async fn accounts_come_and_go_while_watching_goes_on() {
    let kit = Kit::start(Personality::Dovecot).await;
    let told = watching(&kit, async |told| {
        sleep(Duration::from_millis(200)).await;
        assert_eq!(told.words(), Vec::<String>::new());
        kit.connect().await;
        pass(Duration::from_secs(21)).await;
        told.until(|told| told.count("passed") == 1).await;
        let practice = Kit::practice();
        let account = kit.mail.status(&practice).await.unwrap().remove(0).account.expect("an account");
        let system = Viewer::System { reason: "test" };
        kit.mail.disconnect(&practice, &system, &account, Archived::Keep).await.unwrap();
        pass(Duration::from_secs(21)).await;
        settled(&kit).await;
    })
    .await;
    assert_eq!(told.count("passed"), 1, "{:?}", told.words());
}

#[tokio::test]
async fn a_refused_password_is_known_and_not_tried_again_and_again() {
    let kit = Kit::start(Personality::Dovecot).await;
    kit.connect().await;
    kit.user().set_password("changed");
    let told = watching(&kit, async |told| {
        told.until(|told| told.count("authentication_failed") == 1).await;
        tokio::time::pause();
        sleep(Duration::from_hours(1)).await;
        tokio::time::resume();
    })
    .await;
    assert!(
        kit.server.connections() <= 1 + 2 * 7,
        "{} sign-ins: {:?}",
        kit.server.connections(),
        told.words()
    );
    let status = kit.mail.status(&Kit::practice()).await.unwrap();
    assert_eq!(status[0].health, Health::Failing(ErrorKind::AuthenticationFailed));
}

#[tokio::test]
async fn who_is_not_known_is_not_watched() {
    let kit = Kit::start(Personality::Dovecot).await;
    let tell = |_: Watched| {};
    let kind = |ended: Result<(), Error>| ended.unwrap_err().kind();
    let nobody = UserId::new("nobody").unwrap();
    assert_eq!(kind(kit.mail.watch(&Kit::practice(), Some(&nobody), &tell).await), ErrorKind::NotFound);
}

/// Another process is at the same account: its pass is waited for, and what came is read all the same.
#[tokio::test]
async fn an_account_somebody_else_reads_is_read_a_little_later() {
    let kit = Kit::start(Personality::Dovecot).await;
    kit.connect().await;
    let practice = Kit::practice();
    let account = kit.mail.status(&practice).await.unwrap().remove(0).account.expect("an account");
    let fence = kit.store.acquire_lease(&practice, &account, "another process", 300).await.unwrap();
    let told = watching(&kit, async |told| {
        deliver(&kit, "m1", "Meanwhile");
        told.until(|told| told.count("busy") == 1).await;
        kit.store.release_lease(&fence).await.unwrap();
        shows(&kit, "Meanwhile").await;
    })
    .await;
    assert!(told.count("busy") <= 2, "{:?}", told.words());
}
