//! Handing one message over, and what its outcome means.

use std::sync::Arc;

use super::permit::{ANSWER, CLAIM_SECONDS, ClaimPermit};
use super::time::ClaimTime;
use super::turns::Open;
use super::worker::Worker;
use super::{retry, sent};
use crate::contract::{
    Filing, Outgoing, OutgoingClaim, OutgoingEnd, RecipientResult, RecipientState, RecipientVerdict, Route,
    SendReport, SentMessage, Submission,
};
use crate::error::{Error, ErrorKind, Result};
use crate::mime;
use crate::types::{Address, Field, RecipientPolicy, Timestamp};

type Told = Vec<(Address, RecipientState, String)>;

/// One message that was claimed.
pub(super) struct Delivery<'a> {
    pub(super) worker: &'a Worker,
    pub(super) claim: &'a OutgoingClaim,
    pub(super) time: ClaimTime,
}

impl Delivery<'_> {
    /// Hands it over and writes what became of it.
    pub(super) async fn deliver(&self, open: &mut Open) -> Result<Outgoing> {
        let end = match self.hand_over(open).await {
            Ok(end) => end,
            Err(error) => self.not_sent(&error, Vec::new()).await?,
        };
        self.finish(end).await
    }

    /// Ends a delivery whose deliverer is gone: nobody knows how far it came.
    pub(super) async fn recover(&self) -> Result<Outgoing> {
        let failure =
            (ErrorKind::DeliveryUnknown, "the process that was sending it ended in between".to_owned());
        // That nobody knows has to be written even where the octets are gone.
        let archived = match self.worker.octets(&self.claim.item.message).await {
            Ok(octets) => self.archived(&octets).await.unwrap_or_default(),
            Err(_) => None,
        };
        self.finish(self.unknown(failure, archived)).await
    }

    /// An error means that nothing left.
    async fn hand_over(&self, open: &mut Open) -> Result<OutgoingEnd> {
        let octets = self.worker.octets(&self.claim.item.message).await?;
        // Whatever can fail is asked before: once the provider has answered, nothing may stand between that and the outbox.
        let archived = self.archived(&octets).await?;
        let filing = self.worker.filing_of(&self.claim.item).await?;
        let transport = open.transport_for(self.worker, &self.claim.item).await?;
        let permit = ClaimPermit { store: self.worker.store.clone(), claim: self.claim.clone() };
        match transport.send(&self.submission(&octets), Arc::new(permit)).await {
            Ok(report) => Ok(self.accepted(&report, filing, archived)),
            Err(failure) if failure.error.kind() == ErrorKind::DeliveryUnknown => {
                Ok(self.unknown((failure.error.kind(), failure.error.to_string()), archived))
            }
            Err(failure) => {
                if !is_about_the_message(failure.error.kind()) {
                    // The next one tries with what the account says then.
                    open.transport = None;
                }
                self.not_sent(&failure.error, told(failure.recipients)).await
            }
        }
    }

    fn submission(&self, octets: &[u8]) -> Submission {
        let message = &self.claim.item.message;
        let pending = || self.claim.item.recipients.iter().filter(|r| r.state == RecipientState::Pending);
        let everybody = pending().map(|r| r.address.clone()).collect();
        let blind = pending().filter(|r| r.field == Field::Bcc).map(|r| r.address.clone()).collect();
        Submission::new(message.reverse_path.clone(), everybody, mime::without_bcc(octets))
            .blind(blind)
            .policy(message.policy)
    }

    /// The provider took it, for those it accepted.
    fn accepted(
        &self,
        report: &SendReport,
        filing: Filing,
        archived: Option<Box<SentMessage>>,
    ) -> OutgoingEnd {
        let item = &self.claim.item;
        let now = self.time.now();
        // When those are tried who were not decided: at once, if the transaction was full; later, if they were put off.
        let mut rest: Option<Timestamp> = None;
        let mut wait_until = |at: Timestamp| rest = Some(rest.map_or(at, |earlier| earlier.min(at)));
        let mut state = |verdict: &RecipientVerdict| match verdict {
            RecipientVerdict::Accepted => RecipientState::Accepted,
            RecipientVerdict::Refused(_) => RecipientState::Refused,
            RecipientVerdict::TooMany => {
                wait_until(now);
                RecipientState::Pending
            }
            RecipientVerdict::Deferred(error) => {
                match retry::next_try(error, item.attempts, wanted_at(item), now) {
                    Some(at) => {
                        wait_until(at);
                        RecipientState::Pending
                    }
                    None => RecipientState::Refused,
                }
            }
        };
        // Whoever was handed over and is not told apart has it: nobody is sent to again for want of a word.
        let pending = item.recipients.iter().filter(|r| r.state == RecipientState::Pending);
        let recipients: Told = pending
            .map(|recipient| {
                let key = recipient.address.key();
                let told = report.recipients.iter().find(|told| told.address.key() == key);
                let address = recipient.address.clone();
                told.map_or_else(
                    || (address.clone(), RecipientState::Accepted, report.reply.clone()),
                    |told| (address.clone(), state(&told.verdict), told.reply.clone()),
                )
            })
            .collect();
        let next_try = rest.or_else(|| (filing == Filing::Pending).then_some(now));
        OutgoingEnd::Sent { recipients, filing, archived, failure: None, next_try }
    }

    /// Nothing left: it is tried again, or refused.
    async fn not_sent(&self, error: &Error, mut recipients: Told) -> Result<OutgoingEnd> {
        let item = &self.claim.item;
        let now = self.time.now();
        let failure = (error.kind(), error.to_string());
        if error.kind() == ErrorKind::FenceLost {
            // Either the account is gone, or the claim took too long: the store knows which, and whether it is still ours.
            return Ok(match self.worker.account_of(item).await? {
                Some(account) if account.epoch != self.claim.epoch => {
                    let message = "the account was out of use before the message left";
                    refused(&Error::new(ErrorKind::AccountCannotSend, message))
                }
                None if item.message.route != Route::Noreply => refused(&self.worker.no_way(item).await?),
                _ => {
                    let slow = too_slow();
                    let failure = (slow.kind(), slow.to_string());
                    match retry::next_try(&slow, item.attempts, wanted_at(item), now) {
                        Some(next_try) => OutgoingEnd::Retry { failure, recipients: Vec::new(), next_try },
                        None => OutgoingEnd::Refused { failure, recipients },
                    }
                }
            });
        }
        if let Some(next_try) = retry::next_try(error, item.attempts, wanted_at(item), now) {
            if item.message.policy == RecipientPolicy::AllOrNone {
                // All of them are asked again: one refused for good must not be left out while the others get it.
                for (_, state, _) in &mut recipients {
                    *state = RecipientState::Pending;
                }
            }
            return Ok(OutgoingEnd::Retry { failure, recipients, next_try });
        }
        if item.recipients.iter().any(|r| r.state == RecipientState::Accepted) {
            // A part of the recipients has it: it was sent, and the others were refused.
            let others = item.recipients.iter().filter(|r| r.state == RecipientState::Pending);
            let refused = |a: &Address| recipients.iter().find(|(address, ..)| address == a);
            let recipients = others
                .map(|r| {
                    let reply =
                        refused(&r.address).map_or_else(|| failure.1.clone(), |(_, _, reply)| reply.clone());
                    (r.address.clone(), RecipientState::Refused, reply)
                })
                .collect();
            let filing = self.worker.filing_of(item).await?;
            let next_try = (filing == Filing::Pending).then_some(now);
            let failure = item.unarchived().cloned();
            return Ok(OutgoingEnd::Sent { recipients, filing, archived: None, failure, next_try });
        }
        Ok(OutgoingEnd::Refused { failure, recipients })
    }

    fn unknown(&self, failure: (ErrorKind, String), archived: Option<Box<SentMessage>>) -> OutgoingEnd {
        let now = self.time.now();
        let answer = i64::try_from(ANSWER.as_secs()).unwrap_or(i64::MAX);
        // Evidence can only lie in a mailbox of one's own.
        let next_try = self.claim.item.message.route.account().map(|_| now);
        OutgoingEnd::Unknown { failure, decide_after: now.plus(answer), archived, next_try }
    }

    async fn archived(&self, octets: &[u8]) -> Result<Option<Box<SentMessage>>> {
        let practice = &self.claim.item.message.practice;
        sent::archived(&*self.worker.directory, practice, octets, self.time.now()).await
    }

    /// Writes the end. What a message was sent with must not be lost to a moment's trouble of the store: it is written again
    /// as long as the claim lasts. Nor may it be to an archive that does not take the message: then it is written without.
    async fn finish(&self, mut end: OutgoingEnd) -> Result<Outgoing> {
        let mut left = CLAIM_SECONDS / 5;
        loop {
            match self.worker.store.finish_outgoing(self.claim, &end).await {
                Err(error) if error.kind() == ErrorKind::StorageRefused && end.archived().is_some() => {
                    tracing::warn!(
                        kind = error.kind().as_str(),
                        "a message that may have left is not archived"
                    );
                    end = end.unarchived(&error);
                    continue;
                }
                Err(error) if left > 0 && is_passing(error.kind()) => left -= 1,
                done => return done,
            }
            tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        }
    }
}

