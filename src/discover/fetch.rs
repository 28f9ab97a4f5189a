//! Documents by HTTPS, redirects followed with care.

use url::Url;

use crate::net::{Dialer, HttpClient, HttpRequest};
use crate::settings::{ServerSettings, TlsMode};
use crate::types::registrable;

/// Most redirects that are followed.
const MAX_REDIRECTS: usize = 5;

/// A document, whole.
pub(super) struct Fetched {
    pub(super) body: Vec<u8>,
    /// The domain that redirects led to, where it is not the one that was asked.
    pub(super) led_to: Option<String>,
}

/// Fetches documents.
pub(super) struct Fetcher {
    http: HttpClient,
    ca_pem: Option<String>,
}

impl Fetcher {
    pub(super) fn new(dialer: Dialer, ca_pem: Option<String>) -> Self {
        Self { http: HttpClient::new(dialer), ca_pem }
    }

    /// The document at a URL. `None` where there is none, where it is not all there, and where the way to it leaves HTTPS.
    pub(super) async fn get(&self, url: &str) -> Option<Fetched> {
        let mut url = Url::parse(url).ok()?;
        let asked = base_of(&url)?;
        let mut led_to = None;
        for _ in 0..=MAX_REDIRECTS {
            let response = self.http.send(&self.server(&url)?, HttpRequest::get(path_of(&url))).await.ok()?;
            match response.status {
                200 if response.whole => return Some(Fetched { body: response.body, led_to }),
                301 | 302 | 303 | 307 | 308 => {}
                _ => return None,
            }
            url = url.join(response.header("location")?).ok()?;
            let base = base_of(&url)?;
            // Once led astray, always: who was passed through may have chosen the rest of the way.
            if base != asked {
                led_to.get_or_insert(base);
            }
        }
        None
    }

    fn server(&self, url: &Url) -> Option<ServerSettings> {
        let anonymous = url.username().is_empty() && url.password().is_none();
        if url.scheme() != "https" || !anonymous {
            return None;
        }
        let server =
            ServerSettings::new(url.host_str()?, url.port().unwrap_or(443), TlsMode::Implicit).ok()?;
        Some(match &self.ca_pem {
            Some(pem) => server.with_ca(pem.clone()),
            None => server,
        })
    }
}

fn path_of(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

fn base_of(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(registrable(host).unwrap_or(host).to_owned())
}
