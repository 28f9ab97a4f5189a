//! Mail stores that break a clause.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use practicemail::conformance::{self, Seed};
use practicemail::contract::{
    AccountRecord, AccountState, Archive, ArchivedCopy, Change, ChangeKind, Comparison, CopiesInMailbox,
    CoverageChange, DeadLetter, Fence, HistoryStep, MailStore, Message, MessageCopy, NewAccount, Outbox,
    PageFilter, PagePosition, PageQuery, PassEnd, Rendition, SettingsChange, StoredCopy, SyncState,
    Tombstone, Window, WindowReceipt,
};
use practicemail::error::{ErrorKind, Result};
use practicemail::settings::{AccountSettings, PracticeSettings};
use practicemail::storage::MemoryStore;
use practicemail::types::{
    AccountId, Address, Authenticity, CleanText, CopyPlace, Digest, Field, Kept, KeyDigest, MailboxName,
    MessageId, MessageKey, Participant, PracticeId, Timestamp, UidSet, UidValidity,
};

use crate::assert_reported;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fault {
    /// Every clause is kept.
    None,
    CoverageIsTwoWrites,
    WindowIsTwoWrites,
    EndOfPassIsNotFenced,
    HoldersAreNotToldApart,
    SettingsStay,
    ReconnectingLosesProgress,
    SortTimeMoves,
    SecondRenditionIsMerged,
    KnownCopiesAreCounted,
    PlaceStaysTheFirstCopys,
    GapsAreNeverClosed,
    OctetsAreCountedForever,
    BccIsLost,
    ValidityIsIgnored,
    MovedCopiesStay,
    NothingIsEverGone,
    GoneMailboxesStay,
    HistoryIsFinishedAnyway,
    HistoryNeverShrinks,
    NewMessagesAreHistory,
    ForgottenKeysStay,
    TiesAreAscending,
    PagesGoByOffset,
    MessagesAreOncePerKey,
    MessagesAreInAnyOrder,
    OnlyTheFirstCopysKeys,
    CountCountsPostings,
    FurtherCopiesAreUntold,
    ChangesAreNumberedAnew,
    DisconnectingKeepsFences,
    DisconnectingHidesTheArchive,
    MessagesOfEveryPractice,
    DeadLettersOfEveryPractice,
    PracticeSettingsStay,
    FieldIsBelieved,
    CopiesAreNoEvidence,
    BouncesAreLost,
    DelaysReplaceFailures,
    ChangesAreNotCompared,
    ActorsAreLost,
    SwitchingOffKeepsTheEpoch,
    SwitchingOffKeepsFences,
    SwitchedOffIsDisconnected,
    SwitchingOnConnectsAll,
    ErasedCopiesStay,
    ErasingTakesSharedMessages,
    ErasingTakesWhatWasSent,
    KeysOutliveTheirCopies,
    NamedOctetsAreAnswered,
    ErasedMessagesAreUntold,
    ErasingIgnoresUse,
    KnownCopiesPutNothingBack,
    KnownCopiesStayDeadLetters,
    DeadLettersLoseTheirLabels,
    KeptIsForgotten,
    AuthenticityIsForgotten,
    BeginningsAreWhole,
    FiltersComeAfterTheLimit,
    UntilIsInclusive,
    WithoutIsIgnored,
    AttachmentsAreIgnored,
    ParticularUsersAreIgnored,
    AnyKeyWillDo,
    HiddenIsShown,
    HidingIsForOneself,
    StrangersHide,
    HidingIsUntold,
    TextIsSearchedByAll,
    TermsMayBeApart,
    SharingIsUntold,
    ParentsHaveToBeThere,
    ThreadsAreOfEveryAccount,
    NobodyIsInCommon,
    AliasesAreForgotten,
    ConversationsAreWhole,
    KeysAreNotCompared,
    ClaimsAreShared,
    ClaimsAreOfTheirQueueing,
    RecoveredIsDelivered,
    ConfirmingIsNotFenced,
    FinishingIsNotFenced,
    SentIsNotArchived,
    LearntIsForgotten,
    DecidedAtOnce,
    SendingIsTakenBack,
    LimitsAreIgnored,
    QueuedIsDecided,
    StepsAreUntold,
    IntentsOfEveryPractice,
    ErasedIntentsAreQueued,
    GoneCopiesAreUntold,
    BarredCopiesAreNoEvidence,
    ErasingIsOneByOne,
    ErasedMessagesAreFound,
    UnsentMessagesGo,
    NamedOctetsGo,
    ErasersAreUntold,
    BarredIsNotSeen,
    UntilIsForEver,
    FirstTombstoneCounts,
    PresenceIsBeingBack,
    KeysStayCovered,
    MarksAreRenewed,
    MarksStay,
    OrphansGoAtOnce,
    OrphansAreRemembered,
    ExportersAreUntold,
    TombstonesOfEveryPractice,
    MarksOfEveryPractice,
    HoldersClaimTwice,
    TheSecondComesFirst,
    ProviderLimitsAreIgnored,
    NextIsUntold,
    FailuresAreNotCounted,
    RequestsAreLostUnderALease,
    PausesNeverEnd,
    BacklogIsForgotten,
    OutboxesBeginAnew,
    RequestsAreForEveryPractice,
    RefusedRowsLeaveTheRest,
    RefusedRowsAreAnOutage,
    RefusedRowsArePassedOver,
    RefusedRowsLoseTheLease,
    RefusedEndsAreWritten,
    RefusedEndsAreAnOutage,
    RefusedEndsArePassedOver,
    RefusedEndsQueueItAgain,
    RefusedDecisionsAreWritten,
}

