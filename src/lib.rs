//! practicemail
pub mod types;
