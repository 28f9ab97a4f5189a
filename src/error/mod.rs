//! Floor 1: the one error of the crate.
//!
//! An [`Error`] is a [`kind`](Error::kind) — what happened, chosen by what has to be done next — and a message for the
//! one who operates the host. Words for the user, the remedy and who must act follow from the kind:
//! [`Error::advice`]. No error holds a secret, a subject, an address or a body.

mod kind;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

pub use kind::{Advice, ErrorKind, Who};

use crate::types::Timestamp;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong.
///
/// `Display` is the message alone; what caused it is [`source`](std::error::Error::source).
pub struct Error {
    kind: ErrorKind,
    message: Cow<'static, str>,
    retry_at: Option<Timestamp>,
    pause: Option<Duration>,
    hint: Option<Box<str>>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of `kind`; `message` says in one clause what was being done and what happened.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into(), retry_at: None, pause: None, hint: None, source: None }
    }

    /// What a host's own database failed with, for `map_err`. The caller vouches that it prints no secret and nothing of a message.
    ///
    /// ```
    /// use practicemail::error::{Error, ErrorKind, Result};
    /// fn rows() -> Result<Vec<u8>> {
    ///     std::fs::read("no such file").map_err(Error::storage)
    /// }
    /// assert_eq!(rows().unwrap_err().kind(), ErrorKind::Storage);
    /// ```
    pub fn storage(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Storage, "the host's own tables could not be read").with_source(cause)
    }

    /// Adds what caused it. The caller vouches that it prints no secret and nothing of a message.
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds the instant before which trying again is pointless, as the server said it.
    pub fn retry_at(mut self, at: Timestamp) -> Self {
        self.retry_at = Some(at);
        self
    }

    /// Adds how long trying again is pointless from now on, as the server said it or is known to mean it.
    pub fn retry_after(mut self, pause: Duration) -> Self {
        self.pause = Some(pause);
        self
    }

    /// The same error, told in other words.
    pub(crate) fn reworded(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.message = message.into();
        self
    }

    /// The same error, as another kind.
    pub(crate) fn of_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// Adds what is known of this very service, in words for the user.
    pub(crate) fn with_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.map(String::into_boxed_str);
        self
    }

    /// What is known of this very service beside the [`advice`](Self::advice), in words for the user: where it makes app
    /// passwords, where IMAP is switched on, what a mistyped name may have meant.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// What happened.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// When it makes sense to try again, where the server said so.
    pub fn not_before(&self) -> Option<Timestamp> {
        self.retry_at
    }

    /// How long to wait before trying again, where the server said so; counted from when the error came up.
    pub fn pause(&self) -> Option<Duration> {
        self.pause
    }

    /// Words for the user, the remedy, and who must act.
    pub fn advice(&self) -> Advice {
        self.kind.advice()
    }

    /// Whether the same may succeed later without anybody doing anything.
    pub fn is_retryable(&self) -> bool {
        self.advice().who == Who::Nobody
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({}: {}", self.kind.as_str(), self.message)?;
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        f.write_str(")")
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<crate::types::AddressError> for Error {
    fn from(error: crate::types::AddressError) -> Self {
        Self::new(ErrorKind::Invalid, error.to_string())
    }
}

impl From<crate::types::InvalidId> for Error {
    fn from(error: crate::types::InvalidId) -> Self {
        Self::new(ErrorKind::Invalid, error.to_string())
    }
}
