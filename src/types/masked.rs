//! What stands on a screen where a secret is, and what a form posts back.

use std::fmt;

use serde::{Serialize, Serializer};

use super::Secret;

/// How many dots: as many whatever the secret's length, so that they tell nothing of it.
const DOTS: usize = 14;
const DOT: char = '●';

/// Stands on a screen, and in whatever is serialised, where a secret is: fourteen black dots. It holds nothing.
///
/// ```
/// use practicemail::types::Masked;
/// assert_eq!(Masked.to_string(), "●●●●●●●●●●●●●●");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Masked;

impl fmt::Display for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..DOTS).try_for_each(|_| fmt::Write::write_char(f, DOT))
    }
}

impl Serialize for Masked {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a password field of a form holds when it is posted.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Entered {
    /// The dots came back, or nothing: the stored secret stays.
    Unchanged,
    /// A new secret.
    New(Secret),
}

impl Entered {
    /// Reads a posted field. Dots in any of the shapes browsers and fonts give them mean *unchanged*.
    ///
    /// ```
    /// use practicemail::types::{Entered, Masked};
    /// assert!(matches!(Entered::posted(&Masked.to_string()), Entered::Unchanged));
    /// assert!(matches!(Entered::posted("hunter2"), Entered::New(_)));
    /// ```
    pub fn posted(field: &str) -> Self {
        let dots = field.trim();
        let masked = dots.chars().all(|c| matches!(c, DOT | '•' | '∙' | '⬤'));
        if masked && (dots.is_empty() || dots.chars().count() == DOTS) {
            Self::Unchanged
        } else {
            Self::New(Secret::new(field))
        }
    }
}

impl From<Secret> for Entered {
    fn from(secret: Secret) -> Self {
        Self::New(secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S19
    #[test]
    fn fourteen_dots_stand_for_any_secret_and_change_nothing_when_posted_back() {
        assert_eq!(Masked.to_string().chars().count(), 14);
        assert_eq!(serde_json::to_string(&Masked).unwrap(), format!("\"{Masked}\""));
        for field in [Masked.to_string(), "•".repeat(14), format!(" {Masked} "), String::new()] {
            assert!(matches!(Entered::posted(&field), Entered::Unchanged), "{field}");
        }
        for field in ["●".repeat(13), "●".repeat(15), " pass word ".to_owned()] {
            let Entered::New(secret) = Entered::posted(&field) else { panic!("{field}") };
            assert_eq!(secret.expose(), field);
        }
    }
}
