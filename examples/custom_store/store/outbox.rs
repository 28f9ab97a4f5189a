//! The outbox: where intents lie, and how they are found. What becomes of one is the crate's.

use practicemail::contract::{
    ArchivedCopy, BounceReport, ChangeKind, NewOutgoing, OutboxQuery, Outgoing, OutgoingClaim,
    OutgoingDecision, OutgoingEnd, OutgoingStep, OutgoingWork, Route, SendLimits, SentMessage,
};
use practicemail::error::Result;
use practicemail::storage::rules::{Content, ErasedIntent, HeldClaim, OutgoingRow};
use practicemail::types::{AccountId, MessageId, MessageKey, OutgoingId, PracticeId, Timestamp};

use super::conversations::damaged;
use super::engine::{Readable, Tx, Writing};
use super::keys::{self, Key, Kind};
use super::records::{Intent, host_key, sent_bearing};

impl<T: Readable> Tx<T> {
    pub(crate) fn find_intent(&self, id: OutgoingId) -> Result<Option<Intent>> {
        self.get(&keys::intent(&self.practice, id))
    }

    fn intent(&self, id: OutgoingId) -> Result<Intent> {
        self.find_intent(id)?.ok_or_else(OutgoingRow::not_found)
    }

    /// Of a claim, unless it was erased.
    fn claimed(&self, claim: &OutgoingClaim) -> Result<Intent> {
        self.find_intent(claim.item.message.id)?.ok_or_else(OutgoingRow::lost)
    }

    /// The intents that are a message, in the order in which they were queued.
    pub(crate) fn intents_of(&self, message: MessageKey) -> Result<Vec<Intent>> {
        let sent_as = Key::of(Kind::SentAs, &self.practice).octets(message.as_bytes());
        let mut intents = Vec::new();
        for id in self.keys(&sent_as, None)? {
            intents.extend(self.find_intent(id_at(&id?)?)?);
        }
        intents.sort_by_key(|intent| intent.number);
        Ok(intents)
    }

    /// The intents whose message bears a Message-ID.
    fn bearing_id(&self, id: &MessageId) -> Result<Vec<Intent>> {
        let mut intents = Vec::new();
        for own in self.keys(&sent_bearing(&self.practice, id), None)? {
            intents.extend(self.find_intent(id_at(&own?)?)?);
        }
        Ok(intents)
    }

    pub(crate) fn outbox(&self, query: &OutboxQuery) -> Result<Vec<Outgoing>> {
        let queued = Key::of(Kind::Queued, &self.practice);
        let before = match query.before {
            None => queued.end(),
            Some(before) => match self.find_intent(before)? {
                None => return Ok(Vec::new()),
                Some(intent) => queued.clone().number(intent.number),
            },
        };
        let mut found = Vec::new();
        for entry in self.keys_before(&queued, Some(&before))? {
            if found.len() == query.limit {
                break;
            }
            let intent = self.find_intent(id_at(entry?.get(8..).unwrap_or_default())?)?;
            let wanted = |item: &Outgoing| query.states.is_empty() || query.states.contains(&item.state);
            found.extend(intent.map(|intent| intent.row.item).filter(wanted));
        }
        Ok(found)
    }

    /// The intents that are these messages, in the order in which they were queued.
    pub(crate) fn outgoing_of(&self, messages: &[MessageKey]) -> Result<Vec<Outgoing>> {
        let mut intents = Vec::new();
        for message in messages {
            intents.append(&mut self.intents_of(*message)?);
        }
        intents.sort_by_key(|intent| intent.number);
        Ok(intents.into_iter().map(|intent| intent.row.item).collect())
    }

    /// Intents there is something to do about now; those that are over are not looked at.
    fn due(&self) -> Result<Vec<Intent>> {
        let mut due = Vec::new();
        for id in self.keys(&Key::of(Kind::Open, &self.practice), None)? {
            due.extend(self.find_intent(id_at(&id?)?)?);
        }
        due.retain(|Intent { row, .. }| !row.is_claimed(self.now) && row.is_due(self.now));
        due.sort_by_key(|intent| (intent.row.item.next_try, intent.number));
        Ok(due)
    }

    pub(crate) fn has_due(&self) -> Result<bool> {
        Ok(!self.due()?.is_empty())
    }

