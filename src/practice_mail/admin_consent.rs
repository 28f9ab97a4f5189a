//! What waits for an administrator of the mail service, and how they let it in.

use super::PracticeMail;
use super::authorize_view::{AdminConsent, Approval};
use super::view::Viewer;
use crate::error::{Error, ErrorKind, Result};
use crate::oauth::{Callback, Resource};
use crate::settings::OAuthProvider;
use crate::types::{Address, PracticeId};

/// How long users of a domain are not asked for reading again, in seconds, unless it was allowed meanwhile: a week.
const REMEMBERED: i64 = 7 * 86_400;

impl PracticeMail {
    /// Where an administrator of the practice's Microsoft tenant consents for everybody: to be passed on to them. Good for
    /// thirty days.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) for a provider that has no such page; as [`authorize`](Self::authorize).
    ///
    /// # Cancel safety
    /// Safe: asked again, it answers the same link while that is good.
    pub async fn admin_consent_url(&self, practice: &PracticeId, provider: OAuthProvider) -> Result<String> {
        let client = self.connections.client_of(practice, provider).await?;
        let state = self.connections.admin_state(practice).await?;
        let wanted = [Resource::Imap, Resource::Smtp];
        client.admin_consent_url(&wanted, state.expose()).ok_or_else(|| {
            Error::new(ErrorKind::Invalid, "the provider has no page for administrators' consent")
        })
    }

    /// Takes the query an administrator's browser came back with. Nobody needs to be signed in to the host for it.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) for a query that is no answer; storage kinds.
    ///
    /// # Cancel safety
    /// It is done, or it is not; the same query serves again.
    pub async fn complete_admin_consent(&self, practice: &PracticeId, query: &str) -> Result<AdminConsent> {
        let callback = Callback::parse(query)?;
        if !self.connections.is_admin_state(practice, callback.state()).await? {
            return Ok(AdminConsent::Expired);
        }
        let Callback::AdminConsent { .. } = callback else { return Ok(AdminConsent::Denied) };
        self.settle(practice, &Viewer::System { reason: "an administrator consented" }, |settings| {
            settings.awaiting_approval.clear();
        })
        .await?;
        Ok(AdminConsent::Granted)
    }

    /// What an administrator has to do.
    pub(super) async fn approval(
        &self,
        practice: &PracticeId,
        provider: OAuthProvider,
        sends_meanwhile: bool,
    ) -> Result<Approval> {
        let client = self.connections.client_of(practice, provider).await?;
        let registration = client.registration();
        Ok(match provider {
            OAuthProvider::Google => Approval {
                how: format!(
                    "A Google Workspace administrator opens the Admin console at Security, Access and data control, API \
                     controls, Manage third-party app access, adds the app with the client id {} and sets it to Trusted.",
                    registration.client_id
                ),
                url: None,
                sends_meanwhile: false,
            },
            OAuthProvider::Microsoft => Approval {
                how: "A Microsoft 365 administrator opens the link and accepts for the whole organisation."
                    .to_owned(),
                url: self.admin_consent_url(practice, provider).await.ok(),
                sends_meanwhile,
            },
        })
    }

    /// Remembers that accounts of this domain wait.
    pub(super) async fn remember_waiting(&self, practice: &PracticeId, domain: &str) -> Result<()> {
        let host = Viewer::System { reason: "reading waits for an administrator of the tenant" };
        let until = self.clock.now().plus(REMEMBERED).as_unix();
        self.settle(practice, &host, |settings| {
            settings.awaiting_approval.insert(domain.to_owned(), until);
        })
        .await
    }

    /// Forgets that accounts of this domain wait.
    pub(super) async fn reading_was_allowed(&self, practice: &PracticeId, address: &Address) -> Result<()> {
        let (host, domain) = (Viewer::System { reason: "reading was allowed" }, domain_of(address));
        self.settle(practice, &host, |settings| {
            settings.awaiting_approval.remove(&domain);
        })
        .await
    }
}

/// The domain that stands for an account's tenant.
pub(super) fn domain_of(address: &Address) -> String {
    address.domain().to_string()
}
