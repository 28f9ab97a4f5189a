//! The way of one user to a provider's sign-in and back (RFC 6749 §4.1).
//!
//! What the callback has to fit — state, verifier, redirect, who set out and for what — is sealed in the credential store, one
//! a user: it survives a restart, serves whichever process the callback reaches, is used once, and a new start takes the place
//! of an old one.

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::Connections;
use super::grant::Grant;
use super::secrets::reserved;
use crate::contract::{Credential, CredentialField, NewAccount};
use crate::error::{Error, ErrorKind, Result};
use crate::oauth::{AuthorizationPrompt, Identity, OAuthClient, Resource, TokenFailure, Tokens};
use crate::settings::{OAuthProvider, Reading};
use crate::types::{AccountId, Digest, PracticeId, Secret, Timestamp, UserId};

/// How long a user may stay away, in seconds: signing in with a second factor, reading what is asked.
const PATIENCE: i64 = 1_800;

/// Where a practice's link for administrators is kept, and how long it is good, in seconds.
const ADMIN_CONSENT: &str = "admin-consent";
const ADMIN_PATIENCE: i64 = 30 * 86_400;

/// What a user sets out for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Errand {
    pub(crate) provider: OAuthProvider,
    pub(crate) account: AccountId,
    /// The address whose mailbox it is.
    pub(crate) mailbox: String,
    pub(crate) resources: Vec<Resource>,
    /// What becomes of reading where consent to it is not asked for.
    pub(crate) otherwise: Reading,
}

/// What is kept until they come back.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Pending {
    state: String,
    verifier: String,
    #[zeroize(skip)]
    provider: OAuthProvider,
    client_id: String,
    redirect_uri: String,
    account: String,
    mailbox: String,
    #[zeroize(skip)]
    resources: Vec<Resource>,
    #[zeroize(skip)]
    otherwise: Reading,
    until: i64,
}

/// A user who came back in time, with the state they were given.
pub(crate) struct Returned {
    pub(crate) errand: Errand,
    client: OAuthClient,
    verifier: Secret,
}

/// A code that was redeemed.
pub(crate) struct Redeemed {
    pub(crate) client: OAuthClient,
    pub(crate) tokens: Tokens,
    pub(crate) identity: Identity,
}

impl Connections {
    /// Sets out: the URL to send the browser to.
    pub(crate) async fn set_out(
        &self,
        (practice, user): (&PracticeId, &UserId),
        errand: &Errand,
        prompt: AuthorizationPrompt,
    ) -> Result<String> {
        let client = self.grants.registrations.of(practice, errand.provider).await?;
        let authorization = client.authorize(&errand.resources, prompt)?;
        let registration = client.registration();
        let pending = Pending {
            state: authorization.state.expose().to_owned(),
            verifier: authorization.verifier.expose().to_owned(),
            provider: errand.provider,
            client_id: registration.client_id.clone(),
            redirect_uri: registration.redirect_uri.clone(),
            account: errand.account.as_str().to_owned(),
            mailbox: errand.mailbox.clone(),
            resources: errand.resources.clone(),
            otherwise: errand.otherwise,
            until: self.grants.clock.now().plus(PATIENCE).as_unix(),
        };
        let unwritable = |_| Error::new(ErrorKind::Invalid, "a pending authorization cannot be written");
        let text = Zeroizing::new(serde_json::to_string(&pending).map_err(unwritable)?);
        let secret = Secret::new(text.as_str());
        self.keep(practice, &place(user)?, CredentialField::PendingAuthorization, &secret).await?;
        Ok(authorization.url)
    }

