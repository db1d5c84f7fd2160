//! Changes as callers write them: the whole of something, or a JSON Merge Patch (RFC 7396) over what is there.

use std::marker::PhantomData;

use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::{MediaType, Operation, RequestBody, SchemaObject};
use aide::operation::set_body;
use axum::extract::{FromRequest, Request};
use schemars::{JsonSchema, json_schema};
use serde::Serialize;
use serde_json::{Map, Value};

use super::body;
use super::problem::Problem;
use crate::app::App;

/// The content type of a merge patch.
pub const MERGE_PATCH: &str = "application/merge-patch+json";

/// A merge patch on a `T`.
#[derive(Debug)]
pub struct MergePatch<T>(pub Map<String, Value>, pub PhantomData<fn() -> T>);

impl<T> FromRequest<App> for MergePatch<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let bytes = body::read(request, app, MERGE_PATCH).await?;
        Ok(Self(body::parse(&bytes)?, PhantomData))
    }
}

impl<T: JsonSchema> OperationInput for MergePatch<T> {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        let whole = T::schema_name();
        let _ = context.schema.subschema_for::<T>();
        let json_schema = json_schema!({
            "type": "object",
            "description": format!(
                "The fields of a {whole} that change. Objects are merged, lists are replaced, null takes a field away."
            ),
        });
        let schema = SchemaObject { json_schema, example: None, external_docs: None };
        let content = MediaType { schema: Some(schema), ..MediaType::default() };
        let body = RequestBody {
            content: [(MERGE_PATCH.to_owned(), content)].into_iter().collect(),
            required: true,
            ..RequestBody::default()
        };
        set_body(context, operation, body);
    }
}

/// What a caller wants something to be.
#[derive(Debug)]
pub enum Written {
    Whole(Map<String, Value>),
    Patch(Map<String, Value>),
}

impl Written {
    /// The whole of it, made from what is there.
    ///
    /// # Errors
    /// When what is there cannot be written as JSON.
    pub fn over(self, current: &impl Serialize) -> Result<Map<String, Value>, Problem> {
        match self {
            Self::Whole(whole) => Ok(whole),
            Self::Patch(patch) => match serde_json::to_value(current) {
                Ok(Value::Object(mut whole)) => {
                    merge(&mut whole, patch);
                    Ok(whole)
                }
                Ok(_) => Err(Problem::internal(&"a merge patch on something that is no object")),
                Err(error) => Err(Problem::internal(&error)),
            },
        }
    }
}

/// RFC 7396 section 2. The depth is bounded by the parser's.
fn merge(target: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (name, value) in patch {
        match value {
            Value::Null => drop(target.remove(&name)),
            Value::Object(inner) => {
                let entry = target.entry(name).or_insert(Value::Null);
                let mut object = match entry.take() {
                    Value::Object(object) => object,
                    _ => Map::new(),
                };
                merge(&mut object, inner);
                *entry = Value::Object(object);
            }
            value => drop(target.insert(name, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The cases of RFC 7396 appendix A whose target and patch are objects.
    #[test]
    fn the_examples_of_the_rfc() {
        let cases = [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
        ];
        for (target, patch, expected) in cases {
            let Value::Object(patch) = patch else { panic!("a patch is an object") };
            assert_eq!(Value::Object(Written::Patch(patch).over(&target).unwrap()), expected);
        }
    }
}
