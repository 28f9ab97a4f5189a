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
//!
//! # A tour by task
//!
//! ## An IMAP server with a mailbox
//!
//! A user has the mailboxes of the kind of server it is; a test adds others, fills and changes them while sessions run. Dates are
//! seconds since 1970.
//!
//! ```
//! use practicemail::testkit::ImapServer;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let server = ImapServer::builder().user("anna", "secret").start().await?;
//! let anna = server.user("anna");
//! anna.create_mailbox("Kunden/Bäckerei", &[]);
//! anna.append("INBOX", "From: paula@bakery.example\r\n\r\nHello\r\n", &["\\Seen"], 1_768_464_000);
//! // An account's settings lead to `localhost`, `server.port()`, and trust `server.ca_pem()`.
//! assert_eq!(anna.messages("INBOX")[0].flags, ["\\Seen"]);
//! # Ok::<(), std::io::Error>(())
//! # })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! ## A provider's personality
//!
//! What Gmail, Exchange, Yahoo or a bare server offer, how their mailboxes are named, and in which words they refuse. Single
//! capabilities are added and taken away.
//!
//! ```
//! use practicemail::testkit::{ImapServer, TlsMode, imap::Personality};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let gmail = ImapServer::builder().personality(Personality::Gmail).user("anna@gmail.com", "abcdefghijklmnop");
//! let gmail = gmail.start().await?;
//! gmail.user("anna@gmail.com").refuse_sign_in("[ALERT] Application-specific password required: https://…");
//!
//! let old = ImapServer::builder().personality(Personality::Bare).tls(TlsMode::StartTls).start().await?;
//! let without_push = ImapServer::builder().without_capability("IDLE").start().await?;
//! # drop((old, without_push));
//! # Ok::<(), std::io::Error>(())
//! # })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! ## A fault
//!
//! Each thing a server can do wrong is a value of [`imap::Fault`], [`smtp::Fault`], [`graph::GraphFault`] or [`oauth::OAuthFault`]. It
//! holds until it is disarmed, or as often, there and for whom it is narrowed down to.
//!
//! ```
//! use practicemail::testkit::{ImapServer, imap::Fault};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let server = ImapServer::builder().user("anna", "secret").start().await?;
//! let throttled = "NO [OVERQUOTA] Account exceeded command or bandwidth limits.";
//! server.inject(Fault::Answer { command: "FETCH".into(), text: throttled.into() }.after(2).times(3));
//! server.inject(Fault::FetchMissing { uid: 7 }.in_mailbox("INBOX").for_user("anna"));
//! // … what the product does about it …
//! server.clear_faults();
//! # Ok::<(), std::io::Error>(())
//! # })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! ## A server to send through
//!
//! Together with an IMAP server it is a whole mail service: what is sent lands in inboxes, and in the sender's Sent mailbox
//! where the personality files copies by itself.
//!
//! ```
//! use practicemail::testkit::{Certificates, CertificateKind, ImapServer, SmtpServer, smtp::{Fault, Stage}};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let authority = Certificates::new(CertificateKind::Valid)?;
//! let imap = ImapServer::builder().certificates(&authority).user("anna@hale.example", "secret").start().await?;
//! let smtp = SmtpServer::builder().certificates(&authority).user("anna@hale.example", "secret");
//! let smtp = smtp.delivers_into(&imap).files_into(&imap).start().await?;
//! // The next message is taken, and the connection breaks before that is said: the outcome is unknown.
//! smtp.inject(Fault::AnswerLost { at: Stage::EndOfData }.times(1));
//! assert!(smtp.deliveries().is_empty());
//! # Ok::<(), std::io::Error>(())
//! # })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! ## A sign-in with Google or Microsoft
//!
//! The application's registration and its endpoints come from the server; a [`Browser`](oauth::Browser) is the person at the page, who allows,
//! allows a part, or denies. The mail servers take its tokens while they live.
//!
//! ```
//! use practicemail::settings::OAuthProvider;
//! use practicemail::testkit::{AuthorizationServer, ImapServer, imap::Personality, oauth::{Browser, Person}};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let anna = Person::new("anna@hale.example").organisation("hale.example");
//! let google = AuthorizationServer::builder(OAuthProvider::Google).person(anna).start().await?;
//! let imap = ImapServer::builder().personality(Personality::Gmail).tokens(&google.tokens()).start().await?;
//! // `PracticeMail::with_registration(google.application(), …)`, `authorize` gives a URL, and then
//! // `browser.visit(&url).await?.allow().await?` comes back with what `complete_authorization` takes.
//! let browser = Browser::new(&google).sign_in_as("anna@hale.example");
//! google.end_grant("anna@hale.example"); // withdrawn at the provider: the account says so from then on
//! # drop((imap, browser));
//! # Ok::<(), std::io::Error>(())
//! # })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! ## What was done to a server
//!
//! The transcript holds every line a session sent, secrets and literals aside; beside it stand what was fetched, changed and taken.
//!
//! ```
//! use practicemail::connect::Protocols;
//! use practicemail::net::{Dialer, EgressPolicy};
//! use practicemail::settings::{AccountSettings, Login, ServerSettings, TlsMode};
//! use practicemail::contract::{Connector, Credential, SignInHints};
//! use practicemail::testkit::ImapServer;
//! use practicemail::types::Secret;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let server = ImapServer::builder().user("anna", "a long secret").start().await?;
//! let settings = ServerSettings::new("localhost", server.port(), TlsMode::Implicit)?.with_ca(server.ca_pem());
//! let settings = AccountSettings::new(settings, Login::new("anna")?);
//! let protocols = Protocols::new(Dialer::new().egress(EgressPolicy::Any));
//! let password = Credential::Password(Secret::new("a long secret"));
//! let mut session = protocols.open_reader(&settings, &password, &SignInHints::default()).await?.reader;
//! session.mailboxes(&[]).await?;
//! session.close().await;
//!
//! let lines: Vec<String> = server.transcript().iter().map(|line| line.text.clone()).collect();
//! assert!(lines.iter().any(|line| line.contains("LIST")), "{lines:?}");
//! assert!(lines.iter().all(|line| !line.contains("a long secret")));
//! assert_eq!((server.connections(), server.flags_changed(), server.bodies_fetched().len()), (1, 0, 0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
