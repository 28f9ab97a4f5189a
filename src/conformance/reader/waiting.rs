//! Waiting for a change.

use std::time::Duration;

use tokio::time::Instant;

use super::super::check::{Failure, Outcome, hold, same};
use super::super::mailbox_service::{MailboxAbility, MailboxEvent, ReaderCall};
use super::{Bench, ReaderCheck, seed};
use crate::contract::{MailboxReader, Waited};

const INBOX: usize = 0;
const CLIENTS: usize = 1;
/// Within this what happened is told.
const SOON: Duration = Duration::from_secs(20);
/// A wait in which nothing happens.
const MOMENT: Duration = Duration::from_millis(300);

pub(super) const CHECKS: &[ReaderCheck] = &[
    ReaderCheck {
        clause: "M6",
        name: "a wait in which nothing happens is quiet and as long as it may be",
        run: |b| Box::pin(quiet(b)),
    },
    ReaderCheck { clause: "M6", name: "what arrives ends the wait", run: |b| Box::pin(arrives(b)) },
    ReaderCheck {
        clause: "M6",
        name: "what came since the mailbox was opened, or since the last wait, is not missed",
        run: |b| Box::pin(not_missed(b)),
    },
    ReaderCheck {
        clause: "M6",
        name: "what arrives in another mailbox does not end it",
        run: |b| Box::pin(elsewhere(b)),
    },
    ReaderCheck {
        clause: "M6",
        name: "a refusal is not passed off as quiet",
        run: |b| Box::pin(failing(b, MailboxAbility::Refuse, MailboxEvent::Refuse)),
    },
    ReaderCheck {
        clause: "M6",
        name: "a connection that breaks is not passed off as quiet",
        run: |b| Box::pin(failing(b, MailboxAbility::BreakOff, MailboxEvent::BreakOff)),
    },
];

impl Bench {
    /// A session that has begun to heed a mailbox, where the reader does such a thing.
    async fn heeding(&self, mailbox: usize) -> Outcome<Box<dyn MailboxReader>> {
        let mut reader = self.session().await?;
        let waited = reader.wait_for_change(&self.seed(mailbox)?.name, Duration::ZERO).await?;
        if waited == Waited::NotOffered {
            return Err(Failure::not_checked("the reader answers that waiting is not offered"));
        }
        same("a wait without time", &waited, &Waited::Quiet)?;
        Ok(reader)
    }

    async fn wait(&self, reader: &mut dyn MailboxReader, within: Duration) -> Outcome<Waited> {
        Ok(reader.wait_for_change(&self.seed(INBOX)?.name, within).await?)
    }

    async fn deliver(&self, mailbox: usize) -> Outcome {
        let name = self.seed(mailbox)?.name.clone();
        self.service.happen(MailboxEvent::Deliver(name, seed::another())).await;
        Ok(())
    }
}

async fn quiet(b: &Bench) -> Outcome {
    let mut reader = b.heeding(INBOX).await?;
    let begun = Instant::now();
    same("the wait", &b.wait(reader.as_mut(), MOMENT).await?, &Waited::Quiet)?;
    let took = begun.elapsed();
    hold(took >= MOMENT, || format!("a wait of {MOMENT:?} took {took:?}"))
}

async fn arrives(b: &Bench) -> Outcome {
    b.needs(MailboxAbility::Deliver)?;
    let mut reader = b.heeding(INBOX).await?;
    let delivering = async {
        tokio::time::sleep(MOMENT).await;
        b.deliver(INBOX).await
    };
    let (waited, delivered) = futures_util::future::join(b.wait(reader.as_mut(), SOON), delivering).await;
    delivered?;
    same("the wait", &waited?, &Waited::Changed)
}

async fn not_missed(b: &Bench) -> Outcome {
    b.needs(MailboxAbility::Deliver)?;
    let mut reader = b.heeding(INBOX).await?;
    for what in ["the wait after what came since the opening", "the wait after what came since the last"] {
        b.deliver(INBOX).await?;
        same(what, &b.wait(reader.as_mut(), SOON).await?, &Waited::Changed)?;
    }
    same("the wait after it", &b.wait(reader.as_mut(), MOMENT).await?, &Waited::Quiet)
}

async fn elsewhere(b: &Bench) -> Outcome {
    b.needs(MailboxAbility::Deliver)?;
    let mut reader = b.heeding(INBOX).await?;
    b.deliver(CLIENTS).await?;
    same("the wait", &b.wait(reader.as_mut(), MOMENT).await?, &Waited::Quiet)
}

async fn failing(b: &Bench, ability: MailboxAbility, event: fn(ReaderCall) -> MailboxEvent) -> Outcome {
    b.needs(ability)?;
    let mut reader = b.heeding(INBOX).await?;
    b.service.happen(event(ReaderCall::Wait)).await;
    match reader.wait_for_change(&b.seed(INBOX)?.name, 2 * MOMENT).await {
        Err(_) | Ok(Waited::NotOffered) => Ok(()),
        Ok(waited) => Err(Failure::new(format!("the wait was answered with {waited:?}"))),
    }
}