    /// Comes back: `None` for a state that was not given, was used before, or is too old. Of any number of callbacks with one
    /// state, one gets it.
    pub(crate) async fn come_back(
        &self,
        practice: &PracticeId,
        user: &UserId,
        state: &str,
    ) -> Result<Option<Returned>> {
        let (place, field) = (place(user)?, CredentialField::PendingAuthorization);
        let Some((text, version)) = self.secrets.load_versioned(practice, &place, field).await? else {
            return Ok(None);
        };
        let unreadable =
            |_| Error::new(ErrorKind::CredentialsUnreadable, "a pending authorization cannot be read");
        let pending: Pending = serde_json::from_str(text.expose()).map_err(unreadable)?;
        // By their digests: how far two texts agree is not to be told by how long it takes.
        if Digest::of(pending.state.as_bytes()) != Digest::of(state.as_bytes()) {
            return Ok(None);
        }
        if self.secrets.store.claim(practice, &place, field, version, 60).await?.is_none() {
            return Ok(None);
        }
        self.forget(practice, &place).await?;
        if pending.until <= self.grants.clock.now().as_unix() {
            return Ok(None);
        }
        let registrations = &self.grants.registrations;
        let client = registrations.by_client_id(practice, pending.provider, &pending.client_id).await?;
        // A registration that was replaced meanwhile redeems nothing.
        let Some(client) = client.filter(|c| c.registration().redirect_uri == pending.redirect_uri) else {
            return Ok(None);
        };
        Ok(Some(Returned {
            errand: Errand {
                provider: pending.provider,
                account: AccountId::new(pending.account.as_str())?,
                mailbox: pending.mailbox.clone(),
                resources: pending.resources.clone(),
                otherwise: pending.otherwise,
            },
            client,
            verifier: Secret::new(pending.verifier.as_str()),
        }))
    }

    /// What is known of the grant an account has: whose it is, and what the next authorization needs.
    pub(crate) async fn known_grant(&self, account: &NewAccount) -> Result<Option<KnownGrant>> {
        let grant = self.grants.load(account).await?.map(|(grant, _)| grant);
        Ok(grant.map(|grant| KnownGrant {
            provider: grant.provider,
            subject: grant.subject.clone(),
            client_id: grant.client_id.clone(),
            lives: !grant.ended,
            claims: grant.claims.clone(),
        }))
    }

    /// The client identifier a practice's users sign in with.
    pub(crate) async fn client_of(
        &self,
        practice: &PracticeId,
        provider: OAuthProvider,
    ) -> Result<OAuthClient> {
        self.grants.registrations.of(practice, provider).await
    }

    /// Keeps a grant. Where no refresh token came, the one of the consent before stays.
    ///
    /// # Errors
    /// [`AuthorizationRequired`](ErrorKind::AuthorizationRequired) where there is none at all: nothing would last.
    pub(crate) async fn keep_grant(
        &self,
        account: &NewAccount,
        redeemed: &Redeemed,
        resources: &[Resource],
    ) -> Result<()> {
        let registration = redeemed.client.registration();
        let before = self.grants.load(account).await?.map(|(grant, _)| grant);
        let ours = before.filter(|grant| !grant.ended && grant.client_id == registration.client_id);
        let lasting = redeemed.tokens.refresh.clone().or_else(|| ours.map(|grant| grant.refresh_token()));
        let fleeting = || {
            let message =
                "the authorization server gave no refresh token: the permission would end within the hour";
            Error::new(ErrorKind::AuthorizationRequired, message)
        };
        let refresh = lasting.ok_or_else(fleeting)?;
        let now = self.now();
        let tokens = (resources, &redeemed.tokens);
        let grant = Grant::new(registration, &redeemed.identity, &refresh, tokens, now);
        self.grants.keep(account, &grant, None).await.map(drop)
    }

    /// Gives an account's grant back to the provider.
    pub(crate) async fn revoke(&self, account: &NewAccount) -> Result<GivenBack> {
        let Some((grant, _)) = self.grants.load(account).await? else { return Ok(GivenBack::None) };
        if grant.ended {
            return Ok(GivenBack::None);
        }
        let whose = (grant.provider, grant.client_id.as_str(), grant.subject.as_str());
        if self.is_used(&account.practice, whose, Some(&account.id)).await? {
            return Ok(GivenBack::StillUsed);
        }
        let registrations = &self.grants.registrations;
        let client = registrations.by_client_id(&account.practice, grant.provider, &grant.client_id).await?;
        let gone =
            || Error::new(ErrorKind::ApplicationMisconfigured, "the registration of the grant is gone");
        let revoked = client.ok_or_else(gone)?.revoke(&grant.refresh_token()).await?;
        Ok(if revoked { GivenBack::Revoked } else { GivenBack::NotOffered })
    }

