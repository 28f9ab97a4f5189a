//! Floor 5: handing messages to a submission server (RFC 6409).
//!
//! [`SmtpTransport`] keeps the contract of [`MailTransport`](crate::contract::MailTransport): `lettre` writes the commands
//! and the message, over a stream of this crate that frames what the server says, keeps the deadlines, and knows the moment
//! from which on a failure leaves the delivery unknown.

mod classify;
mod deadlines;
mod end_of_data;
mod extensions;
mod octets;
mod recipients;
mod reply;
mod session;
mod sign_in;
mod start_tls;
mod transaction;
mod transport;
mod wire;

pub use deadlines::Deadlines;
pub use transport::SmtpTransport;
