//! Erasing on purpose.

use std::collections::{BTreeMap, BTreeSet};

use super::PracticeMail;
use super::erase_view::{ErasedReport, Scope};
use super::quiet::AllQuiet;
use super::sight::ArchivedMessage;
use super::view::Viewer;
use crate::contract::{Bars, EraseReason, Erasure, Message, Outgoing, PageQuery, Retention, Role};
use crate::error::{Error, ErrorKind, Result};
use crate::matching::Matcher;
use crate::sync::keys::load_matcher;
use crate::types::{AddressKey, ClientId, MessageKey, PracticeId, UserId};

/// Messages looked at, and erased, at once.
pub(super) const BATCH: usize = 200;

/// What is to be erased, by whom and how.
pub(super) struct Order<'o> {
    pub(super) practice: &'o PracticeId,
    pub(super) by: &'o Viewer,
    pub(super) reason: EraseReason,
    pub(super) bars: &'o Bars,
}

/// A message that may be erased, at the moment of erasing.
pub(super) struct Candidate<'c> {
    pub(super) archived: ArchivedMessage<'c>,
    /// Whose it is now.
    pub(super) clients: BTreeSet<ClientId>,
    pub(super) matcher: &'c Matcher,
}

/// What is decided about a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Erase,
    /// It is another client's too, or another user's.
    Shared,
    /// It is not what was meant any more.
    PassOver,
}

/// Decides about candidates.
pub(super) type Judge<'j> = dyn Fn(&Candidate<'_>) -> Verdict + Sync + 'j;

/// What the directory said must be kept, so that it is asked once of each client and address for a batch.
#[derive(Default)]
pub(super) struct Retentions {
    clients: BTreeMap<ClientId, Retention>,
    former: BTreeMap<AddressKey, Retention>,
}

impl PracticeMail {
    /// Erases a part of the archive on purpose: from tabs, searches, counts and exports, its octets, and what was sent of it with the crate. What
    /// is left is a tombstone without content, so that it is not archived again from the servers for as long as `bars` says: a mail server's
    /// own copies are not touched. Dead letters are not messages yet: [`replay`](Self::replay) them first.
    ///
    /// What is another client's too stays, and so does what the directory says at that moment must be kept
    /// ([`retention`](crate::contract::PracticeDirectory::retention)); the report counts both. Only administrators, and the host itself, erase.
    /// No account is read meanwhile.
    ///
    /// # Errors
    /// [`Forbidden`](ErrorKind::Forbidden); [`NotFound`](ErrorKind::NotFound) for a client or message that is not there;
    /// [`Held`](ErrorKind::Held) for a client on hold; [`Invalid`](ErrorKind::Invalid) for [`Scope::Practice`] and
    /// [`Scope::Address`]; [`Busy`](ErrorKind::Busy) while an account is read for more than a minute; storage kinds.
    ///
    /// # Cancel safety
    /// Dropped half-way, some are erased, whole, and some are not; erasing again does what is left.
    ///
    /// ```
    /// # use practicemail::PracticeMail;
    /// # use practicemail::contract::Bars;
    /// # use practicemail::practice_mail::{Scope, Viewer};
    /// # use practicemail::types::{ClientId, PracticeId};
    /// # async fn form(mail: &PracticeMail, practice: PracticeId, me: Viewer, client: ClientId) -> practicemail::error::Result<()> {
    /// let bars = Bars::UntilClientIsBack(client.clone());
    /// let report = mail.erase(&practice, &me, &Scope::Client(client), &bars).await?;
    /// println!("{} erased, {} are another client's too", report.erased, report.shared);
    /// # Ok(()) }
    /// ```
    pub async fn erase(
        &self,
        practice: &PracticeId,
        by: &Viewer,
        scope: &Scope,
        bars: &Bars,
    ) -> Result<ErasedReport> {
        self.may_administer(practice, by).await?;
        let reason = match scope {
            Scope::Client(_) => EraseReason::Client,
            Scope::User(_) => EraseReason::User,
            Scope::Message(_) => EraseReason::Message,
            Scope::Practice | Scope::Address(_) => {
                let message = "what is erased is a client's, a user's or one message";
                return Err(Error::new(ErrorKind::Invalid, message));
            }
        };
        let order = Order { practice, by, reason, bars };
        let work = async |quiet: &AllQuiet| {
            let candidates = self.candidates(practice, scope).await?;
            let mut report = ErasedReport::default();
            let judge = |candidate: &Candidate<'_>| judge(scope, candidate);
            for batch in candidates.chunks(BATCH) {
                self.erase_batch(quiet, &order, (batch, &judge), &mut report).await?;
            }
            Ok(report)
        };
        let report = self.while_quiet(practice, work).await?;
        self.storage.mail.purge().await?;
        Ok(report)
    }

