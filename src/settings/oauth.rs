//! How a product is registered with an authorization server (RFC 6749), and where that server is. Holds no secret.

use serde::{Deserialize, Serialize};

use super::{ServerSettings, TlsMode};
use crate::error::{Error, ErrorKind, Result};

/// Whose authorization server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum OAuthProvider {
    /// Gmail and Google Workspace.
    Google,
    /// Microsoft 365 and Outlook.com.
    Microsoft,
}

impl OAuthProvider {
    /// A stable name in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Microsoft => "microsoft",
        }
    }
}

/// A place that is spoken to by HTTP: a server, and a path there.
///
/// ```
/// use practicemail::settings::Endpoint;
/// let token = Endpoint::parse("https://oauth2.googleapis.com/token").unwrap();
/// assert_eq!((token.server().host(), token.path()), ("oauth2.googleapis.com", "/token"));
/// assert!(Endpoint::parse("http://oauth2.googleapis.com/token").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "KeptEndpoint")]
pub struct Endpoint {
    server: ServerSettings,
    path: String,
}

impl Endpoint {
    /// Reads a URL: `https`, or `http` of this machine itself. A query and a fragment have no place in it.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`].
    pub fn parse(url: &str) -> Result<Self> {
        let (scheme, rest) = url.split_once("://").ok_or_else(invalid)?;
        let (tls, usual) = match scheme {
            "https" => (TlsMode::Implicit, 443),
            "http" => (TlsMode::None, 80),
            _ => return Err(invalid()),
        };
        let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
        if authority.contains('@') {
            return Err(invalid());
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| invalid())?),
            _ => (authority, usual),
        };
        Self::checked(ServerSettings::new(host, port, tls)?, path.to_owned())
    }

    /// What every endpoint is held to: those that are read back, too.
    fn checked(server: ServerSettings, path: String) -> Result<Self> {
        let fine = |c: char| c.is_ascii_graphic() && !"?#\\\"<>".contains(c);
        if server.tls() == TlsMode::StartTls || !path.starts_with('/') || !path.chars().all(fine) {
            return Err(invalid());
        }
        Ok(Self { server, path })
    }

    /// Trusts the authority in `pem` for this server, instead of the system's.
    pub fn with_ca(mut self, pem: impl Into<String>) -> Self {
        self.server = self.server.with_ca(pem);
        self
    }

    /// The server.
    pub const fn server(&self) -> &ServerSettings {
        &self.server
    }

    /// The path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The URL, for a browser.
    pub fn url(&self) -> String {
        let host = self.server.host();
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let (scheme, usual) = if self.server.tls() == TlsMode::None { ("http", 80) } else { ("https", 443) };
        let port = self.server.port();
        let port = if port == usual { String::new() } else { format!(":{port}") };
        format!("{scheme}://{host}{port}{}", self.path)
    }
}

/// An endpoint as it was serialised.
#[derive(Deserialize)]
#[serde(rename = "Endpoint")]
struct KeptEndpoint {
    server: ServerSettings,
    path: String,
}

impl TryFrom<KeptEndpoint> for Endpoint {
    type Error = Error;

    fn try_from(kept: KeptEndpoint) -> Result<Self> {
        Self::checked(kept.server, kept.path)
    }
}

fn invalid() -> Error {
    Error::new(ErrorKind::Invalid, "this is not the URL of an endpoint")
}

/// Whose accounts may sign in with a Microsoft registration: the first part of every path
/// (learn.microsoft.com, "Endpoints" of the Microsoft identity platform).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Tenant {
    /// Work accounts and personal ones.
    Common,
    /// Work accounts of any organisation. The default: an administrator cannot consent at `common`.
    #[default]
    Organizations,
    /// Personal accounts only.
    Consumers,
    /// One organisation, by its id or one of its domains.
    Of(String),
}

impl Tenant {
    /// As it stands in paths.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Common => "common",
            Self::Organizations => "organizations",
            Self::Consumers => "consumers",
            Self::Of(tenant) => tenant,
        }
    }
}

/// Where an authorization server is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OAuthEndpoints {
    /// Where the user's browser goes.
    pub authorize: Endpoint,
    /// Where codes and refresh tokens are redeemed.
    pub token: Endpoint,
    /// Where tokens are revoked (RFC 7009); Microsoft has no such place.
    pub revoke: Option<Endpoint>,
    /// Where it is asked whose a token is, when the token's answer does not say.
    pub userinfo: Option<Endpoint>,
    /// Where an administrator's browser goes to consent for everybody.
    pub admin_consent: Option<Endpoint>,
}

