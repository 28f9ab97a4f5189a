//! One message, opened.

use super::tab_view::TabMessage;
use crate::mime::RemoteContent;
use crate::types::{CleanText, ClientId, Digest, MessageDate};

/// How a message's HTML is made fit to be shown.
///
/// ```
/// use practicemail::practice_mail::ShowOptions;
/// let options = ShowOptions::new().attachments_at("/mail/attachments/");
/// assert_eq!(options.attachments_at.as_deref(), Some("/mail/attachments/"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShowOptions {
    /// Whether images are loaded from elsewhere: that tells the sender that, when and where the message is read. Default: no.
    pub remote_content: RemoteContent,
    /// Where the host's page gets an attachment: its number is put behind this. Without it inline images are left out.
    pub attachments_at: Option<String>,
}

impl ShowOptions {
    /// Nothing is loaded from elsewhere, and inline images are left out.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets images be loaded from elsewhere, when the reader asks for it.
    pub const fn with_remote_content(mut self) -> Self {
        self.remote_content = RemoteContent::Allowed;
        self
    }

    /// Says where the host's page gets an attachment: its number, as in [`TabMessage::attachments`], is put behind `prefix`.
    pub fn attachments_at(mut self, prefix: impl Into<String>) -> Self {
        self.attachments_at = Some(prefix.into());
        self
    }
}

/// A message with its text.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenMessage {
    /// What a tab shows of it.
    pub summary: TabMessage,
    /// Whose it is, of the clients the viewer may see.
    pub clients: Vec<ClientId>,
    /// Its text, where the viewer may read it.
    pub text: Option<String>,
    /// Its HTML, where it has some and the viewer may read it: cleaned, of nothing but harmless elements.
    pub html: Option<String>,
    /// Images and the like that the HTML would load from elsewhere and that were left out.
    pub blocked: usize,
    /// Its differing contents, where there are several: the first is the one shown above.
    pub versions: Vec<MessageVersion>,
}

/// Nothing of what the message says.
impl std::fmt::Debug for OpenMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OpenMessage({})", self.summary.id)
    }
}

/// One of several contents that go by one identity: the Message-ID was used again, or somebody forged it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageVersion {
    /// Its digest.
    pub digest: Digest,
    /// Its subject.
    pub subject: CleanText,
    /// Its date.
    pub date: Option<MessageDate>,
    /// Its text, where the viewer may read it.
    pub text: Option<String>,
    /// How many of the copies the viewer sees hold it.
    pub copies: usize,
}

/// Nothing of what it says.
impl std::fmt::Debug for MessageVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MessageVersion({:?}, {} copies)", self.digest, self.copies)
    }
}
