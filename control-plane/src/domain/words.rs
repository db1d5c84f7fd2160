//! Configurations as people say them: "country is one of US, CA and plan is pro", "25 % new, 75 % old".

use serde_json::{Map, Value};

/// Of a list, this many items are named; the rest is counted.
const MAX_NAMED: usize = 5;
/// A text longer than this is cut.
const MAX_CHARACTERS: usize = 120;

/// A JSON value for a sentence: a text as it is, everything else as JSON, cut where it gets long.
pub fn value(value: &Value) -> String {
    match value {
        Value::String(text) => given(text),
        Value::Number(number) => match number.as_f64() {
            // Numbers without a fraction, however they were written.
            Some(float) if number.is_f64() => float.to_string(),
            _ => number.to_string(),
        },
        other => given(&other.to_string()),
    }
}

/// What somebody has typed, within a sentence: its direction of writing stays inside it, and what cannot be seen is written out.
pub fn given(text: &str) -> String {
    said(text, false)
}

/// The same in quotation marks, for a name: where it ends is where they end.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", said(text, true))
}

fn said(text: &str, in_quotes: bool) -> String {
    let mut told = String::new();
    let mut leftwards = false;
    for character in short(text).chars() {
        match character {
            '\n' | '\r' | '\t' => told.push(' '),
            '"' | '\\' if in_quotes => told.extend(['\\', character]),
            _ if character.is_control() || is_direction(character) => {
                told.extend(character.escape_unicode());
            }
            _ => told.push(character),
        }
        leftwards |= is_leftwards(character);
    }
    // FIRST STRONG ISOLATE and its end (Unicode Standard Annex 9, section 2.4).
    if leftwards { format!("\u{2068}{told}\u{2069}") } else { told }
}

