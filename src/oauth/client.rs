//! The dialogue with an authorization server.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use oauth2::basic::{
    BasicErrorResponseType, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, Scope,
    StandardRevocableToken, StandardTokenResponse, TokenResponse as _, TokenUrl,
};
use serde::{Deserialize, Serialize};

use super::http::Requests;
use super::identity::Identity;
use super::refusal::{Refusal, RefusalStage};
use super::scope::{Resource, scopes};
use crate::error::{Error, ErrorKind, Result};
use crate::net::{Dialer, HttpClient, HttpRequest};
use crate::settings::{ApplicationRegistration, OAuthProvider};
use crate::types::{Address, Secret};

/// How long an authorization server may leave a request unanswered.
const PATIENCE: Duration = Duration::from_secs(20);

/// Speaks to one authorization server for one registration.
///
/// ```
/// use practicemail::net::Dialer;
/// use practicemail::oauth::{AuthorizationPrompt, OAuthClient, Resource};
/// use practicemail::settings::ApplicationRegistration;
/// # fn main() -> practicemail::error::Result<()> {
/// let registration = ApplicationRegistration::google("1234", "https://books.example/mail/callback")?;
/// let client = OAuthClient::new(Dialer::new(), registration, None);
/// let authorization = client.authorize(&[Resource::Imap, Resource::Smtp], AuthorizationPrompt::new())?;
/// assert!(authorization.url.starts_with("https://accounts.google.com/o/oauth2/v2/auth?"));
/// assert!(authorization.url.contains("code_challenge_method=S256"));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct OAuthClient {
    http: HttpClient,
    registration: ApplicationRegistration,
    secret: Option<Secret>,
}

impl fmt::Debug for OAuthClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OAuthClient({}, ..)", self.registration.provider.as_str())
    }
}

/// How the user is asked.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct AuthorizationPrompt {
    /// Whom to propose.
    pub address: Option<Address>,
    /// Whether consent is asked for although it was given before: the only way to a new refresh token at Google.
    pub anew: bool,
    /// What Microsoft's Conditional Access asked for, to be passed back to it.
    pub claims: Option<String>,
}

impl AuthorizationPrompt {
    /// Proposes nobody, and asks for consent where it is missing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Proposes whom to sign in.
    pub fn address(mut self, address: Address) -> Self {
        self.address = Some(address);
        self
    }

    /// Asks for consent although it was given before.
    pub fn anew(mut self) -> Self {
        self.anew = true;
        self
    }

    /// Passes claims back.
    pub fn claims(mut self, claims: Option<String>) -> Self {
        self.claims = claims;
        self
    }
}

/// A browser's way to consent, and what is needed when it comes back.
#[derive(Clone)]
#[non_exhaustive]
pub struct Authorization {
    /// Where to send the browser.
    pub url: String,
    /// What the answer has to carry (RFC 6749 §10.12).
    pub state: Secret,
    /// What the code is redeemed with (RFC 7636 §4.1).
    pub verifier: Secret,
}

/// The URL holds the state, and whom to sign in.
impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorization(..)")
    }
}

/// What a token endpoint answered.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Tokens {
    /// The access token.
    pub access: Secret,
    /// How long it lives, where that was said.
    pub lifetime: Option<Duration>,
    /// A refresh token; the one before is not to be used any more.
    pub refresh: Option<Secret>,
    /// The scopes granted, where they were told.
    pub scopes: Option<BTreeSet<String>>,
    /// Says who signed in.
    pub id_token: Option<Secret>,
}

/// Why there are no tokens.
#[derive(Debug)]
pub(crate) enum TokenFailure {
    /// The server refused.
    Refused(Refusal),
    /// There is no answer, or none that can be read.
    Failed(Error),
}

impl From<TokenFailure> for Error {
    fn from(failure: TokenFailure) -> Self {
        match failure {
            TokenFailure::Refused(refusal) => refusal.error(),
            TokenFailure::Failed(error) => error,
        }
    }
}

#[derive(Debug, Clone, Deserialize, Serialize)]
struct IdTokenField {
    id_token: Option<String>,
}
impl oauth2::ExtraTokenFields for IdTokenField {}

