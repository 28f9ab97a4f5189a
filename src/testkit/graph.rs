//! Microsoft Graph as far as sending goes: `POST /v1.0/me/sendMail` with a message in base64.
//!
//! It answers as documented, keeps what it took, and goes wrong where told to. What it took counts as delivered: whatever the
//! answer was, a test asks [`GraphServer::deliveries`].

use std::{
    collections::VecDeque,
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::net::TcpStream;

use super::{
    base64,
    certificates::{CertificateKind, Certificates},
    http::{self, Answer, ReceivedRequest},
    imap::UserMail,
    listener::{Listener, TlsMode},
    tokens::{Closed, Service, TokenRegistry},
    wire::Wire,
};
use crate::{mime::addressing_headers, types::Field};

/// The largest body taken, as documented.
const BODY: usize = 4 * 1024 * 1024;
/// The number every request gets.
pub const REQUEST_ID: &str = "7c0a1f5e-0000-4000-8000-00000000abcd";

/// What a server does with one request in place of what it should.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GraphFault {
    /// Takes nothing and answers these octets.
    Answer(Vec<u8>),
    /// Takes nothing and answers with a status, a `Retry-After` where given, and an error object.
    Refuse {
        /// The status.
        status: u16,
        /// Seconds.
        retry_after: Option<u32>,
        /// The error's code.
        code: String,
        /// The error's message.
        message: String,
    },
    /// Closes the connection after so many octets of the request. What has come whole is taken.
    CloseAfter(usize),
    /// Takes the message and closes the connection after so many octets of the answer.
    AnswerCut(usize),
    /// Takes the message and answers these octets.
    TakenThenAnswer(Vec<u8>),
    /// Takes the message and never answers.
    TakenThenSilence,
    /// Reads nothing and answers nothing.
    Silence,
    /// Takes the message and answers these octets, then others again and again.
    Endless(Vec<u8>, Vec<u8>),
}

/// A message that was taken.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GraphDelivery {
    /// Every recipient its header names.
    pub recipients: Vec<String>,
    /// What recipients get: without Bcc.
    pub octets: Vec<u8>,
}

impl fmt::Debug for GraphDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GraphDelivery({} recipients, {} octets)", self.recipients.len(), self.octets.len())
    }
}

struct Shared {
    tls: TlsMode,
    token: String,
    tokens: Option<TokenRegistry>,
    certificates: Certificates,
    files_into: Option<(UserMail, String)>,
    unknown: Vec<String>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    faults: VecDeque<GraphFault>,
    deliveries: Vec<GraphDelivery>,
    requests: Vec<String>,
}

/// What a server is to be; made by [`GraphServer::builder`].
#[must_use]
pub struct GraphServerBuilder {
    tls: TlsMode,
    token: String,
    tokens: Option<TokenRegistry>,
    files_into: Option<(UserMail, String)>,
    unknown: Vec<String>,
}

impl fmt::Debug for GraphServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GraphServerBuilder(..)")
    }
}

impl GraphServerBuilder {
    /// How it is encrypted; [`TlsMode::Implicit`] if not said.
    pub fn tls(mut self, tls: TlsMode) -> Self {
        self.tls = tls;
        self
    }

    /// Takes an authorization server's access tokens too.
    pub fn tokens(mut self, tokens: &TokenRegistry) -> Self {
        self.tokens = Some(tokens.clone());
        self
    }

    /// Files what it takes in a mailbox, Bcc kept.
    pub fn files_into(mut self, mail: UserMail, mailbox: &str) -> Self {
        self.files_into = Some((mail, mailbox.to_owned()));
        self
    }

    /// Does not know this recipient.
    pub fn unknown(mut self, address: &str) -> Self {
        self.unknown.push(address.to_owned());
        self
    }

    /// Listens on a free port of `127.0.0.1`.
    ///
    /// # Errors
    /// When there is no port or no randomness for the keys.
    pub async fn start(self) -> io::Result<GraphServer> {
        let shared = Arc::new(Shared {
            tls: self.tls,
            token: self.token,
            tokens: self.tokens,
            certificates: Certificates::new(CertificateKind::Valid)?,
            files_into: self.files_into,
            unknown: self.unknown,
            state: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        let listener = Listener::start(move |stream| {
            let shared = Arc::clone(&serving);
            async move {
                // A broken connection is its own end and nobody else's concern.
                let _ended = serve(stream, &shared).await;
            }
        })
        .await?;
        Ok(GraphServer { shared, listener })
    }
}

/// A running server. Dropping it closes its port and its connections.
pub struct GraphServer {
    shared: Arc<Shared>,
    listener: Listener,
}

impl fmt::Debug for GraphServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GraphServer").field("port", &self.port()).finish_non_exhaustive()
    }
}

