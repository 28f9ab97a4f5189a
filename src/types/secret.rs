//! Passwords, tokens and keys.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A password or token. It prints as `Secret(..)`, is wiped when dropped, and implements no serialisation:
///
/// ```compile_fail
/// serde_json::to_string(&practicemail::types::Secret::new("hunter2"));
/// ```
///
/// ```
/// let secret = practicemail::types::Secret::new("hunter2");
/// assert_eq!(format!("{secret:?}"), "Secret(..)");
/// ```
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes the secret over.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(SecretString::from(secret.into()))
    }

    /// The secret itself, for the place where it meets the wire.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