/// RFC 6749 §5.2, and what Microsoft adds.
#[derive(Debug, Clone, Deserialize, Serialize)]
struct ErrorAnswer {
    error: BasicErrorResponseType,
    #[serde(default)]
    error_description: String,
    claims: Option<String>,
}
impl oauth2::ErrorResponse for ErrorAnswer {}
impl fmt::Display for ErrorAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.error.as_ref())
    }
}

type TokenAnswer = StandardTokenResponse<IdTokenField, BasicTokenType>;
type Client = oauth2::Client<
    ErrorAnswer,
    TokenAnswer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;
type Failure = RequestTokenError<Error, ErrorAnswer>;

impl OAuthClient {
    /// Speaks for a registration, and its secret where it has one.
    pub fn new(dialer: Dialer, registration: ApplicationRegistration, secret: Option<Secret>) -> Self {
        Self { http: HttpClient::new(dialer).patience(PATIENCE), registration, secret }
    }

    /// The registration.
    pub const fn registration(&self) -> &ApplicationRegistration {
        &self.registration
    }

    fn client(&self) -> Result<Client> {
        let invalid = |cause| Error::new(ErrorKind::Invalid, "an endpoint is not a URL").with_source(cause);
        let endpoints = &self.registration.endpoints;
        let client = oauth2::Client::new(ClientId::new(self.registration.client_id.clone()))
            .set_auth_type(AuthType::RequestBody)
            .set_auth_uri(AuthUrl::new(endpoints.authorize.url()).map_err(invalid)?)
            .set_token_uri(TokenUrl::new(endpoints.token.url()).map_err(invalid)?)
            .set_redirect_uri(RedirectUrl::new(self.registration.redirect_uri.clone()).map_err(invalid)?);
        Ok(match &self.secret {
            Some(secret) => client.set_client_secret(ClientSecret::new(secret.expose().to_owned())),
            None => client,
        })
    }

    /// The URL to send a browser to; state and verifier are fresh.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a registration whose endpoints are no URLs.
    pub fn authorize(&self, resources: &[Resource], prompt: AuthorizationPrompt) -> Result<Authorization> {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let provider = self.registration.provider;
        let client = self.client()?;
        let mut request = client
            .authorize_url(CsrfToken::new_random)
            .set_pkce_challenge(challenge)
            .add_scopes(scopes(provider, resources).into_iter().map(|scope| Scope::new(scope.to_owned())));
        if let Some(address) = &prompt.address {
            request = request.add_extra_param("login_hint", address.to_string());
        }
        match provider {
            OAuthProvider::Google => {
                request = request.add_extra_param("access_type", "offline");
                if prompt.anew {
                    request = request.add_extra_param("prompt", "consent");
                }
                if let Some(domain) = &self.registration.internal_domain {
                    // Only a wish: what comes back is compared.
                    request = request.add_extra_param("hd", domain.clone());
                }
            }
            OAuthProvider::Microsoft => {
                request = request.add_extra_param("response_mode", "query");
            }
        }
        if let Some(claims) = prompt.claims {
            request = request.add_extra_param("claims", claims);
        }
        let (url, state) = request.url();
        Ok(Authorization {
            url: url.into(),
            state: Secret::new(state.into_secret()),
            verifier: Secret::new(verifier.into_secret()),
        })
    }

    /// Where an administrator's browser goes to consent for everybody; `None` where the provider has no such place.
    pub fn admin_consent_url(&self, resources: &[Resource], state: &str) -> Option<String> {
        let endpoint = self.registration.endpoints.admin_consent.as_ref()?;
        let mut url = url::Url::parse(&endpoint.url()).ok()?;
        let scopes: Vec<_> =
            resources.iter().filter_map(|resource| resource.scope(self.registration.provider)).collect();
        url.query_pairs_mut()
            .append_pair("client_id", &self.registration.client_id)
            .append_pair("scope", &scopes.join(" "))
            .append_pair("redirect_uri", &self.registration.redirect_uri)
            .append_pair("state", state);
        Some(url.into())
    }

    /// Redeems a code.
    pub(crate) async fn exchange(&self, code: &Secret, verifier: &Secret) -> Result<Tokens, TokenFailure> {
        let client = self.client().map_err(TokenFailure::Failed)?;
        let answer = client
            .exchange_code(AuthorizationCode::new(code.expose().to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.expose().to_owned()))
            .request_async(&self.requests())
            .await;
        self.tokens(answer)
    }

