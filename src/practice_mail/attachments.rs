//! Attachments and whole messages, octet by octet.

use super::PracticeMail;
use super::message::{Found, missing};
use super::octets::{Octets, Source, Wanted};
use super::sight::Seen;
use super::view::Viewer;
use crate::contract::MessageCopy;
use crate::error::{Error, ErrorKind, Result};
use crate::mime::AttachmentReader;
use crate::types::{Attachment, CopyState, MessageKey, PracticeId};

/// An attachment, handed over in pieces.
///
/// Octets that are not kept come from the server they lay on, and are compared with what they were: the last piece comes when they are
/// the same. What came before an error is not the attachment.
pub struct AttachmentStream {
    /// What it is; [`size`](Attachment::size) is how many octets come.
    pub attachment: Attachment,
    octets: Octets,
    reader: Option<AttachmentReader>,
    /// How many octets have come.
    read: u64,
    /// How many there are; not known of a message of which the beginning alone was taken in.
    size: Option<u64>,
}

impl std::fmt::Debug for AttachmentStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AttachmentStream").finish_non_exhaustive()
    }
}

impl AttachmentStream {
    /// The next octets; `None` at the end.
    ///
    /// # Errors
    /// [`SourceGone`](ErrorKind::SourceGone) where they are not kept, and the server has them no more or others;
    /// [`StorageCorrupt`](ErrorKind::StorageCorrupt); connection, sign-in and storage kinds.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        while let Some(reader) = &mut self.reader {
            let more = if reader.is_ended() { None } else { self.octets.next().await? };
            let decoded = match more {
                Some(octets) => reader.update(&octets),
                None => {
                    let end = self.reader.take().map(AttachmentReader::finish).unwrap_or_default();
                    self.read += end.octets.len() as u64;
                    if !end.found || self.size.is_some_and(|size| size != self.read) {
                        let message = "the attachment is not what it was when it was listed";
                        return Err(Error::new(ErrorKind::SourceGone, message));
                    }
                    return Ok(Some(end.octets).filter(|octets| !octets.is_empty()));
                }
            };
            self.read += decoded.len() as u64;
            if !decoded.is_empty() {
                return Ok(Some(decoded));
            }
        }
        Ok(None)
    }
}

/// A message as its server gave it, handed over in pieces.
pub struct RawMessage {
    /// Whether these are all of its octets, as they came. Otherwise attachments are left out, or only its beginning was taken in.
    pub exact: bool,
    octets: Octets,
}

impl std::fmt::Debug for RawMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawMessage").field("exact", &self.exact).finish_non_exhaustive()
    }
}

impl RawMessage {
    /// The next octets; `None` at the end.
    ///
    /// # Errors
    /// As [`AttachmentStream::next`].
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        self.octets.next().await
    }

    /// With everything that is kept, or, by way of the server, everything.
    pub(super) fn of(
        door: &PracticeMail,
        practice: &PracticeId,
        source: Source,
        wanted: Wanted,
    ) -> Result<Self> {
        let exact = source.has(Wanted::All) || wanted == Wanted::All;
        Ok(Self { exact, octets: door.octets(practice, source, wanted)? })
    }
}

impl PracticeMail {
    /// Opens an attachment by its number in [`TabMessage::attachments`](super::TabMessage::attachments), from 0. One that is not kept
    /// is fetched from the server again.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) as [`show`](Self::show), for a number that is none, and where the viewer may not read the text;
    /// connection, sign-in and storage kinds.
    ///
    /// ```
    /// # use practicemail::PracticeMail;
    /// # use practicemail::practice_mail::Viewer;
    /// # use practicemail::types::{MessageKey, PracticeId};
    /// # async fn save(mail: &PracticeMail, practice: PracticeId, me: Viewer, id: MessageKey) -> practicemail::error::Result<()> {
    /// let mut attachment = mail.attachment(&practice, &me, id, 0).await?;
    /// while let Some(octets) = attachment.next().await? {
    ///     println!("{} octets", octets.len());
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn attachment(
        &self,
        practice: &PracticeId,
        viewer: &Viewer,
        id: MessageKey,
        number: usize,
    ) -> Result<AttachmentStream> {
        let found = self.find(practice, viewer, id).await?;
        let unknown = || Error::new(ErrorKind::NotFound, "the message has no such attachment");
        let attachment = found.summary.attachments.get(number).cloned().ok_or_else(unknown)?;
        let number = u32::try_from(number).map_err(|_| unknown())?;
        let wanted = Wanted::Attachment(number);
        let octets = self.octets(practice, found.source(viewer, wanted).ok_or_else(missing)?, wanted)?;
        let size = Some(attachment.size).filter(|_| !found.summary.incomplete);
        Ok(AttachmentStream {
            attachment,
            octets,
            reader: Some(AttachmentReader::new(number)),
            read: 0,
            size,
        })
    }

    /// Opens a whole message, as its server gave it (RFC 5322). What is not kept is fetched again.
    ///
    /// # Errors
    /// As [`attachment`](Self::attachment); also where only a colleague's own copy is there, and names Bcc recipients.
    pub async fn raw(&self, practice: &PracticeId, viewer: &Viewer, id: MessageKey) -> Result<RawMessage> {
        let found = self.find(practice, viewer, id).await?;
        let source = found.source(viewer, Wanted::All).ok_or_else(missing)?;
        RawMessage::of(self, practice, source, Wanted::All)
    }
}

impl Found {
    /// Where the octets are that are handed over.
    pub(super) fn source(&self, viewer: &Viewer, wanted: Wanted) -> Option<Source> {
        self.tab.seen(&self.archived())?.source(viewer, wanted)
    }
}

impl Seen<'_> {
    /// Where the octets of what is shown are, for one who may read it: in a copy that has them, else in one that is still on its server,
    /// else as they were sent.
    pub(super) fn source(&self, viewer: &Viewer, wanted: Wanted) -> Option<Source> {
        if !self.readable {
            return None;
        }
        let may = |copy: &MessageCopy| wanted != Wanted::All || self.whole(viewer).any(|whole| whole == copy);
        let theirs = self.open.iter().filter(|copy| copy.rendition == self.rendition.digest && may(copy));
        let cost = |copy: &&&MessageCopy| {
            let has = Source::copy(&copy.copy).has(wanted);
            (!has, copy.copy.state != CopyState::Present, copy.copy.place.clone())
        };
        let copy = theirs.min_by_key(cost).map(|held| Source::copy(&held.copy));
        let sent = self.sent.filter(|sent| sent.message.rendition == self.rendition.digest);
        let sent = sent.filter(|sent| wanted != Wanted::All || viewer.owns(&sent.message.author));
        copy.or_else(|| {
            sent.map(|sent| Source::composed(sent.message.octets.sha256, sent.message.octets.size))
        })
    }
}
