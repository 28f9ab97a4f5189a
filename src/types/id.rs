//! Identifiers that the host chooses.

use super::serial::by_text;

/// Says why a text cannot be an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidId {
    /// The text is empty.
    #[error("an identifier must not be empty")]
    Empty,
    /// The text is longer than 128 octets.
    #[error("an identifier must not be longer than 128 octets")]
    TooLong,
    /// The text holds a control character.
    #[error("an identifier must not hold control characters")]
    ControlCharacter,
}

const MAX_OCTETS: usize = 128; // Long enough for two UUIDs with a prefix; short enough for every engine's index rows.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Between 1 and 128 octets without control characters; compared octet by octet.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Takes the host's identifier.
            ///
            /// # Errors
            /// [`InvalidId`] when it is empty, longer than 128 octets or holds a control character.
            pub fn new(id: impl Into<String>) -> Result<Self, InvalidId> {
                let id = id.into();
                if id.is_empty() {
                    return Err(InvalidId::Empty);
                }
                if id.len() > MAX_OCTETS {
                    return Err(InvalidId::TooLong);
                }
                if id.chars().any(char::is_control) {
                    return Err(InvalidId::ControlCharacter);
                }
                Ok(Self(id))
            }

            /// The identifier as the host gave it.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The number it was made [from](#impl-From<i64>); `None` if it was made from no number, also for another way of writing one.
            pub fn number(&self) -> Option<i64> {
                self.0.parse().ok().filter(|number: &i64| number.to_string() == self.0)
            }
        }

        /// For hosts whose ids are numbers: its decimal digits.
        impl From<i64> for $name {
            fn from(number: i64) -> Self {
                Self(number.to_string())
            }
        }

        by_text!($name, |id| id.as_str(), |text| $name::new(text));

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// Names a practice, the tenant.
    PracticeId
}
id! {
    /// Names a user, a member of the practice's staff.
    UserId
}
id! {
    /// Names a client of the practice.
    ClientId
}
id! {
    /// Names an account: one user's connection to one mail service.
    AccountId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_refused_with_the_reason() {
        assert_eq!(PracticeId::new(""), Err(InvalidId::Empty));
        assert_eq!(PracticeId::new("x".repeat(129)), Err(InvalidId::TooLong));
        assert_eq!(PracticeId::new("a\0b"), Err(InvalidId::ControlCharacter));
        assert_eq!(PracticeId::new("müller & co").unwrap().as_str(), "müller & co");
    }

    #[test]
    fn a_number_comes_back_from_its_own_writing_only() {
        for number in [0, 7, -1, i64::MAX, i64::MIN] {
            assert_eq!(ClientId::from(number).number(), Some(number));
        }
        for text in ["c1", "07", "+7", "7 ", "-0", "9223372036854775808"] {
            assert_eq!(ClientId::new(text).unwrap().number(), None, "{text}");
        }
    }
}
