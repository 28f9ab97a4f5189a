//! What is left of erased messages, and what it bars.

use std::collections::{BTreeMap, BTreeSet};

use crate::contract::{Bars, Erasable, Erasure, Tombstone};
use crate::error::Result;
use crate::storage::rules::PracticeSecret;
use crate::types::{ClientId, Digest, MessageId, MessageKey, Timestamp};

#[derive(Default)]
pub(super) struct Tombstones {
    /// Made when the first message is erased.
    secret: Option<PracticeSecret>,
    rows: BTreeMap<Digest, TombstoneRow>,
    /// Clients whose messages were erased until they are back, and whether they were away since.
    pub(super) clients: BTreeMap<ClientId, bool>,
}

struct TombstoneRow {
    message_id: Option<Digest>,
    tombstone: Tombstone,
}

impl TombstoneRow {
    fn bars(&self, now: Timestamp) -> bool {
        !matches!(self.tombstone.bars, Bars::Until(until) if until <= now)
    }
}

impl Tombstones {
    /// The practice's secret, if anything was ever erased.
    pub(super) fn secret(&self) -> Option<&PracticeSecret> {
        self.secret.as_ref()
    }

    pub(super) fn secret_or_new(&mut self) -> Result<PracticeSecret> {
        if let Some(secret) = &self.secret {
            return Ok(secret.clone());
        }
        Ok(self.secret.insert(PracticeSecret::random()?).clone())
    }

    /// Leaves the tombstone of a message, in place of one of before.
    pub(super) fn bury(
        &mut self,
        erasure: &Erasure,
        (message, message_id): (MessageKey, Option<&MessageId>),
        secret: &PracticeSecret,
        now: Timestamp,
    ) {
        let digest = secret.message(&message);
        if erasure.bars == Bars::Nothing {
            self.rows.remove(&digest);
            return;
        }
        let tombstone = Tombstone::new(erasure.reason, now, erasure.bars.clone());
        let message_id = message_id.map(|id| secret.message_id(id));
        self.rows.insert(digest, TombstoneRow { message_id, tombstone });
    }

    /// Takes those away that bar nothing any more.
    pub(super) fn sweep(&mut self, now: Timestamp) {
        self.rows.retain(|_, row| row.bars(now));
    }

    /// Takes those away that a client barred by its absence.
    pub(super) fn forget(&mut self, client: &ClientId) {
        let theirs = |bars: &Bars| matches!(bars, Bars::UntilClientIsBack(barring) if barring == client);
        self.rows.retain(|_, row| !theirs(&row.tombstone.bars));
    }

    /// Those that bar, the earliest first.
    pub(super) fn of(&self, of: &Erasable, now: Timestamp) -> Vec<Tombstone> {
        let Some(secret) = &self.secret else { return Vec::new() };
        let mut rows: Vec<_> = match of {
            Erasable::Message(message) => self.rows.get(&secret.message(message)).into_iter().collect(),
            Erasable::MessageId(message_id) => {
                let digest = Some(secret.message_id(message_id));
                self.rows.values().filter(|row| row.message_id == digest).collect()
            }
        };
        rows.retain(|row| row.bars(now));
        rows.sort_by_key(|row| row.tombstone.at);
        rows.into_iter().map(|row| row.tombstone.clone()).collect()
    }

    pub(super) fn bars(&self, message: &MessageKey, now: Timestamp) -> bool {
        self.secret.as_ref().is_some_and(|secret| self.bars_digest(&secret.message(message), now))
    }

    /// The same, of a message that only its digest is known of.
    pub(super) fn bars_digest(&self, message: &Digest, now: Timestamp) -> bool {
        self.rows.get(message).is_some_and(|row| row.bars(now))
    }

    /// Of these messages, those that are barred.
    pub(super) fn barred(&self, messages: &[MessageKey], now: Timestamp) -> BTreeSet<MessageKey> {
        messages.iter().filter(|message| self.bars(message, now)).copied().collect()
    }
}
