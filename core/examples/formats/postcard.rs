//! Postcard (its wire format 1.0) of the model.

use crate::format::{Answer, Format};
use crate::model::{Context, Model};

pub(crate) struct Postcard;

impl Format for Postcard {
    type Body = Model;
    type Context = Context;

    fn open(bytes: Vec<u8>) -> Option<Model> {
        postcard::from_bytes(&bytes).ok()
    }

    fn context(bytes: &[u8]) -> Option<Context> {
        postcard::from_bytes(bytes).ok()
    }

    fn evaluate<'b>(body: &'b Model, key: &str, context: &Context, now: i64) -> Answer<'b> {
        body.evaluate(key, context, now)
    }
}
