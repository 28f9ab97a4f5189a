//! The archive of the broken mail stores.

use std::collections::BTreeSet;

use async_trait::async_trait;
use practicemail::contract::{
    Archive, Bars, ClientSighting, Erasable, Erased, ErasedClient, Erasure, MailStore, Message, PageFilter,
    PagePosition, PageQuery, Tombstone,
};
use practicemail::error::Result;
use practicemail::types::{
    ClientId, ConversationId, Digest, KeyDigest, MessageId, MessageKey, PracticeId, SearchTerms, Timestamp,
    UserId,
};

use crate::store::{Double, Fault};

impl Double {
    /// A page as a fault of filters has it, if there is such a fault.
    pub(crate) async fn filtered_wrongly(&self, query: &PageQuery) -> Result<Option<Vec<PagePosition>>> {
        let mut wrong = query.clone();
        let filter = &mut wrong.filter;
        match self.fault() {
            Fault::UntilIsInclusive => filter.until = filter.until.map(|until| until.plus(1)),
            Fault::WithoutIsIgnored => filter.without.clear(),
            Fault::AttachmentsAreIgnored => filter.attachments = None,
            Fault::ParticularUsersAreIgnored => filter.user = None,
            Fault::HiddenIsShown if filter.terms.is_none() => filter.seen_by = None,
            Fault::HidingIsForOneself if filter.terms.is_none() => {
                let Some(user) = filter.seen_by.clone() else { return Ok(None) };
                let mut page = self.inner.page(&wrong).await?;
                let messages: Vec<_> = page.iter().map(|at| at.message).collect();
                let messages = self.inner.messages(&query.practice, &messages).await?;
                let hidden = |message: &Message| message.hidden_by.contains(&user);
                let hidden: BTreeSet<_> =
                    messages.iter().filter(|message| hidden(message)).map(|message| message.key).collect();
                page.retain(|at| !hidden.contains(&at.message));
                return Ok(Some(page));
            }
            Fault::FiltersComeAfterTheLimit => {
                wrong.filter = PageFilter::default();
                let mut page = self.inner.page(&wrong).await?;
                wrong.filter = query.filter.clone();
                wrong.limit = usize::MAX;
                let passes: BTreeSet<_> = self.inner.page(&wrong).await?.into_iter().collect();
                page.retain(|at| passes.contains(at));
                return Ok(Some(page));
            }
            Fault::TextIsSearchedByAll => {
                filter.terms = None;
                let seen: BTreeSet<_> = self.inner.page(&wrong).await?.into_iter().collect();
                wrong.filter.terms = query.filter.terms.clone();
                wrong.filter.seen_by = None;
                let found = self.inner.page(&wrong).await?;
                return Ok(Some(found.into_iter().filter(|at| seen.contains(at)).collect()));
            }
            Fault::TermsMayBeApart => {
                let Some(terms) = filter.terms.take() else { return Ok(None) };
                let mut found = self.inner.page(&wrong).await?;
                for term in terms.terms() {
                    wrong.filter.terms = SearchTerms::parse(&format!("\"{}\"", term.join(" ")));
                    let page: BTreeSet<_> = self.inner.page(&wrong).await?.into_iter().collect();
                    found.retain(|at| page.contains(at));
                }
                return Ok(Some(found));
            }
            Fault::AliasesAreForgotten => {
                let Some(id) = query.conversation else { return Ok(None) };
                if self.inner.conversation(&query.practice, id).await? != Some(id) {
                    return Ok(Some(Vec::new()));
                }
            }
            Fault::ConversationsAreWhole => {
                let Some(id) = query.conversation else { return Ok(None) };
                let resolved = self.inner.conversation(&query.practice, id).await?;
                let mut messages = self.inner.all_messages(&query.practice, None, usize::MAX).await?;
                messages.retain(|message| Some(message.conversation) == resolved);
                let mut all: Vec<_> = messages
                    .iter()
                    .map(|message| PagePosition::new(message.sort_time, message.key))
                    .collect();
                all.sort_by(|one, two| two.cmp(one));
                all.retain(|at| query.before.is_none_or(|before| *at < before));
                all.truncate(query.limit);
                return Ok(Some(all));
            }
            _ => return Ok(None),
        }
        self.inner.page(&wrong).await.map(Some)
    }
}

