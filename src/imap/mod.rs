//! Floor 5: IMAP (RFC 3501, RFC 9051).
//!
//! The wire has layers: TCP → TLS → meter → guard → `async-imap` for sign-in, tags and commands. The guard frames
//! every response before anything parses it, holds the limits, and hands values to this module's own readers; what a server
//! sends never reaches a recursive parser. Every tagged status is judged here; *empty* is believed only with its OK.

mod addressed;
mod classify;
mod commands;
mod connector;
mod filer;
mod gmail_query;
mod listing;
mod news;
mod reader;
mod requests;
mod sent_mailbox;
mod sign_in;
mod wire;

pub use connector::ImapConnector;