impl GraphServer {
    /// A server that takes this token.
    pub fn builder(token: &str) -> GraphServerBuilder {
        GraphServerBuilder {
            tls: TlsMode::default(),
            token: token.to_owned(),
            tokens: None,
            files_into: None,
            unknown: Vec::new(),
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

    /// Does this with the next request that has no fault yet.
    pub fn inject(&self, fault: GraphFault) {
        self.shared.state().faults.push_back(fault);
    }

    /// What was taken, in order.
    pub fn deliveries(&self) -> Vec<GraphDelivery> {
        self.shared.state().deliveries.clone()
    }

    /// The heads of all requests that came so far, secrets included.
    pub fn requests(&self) -> Vec<String> {
        self.shared.state().requests.clone()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the request's token may send.
    fn admits(&self, request: &ReceivedRequest) -> Result<(), Closed> {
        let token = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        match (token, &self.tokens) {
            (Some(token), _) if token == self.token => Ok(()),
            (Some(token), Some(tokens)) => tokens.open(token, Service::Graph).map(drop),
            _ => Err(Closed::Dead),
        }
    }

    /// What a request is answered with; its message is taken where nothing is wrong with it.
    fn answer(&self, request: &ReceivedRequest) -> Vec<u8> {
        if (request.method.as_str(), request.target.as_str()) != ("POST", "/v1.0/me/sendMail") {
            return refusal(404, None, "ResourceNotFound", "Resource not found for the segment.");
        }
        match self.admits(request) {
            Ok(()) => {}
            Err(Closed::Dead) => {
                return refusal(401, None, "InvalidAuthenticationToken", "Access token is empty or expired.");
            }
            Err(Closed::OutOfScope) => {
                return refusal(403, None, "ErrorAccessDenied", "Access is denied. Check credentials.");
            }
        }
        if request.header("content-type") != Some("text/plain") {
            return refusal(415, None, "UnsupportedMediaType", "Not a supported type.");
        }
        if request.body.len() > BODY {
            return refusal(
                413,
                None,
                "RequestEntityTooLarge",
                "The maximum request length supported is 4MB.",
            );
        }
        let Some(message) = base64::decode(&request.body) else {
            let message = "Invalid base64 string for MIME content.";
            return refusal(400, None, "ErrorMimeContentInvalidBase64String", message);
        };
        let named = addressing_headers(&message).participants.into_iter();
        let to = named.filter(|p| matches!(p.field, Field::To | Field::Cc | Field::Bcc));
        let recipients: Vec<String> = to.map(|p| p.address.to_string()).collect();
        if recipients.is_empty() || recipients.iter().any(|address| self.unknown.contains(address)) {
            let unknown: Vec<&String> =
                recipients.iter().filter(|address| self.unknown.contains(address)).collect();
            let message = format!("At least one recipient is not valid. {unknown:?}").replace('"', "'");
            return refusal(400, None, "ErrorInvalidRecipients", &message);
        }
        self.state().deliveries.push(GraphDelivery { recipients, octets: without_bcc(&message) });
        if let Some((mail, mailbox)) = &self.files_into {
            mail.append(mailbox, &message, &["\\Seen"], now());
        }
        Answer::new(202)
            .header("request-id", REQUEST_ID)
            .header("Date", "Mon, 12 Jan 2026 10:00:00 GMT")
            .octets()
    }
}

async fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut wire = Wire::new(stream);
    if shared.tls == TlsMode::Implicit {
        wire.start_tls(&shared.certificates.acceptor()).await?;
    }
    let fault = shared.state().faults.pop_front();
    if fault == Some(GraphFault::Silence) {
        return std::future::pending().await;
    }
    let cut = match fault {
        Some(GraphFault::CloseAfter(octets)) => octets,
        _ => usize::MAX,
    };
    let Some(request) = http::read(&mut wire, cut).await? else { return Ok(()) };
    shared.state().requests.push(request.head.clone());
    if !request.whole {
        return Ok(());
    }
    match fault {
        None => wire.write(&shared.answer(&request)).await?,
        Some(GraphFault::CloseAfter(_)) => {
            shared.answer(&request);
            return Ok(());
        }
        Some(GraphFault::Answer(octets)) => wire.write(&octets).await?,
        Some(GraphFault::Refuse { status, retry_after, code, message }) => {
            wire.write(&refusal(status, retry_after, &code, &message)).await?;
        }
        Some(GraphFault::AnswerCut(octets)) => {
            let answer = shared.answer(&request);
            wire.write(answer.get(..octets).unwrap_or(&answer)).await?;
        }
        Some(GraphFault::TakenThenAnswer(octets)) => {
            shared.answer(&request);
            wire.write(&octets).await?;
        }
        Some(GraphFault::TakenThenSilence | GraphFault::Silence) => {
            shared.answer(&request);
            return wire.stall().await;
        }
        Some(GraphFault::Endless(first, rest)) => {
            shared.answer(&request);
            wire.write(&first).await?;
            loop {
                wire.write(&rest).await?;
                wire.flush().await?;
                tokio::time::sleep(Duration::ZERO).await;
            }
        }
    }
    wire.flush().await?;
    wire.close().await;
    Ok(())
}

fn refusal(status: u16, retry_after: Option<u32>, code: &str, message: &str) -> Vec<u8> {
    let body = format!("{{\"error\":{{\"code\":\"{code}\",\"message\":\"{message}\"}}}}");
    let pause = retry_after.map(|seconds| ("Retry-After".to_owned(), seconds.to_string()));
    let answer = Answer::new(status).body("application/json", body);
    pause.into_iter().fold(answer, |answer, (name, value)| answer.header(&name, value)).octets()
}

/// The message without its Bcc fields.
fn without_bcc(message: &[u8]) -> Vec<u8> {
    let (mut kept, mut in_header, mut dropping) = (Vec::with_capacity(message.len()), true, false);
    for line in message.split_inclusive(|octet| *octet == b'\n') {
        in_header &= line != b"\r\n";
        if in_header && !line.starts_with(b" ") && !line.starts_with(b"\t") {
            dropping = line.get(..4).is_some_and(|name| name.eq_ignore_ascii_case(b"Bcc:"));
        }
        if !in_header || !dropping {
            kept.extend_from_slice(line);
        }
    }
    kept
}

#[allow(clippy::disallowed_methods, reason = "a server has its own clock")]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
