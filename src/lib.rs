//! practicemail
pub mod mime;
pub mod types;
