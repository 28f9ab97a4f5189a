//! `changes`: what happened, for whoever follows it.

use std::fmt;

use practicemail::contract::{Change, ChangeKind};
use practicemail::error::Result;
use serde::Serialize;

use crate::answer::Answer;
use crate::args::ChangesArgs;
use crate::host::{Host, viewer};

/// Lists the changes after a number.
pub(crate) async fn run(host: &Host, args: &ChangesArgs) -> Result<Answer> {
    let viewer = viewer(args.viewer.as_ref());
    let changes = host.door.changes(host.practice()?, &viewer, args.after, args.limit).await?;
    Answer::of(&Listed { changes: changes.iter().map(Row::from).collect() }, true)
}

#[derive(Serialize)]
struct Listed {
    changes: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    sequence: u64,
    at: String,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outgoing: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'static str>,
}

impl From<&Change> for Row {
    fn from(change: &Change) -> Self {
        let (mut outgoing, mut failure) = (None, None);
        let mut kind = change.kind.as_str().to_owned();
        match &change.kind {
            ChangeKind::Outgoing(id, _) => {
                outgoing = Some(id.to_string());
                kind = format!("outgoing_{kind}");
            }
            ChangeKind::AccountFailed(kind) => failure = Some(kind.as_str()),
            _ => {}
        }
        Self {
            sequence: change.sequence,
            at: change.at.to_string(),
            kind,
            account: change.account.as_ref().map(ToString::to_string),
            by: change.by.as_ref().map(ToString::to_string),
            message: change.kind.message().map(|message| message.to_string()),
            outgoing,
            failure,
        }
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.changes {
            write!(f, "{:>6}  {}  {}", row.sequence, row.at, row.kind)?;
            for (name, value) in [("in", &row.account), ("by", &row.by), ("message", &row.message)] {
                if let Some(value) = value {
                    write!(f, "  {name} {value}")?;
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
