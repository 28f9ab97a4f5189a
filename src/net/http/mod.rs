//! A small HTTP/1.1 client (RFC 9112): one request a connection, over the crate's own connections. It follows no redirect,
//! uses no proxy and keeps no cookie, and tells exactly whether a request that failed may have arrived.

mod client;
mod message;
mod progress;

pub use client::{HttpClient, HttpConnection};
pub use message::{HttpFailure, HttpRequest, HttpResponse, Sent};
