//! Everything the archive has, line by line, and what the directory makes of it.

use std::collections::{BTreeMap, BTreeSet};

use super::PracticeMail;
use super::view::{DirectoryCheck, Exported};
use crate::contract::Message;
use crate::error::Result;
use crate::matching::{Matcher, Relevance};
use crate::sync::keys::load_matcher;
use crate::types::{AccountId, ClientId, Digest, Hasher, MailboxName, Participant, PracticeId, UserId};

/// Messages read at once.
const PAGE: usize = 100;

impl PracticeMail {
    /// Hands over every message that is a client's, in the order of ids, then every dead letter and gap. Answers how many.
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorKind::NotFound) for an unknown practice; storage kinds; what `each` fails with.
    pub async fn export(
        &self,
        practice: &PracticeId,
        each: &mut (dyn FnMut(Exported) -> Result<()> + Send),
    ) -> Result<u64> {
        let (matcher, _) = load_matcher(&*self.directory, practice).await?;
        let mut lines = 0;
        let mut after = None;
        loop {
            let page = self.storage.mail.all_messages(practice, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.key);
            for message in page {
                if let Some(line) = exported(message, &matcher) {
                    each(line)?;
                    lines += 1;
                }
            }
        }
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

    /// What the crate makes of a practice's directory: how many users and clients, and keys that cannot be used.
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorKind::NotFound) for an unknown practice; storage kinds.
    pub async fn check_directory(&self, practice: &PracticeId) -> Result<DirectoryCheck> {
        let (matcher, _) = load_matcher(&*self.directory, practice).await?;
        let users = self.directory.users(practice).await?.len();
        Ok(DirectoryCheck { users, clients: matcher.clients(), refused: matcher.refused().to_vec() })
    }
}

/// A message as it is exported; `None` when it is no client's now.
fn exported(message: Message, matcher: &Matcher) -> Option<Exported> {
    let public = message.renditions.iter().flat_map(|r| &r.participants);
    let everyone: Vec<Participant> =
        public.chain(message.copies.iter().flat_map(|c| &c.bcc)).cloned().collect();
    if matcher.relevance(&everyone, true) != Relevance::Client {
        return None;
    }
    let clients: BTreeSet<ClientId> = matcher.clients_of(&everyone).into_iter().cloned().collect();
    Some(Exported::Message {
        id: message.key,
        message_id: message.message_id,
        clients: clients.into_iter().collect(),
        renditions: message.renditions.len(),
        copies: message.copies.into_iter().map(|c| (c.user, c.copy)).collect(),
    })
}

fn place_digest(account: &AccountId, mailbox: &MailboxName, uid_validity: u32, uid: u32) -> Digest {
    let mut hasher = Hasher::new();
    hasher.field(account.as_str().as_bytes());
    hasher.field(mailbox.as_wire());
    hasher.field(&uid_validity.to_be_bytes());
    hasher.field(&uid.to_be_bytes());
    hasher.finish()
}
