//! Floor 2: how an account reaches its servers, and what is known of mail services as data.

mod account;
mod authentication;
mod gateway;
pub mod mailbox_names;
mod oauth;
mod practice;
mod preset;
mod provider;
mod reading;
mod sending;
mod server;
mod server_template;
mod signature;
pub mod typed;

pub use account::{AccountSettings, AttachmentKeeping, ReadLimits, Reading, Sharing, SignIn};
pub use gateway::Gateway;
pub use oauth::{ApplicationRegistration, Endpoint, OAuthEndpoints, OAuthProvider, Tenant, TokenServers};
pub use practice::{PracticeSettings, Way};
pub use provider::{AppPasswords, Confidence, Provider, SignInWith, UserName};
pub use reading::ProviderReading;
pub(crate) use sending::GRAPH_SEND_SCOPE;
pub use sending::{Noreply, NoreplyReplyTo, Outgoing, ProviderSending};
pub use server::{Login, ServerSettings, TlsMode};
pub use server_template::ServerTemplate;
pub(crate) use signature::{Signature, Stage, family_of};
