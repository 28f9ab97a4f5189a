//! `search` and `conversations`: a client's mail, looked through and put together.

use std::fmt;

use practicemail::error::Result;
use practicemail::practice_mail::{TabConversation, TabMessage};
use serde::Serialize;

use crate::answer::Answer;
use crate::args::{ConversationsArgs, SearchArgs};
use crate::host::{Host, viewer};
use crate::page::{Page, day, names};
use crate::tab::{self, MessageRow, Person, people};

/// Shows what holds the words.
pub(crate) async fn search(host: &Host, args: &SearchArgs) -> Result<Answer> {
    let query = args.page.query().search(&args.query)?;
    tab::show(host, &args.page.client, &viewer(args.page.viewer.as_ref()), &query).await
}

/// Shows a client's conversations, or the messages of one.
pub(crate) async fn conversations(host: &Host, args: &ConversationsArgs) -> Result<Answer> {
    let (practice, viewer) = (host.practice()?, viewer(args.page.viewer.as_ref()));
    if let Some(id) = args.id {
        let messages = host.door.conversation(practice, &args.page.client, &viewer, id).await?;
        let users = host.user_names().await?;
        let text = messages.iter().map(|message| Page::entry(message, &users)).collect();
        return Answer::of(&One { messages: messages.iter().map(MessageRow::from).collect(), text }, true);
    }
    let query = args.page.query();
    let page = host.door.conversations(practice, &args.page.client, &viewer, &query).await?;
    let rows = page.conversations.iter().map(Row::from).collect();
    Answer::of(&Listed { conversations: rows, next: page.next }, true)
}

#[derive(Serialize)]
struct One {
    messages: Vec<MessageRow>,
    #[serde(skip)]
    text: String,
}

impl fmt::Display for One {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[derive(Serialize)]
struct Listed {
    conversations: Vec<Row>,
    next: Option<String>,
}

#[derive(Serialize)]
struct Row {
    id: String,
    messages: String,
    authors: Vec<Person>,
    newest: MessageRow,
    #[serde(skip)]
    line: String,
}

impl From<&TabConversation> for Row {
    fn from(conversation: &TabConversation) -> Self {
        let newest: &TabMessage = &conversation.newest;
        let names = names(&conversation.authors);
        let line =
            format!("{:<11}  {:<40} {} ({})", day(newest), names, newest.subject, conversation.messages);
        Self {
            id: conversation.id.to_string(),
            messages: conversation.messages.to_string(),
            authors: people(&conversation.authors),
            newest: MessageRow::from(newest),
            line,
        }
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.conversations {
            writeln!(f, "{}\n             {}", row.line, row.id)?;
        }
        match &self.next {
            Some(next) => write!(f, "Older conversations: --before {next}"),
            None => Ok(()),
        }
    }
}
