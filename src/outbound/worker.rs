//! Works the outbox: claims what is due and does it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::StreamExt as _;
use tokio::time::Instant;

use super::deliver::{Delivery, is_about_the_message};
use super::filing::FilingJob;
use super::time::ClaimTime;
use super::{Sessions, Turns, sent};
use crate::contract::{
    AccountRecord, AccountState, BlobStore, Clock, Filing, MailStore, MailTransport, NewOutgoing, Outgoing,
    OutgoingState, OutgoingWork, PracticeDirectory, Route, SendLimits, SentMessage,
};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{OutgoingId, PracticeId, Timestamp};

use super::permit::CLAIM_SECONDS;
use super::turns::Way;

/// Intents looked up at once.
const BATCH: usize = 50;
/// Ways worked on side by side.
const SIDE_BY_SIDE: usize = 8;
/// Steps one intent is taken through at once: a delivery in two transactions, a look, the filing of the copy.
const MAX_STEPS: usize = 20;

/// Everything delivery works with. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) store: Arc<dyn MailStore>,
    pub(crate) blobs: Arc<dyn BlobStore>,
    pub(crate) directory: Arc<dyn PracticeDirectory>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sessions: Arc<dyn Sessions>,
    pub(crate) turns: Arc<Turns>,
    /// Says who holds a claim, for people.
    pub(crate) holder: Arc<str>,
    /// Whether nothing more is to be begun.
    pub(crate) is_over: Arc<dyn Fn() -> bool + Send + Sync>,
}

/// What a claim came to, and when, by the store's clock.
struct Step {
    item: Outgoing,
    at: Timestamp,
}

/// An intent and what its step came to.
type Walked = (OutgoingId, Result<Option<Outgoing>>);

impl Worker {
    /// Begins nothing more once `is_over`.
    pub(crate) fn until(mut self, is_over: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.is_over = Arc::new(is_over);
        self
    }

    /// Does all there is to do now in a practice's outbox; answers the intents it worked on as they are then.
    pub(crate) async fn drain(&self, practice: &PracticeId) -> Result<Vec<Outgoing>> {
        let mut done = BTreeMap::new();
        // What cannot be worked on now must not stand in the way of the rest: another has it, a limit is reached, it failed.
        let mut passed_over = BTreeSet::new();
        let mut failed = None;
        loop {
            let mut due = self.store.due_outgoing(practice, BATCH + passed_over.len()).await?;
            due.retain(|id| !passed_over.contains(id));
            if due.is_empty() || (self.is_over)() {
                return failed.map_or_else(|| Ok(done.into_values().collect()), Err);
            }
            let mut ways: BTreeMap<Route, Vec<OutgoingId>> = BTreeMap::new();
            for id in due {
                match self.store.outgoing(practice, id).await? {
                    Some(item) => ways.entry(item.message.route).or_default().push(id),
                    None => _ = passed_over.insert(id),
                }
            }
            let ways = ways.into_iter().map(|(route, ids)| self.walk(practice, route, ids));
            let steps: Vec<_> =
                futures_util::stream::iter(ways).buffer_unordered(SIDE_BY_SIDE).collect().await;
            for (id, step) in steps.into_iter().flatten() {
                match step {
                    Ok(Some(item)) => _ = done.insert(id, item),
                    Ok(None) => _ = passed_over.insert(id),
                    Err(error) => {
                        passed_over.insert(id);
                        failed.get_or_insert(error);
                    }
                }
            }
        }
    }

    /// One step of each intent of one way, on one session. Where the server is not there the rest wait for another run.
    async fn walk(&self, practice: &PracticeId, route: Route, ids: Vec<OutgoingId>) -> Vec<Walked> {
        let turn = self.turns.of(practice, &route);
        let more = turn.expect_more();
        let mut steps = Vec::with_capacity(ids.len());
        let mut ids = ids.into_iter();
        for id in ids.by_ref() {
            let step = self.step(practice, id).await;
            let stands_still = matches!(&step, Ok(Some(item)) if stands_still(item));
            steps.push((id, step));
            if stands_still || (self.is_over)() {
                break;
            }
        }
        steps.extend(ids.map(|id| (id, Ok(None))));
        drop(more);
        turn.take().await.end().await;
        steps
    }

