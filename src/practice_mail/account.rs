//! Connecting accounts and telling how they fare.

use super::PracticeMail;
use super::view::{
    AccountCursor, CheckReport, CheckStep, ConnectRequest, Connected, Health, Trial, UserStatus,
};
use crate::connect::RESERVED;
use crate::contract::{
    AccountRecord, AccountState, CredentialField, MailboxListing, NewAccount, SignInHints,
};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::AccountSettings;
use crate::types::{AccountId, Address, Mailbox, MailboxName, PracticeId, Secret, SpecialUse, UserId};

impl PracticeMail {
    /// Connects a user's account, or replaces the settings of one: what was read and archived is kept. Nothing is saved
    /// unless the trial passes.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) for an unknown user, [`Forbidden`](ErrorKind::Forbidden) for one who has left, the
    /// kinds of [`check`](Self::check), storage kinds.
    pub async fn connect(
        &self,
        practice: &PracticeId,
        user: &UserId,
        request: ConnectRequest,
    ) -> Result<Connected> {
        let person = self.user(practice, user).await?;
        if !person.active {
            return Err(Error::new(ErrorKind::Forbidden, "the user has left the practice"));
        }
        let address = Address::parse(&person.address)?;
        let account = match request.account {
            Some(account) => account,
            None => AccountId::new(user.as_str())?,
        };
        if account.as_str() == RESERVED {
            return Err(Error::new(ErrorKind::Invalid, "no account can have this name"));
        }
        let others = self.storage.mail.accounts(practice).await?;
        if others.iter().any(|other| other.account.id == account && other.account.user != *user) {
            return Err(Error::new(ErrorKind::Forbidden, "the account belongs to another user"));
        }
        let mut sent_mailbox = request.settings.sent_mailbox.clone();
        match (request.trial, &self.protocols) {
            (Trial::Certificate, Some(protocols)) => protocols.reach(&request.settings.incoming).await?,
            _ => {
                let report = self.check(&request.settings, &request.password).await;
                if let Some(error) = report.steps.into_iter().find_map(|step| step.error) {
                    return Err(error);
                }
                sent_mailbox = sent_mailbox.or(report.sent_mailbox);
            }
        }
        let new = NewAccount::new(
            practice.clone(),
            account.clone(),
            user.clone(),
            address.clone(),
            request.settings,
        );
        self.connections
            .keep(practice, &account, CredentialField::IncomingPassword, &request.password)
            .await?;
        if let Some(password) = &request.outgoing_password {
            self.connections.keep(practice, &account, CredentialField::OutgoingPassword, password).await?;
        }
        if let Some(token) = &request.outgoing_token {
            self.connections.keep(practice, &account, CredentialField::OutgoingToken, token).await?;
        }
        self.storage.mail.connect(&new).await?;
        Ok(Connected {
            account,
            user: user.clone(),
            address,
            checked: request.trial == Trial::SignIn,
            sent_mailbox,
        })
    }

