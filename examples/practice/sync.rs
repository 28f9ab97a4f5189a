//! `sync`: reads accounts into the archive.

use std::fmt;
use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};
use practicemail::contract::Outgoing;
use practicemail::error::Result;
use practicemail::sync::{AccountReport, MailboxReport, Progress};
use serde::Serialize;

use crate::answer::Answer;
use crate::args::SyncArgs;
use crate::failure::Failure;
use crate::host::Host;
use crate::send::OutgoingRow;

/// Makes a pass over all accounts, or one user's.
pub(crate) async fn run(host: &Host, args: &SyncArgs) -> Result<Answer> {
    if args.ask {
        let asked = host.door.request_now(host.practice()?, args.user.as_ref()).await?;
        return Answer::of(&Asked { asked }, true);
    }
    // First what is to leave: its copies are then read as they were filed.
    let sent = host.door.deliver(host.practice()?).await?;
    let bar = bar();
    let report = host.door.sync(host.practice()?, args.user.as_ref(), &|progress| show(&bar, progress)).await;
    bar.finish_and_clear();
    let report = report?;
    let outbox = sent.iter().map(OutgoingRow::from).collect();
    Answer::of(
        &Synced { accounts: report.accounts.iter().map(Account::from).collect(), outbox },
        report.is_ok(),
    )
}

/// A bar where somebody looks on.
fn bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg:40!} {bar:30} {pos}/{len}");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn show(bar: &ProgressBar, progress: &Progress) {
    bar.set_length(progress.total);
    bar.set_position(progress.done);
    bar.set_message(format!("{}: {}", progress.account, progress.mailbox));
}

/// What one pass over one account did.
pub(crate) fn passed(report: &AccountReport) -> Result<Answer> {
    let accounts = vec![Account::from(report)];
    Answer::of(&Synced { accounts, outbox: Vec::new() }, report.error.is_none())
}

/// What was worked on in the outbox.
pub(crate) fn delivered(sent: &[Outgoing]) -> Result<Answer> {
    Answer::of(&Synced { accounts: Vec::new(), outbox: sent.iter().map(OutgoingRow::from).collect() }, true)
}

#[derive(Serialize)]
struct Synced {
    accounts: Vec<Account>,
    /// What was worked on in the outbox.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    outbox: Vec<OutgoingRow>,
}

#[derive(Serialize)]
struct Asked {
    /// Accounts that were asked for.
    asked: usize,
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} accounts are asked for; `worker` reads them", self.asked)
    }
}

#[derive(Serialize)]
pub(crate) struct Account {
    account: String,
    user: String,
    mailboxes: Vec<Mailbox>,
    round_trips: u64,
    bytes_in: u64,
    bytes_out: u64,
    elapsed_ms: u128,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
}

#[derive(Serialize)]
struct Mailbox {
    name: String,
    scanned: u64,
    matched: u64,
    new_messages: u64,
    new_copies: u64,
    gaps: u64,
    dead_letters: u64,
    unchanged: bool,
}

impl Account {
    /// What a pass did, in a line.
    pub(crate) fn line(&self) -> String {
        let sum = |of: fn(&Mailbox) -> u64| self.mailboxes.iter().map(of).sum::<u64>();
        let (scanned, matched, new) = (sum(|m| m.scanned), sum(|m| m.matched), sum(|m| m.new_messages));
        format!(
            "{}: looked at {scanned} messages, {matched} are clients', {new} new ({} ms, {} round trips)",
            self.account, self.elapsed_ms, self.round_trips
        )
    }
}

impl From<&AccountReport> for Account {
    fn from(report: &AccountReport) -> Self {
        Self {
            account: report.account.to_string(),
            user: report.user.to_string(),
            mailboxes: report.mailboxes.iter().map(Mailbox::from).collect(),
            round_trips: report.traffic.round_trips,
            bytes_in: report.traffic.octets_in,
            bytes_out: report.traffic.octets_out,
            elapsed_ms: report.elapsed.as_millis(),
            error: report.error.as_ref().map(Failure::from),
        }
    }
}

impl From<&MailboxReport> for Mailbox {
    fn from(report: &MailboxReport) -> Self {
        Self {
            name: report.name.to_string(),
            scanned: report.scanned,
            matched: report.matched,
            new_messages: report.new_messages,
            new_copies: report.new_copies,
            gaps: report.gaps,
            dead_letters: report.dead_letters,
            unchanged: report.unchanged,
        }
    }
}

impl fmt::Display for Synced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.outbox.iter().try_for_each(|row| write!(f, "{row}"))?;
        if self.accounts.is_empty() && self.outbox.is_empty() {
            writeln!(f, "No account is connected; `connect` does that.")?;
        }
        for account in &self.accounts {
            writeln!(f, "{}", account.line())?;
            for mailbox in account.mailboxes.iter().filter(|mailbox| !mailbox.unchanged) {
                writeln!(
                    f,
                    "  {:<30} {:>6} looked at, {:>5} new",
                    mailbox.name, mailbox.scanned, mailbox.new_messages
                )?;
                if mailbox.gaps + mailbox.dead_letters > 0 {
                    let (gaps, given_up) = (mailbox.gaps, mailbox.dead_letters);
                    writeln!(f, "  {:<30} {gaps} would not come, {given_up} given up", "")?;
                }
            }
            if let Some(failure) = &account.error {
                writeln!(f, "{failure}")?;
            }
        }
        Ok(())
    }
}
