//! What the archive has, line by line or octet by octet, and what the directory makes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::PracticeMail;
use super::attachments::RawMessage;
use super::client_tab::ClientTab;
use super::erase_view::Scope;
use super::export_view::{ExportReport, ExportSink, Exported, ExportedMessage};
use super::octets::{Source, Wanted};
use super::sight::ArchivedMessage;
use super::view::{DirectoryCheck, Viewer};
use crate::contract::{Message, Outgoing, PagePosition, PageQuery};
use crate::error::Result;
use crate::matching::Matcher;
use crate::sync::keys::load_matcher;
use crate::types::{
    AccountId, ClientId, Digest, Field, Hasher, KeyDigest, MailboxName, MatchKey, MessageKey, PracticeId,
    UserId,
};

/// Messages read at once.
const PAGE: usize = 100;

impl PracticeMail {
    /// Hands over what the archive knows of every message of a part of it that is on a tab `by` may see; for the whole practice, and the host
    /// itself, then every dead letter and gap. Of a client in the order of its tab, else in the order of ids. Answers how many lines there were. It
    /// is told in the feed, with who made it.
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorKind::NotFound) for an unknown practice, client or message; [`Forbidden`](crate::error::ErrorKind::Forbidden) for a client the viewer may not see,
    /// and for anything but a client or a message by users who are no administrators; storage kinds; what `each` fails with.
    pub async fn export(
        &self,
        practice: &PracticeId,
        by: &Viewer,
        scope: &Scope,
        each: &mut (dyn FnMut(Exported) -> Result<()> + Send),
    ) -> Result<u64> {
        let mut selection = self.select(practice, by, scope).await?;
        let mut lines = 0;
        while let Some(found) = selection.next().await? {
            for (message, sent) in found {
                if let Some(line) = selection.line(&message, sent.as_ref()) {
                    each(line)?;
                    lines += 1;
                }
            }
        }
        if *scope == Scope::Practice && by.user().is_none() {
            lines += self.export_lost(practice, each).await?;
        }
        Ok(lines)
    }

    /// Hands over the octets of every message of a part of the archive that is on a tab `by` may see, each of its differing contents once, as its server
    /// gave them: fit for mbox and EML files ([`mime`](crate::mime) writes the former). Nothing is fetched from servers for it. It is told in
    /// the feed, with who made it.
    ///
    /// # Errors
    /// As [`export`](Self::export); what the sink fails with.
    pub async fn export_messages(
        &self,
        practice: &PracticeId,
        by: &Viewer,
        scope: &Scope,
        sink: &mut dyn ExportSink,
    ) -> Result<ExportReport> {
        let mut selection = self.select(practice, by, scope).await?;
        let mut report = ExportReport::default();
        while let Some(found) = selection.next().await? {
            for (message, sent) in found {
                let archived = ArchivedMessage { message: &message, sent: sent.as_ref() };
                if selection.tab.show(&archived).is_none() {
                    continue;
                }
                let Some(seen) = selection.tab.seen(&archived) else { continue };
                for (version, rendition) in seen.renditions.iter().enumerate() {
                    let copies = seen.whole(by).filter(|copy| copy.rendition == rendition.digest);
                    let source = copies
                        .map(|copy| Source::copy(&copy.copy))
                        .min_by_key(|source| !source.has(Wanted::All));
                    let sent = seen.sent.filter(|sent| sent.message.rendition == rendition.digest);
                    let sent = sent.filter(|sent| by.owns(&sent.message.author));
                    let composed =
                        sent.map(|s| Source::composed(s.message.octets.sha256, s.message.octets.size));
                    let Some(source) = source.or(composed) else {
                        report.withheld += 1;
                        continue;
                    };
                    let mut raw = RawMessage::of(self, practice, source, Wanted::Kept)?;
                    let author = rendition.participants.iter().find(|p| p.field == Field::From);
                    sink.begin(&ExportedMessage {
                        id: message.key,
                        version,
                        exact: raw.exact,
                        sender: author.map(|author| author.address.clone()),
                        time: message.sort_time,
                    })
                    .await?;
                    while let Some(octets) = raw.next().await? {
                        sink.octets(&octets).await?;
                    }
                    sink.end().await?;
                    report.messages += 1;
                    report.inexact += u64::from(!raw.exact);
                }
            }
        }
        Ok(report)
    }

    /// What the crate makes of a practice's directory: how many users and clients, and keys that cannot be used.
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorKind::NotFound) for an unknown practice; storage kinds.
    pub async fn check_directory(&self, practice: &PracticeId) -> Result<DirectoryCheck> {
        let (matcher, _) = load_matcher(&*self.directory, practice).await?;
        let users = self.directory.users(practice).await?.len();
        Ok(DirectoryCheck { users, clients: matcher.clients(), refused: matcher.refused().to_vec() })
    }

    /// A part of the archive, and by which keys what is in it is a client's whom `by` may see.
    async fn select(&self, practice: &PracticeId, by: &Viewer, scope: &Scope) -> Result<Selection> {
        let rules = self.rules(practice).await?;
        let (tab, clients) = match scope {
            Scope::Client(client) => {
                (self.client_tab(practice, client, by).await?, BTreeSet::from([client.clone()]))
            }
            Scope::Message(id) => {
                let found = self.find_by(practice, by, *id, &rules).await?;
                (found.tab, found.clients.into_iter().collect())
            }
            _ => {
                self.may_administer(practice, by).await?;
                let (keys, clients) = self.seen_by(practice, by, &rules.matcher).await?;
                (ClientTab::new(practice, by, &rules, keys), clients)
            }
        };
        // The host itself is told of every client.
        let clients = by.user().map(|_| clients);
        self.storage.mail.record_export(practice, by.user().cloned()).await?;
        let way = match scope {
            Scope::Client(_) => Way::Keys(tab.keys().collect(), None),
            Scope::Address(address) => Way::Keys(vec![MatchKey::Address(address.key()).digest()], None),
            Scope::Message(id) => Way::One(Some(*id)),
            Scope::Practice | Scope::User(_) => Way::All(None),
        };
        let user = if let Scope::User(user) = scope { Some(user.clone()) } else { None };
        let matcher = rules.matcher;
        Ok(Selection { door: self.clone(), practice: practice.clone(), matcher, tab, way, user, clients })
    }

    /// Every client a viewer may see, and their keys.
    async fn seen_by(
        &self,
        practice: &PracticeId,
        by: &Viewer,
        matcher: &Matcher,
    ) -> Result<(BTreeMap<KeyDigest, MatchKey>, BTreeSet<ClientId>)> {
        let mut seen = BTreeSet::new();
        for client in matcher.client_ids() {
            if self.sees_client(practice, client, by).await? {
                seen.insert(client.clone());
            }
        }
        let keys = matcher.keys_of_clients(&seen);
        Ok((keys, seen))
    }

    /// Dead letters and gaps.
    async fn export_lost(
        &self,
        practice: &PracticeId,
        each: &mut (dyn FnMut(Exported) -> Result<()> + Send),
    ) -> Result<u64> {
        let mut lines = 0;
        let accounts = self.storage.mail.accounts(practice).await?;
        let users: BTreeMap<&AccountId, &UserId> =
            accounts.iter().map(|r| (&r.account.id, &r.account.user)).collect();
        for letter in self.storage.mail.dead_letters(practice).await? {
            let place = &letter.place;
            let (validity, uid) = (place.uid_validity.get(), place.uid.get());
            each(Exported::Lost {
                id: place_digest(&place.account, &place.mailbox, validity, uid),
                message_id: letter.message_id.clone(),
                account: place.account.clone(),
                user: users.get(&place.account).map(|u| (*u).clone()),
                mailbox: place.mailbox.clone(),
                uid_validity: validity,
                uid,
                octets: letter.octets,
                reason: letter.reason.clone(),
            })?;
            lines += 1;
        }
        for record in &accounts {
            let account = &record.account.id;
            for mailbox in self.storage.mail.sync_state(practice, account).await?.mailboxes {
                let validity = mailbox.cursor.uid_validity.get();
                for gap in mailbox.gaps {
                    each(Exported::Lost {
                        id: place_digest(account, &mailbox.name, validity, gap.uid.get()),
                        message_id: None,
                        account: account.clone(),
                        user: Some(record.account.user.clone()),
                        mailbox: mailbox.name.clone(),
                        uid_validity: validity,
                        uid: gap.uid.get(),
                        octets: None,
                        reason: format!("gap: {}", gap.reason.as_str()),
                    })?;
                    lines += 1;
                }
            }
        }
        Ok(lines)
    }
}

