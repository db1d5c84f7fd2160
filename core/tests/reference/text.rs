//! Operators on text that are more than a comparison (section 5).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;

use regex::Regex;

/// In lower case, character by character.
pub(crate) fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// As GrowthBook makes texts of versions that compare as the versions do.
pub(crate) fn padded_version(version: &str) -> String {
    let version = if version.is_empty() { "0" } else { version };
    let version = pattern("^v|(?s:[+].*)$").replace_all(version, "").into_owned();
    let separators = pattern("[-.]");
    let mut parts: Vec<String> = separators.split(&version).map(str::to_owned).collect();
    if parts.len() == 3 {
        parts.push("~".to_owned());
    }
    for part in &mut parts {
        if pattern("^[0-9]+$").is_match(part) {
            *part = format!("{part:>5}");
        }
    }
    parts.join("-")
}

/// A text that is a decimal number: sign, digits with a point somewhere, exponent.
pub(crate) fn number(text: &str) -> Option<f64> {
    let form = pattern("^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?$");
    let number = form.is_match(text).then(|| text.parse::<f64>().ok())??;
    number.is_finite().then_some(number)
}

/// Whether the text is an address within the network.
pub(crate) fn is_in_network(text: &str, network: &str) -> bool {
    let (base, length) = network.split_once('/').map_or((network, None), |(base, length)| {
        (base, Some(length.parse::<u32>().expect("a checked prefix")))
    });
    let base: IpAddr = base.parse().expect("a checked network");
    match (text.parse::<IpAddr>(), base) {
        (Ok(IpAddr::V4(address)), IpAddr::V4(base)) => {
            let dropped = 32 - length.unwrap_or(32);
            u64::from(address.to_bits()) >> dropped == u64::from(base.to_bits()) >> dropped
        }
        (Ok(IpAddr::V6(address)), IpAddr::V6(base)) => {
            let dropped = 128 - length.unwrap_or(128);
            let kept = |bits: u128| bits.checked_shr(dropped).unwrap_or(0);
            kept(address.to_bits()) == kept(base.to_bits())
        }
        _ => false,
    }
}

/// Whether the text holds a match, with the Perl classes as ASCII has them.
pub(crate) fn matches(text: &str, expression: &str) -> bool {
    let mut ascii = String::new();
    let mut characters = expression.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            ascii.push(character);
            continue;
        }
        match characters.next().expect("a checked pattern") {
            'd' => ascii += "[0-9]",
            'D' => ascii += "[^0-9]",
            'w' => ascii += "[a-zA-Z0-9_]",
            'W' => ascii += "[^a-zA-Z0-9_]",
            's' => ascii += "[ \\t\\n\\r\\f\\v]",
            'S' => ascii += "[^ \\t\\n\\r\\f\\v]",
            'b' => ascii += "(?-u:\\b)",
            other => ascii.extend(['\\', other]),
        }
    }
    pattern(&ascii).is_match(text)
}

/// Compiled once for each thread.
pub(crate) fn pattern(expression: &str) -> Rc<Regex> {
    thread_local!(static COMPILED: RefCell<BTreeMap<String, Rc<Regex>>> = RefCell::default());
    COMPILED.with_borrow_mut(|compiled| {
        if let Some(regex) = compiled.get(expression) {
            return Rc::clone(regex);
        }
        let regex = Rc::new(Regex::new(expression).expect("a checked pattern"));
        compiled.insert(expression.to_owned(), Rc::clone(&regex));
        regex
    })
}
