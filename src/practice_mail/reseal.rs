//! Sealing stored secrets anew, after a new key.

use std::collections::BTreeSet;

use super::PracticeMail;
use crate::connect::Resealing;
use crate::error::{Error, ErrorKind, Result};
use crate::types::{AccountId, PracticeId};

/// What sealing anew came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resealed {
    /// How many secrets were sealed with the current key.
    pub anew: usize,
    /// How many were before.
    pub current: usize,
    /// Accounts of which a secret cannot be opened: its key is not there, or it was altered. What the practice itself keeps, its noreply
    /// address's password and its registrations' secrets, stands here under names that begin with `#`.
    pub unreadable: BTreeSet<AccountId>,
}

impl PracticeMail {
    /// Seals every stored secret of a practice with the current key: passwords, tokens, the noreply address's password and client secrets. When
    /// that has been done for every practice, with nothing unreadable, the keys of before are of no use but for backups.
    ///
    /// Accounts go on being read and sent from meanwhile; a token that is being renewed is waited for.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) for an unknown practice; [`KeyUnavailable`](ErrorKind::KeyUnavailable) where there is no current key;
    /// [`Busy`](ErrorKind::Busy) where somebody else is at a secret for more than a minute; storage kinds.
    ///
    /// # Cancel safety
    /// Each secret is sealed anew, or as it was; asked again, it goes on. Of the one it was at others may wait for up to thirty seconds.
    ///
    /// ```
    /// use practicemail::PracticeMail;
    /// use practicemail::types::PracticeId;
    ///
    /// async fn after_a_new_key(mail: &PracticeMail, practice: &PracticeId) -> practicemail::error::Result<bool> {
    ///     let resealed = mail.reseal(practice).await?;
    ///     println!("{} sealed anew, {} were already", resealed.anew, resealed.current);
    ///     Ok(resealed.unreadable.is_empty())
    /// }
    /// ```
    pub async fn reseal(&self, practice: &PracticeId) -> Result<Resealed> {
        let unknown = || Error::new(ErrorKind::NotFound, "the directory does not know this practice");
        self.directory.practice(practice).await?.ok_or_else(unknown)?;
        let accounts = self.storage.mail.accounts(practice).await?;
        let accounts = accounts.into_iter().map(|record| record.account.id);
        let mut resealed = Resealed::default();
        for (account, done) in self.connections.reseal(practice, accounts).await? {
            match done {
                Resealing::Done => resealed.anew += 1,
                Resealing::Current => resealed.current += 1,
                Resealing::Unreadable => _ = resealed.unreadable.insert(account),
            }
        }
        Ok(resealed)
    }
}
