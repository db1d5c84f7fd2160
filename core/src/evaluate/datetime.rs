//! Dates and times of RFC 3339, to the nanosecond.

/// Seconds since 1970 and nanoseconds within the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    pub(crate) seconds: i64,
    pub(crate) nanoseconds: u32,
}

impl Moment {
    /// From Unix milliseconds; a fraction of one is kept.
    pub(crate) fn from_milliseconds(milliseconds: f64) -> Option<Self> {
        // RFC 3339 ends with the year 9999.
        const LAST: f64 = 253_402_300_800_000.0;
        if !(-LAST..LAST).contains(&milliseconds) {
            return None;
        }
        let whole = milliseconds as i64 - i64::from((milliseconds as i64) as f64 > milliseconds);
        let fraction = milliseconds - whole as f64;
        // A fraction just below zero is, in binary64, a whole millisecond after the one before.
        let within = ((fraction * 1e6) as u32).min(999_999);
        let nanoseconds = whole.rem_euclid(1000) as u32 * 1_000_000 + within;
        Some(Self { seconds: whole.div_euclid(1000), nanoseconds })
    }

    /// `2024-02-29T12:00:00.5+01:00`; also with a blank or a small `t` between, a small `z`, and second 60. Digits past the ninth
    /// of a fraction are dropped.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let (date, rest) = text.split_at_checked(10)?;
        let (year, month, day) = (digits(date, 0, 4)?, digits(date, 5, 2)?, digits(date, 8, 2)?);
        let separators = date.get(4) == Some(&b'-') && date.get(7) == Some(&b'-');
        let (time, rest) = rest.split_at_checked(9)?;
        let (hour, minute, second) =
            (digits(time, 1, 2)?, digits(time, 4, 2)?, digits(time, 7, 2)?);
        let separators = separators
            && matches!(time.first(), Some(b'T' | b't' | b' '))
            && time.get(3) == Some(&b':')
            && time.get(6) == Some(&b':');
        let (nanoseconds, rest) = fraction(rest)?;
        let offset = offset(rest)?;
        let in_range = separators
            && (1..=12).contains(&month)
            && (1..=days_in(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second <= 60;
        let seconds = days_before(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
        in_range.then_some(Self { seconds: seconds - offset, nanoseconds })
    }
}

/// A date and a time of RFC 3339 as Unix milliseconds, what is finer cut off.
#[cfg(feature = "compile")]
pub fn unix_ms(text: &str) -> Option<i64> {
    let moment = Moment::parse(text.as_bytes())?;
    Some(moment.seconds * 1_000 + i64::from(moment.nanoseconds / 1_000_000))
}

fn digits(text: &[u8], at: usize, count: usize) -> Option<i64> {
    text.get(at..at + count)?.iter().try_fold(0, |value, byte| {
        byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0'))
    })
}

/// The nanoseconds of `.123`, if it is there, and what stands behind.
fn fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let Some(text) = text.strip_prefix(b".") else { return Some((0, text)) };
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (fraction, rest) = text.split_at_checked(length)?;
    let digit = |at: usize| fraction.get(at).map_or(0, |byte| u32::from(byte - b'0'));
    let nanoseconds = (0..9).fold(0, |value, at| value * 10 + digit(at));
    (length > 0).then_some((nanoseconds, rest))
}

/// Seconds east of Greenwich.
fn offset(text: &[u8]) -> Option<i64> {
    match text {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let (hours, minutes) = (digits(text, 1, 2)?, digits(text, 4, 2)?);
            let seconds = hours * 3600 + minutes * 60;
            let in_range = hours < 24 && minutes < 60;
            in_range.then_some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 (Hinnant, chrono-compatible low-level date algorithms, 2013).
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rfc_3339() {
        for (text, seconds, nanoseconds) in [
            ("1970-01-01T00:00:00Z", 0, 0),
            ("1969-12-31T23:59:59.999Z", -1, 999_000_000),
            ("2024-02-29T12:00:00+01:00", 1_709_204_400, 0),
            ("2024-02-29t12:00:00.000000001z", 1_709_208_000, 1),
            ("2000-03-01 00:00:00-00:30", 951_870_600, 0),
            ("0001-01-01T00:00:00Z", -62_135_596_800, 0),
            ("9999-12-31T23:59:59.9999999999Z", 253_402_300_799, 999_999_999),
        ] {
            assert_eq!(
                Moment::parse(text.as_bytes()),
                Some(Moment { seconds, nanoseconds }),
                "{text}"
            );
        }
        for text in [
            "",
            "2024-02-30T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2024-01-01",
            "2024-01-01T00:00:00",
            "2024-01-01T24:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00+0100",
            "24-01-01T00:00:00Z",
            "2024-01-01T00:00:00Z ",
        ] {
            assert_eq!(Moment::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn milliseconds_and_text_meet() {
        let text = Moment::parse(b"1969-12-31T23:59:59.999Z");
        assert_eq!(Moment::from_milliseconds(-1.0), text);
        let half = Moment::from_milliseconds(0.5);
        assert_eq!(half, Some(Moment { seconds: 0, nanoseconds: 500_000 }));
        let last_nanosecond = Moment::parse(b"1969-12-31T23:59:59.999999999Z");
        assert_eq!(Moment::from_milliseconds(-1e-300), last_nanosecond);
        assert_eq!(Moment::from_milliseconds(f64::NAN), None);
        assert_eq!(Moment::from_milliseconds(1e300), None);
    }
}
