//! What a person does in their browser, over real HTTP.

use std::{fmt, io};

use url::form_urlencoded;

use super::{page, server::AuthorizationServer};
use crate::{
    net::{Dialer, EgressPolicy, HttpClient, HttpRequest, HttpResponse},
    settings::{Endpoint, ServerSettings},
    testkit::http::Form,
};

/// A browser somebody is signed in with.
#[derive(Clone)]
pub struct Browser {
    server: ServerSettings,
    client: HttpClient,
    person: String,
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Browser(..)")
    }
}

impl Browser {
    /// A browser that can reach that server, and nothing else.
    pub fn new(server: &AuthorizationServer) -> Self {
        let client = HttpClient::new(Dialer::new().egress(EgressPolicy::Any));
        Self { server: server.settings(), client, person: String::new() }
    }

    /// Signs in as the person with that address.
    pub fn sign_in_as(mut self, address: &str) -> Self {
        address.clone_into(&mut self.person);
        self
    }

    /// Goes to an authorization request's URL.
    ///
    /// # Errors
    /// Where the URL is not the server's, or it does not answer.
    pub async fn visit(&self, url: &str) -> io::Result<Page> {
        let target = self.target(url)?;
        let response = self.send(HttpRequest::get(target.clone())).await?;
        let text = String::from_utf8_lossy(&response.body).into_owned();
        let shown = if response.status == 200 { None } else { Some(returned(&response)?) };
        Ok(Page { browser: self.clone(), target, scopes: boxes(&text), text, shown })
    }

    /// Goes to the URL where an administrator consents, and consents for the organisation of whoever is signed in, who
    /// counts as its administrator.
    ///
    /// # Errors
    /// As [`visit`](Self::visit).
    pub async fn consent_as_administrator(&self, url: &str) -> io::Result<Return> {
        self.visit(url).await?.decide(page::ALLOW, &[]).await
    }

    /// As [`consent_as_administrator`](Self::consent_as_administrator), but refuses.
    ///
    /// # Errors
    /// As [`visit`](Self::visit).
    pub async fn refuse_as_administrator(&self, url: &str) -> io::Result<Return> {
        self.visit(url).await?.decide(page::DENY, &[]).await
    }

    /// The path and query of a URL of the server.
    fn target(&self, url: &str) -> io::Result<String> {
        let foreign = || io::Error::new(io::ErrorKind::InvalidInput, "this is not a URL of the server");
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let endpoint = Endpoint::parse(base).map_err(|_| foreign())?;
        let server = endpoint.server();
        let own = |s: &ServerSettings| (s.host().to_owned(), s.port(), s.tls());
        if own(server) != own(&self.server) {
            return Err(foreign());
        }
        Ok(format!("{}?{query}", endpoint.path()))
    }

    async fn send(&self, request: HttpRequest) -> io::Result<HttpResponse> {
        let sent = self.client.send(&self.server, request).await;
        sent.map_err(|failure| io::Error::other(failure.error))
    }
}

/// A page that asks for consent.
#[derive(Clone)]
pub struct Page {
    browser: Browser,
    target: String,
    scopes: Vec<String>,
    text: String,
    /// What came in place of a question.
    shown: Option<Return>,
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page").field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

impl Page {
    /// The scopes it has a box for, by their full names.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// The page as it came, HTML.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Leaves every box ticked, and allows.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn allow(&self) -> io::Result<Return> {
        let all: Vec<&str> = self.scopes.iter().map(String::as_str).collect();
        self.decide(page::ALLOW, &all).await
    }

    /// Ticks these boxes alone, and allows.
    ///
    /// # Errors
    /// When the server does not answer, or the page has no such box.
    pub async fn allow_only(&self, scopes: &[&str]) -> io::Result<Return> {
        if scopes.iter().any(|scope| self.scopes.iter().all(|known| known != scope)) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the page has no box for that scope"));
        }
        self.decide(page::ALLOW, scopes).await
    }

    /// Denies.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn deny(&self) -> io::Result<Return> {
        self.decide(page::DENY, &[]).await
    }

    async fn decide(&self, decision: &str, scopes: &[&str]) -> io::Result<Return> {
        if let Some(shown) = &self.shown {
            return Ok(shown.clone());
        }
        let form = self.filled(decision, scopes);
        let request = HttpRequest::post(self.target.clone(), form)
            .header("content-type", "application/x-www-form-urlencoded");
        returned(&self.browser.send(request).await?)
    }

    fn filled(&self, decision: &str, scopes: &[&str]) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair(page::PERSON, &self.browser.person).append_pair(page::DECISION, decision);
        form.extend_pairs(scopes.iter().map(|scope| (page::SCOPE, scope)));
        form.finish()
    }
}

/// Where a person ends up.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Return {
    /// Back at the application.
    Callback(Callback),
    /// On a page of the authorization server that leads nowhere.
    ErrorPage {
        /// What it gives as its reason: `org_internal`, `AADSTS50011`.
        code: String,
    },
}

impl Return {
    /// The way back, where there is one.
    pub fn callback(&self) -> Option<&Callback> {
        match self {
            Self::Callback(callback) => Some(callback),
            Self::ErrorPage { .. } => None,
        }
    }
}

impl fmt::Debug for Return {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Callback(callback) => callback.fmt(f),
            Self::ErrorPage { code } => write!(f, "ErrorPage({code})"),
        }
    }
}

/// The URL the browser is sent back to.
#[derive(Clone, PartialEq, Eq)]
pub struct Callback {
    url: String,
}

impl Callback {
    /// All of it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What stands behind the question mark.
    pub fn query(&self) -> &str {
        self.url.split_once('?').map_or("", |(_, query)| query)
    }

    /// A parameter of the query, decoded.
    pub fn parameter(&self, name: &str) -> Option<String> {
        Form::parse(self.query().as_bytes()).get(name).map(str::to_owned)
    }
}

/// Its query may hold a code.
impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.parameter("error");
        f.debug_struct("Callback").field("error", &error).finish_non_exhaustive()
    }
}

fn returned(response: &HttpResponse) -> io::Result<Return> {
    if let Some(url) = response.header("location") {
        return Ok(Return::Callback(Callback { url: url.to_owned() }));
    }
    let text = String::from_utf8_lossy(&response.body);
    let code = text.split_once("<code id=\"error\">").and_then(|(_, rest)| rest.split_once("</code>"));
    match code {
        Some((code, _)) => Ok(Return::ErrorPage { code: page::unescape(code) }),
        None => Err(io::Error::other("the server shows no page of its own")),
    }
}

/// The scopes a page has a box for.
fn boxes(text: &str) -> Vec<String> {
    let boxes = text.split("type=\"checkbox\"").skip(1);
    let values = boxes.filter_map(|rest| Some(rest.split_once("value=\"")?.1.split_once('"')?.0));
    values.map(page::unescape).collect()
}
