//! A second interpreter of core/spec/evaluation.md, for tests alone: it walks the authored configuration and the JSON context,
//! is slow and plain, and shares no code with the evaluator, whose judge it is. Section numbers are those of that page.

mod bucket;
mod condition;
mod datetime;
mod hashes;
mod siphash;
mod text;
mod version;
pub(crate) mod worlds;

use bucket::{Motion, cut_point};
use condition::Scope;
use pennon_core::config::{
    Bucketing, Configuration, Flag, Prerequisite, Ramp, Rule, Scalar, Serve, Split, Target,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const TWO_TO_53: f64 = 9_007_199_254_740_992.0;

/// The outcome as JSON: `{value?, variant?, reason, errorCode?, rule?, until?, metadata?}`. A context that is none is
/// `INVALID_CONTEXT`.
pub(crate) fn evaluate(
    configuration: &Configuration,
    key: &str,
    context: &Value,
    now: i64,
    marks: &mut Marks,
) -> Map<String, Value> {
    let mut evaluation =
        Evaluation { configuration, context, now, until: Vec::new(), broken: false, marks };
    let flag = configuration.flags.get(key).filter(|_| is_context(context));
    let decision = match flag {
        Some(flag) => evaluation.decide(flag),
        // 3.1
        None if is_context(context) => error("FLAG_NOT_FOUND"),
        None => error("INVALID_CONTEXT"),
    };
    let mut outcome = Map::new();
    if let (Some(flag), Some(variant)) = (flag, &decision.variant) {
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
    if let Some(until) = evaluation.until.into_iter().min() {
        outcome.insert("until".into(), json!(until));
    }
    let known = decision.error != Some("PARSE_ERROR");
    if let Some(flag) = flag.filter(|flag| known && !flag.metadata.is_empty()) {
        let metadata = flag.metadata.iter().map(|(name, value)| (name.clone(), scalar(value)));
        outcome.insert("metadata".into(), Value::Object(metadata.collect()));
    }
    outcome
}

fn scalar(value: &Scalar) -> Value {
    match value {
        Scalar::Boolean(value) => json!(value),
        Scalar::Number(value) => json!(value),
        Scalar::String(value) => json!(value),
    }
}

/// Sections 1.2 to 1.4, without the limit in bytes.
pub(crate) fn is_context(context: &Value) -> bool {
    let Value::Object(attributes) = context else {
        return false;
    };
    let targeting_key = match attributes.get("targetingKey") {
        None | Some(Value::Null | Value::String(_)) => true,
        Some(Value::Number(number)) => {
            number.as_f64().is_some_and(|number| number.rem_euclid(1.0) == 0.0)
        }
        Some(_) => false,
    };
    targeting_key && levels(context) <= 8 && count(context) <= 1_024
}

/// How deep lists and objects lie in one another.
fn levels(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(levels).max().unwrap_or(0),
        Value::Object(object) => 1 + object.values().map(levels).max().unwrap_or(0),
        _ => 0,
    }
}

/// How many attributes there are, those of objects within included.
fn count(value: &Value) -> usize {
    match value {
        Value::Array(list) => list.iter().map(count).sum(),
        Value::Object(object) => object.len() + object.values().map(count).sum::<usize>(),
        _ => 0,
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

/// How often each kind of condition, and each other turn of an evaluation, came out false and true.
#[derive(Debug, Default)]
pub(crate) struct Marks(pub(crate) BTreeMap<&'static str, [usize; 2]>);

impl Marks {
    fn put(&mut self, what: &'static str, came_true: bool) {
        self.0.entry(what).or_default()[usize::from(came_true)] += 1;
    }
}

struct Evaluation<'a, 'm> {
    configuration: &'a Configuration,
    context: &'a Value,
    now: i64,
    /// Every instant met on the way that bounds the outcome.
    until: Vec<i64>,
    /// A condition was an error: whatever would follow is not looked at.
    broken: bool,
    marks: &'m mut Marks,
}

/// Sections 4.1 to 4.3: what is served, if anything is.
enum Served<'a> {
    Variant(&'a str),
    Part(Option<&'a str>),
    NoUnit,
}

impl<'a> Evaluation<'a, '_> {
    /// Section 3 for a flag that there is.
    fn decide(&mut self, flag: &'a Flag) -> Decision {
        let decision = self.decide_unbroken(flag);
        if self.broken { error("PARSE_ERROR") } else { decision }
    }

    fn decide_unbroken(&mut self, flag: &'a Flag) -> Decision {
        let off = Decision {
            variant: flag.off_variant.clone(),
            reason: "DISABLED",
            error: None,
            rule: None,
        };
        // 3.2 and 3.3
        if !flag.enabled || !flag.prerequisites.iter().all(|needed| self.is_met(needed)) {
            return off;
        }
        // 3.4
        if let Some(target) = self.target(flag) {
            self.until.extend(target.expires);
            return serve(&target.variant, "TARGETING_MATCH");
        }
        // 3.5
        if let Some(held) = &flag.holdout {
            let holdout = &self.configuration.holdouts[&held.holdout];
            let cut = cut_point(&holdout.by, holdout.weight.into());
            let held_out = self.bucket(&holdout.by).is_some_and(|bucket| bucket < cut);
            self.marks.put("held out", held_out);
            if held_out {
                return serve(&held.variant, "SPLIT");
            }
        }
        // 3.6
        for rule in &flag.rules {
            if self.broken {
                return off;
            }
            if let Some(decision) = self.rule(rule) {
                return Decision { rule: Some(rule.id.clone()), ..decision };
            }
        }
        if self.broken {
            return off;
        }
        // 3.7
        match self.serves(&flag.fallthrough) {
            // A target that lists no key is none.
            Served::Variant(variant)
                if flag.rules.is_empty()
                    && flag.targets.iter().all(|target| target.keys.is_empty()) =>
            {
                serve(variant, "STATIC")
            }
            Served::Variant(variant) => serve(variant, "DEFAULT"),
            Served::Part(variant) => serve(variant.expect("a checked fallthrough"), "SPLIT"),
            // 4.3
            Served::NoUnit => {
                let by = match &flag.fallthrough {
                    Serve::Variant(_) => panic!("a variant needs no unit"),
                    Serve::Split(split) => &split.by,
                    Serve::Ramp(ramp) => &ramp.by,
                };
                let targeting_key = names(&by.unit) == ["targetingKey"];
                error(if targeting_key { "TARGETING_KEY_MISSING" } else { "INVALID_CONTEXT" })
            }
        }
    }

    /// Section 3.3: the other flag is on, is not in error, and serves one of these variants.
    fn is_met(&mut self, needed: &Prerequisite) -> bool {
        let flag = &self.configuration.flags[&needed.flag];
        let decision = self.decide(flag);
        self.broken = false;
        let served = decision.variant.is_some_and(|variant| needed.variants.contains(&variant));
        let met = flag.enabled && decision.error.is_none() && served;
        self.marks.put("prerequisite", met);
        met
    }

    /// Section 3.4.
    fn target(&self, flag: &'a Flag) -> Option<&'a Target> {
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
                .filter(|target| target.expires.is_none_or(|expires| self.now < expires))
                .find(|target| target.keys.contains(&value))
        })
    }

    /// Section 3.6.
    fn rule(&mut self, rule: &'a Rule) -> Option<Decision> {
        if rule.from.is_some_and(|from| self.now < from) {
            self.until.extend(rule.from);
            return None;
        }
        if rule.to.is_some_and(|to| to <= self.now) {
            return None;
        }
        if let Some(slot) = &rule.layer {
            let by = &self.configuration.layers[&slot.layer].by;
            let (start, end) = (cut_point(by, slot.from.into()), cut_point(by, slot.to.into()));
            let inside = self.bucket(by).is_some_and(|bucket| start <= bucket && bucket < end);
            self.marks.put("layer slot", inside);
            if !inside {
                return None;
            }
        }
        let holds = self.holds(&rule.when, Scope::Context);
        if self.broken {
            self.until.extend(rule.to);
        }
        if !holds || self.broken {
            return None;
        }
        let decision = match self.serves(&rule.serve) {
            Served::Variant(variant) => serve(variant, "TARGETING_MATCH"),
            Served::Part(variant) => {
                self.marks.put("served by a rule's part", variant.is_some());
                serve(variant?, "SPLIT")
            }
            Served::NoUnit => return None,
        };
        self.until.extend(rule.to);
        Some(decision)
    }

    fn serves(&mut self, what: &'a Serve) -> Served<'a> {
        let by = match what {
            Serve::Variant(variant) => return Served::Variant(variant),
            Serve::Split(split) => &split.by,
            Serve::Ramp(ramp) => &ramp.by,
        };
        match (self.bucket(by), what) {
            (None, _) | (_, Serve::Variant(_)) => Served::NoUnit,
            (Some(bucket), Serve::Split(split)) => Served::Part(part(split, bucket)),
            (Some(bucket), Serve::Ramp(ramp)) => Served::Part(self.ramp(ramp, bucket)),
        }
    }

    /// Section 4.6.
    fn ramp(&mut self, ramp: &'a Ramp, bucket: u128) -> Option<&'a str> {
        let cuts = |step: usize| {
            let mut sum = 0;
            let weights = ramp.steps[step].weights.iter();
            let cuts = weights.map(|weight| {
                sum += u64::from(*weight);
                cut_point(&ramp.by, sum)
            });
            cuts.collect::<Vec<_>>()
        };
        let last = ramp.steps.len() - 1;
        let reached = ramp.steps.iter().rposition(|step| step.at <= self.now);
        self.marks.put("ramp under way", reached.is_some_and(|step| step < last));
        let now_at = match reached {
            None => {
                self.until.push(ramp.steps[0].at);
                cuts(0)
            }
            Some(step) if step == last => cuts(last),
            Some(step) => {
                let (start, end) = (ramp.steps[step].at, ramp.steps[step + 1].at);
                self.until.push(end);
                let motions = cuts(step).into_iter().zip(cuts(step + 1));
                let motions = motions.map(|(from, to)| Motion { start, end, from, to });
                let motions: Vec<Motion> = motions.collect();
                for motion in &motions {
                    self.until.extend(motion.passes(bucket, self.now));
                }
                motions.iter().map(|motion| motion.at(self.now)).collect()
            }
        };
        let part = now_at.iter().position(|cut| bucket < *cut).expect("cuts up to the whole");
        ramp.variants[part].as_deref()
    }

    fn bucket(&self, by: &Bucketing) -> Option<u128> {
        let mut units = std::iter::once(&by.unit).chain(&by.fallback_units);
        let unit = units.find_map(|unit| self.unit(unit))?;
        Some(bucket::bucket(by, &unit))
    }

    /// Section 4.2.
    fn unit(&self, reference: &str) -> Option<String> {
        match reach(self.context, reference)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => {
                let number = number.as_f64()?;
                (number.fract() == 0.0 && number.abs() <= TWO_TO_53)
                    .then(|| (number as i64).to_string())
            }
            _ => None,
        }
    }
}

/// Section 4.4: the variant of the part that holds the bucket.
fn part(split: &Split, bucket: u128) -> Option<&str> {
    let mut sum = 0;
    for part in &split.weights {
        sum += u64::from(part.weight);
        if bucket < cut_point(&split.by, sum) {
            return part.variant.as_deref();
        }
    }
    panic!("weights that sum to less than the whole");
}

/// Section 1.2: the attribute that a reference means, if it is there and not null.
fn reach<'v>(value: &'v Value, reference: &str) -> Option<&'v Value> {
    let mut value = value;
    for name in names(reference) {
        value = value.as_object()?.get(&name)?;
    }
    (!value.is_null()).then_some(value)
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

/// A unit whose bucket is the cut point of a weight, and that weight.
pub(crate) fn unit_at_a_cut_point(by: &Bucketing) -> (String, u64) {
    (0u64..)
        .map(|number| format!("user-{number}"))
        .find_map(|unit| {
            let bucket = bucket::bucket(by, &unit);
            let whole = bucket::whole(by);
            // The last weight whose cut point is not above the bucket.
            let (mut weight, mut above) = (0, whole);
            while above - weight > 1 {
                let middle = weight + (above - weight) / 2;
                if cut_point(by, middle) <= bucket { weight = middle } else { above = middle }
            }
            (0 < weight && cut_point(by, weight) == bucket).then_some((unit, weight))
        })
        .expect("one in 43,000 units")
}
