//! Comparing a server with the archive, message by message, and repairing what is found.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::absence::{Absent, ReadSoFar};
use super::findings::{Inspection, MailboxFindings, Missing, MissingReason};
use super::listed::{Chosen, Listed};
use super::pass::{Pass, PassInput};
use super::plan;
use super::report::AccountReport;
use crate::contract::{Addressed, Connection, MailboxReader, OpenMailbox, StoredCopy};
use crate::error::{Error, ErrorKind, Result};
use crate::matching::Relevance;
use crate::types::{CopyPlace, KeyDigest, Mailbox, MessageKey, Uid, UidSet};

/// Looks at the addressing headers of every message in the mailboxes that are read, and says of each that is a client's by today's
/// rules whether it is archived from where it lies, and why not. Changes nothing, here or there.
pub(crate) async fn inspect(input: PassInput<'_>, connection: &mut Connection) -> Result<Inspection> {
    let Connection { reader, traffic, .. } = connection;
    let pass = Pass::begin(input, Box::new(&*traffic)).await?;
    let Listed { reader, listing, state } = Listed::by(&pass, reader.as_mut()).await?;
    let mut inspection = Inspection::default();
    if !listing.healthy {
        inspection.unavailable =
            Some(Error::new(ErrorKind::MailboxUnavailable, "the server did not list its mailboxes whole"));
    }
    let letters = pass.store.dead_letters(&pass.fence.practice).await?;
    let read = ReadSoFar::new(&state, &letters, (&pass.matcher, &pass.account.settings));
    for mailbox in &listing.mailboxes {
        let open = match reader.open(&mailbox.name).await {
            Err(error) if error.kind() == ErrorKind::MailboxUnavailable => {
                inspection.unavailable = Some(error);
                continue;
            }
            open => open?,
        };
        if !open.complete {
            inspection.unavailable =
                Some(Error::new(ErrorKind::MailboxUnavailable, "the server did not list a mailbox whole"));
        }
        let look = Look {
            pass: &pass,
            mailbox,
            open: &open,
            read: &read,
            findings: MailboxFindings::new(mailbox.name.clone(), open.uid_validity),
        };
        inspection.mailboxes.push(look.at(&mut *reader).await?);
    }
    inspection.revision.clone_from(&pass.revision);
    Ok(inspection)
}

/// Reads again what an inspection of the account found missing that should not be. What happened stands in `report`.
pub(crate) async fn repair(
    input: PassInput<'_>,
    connection: &mut Connection,
    findings: &[MailboxFindings],
    report: &mut AccountReport,
) -> Result<()> {
    let Connection { reader, traffic, .. } = connection;
    let pass = Pass::begin(input, Box::new(&*traffic)).await?;
    let mut listed = Listed::by(&pass, reader.as_mut()).await?;
    for found in findings {
        let uids = found.defects();
        if uids.is_empty() {
            continue;
        }
        // A blob that is broken would be taken for the octets that come again.
        for stored in pass.stored_at(found, &uids).await? {
            if !pass.has_octets(&stored.copy).await? {
                pass.blobs.delete(&pass.fence.practice, stored.copy.blob()).await?;
            }
        }
        let (mailbox, uid_validity) = (found.name.clone(), found.uid_validity);
        listed.read(&pass, Chosen { mailbox, uid_validity, uids }, report).await?;
    }
    report.traffic = (pass.traffic)();
    Ok(())
}

/// A look at one mailbox.
struct Look<'p, 'a> {
    pass: &'p Pass<'a>,
    mailbox: &'p Mailbox,
    open: &'p OpenMailbox,
    read: &'p ReadSoFar<'p>,
    findings: MailboxFindings,
}

/// A message that is a client's, and the keys by which it is.
struct OfClient {
    message: Addressed,
    keys: BTreeSet<KeyDigest>,
}

impl Look<'_, '_> {
    async fn at(mut self, reader: &mut dyn MailboxReader) -> Result<MailboxFindings> {
        let mut left: VecDeque<UidSet> = plan::windows(self.open.uids.clone(), self.pass.window).into();
        while let Some(window) = left.pop_front() {
            self.pass.keep_lease().await?;
            self.pass.within_day()?;
            reader.request_addressing(&window).await?;
            let answer = reader.next_addressing().await?;
            let answered: UidSet = answer.messages.iter().map(|message| message.uid).collect();
            let silent = window.difference(&answered);
            match plan::halves(&silent).filter(|_| answer.refused) {
                Some((high, low)) => left.extend([high, low]),
                None => self.not_told(&silent).await?,
            }
            self.told(answer.messages).await?;
        }
        self.findings.missing.sort_by_key(|missing| missing.uid);
        Ok(self.findings)
    }

