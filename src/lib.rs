//! practicemail
pub mod contract;
pub mod error;
pub mod imap;
pub mod mime;
pub mod net;
pub mod settings;
pub mod types;