/// Each fault, and the one clause that it breaks.
const FAULTS: &[(Fault, &str)] = &[
    (Fault::CoverageIsTwoWrites, "S1"),
    (Fault::WindowIsTwoWrites, "S1"),
    (Fault::EndOfPassIsNotFenced, "S2"),
    (Fault::HoldersAreNotToldApart, "S3"),
    (Fault::SettingsStay, "S4"),
    (Fault::ReconnectingLosesProgress, "S4"),
    (Fault::SortTimeMoves, "S5"),
    (Fault::SecondRenditionIsMerged, "S5"),
    (Fault::KnownCopiesAreCounted, "S5"),
    (Fault::PlaceStaysTheFirstCopys, "S5"),
    (Fault::GapsAreNeverClosed, "S5"),
    (Fault::OctetsAreCountedForever, "S5"),
    (Fault::BccIsLost, "S5"),
    (Fault::ValidityIsIgnored, "S6"),
    (Fault::MovedCopiesStay, "S6"),
    (Fault::NothingIsEverGone, "S6"),
    (Fault::GoneMailboxesStay, "S6"),
    (Fault::HistoryIsFinishedAnyway, "S7"),
    (Fault::HistoryNeverShrinks, "S7"),
    (Fault::NewMessagesAreHistory, "S7"),
    (Fault::ForgottenKeysStay, "S7"),
    (Fault::TiesAreAscending, "S8"),
    (Fault::PagesGoByOffset, "S8"),
    (Fault::MessagesAreOncePerKey, "S8"),
    (Fault::MessagesAreInAnyOrder, "S8"),
    (Fault::OnlyTheFirstCopysKeys, "S9"),
    (Fault::CountCountsPostings, "S9"),
    (Fault::FurtherCopiesAreUntold, "S10"),
    (Fault::ChangesAreNumberedAnew, "S10"),
    (Fault::DisconnectingKeepsFences, "S11"),
    (Fault::DisconnectingHidesTheArchive, "S11"),
    (Fault::MessagesOfEveryPractice, "S12"),
    (Fault::DeadLettersOfEveryPractice, "S12"),
    (Fault::FieldIsBelieved, "S13"),
    (Fault::CopiesAreNoEvidence, "S13"),
    (Fault::BouncesAreLost, "S14"),
    (Fault::DelaysReplaceFailures, "S14"),
    (Fault::PracticeSettingsStay, "S15"),
    (Fault::ChangesAreNotCompared, "S15"),
    (Fault::ActorsAreLost, "S15"),
    (Fault::SwitchingOffKeepsTheEpoch, "S15"),
    (Fault::SwitchingOffKeepsFences, "S15"),
    (Fault::SwitchedOffIsDisconnected, "S15"),
    (Fault::SwitchingOnConnectsAll, "S15"),
    (Fault::ErasedCopiesStay, "S16"),
    (Fault::ErasingTakesSharedMessages, "S16"),
    (Fault::ErasingTakesWhatWasSent, "S16"),
    (Fault::KeysOutliveTheirCopies, "S16"),
    (Fault::NamedOctetsAreAnswered, "S16"),
    (Fault::ErasedMessagesAreUntold, "S16"),
    (Fault::ErasingIgnoresUse, "S16"),
    (Fault::KnownCopiesPutNothingBack, "S5"),
    (Fault::KnownCopiesStayDeadLetters, "S5"),
    (Fault::DeadLettersLoseTheirLabels, "S6"),
    (Fault::KeptIsForgotten, "S5"),
    (Fault::AuthenticityIsForgotten, "S5"),
    (Fault::BeginningsAreWhole, "S5"),
    (Fault::FiltersComeAfterTheLimit, "S8"),
    (Fault::UntilIsInclusive, "S8"),
    (Fault::WithoutIsIgnored, "S8"),
    (Fault::AttachmentsAreIgnored, "S8"),
    (Fault::ParticularUsersAreIgnored, "S8"),
    (Fault::AnyKeyWillDo, "S9"),
    (Fault::HiddenIsShown, "A1"),
    (Fault::HidingIsForOneself, "A1"),
    (Fault::StrangersHide, "A1"),
    (Fault::HidingIsUntold, "A1"),
    (Fault::TextIsSearchedByAll, "A2"),
    (Fault::TermsMayBeApart, "A2"),
    (Fault::SharingIsUntold, "A2"),
    (Fault::ParentsHaveToBeThere, "A3"),
    (Fault::ThreadsAreOfEveryAccount, "A3"),
    (Fault::NobodyIsInCommon, "A3"),
    (Fault::AliasesAreForgotten, "A4"),
    (Fault::ConversationsAreWhole, "A4"),
    (Fault::KeysAreNotCompared, "O1"),
    (Fault::ClaimsAreShared, "O2"),
    (Fault::ClaimsAreOfTheirQueueing, "O2"),
    (Fault::RecoveredIsDelivered, "O3"),
    (Fault::ConfirmingIsNotFenced, "O4"),
    (Fault::FinishingIsNotFenced, "O4"),
    (Fault::SentIsNotArchived, "O5"),
    (Fault::LearntIsForgotten, "O5"),
    (Fault::DecidedAtOnce, "O6"),
    (Fault::SendingIsTakenBack, "O7"),
    (Fault::LimitsAreIgnored, "O8"),
    (Fault::QueuedIsDecided, "O9"),
    (Fault::StepsAreUntold, "O10"),
    (Fault::IntentsOfEveryPractice, "O11"),
    (Fault::ErasedIntentsAreQueued, "O1"),
    (Fault::GoneCopiesAreUntold, "S6"),
    (Fault::BarredCopiesAreNoEvidence, "S13"),
    (Fault::ErasingIsOneByOne, "A5"),
    (Fault::ErasedMessagesAreFound, "A5"),
    (Fault::UnsentMessagesGo, "A5"),
    (Fault::NamedOctetsGo, "A5"),
    (Fault::ErasersAreUntold, "A5"),
    (Fault::BarredIsNotSeen, "A6"),
    (Fault::UntilIsForEver, "A6"),
    (Fault::FirstTombstoneCounts, "A6"),
    (Fault::PresenceIsBeingBack, "A7"),
    (Fault::KeysStayCovered, "A7"),
    (Fault::MarksAreRenewed, "A8"),
    (Fault::MarksStay, "A8"),
    (Fault::OrphansGoAtOnce, "A9"),
    (Fault::OrphansAreRemembered, "A9"),
    (Fault::ExportersAreUntold, "A10"),
    (Fault::TombstonesOfEveryPractice, "A11"),
    (Fault::MarksOfEveryPractice, "A11"),
    (Fault::HoldersClaimTwice, "W1"),
    (Fault::TheSecondComesFirst, "W2"),
    (Fault::ProviderLimitsAreIgnored, "W3"),
    (Fault::NextIsUntold, "W4"),
    (Fault::FailuresAreNotCounted, "W5"),
    (Fault::RequestsAreLostUnderALease, "W6"),
    (Fault::PausesNeverEnd, "W7"),
    (Fault::BacklogIsForgotten, "W8"),
    (Fault::OutboxesBeginAnew, "W9"),
    (Fault::RequestsAreForEveryPractice, "W10"),
];

