//! The outbox.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use super::{MemoryStore, PracticeRows};
use crate::contract::{
    ArchivedCopy, BounceReport, ChangeKind, NewOutgoing, Outbox, OutboxQuery, Outgoing, OutgoingClaim,
    OutgoingDecision, OutgoingEnd, OutgoingStep, OutgoingWork, Route, SendLimits, SentMessage,
};
use crate::error::Result;
use crate::storage::rules::{Content, ErasedIntent, HeldClaim, OutgoingRow, PracticeSecret};
use crate::types::{AccountId, Digest, MessageKey, OutgoingId, PracticeId, Timestamp};

/// The intents of a practice.
#[derive(Default)]
pub(super) struct OutboxRows {
    rows: BTreeMap<OutgoingId, OutgoingRow>,
    /// In the order in which they were queued.
    order: Vec<OutgoingId>,
    erased: BTreeMap<OutgoingId, ErasedIntent>,
}

impl OutboxRows {
    fn row(&mut self, id: OutgoingId) -> Result<&mut OutgoingRow> {
        self.rows.get_mut(&id).ok_or_else(OutgoingRow::not_found)
    }

    /// The intent of a claim, unless it was erased.
    fn claimed(&mut self, claim: &OutgoingClaim) -> Result<&mut OutgoingRow> {
        self.rows.get_mut(&claim.item.message.id).ok_or_else(OutgoingRow::lost)
    }

    fn in_order(&self) -> impl DoubleEndedIterator<Item = &OutgoingRow> {
        self.order.iter().filter_map(|id| self.rows.get(id))
    }

    fn enqueue(&mut self, message: &NewOutgoing, now: Timestamp) -> Result<(Outgoing, bool)> {
        let same = |row: &&OutgoingRow| {
            let known = &row.item.message;
            known.id == message.id || (known.key.is_some() && known.key == message.key)
        };
        if let Some(known) = self.in_order().find(same) {
            let is_same = known.item.message.draft == message.draft;
            return if is_same { Ok((known.item.clone(), true)) } else { Err(OutgoingRow::used_key()) };
        }
        let used = |erased: &ErasedIntent| erased.key.is_some() && erased.key == message.key;
        if self.erased.contains_key(&message.id) || self.erased.values().any(used) {
            return Err(OutgoingRow::was_erased());
        }
        let item = Outgoing::new(message.clone(), now);
        self.rows.insert(message.id, OutgoingRow::new(item.clone()));
        self.order.push(message.id);
        Ok((item, false))
    }

    fn list(&self, query: &OutboxQuery) -> Vec<Outgoing> {
        let end = match query.before {
            None => self.order.len(),
            Some(before) => self.order.iter().position(|id| *id == before).unwrap_or_default(),
        };
        let wanted = |item: &&Outgoing| query.states.is_empty() || query.states.contains(&item.state);
        let older = self.order.iter().take(end).rev().filter_map(|id| self.rows.get(id));
        older.map(|row| &row.item).filter(wanted).take(query.limit).cloned().collect()
    }

    /// Whether there is something to do about an intent now.
    pub(super) fn has_due(&self, now: Timestamp) -> bool {
        self.rows.values().any(|row| !row.is_claimed(now) && row.is_due(now))
    }

    fn due(&self, now: Timestamp, limit: usize) -> Vec<OutgoingId> {
        let due = |row: &&OutgoingRow| !row.is_claimed(now) && row.is_due(now);
        let mut rows: Vec<_> = self.in_order().filter(due).collect();
        rows.sort_by_key(|row| row.item.next_try);
        rows.into_iter().take(limit).map(|row| row.item.message.id).collect()
    }

    /// Refuses to go beyond the limits of a way.
    fn check_limits(&self, route: &Route, limits: SendLimits, now: Timestamp) -> Result<()> {
        let erased = self.erased.values().map(|erased| (&erased.route, erased.sent_at));
        let rows = self.rows.values().map(|row| (&row.item.message.route, row.item.sent_at));
        let mut sent: Vec<_> =
            rows.chain(erased).filter(|(way, _)| *way == route).filter_map(|(_, at)| at).collect();
        sent.sort_by_key(|at| Reverse(*at));
        let until = |(seconds, most): (i64, u32)| {
            let in_the_way = match most.checked_sub(1) {
                None => now,
                Some(others) => *sent.get(others as usize)?,
            };
            Some(in_the_way.plus(seconds)).filter(|until| now < *until)
        };
        limits.windows().filter_map(until).max().map_or(Ok(()), |until| Err(SendLimits::reached(until)))
    }

    /// The intents that are a message.
    pub(super) fn of_message(&self, message: MessageKey) -> Vec<Outgoing> {
        let items = self.in_order().map(|row| &row.item);
        items.filter(|item| item.message.message == message).cloned().collect()
    }

