//! The server: built, started, asked.

use std::{
    fmt, io,
    sync::{Arc, Mutex},
};

use super::{
    fault::{OAuthFault, OAuthPlace},
    person::Person,
    place, serve,
    state::{Approval, Refuses, Registration, Rules, Shared},
};
use crate::{
    contract::{Clock, SystemClock},
    error::Result,
    settings::{ApplicationRegistration, OAuthEndpoints, OAuthProvider, ServerSettings, Tenant},
    testkit::{
        certificates::{CertificateKind, Certificates},
        http::ReceivedRequest,
        listener::{Listener, TlsMode},
        tokens::TokenRegistry,
    },
};

/// How long Google's access tokens live.
const ACCESS_TOKEN_SECONDS: u32 = 3599;

/// What a server is to be; made by [`AuthorizationServer::builder`].
#[must_use]
pub struct AuthorizationServerBuilder {
    rules: Rules,
    tls: TlsMode,
    certificates: Option<Certificates>,
}

impl fmt::Debug for AuthorizationServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationServerBuilder")
            .field("provider", &self.rules.provider)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

impl AuthorizationServerBuilder {
    /// How it is encrypted; [`TlsMode::Implicit`] if not said. A browser of people takes [`TlsMode::Plain`] without questions.
    pub fn tls(mut self, tls: TlsMode) -> Self {
        self.tls = tls;
        self
    }

    /// Shows a certificate made before, so that several servers stand under one authority.
    pub fn certificates(mut self, certificates: &Certificates) -> Self {
        self.certificates = Some(certificates.clone());
        self
    }

    /// Knows this application; several may be registered, the first one said is [`AuthorizationServer::application`].
    /// Without any there is one that returns to `https://books.example/mail/callback`.
    pub fn registration(mut self, client_id: &str, client_secret: &str, redirect_uri: &str) -> Self {
        self.rules.registrations.push(Registration {
            client_id: client_id.to_owned(),
            client_secret: client_secret.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
        });
        self
    }

    /// Google: the registrations' user type is *Internal*; people outside this Workspace domain hear `org_internal`.
    pub fn internal(mut self, domain: &str) -> Self {
        self.rules.internal = Some(domain.to_ascii_lowercase());
        self
    }

    /// Adds somebody who can sign in.
    pub fn person(mut self, person: Person) -> Self {
        self.rules.persons.push(person);
        self
    }

    /// Microsoft: what a person cannot consent to alone under Microsoft's own policy, reading above all, needs an
    /// administrator: `access_denied` with AADSTS90094 until one has consented. Sending alone goes through.
    pub fn tenant_requires_approval(mut self) -> Self {
        self.rules.needs_approval = true;
        self
    }

    /// Google: every Workspace refuses the application with `admin_policy_enforced` until it is
    /// [approved](AuthorizationServer::approve).
    pub fn admin_policy_enforced(mut self) -> Self {
        self.rules.needs_approval = true;
        self
    }

    /// How `org_internal`, `admin_policy_enforced` and AADSTS90094 reach the person. If not said: Google's
    /// [on a page](Refuses::OnPage), Microsoft's [by redirect](Refuses::ByRedirect).
    pub fn refuses(mut self, refuses: Refuses) -> Self {
        self.rules.refuses = refuses;
        self
    }

    /// How long access tokens live, in seconds; 3,599 if not said.
    pub fn access_token_seconds(mut self, seconds: u32) -> Self {
        self.rules.access_token_seconds = seconds;
        self
    }

    /// Hands out a new refresh token at each use, and the one before is dead. Microsoft's manner does so without being told.
    pub fn rotates_refresh_tokens(mut self) -> Self {
        self.rules.rotates = true;
        self
    }

    /// Tells it the time; the machine's if not said.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.rules.clock = clock;
        self
    }

    /// Listens on a free port of `127.0.0.1`.
    ///
    /// # Errors
    /// When there is no port or no randomness for the keys; for a registration that is none, and for STARTTLS.
    pub async fn start(mut self) -> io::Result<AuthorizationServer> {
        if self.tls == TlsMode::StartTls {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "HTTP has no STARTTLS"));
        }
        if self.rules.registrations.is_empty() {
            self.rules.registrations.push(default_registration(self.rules.provider));
        }
        let certificates = match self.certificates {
            Some(certificates) => certificates,
            None => Certificates::new(CertificateKind::Valid)?,
        };
        let shared = Arc::new(Shared {
            tokens: TokenRegistry::new(self.rules.provider, Arc::clone(&self.rules.clock)),
            rules: self.rules,
            tls: self.tls,
            certificates,
            state: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        let listener = Listener::start(move |stream| {
            let shared = Arc::clone(&serving);
            async move {
                // A broken connection is its own end and nobody else's concern.
                let _ended = serve::serve(stream, &shared).await;
            }
        })
        .await?;
        let application = application(&shared, listener.port()).map_err(io::Error::other)?;
        Ok(AuthorizationServer { shared, listener, application })
    }
}

fn default_registration(provider: OAuthProvider) -> Registration {
    let client_id = match provider {
        OAuthProvider::Google => "1234567890-kit.apps.googleusercontent.example",
        OAuthProvider::Microsoft => "00000000-0000-4000-8000-0000000000aa",
    };
    Registration {
        client_id: client_id.to_owned(),
        client_secret: "client-secret-of-the-kit".to_owned(),
        redirect_uri: "https://books.example/mail/callback".to_owned(),
    }
}

