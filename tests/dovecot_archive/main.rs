//! The archive on a real Dovecot, through the terminal host: what each of several users sees, finds, keeps back and erases, and whether
//! all of it is there.
//!
//! Needs `dovecot-imapd` (scripts/setup installs it) and the built example `practice`.

#[path = "../support/mod.rs"]
mod support;

mod attachments;
mod erasing;
mod firm;
mod malformed;
mod proof;
mod sight;
