//! Instants, to the second: as fine as mail itself goes.

use std::fmt;

use chrono::{DateTime, Datelike, Utc};
use serde::{Deserialize, Deserializer, Serialize};

/// An instant, in seconds since 1970-01-01T00:00:00Z.
///
/// ```
/// use practicemail::types::Timestamp;
/// let t = Timestamp::parse_rfc3339("2026-11-24T09:30:00+01:00").unwrap();
/// assert_eq!(t.to_string(), "2026-11-24T08:30:00Z");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant `seconds` after the epoch.
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    pub const fn as_unix(self) -> i64 {
        self.0
    }

    /// Reads an RFC 3339 date and time.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(|t| Self(t.timestamp()))
    }

    /// The instant `seconds` later (earlier when negative).
    pub const fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Days since the epoch: what daily budgets are counted by.
    pub const fn day(self) -> i64 {
        self.0.div_euclid(86_400)
    }
}

/// RFC 3339 in UTC.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::<Utc>::from_timestamp(self.0, 0) {
            Some(t) if (0..=9999).contains(&t.year()) => write!(f, "{}", t.format("%Y-%m-%dT%H:%M:%SZ")),
            _ => write!(f, "@{}", self.0),
        }
    }
}

/// The Date field of a message: an instant, and the zone its writer's clock showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MessageDate {
    /// The instant.
    pub at: Timestamp,
    /// Minutes east of UTC.
    #[serde(deserialize_with = "offset_minutes")]
    pub offset_minutes: i16,
}

impl MessageDate {
    /// Puts an instant and a zone together; zones beyond ±24 h count as UTC.
    pub const fn new(at: Timestamp, offset_minutes: i16) -> Self {
        let offset_minutes = if offset_minutes.unsigned_abs() <= 24 * 60 { offset_minutes } else { 0 };
        Self { at, offset_minutes }
    }
}

/// Reads a zone as [`MessageDate::new`] takes it.
fn offset_minutes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i16, D::Error> {
    i16::deserialize(deserializer).map(|read| MessageDate::new(Timestamp(0), read).offset_minutes)
}
