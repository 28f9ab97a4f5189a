//! Floor 7: settings and credentials become sessions.

mod protocols;

use std::sync::Arc;

pub use protocols::Protocols;

use async_trait::async_trait;

use crate::contract::{
    AccountRecord, Connection, Connector, Credential, CredentialField, CredentialStore, KeyProvider,
    MailTransport, MessageFiler, NewAccount, SignInHints,
};
use crate::error::{Error, ErrorKind, Result};
use crate::outbound::Sessions;
use crate::settings::Noreply;
use crate::storage::Sealer;
use crate::types::{AccountId, PracticeId, Secret};

/// Opens sessions for stored accounts. Holds nothing that is lost when it is dropped.
#[derive(Clone)]
pub struct Connections {
    connector: Arc<dyn Connector>,
    credentials: Arc<dyn CredentialStore>,
    sealer: Sealer,
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connections(..)")
    }
}

impl Connections {
    /// Connects with `connector`, with passwords from `credentials` opened by the keys of `keys`.
    pub fn new(
        connector: Arc<dyn Connector>,
        credentials: Arc<dyn CredentialStore>,
        keys: Arc<dyn KeyProvider>,
    ) -> Self {
        Self { connector, credentials, sealer: Sealer::new(keys) }
    }

    /// Connects in another way from now on.
    pub fn with_connector(mut self, connector: Arc<dyn Connector>) -> Self {
        self.connector = connector;
        self
    }

    /// Seals and stores a password.
    ///
    /// # Errors
    /// [`KeyUnavailable`](ErrorKind::KeyUnavailable); storage kinds.
    pub async fn keep(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        field: CredentialField,
        password: &Secret,
    ) -> Result<()> {
        let sealed = self.sealer.seal(practice, account, field, password).await?;
        self.credentials.replace(practice, account, field, sealed, None).await.map(drop)
    }

    /// Opens a session for an account that is stored.
    ///
    /// # Errors
    /// [`CredentialsUnreadable`](ErrorKind::CredentialsUnreadable) where there is no password; connection and sign-in kinds.
    pub async fn open_reader(&self, account: &NewAccount, hints: &SignInHints) -> Result<Connection> {
        let password = self.incoming_password(account).await?;
        self.connector.open_reader(&account.settings, &password, hints).await
    }

    /// Forgets a noreply address's secrets.
    ///
    /// # Errors
    /// Storage kinds.
    pub async fn forget_noreply(&self, practice: &PracticeId) -> Result<()> {
        self.credentials.delete(practice, &noreply_account()?).await
    }

    /// Seals and stores a noreply address's password.
    ///
    /// # Errors
    /// [`KeyUnavailable`](ErrorKind::KeyUnavailable); storage kinds.
    pub async fn keep_noreply(&self, practice: &PracticeId, password: &Secret) -> Result<()> {
        self.keep(practice, &noreply_account()?, CredentialField::OutgoingPassword, password).await
    }

    async fn incoming_password(&self, account: &NewAccount) -> Result<Secret> {
        let field = CredentialField::IncomingPassword;
        self.secret(&account.practice, &account.id, field).await?.ok_or_else(no_secret)
    }

    async fn secret(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        field: CredentialField,
    ) -> Result<Option<Secret>> {
        match self.credentials.load(practice, account, field).await? {
            Some(record) => self.sealer.open(practice, account, field, &record.octets).await.map(Some),
            None => Ok(None),
        }
    }

    /// What signs in to send: a token, a password for sending, else the one for reading.
    async fn outgoing_credential(&self, practice: &PracticeId, account: &AccountId) -> Result<Credential> {
        use CredentialField::{IncomingPassword, OutgoingPassword, OutgoingToken};
        if let Some(token) = self.secret(practice, account, OutgoingToken).await? {
            return Ok(Credential::Token(token));
        }
        for field in [OutgoingPassword, IncomingPassword] {
            if let Some(password) = self.secret(practice, account, field).await? {
                return Ok(Credential::Password(password));
            }
        }
        Err(no_secret())
    }

    /// The way connections are made, for settings that are not stored yet.
    pub fn connector(&self) -> &dyn Connector {
        &*self.connector
    }
}

#[async_trait]
impl Sessions for Connections {
    async fn account_transport(&self, account: &AccountRecord) -> Result<Box<dyn MailTransport>> {
        let account = &account.account;
        let reads_only = || Error::new(ErrorKind::AccountCannotSend, "the account has no way to send");
        let outgoing = account.settings.outgoing.as_ref().ok_or_else(reads_only)?;
        let credential = self.outgoing_credential(&account.practice, &account.id).await?;
        self.connector.open_transport(outgoing, &credential).await
    }

    async fn noreply_transport(
        &self,
        practice: &PracticeId,
        noreply: &Noreply,
    ) -> Result<Box<dyn MailTransport>> {
        let credential = self.outgoing_credential(practice, &noreply_account()?).await?;
        self.connector.open_transport(&noreply.outgoing, &credential).await
    }

    async fn filer(&self, account: &AccountRecord) -> Result<Box<dyn MessageFiler>> {
        let password = self.incoming_password(&account.account).await?;
        self.connector.open_filer(&account.account.settings, &password).await
    }
}

/// Under which account a practice keeps the secrets of its noreply address. No user's account can be called so.
fn noreply_account() -> Result<AccountId> {
    Ok(AccountId::new(RESERVED)?)
}

/// The name no account can have.
pub(crate) const RESERVED: &str = "#noreply";

fn no_secret() -> Error {
    Error::new(ErrorKind::CredentialsUnreadable, "there is no password stored for the account")
}
