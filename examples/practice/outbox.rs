//! `outbox`: what was sent, what waits, and what needs a decision.

use std::fmt;

use practicemail::contract::{OutboxQuery, OutgoingDecision, OutgoingState};
use practicemail::error::Result;
use serde::Serialize;

use crate::answer::Answer;
use crate::args::{Decision, OutboxAction, OutboxArgs};
use crate::host::Host;
use crate::send::OutgoingRow;

/// Lists the outbox, or settles one message.
pub(crate) async fn run(host: &Host, args: &OutboxArgs) -> Result<Answer> {
    let practice = host.practice()?;
    let Some(action) = &args.action else {
        let items = host.door.outbox(practice, &OutboxQuery::newest(args.limit)).await?;
        return Answer::of(&Listed { outbox: items.iter().map(OutgoingRow::from).collect() }, true);
    };
    let item = match *action {
        OutboxAction::Cancel { id } => host.door.cancel(practice, id).await?,
        OutboxAction::Resolve { id, decision: None } => host.door.look(practice, id).await?,
        OutboxAction::Resolve { id, decision: Some(decision) } => {
            host.door.resolve(practice, id, decision.into()).await?
        }
    };
    Answer::of(&OutgoingRow::from(&item), item.state != OutgoingState::Unknown)
}

impl From<Decision> for OutgoingDecision {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::SendAgain => Self::SendAgain,
            Decision::Sent => Self::WasSent,
            Decision::GiveUp => Self::GiveUp,
        }
    }
}

#[derive(Serialize)]
struct Listed {
    outbox: Vec<OutgoingRow>,
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.outbox.is_empty() {
            return f.write_str("Nothing was sent yet, and nothing waits.");
        }
        self.outbox.iter().try_for_each(|row| write!(f, "{row}"))
    }
}
