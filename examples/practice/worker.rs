//! `worker`: the schedule at work; `pause` and `resume`: its kill switches.

use std::fmt;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use practicemail::contract::{Pause, PauseScope};
use practicemail::error::Result;
use practicemail::practice_mail::WorkOptions;
use serde::Serialize;

use crate::answer::Answer;
use crate::args::{PauseArgs, ResumeArgs, WorkerArgs};
use crate::host::Host;
use crate::sync::Account;

/// Works until Ctrl-C, or its time is over; every pass is a line on standard error.
pub(crate) async fn run(host: &Host, args: &WorkerArgs, json: bool) -> Result<Answer> {
    host.practice()?;
    let counts = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
    let counting = counts.clone();
    let options = WorkOptions::new(&args.name)
        .side_by_side(args.side_by_side)
        .look_every(args.look_every)
        .lease(args.lease)
        .wait_at(args.wait_at)
        .on_pass(move |_, report| {
            let (passes, failed) = &*counting;
            passes.fetch_add(1, Ordering::Relaxed);
            failed.fetch_add(usize::from(report.error.is_some()), Ordering::Relaxed);
            say(&Account::from(report), json);
        });
    let work = host.door.work(options);
    let time = async {
        match args.lasting {
            Some(time) => tokio::time::sleep(time).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = time => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    work.shutdown(args.grace).await;
    let (passes, failed) = (counts.0.load(Ordering::Relaxed), counts.1.load(Ordering::Relaxed));
    Answer::of(&Worked { worker: args.name.clone(), passes, failed }, true)
}

/// The answer proper is one object on standard output.
fn say(account: &Account, json: bool) {
    let line = if json { serde_json::to_string(account).unwrap_or_default() } else { account.line() };
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Throws a kill switch.
pub(crate) async fn pause(host: &Host, args: &PauseArgs) -> Result<Answer> {
    let mut pause = Pause::new(scope(host, &args.scope)?, &args.reason);
    pause.until = args.until;
    host.door.pause(&pause).await?;
    paused(host).await
}

/// Lifts one.
pub(crate) async fn resume(host: &Host, args: &ResumeArgs) -> Result<Answer> {
    host.door.resume(&scope(host, &args.scope)?).await?;
    paused(host).await
}

fn scope(host: &Host, args: &crate::args::ScopeArgs) -> Result<PauseScope> {
    let practice = host.practice()?.clone();
    Ok(match (&args.provider, args.practice, &args.account) {
        (Some(provider), ..) => PauseScope::Provider(provider.clone()),
        (None, true, _) => PauseScope::Practice(practice),
        (None, false, Some(account)) => PauseScope::Account(practice, account.clone()),
        (None, false, None) => PauseScope::Everything,
    })
}

async fn paused(host: &Host) -> Result<Answer> {
    let pauses = host.door.pauses().await?;
    Answer::of(&Paused { pauses: pauses.iter().map(Row::from).collect() }, true)
}

#[derive(Serialize)]
struct Worked {
    worker: String,
    passes: usize,
    failed: usize,
}

impl fmt::Display for Worked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} made {} passes, {} of them failed", self.worker, self.passes, self.failed)
    }
}

#[derive(Serialize)]
struct Paused {
    pauses: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    what: &'static str,
    name: Option<String>,
    until: Option<String>,
    reason: String,
}

impl From<&Pause> for Row {
    fn from(pause: &Pause) -> Self {
        let (what, name) = match &pause.scope {
            PauseScope::Provider(provider) => ("provider", Some(provider.clone())),
            PauseScope::Practice(practice) => ("practice", Some(practice.to_string())),
            PauseScope::Account(_, account) => ("account", Some(account.to_string())),
            _ => ("everything", None),
        };
        Self { what, name, until: pause.until.map(|at| at.to_string()), reason: pause.reason.clone() }
    }
}

impl fmt::Display for Paused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pauses.is_empty() {
            return writeln!(f, "Nothing is paused.");
        }
        for row in &self.pauses {
            let until = row.until.as_deref().unwrap_or("it is lifted");
            let name = row.name.as_deref().unwrap_or_default();
            writeln!(f, "{} {name} is paused until {until}: {}", row.what, row.reason)?;
        }
        Ok(())
    }
}