    /// Erases intents but for what keeps them from being sent again.
    pub(super) fn erase(&mut self, intents: &[Outgoing], secret: &PracticeSecret) {
        for intent in intents {
            let erased = ErasedIntent::of(intent, secret);
            self.rows.remove(&erased.id);
            self.order.retain(|id| *id != erased.id);
            self.erased.insert(erased.id, erased);
        }
    }

    /// The erased intent's message, as its tombstone knows it, that a copy in `account` is one of.
    pub(super) fn erased_message_of(
        &self,
        archived: &ArchivedCopy,
        account: &AccountId,
        secret: &PracticeSecret,
    ) -> Option<Digest> {
        let erased = self.erased.get(&archived.parsed.outgoing?)?;
        erased.is_of(archived, account, secret).then_some(erased.message)
    }

    /// What intents have sent, or are to send, as this message.
    pub(super) fn renditions_of(&self, message: MessageKey) -> BTreeSet<Digest> {
        let theirs = self.rows.values().map(|row| &row.item.message).filter(|item| item.message == message);
        theirs.map(|item| item.rendition).collect()
    }

    /// The intents of this message.
    pub(super) fn sent_as(&self, message: MessageKey) -> impl Iterator<Item = &NewOutgoing> {
        self.rows.values().map(|row| &row.item.message).filter(move |item| item.message == message)
    }

    /// Whether an intent's octets are these.
    pub(super) fn names(&self, sha256: &Digest) -> bool {
        self.rows.values().any(|row| row.item.message.octets.sha256 == *sha256)
    }

    /// The message a copy in `account` is one of.
    pub(super) fn message_of(&self, archived: &ArchivedCopy, account: &AccountId) -> MessageKey {
        let intent = archived.parsed.outgoing.and_then(|id| self.rows.get(&id));
        let own = intent.filter(|row| row.is_copy(archived, account));
        own.map_or(archived.message, |row| row.item.message.message)
    }

    /// What a copy of `message` in the Sent mailbox of `account` shows.
    pub(super) fn seen(
        &mut self,
        message: MessageKey,
        archived: &ArchivedCopy,
        now: Timestamp,
    ) -> Vec<(OutgoingId, OutgoingStep)> {
        let account = &archived.copy.place.account;
        let theirs = |row: &&mut OutgoingRow| {
            row.item.message.message == message && row.item.message.route.account() == Some(account)
        };
        let of_row = |row: &mut OutgoingRow| {
            let id = row.item.message.id;
            row.seen(archived, now).into_iter().map(move |step| (id, step))
        };
        self.rows.values_mut().filter(theirs).flat_map(of_row).collect()
    }

    /// Writes a report that was found in `account`; answers the intent of which it told something new.
    pub(super) fn bounce(&mut self, report: &BounceReport, account: &AccountId) -> Option<OutgoingId> {
        let by_id = |row: &OutgoingRow| Some(row.item.message.id) == report.outgoing;
        let by_message_id =
            |row: &OutgoingRow| Some(&row.item.message.message_id) == report.message_id.as_ref();
        let theirs = |row: &&mut OutgoingRow| row.item.message.route.account() == Some(account);
        let known = report.outgoing.is_some_and(|id| self.rows.contains_key(&id));
        let is_meant = |row: &OutgoingRow| if known { by_id(row) } else { by_message_id(row) };
        let row = self.rows.values_mut().filter(theirs).find(|row| is_meant(row))?;
        row.bounce(report).then_some(row.item.message.id)
    }
}

impl PracticeRows {
    /// Writes steps of an intent into the feed.
    fn tell(&mut self, item: &Outgoing, steps: Vec<OutgoingStep>, now: Timestamp) {
        for step in steps {
            let change = ChangeKind::Outgoing(item.message.id, step);
            self.feed.push(now, item.message.route.account(), change);
        }
    }

    /// The account's epoch, if it is connected; zero by noreply.
    fn epoch(&self, route: &Route) -> Option<u64> {
        let Some(account) = route.account() else { return Some(0) };
        self.accounts.get(account)?.sending_epoch()
    }

    /// Has an intent take a step, and tells it.
    fn step(
        &mut self,
        id: OutgoingId,
        now: Timestamp,
        step: impl FnOnce(&mut OutgoingRow) -> Result<Vec<OutgoingStep>>,
        sent: Option<&SentMessage>,
    ) -> Result<Outgoing> {
        let row = self.outbox.row(id)?;
        let steps = step(row)?;
        let item = row.item.clone();
        self.take_up(&item, sent, now);
        self.tell(&item, steps, now);
        Ok(item)
    }