#[tokio::test]
async fn every_broken_clause_is_reported() {
    for (fault, clause) in FAULTS {
        let open = async |seed: Seed| Double::new(&seed, *fault);
        assert_reported(fault, &conformance::store(open).await, &[clause]);
    }
}

pub(crate) struct Double {
    pub(crate) inner: MemoryStore,
    fault: Fault,
    memory: Mutex<Memory>,
}

/// What the faults go by.
#[derive(Default)]
pub(crate) struct Memory {
    connected: BTreeMap<(PracticeId, AccountId), NewAccount>,
    reconnected: BTreeSet<AccountId>,
    sort_times: BTreeMap<(PracticeId, MessageKey), Timestamp>,
    octets: BTreeMap<(PracticeId, AccountId), u64>,
    offsets: BTreeMap<PagePosition, usize>,
    disconnected: BTreeSet<PracticeId>,
    seen_since: BTreeMap<MailboxName, UidSet>,
    pub(crate) queued: BTreeSet<PracticeId>,
    pub(crate) claimed: BTreeSet<(PracticeId, AccountId)>,
    settled: BTreeMap<PracticeId, PracticeSettings>,
    /// Messages an erased account had copies of.
    erased: BTreeSet<MessageKey>,
    posted: BTreeMap<KeyDigest, BTreeSet<PagePosition>>,
    /// Messages that were erased for good by their key.
    pub(crate) taken: BTreeSet<MessageKey>,
    /// The first tombstones of messages.
    pub(crate) tombstones: BTreeMap<MessageKey, Vec<Tombstone>>,
    /// Octets that were answered as orphans.
    pub(crate) orphans: BTreeSet<Digest>,
    /// Dead letters at places of known copies that were committed again.
    letters: BTreeMap<PracticeId, Vec<DeadLetter>>,
    /// What was first archived of each octets at a place.
    first: BTreeMap<(PracticeId, CopyPlace, Digest), ArchivedCopy>,
    /// Messages of which every row is refused.
    pub(crate) refused: BTreeSet<MessageKey>,
}

