//! What users keep from their colleagues.

use super::PracticeMail;
use super::view::Viewer;
use crate::contract::{AccountRecord, Role};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::{AccountSettings, Sharing};
use crate::types::{AccountId, MessageKey, PracticeId, UserId};

impl PracticeMail {
    /// Hides a message from a user's colleagues (B20): their copies of it count for nobody but themselves from now on, on tabs, in searches,
    /// counts, exports and the feed. Colleagues who have the message too go on to see it. Answers whether that changed anything.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) for a message of which the user has no copy and that they did not send; storage kinds.
    pub async fn hide(&self, practice: &PracticeId, user: &UserId, id: MessageKey) -> Result<bool> {
        self.active_user(practice, user).await?;
        self.storage.mail.hide(practice, id, user, true).await
    }

    /// Shows a message to a user's colleagues again.
    ///
    /// # Errors
    /// As [`hide`](Self::hide).
    pub async fn unhide(&self, practice: &PracticeId, user: &UserId, id: MessageKey) -> Result<bool> {
        self.active_user(practice, user).await?;
        self.storage.mail.hide(practice, id, user, false).await
    }

    /// Sets how much colleagues see of an account's mail, what is archived included. Users set it for their own accounts. Administrators
    /// may close a colleague's account, and never open one.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound); [`Forbidden`](ErrorKind::Forbidden); [`Busy`](ErrorKind::Busy) while the account is read
    /// for more than a minute; storage kinds.
    pub async fn set_sharing(
        &self,
        practice: &PracticeId,
        by: &Viewer,
        account: &AccountId,
        sharing: Sharing,
    ) -> Result<()> {
        let record = self.in_use(practice, account).await?;
        let role = self.own_or_administered(practice, by, &record).await?;
        if role == Some(Role::Administrator)
            && by.user() != Some(&record.account.user)
            && sharing == Sharing::Full
        {
            let message = "how much of an account is shared is its user's to widen";
            return Err(Error::new(ErrorKind::Forbidden, message));
        }
        self.change_account(practice, account, |settings| settings.sharing = sharing).await
    }
}

/// The settings of an account that is connected again: what its user closed stays closed, whatever form they come from.
pub(super) fn as_closed_as(settings: AccountSettings, before: Option<&AccountRecord>) -> AccountSettings {
    let closed = |record: &AccountRecord| record.account.settings.sharing == Sharing::HeadersOnly;
    if before.is_some_and(closed) { settings.sharing(Sharing::HeadersOnly) } else { settings }
}
