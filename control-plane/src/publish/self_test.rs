//! Every flag, evaluated in a few contexts with the evaluator that clients run, before a snapshot leaves the house.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use pennon_core::context::Context;
use pennon_core::outcome::ErrorCode;
use pennon_core::snapshot::Snapshot;
use serde_json::{Map, Value, json};

/// Attributes of the project that the contexts carry.
const MAX_ATTRIBUTES: usize = 100;

/// The golden contexts: nobody; somebody; and somebody whose attributes are all texts, numbers, truths, or lists.
pub(super) fn contexts<'a>(attributes: impl Iterator<Item = &'a str>) -> Vec<Context> {
    // What lies deeper is reached by its first name as little as it would be by a text.
    let names: Vec<&str> =
        attributes.filter(|name| !name.starts_with('/')).take(MAX_ATTRIBUTES).collect();
    let with = |value: Value| {
        let mut attributes: Map<String, Value> =
            names.iter().map(|name| ((*name).to_owned(), value.clone())).collect();
        attributes.insert("targetingKey".to_owned(), json!("golden"));
        Value::Object(attributes)
    };
    let somebody = json!({ "targetingKey": "golden" });
    let values = [json!("1.2.3"), json!(7), json!(true), json!(["a", "b"])];
    let all = [json!({}), somebody].into_iter().chain(values.map(with));
    // A name that no context can carry leaves the others.
    all.filter_map(|attributes| Context::from_json(&attributes).ok()).collect()
}

/// Evaluates everything.
///
/// # Errors
/// Which flag the evaluator cannot read, or fails at.
pub(super) fn check(snapshot: &Snapshot, contexts: &[Context]) -> Result<(), String> {
    let at = AtomicUsize::new(0);
    let key = |position: usize| {
        snapshot.flag_at(position).map_or_else(String::new, |flag| flag.key().to_owned())
    };
    let evaluated = catch_unwind(AssertUnwindSafe(|| {
        for position in 0..snapshot.flag_count() {
            at.store(position, Ordering::Relaxed);
            for context in contexts {
                let outcome = snapshot.evaluate_at(position, context, 0);
                let broken = [ErrorCode::ParseError, ErrorCode::General, ErrorCode::ProviderFatal];
                if outcome.error.is_some_and(|code| broken.contains(&code)) {
                    return Err(format!(
                        "flag {:?} was compiled to something that the evaluator cannot read",
                        key(position)
                    ));
                }
            }
        }
        Ok(())
    }));
    evaluated.unwrap_or_else(|_| {
        Err(format!("the evaluator breaks off at flag {:?}", key(at.load(Ordering::Relaxed))))
    })
}

#[cfg(test)]
mod tests {
    use pennon_core::config::{Configuration, compile};
    use pennon_core::snapshot::Kind;

    use super::*;

    fn body() -> Vec<u8> {
        let flag = json!({
            "type": "string", "enabled": true, "fallthrough": { "variant": "only" },
            "variants": [{ "key": "only", "value": "Welcome" }],
            "rules": [{
                "id": "rule", "when": { "exists": { "attribute": "plan" } },
                "serve": { "variant": "only" },
            }],
        });
        let whole = json!({ "format": 1, "flags": { "damaged": flag, "sound": flag } });
        let whole: Configuration = serde_json::from_value(whole).unwrap();
        compile(&whole, Kind::Server, &[]).unwrap()
    }

    #[test]
    fn the_contexts_carry_what_the_project_knows() {
        let contexts = contexts(["plan", "/deep/down"].into_iter());
        assert_eq!(contexts.len(), 6);
        // A flag that asks for the attribute is answered otherwise than nobody is.
        let snapshot = Snapshot::open(body(), Kind::Server).unwrap();
        let rules: Vec<bool> = contexts
            .iter()
            .map(|context| snapshot.evaluate("sound", context, 0).rule().is_some())
            .collect();
        assert_eq!(rules, [false, false, true, true, true, true]);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let contexts = contexts(std::iter::empty());
        let sound = Snapshot::open(body(), Kind::Server).unwrap();
        assert_eq!(check(&sound, &contexts), Ok(()));
        let mut bytes = body();
        let at = bytes.windows(7).position(|part| part == b"Welcome").unwrap();
        bytes[at] = 0xFF;
        let damaged = Snapshot::open(bytes, Kind::Server).unwrap();
        let told = check(&damaged, &contexts).unwrap_err();
        assert!(told.contains("\"damaged\""), "{told}");
    }
}