/// Whether a refusal says nothing about the session: it goes on with the next message.
pub(super) fn is_about_the_message(kind: ErrorKind) -> bool {
    use ErrorKind::{MessageRefused, MessageTooLarge, RecipientDeferred, RecipientRefused, StorageRefused};
    matches!(kind, MessageRefused | MessageTooLarge | RecipientDeferred | RecipientRefused | StorageRefused)
}

/// What a lost claim comes to, where nobody took it: the server was too slow.
fn too_slow() -> Error {
    Error::new(ErrorKind::TimedOut, "the claim ran out before the message could leave")
}

/// Whether a store may be well again in a moment.
fn is_passing(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Busy | ErrorKind::Storage | ErrorKind::StorageFull)
}

fn refused(error: &Error) -> OutgoingEnd {
    OutgoingEnd::Refused { failure: (error.kind(), error.to_string()), recipients: Vec::new() }
}

/// What was said of recipients when nothing left: those who would have been accepted are still to be asked.
fn told(results: Vec<RecipientResult>) -> Told {
    let state = |verdict: &RecipientVerdict| match verdict {
        RecipientVerdict::Refused(_) => RecipientState::Refused,
        _ => RecipientState::Pending,
    };
    results.into_iter().map(|r| (r.address, state(&r.verdict), r.reply)).collect()
}

/// When the author wanted it to leave.
fn wanted_at(item: &Outgoing) -> Timestamp {
    item.message.not_before.unwrap_or(item.created_at)
}