impl OAuthEndpoints {
    /// Endpoints of another authorization server, as a national cloud or a test has.
    pub fn new(authorize: Endpoint, token: Endpoint) -> Self {
        Self { authorize, token, revoke: None, userinfo: None, admin_consent: None }
    }

    /// Google's (developers.google.com/identity/protocols/oauth2).
    ///
    /// # Errors
    /// None in practice.
    pub fn google() -> Result<Self> {
        Ok(Self {
            authorize: Endpoint::parse("https://accounts.google.com/o/oauth2/v2/auth")?,
            token: Endpoint::parse("https://oauth2.googleapis.com/token")?,
            revoke: Some(Endpoint::parse("https://oauth2.googleapis.com/revoke")?),
            userinfo: Some(Endpoint::parse("https://openidconnect.googleapis.com/v1/userinfo")?),
            admin_consent: None,
        })
    }

    /// Microsoft's, for a tenant (learn.microsoft.com, "OAuth 2.0 authorization code flow").
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a tenant that cannot stand in a path.
    pub fn microsoft(tenant: &Tenant) -> Result<Self> {
        let tenant = tenant.as_str();
        if tenant.is_empty() || !tenant.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c)) {
            return Err(Error::new(ErrorKind::Invalid, "this is not the name of a tenant"));
        }
        let at = |path: &str| Endpoint::parse(&format!("https://login.microsoftonline.com/{tenant}/{path}"));
        Ok(Self {
            authorize: at("oauth2/v2.0/authorize")?,
            token: at("oauth2/v2.0/token")?,
            revoke: None,
            userinfo: None,
            admin_consent: Some(at("v2.0/adminconsent")?),
        })
    }
}

/// Servers that take an authorization server's tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TokenServers {
    /// The IMAP server.
    pub imap: ServerSettings,
    /// The submission server.
    pub smtp: ServerSettings,
    /// Microsoft Graph.
    pub graph: Option<ServerSettings>,
}

impl TokenServers {
    /// An IMAP and a submission server.
    pub fn new(imap: ServerSettings, smtp: ServerSettings) -> Self {
        Self { imap, smtp, graph: None }
    }

    /// Adds Microsoft Graph.
    pub fn graph(mut self, graph: ServerSettings) -> Self {
        self.graph = Some(graph);
        self
    }

    /// A provider's own.
    ///
    /// # Errors
    /// None in practice.
    pub fn of(provider: OAuthProvider) -> Result<Self> {
        let at = |host, port, tls| ServerSettings::new(host, port, tls);
        Ok(match provider {
            OAuthProvider::Google => Self::new(
                at("imap.gmail.com", 993, TlsMode::Implicit)?,
                at("smtp.gmail.com", 465, TlsMode::Implicit)?,
            ),
            OAuthProvider::Microsoft => Self::new(
                at("outlook.office365.com", 993, TlsMode::Implicit)?,
                at("smtp.office365.com", 587, TlsMode::StartTls)?,
            )
            .graph(at("graph.microsoft.com", 443, TlsMode::Implicit)?),
        })
    }
}

/// How a product, or a practice of its own, is registered with an authorization server. Its secret is kept apart.
///
/// ```
/// use practicemail::settings::{ApplicationRegistration, Tenant};
/// let google = ApplicationRegistration::google("1234.apps.googleusercontent.com", "https://books.example/mail/callback")
///     .unwrap()
///     .internal("hale.example");
/// assert_eq!(google.internal_domain.as_deref(), Some("hale.example"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ApplicationRegistration {
    /// With whom.
    pub provider: OAuthProvider,
    /// The client identifier (RFC 6749 §2.2), which is public.
    pub client_id: String,
    /// Where the browser comes back to, exactly as registered.
    pub redirect_uri: String,
    /// Google: the Workspace domain whose accounts alone may sign in, where the registration's user type is *Internal*.
    pub internal_domain: Option<String>,
    /// Microsoft: whose accounts may sign in.
    pub tenant: Tenant,
    /// Where the authorization server is.
    pub endpoints: OAuthEndpoints,
    /// Where its tokens are taken.
    pub servers: TokenServers,
}

