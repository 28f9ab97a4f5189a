//! Opening a message.

use std::collections::BTreeMap;

use super::PracticeMail;
use super::client_tab::{ClientTab, Rules};
use super::message_view::{MessageVersion, OpenMessage, ShowOptions};
use super::sight::ArchivedMessage;
use super::tab_view::TabMessage;
use super::view::Viewer;
use crate::contract::{Message, Outgoing};
use crate::error::{Error, ErrorKind, Result};
use crate::mime::{HtmlOptions, sanitise};
use crate::types::{Attachment, ClientId, MessageKey, PracticeId};

/// A message of the archive and what decides about it.
pub(super) struct Found {
    pub(super) tab: ClientTab,
    pub(super) message: Message,
    pub(super) sent: Option<Outgoing>,
    /// Whose it is, of the clients the viewer may see.
    pub(super) clients: Vec<ClientId>,
    /// What a tab shows of it.
    pub(super) summary: TabMessage,
}

impl Found {
    pub(super) fn archived(&self) -> ArchivedMessage<'_> {
        ArchivedMessage { message: &self.message, sent: self.sent.as_ref() }
    }
}

impl PracticeMail {
    /// Opens a message that is on a tab the viewer may see: its text, and its HTML without anything that could harm the reader.
    ///
    /// The HTML is made of harmless elements and styles only; links open apart from the host's page. Put it into a frame of its own all the same
    /// (`<iframe sandbox srcdoc>`): its layout is a stranger's.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) for a message that is not there, is no client's now, or that the viewer does not see:
    /// which of it, is not told; storage kinds.
    ///
    /// ```
    /// # use practicemail::PracticeMail;
    /// # use practicemail::practice_mail::{ShowOptions, Viewer};
    /// # use practicemail::types::{MessageKey, PracticeId};
    /// # async fn page(mail: &PracticeMail, practice: PracticeId, me: Viewer, id: MessageKey) -> practicemail::error::Result<()> {
    /// let options = ShowOptions::new().attachments_at(format!("/mail/{id}/attachments/"));
    /// let message = mail.show(&practice, &me, id, &options).await?;
    /// # let _ = message; Ok(()) }
    /// ```
    pub async fn show(
        &self,
        practice: &PracticeId,
        viewer: &Viewer,
        id: MessageKey,
        options: &ShowOptions,
    ) -> Result<OpenMessage> {
        let found = self.find(practice, viewer, id).await?;
        let archived = found.archived();
        let seen = found.tab.seen(&archived).ok_or_else(missing)?;
        let mut versions = Vec::new();
        if seen.renditions.len() > 1 {
            for rendition in &seen.renditions {
                let readable = seen.is_readable(rendition);
                versions.push(MessageVersion {
                    digest: rendition.digest,
                    subject: rendition.subject.clone(),
                    date: rendition.date,
                    text: readable.then(|| rendition.text.clone()),
                    copies: seen.copies.iter().filter(|copy| copy.rendition == rendition.digest).count(),
                });
            }
            versions.sort_by_key(|version| version.digest != seen.rendition.digest);
        }
        let html = seen.rendition.html.as_deref().filter(|_| seen.readable);
        let html = html.map(|html| clean(html, &seen.rendition.attachments, options));
        let (html, blocked) = html.map_or((None, 0), |html| (Some(html.html), html.blocked));
        let text = seen.readable.then(|| seen.rendition.text.clone());
        Ok(OpenMessage { summary: found.summary, clients: found.clients, text, html, blocked, versions })
    }

    /// A message that is on a tab the viewer may see.
    pub(super) async fn find(&self, practice: &PracticeId, viewer: &Viewer, id: MessageKey) -> Result<Found> {
        self.find_by(practice, viewer, id, &self.rules(practice).await?).await
    }

    /// The same for many messages.
    pub(super) async fn find_by(
        &self,
        practice: &PracticeId,
        viewer: &Viewer,
        id: MessageKey,
        rules: &Rules,
    ) -> Result<Found> {
        let message = self.storage.mail.messages(practice, &[id]).await?.pop().ok_or_else(missing)?;
        let sent = self.storage.mail.outgoing_of(practice, &[id]).await?.into_iter().next();
        let archived = ArchivedMessage { message: &message, sent: sent.as_ref() };
        let people = archived.seen_by(viewer, rules.headers_only()).ok_or_else(missing)?.people();
        let mut clients = Vec::new();
        let mut keys = BTreeMap::new();
        for client in rules.matcher.clients_of(&people).into_iter().cloned().collect::<Vec<_>>() {
            if self.sees_client(practice, &client, viewer).await? {
                let entries = self.directory.keys_of(practice, &client).await?.unwrap_or_default();
                keys.extend(rules.matcher.client_keys(&entries));
                clients.push(client);
            }
        }
        let tab = ClientTab::new(practice, viewer, rules, keys);
        let summary = tab.show(&archived).ok_or_else(missing)?;
        Ok(Found { tab, message, sent, clients, summary })
    }
}

/// What is not seen is not there.
pub(super) fn missing() -> Error {
    Error::new(ErrorKind::NotFound, "there is no such message on a tab you may see")
}

fn clean(html: &str, attachments: &[Attachment], options: &ShowOptions) -> crate::mime::SafeHtml {
    let inline = |id: &str| {
        let prefix = options.attachments_at.as_deref()?;
        let named = |file: &Attachment| file.content_id.as_ref().is_some_and(|own| own.as_str() == id);
        let image = |file: &Attachment| file.content_type.as_str().starts_with("image/");
        let number = attachments.iter().position(|file| named(file) && image(file))?;
        Some(format!("{prefix}{number}"))
    };
    sanitise(html, &HtmlOptions::new().remote_content(options.remote_content).inline(inline))
}
