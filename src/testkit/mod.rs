//! In-process servers for tests, of this crate and of the software it is embedded in.
//!
//! Everything listens on loopback, on a free port, and ends when it is dropped. Nothing here is for
//! production: keys are thrown away with the test and secrets are compared without care.
//!
//! | for | use |
//! |---|---|
//! | an IMAP server with mailboxes, personalities and faults | [`ImapServer`] |
//! | a submission server that delivers, files, and goes wrong where told to | [`SmtpServer`] |
//! | Microsoft Graph's way of sending, with faults | [`GraphServer`] |
//! | an authorization server as Google's or Microsoft's, and a person's browser | [`AuthorizationServer`] |
//! | a web server of fixed answers | [`WebServer`] |
//! | a name server with a small table | [`NameServer`] |
//! | a server that says exactly what a list of steps says | [`ScriptServer`] |
//! | certificates, good and bad ones | [`Certificates`] |

mod base64;
mod certificates;
pub mod graph;
mod http;
pub mod imap;
mod listener;
pub mod names;
pub mod oauth;
mod script;
pub mod smtp;
mod tokens;
mod web;
mod wire;

pub use certificates::{CertificateKind, Certificates};
pub use graph::GraphServer;
pub use http::ReceivedRequest;
pub use imap::ImapServer;
pub use listener::TlsMode;
pub use names::NameServer;
pub use oauth::AuthorizationServer;
pub use script::{Script, ScriptServer};
pub use smtp::SmtpServer;
pub use tokens::TokenRegistry;
pub use web::{WebAnswer, WebServer, WebServerBuilder};