impl ApplicationRegistration {
    /// A registration with Google (console.cloud.google.com, "OAuth 2.0 Client IDs").
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] where an identifier is empty, or the browser could not come back to the URI.
    pub fn google(client_id: impl Into<String>, redirect_uri: impl Into<String>) -> Result<Self> {
        Self::new(OAuthProvider::Google, client_id.into(), redirect_uri.into(), OAuthEndpoints::google()?)
    }

    /// A registration with Microsoft (entra.microsoft.com, "App registrations"), for work accounts of any organisation.
    ///
    /// # Errors
    /// As [`google`](Self::google).
    pub fn microsoft(client_id: impl Into<String>, redirect_uri: impl Into<String>) -> Result<Self> {
        let endpoints = OAuthEndpoints::microsoft(&Tenant::default())?;
        Self::new(OAuthProvider::Microsoft, client_id.into(), redirect_uri.into(), endpoints)
    }

    fn new(
        provider: OAuthProvider,
        client_id: String,
        redirect_uri: String,
        endpoints: OAuthEndpoints,
    ) -> Result<Self> {
        // RFC 6749 §3.1.2: absolute, without a fragment; RFC 8252 §7.3: plain text only to this machine.
        let (uri, _) = redirect_uri.split_once('?').unwrap_or((&redirect_uri, ""));
        Endpoint::parse(uri)?;
        if client_id.is_empty() || !client_id.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::new(ErrorKind::Invalid, "a client identifier is printable ASCII"));
        }
        Ok(Self {
            provider,
            client_id,
            redirect_uri,
            internal_domain: None,
            tenant: Tenant::default(),
            endpoints,
            servers: TokenServers::of(provider)?,
        })
    }

    /// Google: accounts of this Workspace domain alone can sign in.
    pub fn internal(mut self, domain: impl Into<String>) -> Self {
        self.internal_domain = Some(domain.into());
        self
    }

    /// Microsoft: accounts of this tenant sign in.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a tenant that cannot stand in a path.
    pub fn tenant(mut self, tenant: Tenant) -> Result<Self> {
        self.endpoints = OAuthEndpoints::microsoft(&tenant)?;
        self.tenant = tenant;
        Ok(self)
    }

    /// Uses another authorization server of the same kind: a national cloud, the test kit.
    pub fn endpoints(mut self, endpoints: OAuthEndpoints) -> Self {
        self.endpoints = endpoints;
        self
    }

    /// Uses other mail servers of the same kind.
    pub fn servers(mut self, servers: TokenServers) -> Self {
        self.servers = servers;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_url_of_https_or_of_this_machine() {
        for url in
            ["https://a.example/b", "https://a.example:8443/", "http://127.0.0.1:9/x", "http://[::1]:9/x"]
        {
            assert_eq!(Endpoint::parse(url).unwrap().url(), url);
        }
        assert_eq!(Endpoint::parse("https://a.example").unwrap().path(), "/");
        for url in
            ["a.example/b", "http://a.example/", "https://u@a.example/", "https://a.example/?q", "ftp://a/"]
        {
            assert!(Endpoint::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn an_endpoint_that_is_read_back_is_checked() {
        let kept = |host: &str, tls: &str, path: &str| {
            let server = serde_json::json!({"host": host, "port": 443, "tls": tls, "ca_pem": null});
            serde_json::from_value::<Endpoint>(serde_json::json!({"server": server, "path": path}))
        };
        assert_eq!(kept("a.example", "implicit", "/b/c").unwrap().url(), "https://a.example/b/c");
        assert_eq!(kept("127.0.0.1", "none", "/").unwrap().url(), "http://127.0.0.1:443/");
        for (host, tls, path) in [
            ("a.example", "implicit", "b"),
            ("a.example", "implicit", ""),
            ("a.example", "implicit", "/b?c"),
            ("a.example", "implicit", "/b HTTP/1.1\r\nx:"),
            ("a.example", "starttls", "/b"),
        ] {
            let error = kept(host, tls, path).unwrap_err().to_string();
            assert_eq!(error, "this is not the URL of an endpoint", "{tls} {path:?}");
        }
        assert!(kept("a.example", "none", "/b").unwrap_err().to_string().contains("without encryption"));
    }

    #[test]
    fn a_registration_names_a_place_a_browser_can_come_back_to() {
        let fine = |uri: &str| ApplicationRegistration::google("id", uri).is_ok();
        assert!(fine("https://books.example/callback?x=1") && fine("http://127.0.0.1:8400/callback"));
        assert!(!fine("http://books.example/callback") && !fine("books.example") && !fine(""));
        assert!(ApplicationRegistration::google("", "https://books.example/").is_err());
    }

    #[test]
    fn a_tenant_stands_in_every_path() {
        let of = |tenant: Tenant| OAuthEndpoints::microsoft(&tenant).map(|e| e.token.url());
        let hale = of(Tenant::Of("hale.example".to_owned())).unwrap();
        assert_eq!(hale, "https://login.microsoftonline.com/hale.example/oauth2/v2.0/token");
        assert!(of(Tenant::Of("../x".to_owned())).is_err());
    }
}
