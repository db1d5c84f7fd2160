//! A second interpreter of core/spec/evaluation.md, for tests alone: it walks the authored configuration and the JSON context,
//! is slow and plain, and shares no code with the evaluator, whose judge it is. Section numbers are those of that page.

mod siphash;
mod version;
pub(crate) mod worlds;

use pennon_core::config::{
    Comparison, Condition, Configuration, Flag, Rule, Scalar, Segment, Serve, Split, Target,
};
use serde_json::{Map, Value, json};
use siphash::siphash_2_4;
use std::cmp::Ordering;
use version::Version;

const TWO_TO_53: f64 = 9_007_199_254_740_992.0;

/// The outcome as JSON: `{value?, variant?, reason, errorCode?, rule?, until?}`. A context that is none is `INVALID_CONTEXT`.
pub(crate) fn evaluate(
    configuration: &Configuration,
    key: &str,
    context: &Value,
    now: i64,
) -> Map<String, Value> {
    let mut until = Vec::new();
    let decision = match configuration.flags.get(key) {
        _ if !is_context(context) => error("INVALID_CONTEXT"),
        // 3.1
        None => error("FLAG_NOT_FOUND"),
        Some(flag) => decide(&Subject { configuration, context }, flag, now, &mut until),
    };
    let mut outcome = Map::new();
    if let Some(variant) = &decision.variant {
        let flag = &configuration.flags[key];
        let served = flag.variants.iter().find(|candidate| candidate.key == *variant);
        outcome.insert("value".into(), served.expect("a checked variant").value.clone());
        outcome.insert("variant".into(), json!(variant));
    }
    outcome.insert("reason".into(), json!(decision.reason));
    if let Some(code) = decision.error {
        outcome.insert("errorCode".into(), json!(code));
    }
    if let Some(rule) = decision.rule {
        outcome.insert("rule".into(), json!(rule));
    }
    if let Some(until) = until.into_iter().min() {
        outcome.insert("until".into(), json!(until));
    }
    outcome
}

/// Sections 1.2 and 1.3, without the limits of 1.4.
pub(crate) fn is_context(context: &Value) -> bool {
    let Value::Object(attributes) = context else {
        return false;
    };
    match attributes.get("targetingKey") {
        None | Some(Value::Null | Value::String(_)) => true,
        Some(Value::Number(number)) => {
            number.as_f64().is_some_and(|number| number.rem_euclid(1.0) == 0.0)
        }
        Some(_) => false,
    }
}

struct Decision {
    variant: Option<String>,
    reason: &'static str,
    error: Option<&'static str>,
    rule: Option<String>,
}

fn error(code: &'static str) -> Decision {
    Decision { variant: None, reason: "ERROR", error: Some(code), rule: None }
}

fn serve(variant: &str, reason: &'static str) -> Decision {
    Decision { variant: Some(variant.to_owned()), reason, error: None, rule: None }
}

struct Subject<'a> {
    configuration: &'a Configuration,
    context: &'a Value,
}

/// Section 3 for a flag that there is. `until` gathers every instant that bounds the outcome.
fn decide(subject: &Subject<'_>, flag: &Flag, now: i64, until: &mut Vec<i64>) -> Decision {
    // 3.2
    if !flag.enabled {
        return Decision {
            variant: flag.off_variant.clone(),
            reason: "DISABLED",
            error: None,
            rule: None,
        };
    }
    // 3.4
    if let Some(target) = subject.target(flag, now) {
        until.extend(target.expires);
        return serve(&target.variant, "TARGETING_MATCH");
    }
    // 3.6
    for rule in &flag.rules {
        match window(rule, now) {
            Window::Ahead => until.extend(rule.from),
            Window::Past => {}
            Window::Open => {
                if !subject.holds(&rule.when) {
                    continue;
                }
                let decision = match &rule.serve {
                    Serve::Variant(variant) => serve(variant, "TARGETING_MATCH"),
                    Serve::Split(split) => match subject.part(split) {
                        Some(variant) => serve(variant, "SPLIT"),
                        None => continue,
                    },
                };
                until.extend(rule.to);
                return Decision { rule: Some(rule.id.clone()), ..decision };
            }
        }
    }
    // 3.7
    match &flag.fallthrough {
        // A target that lists no key is none.
        Serve::Variant(variant)
            if flag.rules.is_empty()
                && flag.targets.iter().all(|target| target.keys.is_empty()) =>
        {
            serve(variant, "STATIC")
        }
        Serve::Variant(variant) => serve(variant, "DEFAULT"),
        Serve::Split(split) => match subject.part(split) {
            Some(variant) => serve(variant, "SPLIT"),
            // 4.3
            None if names(&split.unit) == ["targetingKey"] => error("TARGETING_KEY_MISSING"),
            None => error("INVALID_CONTEXT"),
        },
    }
}

enum Window {
    Ahead,
    Open,
    Past,
}

fn window(rule: &Rule, now: i64) -> Window {
    if rule.from.is_some_and(|from| now < from) {
        Window::Ahead
    } else if rule.to.is_some_and(|to| to <= now) {
        Window::Past
    } else {
        Window::Open
    }
}