    pub(crate) fn due_outgoing(&self, limit: usize) -> Result<Vec<OutgoingId>> {
        Ok(self.due()?.into_iter().take(limit).map(|intent| intent.row.item.message.id).collect())
    }

    /// Refuses to go beyond the limits of a way (O8).
    fn check_limits(&self, route: &Route, limits: SendLimits) -> Result<()> {
        let mut until = None;
        for (seconds, most) in limits.windows() {
            let in_the_way = match most.checked_sub(1) {
                None => Some(self.now),
                Some(others) => self.nth_sent(route, others as usize)?,
            };
            until = until.max(in_the_way.map(|at| at.plus(seconds)).filter(|until| self.now < *until));
        }
        until.map_or(Ok(()), |until| Err(SendLimits::reached(until)))
    }

    /// When the newest but so many was sent by a way.
    fn nth_sent(&self, route: &Route, others: usize) -> Result<Option<Timestamp>> {
        let sent = self.keys_before(&keys::sent_by(&self.practice, route), None)?.nth(others).transpose()?;
        let Some(sent) = sent else { return Ok(None) };
        let (time, _) = sent.split_first_chunk().ok_or_else(damaged)?;
        Ok(Some(keys::time_of(*time)))
    }

    /// The account's epoch, if it is connected; zero by noreply.
    fn epoch(&self, route: &Route) -> Result<Option<u64>> {
        let Some(account) = route.account() else { return Ok(Some(0)) };
        Ok(self.find_account(account)?.and_then(|row| row.sending_epoch()))
    }
}