fn application(shared: &Shared, port: u16) -> Result<ApplicationRegistration> {
    let known = shared.rules.registrations.first().cloned();
    let Registration { client_id, redirect_uri, .. } =
        known.unwrap_or_else(|| default_registration(shared.provider()));
    let endpoints = endpoints(shared, port, &Tenant::default())?;
    Ok(match (shared.provider(), &shared.rules.internal) {
        (OAuthProvider::Google, None) => ApplicationRegistration::google(client_id, redirect_uri)?,
        (OAuthProvider::Google, Some(domain)) => {
            ApplicationRegistration::google(client_id, redirect_uri)?.internal(domain.as_str())
        }
        (OAuthProvider::Microsoft, _) => ApplicationRegistration::microsoft(client_id, redirect_uri)?,
    }
    .endpoints(endpoints))
}

fn endpoints(shared: &Shared, port: u16, tenant: &Tenant) -> Result<OAuthEndpoints> {
    let (scheme, ca_pem) = match shared.tls {
        TlsMode::Plain => ("http", None),
        _ => ("https", Some(shared.certificates.ca_pem())),
    };
    place::endpoints(shared.provider(), &format!("{scheme}://localhost:{port}"), ca_pem, tenant)
}

/// A running server. Dropping it closes its port and its connections.
///
/// The [module](super) shows it at work.
pub struct AuthorizationServer {
    shared: Arc<Shared>,
    listener: Listener,
    application: ApplicationRegistration,
}

impl fmt::Debug for AuthorizationServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationServer").field("port", &self.port()).finish_non_exhaustive()
    }
}

impl AuthorizationServer {
    /// A server in the manner of that provider, of defaults: implicit TLS, a registration, nobody who can sign in.
    pub fn builder(provider: OAuthProvider) -> AuthorizationServerBuilder {
        AuthorizationServerBuilder {
            rules: Rules {
                provider,
                registrations: Vec::new(),
                persons: Vec::new(),
                internal: None,
                needs_approval: false,
                refuses: match provider {
                    OAuthProvider::Google => Refuses::OnPage,
                    OAuthProvider::Microsoft => Refuses::ByRedirect,
                },
                access_token_seconds: ACCESS_TOKEN_SECONDS,
                rotates: provider == OAuthProvider::Microsoft,
                clock: Arc::new(SystemClock::new()),
            },
            tls: TlsMode::default(),
            certificates: None,
        }
    }

    /// The port on `127.0.0.1`.
    pub fn port(&self) -> u16 {
        self.listener.port()
    }

    /// The authority to trust, in PEM.
    pub fn ca_pem(&self) -> &str {
        self.shared.certificates.ca_pem()
    }

    /// Where everything is, the authority to trust included; at Microsoft for `organizations`.
    pub fn endpoints(&self) -> OAuthEndpoints {
        self.application.endpoints.clone()
    }

    /// Where everything is for that tenant.
    ///
    /// # Errors
    /// [`Invalid`](crate::error::ErrorKind::Invalid) for a tenant that cannot stand in a path.
    pub fn endpoints_of(&self, tenant: &Tenant) -> Result<OAuthEndpoints> {
        endpoints(&self.shared, self.port(), tenant)
    }

    /// The first application registered, with this server's endpoints.
    pub fn application(&self) -> ApplicationRegistration {
        self.application.clone()
    }

    /// The secret of [`application`](Self::application).
    pub fn client_secret(&self) -> &str {
        self.shared.rules.registrations.first().map_or("", |known| known.client_secret.as_str())
    }

    /// Who holds which access token: what the kit's mail servers are given.
    pub fn tokens(&self) -> TokenRegistry {
        self.shared.tokens.clone()
    }

    /// Does this with the next request to the token endpoint that has no fault yet.
    pub fn inject(&self, fault: OAuthFault) {
        self.inject_at(OAuthPlace::Token, fault);
    }

    /// Does this with the next request to that place that has no fault yet.
    pub fn inject_at(&self, place: OAuthPlace, fault: OAuthFault) {
        self.shared.state().faults.push_back((place, fault));
    }

    /// Disarms every fault.
    pub fn clear_faults(&self) {
        self.shared.state().faults.clear();
    }

    /// An administrator lets everybody of the organisation with that domain use every registered application, without a
    /// browser: in Google's admin console, in Microsoft's portal.
    pub fn approve(&self, domain: &str) {
        let approvals = self.shared.rules.registrations.iter().map(|known| Approval {
            domain: domain.to_ascii_lowercase(),
            client_id: known.client_id.clone(),
            scopes: Vec::new(),
        });
        self.shared.state().approvals.extend(approvals);
    }

    /// Ends what a person consented to: every refresh and access token of theirs is dead.
    pub fn end_grant(&self, address: &str) {
        let grants: Vec<u64> = {
            let state = self.shared.state();
            let theirs = state.grants.iter().filter(|(_, grant)| grant.person.is(address));
            theirs.map(|(number, _)| *number).collect()
        };
        for grant in grants {
            self.shared.end(grant);
        }
    }

    /// Lets every access token's time be over; refresh tokens live on.
    pub fn expire_access_tokens(&self) {
        self.shared.tokens.expire_all();
    }

    /// How often a code was presented.
    pub fn exchanges(&self) -> usize {
        self.shared.state().exchanges
    }

    /// How often a refresh token was presented.
    pub fn refreshes(&self) -> usize {
        self.shared.state().refreshes
    }

    /// How often a revocation was asked for.
    pub fn revocations(&self) -> usize {
        self.shared.state().revocations
    }

    /// Every request so far, in order, secrets included.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.shared.state().requests.clone()
    }

    pub(super) fn settings(&self) -> ServerSettings {
        self.application.endpoints.authorize.server().clone()
    }
}