impl<'a> Subject<'a> {
    /// Section 3.4.
    fn target<'f>(&self, flag: &'f Flag, now: i64) -> Option<&'f Target> {
        let mut units: Vec<&str> = Vec::new();
        for target in &flag.targets {
            if !units.contains(&target.unit.as_str()) {
                units.push(&target.unit);
            }
        }
        units.into_iter().find_map(|unit| {
            let value = self.unit(unit)?;
            flag.targets
                .iter()
                .filter(|target| target.unit == unit)
                .filter(|target| target.expires.is_none_or(|expires| now < expires))
                .find(|target| target.keys.contains(&value))
        })
    }

    /// Sections 4.2 to 4.4: the variant of the part that holds the unit's bucket; none without a unit.
    fn part<'s>(&self, split: &'s Split) -> Option<&'s str> {
        let unit = self.unit(&split.unit)?;
        let bucket = bucket(&split.salt, &unit);
        let mut cumulative = 0;
        for part in &split.weights {
            cumulative += u64::from(part.weight);
            if bucket < cut_point(cumulative) {
                return Some(&part.variant);
            }
        }
        panic!("weights that sum to less than 100,000");
    }

    /// Section 1.2: the attribute that a reference means, if it is there and not null.
    fn attribute(&self, reference: &str) -> Option<&'a Value> {
        let mut value = self.context;
        for name in names(reference) {
            value = value.as_object()?.get(&name)?;
        }
        (!value.is_null()).then_some(value)
    }

    /// Section 4.2.
    fn unit(&self, reference: &str) -> Option<String> {
        match self.attribute(reference)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => {
                let number = number.as_f64()?;
                (number.fract() == 0.0 && number.abs() <= TWO_TO_53)
                    .then(|| (number as i64).to_string())
            }
            _ => None,
        }
    }

    /// Section 5.
    fn holds(&self, condition: &Condition) -> bool {
        match condition {
            Condition::All(list) => list.iter().all(|child| self.holds(child)),
            Condition::Any(list) => list.iter().any(|child| self.holds(child)),
            Condition::Not(child) => !self.holds(child),
            Condition::Segment(key) => self.is_in(&self.configuration.segments[key]),
            Condition::Exists(leaf) => self.attribute(&leaf.attribute).is_some(),
            Condition::Equals(leaf) => {
                self.attribute(&leaf.attribute).is_some_and(|value| equal(value, &leaf.value))
            }
            Condition::In(leaf) => self
                .attribute(&leaf.attribute)
                .is_some_and(|value| leaf.values.iter().any(|listed| equal(value, listed))),
            Condition::Contains(leaf) => {
                let text = self.text(&leaf.attribute);
                text.is_some_and(|text| leaf.values.iter().any(|part| text.contains(part)))
            }
            Condition::StartsWith(leaf) => {
                let text = self.text(&leaf.attribute);
                text.is_some_and(|text| leaf.values.iter().any(|part| text.starts_with(part)))
            }
            Condition::EndsWith(leaf) => {
                let text = self.text(&leaf.attribute);
                text.is_some_and(|text| leaf.values.iter().any(|part| text.ends_with(part)))
            }
            Condition::Number(leaf) => {
                let number = self.attribute(&leaf.attribute).and_then(Value::as_f64);
                let order = number.and_then(|number| number.partial_cmp(&leaf.value));
                order.is_some_and(|order| compares(leaf.is, order))
            }
            Condition::Semver(leaf) => {
                let bound = Version::parse(&leaf.value).expect("a checked version");
                let version = self.text(&leaf.attribute).and_then(Version::parse);
                version.is_some_and(|version| compares(leaf.is, version.compare(&bound)))
            }
        }
    }

    fn text(&self, reference: &str) -> Option<&'a str> {
        self.attribute(reference)?.as_str()
    }

    /// Section 6.
    fn is_in(&self, segment: &Segment) -> bool {
        let unit = self.unit(&segment.unit);
        let listed = |keys: &[String]| unit.as_ref().is_some_and(|unit| keys.contains(unit));
        if listed(&segment.excluded) {
            false
        } else if listed(&segment.included) {
            true
        } else {
            segment.when.as_ref().is_some_and(|when| self.holds(when))
        }
    }
}

/// Section 4.4.
fn bucket(salt: &str, unit: &str) -> u64 {
    let salt = u128::from_str_radix(salt, 16).expect("a checked salt").to_be_bytes();
    siphash_2_4(&salt, unit.as_bytes()) >> 32
}

fn cut_point(cumulative: u64) -> u64 {
    (cumulative << 32) / 100_000
}

/// A unit whose bucket is the cut point of a weight, and that weight.
pub(crate) fn unit_at_a_cut_point(salt: &str) -> (String, u64) {
    (0u64..)
        .map(|number| format!("user-{number}"))
        .find_map(|unit| {
            let bucket = bucket(salt, &unit);
            let weight = (bucket * 100_000).div_ceil(1 << 32);
            (0 < weight && weight < 100_000 && cut_point(weight) == bucket)
                .then_some((unit, weight))
        })
        .expect("one in 43,000 units")
}

/// Section 1.2: a name, or an RFC 6901 pointer, whose escapes are undone in this order.
fn names(reference: &str) -> Vec<String> {
    match reference.strip_prefix('/') {
        None => vec![reference.to_owned()],
        Some(pointer) => {
            pointer.split('/').map(|token| token.replace("~1", "/").replace("~0", "~")).collect()
        }
    }
}

/// Section 5.2: type and value.
fn equal(value: &Value, operand: &Scalar) -> bool {
    match (value, operand) {
        (Value::Bool(value), Scalar::Boolean(operand)) => value == operand,
        (Value::Number(value), Scalar::Number(operand)) => value.as_f64() == Some(*operand),
        (Value::String(value), Scalar::String(operand)) => value == operand,
        _ => false,
    }
}

fn compares(is: Comparison, order: Ordering) -> bool {
    match is {
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Equal => order.is_eq(),
        Comparison::GreaterOrEqual => order.is_ge(),
        Comparison::Greater => order.is_gt(),
        Comparison::NotEqual => order.is_ne(),
    }
}