/// Characters that do nothing but change the direction of others (UAX 9, section 2).
fn is_direction(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether it is of a block whose letters are written from right to left (the ranges of UAX 9, table 4, and the Unicode roadmap to them).
fn is_leftwards(character: char) -> bool {
    matches!(character, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

/// The text, cut where it gets long.
pub fn short(text: &str) -> String {
    cut(text, MAX_CHARACTERS)
}

/// The text, cut behind so many characters.
pub fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// `a, b, c`, or `a, b, c, d, e and 95 more`.
pub fn list(items: &[Value]) -> String {
    let named: Vec<String> = items.iter().take(MAX_NAMED).map(value).collect();
    match items.len().checked_sub(MAX_NAMED) {
        None | Some(0) => named.join(", "),
        Some(more) => format!("{} and {more} more", named.join(", ")),
    }
}

/// A weight as a share of `whole`, in percent with at most three decimals: `25`, `0.5`, `33.333`.
pub fn percent(weight: u64, whole: u64) -> String {
    let thousandths = u128::from(weight) * 100_000 / u128::from(whole.max(1));
    let text = format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Unix milliseconds as `2026-01-31 12:00 UTC`, with seconds where they are not 0.
pub fn time(milliseconds: i64) -> String {
    let seconds = milliseconds.div_euclid(1_000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = date(days);
    let clock = format!("{:02}:{:02}", second / 3_600, second / 60 % 60);
    match second % 60 {
        0 => format!("{year:04}-{month:02}-{day:02} {clock} UTC"),
        rest => format!("{year:04}-{month:02}-{day:02} {clock}:{rest:02} UTC"),
    }
}

/// Days since 1970-01-01 as a date of the Gregorian calendar, by eras of 400 years that start in March (Hinnant, *chrono-compatible
/// low-level date algorithms*).
fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// What a rule or the fallthrough serves: `on`, `25 % new, 75 % old`, `a ramp from ... to ...`.
pub fn serve(serve: &Value) -> String {
    if let Some(variant) = serve.get("variant") {
        return value(variant);
    }
    if let Some(split) = serve.get("split") {
        return parts(&weights(split.get("weights")));
    }
    if let Some(ramp) = serve.get("ramp") {
        return self::ramp(ramp);
    }
    value(serve)
}

/// A ramp: where it starts, where it ends, and when.
fn ramp(ramp: &Value) -> String {
    let variants = ramp.get("variants").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let step = |step: &Value| {
        let weights = step.get("weights").and_then(Value::as_array);
        let weights = weights.into_iter().flatten().map(|weight| weight.as_u64().unwrap_or(0));
        let parts: Vec<(Value, u64)> = variants.iter().cloned().zip(weights).collect();
        let at = step.get("at").and_then(Value::as_i64).map_or_else(String::new, time);
        format!("{} at {at}", self::parts(&merged(parts)))
    };
    let steps = ramp.get("steps").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    match (steps.first(), steps.last()) {
        (Some(first), Some(last)) if steps.len() > 1 => {
            format!("a ramp from {} to {}", step(first), step(last))
        }
        (Some(only), _) => format!("a ramp with {}", step(only)),
        _ => "a ramp without steps".to_owned(),
    }
}

/// The share of each variant of a split, in the order of their first parts.
pub fn weights(weights: Option<&Value>) -> Vec<(Value, u64)> {
    let parts = weights.and_then(Value::as_array).into_iter().flatten().map(|part| {
        let variant = part.get("variant").cloned().unwrap_or(Value::Null);
        (variant, part.get("weight").and_then(Value::as_u64).unwrap_or(0))
    });
    merged(parts.collect())
}

fn merged(parts: Vec<(Value, u64)>) -> Vec<(Value, u64)> {
    let mut shares: Vec<(Value, u64)> = Vec::new();
    for (variant, weight) in parts {
        match shares.iter_mut().find(|(known, _)| *known == variant) {
            Some((_, share)) => *share = share.saturating_add(weight),
            None => shares.push((variant, weight)),
        }
    }
    shares
}

fn parts(shares: &[(Value, u64)]) -> String {
    let whole = whole(shares);
    let named = shares.iter().map(|(variant, weight)| {
        let variant = if variant.is_null() { "nothing".to_owned() } else { value(variant) };
        format!("{} % {variant}", percent(*weight, whole))
    });
    named.collect::<Vec<_>>().join(", ")
}

fn whole(shares: &[(Value, u64)]) -> u64 {
    shares.iter().map(|(_, weight)| weight).fold(0, |sum, weight| sum.saturating_add(*weight))
}

/// The change of a split's weights: `10/90 -> 25/75 (on/off)` when it is between the same variants, else both in full.
pub fn weights_changed(before: &Value, after: &Value) -> String {
    let (old, new) = (weights(Some(before)), weights(Some(after)));
    let names = |shares: &[(Value, u64)]| -> Vec<String> {
        shares.iter().map(|(variant, _)| value(variant)).collect()
    };
    let slashed = |shares: &[(Value, u64)]| {
        let whole = whole(shares);
        let shares = shares.iter().map(|(_, weight)| percent(*weight, whole));
        shares.collect::<Vec<_>>().join("/")
    };
    if names(&old) != names(&new) {
        format!("{} -> {}", parts(&old), parts(&new))
    } else if slashed(&old) == slashed(&new) {
        format!("{} in other parts of the buckets", parts(&new))
    } else {
        format!("{} -> {} ({})", slashed(&old), slashed(&new), names(&new).join("/"))
    }
}

/// A condition: `country is one of US, CA and not in segment staff`.
pub fn condition(condition: &Value) -> String {
    let told = short(&node(condition, false));
    // What was opened in front of the cut and would be closed behind it.
    let open = told.matches('\u{2068}').count() - told.matches('\u{2069}').count();
    told + &"\u{2069}".repeat(open)
}

fn node(condition: &Value, inner: bool) -> String {
    let Some((operator, operand)) = condition.as_object().and_then(|fields| fields.iter().next())
    else {
        return value(condition);
    };
    match (operator.as_str(), operand) {
        ("all", Value::Array(children)) if children.is_empty() => "always".to_owned(),
        ("any", Value::Array(children)) if children.is_empty() => "never".to_owned(),
        ("all" | "any", Value::Array(children)) => {
            let word = if operator == "all" { " and " } else { " or " };
            let joined: Vec<String> = children.iter().map(|child| node(child, true)).collect();
            let joined = joined.join(word);
            if inner && children.len() > 1 { format!("({joined})") } else { joined }
        }
        ("not", child) => format!("not {}", node(child, true)),
        ("segment", segment) => format!("in segment {}", value(segment)),
        ("flag", Value::Object(needed)) => prerequisite(needed),
        ("now", Value::Object(instant)) => {
            let at = instant.get("value").and_then(Value::as_i64).unwrap_or(0);
            format!("time {} {}", text(instant, "is"), time(at))
        }
        ("some", Value::Object(some)) => {
            let when = some.get("when").map_or_else(String::new, |when| node(when, true));
            format!("some of {}: {when}", text(some, "attribute"))
        }
        (operator, Value::Object(fields)) => leaf(operator, fields),
        _ => value(condition),
    }
}

/// An operator on an attribute.
fn leaf(operator: &str, fields: &Map<String, Value>) -> String {
    let attribute = text(fields, "attribute");
    let values = || match fields.get("values") {
        Some(Value::Array(values)) => list(values),
        _ => String::new(),
    };
    let single = || fields.get("value").map_or_else(String::new, value);
    match operator {
        "exists" => format!("{attribute} is there"),
        "is_type" => format!("{attribute} is a {}", text(fields, "type")),
        "equals" => format!("{attribute} is {}", single()),
        "in" => format!("{attribute} is one of {}", values()),
        "contains" => format!("{attribute} contains {}", values()),
        "starts_with" => format!("{attribute} starts with {}", values()),
        "ends_with" => format!("{attribute} ends with {}", values()),
        "matches" => format!("{attribute} matches {}", text(fields, "pattern")),
        "ip_in_cidr" => format!("{attribute} is in {}", values()),
        "any_of" => format!("{attribute} has one of {}", values()),
        "all_of" => format!("{attribute} has all of {}", values()),
        "none_of" => format!("{attribute} has none of {}", values()),
        "size" => format!("size of {attribute} {} {}", text(fields, "is"), single()),
        "text" | "number" | "datetime" | "semver" | "padded_version" => {
            format!("{attribute} {} {}", text(fields, "is"), single())
        }
        other => format!("{other} {}", value(&Value::Object(fields.clone()))),
    }
}

/// `new-checkout serves on`.
pub fn prerequisite(needed: &Map<String, Value>) -> String {
    let variants = needed.get("variants").and_then(Value::as_array);
    let variants = variants.map_or_else(String::new, |variants| list(variants));
    format!("{} serves {variants}", text(needed, "flag"))
}

fn text(fields: &Map<String, Value>, name: &str) -> String {
    fields.get(name).map_or_else(String::new, value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times() {
        for (milliseconds, expected) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_400_000, "2000-02-29 00:00 UTC"),
            (1_800_000_000_000, "2027-01-15 08:00 UTC"),
            (-1, "1969-12-31 23:59:59 UTC"),
            (4_107_542_399_000, "2100-02-28 23:59:59 UTC"),
        ] {
            assert_eq!(time(milliseconds), expected);
        }
    }

    #[test]
    fn percents() {
        for (weight, whole, expected) in [
            (25_000, 100_000, "25"),
            (500, 100_000, "0.5"),
            (1, 3, "33.333"),
            (0, 0, "0"),
            (100_000, 100_000, "100"),
            (1, 100_000, "0.001"),
        ] {
            assert_eq!(percent(weight, whole), expected);
        }
    }

    #[test]
    fn conditions() {
        let country = json!({ "in": { "attribute": "country", "values": ["US", "CA"] } });
        let plan = json!({ "equals": { "attribute": "plan", "value": "pro" } });
        for (given, expected) in [
            (json!({ "all": [country, plan] }), "country is one of US, CA and plan is pro"),
            (
                json!({ "all": [plan, { "any": [country, { "not": { "segment": "staff" } }] }] }),
                "plan is pro and (country is one of US, CA or not in segment staff)",
            ),
            (json!({ "all": [] }), "always"),
            (
                json!({ "semver": { "attribute": "app", "is": ">=", "value": "2.1.0" } }),
                "app >= 2.1.0",
            ),
            (json!({ "now": { "is": "<", "value": 0 } }), "time < 1970-01-01 00:00 UTC"),
            (json!({ "flag": { "flag": "a", "variants": ["on"] } }), "a serves on"),
            (
                json!({ "in": { "attribute": "n", "values": [1, 2, 3, 4, 5, 6, 7] } }),
                "n is one of 1, 2, 3, 4, 5 and 2 more",
            ),
        ] {
            assert_eq!(condition(&given), expected);
        }
    }

    #[test]
    fn serves() {
        let split = |on: u32, off: u32| json!([{ "variant": "on", "weight": on }, { "variant": "off", "weight": off }]);
        assert_eq!(serve(&json!({ "variant": "on" })), "on");
        assert_eq!(
            serve(&json!({ "split": { "weights": split(25_000, 75_000) } })),
            "25 % on, 75 % off"
        );
        let steps = json!([{ "at": 0, "weights": [0, 100_000] }, { "at": 60_000, "weights": [100_000, 0] }]);
        assert_eq!(
            serve(&json!({ "ramp": { "variants": ["on", "off"], "steps": steps } })),
            "a ramp from 0 % on, 100 % off at 1970-01-01 00:00 UTC to 100 % on, 0 % off at 1970-01-01 00:01 UTC"
        );
        assert_eq!(
            weights_changed(&split(10_000, 90_000), &split(25_000, 75_000)),
            "10/90 -> 25/75 (on/off)"
        );
    }
}
