//! Access tokens for accounts that signed in with their provider: renewed ahead of time, by one of all who ask.
//!
//! The claim of the credential store ([`CredentialStore`](crate::contract::CredentialStore), C1) makes it one, in this process and in every other: who
//! gets it asks the authorization server, and stores what came, a rotated refresh token among it, before anybody uses it. The
//! others wait and read again. A claim whose process died ends by itself; then the refresh token that is stored is tried once
//! more, and only the authorization server's own *no* ends a grant.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::grant::Grant;
use super::owned_tasks::OwnedTasks;
use super::registrations::Registrations;
use super::secrets::Secrets;
use crate::contract::{AccountState, Claim, Clock, CredentialField, NewAccount};
use crate::error::{Error, ErrorKind, Result};
use crate::oauth::{OAuthClient, Refusal, Resource, TokenFailure, not_granted};
use crate::settings::{AccountSettings, Outgoing, Reading};
use crate::types::Secret;

/// How many seconds before its end an access token is renewed: longer than anything takes that begins with it.
const AHEAD: i64 = 300;
/// How many seconds a token must have left to be used while another renews it.
const ENOUGH: i64 = 60;
/// How long an authorization server is asked.
const ASK: Duration = Duration::from_mins(2);
/// How long a renewal may take, in seconds: longer than it asks.
const CLAIM_SECONDS: u32 = 180;
/// How long to wait for another's renewal: as long as its claim can last.
const WAIT: Duration = Duration::from_secs(CLAIM_SECONDS as u64 + 10);
/// How long between two looks at another's renewal, first and at most.
const LOOK: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// What became of consents.
#[derive(Clone)]
pub(super) struct Grants {
    pub(super) registrations: Registrations,
    pub(super) secrets: Secrets,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) renewals: OwnedTasks,
}

/// What the authorization server's *no* means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OnNo {
    /// The grant has ended.
    End,
    /// It does not open what was asked for; it may open what it opened before.
    Leave,
}

/// What one attempt came to.
enum Attempt {
    Done(Secret),
    /// Another changed the grant meanwhile.
    ReadAgain,
}

impl Grants {
    /// An access token for a resource. One that a server `refused` although its time is not over is not given again.
    ///
    /// # Cancel safety
    /// A renewal goes on when nobody waits for it any more: what it brings is stored.
    pub(super) async fn access_token(
        &self,
        account: &NewAccount,
        resource: Resource,
        refused: Option<&Secret>,
    ) -> Result<Secret> {
        self.token(account, resource, refused, OnNo::End).await
    }

    /// As [`access_token`](Self::access_token), where it is not known whether the grant opens the resource: a *no* leaves it as
    /// it is.
    pub(super) async fn try_access_token(&self, account: &NewAccount, resource: Resource) -> Result<Secret> {
        self.token(account, resource, None, OnNo::Leave).await
    }

    async fn token(
        &self,
        account: &NewAccount,
        resource: Resource,
        refused: Option<&Secret>,
        on_no: OnNo,
    ) -> Result<Secret> {
        let begun = Instant::now();
        let mut pause = LOOK.0;
        loop {
            let (grant, version) = self.load(account).await?.ok_or_else(no_grant)?;
            let mut grant = usable(grant)?;
            if let Some(refused) = refused {
                grant.drop_access(refused);
            }
            let held = grant.access(resource, self.clock.now());
            if let Some((token, left)) = &held
                && *left > AHEAD
            {
                return Ok(token.clone());
            }
            let (practice, id) = (&account.practice, &account.id);
            let field = CredentialField::Grant;
            if let Some(claim) = self.secrets.store.claim(practice, id, field, version, CLAIM_SECONDS).await?
            {
                let this = Self { renewals: OwnedTasks::default(), ..self.clone() };
                let account = account.clone();
                let renewal = async move { this.renew(&account, grant, (resource, on_no), claim).await };
                if let Attempt::Done(token) = self.renewals.start(renewal).answer().await? {
                    return Ok(token);
                }
            } else if let Some((token, left)) = held
                && left > ENOUGH
            {
                return Ok(token);
            }
            if begun.elapsed() > WAIT {
                return Err(Error::new(
                    ErrorKind::Busy,
                    "another process does not end renewing the access token",
                ));
            }
            sleep(pause).await;
            pause = (pause * 2).min(LOOK.1);
        }
    }

    async fn renew(
        &self,
        account: &NewAccount,
        mut grant: Grant,
        (resource, on_no): (Resource, OnNo),
        claim: Claim,
    ) -> Result<Attempt> {
        let held = grant.access(resource, self.clock.now()).map(|(token, _)| token);
        let late = || {
            let late = Error::new(ErrorKind::TimedOut, "the authorization server did not answer in time");
            Err(TokenFailure::Failed(late))
        };
        let asked = timeout(ASK, self.ask(account, &grant, resource)).await.unwrap_or_else(|_| late());
        let asked = match asked {
            Ok(asked) => asked,
            Err(TokenFailure::Refused(refusal))
                if refusal.kind == ErrorKind::AuthorizationRequired && on_no == OnNo::End =>
            {
                return self.ended(account, grant, refusal, claim).await;
            }
            Err(failure) => {
                // Nothing was brought. Writing what was there ends the claim, so that nobody waits for it.
                self.keep(account, &grant, Some(claim)).await?;
                let error = Error::from(failure);
                // A token that was not refused serves until its time is over.
                return held.filter(|_| error.is_retryable()).map(Attempt::Done).ok_or(error);
            }
        };
        let Asked { client, resources, tokens } = asked;
        if !resources.contains(&resource) {
            self.keep(account, &grant, Some(claim)).await?;
            return Err(Error::new(ErrorKind::ConsentMissing, "the grant does not hold what is needed"));
        }
        grant.refreshed(&resources, &tokens, self.clock.now());
        if self.keep(account, &grant, Some(claim)).await? {
            return Ok(Attempt::Done(tokens.access));
        }
        // The claim ran out, or the account was disconnected: what came is nobody's. Another's renewal is read, and where
        // there is no grant any more, this one is given back.
        if self.load(account).await?.is_none() {
            let _given_back = client.revoke(&grant.refresh_token()).await;
        }
        Ok(Attempt::ReadAgain)
    }

