//! The Date field (RFC 5322 §3.3, obsolete §4.3).

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate};

use super::lexer::{Lexer, Token};
use crate::types::{MessageDate, Timestamp};

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The zones of RFC 5322 §4.3 that are not UTC, in hours; every other name counts as UTC, as it asks for.
const ZONES: [(&str, i32); 8] =
    [("EST", -5), ("EDT", -4), ("CST", -6), ("CDT", -5), ("MST", -7), ("MDT", -6), ("PST", -8), ("PDT", -7)];

/// Reads a date; a leap second is the second before it, a missing zone UTC. `None` for what is on no calendar or clock.
pub(super) fn parse(value: &str) -> Option<MessageDate> {
    let mut tokens = Lexer::new(value.as_bytes())
        .filter(|token| !matches!(token, Token::Comment(_) | Token::Special(b',')))
        .peekable();
    let day_name = |token: &Token<'_>| matches!(token, Token::Atom(word) if word.iter().all(|b| b.is_ascii_alphabetic() || *b == b'.'));
    tokens.next_if(day_name);
    let day = number(tokens.next()?)?;
    let month = atom(tokens.next()?)?.get(..3)?.to_ascii_lowercase();
    let month = (1..).zip(MONTHS).find(|(_, name)| *name == month)?.0;
    let year = tokens.next()?;
    let year = full_year(number(year)?, atom(year)?.len());
    let hour = number(tokens.next()?)?;
    tokens.next_if_eq(&Token::Special(b':'))?;
    let minute = number(tokens.next()?)?;
    let second = match tokens.next_if_eq(&Token::Special(b':')) {
        Some(_) => number(tokens.next()?)?,
        None => 0,
    };
    let offset = tokens.next().map_or(Some(0), zone)?;
    let local = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?.and_hms_opt(
        hour,
        minute,
        if second == 60 { 59 } else { second },
    )?;
    let at = local.and_local_timezone(FixedOffset::east_opt(offset * 60)?).single()?;
    Some(MessageDate::new(Timestamp::from_unix(at.timestamp()), i16::try_from(offset).ok()?))
}

/// Writes a date (RFC 5322 §3.3) in its own zone; `None` for one before 1900, which mail cannot date, or after 9999.
pub(super) fn format(date: MessageDate) -> Option<String> {
    let zone = FixedOffset::east_opt(i32::from(date.offset_minutes) * 60).or(FixedOffset::east_opt(0))?;
    let local = DateTime::from_timestamp(date.at.as_unix(), 0)?.with_timezone(&zone);
    (1900..=9999).contains(&local.year()).then(|| local.format("%a, %d %b %Y %H:%M:%S %z").to_string())
}

fn atom(token: Token<'_>) -> Option<&str> {
    match token {
        Token::Atom(word) => std::str::from_utf8(word).ok(),
        _ => None,
    }
}

/// A number of at most four digits: no part of a date has more.
fn number(token: Token<'_>) -> Option<u32> {
    atom(token).filter(|digits| digits.len() <= 4 && digits.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()
}

/// RFC 5322 §4.3: two digits are 1950 to 2049, three count from 1900.
fn full_year(year: u32, digits: usize) -> u32 {
    match (digits, year) {
        (..=2, ..=49) => 2000 + year,
        (..=3, _) => 1900 + year,
        _ => year,
    }
}

/// Minutes east of UTC.
fn zone(token: Token<'_>) -> Option<i32> {
    let name = atom(token)?;
    let sign = match name.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => {
            let known = ZONES.into_iter().find(|(zone, _)| zone.eq_ignore_ascii_case(name));
            return Some(known.map_or(0, |(_, hours)| hours * 60));
        }
    };
    let digits: u32 =
        name.get(1..).filter(|d| d.len() == 4 && d.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()?;
    let (hours, minutes) = (digits / 100, digits % 100);
    let minutes = i32::try_from((hours < 24 && minutes < 60).then_some(hours * 60 + minutes)?).ok()?;
    Some(sign * minutes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_are_instants_with_a_zone() {
        for (date, instant, offset) in [
            ("Tue, 24 Nov 2026 09:30:00 +0100", "2026-11-24T08:30:00Z", 60),
            ("Tue , 24\tNov 2026 09 : 30 : 60 -0330 (no(n)e)", "2026-11-24T13:00:59Z", -210),
            ("24 Nov 99 09:30 GMT", "1999-11-24T09:30:00Z", 0),
            ("24 november 126 9:30 edt", "2026-11-24T13:30:00Z", -240),
            ("Tue, 24 Nov 26 09:30:00 Z", "2026-11-24T09:30:00Z", 0),
            ("24 Nov 2026 09:30:00 CEST", "2026-11-24T09:30:00Z", 0),
            ("24 Nov 2026 09:30:00", "2026-11-24T09:30:00Z", 0),
            ("29 Feb 1904 00:00:00 -0000", "1904-02-29T00:00:00Z", 0),
        ] {
            let expected = MessageDate::new(Timestamp::parse_rfc3339(instant).unwrap(), offset);
            assert_eq!(parse(date), Some(expected), "{date}");
        }
    }

    #[test]
    fn a_date_is_written_in_its_zone_and_reads_back() {
        for (instant, offset, expected) in [
            ("2026-11-24T08:30:00Z", 60, "Tue, 24 Nov 2026 09:30:00 +0100"),
            ("2026-01-01T01:00:00Z", -210, "Wed, 31 Dec 2025 21:30:00 -0330"),
            ("2026-11-24T08:30:00Z", 1440, "Tue, 24 Nov 2026 08:30:00 +0000"),
        ] {
            let date = MessageDate::new(Timestamp::parse_rfc3339(instant).unwrap(), offset);
            assert_eq!(format(date).as_deref(), Some(expected));
            assert_eq!(parse(expected).unwrap().at, date.at);
        }
        assert_eq!(format(MessageDate::new(Timestamp::from_unix(i64::MAX), 0)), None);
        assert_eq!(format(MessageDate::new(Timestamp::from_unix(-9_999_999_999), 0)), None);
    }

    #[test]
    fn what_is_on_no_calendar_or_clock_is_no_date() {
        for date in [
            "",
            "yesterday",
            "Tue, 31 Feb 2026 09:30:00 +0000",
            "24 Nov 2026 25:30:00 +0000",
            "24 Nov 2026 09:60:00 +0000",
            "24 Nov 2026 09:30:00 +9999",
            "24 Nov 2026 09:30:00 +0060",
            "24 Nov 20260 09:30:00 +0000",
            "24 Foo 2026 09:30:00 +0000",
            "24 Näv 2026 09:30:00 +0000",
            "2026-11-24T09:30:00Z",
        ] {
            assert_eq!(parse(date), None, "{date}");
        }
    }

    proptest! {
        #[test]
        fn any_date_is_read_without_panic(date in "[A-Z]?[0-9]{1,6} (Jan|feb|Xyz|[0-9]{1,3}) [0-9]{1,6} [0-9]{1,3}:[0-9]{1,3}(:[0-9]{1,3})? ([-+][0-9]{1,6}|[A-Z]{1,4})", text in any::<String>()) {
            parse(&date);
            parse(&text);
        }
    }
}