impl Double {
    pub(crate) fn new(seed: &Seed, fault: Fault) -> Self {
        Self { inner: MemoryStore::new(seed.clock.clone()), fault, memory: Mutex::default() }
    }

    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap()
    }

    pub(crate) fn fault(&self) -> Fault {
        self.fault
    }

    pub(crate) fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    async fn epoch(&self, fence: &Fence) -> Option<u64> {
        let accounts = self.inner.accounts(&fence.practice).await.unwrap();
        accounts.into_iter().find(|record| record.account.id == fence.account).map(|record| record.epoch)
    }

    /// Whether the fence is of an epoch before the account's.
    async fn outlived(&self, fence: &Fence) -> bool {
        let accounts = self.inner.accounts(&fence.practice).await.unwrap();
        let account = accounts.into_iter().find(|record| record.account.id == fence.account);
        account.is_some_and(|record| {
            let state = match self.fault {
                Fault::DisconnectingKeepsFences => AccountState::Disconnected,
                Fault::SwitchingOffKeepsFences => AccountState::SwitchedOff,
                _ => return false,
            };
            record.state == state && fence.epoch < record.epoch
        })
    }

    pub(crate) fn practices(&self) -> Vec<PracticeId> {
        let practices: BTreeSet<_> =
            self.memory().connected.keys().map(|(practice, _)| practice.clone()).collect();
        practices.into_iter().collect()
    }

    fn distort(&self, practice: &PracticeId, mut message: Message) -> Message {
        if self.is(Fault::SortTimeMoves)
            && let Some(moved) = self.memory().sort_times.get(&(practice.clone(), message.key))
        {
            message.sort_time = *moved;
        }
        if self.is(Fault::SecondRenditionIsMerged) && self.memory().connected.len() == 1 {
            message.renditions.truncate(1);
        }
        if self.is(Fault::BccIsLost) {
            message.copies.iter_mut().for_each(|copy| copy.bcc.clear());
        }
        for copy in &mut message.copies {
            match self.fault {
                Fault::KeptIsForgotten => copy.copy.kept = Kept::Whole,
                Fault::AuthenticityIsForgotten => copy.copy.authenticity = Authenticity::Unknown,
                Fault::SharingIsUntold => copy.headers_only = false,
                _ => {}
            }
        }
        if self.is(Fault::ParentsHaveToBeThere) || self.is(Fault::NobodyIsInCommon) {
            let memory = self.memory();
            for rendition in &mut message.renditions {
                let came = memory.first.values().find(|first| {
                    first.message == message.key && first.parsed.rendition == Some(rendition.digest)
                });
                if let Some(came) = came {
                    *rendition = Rendition::of(rendition.digest, &came.parsed);
                }
            }
        }
        if self.is(Fault::BeginningsAreWhole) {
            message.renditions.iter_mut().for_each(|rendition| rendition.incomplete = false);
        }
        message
    }

    /// Whether the fault has erasing take a message that stays.
    fn is_taken(&self, message: &Message) -> bool {
        let erased = self.memory().erased.contains(&message.key);
        match self.fault {
            Fault::ErasingTakesSharedMessages => erased && !message.copies.is_empty(),
            Fault::ErasingTakesWhatWasSent => erased && message.copies.is_empty(),
            _ => false,
        }
    }

    fn hidden(&self, practice: &PracticeId) -> bool {
        self.is(Fault::DisconnectingHidesTheArchive) && self.memory().disconnected.contains(practice)
    }

    /// The window as the fault lets it through.
    #[allow(clippy::too_many_lines, reason = "one arm a fault")]
    async fn distorted(&self, fence: &Fence, window: &Window) -> Window {
        let mut window = window.clone();
        let state = self.inner.sync_state(&fence.practice, &fence.account).await.unwrap();
        let known = state.mailboxes.into_iter().find(|mailbox| mailbox.name == window.mailbox);
        match self.fault {
            Fault::GapsAreNeverClosed => window.gaps_closed = UidSet::new(),
            Fault::HistoryNeverShrinks => window.history_done = UidSet::new(),
            Fault::MovedCopiesStay => window.moved.clear(),
            Fault::CopiesAreNoEvidence => window.copies.iter_mut().for_each(|copy| copy.in_sent = false),
            Fault::BouncesAreLost => window.bounces.clear(),
            Fault::DelaysReplaceFailures => {
                let told = window.bounces.iter_mut().flat_map(|report| &mut report.recipients);
                told.for_each(|(_, bounce)| bounce.permanent = true);
            }
            Fault::FieldIsBelieved => {
                for copy in &mut window.copies {
                    let Some(id) = copy.parsed.outgoing else { continue };
                    if let Some(intent) = self.inner.outgoing(&fence.practice, id).await.unwrap() {
                        copy.message = intent.message.message;
                    }
                }
            }
            Fault::BarredCopiesAreNoEvidence | Fault::BarredIsNotSeen => {
                let messages: Vec<_> = window.copies.iter().map(|archived| archived.message).collect();
                let barred = self.inner.barred(&fence.practice, &messages).await.unwrap();
                let copies = window.copies.iter_mut().filter(|archived| barred.contains(&archived.message));
                let mut seen = UidSet::new();
                for archived in copies {
                    seen.insert(archived.copy.place.uid);
                    archived.in_sent &= !self.is(Fault::BarredCopiesAreNoEvidence);
                }
                if self.is(Fault::BarredIsNotSeen) {
                    window.seen = window.seen.difference(&seen);
                }
            }
            Fault::ValidityIsIgnored => {
                if let Some(known) = known {
                    window.seen.extend_from(&known.cursor.seen);
                }
            }
            Fault::PlaceStaysTheFirstCopys => {
                let mut copies = Vec::new();
                for archived in window.copies {
                    let place = &archived.copy.place;
                    let uids: UidSet = [place.uid].into_iter().collect();
                    let of = (&fence.practice, &place.account);
                    let at = self
                        .inner
                        .copies_at(of.0, of.1, &place.mailbox, place.uid_validity, &uids)
                        .await
                        .unwrap();
                    if at.iter().all(|stored| stored.copy.sha256 == archived.copy.sha256) {
                        copies.push(archived);
                    }
                }
                window.copies = copies;
            }
            Fault::KnownCopiesPutNothingBack => {
                let memory = self.memory();
                for archived in &mut window.copies {
                    if let Some(first) = memory.first.get(&octets_at(fence, archived)) {
                        archived.postings.clone_from(&first.postings);
                        archived.thread.clone_from(&first.thread);
                    }
                }
            }
            Fault::KnownCopiesStayDeadLetters => {
                let letters = self.inner.dead_letters(&fence.practice).await.unwrap();
                let mut memory = self.memory();
                for archived in &window.copies {
                    if memory.first.contains_key(&octets_at(fence, archived)) {
                        let letter = letters.iter().find(|letter| letter.place == archived.copy.place);
                        memory.letters.entry(fence.practice.clone()).or_default().extend(letter.cloned());
                    }
                }
            }
            Fault::ParentsHaveToBeThere => {
                let there = self.inner.all_messages(&fence.practice, None, usize::MAX).await.unwrap();
                let with = window.copies.iter().filter_map(|copy| copy.parsed.headers.message_id.clone());
                let there = there.into_iter().filter_map(|message| message.message_id).chain(with);
                let there: BTreeSet<_> = there.collect();
                for archived in &mut window.copies {
                    archived.parsed.references.retain(|id| there.contains(id));
                    archived.parsed.in_reply_to.take_if(|id| !there.contains(id));
                }
            }
            Fault::ThreadsAreOfEveryAccount => {
                for archived in &mut window.copies {
                    let thread = archived.thread.take().as_deref().and_then(MessageId::parse);
                    archived.parsed.references.extend(thread);
                }
            }
            Fault::NobodyIsInCommon => {
                // Everybody takes part in everything that names something.
                for archived in &mut window.copies {
                    let parsed = &mut archived.parsed;
                    if parsed.in_reply_to.is_some() || !parsed.references.is_empty() {
                        for name in ["client", "stranger", "a", "b"] {
                            let address = Address::parse(&format!("{name}@client.example")).unwrap();
                            let participant = Participant::new(Field::Cc, address, CleanText::new(""));
                            parsed.headers.participants.push(participant);
                        }
                    }
                }
            }
            Fault::OnlyTheFirstCopysKeys => {
                for archived in &mut window.copies {
                    let of = [archived.message];
                    let known = self.inner.messages(&fence.practice, &of).await.unwrap();
                    let theirs = |copy: &MessageCopy| *copy.account() != fence.account;
                    if known.iter().flat_map(|message| &message.copies).any(theirs) {
                        archived.postings.clear();
                    }
                }
            }
            _ => {}
        }
        window
    }

    fn remember(&self, fence: &Fence, window: &Window) {
        let mut memory = self.memory();
        let account = (fence.practice.clone(), fence.account.clone());
        *memory.octets.entry(account).or_default() += window.octets_read;
        for archived in &window.copies {
            memory.first.entry(octets_at(fence, archived)).or_insert_with(|| archived.clone());
            memory.sort_times.insert((fence.practice.clone(), archived.message), archived.sort_time);
            for key in &archived.postings {
                let position = PagePosition::new(archived.sort_time, archived.message);
                memory.posted.entry(*key).or_default().insert(position);
            }
        }
        memory.seen_since.entry(window.mailbox.clone()).or_default().extend_from(&window.seen);
    }
}

