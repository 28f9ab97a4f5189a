//! The outbox.

use super::transaction::Tx;
use async_trait::async_trait;

use super::engine::Engine;
use super::outgoing_copies::tell;
use super::{SqlStore, accounts, archive, erased_intents, outgoing, outgoing_list};
use crate::contract::{
    NewOutgoing, Outbox, OutboxQuery, Outgoing, OutgoingClaim, OutgoingDecision, OutgoingEnd, OutgoingStep,
    OutgoingWork, Route, SendLimits, SentMessage,
};
use crate::error::{ErrorKind, Result};
use crate::storage::rules::Content;
use crate::storage::rules::{HeldClaim, OutgoingRow};
use crate::types::{AccountId, MessageKey, OutgoingId, PracticeId, Timestamp};

impl<E: Engine> SqlStore<E> {
    /// Whether somebody who is not known to be dead holds a living claim of the intent.
    fn is_claimed(&self, row: &OutgoingRow, now: Timestamp) -> Result<bool> {
        let lives = row.is_claimed(now);
        let Some(presence) = self.engine().presence().filter(|_| lives) else { return Ok(lives) };
        let (lock, message) = (&presence.outbox, &row.item.message);
        Ok(lock.remembers(&message.practice, message.id, row.token) || !lock.others_are_dead()?)
    }

    /// Holds everything that is queued until a person decides: for hosts that restored the database so that nothing in it can
    /// tell, as snapshots of a whole disk do.
    ///
    /// # Errors
    /// Storage kinds.
    pub async fn restored(&self) -> Result<()> {
        self.engine().restored().await
    }

    /// Has an intent take the step by which a person takes it out of the queue, or puts it back.
    async fn step(
        &self,
        practice: &PracticeId,
        id: OutgoingId,
        step: impl FnOnce(&mut OutgoingRow, Timestamp) -> Result<Vec<OutgoingStep>> + Send,
        sent: Option<&SentMessage>,
    ) -> Result<Outgoing> {
        let mut session = self.durably_writing(practice).await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        let mut row = outgoing::load(&mut tx, practice, id).await?.ok_or_else(OutgoingRow::not_found)?;
        let steps = step(&mut row, now)?;
        outgoing::save(&mut tx, &row).await?;
        archive_sent(&mut tx, now, &row.item, sent).await?;
        tell(&mut tx, now, &row.item, &steps).await?;
        self.engine().renew(&mut tx).await?;
        tx.commit().await?;
        drop(session);
        // It happened: that the file beside could not be tidied up must not read as if it had not.
        if let Err(error) = self.engine().settle().await {
            tracing::warn!(
                kind = error.kind().as_str(),
                "the file that tells a restored archive was not settled"
            );
        }
        Ok(row.item)
    }

    async fn finish(&self, claim: &OutgoingClaim, end: &OutgoingEnd) -> Result<Outgoing> {
        let mut session = self.writing(&claim.item.message.practice).await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        let message = &claim.item.message;
        let mut row =
            outgoing::load(&mut tx, &message.practice, message.id).await?.ok_or_else(OutgoingRow::lost)?;
        let steps = row.finish(claim, end, now)?;
        outgoing::save(&mut tx, &row).await?;
        take_up(&mut tx, now, &row.item, end).await?;
        tell(&mut tx, now, &row.item, &steps).await?;
        tx.commit().await?;
        Ok(row.item)
    }
}

/// Writes what an end says besides what became of the intent.
async fn take_up(tx: &mut Tx<'_>, now: Timestamp, item: &Outgoing, end: &OutgoingEnd) -> Result<()> {
    archive_sent(tx, now, item, end.archived()).await?;
    if let (Some(account), Some(files)) = (item.message.route.account(), end.learnt()) {
        accounts::learn(tx, &item.message.practice, account, files).await?;
    }
    Ok(())
}

