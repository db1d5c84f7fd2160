//! The evaluator itself says whether a value passes a test, and whether a context matches a rule: the analysis only looks for them.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::{Map, Value, json};

use super::formula::Test;
use super::needs;
use super::shared::Shared;
use crate::config::compile::{Admission, ChunkRef, borrowed, flag_payload, put_together};
use crate::config::{
    Condition, Configuration, FORMAT, Flag, Rule, Serve, SomeElement, ValueType, Variant, compile,
};
use crate::context::{Attribute, Context};
use crate::evaluate::{self, Digits};
use crate::snapshot::{ChunkType, Kind, Snapshot};

/// A snapshot of the flag's rules, each as a flag of its own.
#[derive(Debug)]
pub(super) struct Rules {
    snapshot: Snapshot,
}

/// No key of people's begins like this; if one did, there would be no snapshot.
fn name(at: usize) -> String {
    format!("\u{1}{at}")
}

/// A flag with one rule, and variants without values.
fn probe<'a>(variants: impl Iterator<Item = &'a str>, rule: Rule) -> Flag {
    let variants: Vec<Variant> = variants
        .map(|key| Variant { key: key.into(), value: Value::Null, description: String::new() })
        .collect();
    let first = variants.first().map(|variant| variant.key.clone()).unwrap_or_default();
    Flag {
        flag_type: ValueType::Json,
        description: String::new(),
        client_visible: false,
        enabled: true,
        variants,
        off_variant: None,
        prerequisites: Vec::new(),
        targets: Vec::new(),
        holdout: None,
        rules: alloc::vec![rule],
        fallthrough: Serve::Variant(first),
        metadata: BTreeMap::new(),
    }
}

impl Rules {
    /// None if something that they need does not compile, or if they do not fit into one snapshot.
    pub(super) fn new(shared: &Shared<'_>, key: &str) -> Option<Self> {
        let configuration = shared.configuration;
        let flag = configuration.flags.get(key)?;
        let needs = needs(configuration, key);
        if needs.flags.iter().any(|key| shared.is_spoiled(key)) {
            return None;
        }
        let mut flags: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for key in needs.flags.into_iter().filter(|needed| *needed != key) {
            let needed = configuration.flags.get(key)?;
            flags.insert(key.into(), flag_payload(configuration, needed, false));
        }
        for (at, rule) in flag.rules.iter().enumerate() {
            let variants = flag.variants.iter().map(|variant| variant.key.as_str());
            let probe = probe(variants, rule.clone());
            if flags.insert(name(at), flag_payload(configuration, &probe, false)).is_some() {
                return None;
            }
        }
        let segments = needs.segments.into_iter().flat_map(|key| shared.chunks(key));
        let mut chunks: Vec<ChunkRef<'_>> = segments.map(borrowed).collect();
        chunks.extend(
            flags.iter().map(|(key, payload)| (ChunkType::Flag, key.as_bytes(), &payload[..])),
        );
        let body = put_together(Kind::Server, chunks, Admission::default()).ok()?;
        Some(Self { snapshot: Snapshot::open(body, Kind::Server).ok()? })
    }

    /// Whether the rule matches, by itself; none if the evaluation ends in an error there.
    pub(super) fn matches(&self, rule: usize, context: &Context, now: i64) -> Option<bool> {
        let outcome = self.snapshot.evaluate(&name(rule), context, now);
        outcome.error.is_none().then_some(outcome.rule.is_some())
    }
}

/// Whether values pass a test; compiled when first asked.
#[derive(Debug, Default)]
pub(super) struct Operators {
    compiled: BTreeMap<usize, Option<Snapshot>>,
}

impl Operators {
    /// None where the evaluator cannot be asked: of what is about more than the value.
    pub(super) fn passes(
        &mut self,
        number: usize,
        test: &Test<'_>,
        path: &[String],
        value: &Value,
    ) -> Option<bool> {
        let condition = match test {
            Test::Unit => return Some(unit(value, |_| ()).is_some()),
            Test::Keys(keys) => {
                return Some(unit(value, |unit| keys.texts.contains(unit)).unwrap_or(false));
            }
            Test::Operator(condition) if matches!(**condition, Condition::UnixTime(_)) => {
                return None;
            }
            Test::Operator(condition) | Test::Some { whole: condition, .. } => condition,
        };
        let snapshot =
            self.compiled.entry(number).or_insert_with(|| snapshot(condition)).as_ref()?;
        let nested = path.iter().rev().fold(value.clone(), |inner, name| {
            Value::Object(Map::from_iter([(name.clone(), inner)]))
        });
        let context = Context::from_json(&json!({ "v": [nested] })).ok()?;
        Some(snapshot.evaluate("t", &context, 0).rule.is_some())
    }
}

/// A flag whose rule matches if the element of `v` meets the condition.
fn snapshot(condition: &Condition) -> Option<Snapshot> {
    let when = SomeElement { attribute: "v".into(), when: condition.clone() };
    let rule = Rule {
        id: "r".into(),
        name: String::new(),
        from: None,
        to: None,
        layer: None,
        when: Condition::Some(alloc::boxed::Box::new(when)),
        serve: Serve::Variant("on".into()),
    };
    let configuration = Configuration {
        schema: None,
        format: FORMAT,
        attributes: BTreeMap::new(),
        segments: BTreeMap::new(),
        layers: BTreeMap::new(),
        holdouts: BTreeMap::new(),
        flags: BTreeMap::from([("t".into(), probe(["on"].into_iter(), rule))]),
    };
    let body = compile(&configuration, Kind::Server, &[]).ok()?;
    Snapshot::open(body, Kind::Server).ok()
}

/// The value as a unit (core/spec/evaluation.md section 4.2).
fn unit<R>(value: &Value, read: impl FnOnce(&str) -> R) -> Option<R> {
    let attribute = match value {
        Value::String(text) => Attribute::String(text.as_bytes()),
        Value::Number(number) => Attribute::Number(number.as_f64()?),
        _ => return None,
    };
    let mut digits = Digits::default();
    let bytes = evaluate::unit(Some(attribute), &mut digits)?;
    core::str::from_utf8(bytes).ok().map(read)
}
