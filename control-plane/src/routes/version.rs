//! ETag and If-Match: whoever writes from an older version is told so and overwrites nothing.

use std::convert::Infallible;

use aide::generate::GenContext;
use aide::openapi::{
    Header, HeaderStyle, Operation, ParameterSchemaOrContent, ReferenceOr, Response as Documented,
    SchemaObject, StatusCode as Status,
};
use aide::operation::{ParamLocation, add_parameters, parameters_from_schema};
use aide::{OperationInput, OperationOutput};
use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::{JsonSchema, json_schema};
use serde::Serialize;

use super::problem::Problem;
use crate::app::App;

/// 200 with the ETag of this version.
#[derive(Debug)]
pub struct Versioned<T>(pub i64, pub T);

/// 201 with the ETag of this version.
#[derive(Debug)]
pub struct Created<T>(pub i64, pub T);

/// What a PUT answers that may create: 201 when it did, else 200.
#[derive(Debug)]
pub struct Put<T> {
    pub created: bool,
    pub version: i64,
    pub body: T,
}

/// 201 for what is made and never changed.
#[derive(Debug)]
pub struct Made<T>(pub T);

impl<T: Serialize> IntoResponse for Made<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Json(self.0)).into_response()
    }
}

impl<T: JsonSchema> OperationOutput for Made<T> {
    type Inner = T;

    fn inferred_responses(
        context: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<Status>, Documented)> {
        let response = Json::<T>::operation_response(context, operation);
        response.map(|response| (Some(Status::Code(201)), response)).into_iter().collect()
    }
}

fn respond<T: Serialize>(status: StatusCode, version: i64, body: T) -> Response {
    let mut response = (status, Json(body)).into_response();
    if let Ok(etag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}

impl<T: Serialize> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        respond(StatusCode::OK, self.0, self.1)
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        respond(StatusCode::CREATED, self.0, self.1)
    }
}

impl<T: Serialize> IntoResponse for Put<T> {
    fn into_response(self) -> Response {
        let status = if self.created { StatusCode::CREATED } else { StatusCode::OK };
        respond(status, self.version, self.body)
    }
}

impl<T: JsonSchema> OperationOutput for Versioned<T> {
    type Inner = T;

    fn inferred_responses(
        context: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<Status>, Documented)> {
        documented::<T>(&[200], context, operation)
    }
}

impl<T: JsonSchema> OperationOutput for Created<T> {
    type Inner = T;

    fn inferred_responses(
        context: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<Status>, Documented)> {
        documented::<T>(&[201], context, operation)
    }
}

impl<T: JsonSchema> OperationOutput for Put<T> {
    type Inner = T;

    fn inferred_responses(
        context: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<Status>, Documented)> {
        documented::<T>(&[200, 201], context, operation)
    }
}

fn documented<T: JsonSchema>(
    statuses: &[u16],
    context: &mut GenContext,
    operation: &mut Operation,
) -> Vec<(Option<Status>, Documented)> {
    let Some(mut response) = Json::<T>::operation_response(context, operation) else {
        return Vec::new();
    };
    let etag = Header {
        description: Some("The version, for If-Match.".to_owned()),
        style: HeaderStyle::Simple,
        required: true,
        deprecated: None,
        format: ParameterSchemaOrContent::Schema(SchemaObject {
            json_schema: context.schema.subschema_for::<String>(),
            external_docs: None,
            example: None,
        }),
        example: None,
        examples: Default::default(),
        extensions: Default::default(),
    };
    response.headers.insert("ETag".to_owned(), ReferenceOr::Item(etag));
    statuses.iter().map(|status| (Some(Status::Code(*status)), response.clone())).collect()
}

/// The version that a write was made from. What is replaced or deleted takes it: without it somebody else's change could be lost
/// without a word. `*` is whatever is there, for those who mean just that.
#[derive(Debug)]
pub struct IfMatch {
    tags: HeaderMap,
    needed: bool,
}

/// The same where the write may also make what is not there: then there is no version to name.
#[derive(Debug)]
pub struct IfMatchOrNew(pub IfMatch);

/// The same for operations that say by themselves what they change ("turn on"): they may name a version.
#[derive(Debug)]
pub struct MayMatch(pub IfMatch);

