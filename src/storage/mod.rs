//! Floor 5: where everything durable is kept.
//!
//! [`MemoryStore`] and [`MemoryDirectory`] keep it in memory, for tests and as the plainest reading of the contracts;
//! [`BlobDirectory`] keeps octets in a directory of files. [`Sealer`] seals passwords and tokens with a key of
//! [`FileKey`], [`StaticKey`] or the host before any store sees them.

mod blob_directory;
mod keys;
mod memory;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod rules;
mod sealing;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
#[cfg(feature = "sqlite")]
pub mod sqlite;

pub use blob_directory::BlobDirectory;
pub use keys::{FileKey, StaticKey};
pub use memory::{MemoryDirectory, MemoryStore};
pub use sealing::Sealer;
