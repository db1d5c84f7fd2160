//! JSON of the model.

use crate::format::{Answer, Format};
use crate::model::{Context, Model};

pub(crate) struct Json;

impl Format for Json {
    type Body = Model;
    type Context = Context;

    fn open(bytes: Vec<u8>) -> Option<Model> {
        serde_json::from_slice(&bytes).ok()
    }

    fn context(bytes: &[u8]) -> Option<Context> {
        serde_json::from_slice(bytes).ok()
    }

    fn evaluate<'b>(body: &'b Model, key: &str, context: &Context, now: i64) -> Answer<'b> {
        body.evaluate(key, context, now)
    }
}
