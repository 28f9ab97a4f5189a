//! Floor 2: how an account reaches its servers, and what is known of mail services as data.

mod account;
pub mod mailbox_names;
mod server;

pub use account::{AccountSettings, ReadLimits};
pub use server::{Login, ServerSettings, TlsMode};
