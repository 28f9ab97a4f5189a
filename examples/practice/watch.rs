//! `sync --watch`: reads mail as it comes.

use std::time::Duration;

use practicemail::error::Result;
use practicemail::practice_mail::Watched;

use crate::answer::Answer;
use crate::args::SyncArgs;
use crate::host::Host;
use crate::sync;

/// How often it is looked whether something is to be sent.
const OUTBOX: Duration = Duration::from_secs(30);

/// Watches all accounts, or one user's, until the time is over or somebody interrupts it.
pub(crate) async fn run(host: &Host, args: &SyncArgs, json: bool) -> Result<Answer> {
    let tell = |event: Watched| match event {
        Watched::Passed(report) => say(sync::passed(&report), json),
        Watched::AtIntervals(account) => {
            eprintln!(
                "{account}: the server does not tell of new mail; it is read every ten to fifteen minutes"
            );
        }
        Watched::Interrupted { account, error, again_in } => {
            eprintln!("{account}: {error}; connecting again in {} seconds", again_in.as_secs());
        }
        _ => {}
    };
    let over = async {
        match args.watch_for {
            Some(time) => tokio::time::sleep(time).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        watched = host.door.watch(host.practice()?, args.user.as_ref(), &tell) => watched?,
        sent = deliveries(host, json) => sent?,
        _ = tokio::signal::ctrl_c() => {}
        () = over => {}
    }
    Ok(Answer::said())
}

/// Sends what is due, again and again.
async fn deliveries(host: &Host, json: bool) -> Result<()> {
    loop {
        let sent = host.door.deliver(host.practice()?).await?;
        if !sent.is_empty() {
            say(sync::delivered(&sent), json);
        }
        tokio::time::sleep(OUTBOX).await;
    }
}

/// Prints an answer in a line of its own, at once.
fn say(answer: Result<Answer>, json: bool) {
    match answer {
        Ok(answer) => drop(answer.print(json)),
        Err(error) => eprintln!("{error}"),
    }
}
