//! Floor 5: storage that is ready-made.

mod keys;
mod sealing;
#[cfg(feature = "sqlite")]
pub mod sqlite;

pub use keys::{FileKey, StaticKey};
pub use sealing::Sealer;
