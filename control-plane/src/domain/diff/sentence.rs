//! A difference in words.

use serde_json::Value;

use super::{Kind, Step};
use crate::domain::words;

/// What a person reads about the difference at this path.
pub(super) fn of(
    path: &[Step],
    kind: Kind,
    before: Option<&Value>,
    after: Option<&Value>,
) -> String {
    let change = Change { kind, before, after };
    let Some((first, rest)) = path.split_first() else {
        return match kind {
            Kind::Added => "created".to_owned(),
            Kind::Removed => "deleted".to_owned(),
            _ => change.plainly("the whole"),
        };
    };
    let (Step::Field(field) | Step::Item { name: field, .. }) = first;
    match (field.as_str(), rest) {
        ("enabled", []) => match after.and_then(Value::as_bool) {
            Some(true) => "turned on".to_owned(),
            Some(false) => "turned off".to_owned(),
            None => change.plainly("enabled"),
        },
        ("offVariant", []) => change.plainly("off variant"),
        ("clientVisible", []) => match (kind, after.and_then(Value::as_bool)) {
            (Kind::Removed, _) | (_, Some(false)) => "hidden from clients".to_owned(),
            _ => "visible to clients".to_owned(),
        },
        ("fallthrough", rest) => format!("fallthrough: {}", change.served(rest)),
        ("rules", [Step::Item { label, number, .. }, rest @ ..]) => {
            change.rule(label, *number, rest)
        }
        ("targets", [Step::Item { label, .. }, rest @ ..]) => change.target(label, rest),
        ("prerequisites", [Step::Item { name, .. }, rest @ ..]) => change.prerequisite(name, rest),
        ("variants", [Step::Item { name, .. }, rest @ ..]) => change.variant(name, rest),
        ("holdout", []) => change.told("holdout", held_words),
        ("metadata", []) => change.told("metadata", metadata_words),
        ("included", []) => change.keys("included", "no longer included:"),
        ("excluded", []) => change.keys("excluded", "no longer excluded:"),
        ("when", rest) => format!("condition: {}", change.condition(rest)),
        _ => change.plainly(&dotted(path)),
    }
}

struct Change<'a> {
    kind: Kind,
    before: Option<&'a Value>,
    after: Option<&'a Value>,
}

