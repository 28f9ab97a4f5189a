//! Unique identifiers of messages and mailboxes on a server (RFC 9051 §2.3.1.1).

use std::fmt;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

/// A message's unique identifier inside a mailbox, good for one [`UidValidity`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Uid(NonZeroU32);

/// A mailbox's unique identifier validity value: when it changes, every [`Uid`] known before is void.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UidValidity(NonZeroU32);

/// A modification sequence (RFC 7162 §3.1); zero means that the server keeps none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModSeq(pub u64);

macro_rules! nonzero {
    ($name:ident) => {
        impl $name {
            /// Takes a number from the wire or from storage; zero is not one.
            pub const fn new(number: u32) -> Option<Self> {
                match NonZeroU32::new(number) {
                    Some(number) => Some(Self(number)),
                    None => None,
                }
            }

            /// The number.
            pub const fn get(self) -> u32 {
                self.0.get()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

nonzero!(Uid);
nonzero!(UidValidity);
