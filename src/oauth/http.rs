//! The `oauth2` crate's requests over the crate's own HTTP client.

use std::pin::Pin;

use oauth2::http::{HeaderMap, StatusCode, header};

use crate::error::{Error, ErrorKind, Result};
use crate::net::{HttpClient, HttpRequest, HttpResponse};
use crate::settings::Endpoint;

/// Headers that are passed on: what the crate sets.
const HEADERS: &[(&str, header::HeaderName)] = &[
    ("accept", header::ACCEPT),
    ("authorization", header::AUTHORIZATION),
    ("content-type", header::CONTENT_TYPE),
];

/// Makes requests at one endpoint, whatever host a request itself names.
pub(super) struct Requests {
    pub(super) http: HttpClient,
    pub(super) endpoint: Endpoint,
}

impl<'c> oauth2::AsyncHttpClient<'c> for Requests {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<oauth2::HttpResponse>> + Send + 'c>>;

    fn call(&'c self, request: oauth2::HttpRequest) -> Self::Future {
        Box::pin(call(&self.http, &self.endpoint, request))
    }
}

async fn call(
    http: &HttpClient,
    endpoint: &Endpoint,
    request: oauth2::HttpRequest,
) -> Result<oauth2::HttpResponse> {
    let (head, body) = request.into_parts();
    let mut asked = HttpRequest::post(endpoint.path(), body);
    for (name, key) in HEADERS {
        if let Some(value) = head.headers.get(key).and_then(|value| value.to_str().ok()) {
            asked = asked.header(name, value);
        }
    }
    let answer = http.send(endpoint.server(), asked).await.map_err(|failure| unreachable(failure.error))?;
    if answer.status >= 500 || answer.status == 429 {
        let message = format!("the authorization server is not available: HTTP {}", answer.status);
        return Err(Error::new(ErrorKind::ServerUnavailable, message));
    }
    if !answer.whole {
        return Err(Error::new(
            ErrorKind::ConnectionLost,
            "the authorization server's answer did not come whole",
        ));
    }
    answered(answer)
}

/// That a server which the user did not type cannot be reached is nothing the user mends.
fn unreachable(error: Error) -> Error {
    match error.kind() {
        ErrorKind::NameNotFound | ErrorKind::ConnectionRefused => {
            error.of_kind(ErrorKind::ServerUnavailable).reworded("the authorization server cannot be reached")
        }
        _ => error,
    }
}

fn answered(answer: HttpResponse) -> Result<oauth2::HttpResponse> {
    let odd = || Error::new(ErrorKind::Protocol, "the authorization server's answer is not one");
    let mut response = oauth2::HttpResponse::new(normal(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).map_err(|_| odd())?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    *response.headers_mut() = headers;
    Ok(response)
}

/// Servers that say `"expires_in": "3599"` mean the number (RFC 6749 §5.1 has a number; Microsoft's first version had a text).
fn normal(body: Vec<u8>) -> Vec<u8> {
    let Ok(serde_json::Value::Object(mut fields)) = serde_json::from_slice(&body) else { return body };
    let seconds =
        fields.get("expires_in").and_then(serde_json::Value::as_str).and_then(|s| s.parse::<u64>().ok());
    let Some(seconds) = seconds else { return body };
    fields.insert("expires_in".to_owned(), seconds.into());
    serde_json::to_vec(&fields).unwrap_or(body)
}