impl Change<'_> {
    fn plainly(&self, what: &str) -> String {
        self.told(what, words::value)
    }

    /// `what: old -> new`, or what else happened to it.
    fn told(&self, what: &str, words: impl Fn(&Value) -> String) -> String {
        let (old, new) = (self.before.map(&words), self.after.map(&words));
        match (self.kind, old, new) {
            (Kind::Moved, ..) => format!("{what} {}", self.moved()),
            (Kind::KeysAdded, _, _) => format!("{what}: added {}", listed(self.after)),
            (Kind::KeysRemoved, _, _) => format!("{what}: removed {}", listed(self.before)),
            (_, Some(old), Some(new)) => format!("{what}: {old} -> {new}"),
            (_, None, Some(new)) => format!("{what}: now {new}"),
            (_, Some(old), None) => format!("{what}: no longer {old}"),
            (_, None, None) => format!("{what}: changed"),
        }
    }

    /// `moved from 1 to 3`.
    fn moved(&self) -> String {
        let place = |value: Option<&Value>| value.and_then(Value::as_u64).map_or(0, |at| at + 1);
        format!("moved from {} to {}", place(self.before), place(self.after))
    }

    fn keys(&self, added: &str, removed: &str) -> String {
        match self.kind {
            Kind::KeysAdded => format!("{added} {}", listed(self.after)),
            Kind::KeysRemoved => format!("{removed} {}", listed(self.before)),
            Kind::Added => format!("{added} {}", listed(self.after)),
            Kind::Removed => format!("{removed} {}", listed(self.before)),
            _ => self.plainly(added),
        }
    }

    fn rule(&self, label: &str, number: usize, rest: &[Step]) -> String {
        let quoted = if label.is_empty() { String::new() } else { words::quoted(label) };
        let named = if label.is_empty() { number.to_string() } else { quoted.clone() };
        if rest.is_empty() {
            return match self.kind {
                Kind::Added => {
                    let rule = self.after.map_or_else(String::new, rule_words);
                    let name = if label.is_empty() { String::new() } else { format!(" {quoted}") };
                    format!("added rule{name} at {number}: {rule}")
                }
                Kind::Removed => {
                    format!(
                        "removed rule {named}: {}",
                        self.before.map_or_else(String::new, rule_words)
                    )
                }
                Kind::Moved => format!("rule {named} {}", self.moved()),
                _ => self.plainly(&format!("rule {named}")),
            };
        }
        let what = if label.is_empty() {
            format!("rule {number}")
        } else {
            format!("rule {number} ({quoted})")
        };
        let (field, inner) = match rest.split_first() {
            Some((Step::Field(field), inner)) => (field.as_str(), inner),
            _ => ("", rest),
        };
        let told = match field {
            "serve" => self.served(inner),
            "when" => self.condition(inner),
            "from" | "to" if inner.is_empty() => self.told(field, |value| {
                value.as_i64().map_or_else(|| words::value(value), words::time)
            }),
            _ => self.plainly(&dotted(rest)),
        };
        format!("{what}: {told}")
    }

    /// A difference in what is served; `rest` is the path from there.
    fn served(&self, rest: &[Step]) -> String {
        let fields: Vec<&str> = rest.iter().map(name).collect();
        match (fields.as_slice(), self.before, self.after) {
            ([] | ["variant"], _, _) => {
                let words = if rest.is_empty() { words::serve } else { words::value };
                match (self.before.map(words), self.after.map(words)) {
                    (Some(old), Some(new)) => format!("serves {old} -> {new}"),
                    (None, Some(new)) => format!("serves {new}"),
                    (Some(old), None) => format!("no longer serves {old}"),
                    (None, None) => "serves something else".to_owned(),
                }
            }
            (["split", "weights"], Some(old), Some(new)) => {
                format!("weights {}", words::weights_changed(old, new))
            }
            ([_, "by", "salt"], ..) => "another salt: every unit gets another bucket".to_owned(),
            (["ramp", "steps"], Some(old), Some(new)) => {
                let steps = |steps: &Value| {
                    let at = |step: Option<&Value>| {
                        let at = step.and_then(|step| step.get("at")).and_then(Value::as_i64);
                        at.map_or_else(String::new, words::time)
                    };
                    let steps = steps.as_array().map_or(&[][..], Vec::as_slice);
                    format!(
                        "{} steps from {} to {}",
                        steps.len(),
                        at(steps.first()),
                        at(steps.last())
                    )
                };
                format!("ramp: {} -> {}", steps(old), steps(new))
            }
            _ => self.plainly(&dotted(rest)),
        }
    }

    fn condition(&self, rest: &[Step]) -> String {
        let at = rest.iter().rev().find_map(|step| match step {
            Step::Item { number, .. } => Some(*number),
            Step::Field(_) => None,
        });
        let part = at.map_or_else(String::new, |number| format!("part {number} "));
        match (self.kind, self.before.map(words::condition), self.after.map(words::condition)) {
            (Kind::Added, _, Some(new)) => format!("{part}also: {new}"),
            (Kind::Removed, Some(old), _) => format!("{part}no longer: {old}"),
            (_, Some(old), Some(new)) => format!("{part}if {old} -> if {new}"),
            _ => self.plainly("condition"),
        }
    }

    fn target(&self, variant: &str, rest: &[Step]) -> String {
        let keys = |value: Option<&Value>| match value.and_then(Value::as_array) {
            Some(keys) if keys.len() == 1 => format!("target {}", words::list(keys)),
            Some(keys) => format!("targets {}", words::list(keys)),
            None => "targets".to_owned(),
        };
        let of = |value: Option<&Value>| keys(value.and_then(|target| target.get("keys")));
        match (self.kind, rest) {
            (Kind::Added, []) => format!("added {} -> {variant}", of(self.after)),
            (Kind::Removed, []) => format!("removed {} -> {variant}", of(self.before)),
            (Kind::KeysAdded, _) => format!("added {} -> {variant}", keys(self.after)),
            (Kind::KeysRemoved, _) => format!("removed {} -> {variant}", keys(self.before)),
            (_, []) => self.plainly(&format!("targets -> {variant}")),
            _ => self.plainly(&format!("targets -> {variant}: {}", dotted(rest))),
        }
    }

    fn prerequisite(&self, flag: &str, rest: &[Step]) -> String {
        let needed = |value: Option<&Value>| {
            let fields = value.and_then(Value::as_object);
            fields.map_or_else(|| flag.to_owned(), words::prerequisite)
        };
        match (self.kind, rest) {
            (Kind::Added, []) => format!("added prerequisite: {}", needed(self.after)),
            (Kind::Removed, []) => format!("removed prerequisite: {}", needed(self.before)),
            (Kind::Moved, []) => format!("prerequisite {flag} {}", self.moved()),
            _ => self.plainly(&format!("prerequisite {flag}: {}", dotted(rest))),
        }
    }

    fn variant(&self, key: &str, rest: &[Step]) -> String {
        let key = words::quoted(key);
        let value = |variant: Option<&Value>| {
            let value = variant.and_then(|variant| variant.get("value"));
            value.map_or_else(String::new, words::value)
        };
        match (self.kind, rest) {
            (Kind::Added, []) => format!("added variant {key}: {}", value(self.after)),
            (Kind::Removed, []) => format!("removed variant {key}: {}", value(self.before)),
            (Kind::Moved, []) => format!("variant {key} {}", self.moved()),
            (_, []) => self.plainly(&format!("variant {key}")),
            _ => self.plainly(&format!("variant {key} {}", dotted(rest))),
        }
    }
}

/// `if CONDITION, serve WHAT`.
fn rule_words(rule: &Value) -> String {
    let when = rule.get("when").map_or_else(String::new, words::condition);
    let serve = rule.get("serve").map_or_else(String::new, words::serve);
    format!("if {when}, serve {serve}")
}

fn held_words(holdout: &Value) -> String {
    let part = |name| holdout.get(name).map_or_else(String::new, words::value);
    format!("{}, whose people get {}", part("holdout"), part("variant"))
}

/// `team = web, tier = 2`.
fn metadata_words(metadata: &Value) -> String {
    let named = metadata.as_object().into_iter().flatten();
    let named =
        named.map(|(name, value)| format!("{} = {}", words::given(name), words::value(value)));
    named.collect::<Vec<_>>().join(", ")
}

fn listed(value: Option<&Value>) -> String {
    value.and_then(Value::as_array).map_or_else(String::new, |items| words::list(items))
}

fn name(step: &Step) -> &str {
    let (Step::Field(name) | Step::Item { name, .. }) = step;
    name
}

fn dotted(path: &[Step]) -> String {
    path.iter().map(|step| words::given(name(step))).collect::<Vec<_>>().join(".")
}
