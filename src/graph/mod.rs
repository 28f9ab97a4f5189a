//! Floor 5: sending by Microsoft Graph, which needs no SMTP AUTH in the tenant.
//!
//! One request hands a whole message over: `POST /v1.0/me/sendMail` with its octets in base64. Recipients are read from the
//! header, and a Bcc field among them is removed by the service. It files the copy in the Sent mailbox by itself.

mod answer;
mod transport;

pub use transport::GraphTransport;

/// What a token must allow to send; reading is asked for apart.
pub const SEND_SCOPE: &str = crate::settings::GRAPH_SEND_SCOPE;
