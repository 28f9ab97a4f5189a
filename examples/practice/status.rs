//! `status`: how every user's mail fares.

use std::collections::BTreeMap;
use std::fmt;

use practicemail::error::{Result, Who};
use practicemail::practice_mail::{Health, StatusSummary, UserStatus};
use practicemail::settings::Way;
use practicemail::types::AccountId;
use serde::Serialize;

use crate::answer::Answer;
use crate::failure::person;
use crate::host::Host;

/// Lists the practice's users.
pub(crate) async fn run(host: &Host) -> Result<Answer> {
    let users = host.door.status(host.practice()?).await?;
    let ways = host.ways().await?;
    let summary = StatusSummary::of(&users).into();
    Answer::of(&Status { users: users.iter().map(|user| Row::of(user, &ways)).collect(), summary }, true)
}

#[derive(Serialize)]
struct Status {
    users: Vec<Row>,
    summary: Summary,
}

#[derive(Serialize)]
struct Row {
    user: String,
    address: String,
    channel: Option<&'static str>,
    last_synchronised: Option<String>,
    health: &'static str,
    dead_letters: usize,
    remedy: Option<&'static str>,
    who: Option<&'static str>,
    last_attempt: Option<String>,
    next_due: Option<String>,
    requested: bool,
    failures: u32,
    stale: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reader: Option<Reader>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    backlog: Vec<Backlog>,
}

#[derive(Serialize)]
struct Reader {
    worker: String,
    until: String,
}

#[derive(Serialize)]
struct Backlog {
    mailbox: String,
    left: u64,
    total: u64,
}

#[derive(Serialize)]
struct Summary {
    fine: usize,
    stale: usize,
    first: usize,
    failing: usize,
    to_be_mended: usize,
    never_set_up: usize,
    not_read: usize,
    left: u64,
}

impl From<StatusSummary> for Summary {
    fn from(of: StatusSummary) -> Self {
        Self {
            fine: of.fine,
            stale: of.stale,
            first: of.first,
            failing: of.failing,
            to_be_mended: of.to_be_mended,
            never_set_up: of.never_set_up,
            not_read: of.not_read,
            left: of.left,
        }
    }
}

impl Row {
    fn of(status: &UserStatus, ways: &BTreeMap<AccountId, Way>) -> Self {
        let advice = status.health.advice();
        let in_use = status.account.as_ref().filter(|_| status.health != Health::Disconnected);
        Self {
            user: status.user.to_string(),
            address: status.address.clone(),
            channel: in_use.and_then(|account| ways.get(account)).map(|way| way.as_str()),
            last_synchronised: status.last_synchronised.map(|at| at.to_string()),
            health: status.health.as_str(),
            dead_letters: status.dead_letters,
            remedy: advice.map(|advice| advice.remedy),
            who: advice.map(|advice| advice.who).map(Who::as_str),
            last_attempt: status.last_attempt.map(|at| at.to_string()),
            next_due: status.next_due.map(|at| at.to_string()),
            requested: status.requested,
            failures: status.failures,
            stale: status.is_stale,
            reader: status
                .reader
                .as_ref()
                .map(|(worker, until)| Reader { worker: worker.clone(), until: until.to_string() }),
            backlog: status
                .backlog
                .iter()
                .map(|of| Backlog { mailbox: of.mailbox.to_string(), left: of.left, total: of.total })
                .collect(),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.users {
            let last = row.last_synchronised.as_deref().unwrap_or("never");
            let health = row.health.replace('_', " ");
            writeln!(f, "{:<16} {:<36} last synchronised {last:<20}  {health}", row.user, row.address)?;
            if let Some(reader) = &row.reader {
                writeln!(f, "{:<16} {} reads it until {}", "", reader.worker, reader.until)?;
            } else if let Some(next) = &row.next_due {
                writeln!(f, "{:<16} next at {next}", "")?;
            }
            for of in row.backlog.iter().filter(|of| of.left > 0) {
                writeln!(f, "{:<16} {}: {} of {} messages left", "", of.mailbox, of.left, of.total)?;
            }
            if row.dead_letters > 0 {
                writeln!(
                    f,
                    "{:<16} {} messages could not be archived: `dead-letters` lists them",
                    "", row.dead_letters
                )?;
            }
            if let (Some(remedy), Some(who)) = (row.remedy, row.who) {
                writeln!(f, "{:<16} {remedy} ({})", "", person(who))?;
            }
        }
        Ok(())
    }
}
