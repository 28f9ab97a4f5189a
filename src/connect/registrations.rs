//! Which application registration speaks for a practice.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::secrets::{Secrets, reserved};
use crate::contract::{CredentialField, MailStore};
use crate::error::{Error, ErrorKind, Result};
use crate::net::Dialer;
use crate::oauth::OAuthClient;
use crate::settings::{ApplicationRegistration, OAuthProvider};
use crate::types::{PracticeId, Secret};

/// The product's own registrations, and the practices' that have one themselves.
#[derive(Clone)]
pub(super) struct Registrations {
    pub(super) dialer: Dialer,
    pub(super) store: Arc<dyn MailStore>,
    pub(super) secrets: Secrets,
    pub(super) product: BTreeMap<OAuthProvider, (ApplicationRegistration, Option<Secret>)>,
}

impl Registrations {
    /// The one a practice signs in with: its own, else the product's.
    pub(super) async fn of(&self, practice: &PracticeId, provider: OAuthProvider) -> Result<OAuthClient> {
        let settings = self.store.practice_settings(practice).await?;
        if let Some(own) = settings.registrations.get(&provider) {
            return self.own(practice, own.clone()).await;
        }
        let none = || {
            let message = format!("there is no application registration with {}", provider.as_str());
            Error::new(ErrorKind::ApplicationMisconfigured, message)
        };
        let (registration, secret) = self.product.get(&provider).ok_or_else(none)?;
        Ok(OAuthClient::new(self.dialer.clone(), registration.clone(), secret.clone()))
    }

    /// The one with this client identifier, which a grant was given to: whatever the practice settled since, no other can
    /// use it.
    pub(super) async fn by_client_id(
        &self,
        practice: &PracticeId,
        provider: OAuthProvider,
        client_id: &str,
    ) -> Result<Option<OAuthClient>> {
        let settings = self.store.practice_settings(practice).await?;
        if let Some(own) = settings.registrations.get(&provider).filter(|own| own.client_id == client_id) {
            return self.own(practice, own.clone()).await.map(Some);
        }
        let product = self.product.get(&provider).filter(|(product, _)| product.client_id == client_id);
        Ok(product
            .map(|(product, secret)| OAuthClient::new(self.dialer.clone(), product.clone(), secret.clone())))
    }

    async fn own(&self, practice: &PracticeId, own: ApplicationRegistration) -> Result<OAuthClient> {
        let account = reserved(own.provider.as_str())?;
        let secret = self.secrets.load(practice, &account, CredentialField::ClientSecret).await?;
        Ok(OAuthClient::new(self.dialer.clone(), own, secret))
    }
}
