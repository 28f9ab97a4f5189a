//! practicemail
pub mod contract;
pub mod error;
pub mod settings;
#[cfg(feature = "sqlite")]
pub mod storage;
pub mod types;
