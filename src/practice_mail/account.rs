//! Connecting accounts and telling how they fare.

use super::PracticeMail;
use super::check::{Credentials, as_meant, hinted, takes_passwords};
use super::privacy::as_closed_as;
use super::view::{AccountCursor, ConnectRequest, Connected, Trial};
use crate::connect::is_reserved;
use crate::contract::{
    AccountRecord, Credential, CredentialField, MailboxListing, NewAccount, SignInHints, User,
};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::{AccountSettings, Reading, SignIn, Way};
use crate::types::{AccountId, Address, MailboxName, PracticeId, SpecialUse, UserId};

impl PracticeMail {
    /// Connects a user's account, or replaces the settings of one: what was read and archived is kept. Nothing is saved
    /// unless the trial passes.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) for an unknown user, [`Forbidden`](ErrorKind::Forbidden) for one who has left,
    /// [`Invalid`](ErrorKind::Invalid) for an account's id that begins with `#`, the kinds of [`check`](Self::check), storage
    /// kinds.
    pub async fn connect(
        &self,
        practice: &PracticeId,
        user: &UserId,
        request: ConnectRequest,
    ) -> Result<Connected> {
        let person = self.active_user(practice, user).await?;
        let address = Address::parse(&person.address)?;
        self.allowing(practice, Way::SmtpImap).await?;
        if let SignIn::OAuth(provider) = request.settings.sign_in {
            let message = format!("these accounts sign in with {}, not with a password", provider.as_str());
            return Err(Error::new(ErrorKind::PasswordRefusedByProvider, message));
        }
        let account = self.own_account_id(practice, user, request.account.clone()).await?;
        let request = as_meant(request);
        let credentials = self.entered(practice, &account, &request).await?;
        let mut sent_mailbox = request.settings.sent_mailbox.clone();
        match (request.trial, &self.protocols) {
            (Trial::None, _) => takes_passwords(&request.settings.incoming, &credentials.incoming)?,
            (Trial::Certificate, Some(protocols)) => {
                takes_passwords(&request.settings.incoming, &credentials.incoming)?;
                protocols.reach(&request.settings).await?;
            }
            _ => {
                let report = self.try_settings(&request.settings, &credentials).await;
                sent_mailbox = sent_mailbox.or_else(|| report.sent_mailbox.clone());
                report.into_result()?;
            }
        }
        let new = NewAccount::new(
            practice.clone(),
            account.clone(),
            user.clone(),
            address.clone(),
            as_closed_as(request.settings.clone(), self.record(practice, &account).await?.as_ref()),
        );
        self.replace_secrets(&new, &request, &credentials).await?;
        self.storage.mail.connect(&new).await?;
        Ok(Connected {
            account,
            user: user.clone(),
            address,
            checked: request.trial == Trial::SignIn,
            reading: Reading::Allowed,
            sent_mailbox,
            problem: None,
        })
    }

    /// Puts the secrets of these settings in the place of those before. What changes servers, user names or the way of signing in
    /// is out of use meanwhile: no password is ever with a server it was not given for, whatever happens in between.
    async fn replace_secrets(
        &self,
        account: &NewAccount,
        request: &ConnectRequest,
        credentials: &Credentials,
    ) -> Result<()> {
        let (practice, id) = (&account.practice, &account.id);
        let before = self.record(practice, id).await?;
        self.same_mailbox(account, before.as_ref()).await?;
        self.connections.can_keep(practice, id).await?;
        let token = self.connections.stored(practice, id, CredentialField::OutgoingToken).await?;
        let stale_token = token.is_some() && request.outgoing_token.is_none();
        if self.take_out_of_use(account, before.as_ref()).await? || stale_token {
            self.connections.forget(practice, id).await?;
        }
        let Credential::Password(incoming) = &credentials.incoming else { return Ok(()) };
        self.connections.keep(practice, id, CredentialField::IncomingPassword, incoming).await?;
        if let Some(password) = &credentials.own_outgoing {
            self.connections.keep(practice, id, CredentialField::OutgoingPassword, password).await?;
        }
        match &request.outgoing_token {
            Some(token) => self.connections.keep(practice, id, CredentialField::OutgoingToken, token).await,
            None => Ok(()),
        }
    }

    /// Refuses to put another mailbox in the place of one: its archive is not the other's (B12).
    pub(super) async fn same_mailbox(
        &self,
        account: &NewAccount,
        before: Option<&AccountRecord>,
    ) -> Result<()> {
        let Some(before) = before.map(|record| &record.account) else { return Ok(()) };
        let person = self.user(&account.practice, &account.user).await?;
        let aliases = person.aliases.iter().chain([&person.address]);
        let own: Vec<_> = aliases.filter_map(|a| Address::parse(a).ok()).map(|a| a.key()).collect();
        let (old, new) = (before.address.key(), account.address.key());
        if old == new || (own.contains(&old) && own.contains(&new)) {
            return Ok(());
        }
        let message = "the account is of another mailbox: connect this one under an id of its own";
        Err(Error::new(ErrorKind::Invalid, message))
    }

