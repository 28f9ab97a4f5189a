//! Requests and answers.

use std::fmt;
use std::time::Instant;

use crate::error::Error;

/// A request. Neither the values of its headers nor its body are ever printed.
#[derive(Clone)]
pub struct HttpRequest {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    pub(super) last_octet_by: Option<Instant>,
}

impl HttpRequest {
    /// Asks for what is at `path`.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path.into(), Vec::new())
    }

    /// Hands `body` to what is at `path`.
    pub fn post(path: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self::new("POST", path.into(), body.into())
    }

    fn new(method: &'static str, path: String, body: Vec<u8>) -> Self {
        Self { method, path, headers: Vec::new(), body, last_octet_by: None }
    }

    /// Adds a header; its value may be secret.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// From this instant on the request's last octet is not handed over any more.
    pub fn last_octet_by(mut self, instant: Option<Instant>) -> Self {
        self.last_octet_by = instant;
        self
    }
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpRequest({}, {} octets)", self.method, self.body.len())
    }
}

/// An answer whose head is complete.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    pub(super) headers: Vec<(String, String)>,
    /// What came of the body: no more than 256 KiB, and less where the connection broke.
    pub body: Vec<u8>,
    /// Whether that is all of it.
    pub whole: bool,
}

impl HttpResponse {
    /// The first value of a header, its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpResponse({}, {} octets)", self.status, self.body.len())
    }
}

/// Whether a request can have arrived whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sent {
    /// The write that holds its last octet was never made.
    Nothing,
    /// That write was begun: nobody knows.
    Maybe,
}

/// Why there is no answer, and whether the request can have arrived.
#[derive(Debug)]
#[non_exhaustive]
pub struct HttpFailure {
    /// Why.
    pub error: Error,
    /// Whether it can have arrived.
    pub sent: Sent,
}

/// A failure before anything was sent.
impl From<Error> for HttpFailure {
    fn from(error: Error) -> Self {
        Self { error, sent: Sent::Nothing }
    }
}