fn is_plain(query: &PageQuery) -> bool {
    query.filter == PageFilter::default() && query.conversation.is_none()
}

fn octets_at(fence: &Fence, archived: &ArchivedCopy) -> (PracticeId, CopyPlace, Digest) {
    (fence.practice.clone(), archived.copy.place.clone(), archived.copy.sha256)
}

#[async_trait]
impl MailStore for Double {
    async fn connect(&self, account: &NewAccount) -> Result<AccountRecord> {
        let key = (account.practice.clone(), account.id.clone());
        let first = {
            let mut memory = self.memory();
            memory.disconnected.remove(&account.practice);
            if memory.connected.contains_key(&key) {
                memory.reconnected.insert(account.id.clone());
            }
            memory.connected.entry(key).or_insert_with(|| account.clone()).clone()
        };
        let stays = self.is(Fault::SettingsStay)
            && first.settings.way() == account.settings.way()
            && first.settings.sharing == account.settings.sharing;
        self.inner.connect(if stays { &first } else { account }).await
    }

    async fn disconnect(&self, practice: &PracticeId, account: &AccountId) -> Result<()> {
        self.inner.disconnect(practice, account).await?;
        self.memory().disconnected.insert(practice.clone());
        Ok(())
    }

    async fn practice_settings(&self, practice: &PracticeId) -> Result<PracticeSettings> {
        self.inner.practice_settings(practice).await
    }

