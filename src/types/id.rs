//! Identifiers that the host chooses.

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
        }

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
}