    /// Erases of some messages those that the judge lets go and that need not be kept, as all of it is now.
    pub(super) async fn erase_batch(
        &self,
        quiet: &AllQuiet,
        order: &Order<'_>,
        (batch, judge): (&[MessageKey], &Judge<'_>),
        report: &mut ErasedReport,
    ) -> Result<()> {
        let practice = order.practice;
        let (matcher, _) = load_matcher(&*self.directory, practice).await?;
        let mut retentions = Retentions::default();
        let messages = self.storage.mail.messages(practice, batch).await?;
        let sent = self.sent_of(practice, &messages).await?;
        let mut going = Vec::new();
        for message in &messages {
            let sent = sent.iter().find(|item| item.message.message == message.key);
            let candidate = Candidate::new(message, sent, &matcher);
            match judge(&candidate) {
                Verdict::PassOver => {}
                Verdict::Shared => report.shared += 1,
                Verdict::Erase if self.retains(practice, &candidate, &mut retentions).await? => {
                    report.retained += 1;
                }
                Verdict::Erase => going.push(message.key),
            }
        }
        if going.is_empty() {
            return Ok(());
        }
        quiet.renew().await?;
        let erasure = Erasure::new(practice.clone(), going, order.reason)
            .bars(order.bars.clone())
            .by(order.by.user().cloned());
        let erased = self.storage.mail.erase_messages(&erasure).await?;
        report.erased += erased.messages.len();
        report.unsent += erased.kept.len();
        quiet.delete(&erased.octets).await
    }

    /// Whether somebody may do what is an administrator's, or the host's.
    pub(super) async fn may_administer(&self, practice: &PracticeId, by: &Viewer) -> Result<()> {
        let Viewer::User(user) = by else { return Ok(()) };
        if self.active_user(practice, user).await?.role == Role::Administrator {
            return Ok(());
        }
        let message = "what is archived is the practice's record: only an administrator does this";
        Err(Error::new(ErrorKind::Forbidden, message))
    }

    /// Messages a scope may mean.
    async fn candidates(&self, practice: &PracticeId, scope: &Scope) -> Result<Vec<MessageKey>> {
        match scope {
            Scope::Client(client) => self.of_client(practice, client).await,
            Scope::Message(id) => {
                let found = self.storage.mail.messages(practice, &[*id]).await?;
                let unknown = || Error::new(ErrorKind::NotFound, "there is no such message");
                found.first().map(|message| vec![message.key]).ok_or_else(unknown)
            }
            _ => self.of_everybody(practice).await,
        }
    }

    async fn of_client(&self, practice: &PracticeId, client: &ClientId) -> Result<Vec<MessageKey>> {
        let unknown = || Error::new(ErrorKind::NotFound, "the directory does not know this client");
        let entries = self.directory.keys_of(practice, client).await?.ok_or_else(unknown)?;
        if self.directory.retention(practice, client).await?.held {
            return Err(Error::new(ErrorKind::Held, "this client's mail is on hold"));
        }
        let (matcher, _) = load_matcher(&*self.directory, practice).await?;
        let keys = matcher.client_keys(&entries).into_keys().collect();
        let mut query = PageQuery::new(practice.clone(), keys, BATCH);
        let mut found = Vec::new();
        loop {
            let page = self.storage.mail.page(&query).await?;
            let Some(last) = page.last().copied() else { return Ok(found) };
            found.extend(page.iter().map(|position| position.message));
            query = query.before(Some(last));
        }
    }

    async fn of_everybody(&self, practice: &PracticeId) -> Result<Vec<MessageKey>> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.storage.mail.all_messages(practice, after, BATCH).await?;
            let Some(last) = page.last() else { return Ok(found) };
            after = Some(last.key);
            found.extend(page.iter().map(|message| message.key));
        }
    }

    pub(super) async fn sent_of(&self, practice: &PracticeId, messages: &[Message]) -> Result<Vec<Outgoing>> {
        let ids: Vec<MessageKey> = messages.iter().map(|message| message.key).collect();
        self.storage.mail.outgoing_of(practice, &ids).await
    }

    /// Whether a message must be kept: for a client it belongs to, or for one that had an address of it.
    pub(super) async fn retains(
        &self,
        practice: &PracticeId,
        candidate: &Candidate<'_>,
        asked: &mut Retentions,
    ) -> Result<bool> {
        let mut all = Retention::FREE;
        for client in &candidate.clients {
            let known = asked.clients.get(client).copied();
            let retention = match known {
                Some(retention) => retention,
                None => self.directory.retention(practice, client).await?,
            };
            asked.clients.insert(client.clone(), retention);
            all = all.and(retention);
        }
        for participant in candidate.archived.everyone() {
            let key = participant.address.key();
            let known = asked.former.get(&key).copied();
            let retention = match known {
                Some(retention) => retention,
                None => self.directory.former_retention(practice, &participant.address).await?,
            };
            asked.former.insert(key, retention);
            all = all.and(retention);
        }
        Ok(all.keeps(candidate.archived.message.sort_time, self.clock.now()))
    }
}

impl<'c> Candidate<'c> {
    pub(super) fn new(message: &'c Message, sent: Option<&'c Outgoing>, matcher: &'c Matcher) -> Self {
        let archived = ArchivedMessage { message, sent };
        let clients = matcher.clients_of(&archived.everyone()).into_iter().cloned().collect();
        Self { archived, clients, matcher }
    }
}

fn judge(scope: &Scope, candidate: &Candidate<'_>) -> Verdict {
    match scope {
        Scope::Client(client) if !candidate.clients.contains(client) => Verdict::PassOver,
        Scope::Client(_) if candidate.clients.len() > 1 => Verdict::Shared,
        Scope::User(user) => of_user(&candidate.archived, user),
        _ => Verdict::Erase,
    }
}

/// Whether nobody but one user has or sent a message.
fn of_user(archived: &ArchivedMessage<'_>, user: &UserId) -> Verdict {
    let copies = archived.message.copies.iter().map(|copy| &copy.user);
    let owners: BTreeSet<&UserId> =
        copies.chain(archived.sent.iter().map(|item| &item.message.author)).collect();
    match (owners.contains(user), owners.len()) {
        (true, 1) => Verdict::Erase,
        (true, _) => Verdict::Shared,
        (false, _) => Verdict::PassOver,
    }
}