    async fn set_practice_settings(&self, practice: &PracticeId, change: &SettingsChange) -> Result<()> {
        let first =
            self.memory().settled.entry(practice.clone()).or_insert_with(|| change.after.clone()).clone();
        let mut change = change.clone();
        if self.is(Fault::PracticeSettingsStay) {
            change.after.noreply = first.noreply;
        }
        if self.is(Fault::ChangesAreNotCompared) {
            change.before = self.inner.practice_settings(practice).await?;
        }
        self.inner.set_practice_settings(practice, &change).await?;
        if self.is(Fault::SwitchingOnConnectsAll) {
            for record in self.inner.accounts(practice).await? {
                let on = !change.before.allows(record.account.settings.way())
                    && change.after.allows(record.account.settings.way());
                if on && record.state == AccountState::Disconnected {
                    self.inner.connect(&record.account).await?;
                }
            }
        }
        Ok(())
    }

    async fn change_settings(&self, fence: &Fence, settings: &AccountSettings) -> Result<()> {
        self.inner.change_settings(fence, settings).await
    }

    async fn erase_account(&self, practice: &PracticeId, account: &AccountId) -> Result<Vec<Digest>> {
        let messages = self.inner.all_messages(practice, None, usize::MAX).await?;
        let theirs = |message: &Message| message.copies.iter().any(|copy| copy.account() == account);
        let messages: Vec<_> = messages.into_iter().filter(theirs).collect();
        let record = self.inner.accounts(practice).await?.into_iter().find(|r| r.account.id == *account);
        let in_use = record.is_some_and(|record| record.state != AccountState::Disconnected);
        if self.is(Fault::ErasedCopiesStay) && !in_use {
            return Ok(Vec::new());
        }
        if self.is(Fault::ErasingIgnoresUse) && in_use {
            self.inner.disconnect(practice, account).await?;
        }
        let mut unnamed = self.inner.erase_account(practice, account).await?;
        self.memory().disconnected.remove(practice);
        self.memory().erased.extend(messages.iter().map(|message| message.key));
        if self.is(Fault::NamedOctetsAreAnswered) {
            let copies = messages.iter().flat_map(|message| &message.copies);
            let all: BTreeSet<_> = copies.filter(|c| c.account() == account).map(|c| c.copy.sha256).collect();
            unnamed = all.into_iter().chain(unnamed).collect::<BTreeSet<_>>().into_iter().collect();
        }
        Ok(unnamed)
    }

    async fn accounts(&self, practice: &PracticeId) -> Result<Vec<AccountRecord>> {
        let mut records = self.inner.accounts(practice).await?;
        for record in records.iter_mut().filter(|record| record.state == AccountState::SwitchedOff) {
            match self.fault {
                Fault::SwitchingOffKeepsTheEpoch => record.epoch -= 1,
                Fault::SwitchedOffIsDisconnected => record.state = AccountState::Disconnected,
                _ => {}
            }
        }
        Ok(records)
    }

    async fn acquire_lease(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        holder: &str,
        seconds: u32,
    ) -> Result<Fence> {
        let holder = if self.is(Fault::HoldersAreNotToldApart) { "anybody" } else { holder };
        self.inner.acquire_lease(practice, account, holder, seconds).await
    }

    async fn renew_lease(&self, fence: &Fence, seconds: u32) -> Result<()> {
        self.inner.renew_lease(fence, seconds).await
    }

    async fn release_lease(&self, fence: &Fence) -> Result<()> {
        self.inner.release_lease(fence).await
    }

    async fn sync_state(&self, practice: &PracticeId, account: &AccountId) -> Result<SyncState> {
        let mut state = self.inner.sync_state(practice, account).await?;
        let memory = self.memory();
        match self.fault {
            Fault::ReconnectingLosesProgress if memory.reconnected.contains(account) => {
                state = SyncState::default();
            }
            Fault::OctetsAreCountedForever => {
                let octets = memory.octets.get(&(practice.clone(), account.clone()));
                state.octets_today = octets.copied().unwrap_or_default();
            }
            Fault::NewMessagesAreHistory => {
                for mailbox in &mut state.mailboxes {
                    if let (Some(history), Some(since)) =
                        (&mut mailbox.cursor.history, memory.seen_since.get(&mailbox.name))
                    {
                        history.extend_from(since);
                    }
                }
            }
            _ => {}
        }
        Ok(state)
    }