    /// Takes one intent as far as it goes now; waits for whoever is at it in this process.
    pub(crate) async fn work_on(&self, practice: &PracticeId, id: OutgoingId) -> Result<()> {
        let intent = self.turns.of_intent(id);
        let _alone = intent.lock().await;
        // By this machine's clock only until a claim says better: what is due and passed over here, `drain` takes up; what is not due, the
        // store refuses.
        let mut now = self.clock.now();
        for _ in 0..MAX_STEPS {
            let Some(item) = self.store.outgoing(practice, id).await? else { break };
            if is_early(&item, now) {
                break;
            }
            let Some(step) = self.claim(item).await? else { break };
            now = step.at;
        }
        Ok(())
    }

    /// Looks for evidence of one whose outcome is unknown, whether it is time or not.
    pub(crate) async fn look(&self, practice: &PracticeId, id: OutgoingId) -> Result<()> {
        match self.store.outgoing(practice, id).await? {
            Some(item) if item.state == OutgoingState::Unknown => self.claim(item).await.map(drop),
            _ => self.work_on(practice, id).await,
        }
    }

    /// One claim of an intent that the store says is due; `None` when another has it.
    async fn step(&self, practice: &PracticeId, id: OutgoingId) -> Result<Option<Outgoing>> {
        let Some(item) = self.store.outgoing(practice, id).await? else { return Ok(None) };
        Ok(self.claim(item).await?.map(|step| step.item))
    }

