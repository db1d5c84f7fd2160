//! Decimal numbers in text, without the standard library's parser, which alone would be a third of the browser's module.

/// Powers of ten that binary64 holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// Reads `-12.5e3`: an optional sign, digits with an optional point, an optional exponent. With at most 15 significant digits and an exponent
/// within 22 the result is the nearest binary64 (Clinger, *How to read floating point numbers accurately*, 1990); beyond that it may be off in
/// the last bits. None for anything else, names of infinities included.
pub(crate) fn parse(text: &[u8]) -> Option<f64> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (text, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (text.get(..at)?, self::exponent(text.get(at + 1..)?)?),
        None => (text, 0),
    };
    let mut digits = 0u64;
    let mut scale = exponent;
    let mut seen = false;
    let mut point = false;
    for byte in text {
        match byte {
            b'.' if !point => point = true,
            b'0'..=b'9' => {
                seen = true;
                if digits < 100_000_000_000_000_000 {
                    digits = digits * 10 + u64::from(byte - b'0');
                    scale -= i32::from(point);
                } else {
                    // A digit beyond those that count only moves the point.
                    scale += i32::from(!point);
                }
            }
            _ => return None,
        }
    }
    if !seen {
        return None;
    }
    let mut value = digits as f64;
    while scale != 0 && value != 0.0 && value.is_finite() {
        let step = scale.unsigned_abs().min(22);
        let power = POWERS.get(step as usize).copied().unwrap_or(1.0);
        if scale > 0 {
            value *= power;
            scale -= step as i32;
        } else {
            value /= power;
            scale += step as i32;
        }
    }
    let value = if negative { -value } else { value };
    value.is_finite().then_some(value)
}

fn exponent(text: &[u8]) -> Option<i32> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() {
        return None;
    }
    let value = digits.iter().try_fold(0i32, |value, byte| {
        byte.is_ascii_digit().then(|| (value * 10 + i32::from(byte - b'0')).min(100_000))
    })?;
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn agrees_with_the_standard_parser_on_what_people_write() {
        for text in [
            "0",
            "-0",
            "1",
            "+1",
            "12.5",
            ".5",
            "5.",
            "0.1",
            "-273.15",
            "1e3",
            "1E-3",
            "123456789012345",
            "9007199254740992",
            "0.000001",
            "3.14159265358979",
            "1e22",
            "1.5e-10",
            "99999.99999",
        ] {
            assert_eq!(parse(text.as_bytes()), text.parse().ok(), "{text}");
        }
        for n in 0..20_000 {
            let text = format!("{}.{:03}", n, (n * 7) % 1000);
            assert_eq!(parse(text.as_bytes()), text.parse().ok(), "{text}");
        }
        for text in
            ["", "-", ".", "e5", "1e", "1.2.3", "0x10", " 1", "1 ", "inf", "NaN", "1e999", "١"]
        {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
