//! A host in the terminal: tries the crate on one's own mailbox, and is what black-box tests drive.
//!
//! ```text
//! practice --store mail.db init --practice practice.json
//! practice --store mail.db connect --user anna --imap imap.example.org:993 --imap-tls implicit \
//!     --login anna@example.org --password-env ANNAS_PASSWORD
//! practice --store mail.db connect --user ben --gmail --client-id 1234.apps.googleusercontent.com --client-secret-env SECRET
//! practice --store mail.db sync
//! practice --store mail.db sync --watch
//! practice --store mail.db tab --client marlow
//! practice --store mail.db send --user anna --to paula@example.org --subject 'Your VAT return' --text 'It is done.'
//! ```
//!
//! `--help` tells the rest. Global options stand before the command. The store is one SQLite file with a key file beside
//! it; passwords come from environment variables only; exit 0 is success, 1 a failure, 2 wrong usage.

mod account;
mod answer;
mod args;
mod authorize;
mod changes;
mod cursor;
mod dead_letters;
mod disconnect;
mod erase;
mod export;
mod failing_store;
mod failpoint;
mod failure;
mod fixed_clock;
mod host;
mod init;
#[path = "../shared/loopback.rs"]
mod loopback;
mod mailbox_file;
mod outbox;
mod page;
mod privacy;
mod reconcile;
mod reseal;
mod search;
mod send;
mod settings;
mod show;
mod status;
mod sync;
mod tab;
mod tables;
mod trace;
mod watch;
mod why;
mod worker;

use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory as _, Parser as _, error::ErrorKind as UsageKind};
use practicemail::error::{Error, ErrorKind, Result};

use answer::Answer;
use args::{Cli, Command};
use failpoint::{Failpoint, FailpointList};
use host::Host;

/// How long threads that wait for the operating system (a name that does not resolve) hold up the end.
const LAST_WORDS: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return failure::usage(&error, std::env::args().any(|word| word == "--json")),
    };
    if cli.failpoint == Some(Failpoint::List) {
        return Answer::of(&FailpointList::new(), true)
            .map_or_else(|e| failure::print(&e, cli.json), |a| a.print(cli.json));
    }
    let Some(command) = &cli.command else {
        let message = "a command is missing; `--help` lists them";
        return failure::usage(&Cli::command().error(UsageKind::MissingSubcommand, message), cli.json);
    };
    if cli.store.is_none() {
        let message = "--store FILE or --store URL is missing";
        return failure::usage(&Cli::command().error(UsageKind::MissingRequiredArgument, message), cli.json);
    }
    // One thread does all there is to do, and costs least memory.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(cause) => {
            let error = Error::new(ErrorKind::Storage, "the process could not be set up").with_source(cause);
            return failure::print(&error, cli.json);
        }
    };
    // Where a person is waited for, the waiting has the limit.
    let limit = cli.timeout.filter(|_| !command.waits_for_a_person());
    let done = runtime.block_on(within(limit, run(&cli, command)));
    runtime.shutdown_timeout(LAST_WORDS);
    match done {
        Ok(answer) => answer.print(cli.json),
        Err(error) => failure::print(&error, cli.json),
    }
}

async fn run(cli: &Cli, command: &Command) -> Result<Answer> {
    if let Some(file) = &cli.log {
        trace::write_to(file, cli.log_level)?;
    }
    let host = Host::open(cli, command).await?;
    let done = answer(&host, command, cli.json).await;
    host.close().await?;
    done
}

async fn answer(host: &Host, command: &Command, json: bool) -> Result<Answer> {
    match command {
        Command::Init(args) => init::run(host, args).await,
        Command::Connect(args) => account::connect(host, args).await,
        Command::Check(args) => account::check(host, args).await,
        Command::Disconnect(args) => disconnect::run(host, args).await,
        Command::Mailboxes(args) => account::mailboxes(host, args).await,
        Command::Sync(args) if args.watch => watch::run(host, args, json).await,
        Command::Sync(args) => sync::run(host, args).await,
        Command::Worker(args) => worker::run(host, args, json).await,
        Command::Pause(args) => worker::pause(host, args).await,
        Command::Resume(args) => worker::resume(host, args).await,
        Command::Reseal => reseal::run(host).await,
        Command::Send(args) => send::run(host, args).await,
        Command::Outbox(args) => outbox::run(host, args).await,
        Command::Tab(args) => tab::run(host, args).await,
        Command::Status => status::run(host).await,
        Command::Settings(args) => settings::run(host, args).await,
        Command::Cursor(args) => cursor::run(host, args).await,
        Command::Search(args) => search::search(host, args).await,
        Command::Conversations(args) => search::conversations(host, args).await,
        Command::Show(args) => show::show(host, args).await,
        Command::Attachment(args) => show::attachment(host, args).await,
        Command::Hide(args) => privacy::hide(host, args).await,
        Command::Unhide(args) => privacy::unhide(host, args).await,
        Command::Hold(args) => privacy::hold(host, args).await,
        Command::Erase(args) => erase::erase(host, args).await,
        Command::Forget(args) => erase::forget(host, args).await,
        Command::Reconcile(args) => reconcile::run(host, args).await,
        Command::Why(args) => why::run(host, args).await,
        Command::DeadLetters(args) => dead_letters::run(host, args).await,
        Command::Changes(args) => changes::run(host, args).await,
        Command::Export(args) => export::run(host, args).await,
    }
}

async fn within(limit: Option<Duration>, work: impl Future<Output = Result<Answer>>) -> Result<Answer> {
    let Some(limit) = limit else { return work.await };
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
        let message = format!("the command had not finished after {} seconds", limit.as_secs_f64());
        Err(Error::new(ErrorKind::TimedOut, message))
    })
}
