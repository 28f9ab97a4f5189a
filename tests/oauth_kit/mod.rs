//! An application as simple as can be: it asks, redeems and refreshes by hand.

#![allow(dead_code, reason = "every test file uses a part of it")]

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use practicemail::net::{Dialer, EgressPolicy, HttpClient, HttpFailure, HttpRequest, HttpResponse};
use practicemail::settings::{Endpoint, OAuthProvider};
use practicemail::testkit::AuthorizationServer;
use practicemail::testkit::oauth::{Browser, Page};
use serde_json::Value;

/// Where the kit's own registration returns to.
pub(crate) const CALLBACK: &str = "https://books.example/mail/callback";
/// The pair of RFC 7636 Appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const IMAP_SCOPE: &str = "https://outlook.office.com/IMAP.AccessAsUser.All";
pub(crate) const SEND_SCOPE: &str = "https://outlook.office.com/SMTP.Send";

/// A form.
pub(crate) fn fields(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// The server's first registration, at work.
pub(crate) struct Application {
    pub(crate) server: AuthorizationServer,
    client: HttpClient,
}

impl Application {
    pub(crate) fn new(server: AuthorizationServer) -> Self {
        Self { server, client: HttpClient::new(Dialer::new().egress(EgressPolicy::Any)) }
    }

    pub(crate) fn provider(&self) -> OAuthProvider {
        self.server.application().provider
    }

    pub(crate) fn client_id(&self) -> String {
        self.server.application().client_id
    }

    /// The scopes of reading, a refresh token included.
    pub(crate) fn reading(&self) -> String {
        match self.provider() {
            OAuthProvider::Microsoft => format!("openid offline_access {IMAP_SCOPE} {SEND_SCOPE}"),
            _ => "openid email https://mail.google.com/".to_owned(),
        }
    }

    pub(crate) async fn visit(&self, who: &str, scope: &str) -> Page {
        self.visit_with(who, scope, &[]).await
    }

    pub(crate) async fn visit_with(&self, who: &str, scope: &str, other: &[(&str, &str)]) -> Page {
        self.visit_at(&self.server.endpoints().authorize.url(), who, scope, other).await
    }

    /// Visits that endpoint with parameters of which `other` replace the usual ones.
    pub(crate) async fn visit_at(&self, at: &str, who: &str, scope: &str, other: &[(&str, &str)]) -> Page {
        let client_id = self.client_id();
        let usual = [
            ("response_type", "code"),
            ("client_id", &client_id),
            ("redirect_uri", CALLBACK),
            ("scope", scope),
            ("state", "state-1"),
            ("access_type", "offline"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let kept = usual.into_iter().filter(|(name, _)| other.iter().all(|(replaced, _)| replaced != name));
        let all: Vec<(&str, &str)> = kept.chain(other.iter().copied()).collect();
        let browser = Browser::new(&self.server).sign_in_as(who);
        browser.visit(&format!("{at}?{}", fields(&all))).await.unwrap()
    }

    pub(crate) async fn code(&self, who: &str, scope: &str) -> String {
        let back = self.visit(who, scope).await.allow().await.unwrap();
        back.callback().unwrap().parameter("code").unwrap()
    }

    /// Everything from the first page to the tokens.
    pub(crate) async fn connect(&self, who: &str, scope: &str) -> Value {
        let (status, answer) = self.redeem(&self.code(who, scope).await).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    pub(crate) fn admin_url(&self, scope: Option<&str>) -> String {
        let client_id = self.client_id();
        let mut all =
            vec![("client_id", client_id.as_str()), ("redirect_uri", CALLBACK), ("state", "state-2")];
        all.extend(scope.map(|scope| ("scope", scope)));
        format!("{}?{}", self.server.endpoints().admin_consent.unwrap().url(), fields(&all))
    }

    pub(crate) async fn redeem(&self, code: &str) -> (u16, Value) {
        self.redeem_with(code, &[("code_verifier", VERIFIER)]).await
    }

    pub(crate) async fn redeem_with(&self, code: &str, other: &[(&str, &str)]) -> (u16, Value) {
        let usual = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
        let body = fields(&[&usual, other].concat());
        self.post(&self.server.endpoints().token, &format!("{body}&{}", self.own()), &[]).await
    }

    pub(crate) async fn refresh(&self, tokens: &Value, scope: Option<&str>) -> (u16, Value) {
        let response = self.send_refresh(tokens, scope).await.unwrap();
        (response.status, serde_json::from_slice(&response.body).unwrap())
    }

    /// Refreshes and takes the answer as it comes.
    pub(crate) async fn refresh_raw(&self, tokens: &Value) -> (u16, String) {
        let response = self.send_refresh(tokens, None).await.unwrap();
        (response.status, String::from_utf8(response.body).unwrap())
    }

    pub(crate) async fn try_refresh(&self, tokens: &Value) -> Result<HttpResponse, HttpFailure> {
        self.send_refresh(tokens, None).await
    }

    async fn send_refresh(&self, tokens: &Value, scope: Option<&str>) -> Result<HttpResponse, HttpFailure> {
        let token = tokens["refresh_token"].as_str().unwrap();
        let mut all = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
        all.extend(scope.map(|scope| ("scope", scope)));
        let body = format!("{}&{}", fields(&all), self.own());
        self.send(&self.server.endpoints().token, &body, &[]).await
    }

    /// What an application says of itself in a body.
    pub(crate) fn own(&self) -> String {
        fields(&[("client_id", &self.client_id()), ("client_secret", self.server.client_secret())])
    }

    /// What it says of itself in a header.
    pub(crate) fn basic(&self, secret: &str) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{secret}", self.client_id())))
    }

    pub(crate) async fn post(
        &self,
        at: &Endpoint,
        body: &str,
        headers: &[(&'static str, String)],
    ) -> (u16, Value) {
        let response = self.send(at, body, headers).await.unwrap();
        (response.status, serde_json::from_slice(&response.body).unwrap_or_default())
    }

    async fn send(
        &self,
        at: &Endpoint,
        body: &str,
        headers: &[(&'static str, String)],
    ) -> Result<HttpResponse, HttpFailure> {
        let request =
            HttpRequest::post(at.path(), body).header("content-type", "application/x-www-form-urlencoded");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        self.client.send(at.server(), request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let endpoints = self.server.endpoints();
        let response = self.client.send(endpoints.token.server(), HttpRequest::get(path)).await.unwrap();
        serde_json::from_slice(&response.body).unwrap()
    }

    /// Status, and whose the access token is.
    pub(crate) async fn userinfo(&self, tokens: &Value) -> (u16, Option<String>) {
        let endpoints = self.server.endpoints();
        let path = match self.provider() {
            OAuthProvider::Microsoft => "/common/oidc/userinfo",
            _ => "/v1/userinfo",
        };
        let token = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        let request = HttpRequest::get(path).header("authorization", token);
        let response = self.client.send(endpoints.token.server(), request).await.unwrap();
        let claims: Value = serde_json::from_slice(&response.body).unwrap();
        (response.status, claims["email"].as_str().map(str::to_owned))
    }
}

/// What the ID token says.
pub(crate) fn claims(tokens: &Value) -> Value {
    let token = tokens["id_token"].as_str().unwrap();
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}
