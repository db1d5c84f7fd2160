//! What is wrong with a configuration: everything that the compiler would refuse, found before and named by place
//! (core/spec/config.md section 4).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::Serialize;
use serde_json::Value;

use super::{Condition, Configuration, FORMAT, Flag, Scalar, Segment, Serve, Split, ValueType};
use crate::evaluate::{ONE_HUNDRED_PERCENT, Version};
use crate::limits::*;

/// A reason not to compile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The flag it spoils; none when it concerns the whole configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flag: Option<String>,
    /// A JSON Pointer into the configuration.
    pub place: String,
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.place, self.message)
    }
}

impl Configuration {
    /// Everything that keeps this configuration from compiling, in the order of the file.
    pub fn problems(&self) -> Vec<Problem> {
        let heights = segment_heights(&self.segments);
        let costs = segment_costs(&self.segments);
        let mut check =
            Check { configuration: self, heights, costs, flag: None, problems: Vec::new() };
        check.whole();
        check.problems
    }
}

struct Check<'a> {
    configuration: &'a Configuration,
    heights: BTreeMap<&'a str, usize>,
    costs: BTreeMap<&'a str, usize>,
    flag: Option<&'a str>,
    problems: Vec<Problem>,
}

impl<'a> Check<'a> {
    fn report(&mut self, place: &str, message: impl Into<String>) {
        let flag = self.flag.map(ToString::to_string);
        self.problems.push(Problem { flag, place: place.into(), message: message.into() });
    }

    fn whole(&mut self) {
        let configuration = self.configuration;
        if configuration.format != FORMAT {
            self.report("/format", format!("must be {FORMAT}"));
        }
        if configuration.flags.len() > MAX_FLAGS {
            self.report("/flags", format!("holds more than {MAX_FLAGS} flags"));
        }
        if configuration.segments.len() > MAX_SEGMENTS {
            self.report("/segments", format!("holds more than {MAX_SEGMENTS} segments"));
        }
        for (name, attribute) in &configuration.attributes {
            let place = pointer("/attributes", name);
            self.reference(&place, name);
            self.text(&format!("{place}/description"), &attribute.description);
        }
        for (key, segment) in &configuration.segments {
            self.segment(&pointer("/segments", key), key, segment);
        }
        for (key, flag) in &configuration.flags {
            self.flag = Some(key);
            self.flag(&pointer("/flags", key), key, flag);
        }
    }

    fn name(&mut self, place: &str, name: &str) {
        if name.is_empty() {
            self.report(place, "must not be empty");
        } else if name.len() > MAX_NAME_BYTES {
            self.report(place, format!("is longer than {MAX_NAME_BYTES} bytes"));
        }
    }

    /// What people read.
    fn text(&mut self, place: &str, text: &str) {
        if text.len() > MAX_TEXT_BYTES {
            self.report(place, format!("is longer than {MAX_TEXT_BYTES} bytes"));
        }
    }

    /// An attribute: a name, or a JSON Pointer (RFC 6901) when it starts with a slash.
    fn reference(&mut self, place: &str, attribute: &str) {
        match path(attribute) {
            None => self.report(place, "has a `~` that is neither `~0` nor `~1`"),
            Some(names) if names.len() > MAX_PATH_NAMES => {
                self.report(place, format!("has more than {MAX_PATH_NAMES} names"));
            }
            Some(names) => names.iter().for_each(|name| self.name(place, name)),
        }
    }

    fn segment(&mut self, place: &str, key: &str, segment: &Segment) {
        self.name(place, key);
        self.text(&format!("{place}/description"), &segment.description);
        self.reference(&format!("{place}/unit"), &segment.unit);
        for (part, keys) in [("included", &segment.included), ("excluded", &segment.excluded)] {
            self.keys(&format!("{place}/{part}"), keys, MAX_SEGMENT_KEYS);
        }
        if let Some(condition) = &segment.when {
            self.condition(&format!("{place}/when"), condition, 1);
        }
    }

