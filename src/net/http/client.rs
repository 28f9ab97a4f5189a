//! One request, one answer.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, HeaderName, HeaderValue};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use super::progress::{Progress, Watched};
use super::{HttpFailure, HttpRequest, HttpResponse};
use crate::error::{Error, ErrorKind, Result};
use crate::net::{Dialer, Meter, Stream};
use crate::settings::{ServerSettings, TlsMode};

/// Most octets kept of an answer's body: what is asked for in here are tokens and refusals.
const MAX_BODY: usize = 256 << 10;
/// Most octets of an answer's head.
const MAX_HEAD: usize = 64 << 10;

/// Makes requests. Cheap to clone; nothing is kept from one request to the next.
#[derive(Debug, Clone)]
pub struct HttpClient {
    dialer: Dialer,
    patience: Duration,
}

impl HttpClient {
    /// Connects as the dialer does, and waits for an answer for a minute.
    pub fn new(dialer: Dialer) -> Self {
        Self { dialer, patience: Duration::from_mins(1) }
    }

    /// Sets how long the server may take nothing of a request, or leave it unanswered.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Connects, with TLS unless the settings name this machine and no encryption.
    ///
    /// # Errors
    /// Connection kinds; [`Invalid`](ErrorKind::Invalid) for STARTTLS, which HTTP does not have.
    pub async fn connect(&self, server: &ServerSettings) -> Result<HttpConnection> {
        let meter = Meter::default();
        let stream = match server.tls() {
            TlsMode::Implicit => {
                let stream = self.dialer.connect(server, &meter).await?;
                self.dialer.encrypt(server, stream, &meter).await?
            }
            TlsMode::None => self.dialer.connect(server, &meter).await?,
            TlsMode::StartTls => return Err(Error::new(ErrorKind::Invalid, "HTTP has no STARTTLS")),
        };
        Ok(HttpConnection { stream, host: host_of(server), patience: self.patience })
    }

    /// Connects and makes one request.
    ///
    /// # Errors
    /// As [`connect`](Self::connect) and [`HttpConnection::send`].
    pub async fn send(
        &self,
        server: &ServerSettings,
        request: HttpRequest,
    ) -> Result<HttpResponse, HttpFailure> {
        self.connect(server).await?.send(request).await
    }
}

/// A connection for one request.
pub struct HttpConnection {
    stream: Box<dyn Stream>,
    host: String,
    patience: Duration,
}

impl fmt::Debug for HttpConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpConnection(..)")
    }
}

impl HttpConnection {
    /// Makes the request.
    ///
    /// # Errors
    /// Only where the head of an answer did not come: [`ConnectionLost`](ErrorKind::ConnectionLost),
    /// [`TimedOut`](ErrorKind::TimedOut) also where the last octet was too late, [`Protocol`](ErrorKind::Protocol);
    /// [`Invalid`](ErrorKind::Invalid) for what is no request.
    pub async fn send(self, request: HttpRequest) -> Result<HttpResponse, HttpFailure> {
        let progress = Arc::new(Progress::default());
        let answered = self.exchange(request, &progress).await;
        answered.map_err(|error| HttpFailure { error, sent: progress.sent() })
    }

    async fn exchange(self, request: HttpRequest, progress: &Arc<Progress>) -> Result<HttpResponse> {
        let (length, by) = (request.body.len(), request.last_octet_by);
        let request = self.request(request)?;
        let stream = Watched::new(self.stream, length, by, progress.clone());
        let mut http = http1::Builder::new();
        // The head goes by itself; a body is not copied to stand behind it.
        http.writev(true).max_buf_size(MAX_HEAD);
        let (mut sender, connection) =
            http.handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error, progress))?;
        let answer = async {
            let answer = patiently(pin!(sender.send_request(request)), self.patience, progress).await?;
            let (head, body) = answer.map_err(|error| failed(&error, progress))?.into_parts();
            let mut response = HttpResponse {
                status: head.status.as_u16(),
                headers: head.headers.iter().filter_map(shown).collect(),
                body: Vec::new(),
                whole: false,
            };
            // The head is the answer; a body that does not come takes nothing away from it.
            let _ = timeout(self.patience, read(body, &mut response)).await;
            Ok(response)
        };
        match select(pin!(answer), pin!(connection)).await {
            Either::Left((answer, _)) => answer,
            // What was read before the connection ended is still told.
            Either::Right((_, answer)) => answer.await,
        }
    }

    fn request(&self, request: HttpRequest) -> Result<hyper::Request<Full<Bytes>>> {
        let invalid = || Error::new(ErrorKind::Invalid, "this cannot be said in an HTTP request");
        let mut built = hyper::Request::builder()
            .method(request.method)
            .uri(request.path)
            .header(HOST, &self.host)
            .header(CONNECTION, "close");
        for (name, value) in request.headers {
            let mut value = HeaderValue::try_from(value).map_err(|_| invalid())?;
            value.set_sensitive(true);
            built = built.header(name, value);
        }
        built.body(Full::from(request.body)).map_err(|_| invalid())
    }
}

/// Waits for an answer as long as octets of the request are taken, and then for as long again.
async fn patiently<T>(
    mut answer: impl Future<Output = T> + Unpin,
    patience: Duration,
    progress: &Progress,
) -> Result<T> {
    let mut taken = progress.taken();
    loop {
        if let Ok(answer) = timeout(patience, &mut answer).await {
            return Ok(answer);
        }
        if progress.taken() == taken {
            return Err(Error::new(ErrorKind::TimedOut, "the server did not answer in time"));
        }
        taken = progress.taken();
    }
}

async fn read(mut body: Incoming, response: &mut HttpResponse) {
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return };
        let data = frame.into_data().unwrap_or_default();
        let room = MAX_BODY - response.body.len();
        response.body.extend_from_slice(data.get(..room).unwrap_or(&data));
        if data.len() > room {
            return;
        }
    }
    response.whole = true;
}

fn shown((name, value): (&HeaderName, &HeaderValue)) -> Option<(String, String)> {
    Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
}

/// Why there is no answer. What hyper says may quote what came, and is not kept.
fn failed(error: &hyper::Error, progress: &Progress) -> Error {
    if progress.is_late() {
        return Error::new(ErrorKind::TimedOut, "the time in which the request could be sent is over");
    }
    if error.is_parse() {
        return Error::new(ErrorKind::Protocol, "what answers does not speak HTTP");
    }
    Error::new(ErrorKind::ConnectionLost, "the connection broke before the server answered")
}

/// The Host header (RFC 9110 §7.2): the port only where it is not the scheme's own.
fn host_of(server: &ServerSettings) -> String {
    let host = server.host();
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    match (server.tls(), server.port()) {
        (TlsMode::Implicit, 443) | (TlsMode::None, 80) => host,
        (_, port) => format!("{host}:{port}"),
    }
}
