//! Good bodies, broken at each of their places in each way that the OpenAPI document forbids, and in some that no document can forbid.

use std::fmt;

use axum::http::Method;
use jsonschema::Validator;
use pennon_core::limits::MAX_CHUNK_BYTES;
use serde_json::{Map, Value, json};

use super::Operation;
use crate::support::Answer;

/// A refusal tells what is wrong, and repeats a part of it at most.
const MAX_TOLD_BYTES: usize = 16 * 1024;

/// A body that must be refused.
pub(super) struct Way {
    pub(super) body: Value,
    /// What was done, in words.
    how: &'static str,
    /// Where: the field that the refusal has to name.
    field: String,
    /// It is longer or deeper than some reader before the types takes.
    outsized: bool,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at `{}`", self.how, self.field)
    }
}

impl Way {
    /// Whether the answer refuses it, and names the field, something within it, or what holds it.
    pub(super) fn judge(&self, answer: &Answer) -> Result<(), String> {
        let status = answer.status.as_u16();
        if answer.bytes.len() > MAX_TOLD_BYTES {
            return Err(format!("{} bytes of answer", answer.bytes.len()));
        }
        // Nothing has such a name, and nothing so long is read.
        if self.outsized && [400, 404, 413].contains(&status) {
            answer.problem();
            return Ok(());
        }
        if status != 422 {
            return Err(format!("{answer:?}").chars().take(400).collect());
        }
        answer.problem();
        let problem = answer.json();
        let Some(field) = problem["field"].as_str() else {
            return Err(format!("no field: {problem}"));
        };
        // Of what is too large as a whole, the whole is named.
        let whole = self.outsized && within(&self.field, field);
        match whole || within(field, &self.field) || holds(field, &self.field) {
            true => Ok(()),
            false => Err(format!("names `{field}`: {}", problem["detail"])),
        }
    }
}

/// Whether the inner place is the outer one, or lies anywhere in it.
fn within(inner: &str, outer: &str) -> bool {
    let rest = inner.strip_prefix(outer);
    rest.is_some_and(|rest| outer.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Whether the inner place lies directly in the outer one: of a choice that fits none, that is what can be said.
fn holds(outer: &str, inner: &str) -> bool {
    inner.rfind(['.', '[']).is_some_and(|end| outer == &inner[..end])
}

/// Objects' fields and lists' positions, from the root.
#[derive(Clone, Debug)]
enum Step {
    Field(String),
    Position(usize),
}

fn told(place: &[Step]) -> String {
    place.iter().fold(String::new(), |told, step| match step {
        Step::Field(name) if told.is_empty() => name.clone(),
        Step::Field(name) => format!("{told}.{name}"),
        Step::Position(at) => format!("{told}[{at}]"),
    })
}

fn places(value: &Value, place: &mut Vec<Step>, all: &mut Vec<Vec<Step>>) {
    all.push(place.clone());
    let steps: Vec<(Step, &Value)> = match value {
        Value::Object(map) => {
            map.iter().map(|(name, inner)| (Step::Field(name.clone()), inner)).collect()
        }
        Value::Array(list) => {
            list.iter().enumerate().map(|(at, inner)| (Step::Position(at), inner)).collect()
        }
        _ => Vec::new(),
    };
    for (step, inner) in steps {
        place.push(step);
        places(inner, place, all);
        place.pop();
    }
}

fn at<'a>(body: &'a mut Value, place: &[Step]) -> &'a mut Value {
    place.iter().fold(body, |value, step| match step {
        Step::Field(name) => &mut value[name],
        Step::Position(at) => &mut value[at],
    })
}