    fn keys(&mut self, place: &str, keys: &[String], limit: usize) {
        if keys.len() > limit {
            self.report(place, format!("lists more than {limit} keys"));
        }
        if keys.iter().any(String::is_empty) {
            self.report(place, "lists an empty key");
        }
        if keys.iter().any(|key| key.len() > MAX_NAME_BYTES) {
            self.report(place, format!("lists a key over {MAX_NAME_BYTES} bytes"));
        }
    }

    fn flag(&mut self, place: &str, key: &str, flag: &Flag) {
        self.name(place, key);
        self.text(&format!("{place}/description"), &flag.description);
        self.variants(&format!("{place}/variants"), flag);
        if let Some(variant) = &flag.off_variant {
            self.variant(&format!("{place}/offVariant"), flag, variant);
        }
        let mut targeted = BTreeSet::new();
        for (at, target) in flag.targets.iter().enumerate() {
            let place = format!("{place}/targets/{at}");
            self.variant(&format!("{place}/variant"), flag, &target.variant);
            self.reference(&format!("{place}/unit"), &target.unit);
            self.keys(&format!("{place}/keys"), &target.keys, MAX_LIST);
            for key in &target.keys {
                if !targeted.insert((&target.unit, key)) {
                    self.report(&format!("{place}/keys"), format!("`{key}` is targeted twice"));
                }
            }
        }
        if flag.rules.len() > MAX_RULES {
            self.report(&format!("{place}/rules"), format!("holds more than {MAX_RULES} rules"));
        }
        let costs = flag.rules.iter().map(|rule| cost(&rule.when, 1, &self.costs));
        if costs.fold(0, usize::saturating_add) > MAX_FLAG_CONDITIONS {
            let message = format!(
                "come to more than {MAX_FLAG_CONDITIONS} conditions, each segment counted wherever it is named"
            );
            self.report(&format!("{place}/rules"), message);
        }
        let mut ids = BTreeSet::new();
        for (at, rule) in flag.rules.iter().enumerate() {
            let place = format!("{place}/rules/{at}");
            self.name(&format!("{place}/id"), &rule.id);
            self.text(&format!("{place}/name"), &rule.name);
            if !ids.insert(&rule.id) {
                self.report(&format!("{place}/id"), "is the id of an earlier rule too");
            }
            if let (Some(from), Some(to)) = (rule.from, rule.to)
                && from >= to
            {
                self.report(&format!("{place}/to"), "must be later than `from`");
            }
            self.condition(&format!("{place}/when"), &rule.when, 1);
            self.serve(&format!("{place}/serve"), flag, &rule.serve);
        }
        self.serve(&format!("{place}/fallthrough"), flag, &flag.fallthrough);
    }

    fn variants(&mut self, place: &str, flag: &Flag) {
        if flag.variants.is_empty() || flag.variants.len() > MAX_VARIANTS {
            self.report(place, format!("must hold 1 to {MAX_VARIANTS} variants"));
        }
        let mut keys = BTreeSet::new();
        for (at, variant) in flag.variants.iter().enumerate() {
            let place = format!("{place}/{at}");
            self.name(&format!("{place}/key"), &variant.key);
            self.text(&format!("{place}/description"), &variant.description);
            if !keys.insert(&variant.key) {
                self.report(&format!("{place}/key"), "is the key of an earlier variant too");
            }
            let fits = match flag.flag_type {
                ValueType::Boolean => variant.value.is_boolean(),
                ValueType::String => variant.value.is_string(),
                ValueType::Number => variant.value.is_number(),
                ValueType::Json => true,
            };
            if !fits {
                self.report(&format!("{place}/value"), "is not of the flag's type");
            } else if !exact(&variant.value) {
                self.report(
                    &format!("{place}/value"),
                    "holds an integer beyond 2^53, which JavaScript cannot represent",
                );
            }
        }
    }