#[async_trait]
impl Archive for Double {
    async fn hide(
        &self,
        practice: &PracticeId,
        message: MessageKey,
        user: &UserId,
        hidden: bool,
    ) -> Result<bool> {
        match self.inner.hide(practice, message, user, hidden).await {
            Err(_) if self.is(Fault::StrangersHide) => Ok(false),
            done => done,
        }
    }
    async fn conversation(
        &self,
        practice: &PracticeId,
        id: ConversationId,
    ) -> Result<Option<ConversationId>> {
        let named = self.inner.conversation(practice, id).await?;
        Ok(named.filter(|named| !self.is(Fault::AliasesAreForgotten) || *named == id))
    }
    async fn is_indexed(
        &self,
        practice: &PracticeId,
        message: MessageKey,
        keys: &BTreeSet<KeyDigest>,
    ) -> Result<bool> {
        if self.is(Fault::AnyKeyWillDo) {
            for key in keys {
                if self.inner.is_indexed(practice, message, &[*key].into()).await? {
                    return Ok(true);
                }
            }
        }
        self.inner.is_indexed(practice, message, keys).await
    }
    async fn erase_messages(&self, erasure: &Erasure) -> Result<Erased> {
        let mut asked = erasure.clone();
        let copies = self.inner.messages(&erasure.practice, &erasure.messages).await?;
        match self.fault() {
            Fault::ErasersAreUntold => asked.by = None,
            Fault::UntilIsForEver if matches!(asked.bars, Bars::Until(_)) => asked.bars = Bars::ForEver,
            Fault::ErasingIsOneByOne => {
                let mut erased = Erased::default();
                for message in &erasure.messages {
                    asked.messages = vec![*message];
                    let one = self.inner.erase_messages(&asked).await?;
                    erased.messages.extend(one.messages);
                    erased.kept.extend(one.kept);
                    erased.octets.extend(one.octets);
                    tokio::task::yield_now().await;
                }
                return Ok(erased);
            }
            _ => {}
        }
        let mut erased = self.inner.erase_messages(&asked).await?;
        match self.fault() {
            Fault::UnsentMessagesGo => erased.messages.append(&mut erased.kept),
            Fault::NamedOctetsGo => {
                let all = copies.iter().flat_map(|message| &message.copies).map(|copy| copy.copy.blob());
                erased.octets = all.chain(erased.octets).collect::<BTreeSet<_>>().into_iter().collect();
            }
            Fault::ErasedMessagesAreFound if erasure.bars == Bars::ForEver => {
                self.memory().taken.extend(&erased.messages);
            }
            Fault::FirstTombstoneCounts => {
                for message in &erased.messages {
                    let of = Erasable::Message(*message);
                    let tombstones = self.inner.tombstones(&erasure.practice, &of).await?;
                    if !tombstones.is_empty() {
                        self.memory().tombstones.entry(*message).or_insert(tombstones);
                    }
                }
            }
            _ => {}
        }
        Ok(erased)
    }
    async fn tombstones(&self, practice: &PracticeId, of: &Erasable) -> Result<Vec<Tombstone>> {
        let mut tombstones = self.inner.tombstones(practice, of).await?;
        match (self.fault(), of) {
            (Fault::FirstTombstoneCounts, Erasable::Message(message)) if !tombstones.is_empty() => {
                let first = self.memory().tombstones.get(message).cloned();
                tombstones = first.unwrap_or(tombstones);
            }
            (Fault::TombstonesOfEveryPractice, _) if tombstones.is_empty() => {
                for other in self.practices() {
                    tombstones.extend(self.inner.tombstones(&other, of).await?);
                }
            }
            _ => {}
        }
        Ok(tombstones)
    }
    async fn barred(&self, practice: &PracticeId, messages: &[MessageKey]) -> Result<BTreeSet<MessageKey>> {
        self.inner.barred(practice, messages).await
    }
    async fn erased_clients(&self, practice: &PracticeId) -> Result<Vec<ErasedClient>> {
        self.inner.erased_clients(practice).await
    }
    async fn sight_client(
        &self,
        practice: &PracticeId,
        client: &ClientId,
        sighting: &ClientSighting,
    ) -> Result<()> {
        match (self.fault(), sighting) {
            (Fault::PresenceIsBeingBack, ClientSighting::Back(_)) => {
                self.inner.sight_client(practice, client, &ClientSighting::Away).await?;
            }
            (Fault::KeysStayCovered, ClientSighting::Back(_)) => {
                let back = ClientSighting::Back(BTreeSet::new());
                return self.inner.sight_client(practice, client, &back).await;
            }
            _ => {}
        }
        self.inner.sight_client(practice, client, sighting).await
    }
    async fn mark_unlisted(
        &self,
        practice: &PracticeId,
        unlisted: &[MessageKey],
        listed: &[MessageKey],
    ) -> Result<()> {
        match self.fault() {
            Fault::MarksAreRenewed => self.inner.mark_unlisted(practice, &[], unlisted).await?,
            Fault::MarksStay => return self.inner.mark_unlisted(practice, unlisted, &[]).await,
            _ => {}
        }
        self.inner.mark_unlisted(practice, unlisted, listed).await
    }
    async fn unlisted(
        &self,
        practice: &PracticeId,
        before: Timestamp,
        after: Option<MessageKey>,
        limit: usize,
    ) -> Result<Vec<MessageKey>> {
        let marked = self.inner.unlisted(practice, before, after, limit).await?;
        if self.is(Fault::MarksOfEveryPractice) && marked.is_empty() && after.is_none() {
            for other in self.practices().iter().filter(|other| *other != practice) {
                let theirs = self.inner.unlisted(other, before, after, limit).await?;
                if !theirs.is_empty() {
                    return Ok(theirs);
                }
            }
        }
        Ok(marked)
    }
    async fn orphans(&self, practice: &PracticeId, listed: &[Digest], seconds: u32) -> Result<Vec<Digest>> {
        if self.is(Fault::OrphansGoAtOnce) && self.practices().len() == 1 {
            return self.inner.orphans(practice, listed, 0).await;
        }
        let mut orphans = self.inner.orphans(practice, listed, seconds).await?;
        if self.is(Fault::OrphansAreRemembered) {
            let mut memory = self.memory();
            memory.orphans.extend(&orphans);
            orphans = listed.iter().filter(|sha256| memory.orphans.contains(sha256)).copied().collect();
        }
        Ok(orphans)
    }
    async fn purge(&self) -> Result<()> {
        self.inner.purge().await
    }
    async fn with_message_id(&self, practice: &PracticeId, id: &MessageId) -> Result<Vec<MessageKey>> {
        self.inner.with_message_id(practice, id).await
    }
    async fn last_change(&self, practice: &PracticeId) -> Result<u64> {
        self.inner.last_change(practice).await
    }
    async fn record_export(&self, practice: &PracticeId, by: Option<UserId>) -> Result<()> {
        self.inner.record_export(practice, by.filter(|_| !self.is(Fault::ExportersAreUntold))).await
    }
}
