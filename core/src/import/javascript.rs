//! Numbers and texts as JavaScript turns one into the other (ECMA-262 sections 6.1.6.1.20 and 7.1.4).

use alloc::format;
use alloc::string::String;

/// `String(number)`.
pub(crate) fn text_of(number: f64) -> String {
    if number == 0.0 {
        return "0".into();
    }
    let size = number.abs();
    if (1e-6..1e21).contains(&size) {
        return format!("{number}");
    }
    let text = format!("{number:e}");
    if size >= 1e21 { text.replace('e', "e+") } else { text }
}

/// `Number(text)`; none for NaN.
pub(crate) fn number_of(text: &str) -> Option<f64> {
    let text = text.trim_matches(is_space);
    if text.is_empty() {
        return Some(0.0);
    }
    for (prefix, radix) in [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            let signed = digits.starts_with(['+', '-']);
            return u64::from_str_radix(digits, radix)
                .ok()
                .filter(|_| !signed)
                .map(|number| number as f64);
        }
    }
    match text {
        "Infinity" | "+Infinity" => return Some(f64::INFINITY),
        "-Infinity" => return Some(f64::NEG_INFINITY),
        _ => {}
    }
    let decimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
    if text.bytes().all(decimal) { text.parse().ok() } else { None }
}

/// What JavaScript calls white space, ends of lines included.
pub(crate) fn is_space(character: char) -> bool {
    (character.is_whitespace() && character != '\u{85}') || character == '\u{FEFF}'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_numbers_as_javascript_does() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (10.0, "10"),
            (-1.5, "-1.5"),
            (0.1, "0.1"),
            (1e21, "1e+21"),
            (123_456_789_012_345_680_000.0, "123456789012345680000"),
            (0.000001, "0.000001"),
            (1.5e-7, "1.5e-7"),
            (-2.5e25, "-2.5e+25"),
        ] {
            assert_eq!(text_of(number), text);
        }
    }

    #[test]
    fn reads_numbers_as_javascript_does() {
        for (text, number) in [
            ("", Some(0.0)),
            (" \n", Some(0.0)),
            (" 12.5 ", Some(12.5)),
            ("5.", Some(5.0)),
            (".5", Some(0.5)),
            ("+1e3", Some(1000.0)),
            ("0x1F", Some(31.0)),
            ("0b11", Some(3.0)),
            ("-0x1F", None),
            ("1_000", None),
            ("inf", None),
            ("12a", None),
            ("Infinity", Some(f64::INFINITY)),
        ] {
            assert_eq!(number_of(text), number, "{text:?}");
        }
    }
}