    async fn change_coverage(&self, fence: &Fence, change: &CoverageChange) -> Result<()> {
        let mut change = change.clone();
        if change.history == HistoryStep::Begin {
            self.memory().seen_since.clear();
        }
        if self.is(Fault::ForgottenKeysStay) {
            change.forget.clear();
        }
        if self.is(Fault::CoverageIsTwoWrites) && change.history == HistoryStep::Finish {
            change.history = HistoryStep::Keep;
            self.inner.change_coverage(fence, &change).await?;
            change.forget.clear();
            change.pend.clear();
            change.history = HistoryStep::Finish;
        }
        match self.inner.change_coverage(fence, &change).await {
            Err(e) if self.is(Fault::HistoryIsFinishedAnyway) && e.kind() == ErrorKind::Invalid => Ok(()),
            Err(_) if self.outlived(fence).await => Ok(()),
            done => done,
        }
    }

    async fn commit_window(&self, fence: &Fence, window: &Window) -> Result<WindowReceipt> {
        if let Some(refused) = self.refused_rows(fence, window).await {
            return refused;
        }
        let distorted = self.distorted(fence, window).await;
        if self.is(Fault::WindowIsTwoWrites) {
            let mut progress = Window::new(window.mailbox.clone(), window.uid_validity);
            progress.seen = window.seen.clone();
            self.inner.commit_window(fence, &progress).await?;
            tokio::task::yield_now().await;
        }
        match self.inner.commit_window(fence, &distorted).await {
            Ok(mut receipt) => {
                self.remember(fence, window);
                if self.is(Fault::KnownCopiesAreCounted) {
                    receipt.new_copies = u32::try_from(window.copies.len()).unwrap();
                }
                Ok(receipt)
            }
            Err(_) if self.outlived(fence).await => Ok(WindowReceipt::default()),
            Err(error) => Err(error),
        }
    }

    async fn commit_comparison(&self, fence: &Fence, comparison: &Comparison) -> Result<()> {
        let mut comparison = comparison.clone();
        if self.is(Fault::NothingIsEverGone) {
            comparison.gone.clear();
        }
        if self.is(Fault::GoneMailboxesStay) {
            comparison.mailboxes_gone.clear();
        }
        self.inner.commit_comparison(fence, &comparison).await
    }

    async fn end_pass(&self, fence: &Fence, end: &PassEnd) -> Result<()> {
        let ended = self.inner.end_pass(fence, end).await;
        let unfenced = self.is(Fault::EndOfPassIsNotFenced) && self.epoch(fence).await == Some(fence.epoch);
        if ended.is_ok() {
            let account = (fence.practice.clone(), fence.account.clone());
            *self.memory().octets.entry(account).or_default() += end.octets_read;
        }
        if unfenced { Ok(()) } else { ended }
    }

    async fn copies(&self, practice: &PracticeId, account: &AccountId) -> Result<Vec<CopiesInMailbox>> {
        self.inner.copies(practice, account).await
    }

    async fn copies_at(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        mailbox: &MailboxName,
        uid_validity: UidValidity,
        uids: &UidSet,
    ) -> Result<Vec<StoredCopy>> {
        self.inner.copies_at(practice, account, mailbox, uid_validity, uids).await
    }

    async fn page(&self, query: &PageQuery) -> Result<Vec<PagePosition>> {
        if self.hidden(&query.practice) {
            return Ok(Vec::new());
        }
        if let Some(page) = self.filtered_wrongly(query).await? {
            return Ok(page);
        }
        let whole = || PageQuery::new(query.practice.clone(), query.keys.clone(), usize::MAX);
        match self.fault {
            _ if !is_plain(query) => self.inner.page(query).await,
            Fault::TiesAreAscending => {
                let order = |p: &PagePosition| (std::cmp::Reverse(p.sort_time), p.message);
                let mut all = self.inner.page(&whole()).await?;
                all.sort_by_key(order);
                let after = |p: &PagePosition| query.before.is_none_or(|before| order(&before) < order(p));
                Ok(all.into_iter().filter(after).take(query.limit).collect())
            }
            Fault::PagesGoByOffset => {
                let all = self.inner.page(&whole()).await?;
                let mut memory = self.memory();
                let from =
                    query.before.map_or(0, |before| memory.offsets.get(&before).map_or(0, |at| at + 1));
                if query.before.is_none() {
                    memory.offsets.clear();
                }
                memory.offsets.extend(all.iter().copied().zip(0..).skip(from).take(query.limit));
                Ok(all.into_iter().skip(from).take(query.limit).collect())
            }
            Fault::MessagesAreOncePerKey => {
                let mut merged = Vec::new();
                for key in &query.keys {
                    let of_key = PageQuery::new(query.practice.clone(), vec![*key], query.limit);
                    merged.extend(self.inner.page(&of_key.before(query.before)).await?);
                }
                merged.sort_by(|one, two| two.cmp(one));
                merged.truncate(query.limit);
                Ok(merged)
            }
            Fault::ErasedMessagesAreFound => {
                let mut page: BTreeSet<_> = self.inner.page(query).await?.into_iter().collect();
                let memory = self.memory();
                let posted = query.keys.iter().filter_map(|key| memory.posted.get(key)).flatten();
                page.extend(posted.filter(|position| memory.taken.contains(&position.message)));
                Ok(page.into_iter().rev().take(query.limit).collect())
            }
            Fault::KeysOutliveTheirCopies => {
                let mut page: BTreeSet<_> = self.inner.page(query).await?.into_iter().collect();
                let memory = self.memory();
                let posted = query.keys.iter().filter_map(|key| memory.posted.get(key)).flatten();
                page.extend(posted.filter(|position| memory.erased.contains(&position.message)));
                Ok(page.into_iter().rev().take(query.limit).collect())
            }
            _ => self.inner.page(query).await,
        }
    }

