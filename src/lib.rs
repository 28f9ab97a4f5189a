//! practicemail
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod contract;
pub mod error;
pub mod settings;
pub mod storage;
pub mod types;