    /// Gives back what is not going to be used; what becomes of it changes nothing. Providers end everything one person gave to
    /// one registration, so what an account lives on is left alone.
    pub(crate) async fn give_back(&self, practice: &PracticeId, redeemed: &Redeemed) {
        let registration = redeemed.client.registration();
        let whose =
            (registration.provider, registration.client_id.as_str(), redeemed.identity.subject.as_str());
        if let Ok(false) = self.is_used(practice, whose, None).await {
            let token = redeemed.tokens.refresh.as_ref().unwrap_or(&redeemed.tokens.access);
            let _given_back = redeemed.client.revoke(token).await;
        }
    }

    /// Whether an account of the practice, but for this one, lives on what this person gave to this registration.
    async fn is_used(
        &self,
        practice: &PracticeId,
        whose: (OAuthProvider, &str, &str),
        but_for: Option<&AccountId>,
    ) -> Result<bool> {
        for record in self.grants.registrations.store.accounts(practice).await? {
            if but_for == Some(&record.account.id) {
                continue;
            }
            if let Some((grant, _)) = self.grants.load(&record.account).await?
                && !grant.ended
                && (grant.provider, grant.client_id.as_str(), grant.subject.as_str()) == whose
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// An access token to read with, although reading pends: it comes once consent was given elsewhere.
    pub(crate) async fn try_reading(&self, account: &NewAccount) -> Result<Credential> {
        self.grants.try_access_token(account, Resource::Imap).await.map(Credential::Token)
    }

    /// What an administrator's browser has to bring back. The one given before stays good while it lasts: the link may be in
    /// somebody's mail.
    pub(crate) async fn admin_state(&self, practice: &PracticeId) -> Result<Secret> {
        let (place, field) = (reserved(ADMIN_CONSENT)?, CredentialField::PendingAuthorization);
        let kept = self.secrets.load(practice, &place, field).await?;
        if let Some(kept) = kept.filter(|kept| self.is_good(kept)) {
            return Ok(kept);
        }
        let mut drawn = [0; 24];
        let no_randomness = |_| Error::new(ErrorKind::KeyUnavailable, "the system gives no random numbers");
        getrandom::fill(&mut drawn).map_err(no_randomness)?;
        let until = self.now().plus(ADMIN_PATIENCE).as_unix();
        let state = Secret::new(format!("{until}.{}", Digest::of(&drawn)));
        self.keep(practice, &place, field, &state).await?;
        Ok(state)
    }

    /// Whether an administrator's browser brought that back.
    pub(crate) async fn is_admin_state(&self, practice: &PracticeId, state: &str) -> Result<bool> {
        let (place, field) = (reserved(ADMIN_CONSENT)?, CredentialField::PendingAuthorization);
        let kept = self.secrets.load(practice, &place, field).await?.filter(|kept| self.is_good(kept));
        Ok(kept.is_some_and(|kept| Digest::of(kept.expose().as_bytes()) == Digest::of(state.as_bytes())))
    }

    fn is_good(&self, state: &Secret) -> bool {
        let until = state.expose().split('.').next().and_then(|until| until.parse().ok());
        until.is_some_and(|until: i64| until > self.now().as_unix())
    }

    fn now(&self) -> Timestamp {
        self.grants.clock.now()
    }
}

/// What is known of a grant.
pub(crate) struct KnownGrant {
    pub(crate) provider: OAuthProvider,
    pub(crate) subject: String,
    pub(crate) client_id: String,
    pub(crate) lives: bool,
    pub(crate) claims: Option<String>,
}

impl Returned {
    /// Redeems the code.
    pub(crate) async fn redeem(&self, code: &Secret) -> Result<Redeemed, TokenFailure> {
        let tokens = self.client.exchange(code, &self.verifier).await?;
        let identity = self.client.identity(&tokens).await.map_err(TokenFailure::Failed)?;
        Ok(Redeemed { client: self.client.clone(), tokens, identity })
    }
}

/// What became of a grant that was given back.
pub(crate) enum GivenBack {
    /// There was none.
    None,
    Revoked,
    /// The provider takes none back.
    NotOffered,
    /// Another account lives on it.
    StillUsed,
}

/// Where a user's pending authorization is kept.
fn place(user: &UserId) -> Result<AccountId> {
    reserved(&format!("authorization:{}", Digest::of(user.as_str().as_bytes())))
}
