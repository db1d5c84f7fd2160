//! A context from JSON, as the HTTP interfaces and the command line receive it.

use alloc::string::String;

use serde_json::Value;

use super::{Attribute, Context, ContextBuilder, ContextError, read_value, tag};
use crate::bytes::Reader;
use crate::limits::MAX_CONTEXT_DEPTH;

impl Context {
    /// Makes a context of a JSON object. A targeting key must be a string or an integer; null counts as missing.
    ///
    /// # Errors
    /// Which part is not a context, or which limit it exceeds.
    pub fn from_json(value: &Value) -> Result<Self, ContextError> {
        let Value::Object(attributes) = value else {
            return Err(ContextError::NotAnObject);
        };
        let mut builder = ContextBuilder::new();
        object(&mut builder, attributes, 1)?;
        builder.finish()
    }
}

fn object(
    builder: &mut ContextBuilder,
    attributes: &serde_json::Map<String, Value>,
    depth: usize,
) -> Result<(), ContextError> {
    for (name, value) in attributes {
        builder.name(name);
        write(builder, value, depth)?;
    }
    Ok(())
}

fn write(builder: &mut ContextBuilder, value: &Value, depth: usize) -> Result<(), ContextError> {
    if depth > MAX_CONTEXT_DEPTH {
        return Err(ContextError::TooDeep);
    }
    match value {
        Value::Null => builder.tag(tag::NULL),
        Value::Bool(false) => builder.tag(tag::FALSE),
        Value::Bool(true) => builder.tag(tag::TRUE),
        Value::Number(number) => {
            builder.number_value(number.as_f64().ok_or(ContextError::NotFinite)?);
        }
        Value::String(text) => builder.text(text),
        Value::Array(elements) => builder.container(tag::LIST, |builder| {
            elements.iter().try_for_each(|element| write(builder, element, depth + 1))
        })?,
        Value::Object(attributes) => {
            builder.container(tag::OBJECT, |builder| object(builder, attributes, depth + 1))?
        }
    }
    Ok(())
}

/// Attributes without parts as a JSON object; none when the encoding is damaged.
pub(crate) fn attributes_to_json(bytes: &[u8]) -> Option<serde_json::Map<String, Value>> {
    let mut reader = Reader::new(bytes);
    let mut attributes = serde_json::Map::new();
    while !reader.is_empty() {
        let name = core::str::from_utf8(reader.short()?).ok()?;
        let value = match read_value(&mut reader)? {
            Attribute::Boolean(value) => value.into(),
            Attribute::Number(number) => crate::outcome::Value::Number(number).to_json(),
            Attribute::String(text) => core::str::from_utf8(text).ok()?.into(),
            Attribute::List(_) | Attribute::Object => return None,
        };
        attributes.insert(name.into(), value);
    }
    Some(attributes)
}
