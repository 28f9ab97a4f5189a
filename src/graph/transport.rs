//! Handing a message to Graph.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::answer::{self, Answer};
use crate::contract::{
    Clock, MailTransport, RecipientResult, RecipientVerdict, SendFailure, SendPermit, SendReport, Submission,
    SystemClock,
};
use crate::error::{Error, ErrorKind, Result};
use crate::mime::addressing_headers;
use crate::net::{CommandPoint, CommandProbe, HttpClient, HttpFailure, HttpRequest, Sent};
use crate::settings::ServerSettings;
use crate::types::{Address, Field, Secret};

/// Where a message is handed over.
const SEND_MAIL: &str = "/v1.0/me/sendMail";
/// Most octets of a request, a message in base64: 4 MB, beyond which Graph answers 413 (learn.microsoft.com,
/// /graph/api/user-post-messages and /graph/outlook-large-attachments). The larger reading of it, since Graph has the last
/// word.
const MAX_REQUEST: usize = 4 << 20;

/// Sends by Microsoft Graph with one user's access token.
#[derive(Clone)]
pub struct GraphTransport {
    http: HttpClient,
    server: ServerSettings,
    token: Secret,
    clock: Arc<dyn Clock>,
    probe: CommandProbe,
}

impl fmt::Debug for GraphTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GraphTransport").field("server", &self.server).finish_non_exhaustive()
    }
}

impl GraphTransport {
    /// Sends through `server`, as the one the token was given to.
    pub fn new(http: HttpClient, server: ServerSettings, token: Secret) -> Self {
        Self { http, server, token, clock: Arc::new(SystemClock::new()), probe: Arc::new(|_| {}) }
    }

    /// Counts the pauses Graph asks for by another clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Tells `probe` of every request.
    pub fn probe(mut self, probe: CommandProbe) -> Self {
        self.probe = probe;
        self
    }

    async fn hand_over(&self, body: Vec<u8>, permit: &dyn SendPermit) -> Result<Answer> {
        (self.probe)(CommandPoint::Before("graph_send"));
        let connection = self.http.connect(&self.server).await?;
        let asked = Instant::now();
        let allowed = permit.confirm().await?;
        let request = HttpRequest::post(SEND_MAIL, body)
            .header("authorization", format!("Bearer {}", self.token.expose()))
            .header("content-type", "text/plain")
            .header("accept", "application/json")
            .last_octet_by(asked.checked_add(allowed));
        let mut response = connection.send(request).await.map_err(outcome)?;
        // Nothing of an answer that repeats the token is shown.
        let token = self.token.expose().as_bytes();
        if !token.is_empty() && response.body.windows(token.len()).any(|octets| octets == token) {
            response.body.clear();
        }
        (self.probe)(CommandPoint::After("graph_send"));
        Ok(answer::read(&response, self.clock.now()))
    }
}

/// T2: without an answer nothing is known from the last octet on, and before it nothing was sent.
fn outcome(failure: HttpFailure) -> Error {
    match failure.sent {
        Sent::Nothing => failure.error,
        Sent::Maybe => {
            let message = "the message was handed over and Microsoft Graph did not answer";
            Error::new(ErrorKind::DeliveryUnknown, message).with_source(failure.error)
        }
    }
}

/// Refuses to hand over for a part of those the message names: Graph reads them from the header, and the others have it.
fn everybody(submission: &Submission) -> Result<()> {
    let named = addressing_headers(&submission.octets);
    let to = named.participants.iter().filter(|p| matches!(p.field, Field::To | Field::Cc));
    let wanted: BTreeSet<_> = submission.forward_paths.iter().map(Address::key).collect();
    if to.into_iter().all(|participant| wanted.contains(&participant.address.key())) {
        return Ok(());
    }
    let message = "Microsoft Graph sends to everybody the message names, and some of them are not to get it";
    Err(Error::new(ErrorKind::AccountCannotSend, message))
}

/// The body of the request: the message in base64, those it does not name in a Bcc field in front.
fn body(submission: &Submission) -> Result<Vec<u8>> {
    let mut octets = Vec::new();
    if !submission.blind.is_empty() {
        let blind: Vec<String> = submission.blind.iter().map(Address::to_string).collect();
        octets.extend(format!("Bcc: {}\r\n", blind.join(",\r\n ")).bytes());
    }
    let length = (octets.len() + submission.octets.len()).div_ceil(3).saturating_mul(4);
    if length > MAX_REQUEST {
        return Err(Error::new(
            ErrorKind::MessageTooLarge,
            "Microsoft Graph takes no message as large as this",
        ));
    }
    octets.extend_from_slice(&submission.octets);
    Ok(BASE64.encode(octets).into_bytes())
}

fn results(
    submission: &Submission,
    verdict: impl Fn(&Address) -> RecipientVerdict,
    reply: &str,
) -> Vec<RecipientResult> {
    let all = submission.forward_paths.iter();
    all.map(|address| RecipientResult::new(address.clone(), verdict(address), reply)).collect()
}

/// What a refusal says of recipients: those it names are refused, or all where it names none.
fn refused(submission: &Submission, error: Error, reply: &str) -> SendFailure {
    let kind = error.kind();
    let about_the_message = matches!(
        kind,
        ErrorKind::RecipientRefused
            | ErrorKind::SenderRefused
            | ErrorKind::MessageRefused
            | ErrorKind::MessageTooLarge
    );
    if !about_the_message {
        return error.into();
    }
    let said = reply.to_lowercase();
    let names = |address: &Address| said.contains(&address.to_string().to_lowercase());
    let names_some = kind == ErrorKind::RecipientRefused && submission.forward_paths.iter().any(names);
    let verdict = |address: &Address| {
        if names_some && !names(address) {
            return RecipientVerdict::Accepted;
        }
        RecipientVerdict::Refused(Error::new(kind, "Microsoft Graph refused the message for this recipient"))
    };
    // It stands with everybody, and may name anybody, those in Bcc too.
    SendFailure::new(error, results(submission, verdict, &without_addresses(reply)))
}

fn without_addresses(text: &str) -> String {
    let words = text.split(' ').map(|word| if word.contains('@') { "(address)" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

#[async_trait]
impl MailTransport for GraphTransport {
    async fn send(
        &self,
        submission: &Submission,
        permit: Arc<dyn SendPermit>,
    ) -> Result<SendReport, SendFailure> {
        everybody(submission)?;
        let body = body(submission)?;
        match self.hand_over(body, &*permit).await? {
            Answer::Accepted(number) => {
                Ok(SendReport::new(results(submission, |_| RecipientVerdict::Accepted, ""), number))
            }
            Answer::Refused(error, said) => Err(refused(submission, error, &said)),
            Answer::Unknown(error) => Err(error.into()),
        }
    }

    async fn close(&self) {
        // A connection ends with its request.
    }
}
