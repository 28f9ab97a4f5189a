//! In-process servers for tests, of this crate and of the software it is embedded in.
//!
//! Everything listens on loopback, on a free port, and ends when it is dropped. Nothing here is for
//! production: keys are thrown away with the test and secrets are compared without care.
//!
//! | for | use |
//! |---|---|
//! | an IMAP server with mailboxes, personalities and faults | [`ImapServer`] |
//! | a server that says exactly what a list of steps says | [`ScriptServer`] |
//! | certificates, good and bad ones | [`Certificates`] |

mod base64;
mod certificates;
pub mod imap;
mod listener;
mod script;
mod wire;

pub use certificates::{CertificateKind, Certificates};
pub use imap::ImapServer;
pub use listener::TlsMode;
pub use script::{Script, ScriptServer};
