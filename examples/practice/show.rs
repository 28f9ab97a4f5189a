//! `show` and `attachment`: one message, and what it carries.

use std::fmt;
use std::io::Write as _;
use std::path::Path;

use practicemail::error::{Error, ErrorKind, Result};
use practicemail::practice_mail::{MessageVersion, OpenMessage, ShowOptions};
use serde::Serialize;
use tempfile::NamedTempFile;

use crate::answer::Answer;
use crate::args::{AttachmentArgs, ShowArgs};
use crate::host::{Host, viewer};
use crate::page::Page;
use crate::tab::MessageRow;

/// Shows a message, or writes its octets as they came.
pub(crate) async fn show(host: &Host, args: &ShowArgs) -> Result<Answer> {
    let (practice, viewer) = (host.practice()?, viewer(args.viewer.as_ref()));
    if args.raw {
        let mut raw = host.door.raw(practice, &viewer, args.id).await?;
        while let Some(octets) = raw.next().await? {
            // A reader that has seen enough and closed the pipe is no failure.
            let _ = std::io::stdout().lock().write_all(&octets);
        }
        return Ok(Answer::said());
    }
    let mut options = ShowOptions::new();
    if args.remote {
        options = options.with_remote_content();
    }
    let message = host.door.show(practice, &viewer, args.id, &options).await?;
    let text = Page::entry(&message.summary, &host.user_names().await?);
    Answer::of(&Opened::of(message, text), true)
}

/// Writes an attachment into a file, which appears under its name when it is whole.
pub(crate) async fn attachment(host: &Host, args: &AttachmentArgs) -> Result<Answer> {
    let (practice, viewer) = (host.practice()?, viewer(args.viewer.as_ref()));
    let message = host.door.show(practice, &viewer, args.id, &ShowOptions::new()).await?;
    let listed = &message.summary.attachments;
    let named = listed.iter().position(|attachment| attachment.name.as_str() == args.name);
    let number = named.or_else(|| args.name.parse().ok().filter(|number| *number < listed.len()));
    let unknown = || Error::new(ErrorKind::NotFound, "the message has no attachment of this name or number");
    let mut stream = host.door.attachment(practice, &viewer, args.id, number.ok_or_else(unknown)?).await?;
    let directory = args.out.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mut file = NamedTempFile::new_in(directory.unwrap_or(Path::new("."))).map_err(unwritable)?;
    let mut size = 0;
    while let Some(octets) = stream.next().await? {
        file.write_all(&octets).map_err(unwritable)?;
        size += octets.len() as u64;
    }
    file.persist(&args.out).map_err(unwritable)?;
    let name = stream.attachment.name.to_string();
    Answer::of(&Saved { name, content_type: stream.attachment.content_type.to_string(), size }, true)
}

fn unwritable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::Storage, "the attachment could not be written").with_source(cause)
}

#[derive(Serialize)]
struct Opened {
    #[serde(flatten)]
    message: MessageRow,
    clients: Vec<String>,
    text: Option<String>,
    html: Option<String>,
    /// What the HTML would load from elsewhere and does not.
    blocked: usize,
    contents: Vec<Content>,
    #[serde(skip)]
    head: String,
}

/// One of several contents that go by one identity.
#[derive(Serialize)]
struct Content {
    digest: String,
    subject: String,
    text: Option<String>,
    copies: usize,
}

impl Opened {
    fn of(message: OpenMessage, head: String) -> Self {
        Self {
            message: MessageRow::from(&message.summary),
            clients: message.clients.iter().map(ToString::to_string).collect(),
            contents: message.versions.iter().map(Content::from).collect(),
            text: message.text,
            html: message.html,
            blocked: message.blocked,
            head,
        }
    }
}

impl From<&MessageVersion> for Content {
    fn from(version: &MessageVersion) -> Self {
        Self {
            digest: version.digest.to_string(),
            subject: version.subject.to_string(),
            text: version.text.clone(),
            copies: version.copies,
        }
    }
}

impl fmt::Display for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.head)?;
        match &self.text {
            Some(text) => f.write_str(text),
            None => f.write_str("Its text is kept from you: whoever has it shares headers only."),
        }
    }
}

#[derive(Serialize)]
struct Saved {
    name: String,
    #[serde(rename = "type")]
    content_type: String,
    size: u64,
}

impl fmt::Display for Saved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} written ({} bytes).", self.name, self.size)
    }
}
