//! M1 to M6.

mod failing;
mod reading;
mod seed;
mod session;
mod waiting;

use super::check::{self, Check, Failure, Outcome};
use super::mailbox_service::{MailboxAbility, MailboxService, SeedMailbox};
use super::report::Report;
use crate::contract::MailboxReader;

struct Bench {
    service: Box<dyn MailboxService>,
    seed: Vec<SeedMailbox>,
}

pub(super) async fn run(open: impl AsyncFn(Vec<SeedMailbox>) -> Box<dyn MailboxService>) -> Report {
    let checks = [reading::CHECKS, failing::CHECKS, waiting::CHECKS];
    check::run("mailbox reader", checks.into_iter().flatten(), async || {
        let seed = seed::mailboxes();
        Ok(Bench { service: open(seed.clone()).await, seed })
    })
    .await
}

impl Bench {
    async fn session(&self) -> Outcome<Box<dyn MailboxReader>> {
        Ok(self.service.session().await?)
    }

    /// Goes on only where the service can do that.
    fn needs(&self, ability: MailboxAbility) -> Outcome {
        if self.service.abilities().contains(&ability) {
            return Ok(());
        }
        Err(Failure::not_checked(format!("the service of the test lacks {ability:?}")))
    }
}

type ReaderCheck = Check<Bench>;
