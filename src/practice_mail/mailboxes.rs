//! Which of an account's mailboxes are for what.

use super::PracticeMail;
use super::view::Viewer;
use crate::contract::{AccountRecord, AccountState, Role, SignInHints};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::AccountSettings;
use crate::types::{AccountId, Mailbox, PracticeId};

impl PracticeMail {
    /// The mailboxes an account has, for choosing the Sent mailbox or exclusions.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), [`SwitchedOff`](ErrorKind::SwitchedOff); connection and sign-in kinds.
    pub async fn mailboxes(&self, practice: &PracticeId, account: &AccountId) -> Result<Vec<Mailbox>> {
        let record = self.in_use(practice, account).await?;
        let connection = self.connections.open_reader(&record.account, &SignInHints::default()).await?;
        let mut reader = connection.reader;
        let listing = reader.mailboxes(&[]).await?;
        reader.close().await;
        Ok(listing.all)
    }

    /// Chooses the Sent mailbox, `None` for the one found by use or name, and the mailboxes that are not read, with those below
    /// them (S20). Names are those of [`mailboxes`](Self::mailboxes). Users choose for their own accounts, administrators for
    /// anybody's.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) for an account or a mailbox that is not there; [`Forbidden`](ErrorKind::Forbidden);
    /// [`Busy`](ErrorKind::Busy) while the account is read for more than a minute; connection and sign-in kinds; storage kinds.
    ///
    /// # Cancel safety
    /// It is chosen, or it is not; at worst the account is not read for five minutes.
    ///
    /// ```
    /// # use practicemail::PracticeMail;
    /// # use practicemail::practice_mail::Viewer;
    /// # use practicemail::types::{AccountId, PracticeId};
    /// # async fn form(mail: &PracticeMail, practice: &PracticeId, me: Viewer, account: AccountId) -> practicemail::error::Result<()> {
    /// mail.choose_mailboxes(practice, &me, &account, Some("Sent Items"), ["Newsletters".to_owned()]).await
    /// # }
    /// ```
    pub async fn choose_mailboxes(
        &self,
        practice: &PracticeId,
        by: &Viewer,
        account: &AccountId,
        sent: Option<&str>,
        excluded: impl IntoIterator<Item = String>,
    ) -> Result<()> {
        let record = self.in_use(practice, account).await?;
        self.own_or_administered(practice, by, &record).await?;
        if let Some(sent) = sent {
            let there = |mailbox: &Mailbox| mailbox.selectable && mailbox.name.to_string() == sent;
            if !self.mailboxes(practice, account).await?.iter().any(there) {
                return Err(Error::new(ErrorKind::NotFound, "the server has no mailbox of this name"));
            }
        }
        let excluded = excluded.into_iter().collect();
        self.change_account(practice, account, |settings| {
            settings.sent_mailbox = sent.map(str::to_owned);
            settings.excluded_mailboxes = excluded;
        })
        .await
    }

    /// Changes an account's settings, once whoever reads it is done.
    pub(super) async fn change_account(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        change: impl FnOnce(&mut AccountSettings) + Send,
    ) -> Result<()> {
        let fence = self.quiet(practice, account).await?;
        let changed = async {
            let mut settings = self.in_use(practice, account).await?.account.settings;
            change(&mut settings);
            self.storage.mail.change_settings(&fence, &settings).await
        };
        let changed = changed.await;
        self.storage.mail.release_lease(&fence).await?;
        changed
    }

    /// An account that is connected.
    pub(super) async fn in_use(&self, practice: &PracticeId, account: &AccountId) -> Result<AccountRecord> {
        let record = self.record(practice, account).await?;
        let record = record.ok_or_else(|| Error::new(ErrorKind::NotFound, "there is no such account"))?;
        match record.state {
            AccountState::Connected => Ok(record),
            AccountState::SwitchedOff => {
                Err(Error::new(ErrorKind::SwitchedOff, "the practice has switched this way off"))
            }
            AccountState::Disconnected => {
                Err(Error::new(ErrorKind::NotFound, "the account is not connected"))
            }
        }
    }

    /// Whether somebody may act for an account; answers the role they do it in, `None` for the host itself.
    pub(super) async fn own_or_administered(
        &self,
        practice: &PracticeId,
        by: &Viewer,
        record: &AccountRecord,
    ) -> Result<Option<Role>> {
        let Viewer::User(user) = by else { return Ok(None) };
        let person = self.active_user(practice, user).await?;
        if record.account.user == *user || person.role == Role::Administrator {
            return Ok(Some(person.role));
        }
        Err(Error::new(ErrorKind::Forbidden, "the account belongs to another user"))
    }
}
