//! practicemail
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

pub mod connect;
pub mod contract;
pub mod error;
pub mod imap;
pub mod matching;
pub mod mime;
pub mod net;
pub mod practice_mail;
pub mod settings;
pub mod storage;
pub mod sync;
#[cfg(feature = "testkit")]
pub mod testkit;
pub mod types;

pub use practice_mail::PracticeMail;
