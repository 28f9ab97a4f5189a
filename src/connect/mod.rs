//! Floor 7: settings and credentials become sessions.

use std::sync::Arc;

use crate::contract::{
    Connection, Connector, CredentialField, CredentialStore, KeyProvider, NewAccount, SignInHints,
};
use crate::error::{Error, ErrorKind, Result};
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
        let field = CredentialField::IncomingPassword;
        let missing =
            || Error::new(ErrorKind::CredentialsUnreadable, "there is no password stored for the account");
        let record =
            self.credentials.load(&account.practice, &account.id, field).await?.ok_or_else(missing)?;
        let password = self.sealer.open(&account.practice, &account.id, field, &record.octets).await?;
        self.connector.open_reader(&account.settings, &password, hints).await
    }

    /// The way connections are made, for settings that are not stored yet.
    pub fn connector(&self) -> &dyn Connector {
        &*self.connector
    }
}
