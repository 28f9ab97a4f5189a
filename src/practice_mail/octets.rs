//! A message's octets, from where they are: the blob store, and for what is not kept the server.

use std::collections::VecDeque;

use super::PracticeMail;
use crate::contract::{MAX_RANGE, MailboxReader, SignInHints};
use crate::error::{Error, ErrorKind, Result};
use crate::mime::{Segment, segments};
use crate::types::{Copy, CopyPlace, Cut, Digest, Hasher, Kept, PracticeId};

/// Octets handed over at once.
const CHUNK: usize = 256 << 10;

/// A stretch of a message.
#[derive(Debug, Clone, Copy)]
enum Stretch {
    /// In the blob store; to its end where no length is said.
    Stored { blob: Digest, offset: u64, length: Option<u64> },
    /// On the server; what was digested once has to be the same.
    Served { offset: u64, length: u64, sha256: Option<Digest> },
}

/// Which octets are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// What is kept, nothing from the server.
    Kept,
    /// What is kept, and this attachment.
    Attachment(u32),
    /// All of them, to take what is in them: they are not handed over as they are.
    Content,
    /// All of them.
    All,
}

/// Where the octets of a message are: in a copy, or as it was sent.
#[derive(Debug, Clone)]
pub(super) struct Source {
    blob: Digest,
    size: u64,
    kept: Kept,
    place: Option<CopyPlace>,
}

impl Source {
    /// What a copy holds.
    pub(super) fn copy(copy: &Copy) -> Self {
        Self { blob: copy.blob(), size: copy.size, kept: copy.kept.clone(), place: Some(copy.place.clone()) }
    }

    /// What was composed here.
    pub(super) const fn composed(blob: Digest, size: u64) -> Self {
        Self { blob, size, kept: Kept::Whole, place: None }
    }

    /// Whether what is wanted is in the blob store, and all of it.
    pub(super) fn has(&self, wanted: Wanted) -> bool {
        match (&self.kept, wanted) {
            (Kept::Whole, _) => true,
            (Kept::WithoutAttachments { cuts, .. }, Wanted::Attachment(number)) => {
                cuts.iter().all(|cut| cut.attachment != number)
            }
            _ => false,
        }
    }
}

/// The octets of a message, stretch by stretch.
pub(super) struct Octets {
    door: PracticeMail,
    practice: PracticeId,
    place: Option<CopyPlace>,
    stretches: VecDeque<Stretch>,
    server: Option<Box<dyn MailboxReader>>,
    /// The digest of the stretch that comes from the server.
    served: Hasher,
    /// Of that, what comes last: it is handed over when the digest is right.
    held: Vec<u8>,
}

impl PracticeMail {
    /// The octets of a message; a connection to the server is made when one is needed.
    pub(super) fn octets(&self, practice: &PracticeId, source: Source, wanted: Wanted) -> Result<Octets> {
        let blob = source.blob;
        let mut stretches = VecDeque::new();
        match &source.kept {
            Kept::Beginning if wanted != Wanted::Kept => {
                stretches.push_back(Stretch::Served { offset: 0, length: source.size, sha256: None });
            }
            Kept::Whole | Kept::Beginning => {
                stretches.push_back(Stretch::Stored { blob, offset: 0, length: None });
            }
            Kept::WithoutAttachments { cuts, .. } => {
                let stored = source.size.saturating_sub(cuts.iter().map(|cut| cut.length).sum());
                let odd =
                    || Error::new(ErrorKind::StorageCorrupt, "what was cut out of a message does not fit it");
                for segment in segments(stored, cuts).ok_or_else(odd)? {
                    match segment {
                        Segment::Stored { offset, length } => {
                            stretches.push_back(Stretch::Stored { blob, offset, length: Some(length) });
                        }
                        Segment::Cut(number) => {
                            let wanted = cuts.get(number).filter(|cut| is_wanted(cut, wanted));
                            stretches.extend(wanted.map(|cut| Stretch::Served {
                                offset: cut.offset,
                                length: cut.length,
                                sha256: Some(cut.sha256),
                            }));
                        }
                    }
                }
            }
        }
        Ok(Octets {
            door: self.clone(),
            practice: practice.clone(),
            place: source.place,
            stretches,
            server: None,
            served: Hasher::new(),
            held: Vec::new(),
        })
    }
}