    /// One claim and what it is for; `None` when there is nothing to do now, or another does it.
    #[tracing::instrument(name = "outgoing", skip_all, fields(id = %item.message.id))]
    async fn claim(&self, item: Outgoing) -> Result<Option<Step>> {
        let (practice, id) = (&item.message.practice, item.message.id);
        let turn = self.turns.of(practice, &item.message.route);
        let mut taken = turn.take().await;
        let limits = self.limits(&item).await?;
        let asked = Instant::now();
        let claim = self.store.claim_outgoing(practice, id, &self.holder, CLAIM_SECONDS, limits).await;
        let claim = match claim {
            Ok(claim) => claim,
            Err(error) => {
                taken.end().await;
                return if is_for_later(error.kind()) { Ok(None) } else { Err(error) };
            }
        };
        let open = &mut *taken.open;
        let time = ClaimTime::of(&claim, asked);
        let delivery = Delivery { worker: self, claim: &claim, time };
        let done = match claim.work {
            OutgoingWork::Deliver => delivery.deliver(open).await,
            OutgoingWork::Recover => delivery.recover().await,
            OutgoingWork::Look | OutgoingWork::File => {
                FilingJob { worker: self, claim: &claim, time }.run(open).await
            }
        };
        taken.end().await;
        match done {
            Ok(item) => {
                tracing::info!(work = ?claim.work, state = item.state.as_str(), route = item.message.route.as_str(), "done");
                Ok(Some(Step { item, at: time.now() }))
            }
            // Another has it now, and writes what becomes of it.
            Err(error) if error.kind() == ErrorKind::FenceLost => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The account an intent leaves by, in use or not; none by noreply.
    async fn record_of(&self, item: &Outgoing) -> Result<Option<AccountRecord>> {
        let Some(id) = item.message.route.account() else { return Ok(None) };
        let accounts = self.store.accounts(&item.message.practice).await?;
        Ok(accounts.into_iter().find(|record| record.account.id == *id))
    }

    /// The connected account an intent leaves by.
    pub(super) async fn account_of(&self, item: &Outgoing) -> Result<Option<AccountRecord>> {
        let record = self.record_of(item).await?;
        Ok(record.filter(|record| record.state == AccountState::Connected))
    }

    /// Why an intent has no way to leave by, or its copy no mailbox to be looked for in.
    pub(super) async fn no_way(&self, item: &Outgoing) -> Result<Error> {
        let state = self.record_of(item).await?.map(|record| record.state);
        let (kind, message) = match (&item.message.route, state) {
            (Route::Noreply, _) => (ErrorKind::NoWayToSend, "the practice has no noreply address any more"),
            (_, Some(AccountState::SwitchedOff)) => {
                (ErrorKind::SwitchedOff, "the practice has switched the account's way off")
            }
            (_, Some(AccountState::Connected)) => {
                (ErrorKind::AccountCannotSend, "the account has no way to send any more")
            }
            _ => (ErrorKind::AccountCannotSend, "the account was disconnected"),
        };
        Ok(Error::new(kind, message))
    }

    /// A transport for the way an intent leaves by.
    pub(super) async fn transport(&self, item: &Outgoing) -> Result<Box<dyn MailTransport>> {
        let practice = &item.message.practice;
        if item.message.route == Route::Noreply {
            if let Some(noreply) = self.store.practice_settings(practice).await?.noreply {
                return self.sessions.noreply_transport(practice, &noreply).await;
            }
        } else if let Some(account) = self.account_of(item).await? {
            return self.sessions.account_transport(&account).await;
        }
        Err(self.no_way(item).await?)
    }

    async fn limits(&self, item: &Outgoing) -> Result<SendLimits> {
        let known =
            self.settings_of(item).await?.map(|(_, outgoing)| outgoing.provider()).unwrap_or_default();
        Ok(SendLimits::new(known.per_minute, known.per_day))
    }

    /// By which settings an intent leaves now.
    pub(super) async fn way_of(&self, item: &Outgoing) -> Result<Way> {
        match self.settings_of(item).await? {
            Some(way) => Ok(way),
            None => Err(self.no_way(item).await?),
        }
    }

    async fn settings_of(&self, item: &Outgoing) -> Result<Option<Way>> {
        if item.message.route == Route::Noreply {
            let noreply = self.store.practice_settings(&item.message.practice).await?.noreply;
            return Ok(noreply.map(|noreply| (0, noreply.outgoing)));
        }
        let account = self.account_of(item).await?;
        Ok(account.and_then(|record| Some((record.epoch, record.account.settings.outgoing?))))
    }

    /// What is to become of a message's copy, once it is sent.
    pub(super) async fn filing_of(&self, item: &Outgoing) -> Result<Filing> {
        let Some(account) = self.account_of(item).await? else { return Ok(Filing::Not) };
        let known = account.account.settings.outgoing.as_ref().and_then(|o| o.provider().files_copy);
        let files = match known {
            Some(files) => Some(files),
            None => self.store.files_copies(&item.message.practice, &account.account.id).await?,
        };
        Ok(if files == Some(true) { Filing::Server } else { Filing::Pending })
    }

    /// What the archive keeps of an intent's message.
    pub(crate) async fn archived(&self, item: &Outgoing) -> Result<Option<Box<SentMessage>>> {
        let octets = self.octets(&item.message).await?;
        sent::archived(&*self.directory, &item.message.practice, &octets, self.clock.now()).await
    }

    /// The octets of a message, Bcc field included.
    pub(super) async fn octets(&self, message: &NewOutgoing) -> Result<Vec<u8>> {
        let missing = || Error::new(ErrorKind::StorageCorrupt, "the octets of a message to be sent are gone");
        let length = usize::try_from(message.octets.size).map_err(|_| missing())?;
        let blob = self.blobs.read(&message.practice, message.octets.sha256, 0, length).await?;
        blob.filter(|octets| octets.len() == length).ok_or_else(missing)
    }
}

/// Whether nothing is to be done about an intent yet. When a queued one is due for the first time the store says: a claim before is refused.
fn is_early(item: &Outgoing, now: Timestamp) -> bool {
    match item.state {
        OutgoingState::Sending => false,
        OutgoingState::Queued if item.attempts == 0 => false,
        _ => item.next_try.is_none_or(|at| at > now),
    }
}

/// Whether a try failed for a reason that the next one by the same way would meet too.
fn stands_still(item: &Outgoing) -> bool {
    let failed = item.failure.as_ref().filter(|_| item.state == OutgoingState::Queued);
    failed.is_some_and(|(kind, _)| !is_about_the_message(*kind))
}

/// Whether a refused claim means that there is nothing to do now, or that another does it.
fn is_for_later(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Busy | ErrorKind::NotFound | ErrorKind::Throttled)
}