    /// Redeems a refresh token, for tokens of these resources.
    pub(crate) async fn refresh(
        &self,
        refresh: &Secret,
        resources: &[Resource],
    ) -> Result<Tokens, TokenFailure> {
        let client = self.client().map_err(TokenFailure::Failed)?;
        let token = RefreshToken::new(refresh.expose().to_owned());
        let mut request = client.exchange_refresh_token(&token);
        if self.registration.provider == OAuthProvider::Microsoft {
            // A token is for one audience, which its scopes name.
            let provider = self.registration.provider;
            let wanted = scopes(provider, resources).into_iter();
            request = request.add_scopes(wanted.map(|scope| Scope::new(scope.to_owned())));
        }
        let answer = request.request_async(&self.requests()).await;
        self.tokens(answer)
    }

    fn requests(&self) -> Requests {
        Requests { http: self.http.clone(), endpoint: self.registration.endpoints.token.clone() }
    }

    fn tokens(&self, answer: Result<TokenAnswer, Failure>) -> Result<Tokens, TokenFailure> {
        let answer = answer.map_err(|failure| self.refused(failure))?;
        let scopes = answer.scopes().map(|scopes| {
            // Google separates by spaces as the RFC has it; some servers by commas.
            let words = scopes.iter().flat_map(|scope| scope.split([' ', ',']));
            words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
        });
        Ok(Tokens {
            access: Secret::new(answer.access_token().secret().clone()),
            lifetime: answer.expires_in(),
            refresh: answer.refresh_token().map(|token| Secret::new(token.secret().clone())),
            scopes,
            id_token: answer.extra_fields().id_token.clone().map(Secret::new),
        })
    }

    /// What was parsed wrongly is not kept: it may hold tokens.
    fn refused(&self, failure: Failure) -> TokenFailure {
        match failure {
            RequestTokenError::ServerResponse(answer) => {
                let provider = self.registration.provider;
                let (error, description) = (answer.error.as_ref(), &answer.error_description);
                let refusal = Refusal::of(provider, RefusalStage::Token, error, description);
                TokenFailure::Refused(refusal.with_claims(answer.claims))
            }
            RequestTokenError::Request(error) => TokenFailure::Failed(error),
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                let message = "the authorization server's answer cannot be read";
                TokenFailure::Failed(Error::new(ErrorKind::Protocol, message))
            }
        }
    }

    /// Says who signed in: by the ID token, else by asking.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] where the server does not say; connection kinds.
    pub async fn identity(&self, tokens: &Tokens) -> Result<Identity> {
        if let Some(token) = &tokens.id_token {
            return Identity::from_id_token(token, &self.registration.client_id);
        }
        let nowhere =
            || Error::new(ErrorKind::Protocol, "the authorization server does not say who signed in");
        let endpoint = self.registration.endpoints.userinfo.as_ref().ok_or_else(nowhere)?;
        let bearer = format!("Bearer {}", tokens.access.expose());
        let request = HttpRequest::get(endpoint.path()).header("authorization", bearer);
        let answer = self.http.send(endpoint.server(), request).await.map_err(|failure| failure.error)?;
        if answer.status != 200 || !answer.whole {
            return Err(nowhere());
        }
        Identity::from_claims(&answer.body)
    }

    /// Revokes a token, and with it the grant (RFC 7009); `false` where the provider has no such place.
    ///
    /// # Errors
    /// Connection kinds; [`ErrorKind::ServerRefused`] where the server does not. A token it does not know is revoked already.
    pub async fn revoke(&self, token: &Secret) -> Result<bool> {
        let Some(endpoint) = &self.registration.endpoints.revoke else { return Ok(false) };
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("token", token.expose())
            .append_pair("client_id", &self.registration.client_id)
            .finish();
        let form = "application/x-www-form-urlencoded";
        let request = HttpRequest::post(endpoint.path(), body).header("content-type", form);
        let answer = self.http.send(endpoint.server(), request).await.map_err(|failure| failure.error)?;
        match answer.status {
            200 => Ok(true),
            400 if answer.body.windows(13).any(|word| word == b"invalid_token") => Ok(true),
            status => {
                let message = format!("the authorization server did not revoke the grant: HTTP {status}");
                Err(Error::new(ErrorKind::ServerRefused, message))
            }
        }
    }
}
