//! Floor 5: OAuth 2.0 as Google and Microsoft speak it (RFC 6749, RFC 7636, RFC 7009; `OpenID` Connect Core 1.0 for *who signed
//! in*): the URL a browser is sent to, what it comes back with, codes and refresh tokens redeemed, tokens revoked.
//!
//! One [`OAuthClient`] stands for one application registration. It keeps nothing: state, verifier and tokens are its
//! caller's, who seals and stores them. The dialogue is the `oauth2` crate's, over the crate's own
//! [`HttpClient`](crate::net::HttpClient); nothing of an answer is ever printed, for it may hold tokens.

mod callback;
mod client;
mod http;
mod identity;
mod refusal;
mod scope;

pub use callback::Callback;
pub(crate) use client::TokenFailure;
pub use client::{Authorization, AuthorizationPrompt, OAuthClient, Tokens};
pub use identity::Identity;
pub use refusal::{Refusal, RefusalStage};
pub use scope::{Resource, not_granted, scopes};
