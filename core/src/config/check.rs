//! What is wrong with a configuration: everything that the compiler would refuse, found before and named by place
//! (core/spec/config.md section 4).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::Serialize;
use serde_json::Value;

use super::{
    Bucketing, Condition, Configuration, FORMAT, Flag, In, Prerequisite, Ramp, Rule, Scalar,
    Segment, Serve, Split, ValueType, VendorHash, pattern,
};
use crate::evaluate::{Moment, Version};
use crate::limits::*;

pub(super) const NOT_EXACT: &str =
    "holds an integer beyond 2^53, which JavaScript cannot represent";

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
        let mut check = Check { configuration: self, heights, flag: None, problems: Vec::new() };
        check.whole();
        check.problems
    }
}

struct Check<'a> {
    configuration: &'a Configuration,
    heights: BTreeMap<&'a str, usize>,
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
            self.prose(&format!("{place}/description"), &attribute.description);
        }
        for (name, count) in
            [("layers", configuration.layers.len()), ("holdouts", configuration.holdouts.len())]
        {
            if count > MAX_LAYERS {
                self.report(&format!("/{name}"), format!("holds more than {MAX_LAYERS} {name}"));
            }
        }
        for (key, layer) in &configuration.layers {
            let place = pointer("/layers", key);
            self.name(&place, key);
            self.bucketing(&format!("{place}/by"), &layer.by);
        }
        for (key, holdout) in &configuration.holdouts {
            let place = pointer("/holdouts", key);
            self.name(&place, key);
            self.bucketing(&format!("{place}/by"), &holdout.by);
            if holdout.weight > holdout.by.size() {
                self.report(&format!("{place}/weight"), "is more than all");
            }
        }
        for (key, segment) in &configuration.segments {
            self.segment(&pointer("/segments", key), key, segment);
        }
        for (key, flag) in &configuration.flags {
            self.flag = Some(key);
            self.flag(&pointer("/flags", key), key, flag);
        }
        for (key, cost) in flag_costs(configuration) {
            if cost > u64::from(MAX_STEPS) {
                self.flag = Some(key);
                let message = format!(
                    "may test more than {MAX_STEPS} conditions in one evaluation, segments and prerequisites counted wherever they are named"
                );
                self.report(&pointer("/flags", key), message);
            }
        }
        for (key, height) in flag_heights(configuration) {
            if height > MAX_DEPTH {
                self.flag = Some(key);
                let message =
                    format!("depends on itself, or on flags more than {MAX_DEPTH} levels deep");
                self.report(&format!("{}/prerequisites", pointer("/flags", key)), message);
            }
        }
    }

    fn name(&mut self, place: &str, name: &str) {
        if name.is_empty() || name.starts_with('\0') {
            self.report(place, "must not be empty, nor begin with NUL");
        } else if name.len() > MAX_NAME_BYTES {
            self.report(place, format!("is longer than {MAX_NAME_BYTES} bytes"));
        }
    }

    /// What only people read.
    fn prose(&mut self, place: &str, text: &str) {
        if text.len() > MAX_DESCRIPTION_BYTES {
            self.report(place, format!("is longer than {MAX_DESCRIPTION_BYTES} bytes"));
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
        self.prose(&format!("{place}/description"), &segment.description);
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
        self.prose(&format!("{place}/description"), &flag.description);
        self.variants(&format!("{place}/variants"), flag);
        if let Some(variant) = &flag.off_variant {
            self.variant(&format!("{place}/offVariant"), flag, variant);
        }
        if flag.prerequisites.len() > MAX_PREREQUISITES {
            let message = format!("lists more than {MAX_PREREQUISITES} flags");
            self.report(&format!("{place}/prerequisites"), message);
        }
        for (at, prerequisite) in flag.prerequisites.iter().enumerate() {
            self.prerequisite(&format!("{place}/prerequisites/{at}"), prerequisite);
        }
        if let Some(held) = &flag.holdout {
            let place = format!("{place}/holdout");
            self.variant(&format!("{place}/variant"), flag, &held.variant);
            if !self.configuration.holdouts.contains_key(&held.holdout) {
                self.report(&format!("{place}/holdout"), format!("no holdout `{}`", held.holdout));
            }
        }
        if flag.metadata.len() > MAX_METADATA {
            let message = format!("holds more than {MAX_METADATA} entries");
            self.report(&format!("{place}/metadata"), message);
        }
        for (name, value) in &flag.metadata {
            let place = pointer(&format!("{place}/metadata"), name);
            self.name(&place, name);
            self.scalar(&place, value);
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
        let units: BTreeSet<&String> = flag.targets.iter().map(|target| &target.unit).collect();
        if units.len() > MAX_TARGET_UNITS {
            let message = format!("list values of more than {MAX_TARGET_UNITS} attributes");
            self.report(&format!("{place}/targets"), message);
        }
        if flag.rules.len() > MAX_RULES {
            self.report(&format!("{place}/rules"), format!("holds more than {MAX_RULES} rules"));
        }
        let mut ids = BTreeSet::new();
        for (at, rule) in flag.rules.iter().enumerate() {
            let place = format!("{place}/rules/{at}");
            self.name(&format!("{place}/id"), &rule.id);
            self.prose(&format!("{place}/name"), &rule.name);
            if !ids.insert(&rule.id) {
                self.report(&format!("{place}/id"), "is the id of an earlier rule too");
            }
            self.rule(&place, flag, rule);
        }
        let place = format!("{place}/fallthrough");
        self.serve(&place, flag, &flag.fallthrough);
        let unserved = match &flag.fallthrough {
            Serve::Variant(_) => false,
            Serve::Split(split) => split.weights.iter().any(|part| part.variant.is_none()),
            Serve::Ramp(ramp) => ramp.variants.iter().any(Option::is_none),
        };
        if unserved {
            self.report(&place, "must serve a variant to every unit");
        }
    }

    fn rule(&mut self, place: &str, flag: &Flag, rule: &Rule) {
        if let (Some(from), Some(to)) = (rule.from, rule.to)
            && from >= to
        {
            self.report(&format!("{place}/to"), "must be later than `from`");
        }
        if let Some(slot) = &rule.layer {
            let size = self.configuration.layers.get(&slot.layer).map(|layer| layer.by.size());
            let place = format!("{place}/layer");
            match size {
                None => {
                    self.report(&format!("{place}/layer"), format!("no layer `{}`", slot.layer));
                }
                Some(size) if slot.from >= slot.to || slot.to > size => {
                    self.report(
                        &place,
                        format!("`from` must be below `to`, and `to` at most {size}"),
                    );
                }
                Some(_) => {}
            }
        }
        self.condition(&format!("{place}/when"), &rule.when, 1);
        self.serve(&format!("{place}/serve"), flag, &rule.serve);
    }

    fn prerequisite(&mut self, place: &str, prerequisite: &Prerequisite) {
        let Some(flag) = self.configuration.flags.get(&prerequisite.flag) else {
            return self
                .report(&format!("{place}/flag"), format!("no flag `{}`", prerequisite.flag));
        };
        if prerequisite.variants.is_empty() || prerequisite.variants.len() > MAX_VARIANTS {
            let message = format!("must list 1 to {MAX_VARIANTS} variants");
            self.report(&format!("{place}/variants"), message);
        }
        for (at, variant) in prerequisite.variants.iter().enumerate() {
            self.variant(&format!("{place}/variants/{at}"), flag, variant);
        }
    }

    fn variants(&mut self, place: &str, flag: &Flag) {
        if flag.variants.is_empty() || flag.variants.len() > MAX_VARIANTS {
            self.report(place, format!("must hold 1 to {MAX_VARIANTS} variants"));
        }
        let mut keys = BTreeSet::new();
        for (at, variant) in flag.variants.iter().enumerate() {
            let place = format!("{place}/{at}");
            self.name(&format!("{place}/key"), &variant.key);
            self.prose(&format!("{place}/description"), &variant.description);
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
                self.report(&format!("{place}/value"), NOT_EXACT);
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
            Serve::Ramp(ramp) => self.ramp(&format!("{place}/ramp"), flag, ramp),
        }
    }

    fn bucketing(&mut self, place: &str, by: &Bucketing) {
        self.reference(&format!("{place}/unit"), &by.unit);
        if by.fallback_units.len() >= usize::from(MAX_UNITS) {
            let message = format!("lists more than {} attributes", MAX_UNITS - 1);
            self.report(&format!("{place}/fallbackUnits"), message);
        }
        for (at, unit) in by.fallback_units.iter().enumerate() {
            self.reference(&format!("{place}/fallbackUnits/{at}"), unit);
        }
        match (&by.salt, &by.hash) {
            (Some(text), None) if salt(text).is_some() => {}
            (Some(_), None) => {
                self.report(&format!("{place}/salt"), "must be 32 hexadecimal digits")
            }
            (None, Some(hash)) => self.vendor_hash(&format!("{place}/hash"), hash),
            (None, None) => {
                self.report(
                    &format!("{place}/salt"),
                    "is missing: 32 hexadecimal digits, drawn at random",
                );
            }
            (Some(_), Some(_)) => self.report(place, "has both a salt and another product's hash"),
        }
    }

    fn vendor_hash(&mut self, place: &str, hash: &VendorHash) {
        let (text, size) = match hash {
            VendorHash::Murmur3Modulo(murmur) | VendorHash::Murmur3Scaled(murmur) => {
                (&murmur.prefix, murmur.size)
            }
            VendorHash::Fnv1a(fnv) => (&fnv.suffix, 1),
            VendorHash::Fnv1aTwice(fnv) => (&fnv.prefix, 1),
            VendorHash::Sha1(sha1) => (&sha1.prefix, 1),
        };
        if text.len() > MAX_TEXT_BYTES {
            self.report(place, format!("has a text over {MAX_TEXT_BYTES} bytes"));
        }
        if size == 0 || size > i32::MAX as u32 {
            self.report(place, "must have a `size` from 1 to 2147483647");
        }
    }

    fn ramp(&mut self, place: &str, flag: &Flag, ramp: &Ramp) {
        self.bucketing(&format!("{place}/by"), &ramp.by);
        if ramp.variants.is_empty() || ramp.variants.len() > MAX_SPLIT_PARTS {
            let message = format!("must list 1 to {MAX_SPLIT_PARTS} variants");
            self.report(&format!("{place}/variants"), message);
        }
        for (at, variant) in ramp.variants.iter().enumerate() {
            if let Some(variant) = variant {
                self.variant(&format!("{place}/variants/{at}"), flag, variant);
            }
        }
        if ramp.steps.is_empty() || ramp.steps.len() > MAX_RAMP_STEPS {
            let message = format!("must list 1 to {MAX_RAMP_STEPS} steps");
            self.report(&format!("{place}/steps"), message);
        }
        let mut before = None;
        for (at, step) in ramp.steps.iter().enumerate() {
            let place = format!("{place}/steps/{at}");
            if before.is_some_and(|before| step.at <= before) {
                self.report(&format!("{place}/at"), "must be later than the step before");
            }
            before = Some(step.at);
            if step.weights.len() != ramp.variants.len() {
                self.report(&format!("{place}/weights"), "must hold one weight for each variant");
            }
            self.sum(&format!("{place}/weights"), step.weights.iter().copied(), ramp.by.size());
        }
    }

    fn sum(&mut self, place: &str, weights: impl Iterator<Item = u32>, size: u32) {
        let sum: u64 = weights.map(u64::from).sum();
        if sum != u64::from(size) {
            self.report(place, format!("sum to {sum} instead of {size}"));
        }
    }

    fn split(&mut self, place: &str, flag: &Flag, split: &Split) {
        self.bucketing(&format!("{place}/by"), &split.by);
        let weights = format!("{place}/weights");
        if split.weights.len() > MAX_SPLIT_PARTS {
            self.report(&weights, format!("holds more than {MAX_SPLIT_PARTS} parts"));
        }
        for (at, weight) in split.weights.iter().enumerate() {
            if let Some(variant) = &weight.variant {
                self.variant(&format!("{weights}/{at}/variant"), flag, variant);
            }
        }
        self.sum(&weights, split.weights.iter().map(|part| part.weight), split.by.size());
    }

    /// `level` counts as the evaluator does: a segment's condition lies one below the node that names the segment.
    fn condition(&mut self, place: &str, condition: &Condition, level: usize) {
        if level + own_height(condition) - 1 > MAX_DEPTH {
            let message = format!("nests deeper than {MAX_DEPTH} levels, segments included");
            self.report(place, message);
            return;
        }
        let inside = |word: &str| format!("{place}/{word}");
        match condition {
            Condition::All(list) => self.conditions(&inside("all"), list, level),
            Condition::Any(list) => self.conditions(&inside("any"), list, level),
            Condition::Not(inner) => self.condition(&inside("not"), inner, level + 1),
            Condition::Segment(key) => self.segment_reference(&inside("segment"), key, level),
            Condition::Flag(flag) => self.prerequisite(&inside("flag"), flag),
            Condition::Some(some) => {
                self.element_reference(&inside("some/attribute"), &some.attribute);
                self.condition(&inside("some/when"), &some.when, level + 1);
            }
            Condition::Bucket(range) => {
                self.bucketing(&inside("bucket/by"), &range.by);
                if range.from > range.below || range.below > range.by.size() {
                    let message =
                        format!("must not be below `from`, nor above {}", range.by.size());
                    self.report(&inside("bucket/below"), message);
                }
            }
            Condition::Now(_) | Condition::Exists(_) | Condition::IsType(_) => {}
            Condition::Equals(equals) => self.scalar(&inside("equals/value"), &equals.value),
            Condition::In(list) => self.list(&inside("in"), list),
            Condition::AnyOf(list) => self.list(&inside("any_of"), list),
            Condition::AllOf(list) => self.list(&inside("all_of"), list),
            Condition::NoneOf(list) => self.list(&inside("none_of"), list),
            Condition::Contains(texts) => self.texts(&inside("contains"), texts),
            Condition::StartsWith(texts) => self.texts(&inside("starts_with"), texts),
            Condition::EndsWith(texts) => self.texts(&inside("ends_with"), texts),
            Condition::IpInCidr(texts) => {
                self.texts(&inside("ip_in_cidr"), texts);
                for (at, value) in texts.values.iter().enumerate() {
                    if network(value).is_none() {
                        let message =
                            format!("`{value}` is no network such as 10.0.0.0/8 or 2001:db8::/32");
                        self.report(&format!("{place}/ip_in_cidr/values/{at}"), message);
                    }
                }
            }
            Condition::Matches(matches) => {
                if let Err(message) = pattern::compile(&matches.pattern) {
                    self.report(&inside("matches/pattern"), message);
                }
            }
            Condition::Text(text) => self.text(&inside("text/value"), &text.value),
            Condition::PaddedVersion(text) => {
                self.text(&inside("padded_version/value"), &text.value)
            }
            Condition::Number(number) | Condition::Size(number) => {
                if !exact_number(number.value) {
                    let word = condition_word(condition);
                    self.report(&inside(&format!("{word}/value")), NOT_EXACT);
                }
            }
            Condition::Datetime(date) => {
                if Moment::parse(date.value.as_bytes()).is_none() {
                    let message = format!(
                        "`{}` is no date and time such as 2026-01-31T12:00:00Z",
                        date.value
                    );
                    self.report(&inside("datetime/value"), message);
                }
            }
            Condition::Semver(semver) => {
                if Version::parse(semver.value.as_bytes(), semver.partial).is_none() {
                    let message =
                        format!("`{}` is no semantic version such as 1.2.3", semver.value);
                    self.report(&inside("semver/value"), message);
                }
            }
        }
        if let Some(attribute) = condition.attribute() {
            let word = condition_word(condition);
            self.element_reference(&format!("{place}/{word}/attribute"), attribute);
        }
    }

    fn conditions(&mut self, place: &str, list: &[Condition], level: usize) {
        if list.len() > MAX_LIST {
            return self.report(place, format!("lists more than {MAX_LIST} conditions"));
        }
        for (at, inner) in list.iter().enumerate() {
            self.condition(&format!("{place}/{at}"), inner, level + 1);
        }
    }

    fn segment_reference(&mut self, place: &str, key: &str, level: usize) {
        if !self.configuration.segments.contains_key(key) {
            self.report(place, format!("no segment `{key}`"));
        } else if level + self.heights.get(key).unwrap_or(&0) > MAX_DEPTH {
            let message =
                format!("`{key}` contains itself or nests deeper than {MAX_DEPTH} levels");
            self.report(place, message);
        }
    }

    /// In a condition no name at all stands for the element of a list.
    fn element_reference(&mut self, place: &str, attribute: &str) {
        if !attribute.is_empty() {
            self.reference(place, attribute);
        }
    }

    fn list(&mut self, place: &str, list: &In) {
        let place = format!("{place}/values");
        self.length(&place, list.values.len());
        for (at, value) in list.values.iter().enumerate() {
            self.scalar(&format!("{place}/{at}"), value);
        }
    }

    fn texts(&mut self, place: &str, texts: &super::Texts) {
        let place = format!("{place}/values");
        self.length(&place, texts.values.len());
        for (at, value) in texts.values.iter().enumerate() {
            self.text(&format!("{place}/{at}"), value);
        }
    }

    fn text(&mut self, place: &str, text: &str) {
        if text.len() > MAX_TEXT_BYTES {
            self.report(place, format!("is longer than {MAX_TEXT_BYTES} bytes"));
        }
    }

    fn length(&mut self, place: &str, length: usize) {
        if length > MAX_LIST {
            self.report(place, format!("lists more than {MAX_LIST} values"));
        }
    }

    fn scalar(&mut self, place: &str, value: &Scalar) {
        match value {
            Scalar::String(text) => self.text(place, text),
            Scalar::Number(number) if !exact_number(*number) => self.report(place, NOT_EXACT),
            Scalar::Number(_) | Scalar::Boolean(_) => {}
        }
    }
}

/// The levels that a leaf takes once compiled: list operators become small trees.
fn own_height(condition: &Condition) -> usize {
    match condition {
        Condition::NoneOf(list) => 4 + usize::from(list.ignore_case),
        Condition::AllOf(list) => 3 + usize::from(list.ignore_case),
        Condition::AnyOf(list) => 2 + usize::from(list.ignore_case),
        Condition::In(list) => 1 + usize::from(list.ignore_case),
        _ => 1,
    }
}

/// The operator as configurations spell it.
fn condition_word(condition: &Condition) -> &'static str {
    match condition {
        Condition::Exists(_) => "exists",
        Condition::IsType(_) => "is_type",
        Condition::Equals(_) => "equals",
        Condition::In(_) => "in",
        Condition::AnyOf(_) => "any_of",
        Condition::AllOf(_) => "all_of",
        Condition::NoneOf(_) => "none_of",
        Condition::Contains(_) => "contains",
        Condition::StartsWith(_) => "starts_with",
        Condition::EndsWith(_) => "ends_with",
        Condition::IpInCidr(_) => "ip_in_cidr",
        Condition::Matches(_) => "matches",
        Condition::Text(_) => "text",
        Condition::PaddedVersion(_) => "padded_version",
        Condition::Number(_) => "number",
        Condition::Size(_) => "size",
        Condition::Datetime(_) => "datetime",
        Condition::Semver(_) => "semver",
        Condition::All(_) => "all",
        Condition::Any(_) => "any",
        Condition::Not(_) => "not",
        Condition::Segment(_) => "segment",
        Condition::Flag(_) => "flag",
        Condition::Some(_) => "some",
        Condition::Bucket(_) => "bucket",
        Condition::Now(_) => "now",
    }
}

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

