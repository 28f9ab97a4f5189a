//! Erasing, and what is left of it (A5 to A9, S16).

use std::collections::BTreeSet;

use practicemail::contract::{
    ArchivedCopy, Bars, ChangeKind, ClientSighting, DeadLetter, Erasable, Erased, ErasedClient, Erasure,
    Outgoing, Tombstone,
};
use practicemail::error::{Error, ErrorKind, Result};
use practicemail::storage::rules::{AccountRow, CopyRow, ErasedIntent, MessageRow, PracticeSecret};
use practicemail::types::{AccountId, ClientId, Digest, KeyDigest, MessageId, MessageKey, Timestamp};

use super::engine::{Readable, Tx, Writing};
use super::keys::{self, Key, Kind};
use super::outbox;
use super::records::{AwayClient, Grave, Intent, Orphan, Unlisted};

impl<T: Readable> Tx<T> {
    /// The practice's secret, if anything was ever erased.
    fn secret(&self) -> Result<Option<PracticeSecret>> {
        let octets = self.octets(&Key::of(Kind::Secret, &self.practice))?;
        let damaged = || Error::new(ErrorKind::StorageCorrupt, "a practice's secret cannot be read");
        octets.map(|octets| PracticeSecret::from_slice(&octets).ok_or_else(damaged)).transpose()
    }

    /// Those that bar, the earliest first.
    pub(crate) fn tombstones(&self, of: &Erasable) -> Result<Vec<Tombstone>> {
        let Some(secret) = self.secret()? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        match of {
            Erasable::Message(message) => found.extend(self.grave(&secret.message(message))?),
            Erasable::MessageId(id) => {
                for message in self.keys(&Grave::bearing(&self.practice, &secret.message_id(id)), None)? {
                    let message = Digest::from_slice(&message?);
                    found.extend(message.map(|message| self.grave(&message)).transpose()?.flatten());
                }
            }
            _ => {}
        }
        found.sort_by_key(|tombstone| tombstone.at);
        Ok(found)
    }

    /// The tombstone of a message that only its digest is known of, while it bars.
    fn grave(&self, message: &Digest) -> Result<Option<Tombstone>> {
        let grave: Option<Grave> = self.get(&Grave::key_of(&self.practice, message))?;
        Ok(grave.map(|grave| grave.tombstone).filter(|tombstone| bars(tombstone, self.now)))
    }

    /// Of these messages, those that are barred.
    pub(crate) fn barred(&self, messages: &[MessageKey]) -> Result<BTreeSet<MessageKey>> {
        let Some(secret) = self.secret()? else { return Ok(BTreeSet::new()) };
        let barred = messages.iter().map(|message| {
            let grave = self.grave(&secret.message(message))?;
            Ok(grave.map(|_| *message))
        });
        barred.filter_map(Result::transpose).collect()
    }

    /// Whether the message of a copy was erased and is not archived now; the copy may be known by its intent alone (A6).
    pub(crate) fn is_barred(&self, message: MessageKey, archived: &ArchivedCopy) -> Result<bool> {
        let Some(secret) = self.secret()? else { return Ok(false) };
        if self.grave(&secret.message(&message))?.is_some() {
            return Ok(true);
        }
        let Some(id) = archived.parsed.outgoing else { return Ok(false) };
        let erased: Option<ErasedIntent> = self.get(&outbox::erased(&self.practice, id))?;
        let own = erased.filter(|erased| erased.is_of(archived, &archived.copy.place.account, &secret));
        Ok(own.map(|erased| self.grave(&erased.message)).transpose()?.flatten().is_some())
    }

    pub(crate) fn erased_clients(&self) -> Result<Vec<ErasedClient>> {
        let clients = self.records::<AwayClient>(&Key::of(Kind::ErasedClient, &self.practice), None)?;
        clients.map(|row| row.map(|row| ErasedClient::new(row.client, row.was_away))).collect()
    }

    pub(crate) fn unlisted(
        &self,
        before: Timestamp,
        after: Option<MessageKey>,
        limit: usize,
    ) -> Result<Vec<MessageKey>> {
        let after = after.map(|message| Unlisted::key_of(&self.practice, message));
        let marked = self.records(&Key::of(Kind::Unlisted, &self.practice), after.as_ref())?;
        let old = marked.filter(|row: &Result<Unlisted>| row.as_ref().map_or(true, |row| row.since < before));
        old.map(|row| row.map(|row| row.message)).take(limit).collect()
    }

    /// Whether a copy, a dead letter or an intent names octets.
    fn is_named(&self, octets: &Digest) -> Result<bool> {
        Ok(self.keys(&keys::naming(&self.practice, octets), None)?.next().is_some())
    }
}

