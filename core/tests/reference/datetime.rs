//! Dates and times (RFC 3339) as nanoseconds since 1970.

use super::text::pattern;

const FORM: &str = "^([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})\
                    (?:[.]([0-9]+))?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))$";

/// None for what is no date and time. Digits past the ninth of a fraction are dropped; second 60 is the next minute's first.
pub(crate) fn parse(text: &str) -> Option<i128> {
    let form = pattern(FORM);
    let parts = form.captures(text)?;
    let part = |at: usize| parts.get(at).map_or("", |part| part.as_str());
    let number = |at: usize| part(at).parse::<i128>().unwrap_or(0);
    let (year, month, day) = (number(1), number(2) as usize, number(3));
    let (hour, minute, second) = (number(4), number(5), number(6));
    let (hours, minutes) = (number(9), number(10));
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let lengths = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let length = *lengths.get(month.checked_sub(1)?)?;
    let in_range = (1..=length).contains(&day)
        && hour <= 23
        && minute <= 59
        && second <= 60
        && hours <= 23
        && minutes <= 59;
    if !in_range {
        return None;
    }
    // Days of the years before, from the year 0 on, and of the months before.
    let leap_years_before =
        if year == 0 { 0 } else { (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400 + 1 };
    let days = year * 365 + leap_years_before + lengths[..month - 1].iter().sum::<i128>() + day - 1;
    let east = (hours * 60 + minutes) * if part(8) == "-" { -60 } else { 60 };
    let seconds = (days - DAYS_TO_1970) * 86_400 + hour * 3_600 + minute * 60 + second - east;
    let fraction: String = part(7).chars().chain("000000000".chars()).take(9).collect();
    Some(seconds * 1_000_000_000 + fraction.parse::<i128>().expect("digits"))
}

const DAYS_TO_1970: i128 = 719_528;

/// From Unix milliseconds, of which a fraction is cut to whole nanoseconds; none beyond the years that RFC 3339 has.
pub(crate) fn from_milliseconds(milliseconds: f64) -> Option<i128> {
    let last = parse("9999-12-31T23:59:59.999Z").expect("a date") / 1_000_000 + 1;
    if milliseconds < -(last as f64) || milliseconds >= last as f64 {
        return None;
    }
    let whole = milliseconds.floor();
    let fraction = ((milliseconds - whole) * 1e6).floor().min(999_999.0);
    Some(whole as i128 * 1_000_000 + fraction as i128)
}

#[test]
fn dates_are_those_of_the_calendar() {
    assert_eq!(parse("1970-01-01T00:00:00Z"), Some(0));
    assert_eq!(parse("2000-03-01T00:00:00Z"), Some(951_868_800_000_000_000));
    assert_eq!(parse("0001-01-01T00:00:00Z"), Some(-62_135_596_800_000_000_000));
}
