//! `export`: every message of the archive or of a part of it, a line each or as it came.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;

use practicemail::error::{Error, ErrorKind, Result};
use practicemail::practice_mail::{ExportReport, Exported, Scope, Viewer};
use practicemail::types::{Copy, UserId};
use serde::Serialize;
use tempfile::NamedTempFile;

use crate::answer::Answer;
use crate::args::{ExportArgs, ExportFormat};
use crate::host::{Host, viewer};
use crate::mailbox_file::{EmlSink, MboxSink};

/// Writes the file, or the directory, which appears under its name when it is whole.
pub(crate) async fn run(host: &Host, args: &ExportArgs) -> Result<Answer> {
    let part = (&args.client, &args.user, args.id, &args.address);
    let scope = match part {
        (Some(client), ..) => Scope::Client(client.clone()),
        (_, Some(user), ..) => Scope::User(user.clone()),
        (_, _, Some(id), _) => Scope::Message(id),
        (.., Some(address)) => Scope::Address(address.clone()),
        _ => Scope::Practice,
    };
    let by = viewer(args.viewer.as_ref());
    let directory = args.out.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    match args.format {
        ExportFormat::Jsonl => lines(host, &by, &scope, (directory, &args.out)).await,
        ExportFormat::Mbox => {
            let mut sink = MboxSink::new(NamedTempFile::new_in(directory).map_err(unwritable)?);
            let report = host.door.export_messages(host.practice()?, &by, &scope, &mut sink).await?;
            sink.persist(&args.out)?;
            Answer::of(&Messages::from(report), true)
        }
        ExportFormat::Eml => {
            let mut sink = EmlSink::new(tempfile::tempdir_in(directory).map_err(unwritable)?);
            let report = host.door.export_messages(host.practice()?, &by, &scope, &mut sink).await?;
            sink.persist(&args.out)?;
            Answer::of(&Messages::from(report), true)
        }
    }
}

/// One JSON object a line.
async fn lines(host: &Host, by: &Viewer, scope: &Scope, (directory, out): (&Path, &Path)) -> Result<Answer> {
    let temporary = || NamedTempFile::new_in(directory).map_err(unwritable);
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
    let count = host.door.export(host.practice()?, by, scope, &mut write).await?;
    let messages = messages.into_inner().map_err(|error| unwritable(error.into_error()))?;
    let whole = if lost.is_empty() { messages } else { merged(&messages, lost, temporary()?)? };
    whole.persist(out).map_err(unwritable)?;
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

pub(crate) fn unwritable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
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

/// What an export with octets held.
#[derive(Serialize)]
struct Messages {
    messages: u64,
    /// `exact`, or `without attachments` where some are not all there.
    octets: &'static str,
    inexact: u64,
    withheld: u64,
}

impl From<ExportReport> for Messages {
    fn from(report: ExportReport) -> Self {
        let octets = if report.inexact == 0 { "exact" } else { "without attachments" };
        Self { messages: report.messages, octets, inexact: report.inexact, withheld: report.withheld }
    }
}

impl fmt::Display for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} messages written, {}", self.messages, self.octets)?;
        if self.inexact > 0 {
            write!(f, " ({} of them)", self.inexact)?;
        }
        write!(f, ".")?;
        if self.withheld > 0 {
            write!(f, " {} left out: their users share headers only.", self.withheld)?;
        }
        Ok(())
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