impl Writing<'_> {
    fn secret_or_new(&mut self) -> Result<PracticeSecret> {
        if let Some(secret) = self.secret()? {
            return Ok(secret);
        }
        let secret = PracticeSecret::random()?;
        self.put_octets(&Key::of(Kind::Secret, &self.practice), secret.as_bytes())?;
        Ok(secret)
    }

    /// Erases messages; answers which went, which stay, and the octets nothing names any more (A5).
    pub(crate) fn erase_messages(&mut self, erasure: &Erasure) -> Result<Erased> {
        let secret = self.secret_or_new()?;
        let now = self.now;
        self.take_graves(|tombstone| !bars(tombstone, now))?;
        let (mut erased, mut octets) = (Erased::default(), BTreeSet::new());
        for message in erasure.messages.iter().copied().collect::<BTreeSet<_>>() {
            let intents: Vec<_> = self.intents_of(message)?.into_iter().map(|i| i.row.item).collect();
            if !intents.iter().all(Outgoing::is_over) {
                erased.kept.push(message);
                continue;
            }
            if erasure.bars == Bars::Nothing
                && let Some(row) = self.message_row(message)?
            {
                self.uncover(&row.keys)?;
            }
            let archived = self.forget_message(message)?;
            let (message_id, copies) = match (archived, intents.first()) {
                (Some(archived), _) => archived,
                (None, Some(intent)) => (Some(intent.message.message_id.clone()), Vec::new()),
                (None, None) => continue,
            };
            octets.extend(copies);
            for intent in &intents {
                octets.insert(intent.message.octets.sha256);
                self.forget_intent(intent, &secret)?;
            }
            self.bury(erasure, (message, message_id.as_ref()), &secret)?;
            self.tell_by(None, erasure.by.clone(), ChangeKind::MessageErased(message))?;
            erased.messages.push(message);
        }
        if let Bars::UntilClientIsBack(client) = &erasure.bars {
            // One that is erased again has to be away again.
            self.put(&AwayClient { client: client.clone(), was_away: false })?;
        }
        erased.octets = self.unnamed(octets)?;
        Ok(erased)
    }

    /// Takes away everything of a message but its intents; answers its Message-ID and the octets of its copies.
    fn forget_message(&mut self, message: MessageKey) -> Result<Option<(Option<MessageId>, Vec<Digest>)>> {
        self.take::<Unlisted>(&Unlisted::key_of(&self.practice, message))?;
        let Some(row) = self.message_row(message)? else { return Ok(None) };
        let mut octets = Vec::new();
        for place in &row.places {
            let copy = self.take::<CopyRow>(&keys::copy(&self.practice, place))?;
            octets.extend(copy.map(|copy| copy.copy.blob()));
        }
        self.take::<MessageRow>(&keys::message(&self.practice, message))?;
        self.forget_aliases(row.conversation)?;
        Ok(Some((row.message_id, octets)))
    }

    /// Erases an intent but for what keeps it from being sent again.
    fn forget_intent(&mut self, intent: &Outgoing, secret: &PracticeSecret) -> Result<()> {
        self.take::<Intent>(&keys::intent(&self.practice, intent.message.id))?;
        self.put(&ErasedIntent::of(intent, secret))
    }

    /// Leaves the tombstone of a message, in place of one of before.
    fn bury(
        &mut self,
        erasure: &Erasure,
        (message, message_id): (MessageKey, Option<&MessageId>),
        secret: &PracticeSecret,
    ) -> Result<()> {
        let message = secret.message(&message);
        if erasure.bars == Bars::Nothing {
            return self.take::<Grave>(&Grave::key_of(&self.practice, &message)).map(|_| ());
        }
        let message_id = message_id.map(|id| secret.message_id(id));
        let tombstone = Tombstone::new(erasure.reason, self.now, erasure.bars.clone());
        self.put(&Grave { message, message_id, tombstone })
    }

    /// Takes away the tombstones of which this is so.
    fn take_graves(&mut self, which: impl Fn(&Tombstone) -> bool) -> Result<()> {
        let all = self.records::<Grave>(&Key::of(Kind::Tombstone, &self.practice), None)?;
        for grave in all.collect::<Result<Vec<_>>>()?.iter().filter(|grave| which(&grave.tombstone)) {
            self.take::<Grave>(&Grave::key_of(&self.practice, &grave.message))?;
        }
        Ok(())
    }

    /// No account is covered for these keys any more.
    fn uncover(&mut self, keys: &BTreeSet<KeyDigest>) -> Result<()> {
        for mut account in self.accounts()? {
            account.uncover(keys);
            self.put(&account)?;
        }
        Ok(())
    }

    /// Of octets whose rows went, those nothing names any more: they go from the blob store.
    fn unnamed(&mut self, octets: BTreeSet<Digest>) -> Result<Vec<Digest>> {
        let mut unnamed = Vec::new();
        for octets in octets {
            if !self.is_named(&octets)? {
                self.take::<Orphan>(&Orphan::key_of(&self.practice, &octets))?;
                unnamed.push(octets);
            }
        }
        Ok(unnamed)
    }

    /// Erases what was archived from an account (S16).
    pub(crate) fn erase_account(&mut self, id: &AccountId) -> Result<Vec<Digest>> {
        let mut account: AccountRow = self.account(id)?;
        account.erase()?;
        self.put(&account)?;
        let (mut octets, mut messages) = (BTreeSet::new(), BTreeSet::new());
        let letters = self.records(&keys::in_account(Kind::DeadLetter, &self.practice, id), None)?;
        for letter in letters.collect::<Result<Vec<DeadLetter>>>()? {
            self.take::<DeadLetter>(&keys::place(Kind::DeadLetter, &self.practice, &letter.place))?;
            octets.extend(letter.octets.map(|(sha, _)| sha));
        }
        let copies = self.records(&keys::in_account(Kind::Copy, &self.practice, id), None)?;
        for copy in copies.collect::<Result<Vec<CopyRow>>>()? {
            self.take_copy(&copy.copy.place)?;
            octets.insert(copy.copy.blob());
            messages.insert(copy.message);
        }
        for message in messages {
            if self.shrink(message, id)? {
                self.tell(id, ChangeKind::MessageErased(message))?;
            }
        }
        self.tell(id, ChangeKind::AccountErased)?;
        self.unnamed(octets)
    }

    /// Takes from a message what neither its copies hold nor what was sent; says whether nothing was left of it.
    fn shrink(&mut self, message: MessageKey, account: &AccountId) -> Result<bool> {
        let Some(mut row) = self.message_row(message)? else { return Ok(false) };
        let sent = self.intents_of(message)?.iter().map(|intent| intent.row.item.message.rendition).collect();
        let copies = self.copies_of(&row)?;
        row.shrink(&copies.iter().collect::<Vec<_>>(), &sent);
        if row.renditions.is_empty() {
            self.forget_message(message)?;
            return Ok(true);
        }
        row.forget_links_of(account);
        self.put(&row)?;
        Ok(false)
    }

    /// Takes up what the directory showed of an erased client (A7).
    pub(crate) fn sight_client(&mut self, client: &ClientId, sighting: &ClientSighting) -> Result<()> {
        let key = AwayClient::key_of(&self.practice, client);
        let Some(mut row) = self.get::<AwayClient>(&key)? else { return Ok(()) };
        match sighting {
            ClientSighting::Away => {
                row.was_away = true;
                self.put(&row)
            }
            ClientSighting::Back(keys) if row.was_away => {
                self.take::<AwayClient>(&key)?;
                let theirs = Bars::UntilClientIsBack(client.clone());
                self.take_graves(|tombstone| tombstone.bars == theirs)?;
                self.uncover(keys)
            }
            _ => Ok(()),
        }
    }

    /// Marks messages that are not marked, and takes the marks of others (A8).
    pub(crate) fn mark_unlisted(&mut self, unlisted: &[MessageKey], listed: &[MessageKey]) -> Result<()> {
        for message in unlisted {
            let is_marked = self.get::<Unlisted>(&Unlisted::key_of(&self.practice, *message))?.is_some();
            if !is_marked && self.message_row(*message)?.is_some() {
                self.put(&Unlisted { message: *message, since: self.now })?;
            }
        }
        for message in listed {
            self.take::<Unlisted>(&Unlisted::key_of(&self.practice, *message))?;
        }
        Ok(())
    }

    /// Of octets that are there, those that nothing names, nor did `seconds` ago or earlier (A9).
    pub(crate) fn orphans(&mut self, listed: &[Digest], seconds: u32) -> Result<Vec<Digest>> {
        let before = self.now.plus(-i64::from(seconds));
        let mut orphans = Vec::new();
        for octets in listed {
            let known = self.take::<Orphan>(&Orphan::key_of(&self.practice, octets))?;
            if self.is_named(octets)? {
                continue;
            }
            let since = known.map_or(self.now, |orphan| orphan.since);
            if since <= before {
                // If they come again they are new, and what will name them may be under way.
                orphans.push(*octets);
            } else {
                self.put(&Orphan { octets: *octets, since })?;
            }
        }
        Ok(orphans)
    }
}

fn bars(tombstone: &Tombstone, now: Timestamp) -> bool {
    !matches!(tombstone.bars, Bars::Until(until) if until <= now)
}