/// A way through a part of the archive.
struct Selection {
    door: PracticeMail,
    practice: PracticeId,
    matcher: Arc<Matcher>,
    tab: ClientTab,
    way: Way,
    /// Only what this user has a copy of, or sent.
    user: Option<UserId>,
    /// The clients that are named; all of them where it is `None`.
    clients: Option<BTreeSet<ClientId>>,
}

enum Way {
    All(Option<MessageKey>),
    Keys(Vec<KeyDigest>, Option<PagePosition>),
    One(Option<MessageKey>),
}

impl Selection {
    /// The next messages; `None` at the end.
    async fn next(&mut self) -> Result<Option<Vec<(Message, Option<Outgoing>)>>> {
        let store = &self.door.storage.mail;
        let messages = match &mut self.way {
            Way::All(after) => {
                let page = store.all_messages(&self.practice, *after, PAGE).await?;
                *after = page.last().map(|last| last.key).or(*after);
                page
            }
            Way::Keys(keys, before) => {
                let query = PageQuery::new(self.practice.clone(), keys.clone(), PAGE).before(*before);
                let page = store.page(&query).await?;
                *before = page.last().copied().or(*before);
                let ids: Vec<MessageKey> = page.iter().map(|position| position.message).collect();
                store.messages(&self.practice, &ids).await?
            }
            Way::One(id) => match id.take() {
                Some(id) => store.messages(&self.practice, &[id]).await?,
                None => Vec::new(),
            },
        };
        if messages.is_empty() {
            return Ok(None);
        }
        let sent = self.door.sent_of(&self.practice, &messages).await?;
        let of = |message: &Message| sent.iter().find(|item| item.message.message == message.key).cloned();
        let pairs = messages.into_iter().map(|message| {
            let sent = of(&message);
            (message, sent)
        });
        let theirs = |(message, sent): &(Message, Option<Outgoing>)| {
            self.user.as_ref().is_none_or(|user| {
                message.copies.iter().any(|copy| copy.user == *user)
                    || sent.as_ref().is_some_and(|sent| sent.message.author == *user)
            })
        };
        Ok(Some(pairs.filter(theirs).collect()))
    }

    /// A message as a line; `None` when it is on no tab that is seen.
    fn line(&self, message: &Message, sent: Option<&Outgoing>) -> Option<Exported> {
        let archived = ArchivedMessage { message, sent };
        self.tab.show(&archived)?;
        let seen = self.tab.seen(&archived)?;
        let named = |client: &&ClientId| self.clients.as_ref().is_none_or(|named| named.contains(*client));
        let people = seen.people();
        let clients = self.matcher.clients_of(&people).into_iter().filter(named);
        let clients: BTreeSet<ClientId> = clients.cloned().collect();
        Some(Exported::Message {
            id: message.key,
            message_id: message.message_id.clone(),
            clients: clients.into_iter().collect(),
            renditions: seen.renditions.len(),
            copies: seen.copies.iter().map(|held| (held.user.clone(), held.copy.clone())).collect(),
        })
    }
}

fn place_digest(account: &AccountId, mailbox: &MailboxName, uid_validity: u32, uid: u32) -> Digest {
    let mut hasher = Hasher::new();
    hasher.field(account.as_str().as_bytes());
    hasher.field(mailbox.as_wire());
    hasher.field(&uid_validity.to_be_bytes());
    hasher.field(&uid.to_be_bytes());
    hasher.finish()
}