/// Archives a message that was sent, or may have been.
async fn archive_sent(
    tx: &mut Tx<'_>,
    now: Timestamp,
    item: &Outgoing,
    sent: Option<&SentMessage>,
) -> Result<()> {
    let (practice, account) = (&item.message.practice, item.message.route.account());
    let Some(sent) = sent else { return Ok(()) };
    let taking = archive::Taking { practice, account, now };
    archive::take_up(tx, taking, &Content::of_sent(item, sent)).await?;
    outgoing::add_keys(tx, item, &sent.postings).await
}

/// Refuses to go beyond the limits of a way.
async fn check_limits(
    tx: &mut Tx<'_>,
    way: (&PracticeId, &Route),
    limits: SendLimits,
    now: Timestamp,
) -> Result<()> {
    let mut until = None;
    for (seconds, most) in limits.windows() {
        let in_the_way = match most.checked_sub(1) {
            None => Some(now),
            Some(others) => outgoing_list::nth_sent(tx, way, now.plus(-seconds), others).await?,
        };
        until = until.max(in_the_way.map(|at| at.plus(seconds)));
    }
    until.map_or(Ok(()), |until| Err(SendLimits::reached(until)))
}

/// The account's epoch, if it is connected; zero by noreply.
async fn epoch(tx: &mut Tx<'_>, practice: &PracticeId, route: &Route) -> Result<Option<u64>> {
    match route.account() {
        None => Ok(Some(0)),
        Some(account) => accounts::epoch(tx, practice, account).await,
    }
}

async fn load_all(tx: &mut Tx<'_>, practice: &PracticeId, ids: Vec<OutgoingId>) -> Result<Vec<Outgoing>> {
    let mut items = Vec::with_capacity(ids.len());
    for id in ids {
        items.extend(outgoing::load(tx, practice, id).await?.map(|row| row.item));
    }
    Ok(items)
}

#[async_trait]
impl<E: Engine> Outbox for SqlStore<E> {
    async fn enqueue(&self, message: &NewOutgoing) -> Result<(Outgoing, bool)> {
        let mut session = self.durably_writing(&message.practice).await?;
        let mut tx = session.begin().await?;
        let practice = &message.practice;
        let mut known = outgoing::load(&mut tx, practice, message.id).await?;
        if let (None, Some(key)) = (&known, &message.key)
            && let Some(id) = outgoing_list::of_key(&mut tx, practice, key).await?
        {
            known = outgoing::load(&mut tx, practice, id).await?;
        }
        if let Some(known) = known {
            let is_same = known.item.message.draft == message.draft;
            return if is_same { Ok((known.item, true)) } else { Err(OutgoingRow::used_key()) };
        }
        if erased_intents::has(&mut tx, message).await? {
            return Err(OutgoingRow::was_erased());
        }
        let now = tx.now().await?;
        let item = Outgoing::new(message.clone(), now);
        outgoing::insert(&mut tx, &item).await?;
        tell(&mut tx, now, &item, &[OutgoingStep::Queued]).await?;
        tx.commit().await?;
        Ok((item, false))
    }

