//! The Sent copy: looked for, filed where it is not, and evidence for what is unknown.

use std::time::Duration;

use super::retry;
use super::time::ClaimTime;
use super::turns::Open;
use super::worker::Worker;
use crate::contract::{FiledCopy, MessageFiler, Outgoing, OutgoingClaim, OutgoingEnd, OutgoingWork};
use crate::error::{Error, ErrorKind, Result};
use crate::types::MessageDate;

/// Pauses before looks, in seconds: providers that file the copy themselves do it within moments of taking the message.
const LOOKS: [u64; 4] = [0, 1, 1, 2];

/// A claim to look for a copy, or to file it.
pub(super) struct FilingJob<'a> {
    pub(super) worker: &'a Worker,
    pub(super) claim: &'a OutgoingClaim,
    pub(super) time: ClaimTime,
}

impl FilingJob<'_> {
    /// Does it and writes what became of it.
    pub(super) async fn run(&self, open: &mut Open) -> Result<Outgoing> {
        let end = match self.end(open).await {
            Ok(end) => end,
            Err(error) => {
                open.filer = None;
                self.failed(&error)
            }
        };
        self.worker.store.finish_outgoing(self.claim, &end).await
    }

    async fn end(&self, open: &mut Open) -> Result<OutgoingEnd> {
        let item = &self.claim.item;
        let Some(account) = self.worker.account_of(item).await? else {
            return Err(self.worker.no_way(item).await?);
        };
        if open.filer.is_none() {
            open.filer = Some(self.worker.sessions.filer(&account).await?);
        }
        let taken = || Error::new(ErrorKind::Cancelled, "the session was taken away");
        let filer = open.filer.as_mut().ok_or_else(taken)?;
        let mailbox = filer.sent_mailbox().await?;
        let learnt = self.worker.store.files_copies(&item.message.practice, &account.account.id).await?;
        let known = account.account.settings.outgoing.as_ref().and_then(|o| o.provider().files_copy);
        // An earlier try may have added it: then finding it says nothing about the provider. Where the archive did
        // not take the message, nothing tells whether there was one.
        let first = item.failure.is_none();
        let patient = learnt.or(known) != Some(false) && (first || item.unarchived().is_some());
        if let Some(copy) = self.look(filer.as_mut(), &mailbox, patient).await? {
            return Ok(OutgoingEnd::Found { copy, learnt: first.then_some(true) });
        }
        if self.claim.work == OutgoingWork::Look {
            let since = item.decide_after.unwrap_or(item.created_at);
            return Ok(OutgoingEnd::NotFound { next_try: retry::next_look(since, self.time.now()) });
        }
        let octets = self.worker.octets(&item.message).await?;
        let date = super::sent::parse(&octets).headers.date;
        let date = date.unwrap_or(MessageDate::new(item.sent_at.unwrap_or(item.created_at), 0));
        let copy = filer.append(&mailbox, &octets, date).await?;
        Ok(OutgoingEnd::Filed { copy, learnt: (patient && first).then_some(false) })
    }

    async fn look(
        &self,
        filer: &mut dyn MessageFiler,
        mailbox: &crate::types::MailboxName,
        patient: bool,
    ) -> Result<Option<FiledCopy>> {
        let message = &self.claim.item.message;
        for pause in LOOKS.into_iter().take(if patient { LOOKS.len() } else { 1 }) {
            if pause > 0 {
                tokio::time::sleep(Duration::from_secs(pause)).await;
            }
            if let Some(copy) = filer.find(mailbox, message.id, &message.message_id).await? {
                return Ok(Some(copy));
            }
        }
        Ok(None)
    }

    fn failed(&self, error: &Error) -> OutgoingEnd {
        let item = &self.claim.item;
        let now = self.time.now();
        let next_try = match self.claim.work {
            OutgoingWork::Look => retry::next_look(item.decide_after.unwrap_or(item.created_at), now),
            _ => retry::next_filing(error, item.sent_at.unwrap_or(item.created_at), now),
        };
        OutgoingEnd::FilingFailed { failure: (error.kind(), error.to_string()), next_try }
    }
}
