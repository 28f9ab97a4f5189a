//! First-class email for practice-management software: every client's page gets an Email tab with every message between that
//! client and anyone in the practice, history included.
//!
//! # A tour by task
//!
//! | to | see |
//! |---|---|
//! | put it into a product | [`PracticeMail`], and the host's whole code in the README |
//! | hand over your users and clients | [`contract::PracticeDirectory`] |
//! | choose where everything is kept | [`practice_mail::Storage`], [`storage`] |
//! | let users sign in with Google or Microsoft | [`PracticeMail::authorize`], [`PracticeMail::complete_authorization`] |
//! | connect an account with a password | [`PracticeMail::connect`], [`PracticeMail::check`] |
//! | fill in a user's servers from their address | [`PracticeMail::discover`], [`settings::Provider`] |
//! | disconnect an account | [`PracticeMail::disconnect`] |
//! | switch a way of connecting off, register the practice's own application | [`PracticeMail::switch`], [`PracticeMail::register_application`] |
//! | find settings for an address | [`discover::Discoverer`], [`settings::Provider`] |
//! | read the mail | [`PracticeMail::sync`] |
//! | read it as it comes, while somebody looks | [`PracticeMail::watch`] |
//! | show a client's mail | [`PracticeMail::tab`], [`PracticeMail::conversations`], [`practice_mail::TabQuery`] |
//! | search it | [`practice_mail::TabQuery::search`] |
//! | open a message, an attachment | [`PracticeMail::show`], [`PracticeMail::attachment`], [`PracticeMail::raw`] |
//! | let users keep mail from their colleagues | [`PracticeMail::hide`], [`PracticeMail::set_sharing`] |
//! | prove that nothing is missing, and say why something is | [`PracticeMail::reconcile`], [`PracticeMail::why`], [`PracticeMail::dead_letters`] |
//! | erase, and tidy up once a day | [`PracticeMail::erase`], [`PracticeMail::forget`], [`contract::PracticeDirectory::retention`] |
//! | export | [`PracticeMail::export`], [`PracticeMail::export_messages`] |
//! | tell an author by which way their message will leave | [`PracticeMail::preview_route`] |
//! | send, answer, forward | [`PracticeMail::send`], [`types::Draft`] |
//! | learn what became of it | [`PracticeMail::outcome`], [`PracticeMail::outbox`] |
//! | send what is due, by your schedule | [`PracticeMail::deliver`] |
//! | switch a way of connecting on or off | [`PracticeMail::switch`], [`PracticeMail::practice_settings`] |
//! | use an application registration of the practice's own | [`PracticeMail::register_application`] |
//! | send for those without an account | [`PracticeMail::set_noreply`] |
//! | show an administrator how everybody's mail fares | [`PracticeMail::status`] |
//! | tell a user what to do about a failure | [`error::Error::advice`], [`error::ErrorKind`] |
//! | follow what happens | [`PracticeMail::changes`] |
//! | test your integration without a network | the features `testkit` and `conformance`, and `manual::testing` |
//! | write a store or an adapter of your own | [`manual::implementing`] |
//! | run it: backups, keys, what to watch; a new release | [`manual::operating`], [`manual::upgrading`] |
//! | understand how it works | [`manual::architecture`], [`manual::archive`], [`manual::connecting`], [`manual::sending`], [`manual::glossary`] |
//!
//! # In short
//!
//! ```
//! use std::sync::Arc;
//! use practicemail::PracticeMail;
//! use practicemail::contract::SystemClock;
//! use practicemail::practice_mail::Storage;
//! use practicemail::storage::{MemoryDirectory, MemoryStore, StaticKey};
//! use practicemail::types::PracticeId;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> practicemail::error::Result<()> {
//! let store = Arc::new(MemoryStore::new(Arc::new(SystemClock::new())));
//! let directory = Arc::new(MemoryDirectory::new());
//! let mail = PracticeMail::new(directory, Storage::of(store), Arc::new(StaticKey::new([7; 32])));
//!
//! let unknown = mail.status(&PracticeId::new("nobody")?).await.unwrap_err();
//! assert_eq!(unknown.advice().remedy, "Check the name and try again.");
//! # Ok(())
//! # }
//! ```

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::panic,
        clippy::print_stdout
    )
)]

#[cfg(feature = "conformance")]
pub mod conformance;
pub mod connect;
pub mod contract;
pub mod discover;
pub mod error;
pub mod graph;
pub mod imap;
pub mod manual;
pub mod matching;
pub mod mime;
pub mod net;
pub mod oauth;
mod outbound;
pub mod practice_mail;
pub mod settings;
pub mod smtp;
pub mod storage;
pub mod sync;
#[cfg(feature = "testkit")]
pub mod testkit;
pub mod types;

pub use practice_mail::PracticeMail;

/// The README's code compiles.
#[cfg(all(doctest, feature = "sqlite"))]
#[doc = include_str!("../README.md")]
#[derive(Debug)]
pub struct ReadmeDoctests;
