//! Following what happens.

use std::collections::BTreeMap;

use super::PracticeMail;
use super::client_tab::Rules;
use super::view::Viewer;
use crate::contract::{Change, ChangeKind, Role};
use crate::error::{ErrorKind, Result};
use crate::types::{AccountId, MessageKey, PracticeId, UserId};

impl PracticeMail {
    /// What happened in a practice after the change numbered `after` (zero: from the first on), at most `limit` changes, in order (B21).
    /// Each was written in the transaction of what it tells: a host that keeps the number of the last one it has dealt with misses nothing,
    /// whatever is killed when.
    ///
    /// The host itself is told everything. A user is told of messages they see, where they see the copy in question, of what they sent and hid
    /// themselves, and of their own accounts; an administrator of every account, and of exports. Fewer than `limit` changes need not be the end for a user:
    /// go on after the last number of what the host itself is told.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) for an unknown user, [`Forbidden`](ErrorKind::Forbidden) for one who has left; storage kinds.
    pub async fn changes(
        &self,
        practice: &PracticeId,
        viewer: &Viewer,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Change>> {
        let changes = self.storage.mail.changes(practice, after, limit).await?;
        let Viewer::User(user) = viewer else { return Ok(changes) };
        let reader = Reader {
            door: self,
            practice,
            viewer,
            user,
            administers: self.active_user(practice, user).await?.role == Role::Administrator,
            owners: self.owners(practice).await?,
            rules: self.rules(practice).await?,
        };
        let mut told = Vec::new();
        for change in changes {
            if reader.is_told(&change).await? {
                told.push(change);
            }
        }
        Ok(told)
    }

    async fn owners(&self, practice: &PracticeId) -> Result<BTreeMap<AccountId, UserId>> {
        let accounts = self.storage.mail.accounts(practice).await?.into_iter();
        Ok(accounts.map(|record| (record.account.id, record.account.user)).collect())
    }
}

/// A user who reads the feed.
struct Reader<'r> {
    door: &'r PracticeMail,
    practice: &'r PracticeId,
    viewer: &'r Viewer,
    user: &'r UserId,
    administers: bool,
    owners: BTreeMap<AccountId, UserId>,
    rules: Rules,
}

impl Reader<'_> {
    async fn is_told(&self, change: &Change) -> Result<bool> {
        let account = change.account.as_ref();
        let by_them = change.by.as_ref() == Some(self.user);
        match &change.kind {
            ChangeKind::MessageArchived(message)
            | ChangeKind::CopyArchived(message)
            | ChangeKind::CopyMissing(message)
            | ChangeKind::CopyGone(message) => self.sees(*message, account).await,
            ChangeKind::MessageHidden(_) | ChangeKind::MessageShown(_) => Ok(by_them),
            // Of what was erased nothing is left to be seen.
            ChangeKind::MessageErased(_) | ChangeKind::SettingsChanged => Ok(true),
            ChangeKind::Outgoing(id, _) => {
                let sent = self.door.storage.mail.outgoing(self.practice, *id).await?;
                Ok(sent.is_some_and(|sent| sent.message.author == *self.user))
            }
            ChangeKind::Exported => Ok(self.administers || by_them),
            _ => Ok(self.administers || account.is_some_and(|account| self.owns(account))),
        }
    }

    fn owns(&self, account: &AccountId) -> bool {
        self.owners.get(account) == Some(self.user)
    }

    /// Whether a message is on a tab the user may see, and what happened to it in an account is theirs to see.
    async fn sees(&self, message: MessageKey, account: Option<&AccountId>) -> Result<bool> {
        let found = match self.door.find_by(self.practice, self.viewer, message, &self.rules).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            found => found?,
        };
        let hides = |owner: &UserId| owner != self.user && found.message.hidden_by.contains(owner);
        Ok(!account.and_then(|account| self.owners.get(account)).is_some_and(hides))
    }
}
