//! An account as its server lists it now, and chosen messages of it that are read again.

use std::collections::BTreeMap;

use super::mailbox_pass::MailboxPass;
use super::mailbox_writer::MailboxWriter;
use super::moves::Vanished;
use super::pass::Pass;
use super::report::AccountReport;
use super::round::row;
use crate::contract::{MailboxListing, MailboxReader, MailboxState, SyncState};
use crate::error::{ErrorKind, Result};
use crate::types::{Cursor, Mailbox, MailboxName, UidSet, UidValidity};

/// The mailboxes of an account, and how far they are read.
pub(super) struct Listed<'r> {
    pub(super) reader: &'r mut dyn MailboxReader,
    pub(super) listing: MailboxListing,
    pub(super) state: SyncState,
}

/// Messages of one mailbox.
pub(super) struct Chosen {
    pub(super) mailbox: MailboxName,
    pub(super) uid_validity: UidValidity,
    pub(super) uids: UidSet,
}

impl<'r> Listed<'r> {
    pub(super) async fn by(pass: &Pass<'_>, reader: &'r mut dyn MailboxReader) -> Result<Self> {
        let state = pass.store.sync_state(&pass.fence.practice, &pass.fence.account).await?;
        pass.begin_day(state.octets_today)?;
        let known: Vec<MailboxName> = state.mailboxes.iter().map(|mailbox| mailbox.name.clone()).collect();
        let listing = reader.mailboxes(&known).await?;
        Ok(Self { reader, listing, state })
    }

    /// One of the mailboxes that are read.
    pub(super) fn mailbox(&self, name: &MailboxName) -> Option<Mailbox> {
        self.listing.mailboxes.iter().find(|mailbox| mailbox.name == *name).cloned()
    }

    /// Reads chosen messages, whatever was seen of them. Nothing is read of a mailbox that is not what it was.
    pub(super) async fn read(
        &mut self,
        pass: &Pass<'_>,
        chosen: Chosen,
        report: &mut AccountReport,
    ) -> Result<()> {
        let Some(mailbox) = self.mailbox(&chosen.mailbox) else { return Ok(()) };
        let open = match self.reader.open(&mailbox.name).await {
            Err(error) if error.kind() == ErrorKind::MailboxUnavailable => return Ok(()),
            open => open?,
        };
        if open.uid_validity != chosen.uid_validity {
            return Ok(());
        }
        let state = state_of(&self.state, &mailbox.name, open.uid_validity);
        let cursor = state.map_or_else(|| Cursor::new(open.uid_validity), |state| state.cursor.clone());
        let gaps = state.map(|state| state.gaps.iter().map(|gap| (gap.uid, gap.clone())).collect());
        let gaps: BTreeMap<_, _> = gaps.unwrap_or_default();
        let reading = MailboxPass {
            writer: MailboxWriter::new(pass, &mailbox, open.uid_validity, row(report, &mailbox.name)),
            reader: &mut *self.reader,
            open: &open,
            cursor,
            gaps,
            // They are archived again, so that what their messages lack comes back.
            present: UidSet::new(),
            vanished: &mut Vanished::default(),
            pending: &[],
            failed: BTreeMap::new(),
            is_rationed: false,
            is_behind: false,
        };
        reading.run_over(&chosen.uids).await.map(drop)
    }
}

/// How far a mailbox is read, if it is under this validity.
pub(super) fn state_of<'s>(
    state: &'s SyncState,
    name: &MailboxName,
    uid_validity: UidValidity,
) -> Option<&'s MailboxState> {
    let known = state.mailboxes.iter().find(|mailbox| mailbox.name == *name);
    known.filter(|mailbox| mailbox.cursor.uid_validity == uid_validity)
}
