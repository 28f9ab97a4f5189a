//! A web server of fixed answers, for documents found by autoconfiguration and for redirects.

use std::{
    collections::BTreeMap,
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::net::TcpStream;

use super::{
    certificates::{CertificateKind, Certificates},
    http::{self, Answer, ReceivedRequest},
    listener::{Listener, TlsMode},
    wire::Wire,
};

/// What a [`WebServer`] answers at one path.
#[derive(Clone)]
#[must_use]
pub struct WebAnswer(Answer);

impl WebAnswer {
    /// An answer of that status, without a body.
    pub fn new(status: u16) -> Self {
        Self(Answer::new(status))
    }

    /// 200 with a document of that type.
    pub fn document(kind: &str, text: impl AsRef<[u8]>) -> Self {
        Self::new(200).header("Content-Type", kind).body(text)
    }

    /// 302 to there.
    pub fn redirect(url: &str) -> Self {
        Self(Answer::redirect(url))
    }

    /// Adds a header.
    pub fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    /// Sets the body.
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.0.spoil(|_| body.as_ref().to_vec());
        self
    }
}

impl fmt::Debug for WebAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebAnswer(..)")
    }
}

/// What a server is to be; made by [`WebServer::builder`].
#[derive(Debug)]
#[must_use]
pub struct WebServerBuilder {
    tls: TlsMode,
    certificate: CertificateKind,
    certificates: Option<Certificates>,
    answers: BTreeMap<String, WebAnswer>,
}

impl WebServerBuilder {
    /// How it is encrypted; [`TlsMode::Implicit`] if not said.
    pub fn tls(mut self, tls: TlsMode) -> Self {
        self.tls = tls;
        self
    }

    /// What certificate it shows; [`CertificateKind::Valid`] if not said.
    pub fn certificate(mut self, certificate: CertificateKind) -> Self {
        self.certificate = certificate;
        self
    }

    /// Shows a certificate made before, so that several servers stand under one authority.
    pub fn certificates(mut self, certificates: &Certificates) -> Self {
        self.certificates = Some(certificates.clone());
        self
    }

    /// Answers so at that path, whatever its query is; everywhere else it is 404.
    pub fn answer(mut self, path: &str, answer: WebAnswer) -> Self {
        self.answers.insert(path.to_owned(), answer);
        self
    }

    /// Listens on a free port of `127.0.0.1`.
    ///
    /// # Errors
    /// When there is no port or no randomness for the keys; for STARTTLS, which HTTP does not have.
    pub async fn start(self) -> io::Result<WebServer> {
        if self.tls == TlsMode::StartTls {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "HTTP has no STARTTLS"));
        }
        let certificates = match self.certificates {
            Some(certificates) => certificates,
            None => Certificates::new(self.certificate)?,
        };
        let state = Mutex::new(State { answers: self.answers, requests: Vec::new() });
        let shared = Arc::new(Shared { tls: self.tls, certificates, state });
        let serving = Arc::clone(&shared);
        let listener = Listener::start(move |stream| {
            let shared = Arc::clone(&serving);
            async move {
                // A broken connection is its own end and nobody else's concern.
                let _ended = serve(stream, &shared).await;
            }
        })
        .await?;
        Ok(WebServer { shared, listener })
    }
}

struct Shared {
    tls: TlsMode,
    certificates: Certificates,
    state: Mutex<State>,
}

struct State {
    answers: BTreeMap<String, WebAnswer>,
    requests: Vec<ReceivedRequest>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running server of fixed answers. Dropping it closes its port and its connections.
///
/// ```
/// use practicemail::net::{Dialer, EgressPolicy, HttpClient, HttpRequest};
/// use practicemail::settings::{ServerSettings, TlsMode};
/// use practicemail::testkit::{WebAnswer, WebServer};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let document = WebAnswer::document("text/xml", "<clientConfig/>");
/// let server = WebServer::builder().answer("/mail/config-v1.1.xml", document).start().await?;
///
/// let settings = ServerSettings::new("localhost", server.port(), TlsMode::Implicit)?.with_ca(server.ca_pem());
/// let client = HttpClient::new(Dialer::new().egress(EgressPolicy::Any));
/// let request = HttpRequest::get("/mail/config-v1.1.xml?emailaddress=anna@hale.example");
/// let answer = client.send(&settings, request).await.map_err(|failure| failure.error)?;
/// assert_eq!((answer.status, answer.body.as_slice()), (200, b"<clientConfig/>".as_slice()));
/// assert_eq!(server.requests()[0].path(), "/mail/config-v1.1.xml");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct WebServer {
    shared: Arc<Shared>,
    listener: Listener,
}

impl fmt::Debug for WebServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebServer").field("port", &self.port()).finish_non_exhaustive()
    }
}

impl WebServer {
    /// A server of defaults: implicit TLS, a valid certificate, 404 everywhere.
    pub fn builder() -> WebServerBuilder {
        WebServerBuilder {
            tls: TlsMode::default(),
            certificate: CertificateKind::default(),
            certificates: None,
            answers: BTreeMap::new(),
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

    /// Answers so at that path from now on: for redirects that name the server's own port.
    pub fn set_answer(&self, path: &str, answer: WebAnswer) {
        self.shared.state().answers.insert(path.to_owned(), answer);
    }

    /// Every request so far, in order.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.shared.state().requests.clone()
    }
}

async fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut wire = Wire::new(stream);
    if shared.tls == TlsMode::Implicit {
        wire.start_tls(&shared.certificates.acceptor()).await?;
    }
    let Some(request) = http::read(&mut wire, http::REQUEST).await? else { return Ok(()) };
    let answer = {
        let mut state = shared.state();
        let answer = state.answers.get(request.path()).cloned();
        state.requests.push(request);
        answer.map_or_else(|| Answer::new(404), |answer| answer.0)
    };
    http::write(&mut wire, &answer).await
}
