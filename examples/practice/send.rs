//! `send`: a message leaves, once, and what became of it is told.

use std::fmt;
use std::path::Path;

use practicemail::contract::{Filing, Outgoing, OutgoingRecipient, OutgoingState, RecipientState};
use practicemail::error::{Error, ErrorKind, Result};
use practicemail::types::{Answer as Answering, Draft, DraftFile};
use serde::Serialize;

use crate::answer::Answer;
use crate::args::SendArgs;
use crate::failure::Failure;
use crate::host::Host;

/// Sends, or queues, a message.
pub(crate) async fn run(host: &Host, args: &SendArgs) -> Result<Answer> {
    let practice = host.practice()?;
    let draft = draft(args)?;
    let later = args.queue || args.at.is_some_and(|at| at > host.now());
    let queued = if later {
        host.door.queue(practice, &args.user, draft).await?
    } else {
        host.door.send(practice, &args.user, draft).await?
    };
    let item = if later {
        host.door.outgoing(practice, queued.id).await?
    } else {
        host.door.outcome(practice, queued.id).await?
    };
    let row = OutgoingRow::from(&item);
    let as_asked = later && item.state == OutgoingState::Queued && item.failure.is_none();
    let done = as_asked || row.is_accepted();
    Answer::of(&row, done)
}

fn draft(args: &SendArgs) -> Result<Draft> {
    let mut draft = Draft::new(&args.subject);
    draft.from = args.from.as_ref().map(|from| from.address.clone());
    draft.to.clone_from(&args.to);
    draft.cc.clone_from(&args.cc);
    draft.bcc.clone_from(&args.bcc);
    draft.text.clone_from(&args.text);
    if let Some(file) = &args.html {
        let html = String::from_utf8(read(file)?);
        draft.html = Some(html.map_err(|_| Error::new(ErrorKind::Invalid, "the HTML file is not UTF-8"))?);
    }
    for path in &args.attach {
        draft = draft.file(DraftFile::attachment(&name(path), content_type(path), read(path)?));
    }
    for path in &args.inline {
        let name = name(path);
        draft = draft.file(DraftFile::inline(&name, content_type(path), read(path)?, &name));
    }
    let answers = [
        args.reply.map(Answering::Reply),
        args.reply_all.map(Answering::ReplyAll),
        args.forward.map(Answering::Forward),
    ];
    draft.answers = answers.into_iter().flatten().next();
    draft.not_before = args.at;
    draft.key.clone_from(&args.key);
    Ok(if args.allow_partial { draft.allow_partial() } else { draft })
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|cause| {
        let message = format!("the file {} could not be read", path.display());
        Error::new(ErrorKind::Invalid, message).with_source(cause)
    })
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The media type that a file's name tells; a screen takes it from the browser.
fn content_type(path: &Path) -> &'static str {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    match extension.as_str() {
        "pdf" => "application/pdf",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "svg" => "image/svg+xml",
        "txt" => "text/plain",
        "csv" => "text/csv",
        "html" | "htm" => "text/html",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}

/// A message of the outbox, as it is answered.
#[derive(Serialize)]
pub(crate) struct OutgoingRow {
    id: String,
    route: &'static str,
    message_id: String,
    /// The message's id on the tabs.
    message: String,
    state: &'static str,
    recipients: Vec<RecipientRow>,
    filed: &'static str,
    user: String,
    queued_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_try: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decide_after: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    held: bool,
    /// The last failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
}

/// One recipient, as they are answered.
#[derive(Serialize)]
pub(crate) struct RecipientRow {
    address: String,
    accepted: bool,
    reply: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    bounce: Option<BounceRow>,
}

/// A failure reported later.
#[derive(Serialize)]
pub(crate) struct BounceRow {
    permanent: bool,
    status: Option<String>,
    diagnostic: String,
    at: String,
}

impl RecipientRow {
    /// What became of a recipient.
    pub(crate) fn new(
        address: &practicemail::types::Address,
        state: RecipientState,
        reply: &str,
        bounce: Option<&practicemail::contract::Bounce>,
    ) -> Self {
        Self {
            address: address.to_string(),
            accepted: state == RecipientState::Accepted,
            reply: reply.to_owned(),
            bounce: bounce.map(|bounce| BounceRow {
                permanent: bounce.permanent,
                status: bounce.status.clone(),
                diagnostic: bounce.diagnostic.clone(),
                at: bounce.at.to_string(),
            }),
        }
    }
}

impl From<&OutgoingRecipient> for RecipientRow {
    fn from(recipient: &OutgoingRecipient) -> Self {
        Self::new(&recipient.address, recipient.state, &recipient.reply, recipient.bounce.as_ref())
    }
}

impl From<&Outgoing> for OutgoingRow {
    fn from(item: &Outgoing) -> Self {
        let failure = |(kind, message): &(ErrorKind, String)| Error::new(*kind, message.clone());
        Self {
            id: item.message.id.to_string(),
            route: item.message.route.as_str(),
            message_id: item.message.message_id.to_string(),
            message: item.message.message.to_string(),
            state: item.state.as_str(),
            recipients: item.recipients.iter().map(RecipientRow::from).collect(),
            filed: item.filing.as_str(),
            user: item.message.author.to_string(),
            queued_at: item.created_at.to_string(),
            next_try: item.next_try.map(|at| at.to_string()),
            decide_after: item.decide_after.map(|at| at.to_string()),
            held: item.held,
            error: item.failure.as_ref().map(|told| Failure::from(&failure(told))),
        }
    }
}

impl OutgoingRow {
    /// Whether it was sent to everybody.
    pub(crate) fn is_accepted(&self) -> bool {
        self.state == OutgoingState::Sent.as_str() && self.recipients.iter().all(|r| r.accepted)
    }
}

impl fmt::Display for OutgoingRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way =
            if self.route == "own" { "the user's own account" } else { "the practice's noreply address" };
        writeln!(f, "{}  {:<9} by {way}, queued {}", self.id, self.state, self.queued_at)?;
        for recipient in &self.recipients {
            let mark = if recipient.accepted { "✓" } else { "·" };
            writeln!(f, "  {mark} {:<40} {}", recipient.address, recipient.reply)?;
            if let Some(bounce) = &recipient.bounce {
                let how = if bounce.permanent { "was not delivered" } else { "is late" };
                writeln!(f, "    {how}: {}", bounce.diagnostic)?;
            }
        }
        if self.state == "sent" {
            let copy = match self.filed {
                filed if filed == Filing::Server.as_str() => {
                    "the provider filed the copy in the Sent mailbox"
                }
                filed if filed == Filing::Appended.as_str() => "a copy is in the Sent mailbox",
                filed if filed == Filing::Pending.as_str() => {
                    "the copy for the Sent mailbox is still to be filed"
                }
                _ => "no copy is in a Sent mailbox",
            };
            writeln!(f, "  {copy}")?;
        }
        if self.route == "noreply" {
            writeln!(f, "  replies to it do not come into the practice's archive")?;
        }
        if self.held {
            writeln!(
                f,
                "  waits for you: the store was restored, and it may have left before; see `outbox resolve`"
            )?;
        }
        if let Some(error) = &self.error {
            writeln!(f, "{error}")?;
        }
        if let ("queued", Some(at)) = (self.state, &self.next_try) {
            writeln!(f, "It is sent by a `sync` from {at} on.")?;
        }
        Ok(())
    }
}
