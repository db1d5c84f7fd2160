//! `before` and `after`: texts of RFC 3339, to the millisecond, and Unix milliseconds, on both sides.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

use crate::config::{Comparison, Condition, ContextType, DatetimeComparison};
use crate::evaluate::Moment;
use crate::import::node::{self, all, not};

/// The years of RFC 3339: from the one, and before the other.
const FIRST: i64 = -62_167_219_200_000;
const BEHIND: i64 = 253_402_300_800_000;
/// Beyond this LaunchDarkly's engines do not all take a number for a date.
const LARGEST: f64 = 9_007_199_254_740_991.0;
/// What our dates may have and LaunchDarkly's have not.
const FOREIGN: [&str; 4] = [" ", "t", "z", ":60"];

/// `is`: less for before, greater for after. One of the conditions must hold.
pub(super) fn tests(
    values: &[Value],
    attribute: &str,
    is: Comparison,
) -> Result<Vec<Condition>, String> {
    let mut tests = Vec::new();
    for value in values {
        let Some(bound) = milliseconds(value)? else { continue };
        tests.push(node::number(attribute, is, bound, false));
        // Of a text the milliseconds count: it is after what it reaches with the next whole one.
        let reaches = if is == Comparison::Less { bound.ceil() } else { bound.floor() + 1.0 };
        let (is, instant) = match (is, reaches as i64) {
            (Comparison::Less, instant) if instant <= FIRST => continue,
            (Comparison::Less, instant) if instant >= BEHIND => {
                (Comparison::LessOrEqual, BEHIND - 1)
            }
            (Comparison::Less, instant) => (Comparison::Less, instant),
            (_, instant) if instant >= BEHIND => continue,
            (_, instant) => (Comparison::GreaterOrEqual, instant.max(FIRST)),
        };
        let mut value = rfc_3339(instant);
        if is == Comparison::LessOrEqual {
            value = value.replace(".999Z", ".999999999Z");
        }
        let date = DatetimeComparison { attribute: attribute.to_string(), is, value };
        let foreign = node::texts(attribute, FOREIGN.map(ToString::to_string).to_vec(), false);
        tests.push(all([
            node::is_type(attribute, ContextType::String),
            Condition::Datetime(date),
            not(Condition::Contains(foreign)),
        ]));
    }
    Ok(tests)
}

/// None for what is no date.
fn milliseconds(value: &Value) -> Result<Option<f64>, String> {
    match value {
        Value::String(text) => {
            let date = Moment::parse(text.as_bytes());
            if FOREIGN.iter().any(|foreign| text.contains(foreign)) {
                return Ok(None);
            }
            match date {
                Some(date) => {
                    let within = i64::from(date.nanoseconds / 1_000_000);
                    Ok(Some((date.seconds * 1_000 + within) as f64))
                }
                None if is_a_date_to_some(text.as_bytes()) => Err(format!(
                    "compares with `{text}`, which not every engine of LaunchDarkly takes for a date"
                )),
                None => Ok(None),
            }
        }
        Value::Number(number) => {
            let milliseconds = number.as_f64().unwrap_or(f64::NAN);
            if !(-LARGEST..=LARGEST).contains(&milliseconds) {
                return Err(format!("compares with {number} ms, beyond any date"));
            }
            Ok(Some(milliseconds))
        }
        _ => Ok(None),
    }
}

/// No date of RFC 3339 that some engine takes for one all the same: the 30th of February, 24:00:00, a zone without a colon.
fn is_a_date_to_some(text: &[u8]) -> bool {
    let form = b"0000-00-00T00:00:00";
    let digits = |at: usize| -> Option<u32> {
        let text = core::str::from_utf8(text.get(at..at + 2)?).ok()?;
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
    };
    let formed = text.len() > form.len()
        && form.iter().zip(text).all(|(form, byte)| match form {
            b'0' => byte.is_ascii_digit(),
            other => byte == other,
        });
    let within = |at: usize, from: u32, to: u32| {
        digits(at).is_some_and(|number| (from..=to).contains(&number))
    };
    let fraction = text.get(form.len()..).unwrap_or_default();
    let digits_of_fraction = fraction.iter().skip(1).take_while(|byte| byte.is_ascii_digit());
    let zone = match (fraction.first(), digits_of_fraction.count()) {
        (Some(b'.'), 0) => return false,
        (Some(b'.'), count) => form.len() + 1 + count,
        _ => form.len(),
    };
    let zoned = match text.get(zone..) {
        Some(b"Z") => true,
        Some([b'+' | b'-', rest @ ..]) => {
            let minutes = if rest.get(2) == Some(&b':') { zone + 4 } else { zone + 3 };
            text.len() == minutes + 2 && within(zone + 1, 0, 23) && within(minutes, 0, 59)
        }
        _ => false,
    };
    formed
        && zoned
        && within(5, 1, 12)
        && within(8, 1, 31)
        && within(11, 0, 24)
        && within(14, 0, 59)
        && within(17, 0, 59)
}

/// As `2026-01-31T12:00:00.000Z` (Hinnant, chrono-compatible low-level date algorithms, 2013).
fn rfc_3339(milliseconds: i64) -> String {
    let (seconds, within) = (milliseconds.div_euclid(1_000), milliseconds.rem_euclid(1_000));
    let (days, second) = (seconds.div_euclid(86_400) + 719_468, seconds.rem_euclid(86_400));
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{within:03}Z")
}
