//! Ending work before its end, where nothing is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, ErrorKind, Result};

/// Ends a pass at the end of the window it is at. Clones are one brake.
#[derive(Debug, Clone, Default)]
pub(crate) struct Brake(Arc<AtomicBool>);

impl Brake {
    /// Pulls it, for good.
    pub(crate) fn pull(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was pulled.
    pub(crate) fn is_pulled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// An error once it was pulled.
    ///
    /// # Errors
    /// [`Cancelled`](ErrorKind::Cancelled).
    pub(crate) fn check(&self) -> Result<()> {
        let pulled =
            || Error::new(ErrorKind::Cancelled, "the pass was stopped; the next one goes on from there");
        if self.is_pulled() { Err(pulled()) } else { Ok(()) }
    }
}
