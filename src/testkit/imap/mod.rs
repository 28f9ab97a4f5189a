//! An IMAP server with memory, manners to choose from, and faults to switch on.
//!
//! It speaks RFC 3501 and the extensions of the [`Personality`] it was built with. A test fills and changes the
//! mailboxes through [`UserMail`] while sessions run, and asks the server afterwards what was done to it.
//!
//! ```
//! use practicemail::testkit::{ImapServer, imap::{Fault, Personality}};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let server = ImapServer::builder().personality(Personality::Dovecot).user("anna", "secret").start().await?;
//! let anna = server.user("anna");
//! let uid = anna.append("INBOX", "From: client@example.org\r\n\r\nHello\r\n", &["\\Seen"], 1_700_000_000);
//! assert_eq!(uid, Some(1));
//!
//! // Connect to 127.0.0.1:server.port(), trusting server.ca_pem() …
//! server.inject(Fault::FetchMissing { uid: 1 }.times(1));
//! // … and look at what the session did.
//! assert!(server.bodies_fetched().is_empty());
//! # Ok::<(), std::io::Error>(())
//! # })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Left out
//! ENVELOPE, BODYSTRUCTURE and numbered MIME parts (BAD is answered), QRESYNC, and character sets other
//! than UTF-8. SEARCH compares header fields as they stand, without decoding encoded words.

mod change;
mod command;
mod date;
mod fault;
mod fetch;
mod fetch_answer;
mod gmail_query;
mod header;
mod idle;
mod injection;
mod list;
mod mailboxes;
mod misconduct;
mod personality;
mod reply;
mod search;
mod section;
mod select;
mod server;
mod session;
mod set;
mod sign_in;
mod store;
mod transcript;
mod user;
mod utf7;
pub mod wording;

pub use fault::{Asked, Fault, Flood, Sent, Told};
pub use injection::Injection;
pub use personality::Personality;
pub(crate) use server::Mailboxes;
pub use server::{ImapServer, ImapServerBuilder};
pub use transcript::Line;
pub use user::{StoredMessage, UserMail};
