//! What is wrong with a configuration: everything that the compiler would refuse, found before and named by place
//! (core/spec/config.md section 4).

mod bounds;
mod condition;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::Serialize;

use super::finding::{Code, Finding};
use super::literal::{NOT_EXACT, exact, path, pointer, salt};
use super::{
    Bucketing, Configuration, FORMAT, Flag, Prerequisite, Ramp, Rule, Segment, Serve, Split,
    ValueType, VendorHash,
};
use crate::limits::*;
use bounds::{cyclic_flags, cyclic_segments, flag_costs, flag_heights, segment_heights};

/// A reason not to compile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    pub code: Code,
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

impl From<Problem> for Finding {
    fn from(problem: Problem) -> Self {
        let Problem { code, flag, place, message } = problem;
        let severity = code.severity();
        Self { code, severity, flag, place, message, exact: true, other: None, witness: None }
    }
}

impl Configuration {
    /// What keeps this configuration from compiling, in the order of the file: of each flag, segment and so on that has problems, the first
    /// hundred of them.
    pub fn problems(&self) -> Vec<Problem> {
        let heights = segment_heights(&self.segments);
        let cyclic = cyclic_segments(&self.segments);
        let (problems, counts) = (Vec::new(), BTreeMap::new());
        let mut check =
            Check { configuration: self, heights, cyclic, flag: None, problems, counts };
        check.whole();
        check.problems
    }
}

struct Check<'a> {
    configuration: &'a Configuration,
    heights: BTreeMap<&'a str, usize>,
    /// Segments that contain themselves.
    cyclic: BTreeSet<&'a str>,
    flag: Option<&'a str>,
    problems: Vec<Problem>,
    /// How many there are by what has them: `/flags/KEY`, `/segments/KEY`.
    counts: BTreeMap<String, usize>,
}

/// Problems that are told of one flag or segment: a list in it may be wrong a hundred thousand times.
pub(super) const MAX_PROBLEMS_EACH: usize = 100;
/// The characters of a problem's sentence: what it quotes may be a megabyte.
pub(super) const MAX_MESSAGE_CHARACTERS: usize = 1_000;

/// The first two parts of a place.
fn subject(place: &str) -> &str {
    place.match_indices('/').nth(2).map_or(place, |(end, _)| &place[..end])
}

