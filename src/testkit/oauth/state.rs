//! What an authorization server is and remembers.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    fault::{OAuthFault, OAuthPlace},
    person::Person,
    scope::{self, Scope},
};
use crate::{
    contract::Clock,
    settings::OAuthProvider,
    testkit::{certificates::Certificates, http::ReceivedRequest, listener::TlsMode, tokens::TokenRegistry},
    types::Timestamp,
};

/// An application as the server knows it.
#[derive(Clone)]
pub(super) struct Registration {
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) redirect_uri: String,
}

/// How a person hears that an organisation does not let them consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refuses {
    /// By a page that leads nowhere: what Google does.
    OnPage,
    /// By coming back with an error.
    ByRedirect,
}

/// What a server was built to be.
pub(super) struct Rules {
    pub(super) provider: OAuthProvider,
    pub(super) registrations: Vec<Registration>,
    pub(super) persons: Vec<Person>,
    /// Google: the domain whose people alone may sign in.
    pub(super) internal: Option<String>,
    /// Whether organisations have to approve: all at Google, what is restricted at Microsoft.
    pub(super) needs_approval: bool,
    pub(super) refuses: Refuses,
    pub(super) access_token_seconds: u32,
    pub(super) rotates: bool,
    pub(super) clock: Arc<dyn Clock>,
}

/// What all connections of a server share.
pub(super) struct Shared {
    pub(super) rules: Rules,
    pub(super) tls: TlsMode,
    pub(super) certificates: Certificates,
    pub(super) tokens: TokenRegistry,
    pub(super) state: Mutex<State>,
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn provider(&self) -> OAuthProvider {
        self.rules.provider
    }

    pub(super) fn person(&self, address: &str) -> Option<&Person> {
        self.rules.persons.iter().find(|person| person.is(address))
    }

    pub(super) fn registration(&self, client_id: &str) -> Option<&Registration> {
        self.rules.registrations.iter().find(|known| known.client_id == client_id)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.rules.clock.now()
    }

    /// Ends a consent with everything that came of it.
    pub(super) fn end(&self, grant: u64) {
        let mut state = self.state();
        state.grants.remove(&grant);
        state.refresh_tokens.retain(|_, token| token.grant != grant);
        state.codes.retain(|_, code| code.grant != grant);
        self.tokens.end(grant);
    }
}

/// What a server remembers.
#[derive(Default)]
pub(super) struct State {
    pub(super) codes: BTreeMap<String, Code>,
    pub(super) grants: BTreeMap<u64, Grant>,
    pub(super) refresh_tokens: BTreeMap<String, RefreshToken>,
    pub(super) approvals: Vec<Approval>,
    pub(super) faults: VecDeque<(OAuthPlace, OAuthFault)>,
    pub(super) requests: Vec<ReceivedRequest>,
    pub(super) exchanges: usize,
    pub(super) refreshes: usize,
    pub(super) revocations: usize,
    consents: u64,
}

/// What a person consented to, for one application.
#[derive(Clone)]
pub(super) struct Grant {
    pub(super) person: Person,
    pub(super) client_id: String,
    pub(super) scopes: BTreeSet<String>,
}

/// An authorization code (RFC 6749 §4.1.2).
#[derive(Clone)]
pub(super) struct Code {
    pub(super) grant: u64,
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    /// The `code_challenge` of RFC 7636.
    pub(super) challenge: String,
    pub(super) scopes: Vec<Scope>,
    pub(super) nonce: Option<String>,
    /// Whether a refresh token comes of it.
    pub(super) offline: bool,
    pub(super) expires: Timestamp,
    pub(super) redeemed: bool,
}

#[derive(Clone)]
pub(super) struct RefreshToken {
    pub(super) grant: u64,
    pub(super) scopes: Vec<Scope>,
}

/// What an organisation's administrator consented to for everybody.
pub(super) struct Approval {
    pub(super) domain: String,
    pub(super) client_id: String,
    /// Which scopes; none are all.
    pub(super) scopes: Vec<String>,
}

impl State {
    /// Keeps a person's consent; answers its number, and whether it is their first to that application.
    pub(super) fn consent(&mut self, person: &Person, client_id: &str, scopes: &[Scope]) -> (u64, bool) {
        let names = scopes.iter().map(|scope| scope.name.clone());
        let mut known = self.grants.iter_mut();
        let known = known.find(|(_, grant)| grant.person == *person && grant.client_id == client_id);
        if let Some((number, grant)) = known {
            grant.scopes.extend(names);
            return (*number, false);
        }
        self.consents += 1;
        let grant =
            Grant { person: person.clone(), client_id: client_id.to_owned(), scopes: names.collect() };
        self.grants.insert(self.consents, grant);
        (self.consents, true)
    }

    /// Whether an administrator consented to a scope for everybody of that person's organisation.
    pub(super) fn approved(&self, person: &Person, client_id: &str, scope: &str) -> bool {
        self.approvals.iter().any(|approval| {
            Some(approval.domain.as_str()) == person.domain()
                && approval.client_id == client_id
                && (approval.scopes.is_empty()
                    || approval.scopes.iter().any(|given| scope::covers(given, scope)))
        })
    }

    /// The first fault armed for that place.
    pub(super) fn take_fault(&mut self, place: OAuthPlace) -> Option<OAuthFault> {
        let at = self.faults.iter().position(|(armed, _)| *armed == place)?;
        self.faults.remove(at).map(|(_, fault)| fault)
    }
}
