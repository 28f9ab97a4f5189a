//! `tab`: a client's Email tab.

use std::fmt;

use practicemail::error::Result;
use practicemail::matching::Reason;
use practicemail::practice_mail::{
    Delivery, DeliveryRecipient, Direction, Tab, TabCopy, TabMessage, TabQuery, Viewer,
};
use practicemail::types::{ClientId, Participant};
use serde::Serialize;

use crate::answer::Answer;
use crate::args::{TabArgs, WayOfMail};
use crate::host::{Host, viewer};
use crate::page::{Page, local};
use crate::send::RecipientRow;

/// Shows a page.
pub(crate) async fn run(host: &Host, args: &TabArgs) -> Result<Answer> {
    let mut query = args.page.query();
    query.user = args.user.clone();
    query.since = args.since;
    query.until = args.until;
    query.direction = args.direction.map(|direction| match direction {
        WayOfMail::In => Direction::In,
        WayOfMail::Out => Direction::Out,
    });
    query.attachments = args.attachments.then_some(true);
    show(host, &args.page.client, &viewer(args.page.viewer.as_ref()), &query).await
}

/// Shows the page a query asks for.
pub(crate) async fn show(
    host: &Host,
    client: &ClientId,
    viewer: &Viewer,
    query: &TabQuery,
) -> Result<Answer> {
    let practice = host.practice()?;
    let tab = host.door.tab(practice, client, viewer, query).await?;
    let clients = host.tables.clients(practice).await?;
    let name = clients.into_iter().find(|(id, _)| id == client).map(|(_, name)| name);
    let users = host.user_names().await?;
    let title = name.unwrap_or_else(|| client.to_string());
    let text = Page { title: &title, tab: &tab, users: &users, messages: &tab.messages }.to_string();
    Answer::of(&Shown { row: TabRow::from(&tab), text }, true)
}

/// The object for a program, the page for a person.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    row: TabRow,
    #[serde(skip)]
    text: String,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        match &self.row.next {
            Some(next) => write!(f, "Older messages: --before {next}"),
            None => Ok(()),
        }
    }
}

#[derive(Serialize)]
struct TabRow {
    messages: Vec<MessageRow>,
    next: Option<String>,
    count: String,
}

#[derive(Serialize)]
#[allow(clippy::struct_excessive_bools, reason = "each is a mark of its own")]
pub(crate) struct MessageRow {
    id: String,
    message_id: Option<String>,
    date: String,
    from: Vec<Person>,
    to: Vec<Person>,
    cc: Vec<Person>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bcc: Vec<Person>,
    subject: String,
    direction: &'static str,
    snippet: String,
    attachments: Vec<AttachmentRow>,
    copies: Vec<CopyRow>,
    matched: Vec<MatchRow>,
    conversation: String,
    versions: usize,
    authenticity: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    headers_only: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    incomplete: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    hidden: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    automatic: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<DeliveryRow>,
}

#[derive(Serialize)]
struct DeliveryRow {
    id: String,
    route: &'static str,
    state: &'static str,
    recipients: Vec<RecipientRow>,
    filed: &'static str,
}

#[derive(Serialize)]
pub(crate) struct Person {
    name: String,
    address: String,
}

#[derive(Serialize)]
struct AttachmentRow {
    name: String,
    #[serde(rename = "type")]
    content_type: String,
    size: u64,
}

#[derive(Serialize)]
pub(crate) struct CopyRow {
    account: String,
    pub(crate) user: String,
    pub(crate) mailbox: String,
}

impl From<&TabCopy> for CopyRow {
    fn from(copy: &TabCopy) -> Self {
        Self {
            account: copy.account.to_string(),
            user: copy.user.to_string(),
            mailbox: copy.mailbox.to_string(),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct MatchRow {
    address: String,
    field: &'static str,
}

impl From<&Reason> for MatchRow {
    fn from(reason: &Reason) -> Self {
        Self { address: reason.address.to_string(), field: reason.field.as_str() }
    }
}

impl fmt::Display for MatchRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.address)
    }
}

impl From<&Tab> for TabRow {
    fn from(tab: &Tab) -> Self {
        Self {
            messages: tab.messages.iter().map(MessageRow::from).collect(),
            next: tab.next.clone(),
            count: tab.count.to_string(),
        }
    }
}

impl From<&TabMessage> for MessageRow {
    fn from(message: &TabMessage) -> Self {
        let attachments = message.attachments.iter().map(|attachment| AttachmentRow {
            name: attachment.name.to_string(),
            content_type: attachment.content_type.to_string(),
            size: attachment.size,
        });
        Self {
            id: message.id.to_string(),
            message_id: message.message_id.as_ref().map(ToString::to_string),
            date: local(message).map_or_else(|| message.time.to_string(), |date| date.to_rfc3339()),
            from: people(&message.from),
            to: people(&message.to),
            cc: people(&message.cc),
            bcc: people(&message.bcc),
            subject: message.subject.to_string(),
            direction: message.direction.as_str(),
            snippet: message.snippet.clone(),
            attachments: attachments.collect(),
            copies: message.copies.iter().map(CopyRow::from).collect(),
            matched: message.matched.iter().map(MatchRow::from).collect(),
            conversation: message.conversation.to_string(),
            versions: message.versions,
            authenticity: message.authenticity.as_str(),
            headers_only: message.headers_only,
            incomplete: message.incomplete,
            hidden: message.hidden,
            automatic: message.automatic,
            delivery: message.delivery.as_ref().map(DeliveryRow::from),
        }
    }
}

impl From<&Delivery> for DeliveryRow {
    fn from(delivery: &Delivery) -> Self {
        let recipient =
            |r: &DeliveryRecipient| RecipientRow::new(&r.address, r.state, &r.reply, r.bounce.as_ref());
        Self {
            id: delivery.id.to_string(),
            route: delivery.route.as_str(),
            state: delivery.state.as_str(),
            recipients: delivery.recipients.iter().map(recipient).collect(),
            filed: delivery.filing.as_str(),
        }
    }
}

pub(crate) fn people(participants: &[Participant]) -> Vec<Person> {
    participants.iter().map(|p| Person { name: p.name.to_string(), address: p.address.to_string() }).collect()
}