    async fn outgoing(&self, practice: &PracticeId, id: OutgoingId) -> Result<Option<Outgoing>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        Ok(outgoing::load(&mut tx, practice, id).await?.map(|row| row.item))
    }

    async fn outbox(&self, practice: &PracticeId, query: &OutboxQuery) -> Result<Vec<Outgoing>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        let ids = outgoing_list::of_query(&mut tx, practice, query).await?;
        load_all(&mut tx, practice, ids).await
    }

    async fn outgoing_of(&self, practice: &PracticeId, messages: &[MessageKey]) -> Result<Vec<Outgoing>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        let mut ids = Vec::new();
        for message in messages {
            ids.extend(outgoing_list::of_message(&mut tx, practice, message).await?);
        }
        load_all(&mut tx, practice, ids).await
    }

    async fn due_outgoing(&self, practice: &PracticeId, limit: usize) -> Result<Vec<OutgoingId>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        let mut due = Vec::new();
        for id in outgoing_list::due(&mut tx, practice, now).await? {
            if due.len() >= limit {
                break;
            }
            let Some(row) = outgoing::load(&mut tx, practice, id).await? else { continue };
            if row.is_due(now) && !self.is_claimed(&row, now)? {
                due.push(id);
            }
        }
        Ok(due)
    }

    async fn claim_outgoing(
        &self,
        practice: &PracticeId,
        id: OutgoingId,
        holder: &str,
        seconds: u32,
        limits: SendLimits,
    ) -> Result<OutgoingClaim> {
        let mut session = self.writing(practice).await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        let mut row = outgoing::load(&mut tx, practice, id).await?.ok_or_else(OutgoingRow::not_found)?;
        if self.is_claimed(&row, now)? {
            return Err(OutgoingRow::busy());
        }
        let work = row.work(now).ok_or_else(OutgoingRow::not_found)?;
        let route = row.item.message.route.clone();
        if work == OutgoingWork::Deliver {
            check_limits(&mut tx, (practice, &route), limits, now).await?;
        }
        let epoch = epoch(&mut tx, practice, &route).await?.unwrap_or_default();
        let until = now.plus(i64::from(seconds));
        let claim = row.take(HeldClaim::new(work, until, epoch), now);
        outgoing::save(&mut tx, &row).await?;
        outgoing::name_holder(&mut tx, &row, holder).await?;
        // The lock before the commit: a claim in the tables without it is taken for a dead one's.
        let entering = match self.engine().presence() {
            Some(presence) => Some(presence.outbox.enter().await?),
            None => None,
        };
        tx.commit().await?;
        if let Some(entering) = entering {
            entering.remember(&claim, until);
        }
        Ok(claim)
    }

    async fn confirm_outgoing(&self, claim: &OutgoingClaim, seconds: u32) -> Result<()> {
        // On the disk before the message can leave: a permit that is forgotten would have it sent again.
        let mut session = self.durably_writing(&claim.item.message.practice).await?;
        let mut tx = session.begin().await?;
        let now = tx.now().await?;
        let message = &claim.item.message;
        let mut row =
            outgoing::load(&mut tx, &message.practice, message.id).await?.ok_or_else(OutgoingRow::lost)?;
        let epoch = epoch(&mut tx, &message.practice, &message.route).await?;
        let until = now.plus(i64::from(seconds));
        row.confirm(claim, epoch, now, until)?;
        outgoing::save(&mut tx, &row).await?;
        self.engine().renew(&mut tx).await?;
        tx.commit().await?;
        drop(session);
        self.engine().settle().await?;
        if let Some(presence) = self.engine().presence() {
            presence.outbox.extend(claim, until);
        }
        Ok(())
    }

    async fn finish_outgoing(&self, claim: &OutgoingClaim, end: &OutgoingEnd) -> Result<Outgoing> {
        let finished = self.finish(claim, end).await;
        let lost = finished.as_ref().is_err_and(|error| error.kind() == ErrorKind::FenceLost);
        if let Some(presence) = self.engine().presence().filter(|_| lost || finished.is_ok()) {
            presence.outbox.leave(claim);
        }
        finished
    }

    async fn cancel_outgoing(&self, practice: &PracticeId, id: OutgoingId) -> Result<Outgoing> {
        self.step(practice, id, OutgoingRow::cancel, None).await
    }

    async fn decide_outgoing(
        &self,
        practice: &PracticeId,
        id: OutgoingId,
        decision: OutgoingDecision,
        archived: Option<Box<SentMessage>>,
    ) -> Result<Outgoing> {
        let decide = |row: &mut OutgoingRow, now| {
            if self.is_claimed(row, now)? { Err(OutgoingRow::busy()) } else { row.decide(decision, now) }
        };
        let sent = archived.as_deref().filter(|_| decision == OutgoingDecision::WasSent);
        self.step(practice, id, decide, sent).await
    }

    async fn files_copies(&self, practice: &PracticeId, account: &AccountId) -> Result<Option<bool>> {
        let mut session = self.reading().await?;
        let mut tx = session.begin().await?;
        accounts::files_copies(&mut tx, practice, account).await
    }
}
