//! Messages longer than an account takes in: their beginning is, and they are marked.

use super::gathered::Gathered;
use super::incoming::Incoming;
use super::mailbox_pass::{MailboxPass, breaks_session};
use crate::contract::{Addressed, MAX_RANGE};
use crate::error::{ErrorKind, Result};
use crate::types::GapReason;

impl MailboxPass<'_, '_> {
    /// Fetches the beginning of a message and gathers it. What came whole before is kept when the session breaks.
    pub(super) async fn fetch_beginning(
        &mut self,
        message: Addressed,
        gathered: &mut Gathered,
    ) -> Result<()> {
        let octets = match self.reader.read_range(message.uid, 0, MAX_RANGE).await {
            Ok(Some(octets)) if !octets.is_empty() => octets,
            Ok(nothing) => {
                let reason = if nothing.is_some() { GapReason::Empty } else { GapReason::NotAnswered };
                self.failed.insert(message.uid, reason);
                return Ok(());
            }
            Err(error) if error.kind() == ErrorKind::ServerRefused => {
                self.failed.insert(message.uid, GapReason::Refused);
                return Ok(());
            }
            Err(error) => {
                if breaks_session(&error) {
                    self.failed = [(message.uid, GapReason::WrongSize)].into();
                    self.flush(gathered).await?;
                }
                return Err(error);
            }
        };
        if self.take_report(&message, &octets, gathered) {
            return Ok(());
        }
        let mut incoming = Incoming::begin(self.writer.pass, MAX_RANGE as u64, 0).await?;
        incoming.add(&octets).await?;
        let (blob, parsed) = incoming.end_of_beginning().await?;
        self.writer.report.beginnings += 1;
        gathered.add(self.writer.archived_beginning(&message, blob, parsed));
        Ok(())
    }
}
