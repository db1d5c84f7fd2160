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
use schemars::JsonSchema;
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

/// The version that the caller has seen, if they say so.
#[derive(Debug)]
pub struct IfMatch(HeaderMap);

impl FromRequestParts<App> for IfMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        let values = parts.headers.get_all(header::IF_MATCH).iter();
        Ok(Self(values.map(|value| (header::IF_MATCH, value.clone())).collect()))
    }
}

impl OperationInput for IfMatch {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        #[derive(JsonSchema)]
        #[expect(dead_code, reason = "described, never read")]
        struct Headers {
            /// Writes only if this is still the version: the ETag of an earlier answer. A lost race is a 412 with the current
            /// state.
            #[schemars(rename = "If-Match")]
            if_match: Option<String>,
        }
        let schema = Headers::json_schema(&mut context.schema);
        let parameters = parameters_from_schema(context, schema, ParamLocation::Header);
        add_parameters(context, operation, parameters);
    }
}

impl IfMatch {
    /// See [`check_if_match`].
    ///
    /// # Errors
    /// 412 with `current` when the caller names another version.
    pub fn check(
        &self,
        version: Option<i64>,
        current: impl FnOnce() -> serde_json::Value,
    ) -> Result<(), Problem> {
        check_if_match(&self.0, version, current)
    }
}

/// Whether the request may write over `version` (none: nothing is there): it names it in If-Match, or names none.
///
/// # Errors
/// 412 with `current` when it names another version.
pub fn check_if_match(
    headers: &HeaderMap,
    version: Option<i64>,
    current: impl FnOnce() -> serde_json::Value,
) -> Result<(), Problem> {
    let mut wanted = headers.get_all(header::IF_MATCH).iter().peekable();
    if wanted.peek().is_none() {
        return Ok(());
    }
    // What is not there matches nothing, not even `*`.
    let own = version.map(|version| format!("\"{version}\""));
    let named = wanted.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    // A weak tag never matches (RFC 9110 section 13.1.1).
    if named.map(str::trim).any(|tag| own.as_deref().is_some_and(|own| tag == "*" || tag == own)) {
        Ok(())
    } else {
        Err(Problem::precondition_failed(current()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(value: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        if let Some(value) = value {
            headers.insert(header::IF_MATCH, value.parse().unwrap());
        }
        check_if_match(&headers, Some(3), || serde_json::Value::Null).is_ok()
    }

    #[test]
    fn only_the_current_version_matches() {
        assert!(
            allowed(None)
                && allowed(Some("\"3\""))
                && allowed(Some("*"))
                && allowed(Some("\"2\", \"3\""))
        );
        assert!(
            !allowed(Some("\"2\""))
                && !allowed(Some("W/\"3\""))
                && !allowed(Some("3"))
                && !allowed(Some(""))
        );
    }
}
