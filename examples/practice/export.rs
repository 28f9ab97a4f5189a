//! `export`: every message of the archive, a line each.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;

use practicemail::error::{Error, ErrorKind, Result};
use practicemail::practice_mail::Exported;
use practicemail::types::{Copy, UserId};
use serde::Serialize;
use tempfile::NamedTempFile;

use crate::answer::Answer;
use crate::args::{ExportArgs, ExportFormat};
use crate::host::Host;

/// Writes the file, which appears under its name when it is whole.
pub(crate) async fn run(host: &Host, args: &ExportArgs) -> Result<Answer> {
    let ExportFormat::Jsonl = args.format;
    let directory = args.out.parent().filter(|parent| !parent.as_os_str().is_empty());
    let temporary = || NamedTempFile::new_in(directory.unwrap_or(Path::new("."))).map_err(unwritable);
    let mut messages = BufWriter::new(temporary()?);
    let mut lost = BTreeSet::new();
    let mut write = |exported: Exported| {
        let is_lost = matches!(exported, Exported::Lost { .. });
        let line = serde_json::to_string(&Line::from(exported)).map_err(unwritable)?;
        if is_lost {
            lost.insert(line);
            return Ok(());
        }
        writeln!(messages, "{line}").map_err(unwritable)
    };
    let count = host.door.export(host.practice()?, &mut write).await?;
    let messages = messages.into_inner().map_err(|error| unwritable(error.into_error()))?;
    let whole = if lost.is_empty() { messages } else { merged(&messages, lost, temporary()?)? };
    whole.persist(&args.out).map_err(unwritable)?;
    Answer::of(&Written { lines: count }, true)
}

/// Puts the lines of what was lost between those of messages, in the order of ids: every line begins with its id.
fn merged(messages: &NamedTempFile, lost: BTreeSet<String>, into: NamedTempFile) -> Result<NamedTempFile> {
    let mut lost = lost.into_iter().peekable();
    let mut merged = BufWriter::new(into);
    for line in BufReader::new(messages.reopen().map_err(unwritable)?).lines() {
        let line = line.map_err(unwritable)?;
        while let Some(lost) = lost.next_if(|lost| *lost < line) {
            writeln!(merged, "{lost}").map_err(unwritable)?;
        }
        writeln!(merged, "{line}").map_err(unwritable)?;
    }
    for lost in lost {
        writeln!(merged, "{lost}").map_err(unwritable)?;
    }
    merged.into_inner().map_err(|error| unwritable(error.into_error()))
}

fn unwritable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::Storage, "the export could not be written").with_source(cause)
}

#[derive(Serialize)]
struct Written {
    lines: u64,
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} lines written.", self.lines)
    }
}

#[derive(Serialize)]
struct Line {
    id: String,
    message_id: Option<String>,
    clients: Vec<String>,
    renditions: usize,
    copies: Vec<CopyEntry>,
    dead_letter: Option<String>,
}

#[derive(Serialize)]
struct CopyEntry {
    account: String,
    user: Option<String>,
    mailbox: String,
    uidvalidity: u32,
    uid: u32,
    sha256: Option<String>,
    size: Option<u64>,
    state: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    labels: Vec<String>,
}

impl From<Exported> for Line {
    fn from(exported: Exported) -> Self {
        match exported {
            Exported::Message { id, message_id, clients, renditions, copies, .. } => Self {
                id: id.to_string(),
                message_id: message_id.map(|id| id.to_string()),
                clients: clients.iter().map(ToString::to_string).collect(),
                renditions,
                copies: copies.iter().map(CopyEntry::from).collect(),
                dead_letter: None,
            },
            Exported::Lost {
                id,
                message_id,
                account,
                user,
                mailbox,
                uid_validity,
                uid,
                octets,
                reason,
                ..
            } => Self {
                id: id.to_string(),
                message_id: message_id.map(|id| id.to_string()),
                clients: Vec::new(),
                renditions: 0,
                copies: vec![CopyEntry {
                    account: account.to_string(),
                    user: user.map(|user| user.to_string()),
                    mailbox: mailbox.to_string(),
                    uidvalidity: uid_validity,
                    uid,
                    sha256: octets.map(|(digest, _)| digest.to_string()),
                    size: octets.map(|(_, size)| size),
                    state: "present",
                    labels: Vec::new(),
                }],
                dead_letter: Some(reason),
            },
            _ => unreachable!("a line is a message or one that was lost"),
        }
    }
}

impl From<&(UserId, Copy)> for CopyEntry {
    fn from((user, copy): &(UserId, Copy)) -> Self {
        Self {
            account: copy.place.account.to_string(),
            user: Some(user.to_string()),
            mailbox: copy.place.mailbox.to_string(),
            uidvalidity: copy.place.uid_validity.get(),
            uid: copy.place.uid.get(),
            sha256: Some(copy.sha256.to_string()),
            size: Some(copy.size),
            state: copy.state.as_str(),
            labels: copy.labels.iter().map(ToString::to_string).collect(),
        }
    }
}