    async fn messages(&self, practice: &PracticeId, keys: &[MessageKey]) -> Result<Vec<Message>> {
        if self.hidden(practice) {
            return Ok(Vec::new());
        }
        let mut messages = self.inner.messages(practice, keys).await?;
        if self.is(Fault::MessagesOfEveryPractice) && messages.is_empty() {
            for other in self.practices() {
                messages.extend(self.inner.messages(&other, keys).await?);
            }
        }
        messages.retain(|message| !self.is_taken(message));
        if self.is(Fault::MessagesAreInAnyOrder) {
            messages.sort_by_key(|message| message.key);
        }
        Ok(messages.into_iter().map(|message| self.distort(practice, message)).collect())
    }

    async fn all_messages(
        &self,
        practice: &PracticeId,
        after: Option<MessageKey>,
        limit: usize,
    ) -> Result<Vec<Message>> {
        let messages = self.inner.all_messages(practice, after, limit).await?;
        Ok(messages.into_iter().map(|message| self.distort(practice, message)).collect())
    }

    async fn count(&self, query: &PageQuery) -> Result<usize> {
        if let Some(page) = self.filtered_wrongly(&query.clone().before(None)).await? {
            return Ok(page.len());
        }
        if self.is(Fault::CountCountsPostings) && is_plain(query) {
            let mut sum = 0;
            for key in &query.keys {
                sum += self
                    .inner
                    .count(&PageQuery::new(query.practice.clone(), vec![*key], query.limit))
                    .await?;
            }
            return Ok(sum.min(query.limit));
        }
        self.inner.count(query).await
    }

    async fn dead_letters(&self, practice: &PracticeId) -> Result<Vec<DeadLetter>> {
        if self.is(Fault::DeadLettersOfEveryPractice) {
            let mut letters = Vec::new();
            for other in self.practices() {
                letters.extend(self.inner.dead_letters(&other).await?);
            }
            return Ok(letters);
        }
        let mut letters = self.inner.dead_letters(practice).await?;
        letters.extend(self.memory().letters.get(practice).cloned().unwrap_or_default());
        if self.is(Fault::DeadLettersLoseTheirLabels) {
            for letter in &mut letters {
                letter.labels.clear();
            }
        }
        Ok(letters)
    }

    async fn changes(&self, practice: &PracticeId, after: u64, limit: usize) -> Result<Vec<Change>> {
        let mut changes = self.inner.changes(practice, after, limit).await?;
        match self.fault {
            Fault::FurtherCopiesAreUntold => {
                changes.retain(|change| !matches!(change.kind, ChangeKind::CopyArchived(_)));
            }
            Fault::HidingIsUntold => {
                changes.retain(|change| !matches!(change.kind, ChangeKind::MessageHidden(_)));
            }
            Fault::StepsAreUntold => {
                changes.retain(|change| !matches!(change.kind, ChangeKind::Outgoing(..)));
            }
            Fault::ErasedMessagesAreUntold => {
                let of_account = |change: &Change| change.account.is_some();
                let erased = |kind: &ChangeKind| matches!(kind, ChangeKind::MessageErased(_));
                changes.retain(|change| !(of_account(change) && erased(&change.kind)));
            }
            Fault::GoneCopiesAreUntold => {
                changes.retain(|change| !matches!(change.kind, ChangeKind::CopyGone(_)));
            }
            Fault::ActorsAreLost => {
                for change in &mut changes {
                    if change.kind == ChangeKind::SettingsChanged {
                        change.by = None;
                    }
                }
            }
            Fault::ChangesAreNumberedAnew => {
                for (change, number) in changes.iter_mut().zip(1..) {
                    change.sequence = number;
                }
            }
            _ => {}
        }
        Ok(changes)
    }
}