    /// Takes an account whose servers, user names or way of signing in change out of use until it is connected again: what is
    /// under way with the old ones writes nothing any more. Answers whether it did.
    pub(super) async fn take_out_of_use(
        &self,
        account: &NewAccount,
        before: Option<&AccountRecord>,
    ) -> Result<bool> {
        let Some(record) = before else { return Ok(false) };
        let (old, new) = (&record.account.settings, &account.settings);
        let same = old.incoming == new.incoming
            && old.incoming_login == new.incoming_login
            && old.outgoing == new.outgoing
            && old.sign_in == new.sign_in;
        if same {
            return Ok(false);
        }
        self.storage.mail.disconnect(&account.practice, &account.id).await?;
        if old.sign_in != new.sign_in {
            // That the provider cannot be told keeps nobody from connecting.
            let _given_back = self.connections.revoke(&record.account).await;
        }
        Ok(true)
    }

    /// An account as it is stored.
    pub(super) async fn record(
        &self,
        practice: &PracticeId,
        account: &AccountId,
    ) -> Result<Option<AccountRecord>> {
        let accounts = self.storage.mail.accounts(practice).await?;
        Ok(accounts.into_iter().find(|record| record.account.id == *account))
    }

    /// A user who has not left the practice.
    pub(super) async fn active_user(&self, practice: &PracticeId, user: &UserId) -> Result<User> {
        let person = self.user(practice, user).await?;
        if person.active {
            return Ok(person);
        }
        Err(Error::new(ErrorKind::Forbidden, "the user has left the practice"))
    }

    /// The id of an account of theirs: the one wished for, else the user's own.
    pub(super) async fn own_account_id(
        &self,
        practice: &PracticeId,
        user: &UserId,
        wished: Option<AccountId>,
    ) -> Result<AccountId> {
        let account = wished.map_or_else(|| AccountId::new(user.as_str()), Ok)?;
        if is_reserved(&account) {
            return Err(Error::new(ErrorKind::Invalid, "no account can have this name"));
        }
        let others = self.storage.mail.accounts(practice).await?;
        if others.iter().any(|other| other.account.id == account && other.account.user != *user) {
            return Err(Error::new(ErrorKind::Forbidden, "the account belongs to another user"));
        }
        Ok(account)
    }

    /// Opens a mailbox with what is to be saved; answers the Sent mailbox found.
    pub(super) async fn try_reading(
        &self,
        settings: &AccountSettings,
        credential: &Credential,
    ) -> Result<Option<String>> {
        let connector = self.connections.connector();
        let trying = async {
            let opened = connector.open_reader(settings, credential, &SignInHints::default()).await?;
            let mut reader = opened.reader;
            let listing = reader.mailboxes(&[]).await?;
            reader.open(&MailboxName::from_wire(&b"INBOX"[..])).await?;
            let found = sent_mailbox(&listing, settings)?;
            reader.close().await;
            Ok(found)
        };
        trying.await.map_err(|error| hinted(error, &settings.incoming, credential))
    }

    /// How far a user's accounts are read.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) for an unknown user; storage kinds.
    pub async fn cursors(&self, practice: &PracticeId, user: &UserId) -> Result<Vec<AccountCursor>> {
        self.user(practice, user).await?;
        let mut cursors = Vec::new();
        for record in self.storage.mail.accounts(practice).await? {
            if record.account.user != *user {
                continue;
            }
            let state = self.storage.mail.sync_state(practice, &record.account.id).await?;
            cursors.push(AccountCursor {
                account: record.account.id,
                mailboxes: state.mailboxes.into_iter().map(|m| (m.name, m.cursor, m.gaps)).collect(),
                covered_keys: state.keys.covered.len(),
                pending_keys: state.keys.pending.len(),
                revision: state.keys.revision,
            });
        }
        Ok(cursors)
    }
}

/// The Sent mailbox: the chosen one if the server has it, else the one found by use or name.
pub(super) fn sent_mailbox(listing: &MailboxListing, settings: &AccountSettings) -> Result<Option<String>> {
    if let Some(chosen) = &settings.sent_mailbox {
        let there = listing.all.iter().any(|m| m.selectable && m.name.to_string() == *chosen);
        let missing = || {
            Error::new(ErrorKind::NotFound, "the server has no mailbox of the name chosen for sent messages")
        };
        return if there { Ok(Some(chosen.clone())) } else { Err(missing()) };
    }
    Ok(listing.all.iter().find(|m| m.special_use == Some(SpecialUse::Sent)).map(|m| m.name.to_string()))
}