    /// Tries settings for real: connect, sign in, list the mailboxes, open the inbox, find the Sent mailbox. Saves nothing.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    pub async fn check(&self, settings: &AccountSettings, password: &Secret) -> CheckReport {
        let mut report = CheckReport::default();
        if let Err((step, error)) = self.check_steps(settings, password, &mut report).await {
            report.steps.push(CheckStep { step, detail: error.to_string(), error: Some(error) });
        }
        report
    }

    async fn check_steps(
        &self,
        settings: &AccountSettings,
        password: &Secret,
        report: &mut CheckReport,
    ) -> Result<(), (&'static str, Error)> {
        let mut passed = |step, detail: String| report.steps.push(CheckStep { step, detail, error: None });
        if let Some(protocols) = &self.protocols {
            protocols.reach(&settings.incoming).await.map_err(|e| ("connect", e))?;
            passed(
                "connect",
                format!("{} answers on port {}", settings.incoming.host(), settings.incoming.port()),
            );
        }
        let connection =
            self.connections.connector().open_reader(settings, password, &SignInHints::default()).await;
        let mut reader = connection.map_err(|e| ("sign_in", e))?.reader;
        passed("sign_in", "user name and password are accepted".to_owned());
        let listing = reader.mailboxes(&[]).await.map_err(|e| ("list", e))?;
        passed("list", format!("{} mailboxes, {} of them read", listing.all.len(), listing.mailboxes.len()));
        let inbox = MailboxName::from_wire(&b"INBOX"[..]);
        let open = reader.open(&inbox).await.map_err(|e| ("open_inbox", e))?;
        passed("open_inbox", format!("{} messages", open.uids.len()));
        let (detail, error) = match sent_mailbox(&listing, settings) {
            Ok(Some(name)) => {
                report.sent_mailbox = Some(name.clone());
                (name, None)
            }
            Ok(None) => ("none found; choose one".to_owned(), None),
            Err(error) => (error.to_string(), Some(error)),
        };
        report.steps.push(CheckStep { step: "sent_mailbox", detail, error });
        reader.close().await;
        Ok(())
    }

    /// The mailboxes an account has, for choosing the Sent mailbox or exclusions.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound); connection and sign-in kinds.
    pub async fn mailboxes(&self, practice: &PracticeId, account: &AccountId) -> Result<Vec<Mailbox>> {
        let unknown = || Error::new(ErrorKind::NotFound, "there is no such account");
        let accounts = self.storage.mail.accounts(practice).await?;
        let record = accounts.into_iter().find(|r| r.account.id == *account).ok_or_else(unknown)?;
        let connection = self.connections.open_reader(&record.account, &SignInHints::default()).await?;
        let mut reader = connection.reader;
        let listing = reader.mailboxes(&[]).await?;
        reader.close().await;
        Ok(listing.all)
    }

    /// Every user of the practice, when they were last synchronised and what is wrong where something is (S24).
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) for an unknown practice; storage kinds.
    pub async fn status(&self, practice: &PracticeId) -> Result<Vec<UserStatus>> {
        let unknown = || Error::new(ErrorKind::NotFound, "the directory does not know this practice");
        self.directory.practice(practice).await?.ok_or_else(unknown)?;
        let accounts = self.storage.mail.accounts(practice).await?;
        let mut rows = Vec::new();
        for user in self.directory.users(practice).await? {
            let mut own = accounts.iter().filter(|r| r.account.user == user.id).peekable();
            let row = |record: Option<&AccountRecord>| UserStatus {
                user: user.id.clone(),
                address: user.address.clone(),
                account: record.map(|r| r.account.id.clone()),
                last_synchronised: record.and_then(|r| r.health.last_success),
                health: record.map_or(Health::NeverSetUp, health),
            };
            if own.peek().is_none() {
                rows.push(row(None));
            }
            rows.extend(own.map(|record| row(Some(record))));
        }
        Ok(rows)
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

fn health(record: &AccountRecord) -> Health {
    match (record.state, record.health.failure) {
        (AccountState::Disconnected, _) => Health::Disconnected,
        (_, Some(kind)) => Health::Failing(kind),
        _ => Health::Fine,
    }
}

/// The Sent mailbox: the chosen one if the server has it, else the one found by use or name.
fn sent_mailbox(listing: &MailboxListing, settings: &AccountSettings) -> Result<Option<String>> {
    if let Some(chosen) = &settings.sent_mailbox {
        let there = listing.all.iter().any(|m| m.selectable && m.name.to_string() == *chosen);
        let missing = || {
            Error::new(ErrorKind::NotFound, "the server has no mailbox of the name chosen for sent messages")
        };
        return if there { Ok(Some(chosen.clone())) } else { Err(missing()) };
    }
    Ok(listing.all.iter().find(|m| m.special_use == Some(SpecialUse::Sent)).map(|m| m.name.to_string()))
}
