//! Floor 5: stores that come with the crate.

#[cfg(feature = "sqlite")]
pub mod sqlite;
