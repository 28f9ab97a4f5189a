//! `status`: how every user's mail fares.

use std::collections::BTreeMap;
use std::fmt;

use practicemail::error::{Result, Who};
use practicemail::practice_mail::{Health, UserStatus};
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
    Answer::of(&Status { users: users.iter().map(|user| Row::of(user, &ways)).collect() }, true)
}

#[derive(Serialize)]
struct Status {
    users: Vec<Row>,
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
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.users {
            let last = row.last_synchronised.as_deref().unwrap_or("never");
            let health = row.health.replace('_', " ");
            writeln!(f, "{:<16} {:<36} last synchronised {last:<20}  {health}", row.user, row.address)?;
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