    fn claim(
        &mut self,
        id: OutgoingId,
        limits: SendLimits,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<OutgoingClaim> {
        let row = self.outbox.row(id)?;
        if row.is_claimed(now) {
            return Err(OutgoingRow::busy());
        }
        let work = row.work(now).ok_or_else(OutgoingRow::not_found)?;
        let route = row.item.message.route.clone();
        if work == OutgoingWork::Deliver {
            self.outbox.check_limits(&route, limits, now)?;
        }
        let epoch = self.epoch(&route).unwrap_or_default();
        Ok(self.outbox.row(id)?.take(HeldClaim::new(work, until, epoch), now))
    }

    fn take_up(&mut self, item: &Outgoing, sent: Option<&SentMessage>, now: Timestamp) {
        let Some(sent) = sent else { return };
        self.archive_content(&Content::of_sent(item, sent), item.message.route.account(), now);
    }

    fn finish(&mut self, claim: &OutgoingClaim, end: &OutgoingEnd, now: Timestamp) -> Result<Outgoing> {
        let row = self.outbox.claimed(claim)?;
        let steps = row.finish(claim, end, now)?;
        let item = row.item.clone();
        self.take_up(&item, end.archived(), now);
        let account = item.message.route.account().and_then(|account| self.accounts.get_mut(account));
        if let (Some(account), Some(files)) = (account, end.learnt()) {
            account.files_copies = Some(files);
        }
        self.tell(&item, steps, now);
        Ok(item)
    }
}

#[async_trait]
impl Outbox for MemoryStore {
    async fn enqueue(&self, message: &NewOutgoing) -> Result<(Outgoing, bool)> {
        self.write(&message.practice, |rows, now| {
            let (item, was_there) = rows.outbox.enqueue(message, now)?;
            if !was_there {
                rows.tell(&item, vec![OutgoingStep::Queued], now);
            }
            Ok((item, was_there))
        })
    }

    async fn outgoing(&self, practice: &PracticeId, id: OutgoingId) -> Result<Option<Outgoing>> {
        Ok(self.read(practice, |rows| rows.outbox.rows.get(&id).map(|row| row.item.clone())))
    }

    async fn outbox(&self, practice: &PracticeId, query: &OutboxQuery) -> Result<Vec<Outgoing>> {
        Ok(self.read(practice, |rows| rows.outbox.list(query)))
    }

    async fn outgoing_of(&self, practice: &PracticeId, messages: &[MessageKey]) -> Result<Vec<Outgoing>> {
        let of_messages = |rows: &PracticeRows| {
            let items = rows.outbox.in_order().map(|row| &row.item);
            items.filter(|item| messages.contains(&item.message.message)).cloned().collect()
        };
        Ok(self.read(practice, of_messages))
    }

    async fn due_outgoing(&self, practice: &PracticeId, limit: usize) -> Result<Vec<OutgoingId>> {
        let now = self.clock.now();
        Ok(self.read(practice, |rows| rows.outbox.due(now, limit)))
    }

    async fn claim_outgoing(
        &self,
        practice: &PracticeId,
        id: OutgoingId,
        _: &str,
        seconds: u32,
        limits: SendLimits,
    ) -> Result<OutgoingClaim> {
        self.write(practice, |rows, now| rows.claim(id, limits, now, now.plus(i64::from(seconds))))
    }

    async fn confirm_outgoing(&self, claim: &OutgoingClaim, seconds: u32) -> Result<()> {
        self.write(&claim.item.message.practice, |rows, now| {
            let epoch = rows.epoch(&claim.item.message.route);
            let row = rows.outbox.claimed(claim)?;
            row.confirm(claim, epoch, now, now.plus(i64::from(seconds)))
        })
    }

    async fn finish_outgoing(&self, claim: &OutgoingClaim, end: &OutgoingEnd) -> Result<Outgoing> {
        self.write(&claim.item.message.practice, |rows, now| rows.finish(claim, end, now))
    }

    async fn cancel_outgoing(&self, practice: &PracticeId, id: OutgoingId) -> Result<Outgoing> {
        self.write(practice, |rows, now| rows.step(id, now, |row| row.cancel(now), None))
    }

    async fn decide_outgoing(
        &self,
        practice: &PracticeId,
        id: OutgoingId,
        decision: OutgoingDecision,
        archived: Option<Box<SentMessage>>,
    ) -> Result<Outgoing> {
        let sent = archived.as_deref().filter(|_| decision == OutgoingDecision::WasSent);
        self.write(practice, |rows, now| {
            let decide = |row: &mut OutgoingRow| {
                if row.is_claimed(now) { Err(OutgoingRow::busy()) } else { row.decide(decision, now) }
            };
            rows.step(id, now, decide, sent)
        })
    }

    async fn files_copies(&self, practice: &PracticeId, account: &AccountId) -> Result<Option<bool>> {
        Ok(self.read(practice, |rows| rows.accounts.get(account).and_then(|row| row.files_copies)))
    }
}