impl IfMatch {
    fn of(parts: &Parts, needed: bool) -> Self {
        let values = parts.headers.get_all(header::IF_MATCH).iter();
        let tags = values.map(|value| (header::IF_MATCH, value.clone())).collect();
        Self { tags, needed }
    }

    /// Whether the request may write over `version` (none: nothing is there).
    ///
    /// # Errors
    /// 428 when it must name a version and names none; 412 with `current` when it names another one.
    pub fn check(
        &self,
        version: Option<i64>,
        current: impl FnOnce() -> serde_json::Value,
    ) -> Result<(), Problem> {
        let mut wanted = self.tags.get_all(header::IF_MATCH).iter().peekable();
        if wanted.peek().is_none() {
            return match version {
                Some(_) if self.needed => Err(Problem::version_needed()),
                _ => Ok(()),
            };
        }
        // What is not there matches nothing, not even `*`.
        let own = version.map(|version| format!("\"{version}\""));
        let named = wanted.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
        // A weak tag never matches (RFC 9110 section 13.1.1).
        let fits = |tag: &str| own.as_deref().is_some_and(|own| tag == "*" || tag == own);
        if named.map(str::trim).any(fits) {
            Ok(())
        } else {
            Err(Problem::precondition_failed(current()))
        }
    }
}

impl FromRequestParts<App> for IfMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        Ok(Self::of(parts, true))
    }
}

impl FromRequestParts<App> for IfMatchOrNew {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        Ok(Self(IfMatch::of(parts, true)))
    }
}

impl FromRequestParts<App> for MayMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        Ok(Self(IfMatch::of(parts, false)))
    }
}

impl OperationInput for IfMatch {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        let told = "The ETag of the answer that this write was made from, or `*` for whatever is there. Without it: 428; when it was changed since: 412 with the current state.";
        header_parameter(told, true, context, operation);
    }

    fn inferred_early_responses(
        _: &mut GenContext,
        _: &mut Operation,
    ) -> Vec<(Option<Status>, Documented)> {
        precondition_required()
    }
}

impl OperationInput for IfMatchOrNew {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        let told = "The ETag of the answer that this write was made from, or `*` for whatever is there; nothing for what is new. Without it where something is: 428; when that was changed since, or is gone: 412 with the current state.";
        header_parameter(told, false, context, operation);
    }

    fn inferred_early_responses(
        _: &mut GenContext,
        _: &mut Operation,
    ) -> Vec<(Option<Status>, Documented)> {
        precondition_required()
    }
}

impl OperationInput for MayMatch {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        let told = "Does it only if this is still the version: the ETag of an earlier answer. A lost race is a 412 with the current state.";
        header_parameter(told, false, context, operation);
    }
}

/// Completed, as every problem, by routes/openapi.rs.
fn precondition_required() -> Vec<(Option<Status>, Documented)> {
    vec![(Some(Status::Code(428)), Documented::default())]
}

fn header_parameter(
    told: &str,
    required: bool,
    context: &mut GenContext,
    operation: &mut Operation,
) {
    let required: &[&str] = if required { &["If-Match"] } else { &[] };
    let schema = json_schema!({
        "type": "object",
        "properties": { "If-Match": { "type": "string", "description": told } },
        "required": required,
    });
    let parameters = parameters_from_schema(context, schema, ParamLocation::Header);
    add_parameters(context, operation, parameters);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(value: Option<&str>, needed: bool, version: Option<i64>) -> Option<u16> {
        let mut tags = HeaderMap::new();
        if let Some(value) = value {
            tags.insert(header::IF_MATCH, value.parse().unwrap());
        }
        let checked = IfMatch { tags, needed }.check(version, || serde_json::Value::Null);
        checked.err().map(|problem| problem.status().as_u16())
    }

    #[test]
    fn only_the_current_version_matches() {
        let there = Some(3);
        for needed in [true, false] {
            for good in ["\"3\"", "*", "\"2\", \"3\""] {
                assert_eq!(status(Some(good), needed, there), None, "{good}");
                assert_eq!(status(Some(good), needed, None), Some(412), "{good}");
            }
            for bad in ["\"2\"", "W/\"3\"", "3", ""] {
                assert_eq!(status(Some(bad), needed, there), Some(412), "{bad}");
            }
            assert_eq!(status(None, needed, None), None);
        }
        assert_eq!(status(None, true, there), Some(428));
        assert_eq!(status(None, false, there), None);
    }
}
