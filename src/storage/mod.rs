//! Floor 5: where everything durable is kept.
//!
//! [`MemoryStore`] and [`MemoryDirectory`] keep it in memory, for tests and as the plainest reading of the contracts;
//! [`BlobDirectory`] keeps octets in a directory of files. [`Sealer`] seals passwords and tokens with a key of
//! [`FileKey`], [`StaticKey`] or the host before any store sees them.

mod blob_directory;
mod content;
mod keys;
mod links;
mod memory;
mod outgoing;
#[cfg(feature = "postgres")]
pub mod postgres;
mod practice_secret;
mod sealing;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
#[cfg(feature = "sqlite")]
pub mod sqlite;
mod words;

pub use blob_directory::BlobDirectory;
pub use keys::{FileKey, StaticKey};
pub use memory::{MemoryDirectory, MemoryStore};
pub use sealing::Sealer;
