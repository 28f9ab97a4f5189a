//! What is kept of a consent: the refresh token, and the access tokens it brought.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::error::{Error, ErrorKind, Result};
use crate::oauth::{Identity, Resource, Tokens};
use crate::settings::{ApplicationRegistration, OAuthProvider};
use crate::types::{Secret, Timestamp};

/// How long an access token is thought to live where nothing was said: longer than it is renewed ahead of its end.
const UNTOLD_LIFETIME: i64 = 1_200;

/// One user's consent, as it is sealed.
#[derive(Serialize, Deserialize)]
pub(super) struct Grant {
    pub(super) provider: OAuthProvider,
    /// The registration it was given to: no other can use it.
    pub(super) client_id: String,
    /// Who gave it, as the authorization server numbers them.
    pub(super) subject: String,
    refresh: Hidden,
    tokens: Vec<AccessToken>,
    /// Whether the authorization server has ended it.
    pub(super) ended: bool,
    /// What the next authorization has to pass back.
    pub(super) claims: Option<String>,
}

/// Text that is wiped when dropped and never printed; it serialises only to be sealed.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Hidden(String);

#[derive(Serialize, Deserialize)]
struct AccessToken {
    /// What it was asked for, and opens.
    opens: Vec<Resource>,
    token: Hidden,
    until: i64,
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Grant(..)")
    }
}

impl Grant {
    /// What the first tokens make; `refresh` is theirs, or that of the consent before.
    pub(super) fn new(
        registration: &ApplicationRegistration,
        identity: &Identity,
        refresh: &Secret,
        (resources, tokens): (&[Resource], &Tokens),
        now: Timestamp,
    ) -> Self {
        let mut grant = Self {
            provider: registration.provider,
            client_id: registration.client_id.clone(),
            subject: identity.subject.clone(),
            refresh: Hidden(refresh.expose().to_owned()),
            tokens: Vec::new(),
            ended: false,
            claims: None,
        };
        grant.keep(resources, tokens, now);
        grant
    }

    pub(super) fn parse(text: &Secret) -> Result<Self> {
        let unreadable = |_| Error::new(ErrorKind::CredentialsUnreadable, "a stored grant cannot be read");
        serde_json::from_str(text.expose()).map_err(unreadable)
    }

    pub(super) fn to_secret(&self) -> Result<Secret> {
        let unwritable = |_| Error::new(ErrorKind::Invalid, "a grant cannot be written");
        let text = Zeroizing::new(serde_json::to_string(self).map_err(unwritable)?);
        Ok(Secret::new(text.as_str()))
    }

    pub(super) fn refresh_token(&self) -> Secret {
        Secret::new(self.refresh.0.as_str())
    }

    /// Takes over what a refresh brought: a rotated refresh token takes the place of the one before.
    pub(super) fn refreshed(&mut self, resources: &[Resource], tokens: &Tokens, now: Timestamp) {
        if let Some(refresh) = &tokens.refresh {
            self.refresh = Hidden(refresh.expose().to_owned());
        }
        self.keep(resources, tokens, now);
    }

    fn keep(&mut self, resources: &[Resource], tokens: &Tokens, now: Timestamp) {
        let lifetime =
            tokens.lifetime.map_or(UNTOLD_LIFETIME, |told| i64::try_from(told.as_secs()).unwrap_or(0));
        let replaced = |token: &AccessToken| token.opens.iter().all(|resource| resources.contains(resource));
        self.tokens.retain(|token| !replaced(token) && token.until > now.as_unix());
        self.tokens.push(AccessToken {
            opens: resources.to_vec(),
            token: Hidden(tokens.access.expose().to_owned()),
            until: now.plus(lifetime).as_unix(),
        });
    }

    /// The access token for a resource, and how many seconds it has left.
    pub(super) fn access(&self, resource: Resource, now: Timestamp) -> Option<(Secret, i64)> {
        let opens = |token: &&AccessToken| token.opens.contains(&resource);
        let token = self.tokens.iter().filter(opens).max_by_key(|token| token.until)?;
        let left = token.until - now.as_unix();
        (left > 0).then(|| (Secret::new(token.token.0.as_str()), left))
    }

    /// Forgets an access token that was refused although its time is not over.
    pub(super) fn drop_access(&mut self, refused: &Secret) {
        self.tokens.retain(|token| token.token.0 != refused.expose());
    }
}
