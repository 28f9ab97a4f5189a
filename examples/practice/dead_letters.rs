//! `dead-letters`: messages that could not be archived.

use std::fmt;

use practicemail::contract::DeadLetter;
use practicemail::error::Result;
use serde::Serialize;

use crate::answer::Answer;
use crate::args::DeadLettersArgs;
use crate::failure::Failure;
use crate::host::{Host, viewer};

/// Lists them, or tries them again and lists what is left.
pub(crate) async fn run(host: &Host, args: &DeadLettersArgs) -> Result<Answer> {
    let (practice, by) = (host.practice()?, viewer(None));
    if !args.replay {
        let letters = host.door.dead_letters(practice, &by).await?;
        let rows = letters.iter().map(LetterRow::from).collect();
        return Answer::of(&Listed { dead_letters: rows, replayed: None, failed: Vec::new() }, true);
    }
    let replayed = host.door.replay(practice, &by).await?;
    let listed = Listed {
        dead_letters: replayed.left.iter().map(LetterRow::from).collect(),
        replayed: Some(replayed.tried),
        failed: replayed.failed.iter().map(|(_, error)| Failure::from(error)).collect(),
    };
    Answer::of(&listed, listed.failed.is_empty())
}

#[derive(Serialize)]
struct Listed {
    dead_letters: Vec<LetterRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replayed: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<Failure>,
}

/// A dead letter.
#[derive(Serialize)]
pub(crate) struct LetterRow {
    account: String,
    mailbox: String,
    uid: u32,
    message_id: Option<String>,
    reason: String,
    /// Whether its octets are kept.
    octets: bool,
    at: String,
}

impl From<&DeadLetter> for LetterRow {
    fn from(letter: &DeadLetter) -> Self {
        Self {
            account: letter.place.account.to_string(),
            mailbox: letter.place.mailbox.to_string(),
            uid: letter.place.uid.get(),
            message_id: letter.message_id.as_ref().map(ToString::to_string),
            reason: letter.reason.clone(),
            octets: letter.octets.is_some(),
            at: letter.at.to_string(),
        }
    }
}

impl fmt::Display for LetterRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, mailbox, uid, reason, .. } = self;
        write!(f, "In {mailbox} of {account}, number {uid}, a message could not be archived: {reason}.")
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(replayed) = self.replayed {
            writeln!(f, "{replayed} messages tried again, {} are left.", self.dead_letters.len())?;
        } else if self.dead_letters.is_empty() {
            writeln!(f, "Every message of a client could be archived.")?;
        }
        self.dead_letters.iter().try_for_each(|letter| writeln!(f, "{letter}"))?;
        self.failed.iter().try_for_each(|failure| write!(f, "{failure}"))
    }
}
