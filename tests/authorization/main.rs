//! Accounts that sign in with their provider, as real HTTP, IMAP and SMTP conversations with the test kit.

mod accounts;
mod canary;
mod firm;
mod journeys;
mod processes;
mod tokens;
