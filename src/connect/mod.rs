//! Floor 7: settings and credentials become sessions.

mod authorized;
mod authorizing;
mod grant;
mod grants;
mod owned_tasks;
mod protocols;
mod registrations;
mod resealing;
mod secrets;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) use authorizing::{Errand, GivenBack, Redeemed};
pub(crate) use owned_tasks::OwnedTasks;
pub use protocols::Protocols;
pub(crate) use resealing::Resealing;
pub(crate) use secrets::{is_reserved, reserved};

use async_trait::async_trait;

use self::authorized::AuthorizedTransport;
use self::grants::Grants;
use self::registrations::Registrations;
use self::secrets::Secrets;
use crate::contract::{
    AccountRecord, Clock, Connection, Connector, Credential, CredentialField, CredentialStore, KeyProvider,
    MailStore, MailTransport, MessageFiler, NewAccount, SignInHints,
};
use crate::error::{Error, ErrorKind, Result};
use crate::net::Dialer;
use crate::oauth::Resource;
use crate::outbound::Sessions;
use crate::settings::{ApplicationRegistration, Noreply, OAuthProvider, SignIn};
use crate::types::{AccountId, PracticeId, Secret};

/// Opens sessions for stored accounts. Holds nothing that is lost when it is dropped.
#[derive(Clone)]
pub(crate) struct Connections {
    connector: Arc<dyn Connector>,
    secrets: Secrets,
    grants: Grants,
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connections(..)")
    }
}

impl Connections {
    /// Connects with `connector` to mail servers and with `dialer` to authorization servers, with secrets from `credentials`
    /// opened by the keys of `keys`.
    pub(crate) fn new(
        (connector, dialer): (Arc<dyn Connector>, Dialer),
        store: Arc<dyn MailStore>,
        (credentials, keys): (Arc<dyn CredentialStore>, Arc<dyn KeyProvider>),
        clock: Arc<dyn Clock>,
    ) -> Self {
        let secrets = Secrets::new(credentials, keys);
        let product = BTreeMap::new();
        let registrations = Registrations { dialer, store, secrets: secrets.clone(), product };
        let grants =
            Grants { registrations, secrets: secrets.clone(), clock, renewals: OwnedTasks::default() };
        Self { connector, secrets, grants }
    }

    /// Connects to mail servers in another way from now on.
    pub(crate) fn with_connector(mut self, connector: Arc<dyn Connector>) -> Self {
        self.connector = connector;
        self
    }

    /// Connects to authorization servers in another way from now on.
    pub(crate) fn with_dialer(mut self, dialer: Dialer) -> Self {
        self.grants.registrations.dialer = dialer;
        self
    }

    /// What authorization servers are connected to with.
    pub(crate) const fn dialer(&self) -> &Dialer {
        &self.grants.registrations.dialer
    }

