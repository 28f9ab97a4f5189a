//! How values stand in what stores keep: as texts and numbers that every format of serde takes, also as the keys of a map. What is read is
//! checked as anything else is, and what is refused is not quoted.

/// Writes a type as a text, and reads it by a constructor that may refuse the text.
macro_rules! by_text {
    ($name:ident, |$value:ident| $write:expr, |$text:ident| $read:expr) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                let $value = self;
                serializer.serialize_str($write)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> std::result::Result<Self, D::Error> {
                let $text = <String as serde::Deserialize>::deserialize(deserializer)?;
                $read.map_err(serde::de::Error::custom)
            }
        }
    };
}

/// Writes an enum by its stable names, `as_str`, of which `ALL` has every one.
macro_rules! by_name {
    ($name:ident) => {
        $crate::types::serial::by_text!($name, |value| value.as_str(), |text| {
            let named = $name::ALL.iter().copied().find(|value| value.as_str() == text);
            named.ok_or(concat!("not a known name of ", stringify!($name)))
        });
    };
}

/// Writes a type as the hexadecimal digits of its octets, and reads it by a constructor that may refuse the octets.
macro_rules! by_octets {
    ($name:ident, |$value:ident| $write:expr, |$octets:ident| $read:expr) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                let $value = self;
                $crate::types::serial::octets::serialize($write, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> std::result::Result<Self, D::Error> {
                let $octets = $crate::types::serial::octets::deserialize(deserializer)?;
                $read
                    .ok_or_else(|| serde::de::Error::custom(concat!("not the octets of ", stringify!($name))))
            }
        }
    };
}

pub(crate) use {by_name, by_octets, by_text};

/// Octets as lower-case hexadecimal digits, two each.
pub(crate) mod octets {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(crate) fn serialize<S: Serializer>(octets: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::hex(octets))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let digits = String::deserialize(deserializer)?;
        super::unhex(&digits).ok_or_else(|| D::Error::custom("not pairs of lower-case hexadecimal digits"))
    }
}

/// Octets as lower-case hexadecimal digits, two each.
pub(crate) fn hex(octets: &[u8]) -> String {
    octets
        .iter()
        .flat_map(|octet| [octet >> 4, octet & 15])
        .filter_map(|n| char::from_digit(n.into(), 16))
        .collect()
}

/// Reads what [`hex`] wrote; `None` for anything else.
pub(crate) fn unhex(digits: &str) -> Option<Vec<u8>> {
    let digit = |octet: u8| match octet {
        b'0'..=b'9' => Some(octet - b'0'),
        b'a'..=b'f' => Some(octet - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let octet = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
    pairs.iter().map(octet).collect::<Option<_>>().filter(|_| rest.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn digits_of_another_shape_are_refused() {
        for bad in ["0", "AB", "+f", "0x", " 00", "\u{e9}"] {
            assert_eq!(unhex(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn octets_read_back(octets in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(unhex(&hex(&octets)), Some(octets));
        }
    }
}
