//! The writing half of reading a mailbox: what was read, as transactions of the archive.

use std::collections::HashSet;

use super::gathered::{Gathered, Parted, parted};
use super::pass::Pass;
use super::report::MailboxReport;
use super::{absence, plan};
use crate::contract::{Addressed, ArchivedCopy, BlobInfo, DeadLetter, Window};
use crate::error::{ErrorKind, Result};
use crate::mime;
use crate::types::{
    AddressKey, Copy, CopyPlace, Field, Kept, Mailbox, MessageKey, ParsedMessage, Participant, Uid,
    UidValidity,
};

/// Writes what was read of one mailbox under one validity.
pub(super) struct MailboxWriter<'p, 'a> {
    pub(super) pass: &'p Pass<'a>,
    pub(super) mailbox: &'p Mailbox,
    pub(super) uid_validity: UidValidity,
    pub(super) report: &'p mut MailboxReport,
    /// How many messages are left to be read, once that is known.
    pub(super) left: Option<u64>,
}

impl Pass<'_> {
    /// Whether a message lies where the account keeps what it sent.
    pub(super) fn is_sent(&self, mailbox: &Mailbox, message: &Addressed) -> bool {
        absence::is_sent(&self.account.settings, mailbox, message)
    }
}

impl<'p, 'a> MailboxWriter<'p, 'a> {
    pub(super) fn new(
        pass: &'p Pass<'a>,
        mailbox: &'p Mailbox,
        uid_validity: UidValidity,
        report: &'p mut MailboxReport,
    ) -> Self {
        Self { pass, mailbox, uid_validity, report, left: None }
    }
}

impl MailboxWriter<'_, '_> {
    pub(super) fn window(&self) -> Window {
        Window::new(self.mailbox.name.clone(), self.uid_validity)
    }

    pub(super) fn place(&self, uid: Uid) -> CopyPlace {
        CopyPlace::new(self.pass.fence.account.clone(), self.mailbox.name.clone(), self.uid_validity, uid)
    }

    pub(super) async fn commit(&mut self, window: &mut Window) -> Result<()> {
        window.octets_read = self.pass.unaccounted();
        window.left = self.left;
        self.pass.keep_lease().await?;
        let receipt = self.pass.store.commit_window(self.pass.fence, window).await?;
        self.report.new_messages += u64::from(receipt.new_messages);
        self.report.new_copies += u64::from(receipt.new_copies);
        self.pass.spend(window.octets_read)
    }

    /// Archives what was gathered. What the store refuses is looked for in halves, so that the one message it does not take keeps
    /// no other away: that one becomes a dead letter, octets and all.
    pub(super) async fn archive(&mut self, gathered: Gathered) -> Result<()> {
        let mut left = vec![gathered.into_window(self.window())];
        while let Some(mut window) = left.pop() {
            let Err(error) = self.commit(&mut window).await else { continue };
            if error.kind() != ErrorKind::StorageRefused {
                return Err(error);
            }
            match parted(window) {
                Parted::Two(first, second) => left.extend([second, first]),
                Parted::One(copy) => self.bury(&copy).await?,
                Parted::None => return Err(error),
            }
        }
        Ok(())
    }

    /// Makes a dead letter of a message that the store does not take.
    async fn bury(&mut self, copy: &ArchivedCopy) -> Result<()> {
        let place = &copy.copy.place;
        let mut letter = DeadLetter::new(place.clone(), "the storage does not take it", self.pass.now());
        letter.message_id.clone_from(&copy.parsed.headers.message_id);
        // The octets of a message of which not all is kept are there still, whole, for as long as something names them.
        let came_whole = copy.copy.kept != Kept::Beginning;
        letter.octets = came_whole.then_some((copy.copy.sha256, copy.copy.size));
        letter.internal_date = copy.copy.internal_date;
        letter.labels.clone_from(&copy.copy.labels);
        let mut window = self.window();
        window.seen.insert(place.uid);
        window.history_done.insert(place.uid);
        window.dead_letters.push(letter);
        self.commit(&mut window).await?;
        self.report.dead_letters += 1;
        Ok(())
    }

    pub(super) fn is_sent(&self, message: &Addressed) -> bool {
        self.pass.is_sent(self.mailbox, message)
    }

    /// A message that came, as it is archived.
    pub(super) fn archived(
        &self,
        message: &Addressed,
        blob: BlobInfo,
        mut parsed: ParsedMessage,
    ) -> ArchivedCopy {
        let sent = self.is_sent(message);
        let mut postings = self.pass.matcher.postings(&parsed.headers.participants, sent);
        // What was matched by is indexed, whatever the whole message says.
        postings.extend(self.pass.matcher.postings(&message.headers.participants, sent));
        let mut copy = Copy::new(self.place(message.uid), blob.sha256, blob.size, message.internal_date);
        copy.labels.clone_from(&message.labels);
        let sort_time = plan::sort_time(parsed.headers.date, message.internal_date, self.pass.now());
        let key = MessageKey::of(&parsed.headers, &blob.sha256);
        if !sent && !self.pass.matcher.is_outgoing(&parsed.headers.participants) {
            let trusted = self.pass.account.settings.trusted_authentication();
            copy.authenticity = mime::authenticity(&parsed.authentication, trusted);
        }
        complete(&mut parsed.headers.participants, &message.headers.participants);
        if !self.pass.matcher.trusts_bcc(&parsed.headers.participants, sent) {
            // Whoever wrote that field, it names nobody who takes part.
            parsed.headers.participants.retain(|participant| participant.field != Field::Bcc);
        }
        let mut archived = ArchivedCopy::new(key, sort_time, parsed, copy, postings);
        archived.in_sent = sent;
        archived.thread.clone_from(&message.thread);
        archived
    }

    /// A message of which the beginning came, as it is archived.
    pub(super) fn archived_beginning(
        &self,
        message: &Addressed,
        blob: BlobInfo,
        parsed: ParsedMessage,
    ) -> ArchivedCopy {
        let mut archived = self.archived(message, blob, parsed);
        archived.copy.size = message.size;
        archived.copy.kept = Kept::Beginning;
        archived
    }
}

/// Adds those who were scanned and are not among the parsed: whom a message is found by is shown, and ruled by, whatever the whole
/// message says. Its identity and its rendition are those of what was parsed.
fn complete(parsed: &mut Vec<Participant>, scanned: &[Participant]) {
    let mut known: HashSet<(Field, AddressKey)> = parsed.iter().map(|p| (p.field, p.address.key())).collect();
    let before = parsed.len();
    parsed.extend(scanned.iter().filter(|p| known.insert((p.field, p.address.key()))).cloned());
    if parsed.len() > before {
        parsed.sort_by_key(|p| Field::ALL.iter().position(|field| *field == p.field));
    }
}
