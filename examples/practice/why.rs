//! `why`: what became of a message.

use std::fmt;

use practicemail::contract::{Bars, DeadLetter, Tombstone};
use practicemail::error::{Error, ErrorKind, Result};
use practicemail::practice_mail::{Ask, Why, WhyArchived, WhyOnServer};
use practicemail::types::MessageId;
use serde::Serialize;

use crate::answer::Answer;
use crate::args::WhyArgs;
use crate::dead_letters::LetterRow;
use crate::failure::Failure;
use crate::host::{Host, viewer};
use crate::tab::{CopyRow, MatchRow};

/// Looks for it in the archive, and on the servers when told to.
pub(crate) async fn run(host: &Host, args: &WhyArgs) -> Result<Answer> {
    let invalid = || Error::new(ErrorKind::Invalid, "this is no Message-ID");
    let id = MessageId::parse(&args.message_id).ok_or_else(invalid)?;
    let ask = if args.ask { Ask::Servers } else { Ask::Archive };
    let why = host.door.why(host.practice()?, &viewer(None), &id, ask).await?;
    let whole = why.unasked.is_empty();
    Answer::of(&Answered::of(id.to_string(), args.ask, &why), whole)
}

#[derive(Serialize)]
struct Answered {
    message_id: String,
    archived: Vec<ArchivedRow>,
    /// On no tab: nobody who takes part is a client now, or a rule of the practice keeps it off.
    unlisted: Vec<String>,
    dead_letters: Vec<LetterRow>,
    erased: Vec<ErasedRow>,
    on_servers: Vec<ServerRow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unasked: Vec<Failure>,
    #[serde(skip)]
    asked: bool,
}

#[derive(Serialize)]
struct ArchivedRow {
    id: String,
    clients: Vec<ClientRow>,
    copies: Vec<CopyRow>,
}

#[derive(Serialize)]
struct ClientRow {
    client: String,
    matched: Vec<MatchRow>,
}

#[derive(Serialize)]
struct ErasedRow {
    reason: &'static str,
    at: String,
    /// Until when it is not archived again: `for ever`, a time, or until a client is back.
    until: String,
}

#[derive(Serialize)]
struct ServerRow {
    account: String,
    user: String,
    mailbox: String,
    uid: u32,
    reason: &'static str,
}

impl Answered {
    fn of(message_id: String, asked: bool, why: &Why) -> Self {
        Self {
            message_id,
            archived: why.archived.iter().map(ArchivedRow::from).collect(),
            unlisted: why.unlisted.iter().map(ToString::to_string).collect(),
            dead_letters: why
                .dead_letters
                .iter()
                .map(|letter: &DeadLetter| LetterRow::from(letter))
                .collect(),
            erased: why.erased.iter().map(ErasedRow::from).collect(),
            on_servers: why.on_servers.iter().map(ServerRow::from).collect(),
            unasked: why.unasked.iter().map(|(_, error)| Failure::from(error)).collect(),
            asked,
        }
    }
}

impl From<&WhyArchived> for ArchivedRow {
    fn from(archived: &WhyArchived) -> Self {
        let clients = archived.clients.iter().map(|(client, matched)| ClientRow {
            client: client.to_string(),
            matched: matched.iter().map(MatchRow::from).collect(),
        });
        Self {
            id: archived.id.to_string(),
            clients: clients.collect(),
            copies: archived.copies.iter().map(CopyRow::from).collect(),
        }
    }
}

impl From<&Tombstone> for ErasedRow {
    fn from(tombstone: &Tombstone) -> Self {
        let until = match &tombstone.bars {
            Bars::Until(time) => time.to_string(),
            Bars::UntilClientIsBack(client) => format!("{client} is back"),
            _ => "for ever".to_owned(),
        };
        Self { reason: tombstone.reason.as_str(), at: tombstone.at.to_string(), until }
    }
}

impl From<&WhyOnServer> for ServerRow {
    fn from(found: &WhyOnServer) -> Self {
        Self {
            account: found.account.to_string(),
            user: found.user.to_string(),
            mailbox: found.mailbox.to_string(),
            uid: found.uid.get(),
            reason: found.reason.as_str(),
        }
    }
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for message in &self.archived {
            writeln!(f, "It is archived ({}).", message.id)?;
            for client in &message.clients {
                let why: Vec<String> = client.matched.iter().map(ToString::to_string).collect();
                writeln!(f, "  On the tab of {} because of {}", client.client, why.join(", "))?;
            }
            for copy in &message.copies {
                writeln!(f, "  In {} of {}", copy.mailbox, copy.user)?;
            }
        }
        for id in &self.unlisted {
            writeln!(
                f,
                "It is archived ({id}) and on no tab: no client takes part now, or a rule keeps it off."
            )?;
        }
        self.dead_letters.iter().try_for_each(|letter| writeln!(f, "{letter}"))?;
        for erased in &self.erased {
            writeln!(f, "It was erased on {} ({}), until {}.", erased.at, erased.reason, erased.until)?;
        }
        for found in &self.on_servers {
            writeln!(f, "In {} of {}, and not archived: {}.", found.mailbox, found.user, found.reason)?;
        }
        self.unasked.iter().try_for_each(|failure| write!(f, "{failure}"))?;
        let known = self.archived.len() + self.unlisted.len() + self.dead_letters.len() + self.erased.len();
        match (known + self.on_servers.len(), self.asked) {
            (0, true) => write!(f, "No account has a message of this Message-ID."),
            (0, false) => write!(f, "The archive knows nothing of it; --ask looks for it on the servers."),
            _ => Ok(()),
        }
    }
}
