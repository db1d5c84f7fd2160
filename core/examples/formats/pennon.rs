//! Pennon's layout, evaluated in place.

use pennon_core::context::Context;
use pennon_core::outcome;
use pennon_core::snapshot::{Kind, Snapshot};

use crate::format::{Answer, Format, Value};

pub(crate) struct Pennon;

impl Format for Pennon {
    type Body = Snapshot;
    type Context = Context;

    fn open(bytes: Vec<u8>) -> Option<Snapshot> {
        Snapshot::open(bytes, Kind::Server).ok()
    }

    fn context(bytes: &[u8]) -> Option<Context> {
        Context::decode(bytes).ok()
    }

    fn evaluate<'b>(body: &'b Snapshot, key: &str, context: &Context, now: i64) -> Answer<'b> {
        let outcome = body.evaluate(key, context, now);
        Answer {
            value: outcome.value().map(|value| match value {
                outcome::Value::Boolean(value) => Value::Boolean(value),
                outcome::Value::Number(number) => Value::Number(number),
                outcome::Value::String(text) | outcome::Value::Json(text) => Value::Text(text),
            }),
            variant: outcome.variant_index(),
            reason: outcome.reason as u8,
            error: outcome.error.map_or(0, |code| code as u8),
            rule: outcome.rule_index(),
            until: outcome.until,
        }
    }
}
