//! A worker that waits at inboxes: what comes is read within seconds, though passes are minutes apart.

mod kit;

use std::time::Duration;

use kit::{Kit, letter};
use practicemail::contract::{Pause, PauseScope};
use practicemail::practice_mail::{Archived, Viewer, Work, WorkOptions};
use practicemail::settings::TlsMode;
use practicemail::testkit::ImapServer;
use practicemail::testkit::imap::{Fault, Personality};
use tokio::time::{sleep, timeout};

fn deliver(kit: &Kit, id: &str, subject: &str) {
    let letter = letter("client@example.org", "anna@practice.example", id, subject);
    kit.user().append("INBOX", letter, &[], 1_000_000);
}

/// Works, and waits at one inbox.
fn work(kit: &Kit) -> Work {
    kit.mail.work(WorkOptions::new("w1").look_every(Duration::from_millis(20)).wait_at(1))
}

/// Far less than the time between two passes.
async fn soon(what: &str, holds: impl AsyncFn() -> bool) {
    let held = async {
        while !holds().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_mins(1), held).await.unwrap_or_else(|_| panic!("it does not come about: {what}"));
}

async fn shows(kit: &Kit, subject: &str) {
    soon(subject, async || kit.tab("c1").await.contains(&subject.to_owned())).await;
}

/// A session waits, and no pass is under way.
async fn waits(kit: &Kit) {
    soon("a session waits", async || {
        let rows = kit.mail.status(&Kit::practice()).await.unwrap();
        let is_read = rows[0].last_synchronised.is_some() && rows[0].reader.is_none();
        is_read && kit.server.open_connections() == 1 && is_idle(kit)
    })
    .await;
}

fn is_idle(kit: &Kit) -> bool {
    kit.server.transcript().iter().any(|line| line.text.contains("IDLE"))
}

async fn closed(kit: &Kit) {
    soon("every session is closed", async || kit.server.open_connections() == 0).await;
}

/// B5.
#[tokio::test]
async fn what_comes_is_read_by_the_worker_at_once() {
    let kit = Kit::start(Personality::Dovecot).await;
    kit.connect().await;
    let work = work(&kit);
    waits(&kit).await;
    deliver(&kit, "m1", "Just now");
    shows(&kit, "Just now").await;
    deliver(&kit, "m2", "And again");
    shows(&kit, "And again").await;
    waits(&kit).await;
    work.shutdown(Duration::from_secs(10)).await;
    closed(&kit).await;
    assert_eq!(kit.server.flags_changed(), 0);
}

#[tokio::test]
async fn nobody_waits_any_more_when_the_work_is_dropped() {
    let kit = Kit::start(Personality::Dovecot).await;
    kit.connect().await;
    let work = work(&kit);
    waits(&kit).await;
    drop(work);
    closed(&kit).await;
}

/// S7: neither at an account that was taken out of use, nor at one that a kill switch holds up.
#[tokio::test]
async fn nobody_waits_at_what_is_not_to_be_read() {
    let kit = Kit::start(Personality::Dovecot).await;
    kit.connect().await;
    let work = work(&kit);
    waits(&kit).await;
    kit.mail.pause(&Pause::new(PauseScope::Everything, "a test")).await.unwrap();
    closed(&kit).await;
    kit.mail.resume(&PauseScope::Everything).await.unwrap();
    kit.mail.request_now(&Kit::practice(), None).await.unwrap();
    waits(&kit).await;

    let account = kit.mail.status(&Kit::practice()).await.unwrap().remove(0).account.expect("an account");
    let system = Viewer::System { reason: "test" };
    kit.mail.disconnect(&Kit::practice(), &system, &account, Archived::Keep).await.unwrap();
    closed(&kit).await;
    drop(work);
}

#[tokio::test]
async fn where_the_server_tells_of_nothing_nobody_waits() {
    let builder = ImapServer::builder().without_capability("IDLE");
    let kit = Kit::on(builder, TlsMode::Implicit, None).await;
    kit.connect().await;
    let work = work(&kit);
    soon("a pass", async || kit.mail.status(&Kit::practice()).await.unwrap()[0].last_synchronised.is_some())
        .await;
    closed(&kit).await;
    assert!(!is_idle(&kit));
    work.shutdown(Duration::from_secs(10)).await;
}

/// Passes that ended, while work goes on.
struct Passes(tokio::sync::mpsc::UnboundedReceiver<bool>);

impl Passes {
    /// How many there were till the work ended.
    async fn count(mut self) -> usize {
        let mut made = 0;
        while self.0.recv().await.is_some() {
            made += 1;
        }
        made
    }
}

fn counted(kit: &Kit) -> (Work, Passes) {
    let (told, passes) = tokio::sync::mpsc::unbounded_channel();
    let options = WorkOptions::new("w1").look_every(Duration::from_millis(20)).wait_at(1);
    let work =
        kit.mail.work(options.on_pass(move |_, report| told.send(report.error.is_none()).unwrap_or(())));
    (work, Passes(passes))
}

/// A session that is lost comes back with a later pass; until then the schedule goes on as ever.
#[tokio::test]
async fn a_session_that_is_lost_comes_back() {
    let kit = Kit::start(Personality::Dovecot).await;
    kit.connect().await;
    let work = work(&kit);
    waits(&kit).await;
    kit.server.disconnect_all();
    closed(&kit).await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_mins(10)).await;
    tokio::time::resume();
    kit.mail.request_now(&Kit::practice(), None).await.unwrap();
    waits(&kit).await;
    deliver(&kit, "m1", "Afterwards");
    shows(&kit, "Afterwards").await;
    drop(work);
}

/// A server that drops every session (hostile `idle-drop`) is asked for one, and for no pass more than that one asks for.
#[tokio::test]
async fn a_server_that_always_drops_is_not_asked_without_end() {
    let kit = Kit::start(Personality::Dovecot).await;
    kit.connect().await;
    kit.server.inject(Fault::IdleDrop { after: Duration::from_millis(10) });
    let (work, passes) = counted(&kit);
    sleep(Duration::from_secs(5)).await;
    drop(work);
    let made = passes.count().await;
    assert!((1..=2).contains(&made), "{made}");
}

/// As many changes as a server tells of, so many passes are not made.
#[tokio::test]
async fn a_server_that_tells_without_end_is_not_asked_without_end() {
    let kit = Kit::start(Personality::Dovecot).await;
    kit.connect().await;
    kit.server.inject(Fault::IdleFlood { count: 200 });
    let (work, passes) = counted(&kit);
    sleep(Duration::from_secs(8)).await;
    drop(work);
    let made = passes.count().await;
    assert!((2..=5).contains(&made), "{made}");
}