const fn is_wanted(cut: &Cut, wanted: Wanted) -> bool {
    match wanted {
        Wanted::Kept => false,
        Wanted::Attachment(number) => cut.attachment == number,
        Wanted::Content | Wanted::All => true,
    }
}

impl Octets {
    /// All of them, of a message of at most `most` octets.
    ///
    /// # Errors
    /// [`MessageTooLarge`](ErrorKind::MessageTooLarge) for more.
    pub(super) async fn all(mut self, most: usize) -> Result<Vec<u8>> {
        let mut all = Vec::new();
        while let Some(octets) = self.next().await? {
            if all.len() + octets.len() > most {
                return Err(Error::new(
                    ErrorKind::MessageTooLarge,
                    "the message is too long to be passed on",
                ));
            }
            all.extend(octets);
        }
        Ok(all)
    }

    /// The next octets; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        while let Some(stretch) = self.stretches.front().copied() {
            let octets = match stretch {
                Stretch::Stored { blob, offset, length } => self.stored(blob, offset, length).await?,
                Stretch::Served { offset, length, sha256 } => self.served(offset, length, sha256).await?,
            };
            if !octets.is_empty() {
                return Ok(Some(octets));
            }
        }
        if let Some(server) = self.server.take() {
            server.close().await;
        }
        Ok(None)
    }

    async fn stored(&mut self, blob: Digest, offset: u64, length: Option<u64>) -> Result<Vec<u8>> {
        let wanted = length.map_or(CHUNK, |length| usize::try_from(length).unwrap_or(usize::MAX).min(CHUNK));
        let lost =
            || Error::new(ErrorKind::StorageCorrupt, "the octets of a message are not in the blob store");
        let octets =
            self.door.storage.blobs.read(&self.practice, blob, offset, wanted).await?.ok_or_else(lost)?;
        let read = octets.len() as u64;
        let left = length.map(|length| length.saturating_sub(read));
        self.stretches.pop_front();
        if octets.len() == wanted && left != Some(0) {
            self.stretches.push_front(Stretch::Stored { blob, offset: offset + read, length: left });
        } else if left.is_some_and(|left| left > 0) {
            return Err(lost());
        }
        Ok(octets)
    }

    async fn served(&mut self, offset: u64, length: u64, sha256: Option<Digest>) -> Result<Vec<u8>> {
        let wanted = usize::try_from(length).unwrap_or(usize::MAX).min(MAX_RANGE);
        let place = self.place.clone().ok_or_else(gone)?;
        let server = self.server(&place).await?;
        let octets = server.read_range(place.uid, offset, wanted).await?.ok_or_else(gone)?;
        if octets.is_empty() || octets.len() > wanted {
            return if sha256.is_none() && octets.is_empty() {
                Ok(self.end_of_served())
            } else {
                Err(gone())
            };
        }
        self.served.update(&octets);
        let read = octets.len() as u64;
        self.stretches.pop_front();
        let before = std::mem::replace(&mut self.held, octets);
        let left = length - read;
        if left > 0 {
            self.stretches.push_front(Stretch::Served { offset: offset + read, length: left, sha256 });
            return Ok(before);
        }
        let digest = std::mem::replace(&mut self.served, Hasher::new()).finish();
        if sha256.is_some_and(|expected| expected != digest) {
            return Err(gone());
        }
        Ok([before, std::mem::take(&mut self.held)].concat())
    }

    /// The message is shorter than the server said, as some say.
    fn end_of_served(&mut self) -> Vec<u8> {
        self.stretches.pop_front();
        std::mem::take(&mut self.held)
    }

    /// The session with the copy's mailbox open.
    async fn server(&mut self, place: &CopyPlace) -> Result<&mut Box<dyn MailboxReader>> {
        if self.server.is_none() {
            let account = self.door.in_use(&self.practice, &place.account).await?.account;
            let connection = self.door.connections.open_reader(&account, &SignInHints::default()).await?;
            let mut reader = connection.reader;
            let open = reader.open(&place.mailbox).await?;
            if open.uid_validity != place.uid_validity || !open.uids.contains(place.uid) {
                reader.close().await;
                return Err(gone());
            }
            self.server = Some(reader);
        }
        self.server.as_mut().ok_or_else(gone)
    }
}

fn gone() -> Error {
    Error::new(ErrorKind::SourceGone, "the message is not in its mailbox any more, or not what it was")
}