    async fn ask(
        &self,
        account: &NewAccount,
        grant: &Grant,
        resource: Resource,
    ) -> Result<Asked, TokenFailure> {
        let client = self.client(account, grant).await.map_err(TokenFailure::Failed)?;
        let mut resources = together(&account.settings, resource);
        let mut tokens = client.refresh(&grant.refresh_token(), &resources).await;
        if let Err(TokenFailure::Refused(refusal)) = &tokens
            && matches!(refusal.kind, ErrorKind::ConsentMissing | ErrorKind::AdministratorApproval)
            && resources.len() > 1
        {
            // Consent to the one is not taken back with consent to the other.
            resources = vec![resource];
            tokens = client.refresh(&grant.refresh_token(), &resources).await;
        }
        let tokens = tokens?;
        let missing = not_granted(grant.provider, &resources, tokens.scopes.as_ref());
        let resources = resources.into_iter().filter(|resource| !missing.contains(resource)).collect();
        Ok(Asked { client, resources, tokens })
    }

    async fn client(&self, account: &NewAccount, grant: &Grant) -> Result<OAuthClient> {
        let practice = &account.practice;
        let accounts = self.registrations.store.accounts(practice).await?;
        match accounts.iter().find(|record| record.account.id == account.id).map(|record| record.state) {
            Some(AccountState::Connected) => {}
            Some(AccountState::SwitchedOff) => {
                return Err(Error::new(ErrorKind::SwitchedOff, "the practice has switched this way off"));
            }
            _ => return Err(no_grant()),
        }
        let client = self.registrations.by_client_id(practice, grant.provider, &grant.client_id).await?;
        client.ok_or_else(|| {
            let message = "the application registration that the account was connected with is gone";
            Error::new(ErrorKind::AuthorizationRequired, message)
        })
    }

    /// The authorization server says *no*. It may have been asked with what another has replaced meanwhile.
    async fn ended(
        &self,
        account: &NewAccount,
        mut grant: Grant,
        refusal: Refusal,
        claim: Claim,
    ) -> Result<Attempt> {
        if self.load(account).await?.is_none_or(|(_, version)| version != claim.version) {
            return Ok(Attempt::ReadAgain);
        }
        let error = refusal.error();
        grant.ended = true;
        grant.claims = refusal.claims;
        if self.keep(account, &grant, Some(claim)).await? { Err(error) } else { Ok(Attempt::ReadAgain) }
    }

    /// The grant of an account, and the version it was read at.
    pub(super) async fn load(&self, account: &NewAccount) -> Result<Option<(Grant, u64)>> {
        let (practice, id) = (&account.practice, &account.id);
        let stored = self.secrets.load_versioned(practice, id, CredentialField::Grant).await?;
        stored.map(|(text, version)| Ok((Grant::parse(&text)?, version))).transpose()
    }

    /// Writes a grant; `false` where its claim no longer holds.
    pub(super) async fn keep(
        &self,
        account: &NewAccount,
        grant: &Grant,
        claim: Option<Claim>,
    ) -> Result<bool> {
        let text = grant.to_secret()?;
        let (practice, id) = (&account.practice, &account.id);
        self.secrets.keep(practice, id, (CredentialField::Grant, &text), claim).await
    }
}

/// What an authorization server gave, and what it opens.
struct Asked {
    client: OAuthClient,
    resources: Vec<Resource>,
    tokens: crate::oauth::Tokens,
}

/// Everything the account needs that the same token can open.
fn together(settings: &AccountSettings, resource: Resource) -> Vec<Resource> {
    let mut resources = needed(settings);
    resources.retain(|other| other.shares_audience_with(resource));
    if !resources.contains(&resource) {
        resources = vec![resource];
    }
    resources
}

/// What an account needs tokens for.
pub(super) fn needed(settings: &AccountSettings) -> Vec<Resource> {
    let reading = (settings.reading == Reading::Allowed).then_some(Resource::Imap);
    let sending = settings.outgoing.as_ref().map(sending_resource);
    reading.into_iter().chain(sending).collect()
}

/// What a way of sending needs a token for.
pub(super) const fn sending_resource(outgoing: &Outgoing) -> Resource {
    match outgoing {
        Outgoing::Smtp { .. } => Resource::Smtp,
        Outgoing::Graph { .. } => Resource::GraphSend,
    }
}

fn usable(grant: Grant) -> Result<Grant> {
    if grant.ended {
        return Err(Error::new(
            ErrorKind::AuthorizationRequired,
            "the authorization server has ended the grant",
        ));
    }
    Ok(grant)
}

fn no_grant() -> Error {
    Error::new(ErrorKind::AuthorizationRequired, "there is no grant for the account")
}