    /// Tells the time by another clock.
    pub(crate) fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.grants.clock = clock;
        self
    }

    /// Adds a registration of the product's own.
    pub(crate) fn with_registration(
        mut self,
        registration: ApplicationRegistration,
        secret: Option<Secret>,
    ) -> Self {
        self.grants.registrations.product.insert(registration.provider, (registration, secret));
        self
    }

    /// Seals and stores a secret.
    ///
    /// # Errors
    /// [`KeyUnavailable`](ErrorKind::KeyUnavailable); storage kinds.
    pub(crate) async fn keep(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        field: CredentialField,
        secret: &Secret,
    ) -> Result<()> {
        self.secrets.keep(practice, account, (field, secret), None).await.map(drop)
    }

    /// Whether secrets can be sealed: asked before any is erased to make room for another.
    ///
    /// # Errors
    /// [`KeyUnavailable`](ErrorKind::KeyUnavailable).
    pub(crate) async fn can_keep(&self, practice: &PracticeId, account: &AccountId) -> Result<()> {
        self.secrets.try_sealing(practice, account).await
    }

    /// Erases every secret of an account.
    ///
    /// # Errors
    /// Storage kinds.
    pub(crate) async fn forget(&self, practice: &PracticeId, account: &AccountId) -> Result<()> {
        self.secrets.store.delete(practice, account).await
    }

    /// Opens a session for an account that is stored.
    ///
    /// # Errors
    /// [`CredentialsUnreadable`](ErrorKind::CredentialsUnreadable) where there is no password,
    /// [`AuthorizationRequired`](ErrorKind::AuthorizationRequired) where there is no grant; connection and sign-in kinds.
    pub(crate) async fn open_reader(&self, account: &NewAccount, hints: &SignInHints) -> Result<Connection> {
        let credential = self.incoming_credential(account, None).await?;
        match self.connector.open_reader(&account.settings, &credential, hints).await {
            Err(error) if error.kind() == ErrorKind::AuthorizationRequired => {
                let credential = self.incoming_credential(account, Some(&credential)).await?;
                self.connector.open_reader(&account.settings, &credential, hints).await
            }
            opened => opened,
        }
    }

    /// Forgets a noreply address's secrets.
    ///
    /// # Errors
    /// Storage kinds.
    pub(crate) async fn forget_noreply(&self, practice: &PracticeId) -> Result<()> {
        self.forget(practice, &reserved(NOREPLY)?).await
    }

    /// Seals and stores a noreply address's password.
    ///
    /// # Errors
    /// [`KeyUnavailable`](ErrorKind::KeyUnavailable); storage kinds.
    pub(crate) async fn keep_noreply(&self, practice: &PracticeId, password: &Secret) -> Result<()> {
        self.keep(practice, &reserved(NOREPLY)?, CredentialField::OutgoingPassword, password).await
    }

    /// Seals and stores the client secret of a practice's own registration.
    ///
    /// # Errors
    /// [`KeyUnavailable`](ErrorKind::KeyUnavailable); storage kinds.
    pub(crate) async fn keep_client_secret(
        &self,
        practice: &PracticeId,
        provider: OAuthProvider,
        secret: &Secret,
    ) -> Result<()> {
        self.keep(practice, &reserved(provider.as_str())?, CredentialField::ClientSecret, secret).await
    }

    /// Forgets the client secret of a practice's own registration.
    ///
    /// # Errors
    /// Storage kinds.
    pub(crate) async fn forget_client_secret(
        &self,
        practice: &PracticeId,
        provider: OAuthProvider,
    ) -> Result<()> {
        self.forget(practice, &reserved(provider.as_str())?).await
    }

    /// What signs in to read; not what a server `refused`.
    pub(crate) async fn incoming_credential(
        &self,
        account: &NewAccount,
        refused: Option<&Credential>,
    ) -> Result<Credential> {
        if matches!(account.settings.sign_in, SignIn::OAuth(_)) {
            let refused = match refused {
                Some(Credential::Token(token)) => Some(token),
                _ => None,
            };
            return self.grants.access_token(account, Resource::Imap, refused).await.map(Credential::Token);
        }
        let field = CredentialField::IncomingPassword;
        let password = self.secrets.load(&account.practice, &account.id, field).await?;
        password.map(Credential::Password).ok_or_else(no_secret)
    }

    /// What signs in to send with a password: a token the host obtained, a password for sending, else the one for reading.
    pub(crate) async fn outgoing_credential(
        &self,
        practice: &PracticeId,
        account: &AccountId,
    ) -> Result<Credential> {
        use CredentialField::{IncomingPassword, OutgoingPassword, OutgoingToken};
        if let Some(token) = self.secrets.load(practice, account, OutgoingToken).await? {
            return Ok(Credential::Token(token));
        }
        for field in [OutgoingPassword, IncomingPassword] {
            if let Some(password) = self.secrets.load(practice, account, field).await? {
                return Ok(Credential::Password(password));
            }
        }
        Err(no_secret())
    }

    /// What signs in to send.
    pub(crate) async fn sending_credential(&self, account: &NewAccount) -> Result<Credential> {
        match (account.settings.sign_in, &account.settings.outgoing) {
            (SignIn::OAuth(_), Some(outgoing)) => {
                let resource = grants::sending_resource(outgoing);
                self.grants.access_token(account, resource, None).await.map(Credential::Token)
            }
            (SignIn::OAuth(_), None) => self.incoming_credential(account, None).await,
            (SignIn::Password, _) => self.outgoing_credential(&account.practice, &account.id).await,
        }
    }

    /// A secret as it is stored.
    pub(crate) async fn stored(
        &self,
        practice: &PracticeId,
        account: &AccountId,
        field: CredentialField,
    ) -> Result<Option<Secret>> {
        self.secrets.load(practice, account, field).await
    }

    /// The way connections are made, for settings that are not stored yet.
    pub(crate) fn connector(&self) -> &dyn Connector {
        &*self.connector
    }
}

#[async_trait]
impl Sessions for Connections {
    async fn account_transport(&self, account: &AccountRecord) -> Result<Box<dyn MailTransport>> {
        let account = &account.account;
        let reads_only = || Error::new(ErrorKind::AccountCannotSend, "the account has no way to send");
        let outgoing = account.settings.outgoing.as_ref().ok_or_else(reads_only)?;
        if matches!(account.settings.sign_in, SignIn::OAuth(_)) {
            let opening = AuthorizedTransport::open(self.clone(), account.clone(), outgoing.clone());
            return Ok(Box::new(opening.await?));
        }
        let credential = self.outgoing_credential(&account.practice, &account.id).await?;
        self.connector.open_transport(outgoing, &credential).await
    }

    async fn noreply_transport(
        &self,
        practice: &PracticeId,
        noreply: &Noreply,
    ) -> Result<Box<dyn MailTransport>> {
        let credential = self.outgoing_credential(practice, &reserved(NOREPLY)?).await?;
        self.connector.open_transport(&noreply.outgoing, &credential).await
    }

    async fn filer(&self, account: &AccountRecord) -> Result<Box<dyn MessageFiler>> {
        let account = &account.account;
        let credential = self.incoming_credential(account, None).await?;
        match self.connector.open_filer(&account.settings, &credential).await {
            Err(error) if error.kind() == ErrorKind::AuthorizationRequired => {
                let credential = self.incoming_credential(account, Some(&credential)).await?;
                self.connector.open_filer(&account.settings, &credential).await
            }
            opened => opened,
        }
    }
}

/// Whose secrets are a practice's noreply address's.
const NOREPLY: &str = "noreply";

fn no_secret() -> Error {
    Error::new(ErrorKind::CredentialsUnreadable, "there is no password stored for the account")
}
