//! Dates as IMAP writes them (RFC 9051 §9 `date-time`), in seconds since 1970.

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY: i64 = 86_400;

/// `17-Jul-1996 02:44:25 +0000`.
pub(super) fn date_time(seconds: i64) -> String {
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    let clock = seconds.rem_euclid(DAY);
    let name = usize::try_from(month - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or("Jan");
    format!("{day:>2}-{name}-{year:04} {:02}:{:02}:{:02} +0000", clock / 3600, clock / 60 % 60, clock % 60)
}

/// The instant of a `date-time`.
pub(super) fn parse_date_time(text: &str) -> Option<i64> {
    let mut words = text.split_whitespace();
    let day = parse_date(words.next()?)?;
    let mut clock = words.next()?.split(':').map(|part| part.parse::<i64>().ok());
    let (hours, minutes, seconds) = (clock.next()??, clock.next()??, clock.next()??);
    let zone: i64 = words.next()?.parse().ok()?;
    let offset = zone / 100 * 3600 + zone % 100 * 60;
    Some(day * DAY + hours * 3600 + minutes * 60 + seconds - offset)
}

/// The day, counted from 1970, of a `date`: `1-Feb-1994`.
pub(super) fn parse_date(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    day_number(parts.next()?, parts.next()?, parts.next()?)
}

/// The day in a Date header field, its zone disregarded (RFC 9051 §6.4.4 `SENTSINCE`).
pub(super) fn header_day(value: &str) -> Option<i64> {
    let date = value.split_once(',').map_or(value, |(_, date)| date);
    let mut words = date.split_whitespace();
    day_number(words.next()?, words.next()?, words.next()?)
}

/// The day an instant falls on, in UTC.
pub(super) fn day_of(seconds: i64) -> i64 {
    seconds.div_euclid(DAY)
}

fn day_number(day: &str, month: &str, year: &str) -> Option<i64> {
    let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))?;
    let month = i64::try_from(month).ok()? + 1;
    Some(days(year.parse().ok()?, month, day.parse().ok()?))
}

/// Days since 1970 of a proleptic Gregorian date, counting years from March so that leap days come last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_round_trip() {
        for seconds in [0, 951_782_399, 951_782_400, 1_709_210_096, 4_102_444_799] {
            assert_eq!(parse_date_time(&date_time(seconds)), Some(seconds));
        }
        assert_eq!(date_time(1_709_210_096), "29-Feb-2024 12:34:56 +0000");
        assert_eq!(parse_date_time("29-Feb-2024 13:34:56 +0100"), Some(1_709_210_096));
        assert_eq!(header_day("Thu, 29 Feb 2024 12:34:56 +0000"), parse_date("29-Feb-2024"));
        assert_eq!(parse_date("29-Foo-2024"), None);
    }
}