    fn variant(&mut self, place: &str, flag: &Flag, key: &str) {
        if !flag.variants.iter().any(|variant| variant.key == key) {
            self.report(place, format!("the flag has no variant `{key}`"));
        }
    }

    fn serve(&mut self, place: &str, flag: &Flag, serve: &Serve) {
        match serve {
            Serve::Variant(variant) => self.variant(&format!("{place}/variant"), flag, variant),
            Serve::Split(split) => self.split(&format!("{place}/split"), flag, split),
        }
    }

    fn split(&mut self, place: &str, flag: &Flag, split: &Split) {
        self.reference(&format!("{place}/unit"), &split.unit);
        if salt(&split.salt).is_none() {
            self.report(&format!("{place}/salt"), "must be 32 hexadecimal digits");
        }
        let weights = format!("{place}/weights");
        if split.weights.len() > MAX_SPLIT_PARTS {
            self.report(&weights, format!("holds more than {MAX_SPLIT_PARTS} parts"));
        }
        for (at, weight) in split.weights.iter().enumerate() {
            self.variant(&format!("{weights}/{at}/variant"), flag, &weight.variant);
        }
        let sum: u64 = split.weights.iter().map(|weight| u64::from(weight.weight)).sum();
        if sum != u64::from(ONE_HUNDRED_PERCENT) {
            self.report(&weights, format!("sum to {sum} instead of {ONE_HUNDRED_PERCENT}"));
        }
    }

    /// `level` counts as the evaluator does: a segment's condition lies one below the node that names the segment.
    fn condition(&mut self, place: &str, condition: &Condition, level: usize) {
        if level > MAX_DEPTH {
            let message = format!("nests deeper than {MAX_DEPTH} levels, segments included");
            self.report(place, message);
            return;
        }
        match condition {
            Condition::All(list) | Condition::Any(list) => {
                let word = if matches!(condition, Condition::All(_)) { "all" } else { "any" };
                if list.len() > MAX_LIST {
                    self.report(place, format!("lists more than {MAX_LIST} conditions"));
                    return;
                }
                for (at, inner) in list.iter().enumerate() {
                    self.condition(&format!("{place}/{word}/{at}"), inner, level + 1);
                }
            }
            Condition::Not(inner) => self.condition(&format!("{place}/not"), inner, level + 1),
            Condition::Segment(key) => match self.configuration.segments.get(key) {
                None => self.report(&format!("{place}/segment"), format!("no segment `{key}`")),
                Some(_) if level + self.heights.get(key.as_str()).unwrap_or(&0) > MAX_DEPTH => {
                    let message =
                        format!("`{key}` contains itself or nests deeper than {MAX_DEPTH} levels");
                    self.report(&format!("{place}/segment"), message);
                }
                Some(_) => {}
            },
            Condition::Exists(exists) => {
                self.reference(&format!("{place}/exists/attribute"), &exists.attribute);
            }
            Condition::Equals(equals) => {
                self.reference(&format!("{place}/equals/attribute"), &equals.attribute);
                self.scalar(&format!("{place}/equals/value"), &equals.value);
            }
            Condition::In(list) => {
                self.reference(&format!("{place}/in/attribute"), &list.attribute);
                self.length(&format!("{place}/in/values"), list.values.len());
                for (at, value) in list.values.iter().enumerate() {
                    self.scalar(&format!("{place}/in/values/{at}"), value);
                }
            }
            Condition::Contains(texts) => self.texts(&format!("{place}/contains"), texts),
            Condition::StartsWith(texts) => self.texts(&format!("{place}/starts_with"), texts),
            Condition::EndsWith(texts) => self.texts(&format!("{place}/ends_with"), texts),
            Condition::Number(number) => {
                self.reference(&format!("{place}/number/attribute"), &number.attribute);
            }
            Condition::Semver(semver) => {
                self.reference(&format!("{place}/semver/attribute"), &semver.attribute);
                if Version::parse(semver.value.as_bytes()).is_none() {
                    self.report(
                        &format!("{place}/semver/value"),
                        format!("`{}` is no semantic version such as 1.2.3", semver.value),
                    );
                }
            }
        }
    }