    async fn told(&mut self, messages: Vec<Addressed>) -> Result<()> {
        let mut clients = BTreeMap::new();
        for message in messages.into_iter().filter(|message| !message.skip) {
            let sent = self.pass.is_sent(self.mailbox, &message);
            let participants = &message.headers.participants;
            let keys = self.pass.matcher.keys_carried(participants, sent);
            if keys.is_empty() {
                continue;
            }
            if self.pass.matcher.relevance(participants, sent) == Relevance::Client {
                clients.insert(message.uid, OfClient { message, keys });
            } else {
                self.missing(&message, MissingReason::Policy);
            }
        }
        let stored = self.stored(&clients.keys().copied().collect()).await?;
        let absent = clients.iter().filter(|(uid, _)| !stored.contains_key(uid));
        let absent: Vec<MessageKey> =
            absent.filter_map(|(_, client)| MessageKey::of_headers(&client.message.headers)).collect();
        let barred = if absent.is_empty() {
            BTreeSet::new()
        } else {
            self.pass.store.barred(&self.pass.fence.practice, &absent).await?
        };
        for (uid, client) in clients {
            self.findings.on_server += 1;
            let reason = match stored.get(&uid) {
                Some(stored) if self.pass.is_found_whole(stored, &client.keys).await? => {
                    self.findings.archived += 1;
                    continue;
                }
                Some(_) => MissingReason::Lost,
                None => self.why_absent(&client, &barred),
            };
            self.missing(&client.message, reason);
        }
        Ok(())
    }

    /// Messages that the server lists and says nothing of: whose they are is not known.
    async fn not_told(&mut self, uids: &UidSet) -> Result<()> {
        let stored = self.stored(uids).await?;
        for uid in uids.iter() {
            let reason = match stored.get(&uid) {
                Some(stored) if self.pass.has_octets(&stored.copy).await? => continue,
                Some(_) => MissingReason::Lost,
                None if self.read.is_given_up(&self.place(uid)) => MissingReason::DeadLetter,
                None => MissingReason::Gap,
            };
            self.findings.missing.push(Missing { uid, message_id: None, reason });
        }
        Ok(())
    }

    fn why_absent(&self, client: &OfClient, barred: &BTreeSet<MessageKey>) -> MissingReason {
        let message = MessageKey::of_headers(&client.message.headers);
        let absent = Absent { place: self.place(client.message.uid), message, keys: &client.keys };
        self.read.why_absent(&absent, barred)
    }

    fn place(&self, uid: Uid) -> CopyPlace {
        let account = self.pass.fence.account.clone();
        CopyPlace::new(account, self.mailbox.name.clone(), self.open.uid_validity, uid)
    }

    async fn stored(&self, uids: &UidSet) -> Result<BTreeMap<Uid, StoredCopy>> {
        let stored = self.pass.stored_at(&self.findings, uids).await?;
        Ok(stored.into_iter().map(|stored| (stored.copy.place.uid, stored)).collect())
    }

    fn missing(&mut self, message: &Addressed, reason: MissingReason) {
        let message_id = message.headers.message_id.clone();
        self.findings.missing.push(Missing { uid: message.uid, message_id, reason });
    }
}

impl Pass<'_> {
    /// The copies archived at these places of a mailbox.
    async fn stored_at(&self, mailbox: &MailboxFindings, uids: &UidSet) -> Result<Vec<StoredCopy>> {
        if uids.is_empty() {
            return Ok(Vec::new());
        }
        let (practice, account) = (&self.fence.practice, &self.fence.account);
        self.store.copies_at(practice, account, &mailbox.name, mailbox.uid_validity, uids).await
    }

    /// Whether a copy's octets are there, and its message says what the copy holds and is found by these keys.
    async fn is_found_whole(&self, stored: &StoredCopy, keys: &BTreeSet<KeyDigest>) -> Result<bool> {
        Ok(self.store.is_indexed(&self.fence.practice, stored.message, keys).await?
            && self.has_rendition(stored).await?
            && self.has_octets(&stored.copy).await?)
    }

    async fn has_rendition(&self, stored: &StoredCopy) -> Result<bool> {
        let messages = self.store.messages(&self.fence.practice, &[stored.message]).await?;
        Ok(messages.iter().any(|message| {
            let held = message.copies.iter().find(|held| held.copy.place == stored.copy.place);
            held.is_some_and(|held| message.renditions.iter().any(|one| one.digest == held.rendition))
        }))
    }
}