impl<'a> Check<'a> {
    fn report(&mut self, code: Code, place: &str, message: impl Into<String>) {
        let count = self.counts.entry(subject(place).into()).or_default();
        if *count == MAX_PROBLEMS_EACH {
            return;
        }
        *count += 1;
        let flag = self.flag.map(ToString::to_string);
        let mut message = message.into();
        if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE_CHARACTERS) {
            message.truncate(end);
            message.push('…');
        }
        self.problems.push(Problem { code, flag, place: place.into(), message });
    }

    fn whole(&mut self) {
        let configuration = self.configuration;
        if configuration.format != FORMAT {
            self.report(Code::UnknownFormat, "/format", format!("must be {FORMAT}"));
        }
        if configuration.flags.len() > MAX_FLAGS {
            self.report(Code::OverLimit, "/flags", format!("holds more than {MAX_FLAGS} flags"));
        }
        if configuration.segments.len() > MAX_SEGMENTS {
            self.report(
                Code::OverLimit,
                "/segments",
                format!("holds more than {MAX_SEGMENTS} segments"),
            );
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
                self.report(
                    Code::OverLimit,
                    &format!("/{name}"),
                    format!("holds more than {MAX_LAYERS} {name}"),
                );
            }
        }
        for (key, layer) in &configuration.layers {
            let place = pointer("/layers", key);
            if self.name(&place, key) {
                self.bucketing(&format!("{place}/by"), &layer.by);
            }
        }
        for (key, holdout) in &configuration.holdouts {
            let place = pointer("/holdouts", key);
            if !self.name(&place, key) {
                continue;
            }
            self.bucketing(&format!("{place}/by"), &holdout.by);
            if holdout.weight > holdout.by.size() {
                self.report(Code::BadBucketRange, &format!("{place}/weight"), "is more than all");
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
                let flag = configuration.flags.get(key);
                let without_rules = flag.is_some_and(|flag| flag.rules.is_empty());
                let part = if without_rules { "prerequisites" } else { "rules" };
                self.report(
                    Code::OverLimit,
                    &format!("{}/{part}", pointer("/flags", key)),
                    message,
                );
            }
        }
        let cyclic = cyclic_flags(configuration);
        for (key, height) in flag_heights(configuration) {
            if height > MAX_DEPTH {
                self.flag = Some(key);
                let place = format!("{}/prerequisites", pointer("/flags", key));
                if cyclic.contains(key) {
                    self.report(Code::PrerequisiteCycle, &place, "lead back to the flag itself");
                } else {
                    let message = format!("depend on flags more than {MAX_DEPTH} levels deep");
                    self.report(Code::OverLimit, &place, message);
                }
            }
        }
    }

    /// Whether it is one. Of what has no good key nothing else is told: each place would repeat the key.
    fn name(&mut self, place: &str, name: &str) -> bool {
        let before = self.problems.len();
        if name.is_empty() || name.starts_with('\0') {
            self.report(Code::BadName, place, "must not be empty, nor begin with NUL");
        } else if name.len() > MAX_NAME_BYTES {
            self.report(Code::OverLimit, place, format!("is longer than {MAX_NAME_BYTES} bytes"));
        }
        self.problems.len() == before
    }

    /// What only people read.
    fn prose(&mut self, place: &str, text: &str) {
        if text.len() > MAX_DESCRIPTION_BYTES {
            self.report(
                Code::OverLimit,
                place,
                format!("is longer than {MAX_DESCRIPTION_BYTES} bytes"),
            );
        }
    }

    /// An attribute: a name, or a JSON Pointer (RFC 6901) when it starts with a slash.
    fn reference(&mut self, place: &str, attribute: &str) {
        match path(attribute) {
            None => {
                self.report(Code::BadReference, place, "has a `~` that is neither `~0` nor `~1`")
            }
            Some(names) if names.len() > MAX_PATH_NAMES => {
                self.report(
                    Code::OverLimit,
                    place,
                    format!("has more than {MAX_PATH_NAMES} names"),
                );
            }
            Some(names) => {
                for name in names {
                    self.name(place, &name);
                }
            }
        }
    }

    fn segment(&mut self, place: &str, key: &str, segment: &Segment) {
        if !self.name(place, key) {
            return;
        }
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
            self.report(Code::OverLimit, place, format!("lists more than {limit} keys"));
        }
        if keys.iter().any(String::is_empty) {
            self.report(Code::BadName, place, "lists an empty key");
        }
        if keys.iter().any(|key| key.len() > MAX_NAME_BYTES) {
            self.report(Code::OverLimit, place, format!("lists a key over {MAX_NAME_BYTES} bytes"));
        }
    }

    fn flag(&mut self, place: &str, key: &str, flag: &Flag) {
        if !self.name(place, key) {
            return;
        }
        self.prose(&format!("{place}/description"), &flag.description);
        self.variants(&format!("{place}/variants"), flag);
        if let Some(variant) = &flag.off_variant {
            self.variant(&format!("{place}/offVariant"), flag, variant);
        }
        if flag.prerequisites.len() > MAX_PREREQUISITES {
            let message = format!("lists more than {MAX_PREREQUISITES} flags");
            self.report(Code::OverLimit, &format!("{place}/prerequisites"), message);
        }
        for (at, prerequisite) in flag.prerequisites.iter().enumerate() {
            self.prerequisite(&format!("{place}/prerequisites/{at}"), prerequisite);
        }
        if let Some(held) = &flag.holdout {
            let place = format!("{place}/holdout");
            self.variant(&format!("{place}/variant"), flag, &held.variant);
            if !self.configuration.holdouts.contains_key(&held.holdout) {
                self.report(
                    Code::UnknownHoldout,
                    &format!("{place}/holdout"),
                    format!("no holdout `{}`", held.holdout),
                );
            }
        }
        if flag.metadata.len() > MAX_METADATA {
            let message = format!("holds more than {MAX_METADATA} entries");
            self.report(Code::OverLimit, &format!("{place}/metadata"), message);
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
                    self.report(
                        Code::TargetListedTwice,
                        &format!("{place}/keys"),
                        format!("`{key}` is targeted twice"),
                    );
                }
            }
        }
        let units: BTreeSet<&String> = flag.targets.iter().map(|target| &target.unit).collect();
        if units.len() > MAX_TARGET_UNITS {
            let message = format!("list values of more than {MAX_TARGET_UNITS} attributes");
            self.report(Code::OverLimit, &format!("{place}/targets"), message);
        }
        if flag.rules.len() > MAX_RULES {
            self.report(
                Code::OverLimit,
                &format!("{place}/rules"),
                format!("holds more than {MAX_RULES} rules"),
            );
        }
        let mut ids = BTreeSet::new();
        for (at, rule) in flag.rules.iter().enumerate() {
            let place = format!("{place}/rules/{at}");
            self.name(&format!("{place}/id"), &rule.id);
            self.prose(&format!("{place}/name"), &rule.name);
            if !ids.insert(&rule.id) {
                self.report(
                    Code::DuplicateRule,
                    &format!("{place}/id"),
                    "is the id of an earlier rule too",
                );
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
            self.report(Code::FallthroughUnserved, &place, "must serve a variant to every unit");
        }
    }

    fn rule(&mut self, place: &str, flag: &Flag, rule: &Rule) {
        if let (Some(from), Some(to)) = (rule.from, rule.to)
            && from >= to
        {
            self.report(
                Code::WindowNeverOpens,
                &format!("{place}/to"),
                "must be later than `from`",
            );
        }
        if let Some(slot) = &rule.layer {
            let size = self.configuration.layers.get(&slot.layer).map(|layer| layer.by.size());
            let place = format!("{place}/layer");
            match size {
                None => {
                    self.report(
                        Code::UnknownLayer,
                        &format!("{place}/layer"),
                        format!("no layer `{}`", slot.layer),
                    );
                }
                Some(size) if slot.from >= slot.to || slot.to > size => {
                    self.report(
                        Code::EmptyLayerSlot,
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
            return self.report(
                Code::UnknownFlag,
                &format!("{place}/flag"),
                format!("no flag `{}`", prerequisite.flag),
            );
        };
        if prerequisite.variants.is_empty() || prerequisite.variants.len() > MAX_VARIANTS {
            let message = format!("must list 1 to {MAX_VARIANTS} variants");
            self.report(Code::WrongCount, &format!("{place}/variants"), message);
        }
        for (at, variant) in prerequisite.variants.iter().enumerate() {
            self.variant(&format!("{place}/variants/{at}"), flag, variant);
        }
    }

    fn variants(&mut self, place: &str, flag: &Flag) {
        if flag.variants.is_empty() || flag.variants.len() > MAX_VARIANTS {
            self.report(Code::WrongCount, place, format!("must hold 1 to {MAX_VARIANTS} variants"));
        }
        let mut keys = BTreeSet::new();
        for (at, variant) in flag.variants.iter().enumerate() {
            let place = format!("{place}/{at}");
            self.name(&format!("{place}/key"), &variant.key);
            self.prose(&format!("{place}/description"), &variant.description);
            if !keys.insert(&variant.key) {
                self.report(
                    Code::DuplicateVariant,
                    &format!("{place}/key"),
                    "is the key of an earlier variant too",
                );
            }
            let fits = match flag.flag_type {
                ValueType::Boolean => variant.value.is_boolean(),
                ValueType::String => variant.value.is_string(),
                ValueType::Number => variant.value.is_number(),
                ValueType::Json => true,
            };
            if !fits {
                self.report(
                    Code::WrongValueType,
                    &format!("{place}/value"),
                    "is not of the flag's type",
                );
            } else if !exact(&variant.value) {
                self.report(Code::InexactNumber, &format!("{place}/value"), NOT_EXACT);
            }
        }
    }

    fn variant(&mut self, place: &str, flag: &Flag, key: &str) {
        if !flag.variants.iter().any(|variant| variant.key == key) {
            self.report(Code::UnknownVariant, place, format!("the flag has no variant `{key}`"));
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
            self.report(Code::OverLimit, &format!("{place}/fallbackUnits"), message);
        }
        for (at, unit) in by.fallback_units.iter().enumerate() {
            self.reference(&format!("{place}/fallbackUnits/{at}"), unit);
        }
        match (&by.salt, &by.hash) {
            (Some(text), None) if salt(text).is_some() => {}
            (Some(_), None) => self.report(
                Code::BadBucketing,
                &format!("{place}/salt"),
                "must be 32 hexadecimal digits",
            ),
            (None, Some(hash)) => self.vendor_hash(&format!("{place}/hash"), hash),
            (None, None) => {
                self.report(
                    Code::BadBucketing,
                    &format!("{place}/salt"),
                    "is missing: 32 hexadecimal digits, drawn at random",
                );
            }
            (Some(_), Some(_)) => {
                self.report(Code::BadBucketing, place, "has both a salt and another product's hash")
            }
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
            self.report(Code::OverLimit, place, format!("has a text over {MAX_TEXT_BYTES} bytes"));
        }
        if size == 0 || size > i32::MAX as u32 {
            self.report(Code::BadBucketing, place, "must have a `size` from 1 to 2147483647");
        }
    }

    fn ramp(&mut self, place: &str, flag: &Flag, ramp: &Ramp) {
        self.bucketing(&format!("{place}/by"), &ramp.by);
        if ramp.variants.is_empty() || ramp.variants.len() > MAX_SPLIT_PARTS {
            let message = format!("must list 1 to {MAX_SPLIT_PARTS} variants");
            self.report(Code::WrongCount, &format!("{place}/variants"), message);
        }
        for (at, variant) in ramp.variants.iter().enumerate() {
            if let Some(variant) = variant {
                self.variant(&format!("{place}/variants/{at}"), flag, variant);
            }
        }
        if ramp.steps.is_empty() || ramp.steps.len() > MAX_RAMP_STEPS {
            let message = format!("must list 1 to {MAX_RAMP_STEPS} steps");
            self.report(Code::WrongCount, &format!("{place}/steps"), message);
        }
        let mut before = None;
        for (at, step) in ramp.steps.iter().enumerate() {
            let place = format!("{place}/steps/{at}");
            if before.is_some_and(|before| step.at <= before) {
                self.report(
                    Code::StepsOutOfOrder,
                    &format!("{place}/at"),
                    "must be later than the step before",
                );
            }
            before = Some(step.at);
            if step.weights.len() != ramp.variants.len() {
                self.report(
                    Code::WrongCount,
                    &format!("{place}/weights"),
                    "must hold one weight for each variant",
                );
            }
            self.sum(&format!("{place}/weights"), step.weights.iter().copied(), ramp.by.size());
        }
    }

    fn sum(&mut self, place: &str, weights: impl Iterator<Item = u32>, size: u32) {
        let sum: u64 = weights.map(u64::from).sum();
        if sum != u64::from(size) {
            self.report(Code::WeightsDoNotSum, place, format!("sum to {sum} instead of {size}"));
        }
    }

    fn split(&mut self, place: &str, flag: &Flag, split: &Split) {
        self.bucketing(&format!("{place}/by"), &split.by);
        let weights = format!("{place}/weights");
        if split.weights.len() > MAX_SPLIT_PARTS {
            self.report(
                Code::OverLimit,
                &weights,
                format!("holds more than {MAX_SPLIT_PARTS} parts"),
            );
        }
        for (at, weight) in split.weights.iter().enumerate() {
            if let Some(variant) = &weight.variant {
                self.variant(&format!("{weights}/{at}/variant"), flag, variant);
            }
        }
        self.sum(&weights, split.weights.iter().map(|part| part.weight), split.by.size());
    }
}