/// The most conditions and prerequisites that one evaluation of each flag can test, lists' elements aside.
fn flag_costs(configuration: &Configuration) -> BTreeMap<&str, u64> {
    let mut segments: BTreeMap<&str, u64> = BTreeMap::new();
    let mut flags: BTreeMap<&str, u64> = BTreeMap::new();
    // Each round carries costs one level further, and no sound configuration has more levels.
    for _ in 0..=MAX_DEPTH {
        let costs = Costs { segments: &segments, flags: &flags };
        let next = configuration.segments.iter().map(|(key, segment)| {
            (key.as_str(), segment.when.as_ref().map_or(0, |when| costs.condition(when)))
        });
        segments = next.collect();
    }
    for _ in 0..=MAX_DEPTH {
        let costs = Costs { segments: &segments, flags: &flags };
        let next = configuration.flags.iter().map(|(key, flag)| {
            let rules = flag.rules.iter().map(|rule| costs.condition(&rule.when));
            let needed = flag.prerequisites.iter().map(|needed| costs.flag(&needed.flag));
            (key.as_str(), rules.chain(needed).fold(0, u64::saturating_add))
        });
        flags = next.collect();
    }
    flags
}

/// Costs known so far.
struct Costs<'a> {
    segments: &'a BTreeMap<&'a str, u64>,
    flags: &'a BTreeMap<&'a str, u64>,
}

