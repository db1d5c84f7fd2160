//! Reading what people write: pointers, salts, networks, numbers.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

/// Why a number is refused.
pub(super) const NOT_EXACT: &str =
    "holds an integer beyond 2^53, which JavaScript cannot represent";

/// A network's address, 4 or 16 bytes, and the length of its prefix; a plain address is a network of one.
pub(super) fn network(text: &str) -> Option<(Vec<u8>, u8)> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let bytes = match address.parse().ok()? {
        core::net::IpAddr::V4(address) => address.octets().to_vec(),
        core::net::IpAddr::V6(address) => address.octets().to_vec(),
    };
    let longest = bytes.len() as u8 * 8;
    let prefix = match prefix {
        Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            digits.parse().ok()?
        }
        Some(_) => return None,
        None => longest,
    };
    (prefix <= longest).then_some((bytes, prefix))
}
/// `base` and one more name, escaped as RFC 6901 says.
pub(super) fn pointer(base: &str, name: &str) -> String {
    format!("{base}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// The names of an attribute reference; none for a bad escape.
pub(super) fn path(attribute: &str) -> Option<Vec<String>> {
    let Some(pointer) = attribute.strip_prefix('/') else {
        return Some(alloc::vec![attribute.to_string()]);
    };
    pointer
        .split('/')
        .map(|name| {
            let plain = name.replace("~1", "").replace("~0", "");
            (!plain.contains('~')).then(|| name.replace("~1", "/").replace("~0", "~"))
        })
        .collect()
}

/// The 16 bytes of a salt.
pub(super) fn salt(text: &str) -> Option<[u8; 16]> {
    let digits = <&[u8; 32]>::try_from(text.as_bytes()).ok()?;
    let mut salt = [0; 16];
    for (byte, pair) in salt.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |at: usize| {
            pair.get(at).and_then(|digit| char::from(*digit).to_digit(16)).map(|digit| digit as u8)
        };
        *byte = digit(0)? << 4 | digit(1)?;
    }
    Some(salt)
}

/// Whether it is finite and, if it is an integer, at most 2^53: what was written as a larger one may have been rounded.
pub(super) fn exact_number(number: f64) -> bool {
    let integer = number.is_finite() && number % 1.0 == 0.0;
    number.is_finite() && (!integer || number.abs() <= 9_007_199_254_740_992.0)
}

/// Whether every number in it is what was written, in Rust and in JavaScript.
pub(super) fn exact(value: &Value) -> bool {
    const LIMIT: u64 = 1 << 53;
    match value {
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(unsigned), _) => unsigned <= LIMIT,
            (None, Some(signed)) => signed.unsigned_abs() <= LIMIT,
            (None, None) => number.as_f64().is_some_and(exact_number),
        },
        Value::Array(list) => list.iter().all(exact),
        Value::Object(object) => object.values().all(exact),
        _ => true,
    }
}
