//! What names what: the flags and segments for whose sake something cannot go.

use pennon_core::config::Configuration;
use serde_json::{Value, json};

use crate::store::documents::Kind;

/// What may be named by a flag or a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    Document(Kind, &'a str),
    Flag(&'a str),
}

/// Whatever in the environment names it, in words: `flag "checkout"`, `segment "beta"`.
pub fn users(configuration: &Configuration, named: Named<'_>) -> Vec<String> {
    let mut users = Vec::new();
    for (key, segment) in &configuration.segments {
        if !matches!(named, Named::Document(Kind::Segment, own) if own == key)
            && names(&json!(segment), named, true)
        {
            users.push(format!("segment {key:?}"));
        }
    }
    for (what, buckets) in [
        ("layer", configuration.layers.iter().map(|(key, layer)| (key, json!(layer))).collect()),
        (
            "holdout",
            configuration.holdouts.iter().map(|(key, held)| (key, json!(held))).collect::<Vec<_>>(),
        ),
    ] {
        for (key, value) in buckets {
            if matches!(named, Named::Document(Kind::Attribute, _)) && names(&value, named, true) {
                users.push(format!("{what} {key:?}"));
            }
        }
    }
    for (key, flag) in &configuration.flags {
        if named == Named::Flag(key) {
            continue;
        }
        let mut value = json!(flag);
        // Values are the authors' own, and may look like anything.
        if let Some(object) = value.as_object_mut() {
            object.remove("variants");
            object.remove("metadata");
        }
        if names(&value, named, true) {
            users.push(format!("flag {key:?}"));
        }
    }
    users
}

/// Whether a part of a flag or a segment names it. `top`: attributes are those of the context, and not of a list's element.
fn names(value: &Value, named: Named<'_>, top: bool) -> bool {
    let object = match value {
        Value::Array(list) => return list.iter().any(|inner| names(inner, named, top)),
        Value::Object(object) => object,
        _ => return false,
    };
    let has = |field: &str, key: &str| object.get(field).and_then(Value::as_str) == Some(key);
    let own = match named {
        Named::Document(Kind::Segment, key) => has("segment", key),
        Named::Document(Kind::Layer, key) => has("layer", key),
        Named::Document(Kind::Holdout, key) => has("holdout", key),
        Named::Flag(key) => has("flag", key),
        Named::Document(Kind::Attribute, key) => {
            let read = |value: &Value| value.as_str().is_some_and(|name| reads(name, key));
            let units = object.get("fallbackUnits").and_then(Value::as_array);
            top && (object.get("attribute").is_some_and(read)
                || object.get("unit").is_some_and(read)
                || units.is_some_and(|units| units.iter().any(read)))
        }
    };
    own || object.iter().any(|(field, inner)| {
        let element = field == "some";
        let top = top && !element;
        let list = inner.get("attribute").and_then(Value::as_str);
        let own_list = element
            && matches!(named, Named::Document(Kind::Attribute, key) if list.is_some_and(|name| reads(name, key)));
        own_list || names(inner, named, top)
    })
}

/// Whether a reference reads the attribute, or a part of it: `/company/plan` reads `company` (evaluation.md section 1.2).
fn reads(reference: &str, attribute: &str) -> bool {
    reference == attribute
        || reference.strip_prefix('/').is_some_and(|path| {
            let first = path.split('/').next().unwrap_or_default();
            first.replace("~1", "/").replace("~0", "~") == attribute
                || attribute.strip_prefix('/').is_some_and(|own| {
                    path.strip_prefix(own).is_some_and(|rest| rest.starts_with('/'))
                })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration() -> Configuration {
        let variants = json!([{ "key": "on", "value": { "segment": "value", "flag": "value" } }]);
        let flag = |more: Value| {
            let mut flag = json!({ "type": "json", "enabled": true, "variants": variants, "fallthrough": { "variant": "on" } });
            for (name, value) in more.as_object().unwrap() {
                flag[name] = value.clone();
            }
            flag
        };
        let rule = |when: Value| json!({ "rules": [{ "id": "r", "when": when, "serve": { "variant": "on" } }] });
        let within = json!({ "some": { "attribute": "orders", "when": { "exists": { "attribute": "element" } } } });
        let split = json!({ "fallthrough": { "split": { "by": { "unit": "company", "fallbackUnits": ["device"] }, "weights": [] } } });
        serde_json::from_value(json!({
            "format": 1,
            "segments": {
                "a": { "when": { "not": { "segment": "b" } } }, "b": { "unit": "account", "included": ["x"] },
            },
            "layers": { "l": { "by": { "unit": "layered" } } },
            "holdouts": { "h": { "by": { "unit": "held" }, "weight": 1 } },
            "flags": {
                "by-segment": flag(rule(json!({ "all": [{ "any": [{ "segment": "a" }] }] }))),
                "by-flag": flag(rule(json!({ "flag": { "flag": "needed", "variants": ["on"] } }))),
                "by-prerequisite": flag(json!({ "prerequisites": [{ "flag": "needed", "variants": ["on"] }] })),
                "by-layer": flag(json!({ "rules": [{ "id": "r", "layer": { "layer": "l", "from": 0, "to": 1 }, "when": { "all": [] }, "serve": { "variant": "on" } }] })),
                "by-holdout": flag(json!({ "holdout": { "holdout": "h", "variant": "on" } })),
                "by-path": flag(rule(json!({ "exists": { "attribute": "/company/plan" } }))),
                "by-list": flag(rule(within)),
                "by-split": flag(split),
                "by-target": flag(json!({ "targets": [{ "variant": "on", "unit": "account", "keys": ["x"] }] })),
                "needed": flag(json!({})),
            },
        }))
        .unwrap()
    }

    #[test]
    fn every_way_to_name_something_is_found() {
        let configuration = configuration();
        let document = Named::Document;
        for (named, expected) in [
            (document(Kind::Segment, "a"), "flag \"by-segment\""),
            (document(Kind::Segment, "b"), "segment \"a\""),
            (document(Kind::Segment, "value"), ""),
            (document(Kind::Layer, "l"), "flag \"by-layer\""),
            (document(Kind::Holdout, "h"), "flag \"by-holdout\""),
            (Named::Flag("needed"), "flag \"by-flag\", flag \"by-prerequisite\""),
            (Named::Flag("by-flag"), ""),
            (Named::Flag("value"), ""),
            (document(Kind::Attribute, "company"), "flag \"by-path\", flag \"by-split\""),
            (document(Kind::Attribute, "/company/plan"), "flag \"by-path\""),
            (document(Kind::Attribute, "/company/size"), ""),
            (document(Kind::Attribute, "device"), "flag \"by-split\""),
            (document(Kind::Attribute, "orders"), "flag \"by-list\""),
            (document(Kind::Attribute, "element"), ""),
            (document(Kind::Attribute, "account"), "segment \"b\", flag \"by-target\""),
            (document(Kind::Attribute, "layered"), "layer \"l\""),
            (document(Kind::Attribute, "held"), "holdout \"h\""),
        ] {
            assert_eq!(users(&configuration, named).join(", "), expected, "{named:?}");
        }
    }
}