impl Costs<'_> {
    fn flag(&self, key: &str) -> u64 {
        self.flags.get(key).copied().unwrap_or(0).saturating_add(1)
    }

    fn condition(&self, condition: &Condition) -> u64 {
        let inside = match condition {
            Condition::All(list) | Condition::Any(list) => {
                list.iter().map(|inner| self.condition(inner)).fold(0, u64::saturating_add)
            }
            Condition::Not(inner) => self.condition(inner),
            Condition::Some(some) => self.condition(&some.when),
            Condition::Segment(key) => self.segments.get(key.as_str()).copied().unwrap_or(0),
            Condition::Flag(flag) => self.flag(&flag.flag),
            Condition::AllOf(list) => 2 * list.values.len() as u64,
            leaf => own_height(leaf) as u64,
        };
        inside.saturating_add(1)
    }
}

/// How many flags each flag depends on in a row; more than allowed for a cycle.
fn flag_heights(configuration: &Configuration) -> BTreeMap<&str, usize> {
    let needs: BTreeMap<&str, BTreeSet<&str>> = configuration
        .flags
        .iter()
        .map(|(key, flag)| (key.as_str(), super::uses::of_flag(configuration, flag).flags))
        .filter(|(_, needs)| !needs.is_empty())
        .collect();
    let mut heights: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..=MAX_DEPTH + 1 {
        let next = needs.iter().map(|(key, needs)| {
            let below = needs.iter().map(|need| heights.get(need).unwrap_or(&0) + 1);
            (*key, below.max().unwrap_or(0).min(MAX_DEPTH + 1))
        });
        heights = next.collect();
    }
    heights
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
        Condition::Some(some) => height(&some.when, level + 1, heights),
        leaf => level + own_height(leaf) - 1,
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

/// Whether it is finite and, if it is an integer, at most 2^53: what was written as a larger one may have been rounded.
fn exact_number(number: f64) -> bool {
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
