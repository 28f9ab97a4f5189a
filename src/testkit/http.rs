//! HTTP/1.1 (RFC 9112) as far as the kit's servers need it: one request of a connection read, one answer written.

use std::{fmt, io};

use url::form_urlencoded;

use super::wire::Wire;

/// The longest line taken.
const LINE: usize = 64 * 1024;
/// The most octets of a request taken where a server says nothing else.
pub(crate) const REQUEST: usize = 8 * 1024 * 1024;

/// A request a server of the kit got, secrets included.
///
/// `Debug` shows the method and the path alone.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceivedRequest {
    /// The method, as in `POST`.
    pub method: String,
    /// The path with its query, as it was asked for.
    pub target: String,
    /// The request line and the header, every line with its CRLF.
    pub head: String,
    /// The body, as far as it came.
    pub body: Vec<u8>,
    /// Whether that is all of it.
    pub(crate) whole: bool,
}

impl ReceivedRequest {
    fn new(head: &[u8]) -> Self {
        let head = String::from_utf8_lossy(head).into_owned();
        let mut words = head.split([' ', '\r']);
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (method, target) = (method.to_owned(), target.to_owned());
        Self { method, target, head, body: Vec::new(), whole: false }
    }

    /// The path without its query.
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    /// The value of a header, its name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
        fields.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The parameters of the query.
    pub(crate) fn query(&self) -> Form {
        Form::parse(self.target.split_once('?').map_or("", |(_, query)| query).as_bytes())
    }

    /// The parameters of a body that a form was sent in.
    pub(crate) fn form(&self) -> Form {
        Form::parse(&self.body)
    }
}

impl fmt::Debug for ReceivedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReceivedRequest({} {})", self.method, self.path())
    }
}

/// Parameters, `application/x-www-form-urlencoded`.
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// The first parameter of that name; an empty one is none (RFC 6749 §3.1).
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).find(|value| !value.is_empty())
    }

    /// Every parameter of that name.
    pub(crate) fn all<'f>(&'f self, name: &str) -> impl Iterator<Item = &'f str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// `url` with more parameters in its query.
pub(crate) fn with_query(url: &str, parameters: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("{url}{}{query}", if url.contains('?') { '&' } else { '?' })
}

/// An answer.
#[derive(Clone)]
pub(crate) struct Answer {
    status: u16,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    pub(crate) fn new(status: u16) -> Self {
        Self { status, fields: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn json(status: u16, value: &serde_json::Value) -> Self {
        Self::new(status).body("application/json", value.to_string())
    }

    pub(crate) fn html(status: u16, page: impl Into<Vec<u8>>) -> Self {
        Self::new(status).body("text/html; charset=utf-8", page)
    }

    /// Sends the browser elsewhere.
    pub(crate) fn redirect(url: &str) -> Self {
        Self::new(302).header("Location", url)
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.fields.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn body(self, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self.header("Content-Type", kind) }
    }

    /// Puts something else in the body's place.
    pub(crate) fn spoil(&mut self, spoil: impl FnOnce(&[u8]) -> Vec<u8>) {
        self.body = spoil(&self.body);
    }

    /// As it stands on the wire.
    pub(crate) fn octets(&self) -> Vec<u8> {
        let fields: String = self.fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let (status, length) = (self.status, self.body.len());
        let reason = reason(status);
        let head = format!("HTTP/1.1 {status} {reason}\r\n{fields}Content-Length: {length}\r\n\r\n");
        [head.as_bytes(), &self.body].concat()
    }
}

/// Reads a request of which no more than `most` octets are taken; `None` where its head did not come whole.
pub(crate) async fn read(wire: &mut Wire, most: usize) -> io::Result<Option<ReceivedRequest>> {
    let mut left = most;
    let mut head = Vec::new();
    loop {
        let Some(line) = wire.line(LINE).await? else { return Ok(None) };
        left = left.saturating_sub(line.len() + 2);
        if left == 0 {
            return Ok(None);
        }
        if line.is_empty() {
            break;
        }
        head.extend_from_slice(&line);
        head.extend_from_slice(b"\r\n");
    }
    let mut request = ReceivedRequest::new(&head);
    let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    request.whole = length <= left;
    request.body = wire.octets(left.min(length)).await?;
    Ok(Some(request))
}

/// Writes an answer and ends the connection.
pub(crate) async fn write(wire: &mut Wire, answer: &Answer) -> io::Result<()> {
    wire.write(&answer.clone().header("Connection", "close").octets()).await?;
    wire.flush().await?;
    wire.close().await;
    Ok(())
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        202 => "Accepted",
        301..=308 => "Elsewhere",
        404 => "Not Found",
        400..=499 => "Refused",
        500..=599 => "Failed",
        _ => "Answered",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn of(octets: &'static [u8], most: usize) -> Option<ReceivedRequest> {
        let (mut near, far) = tokio::io::duplex(4096);
        tokio::io::AsyncWriteExt::write_all(&mut near, octets).await.unwrap();
        drop(near);
        read(&mut Wire::new(far), most).await.unwrap()
    }

    #[tokio::test]
    async fn a_request_is_told_apart() {
        let octets = b"POST /a?x=1%202&y= HTTP/1.1\r\nHost: here\r\ncontent-length: 7\r\n\r\nb=c+d&z";
        let request = of(octets, REQUEST).await.unwrap();
        assert_eq!((request.method.as_str(), request.path()), ("POST", "/a"));
        assert_eq!((request.query().get("x"), request.query().get("y")), (Some("1 2"), None));
        assert_eq!((request.header("HOST"), request.form().get("b")), (Some("here"), Some("c d")));
        assert!(request.whole);
        assert!(!of(octets, octets.len() - 1).await.unwrap().whole);
        assert!(of(b"GET / HTTP/1.1\r\nHost:", REQUEST).await.is_none());
    }

    #[test]
    fn parameters_go_behind_those_there_are() {
        assert_eq!(with_query("https://a/?b=1", &[("c", "d e&")]), "https://a/?b=1&c=d+e%26");
        assert_eq!(with_query("https://a/", &[("c", "d")]), "https://a/?c=d");
    }
}
