//! Floor 2: how an account reaches its servers, and what is known of mail services as data.

mod account;
pub mod mailbox_names;
mod sending;
mod server;

pub use account::{AccountSettings, ReadLimits};
pub(crate) use sending::GRAPH_SEND_SCOPE;
pub use sending::{Noreply, NoreplyReplyTo, Outgoing, PracticeSettings, ProviderSending};
pub use server::{Login, ServerSettings, TlsMode};