impl Writing<'_> {
    pub(crate) fn enqueue(&mut self, message: &NewOutgoing) -> Result<(Outgoing, bool)> {
        let known = match (self.find_intent(message.id)?, &message.key) {
            (None, Some(key)) => self.given(key)?,
            (known, _) => known,
        };
        if let Some(known) = known {
            let is_same = known.row.item.message.draft == message.draft;
            return if is_same { Ok((known.row.item, true)) } else { Err(OutgoingRow::used_key()) };
        }
        if self.get::<ErasedIntent>(&erased(&self.practice, message.id))?.is_some() {
            return Err(OutgoingRow::was_erased());
        }
        let item = Outgoing::new(message.clone(), self.now);
        let last = self.keys(&Key::of(Kind::Queued, &self.practice), None)?.next_back().transpose()?;
        let last = last.and_then(|entry| entry.first_chunk().copied()).map_or(0, u64::from_be_bytes);
        let intent = Intent { number: last + 1, row: OutgoingRow::new(item) };
        self.put_intent(&intent, vec![OutgoingStep::Queued])?;
        Ok((intent.row.item, false))
    }

    /// The intent that was given a key; refused where it was erased.
    fn given(&self, key: &str) -> Result<Option<Intent>> {
        let id = self.keys(&host_key(&self.practice, key), None)?.next().transpose()?;
        let Some(id) = id else { return Ok(None) };
        self.find_intent(id_at(&id)?)?.map(Some).ok_or_else(OutgoingRow::was_erased)
    }

    /// Holds what is queued of every practice (O9).
    pub(crate) fn hold_what_is_queued(&mut self) -> Result<()> {
        let all = Key::of_all(Kind::Intent);
        let intents: Vec<Intent> = self.records(&all, None)?.collect::<Result<_>>()?;
        for mut intent in intents {
            let steps = intent.row.restored();
            self.practice = intent.row.item.message.practice.clone();
            self.put_intent(&intent, steps)?;
        }
        Ok(())
    }

    /// Writes an intent, and tells its steps (O10).
    fn put_intent(&mut self, intent: &Intent, steps: Vec<OutgoingStep>) -> Result<()> {
        self.put(intent)?;
        let message = &intent.row.item.message;
        for step in steps {
            self.tell(message.route.account(), ChangeKind::Outgoing(message.id, step))?;
        }
        Ok(())
    }

    pub(crate) fn claim_outgoing(
        &mut self,
        id: OutgoingId,
        seconds: u32,
        limits: SendLimits,
    ) -> Result<OutgoingClaim> {
        let mut intent = self.intent(id)?;
        if intent.row.is_claimed(self.now) {
            return Err(OutgoingRow::busy());
        }
        let work = intent.row.work(self.now).ok_or_else(OutgoingRow::not_found)?;
        let route = intent.row.item.message.route.clone();
        if work == OutgoingWork::Deliver {
            self.check_limits(&route, limits)?;
        }
        let epoch = self.epoch(&route)?.unwrap_or_default();
        let held = HeldClaim::new(work, self.now.plus(i64::from(seconds)), epoch);
        let claim = intent.row.take(held, self.now);
        self.put(&intent)?;
        Ok(claim)
    }

    pub(crate) fn confirm_outgoing(&mut self, claim: &OutgoingClaim, seconds: u32) -> Result<()> {
        let mut intent = self.claimed(claim)?;
        let epoch = self.epoch(&claim.item.message.route)?;
        intent.row.confirm(claim, epoch, self.now, self.now.plus(i64::from(seconds)))?;
        self.put(&intent)
    }

    pub(crate) fn finish_outgoing(&mut self, claim: &OutgoingClaim, end: &OutgoingEnd) -> Result<Outgoing> {
        let mut intent = self.claimed(claim)?;
        let steps = intent.row.finish(claim, end, self.now)?;
        self.take_up_sent(&intent.row.item, end.archived())?;
        if let (Some(account), Some(files)) = (intent.row.item.message.route.account(), end.learnt())
            && let Some(mut row) = self.find_account(account)?
        {
            row.files_copies = Some(files);
            self.put(&row)?;
        }
        self.put_intent(&intent, steps)?;
        Ok(intent.row.item)
    }

    pub(crate) fn cancel_outgoing(&mut self, id: OutgoingId) -> Result<Outgoing> {
        let mut intent = self.intent(id)?;
        let steps = intent.row.cancel(self.now)?;
        self.put_intent(&intent, steps)?;
        Ok(intent.row.item)
    }

    pub(crate) fn decide_outgoing(
        &mut self,
        id: OutgoingId,
        decision: OutgoingDecision,
        archived: Option<&SentMessage>,
    ) -> Result<Outgoing> {
        let mut intent = self.intent(id)?;
        if intent.row.is_claimed(self.now) {
            return Err(OutgoingRow::busy());
        }
        let steps = intent.row.decide(decision, self.now)?;
        if decision == OutgoingDecision::WasSent {
            self.take_up_sent(&intent.row.item, archived)?;
        }
        self.put_intent(&intent, steps)?;
        Ok(intent.row.item)
    }

    /// A message is on its clients' pages from the instant it is sent, or may have been (O5).
    fn take_up_sent(&mut self, item: &Outgoing, sent: Option<&SentMessage>) -> Result<()> {
        let Some(sent) = sent else { return Ok(()) };
        self.take_up(&Content::of_sent(item, sent), item.message.route.account()).map(|_| ())
    }

    /// A copy of `message` was read in a Sent mailbox: it is evidence for the intents that left by its account (S13).
    pub(crate) fn see(&mut self, message: MessageKey, archived: &ArchivedCopy) -> Result<()> {
        for mut intent in self.intents_of(message)? {
            if intent.row.item.message.route.account() == Some(&archived.copy.place.account) {
                let steps = intent.row.seen(archived, self.now);
                self.put_intent(&intent, steps)?;
            }
        }
        Ok(())
    }

    /// Writes a report at the intent it is about, if that left by `account`; answers it if that told anything new (S14).
    pub(crate) fn bounce(
        &mut self,
        report: &BounceReport,
        account: &AccountId,
    ) -> Result<Option<OutgoingId>> {
        let by_id = report.outgoing.map(|id| self.find_intent(id)).transpose()?.flatten();
        let meant = match (by_id, &report.message_id) {
            (Some(intent), _) => vec![intent],
            (None, Some(id)) => self.bearing_id(id)?,
            (None, None) => Vec::new(),
        };
        let theirs = |intent: &Intent| intent.row.item.message.route.account() == Some(account);
        let Some(mut intent) = meant.into_iter().find(theirs) else { return Ok(None) };
        let is_news = intent.row.bounce(report);
        self.put(&intent)?;
        Ok(is_news.then_some(intent.row.item.message.id))
    }
}

pub(crate) fn erased(practice: &PracticeId, id: OutgoingId) -> Key {
    Key::of(Kind::ErasedIntent, practice).octets(id.as_bytes())
}

/// The intent that a key ends with.
fn id_at(octets: &[u8]) -> Result<OutgoingId> {
    OutgoingId::from_slice(octets).ok_or_else(damaged)
}