/// All the ways to break this body.
pub(super) fn ways(document: &Value, operation: &Operation, good: &Value) -> Vec<Way> {
    let schema = schema(document, operation);
    assert!(schema.is_valid(good), "{}: the sample is not what the document says", operation.id);
    let is_patch = operation.method == Method::PATCH;
    let is_whole = WHOLE.contains(&operation.id.as_str());
    let mut all = Vec::new();
    places(good, &mut Vec::new(), &mut all);
    let mut ways = Vec::new();
    for place in all {
        let value = at(&mut good.clone(), &place).clone();
        let with = |new: Value| {
            let mut body = good.clone();
            *at(&mut body, &place) = new;
            body
        };
        let field = told(&place);
        let mut add = |how: &'static str, body: Value, field: &str, outsized: bool| {
            ways.push(Way { how, body, field: field.to_owned(), outsized });
        };
        for (how, wrong) in wrong_values() {
            // In a patch they mean something else: nothing stays, and everything stays.
            let is_empty = wrong == json!({});
            let merged = is_patch && (is_empty || wrong.is_null() && !place.is_empty());
            let drawn = is_empty
                && value.as_object().is_some_and(|map| map.keys().all(|name| is_drawn(name, map)));
            let body = with(wrong);
            if !merged && !drawn && !schema.is_valid(&body) {
                add(how, body, &field, how == DEEP);
            }
        }
        match &value {
            Value::String(text) => {
                add("NUL", with(json!(format!("{text}\0"))), &field, false);
                if !is_whole {
                    add("1 MiB of text", with(json!("x".repeat(1 << 20))), &field, true);
                }
            }
            Value::Array(list) if !is_whole => {
                let Some(first) = list.first() else { continue };
                // More than any list may have, and more bytes than a flag or a condition.
                let length = first.to_string().len();
                let count = if first.is_string() { 100_001 } else { 4 * MAX_CHUNK_BYTES / length };
                add("an endless list", with(json!(vec![first; count])), &field, true);
            }
            Value::Object(map) => {
                let inner = |name: &str| match field.is_empty() {
                    true => name.to_owned(),
                    false => format!("{field}.{name}"),
                };
                for name in map.keys() {
                    let mut less = map.clone();
                    less.remove(name);
                    let body = with(Value::Object(less));
                    let drawn = is_drawn(name, map);
                    if !is_patch && !drawn && !schema.is_valid(&body) {
                        add("a field missing", body, &inner(name), false);
                    }
                }
                let mut more = map.clone();
                more.insert("nobodyKnows".to_owned(), json!(1));
                let body = with(Value::Object(more));
                if !schema.is_valid(&body) {
                    add("an unknown field", body, &inner("nobodyKnows"), false);
                }
                let mut more = map.clone();
                more.insert("a\0b".to_owned(), json!(1));
                add("NUL in a name", with(Value::Object(more)), &field, false);
            }
            _ => {}
        }
    }
    ways
}

/// What an author may leave out although it is always there afterwards: how a split takes its buckets, its salt, and a rule's id.
fn is_drawn(name: &str, holder: &Map<String, Value>) -> bool {
    match name {
        "by" | "salt" => true,
        "id" => holder.contains_key("serve"),
        _ => false,
    }
}

/// What these take may be long where it stands: they answer with what is wrong and go on with the rest, judge what comes out of all the parts
/// together, or have the same parts as others, which are asked.
const WHOLE: [&str; 8] = [
    "compileDraft",
    "createFlag",
    "evaluateAt",
    "importProject",
    "operateOnFlag",
    "operateOnSegment",
    "patchConfiguration",
    "patchSegment",
];

const DEEP: &str = "a hundred lists in each other";

fn wrong_values() -> Vec<(&'static str, Value)> {
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    vec![
        ("null", Value::Null),
        ("a truth", json!(true)),
        ("a number", json!(7)),
        ("a negative number", json!(-1)),
        ("a fraction", json!(1.5)),
        ("a huge number", json!(1e300)),
        ("a text", json!("?")),
        ("an empty list", json!([])),
        ("a list in a list", json!([["?"]])),
        ("an empty object", json!({})),
        (DEEP, deep),
    ]
}

/// What the document says of the operation's body; of a patch, what it says of what comes out.
fn schema(document: &Value, operation: &Operation) -> Validator {
    let content = operation.described["requestBody"]["content"].as_object().unwrap();
    let described = &content.values().next().unwrap()["schema"];
    let name = described["description"]
        .as_str()
        .and_then(|words| words.strip_prefix("The fields of a ")?.split(' ').next());
    let whole = match name {
        Some(name) if operation.method == Method::PATCH => {
            json!({ "$ref": format!("#/components/schemas/{name}") })
        }
        _ => described.clone(),
    };
    let mut root = json!({ "components": document["components"] });
    // Where it says nothing ("any JSON"), the report says what is wrong.
    if let Value::Object(fields) = whole {
        root.as_object_mut().unwrap().extend(fields);
    }
    jsonschema::validator_for(&root).unwrap()
}
