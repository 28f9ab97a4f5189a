//! A submission server (RFC 6409) with users, personalities to choose from, and faults to switch on.
//!
//! It keeps what it takes responsibility for, files copies and delivers into an [`ImapServer`](super::ImapServer) where told
//! to, and says afterwards what was done to it.
//!
//! ```
//! use practicemail::contract::{Credential, MailTransport, SendPermit, Submission};
//! use practicemail::net::{Dialer, EgressPolicy};
//! use practicemail::settings::{Login, ServerSettings, TlsMode};
//! use practicemail::smtp::SmtpTransport;
//! use practicemail::testkit::{SmtpServer, smtp::{Fault, Stage}};
//! use practicemail::types::{Address, Secret};
//! use std::{sync::Arc, time::Duration};
//!
//! struct Always;
//! #[async_trait::async_trait]
//! impl SendPermit for Always {
//!     async fn confirm(&self) -> practicemail::error::Result<Duration> {
//!         Ok(Duration::from_mins(1))
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let server = SmtpServer::builder().user("anna", "secret").start().await?;
//! let settings = ServerSettings::new("localhost", server.port(), TlsMode::Implicit)?.with_ca(server.ca_pem());
//! let transport = SmtpTransport::new(
//!     Dialer::new().egress(EgressPolicy::Any),
//!     settings,
//!     Login::new("anna")?,
//!     Credential::Password(Secret::new("secret")),
//! );
//! let (anna, paula) = (Address::parse("anna@practice.example")?, Address::parse("paula@bakery.example")?);
//! let message = Submission::new(anna, vec![paula], b"Subject: Hello\r\n\r\nHello\r\n".to_vec());
//!
//! server.inject(Fault::reply(Stage::Mail, "451 4.3.0 not now").times(1));
//! assert!(transport.send(&message, Arc::new(Always)).await.is_err());
//! assert!(transport.send(&message, Arc::new(Always)).await.is_ok());
//! assert_eq!(server.deliveries().len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Left out
//! CHUNKING, PIPELINING (commands sent ahead are answered in order all the same), DSN; nothing is ever relayed.

mod dialogue;
mod fault;
mod filing;
mod injection;
mod output;
mod personality;
mod record;
mod server;
mod session;
mod sign_in;
mod transaction;

pub use fault::{Fault, Flood, Stage};
pub use injection::Injection;
pub use personality::Personality;
pub use record::{Delivery, SessionRecord};
pub use server::{SmtpServer, SmtpServerBuilder};

pub use crate::testkit::imap::Line;