    fn texts(&mut self, place: &str, texts: &super::Texts) {
        self.reference(&format!("{place}/attribute"), &texts.attribute);
        self.length(&format!("{place}/values"), texts.values.len());
        if texts.values.iter().any(|value| value.len() > usize::from(u16::MAX)) {
            self.report(&format!("{place}/values"), "holds a text over 65,535 bytes");
        }
    }

    fn length(&mut self, place: &str, length: usize) {
        if length > MAX_LIST {
            self.report(place, format!("lists more than {MAX_LIST} values"));
        }
    }

    fn scalar(&mut self, place: &str, value: &Scalar) {
        match value {
            Scalar::String(text) if text.len() > usize::from(u16::MAX) => {
                self.report(place, "is longer than 65,535 bytes");
            }
            _ => {}
        }
    }
}

/// How many levels each segment's condition has, segments within it included; one more than allowed for a cycle.
///
/// Each round carries heights one segment further, so that what is still rising after the last is too deep or a cycle.
fn segment_heights(segments: &BTreeMap<String, Segment>) -> BTreeMap<&str, usize> {
    let mut heights: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..=MAX_DEPTH {
        let next = segments.iter().map(|(key, segment)| {
            let height = segment.when.as_ref().map_or(0, |when| height(when, 1, &heights));
            (key.as_str(), height)
        });
        heights = next.collect();
    }
    heights
}

fn height(condition: &Condition, level: usize, heights: &BTreeMap<&str, usize>) -> usize {
    if level > MAX_DEPTH {
        return level;
    }
    match condition {
        Condition::All(list) | Condition::Any(list) => {
            list.iter().map(|inner| height(inner, level + 1, heights)).fold(level, usize::max)
        }
        Condition::Not(inner) => height(inner, level + 1, heights),
        Condition::Segment(key) => {
            (level + heights.get(key.as_str()).unwrap_or(&0)).min(MAX_DEPTH + 1)
        }
        _ => level,
    }
}

/// How many conditions each segment comes to, segments within it included. Like [`segment_heights`]; a cycle is reported there.
fn segment_costs(segments: &BTreeMap<String, Segment>) -> BTreeMap<&str, usize> {
    let mut costs: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..=MAX_DEPTH {
        let next = segments.iter().map(|(key, segment)| {
            let cost = segment.when.as_ref().map_or(0, |when| cost(when, 1, &costs));
            (key.as_str(), cost)
        });
        costs = next.collect();
    }
    costs
}

fn cost(condition: &Condition, level: usize, costs: &BTreeMap<&str, usize>) -> usize {
    if level > MAX_DEPTH {
        return 1;
    }
    match condition {
        Condition::All(list) | Condition::Any(list) => {
            list.iter().map(|inner| cost(inner, level + 1, costs)).fold(1, usize::saturating_add)
        }
        Condition::Not(inner) => cost(inner, level + 1, costs).saturating_add(1),
        Condition::Segment(key) => costs.get(key.as_str()).map_or(1, |cost| cost.saturating_add(1)),
        _ => 1,
    }
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

/// Whether JavaScript reads every number in it as Rust does.
fn exact(value: &Value) -> bool {
    const LIMIT: u64 = 1 << 53;
    match value {
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(unsigned), _) => unsigned <= LIMIT,
            (None, Some(signed)) => signed.unsigned_abs() <= LIMIT,
            (None, None) => number.as_f64().is_some_and(f64::is_finite),
        },
        Value::Array(list) => list.iter().all(exact),
        Value::Object(object) => object.values().all(exact),
        _ => true,
    }
}
