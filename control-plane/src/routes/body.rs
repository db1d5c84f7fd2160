//! JSON bodies: read whole, refused with the field's name.

use std::borrow::Cow;
use std::marker::PhantomData;

use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::Operation;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::admin::files::MAX_IMPORT_BYTES;
use super::problem::Problem;
use crate::app::App;
use crate::domain::flag::{Wrong, read as read_value};
use crate::domain::json;

/// The longest JSON body: a flag has at most 256 KiB, a segment of 100,000 keys some megabytes.
pub const MAX_JSON_BYTES: usize = 8 * 1024 * 1024;

/// The longest body of what anybody may ask: an address, a password, a token. Nobody makes this server hold more than that before it knows
/// who they are.
pub const MAX_PUBLIC_BYTES: usize = 16 * 1024;

/// A JSON body of type `T`. Unknown fields are refused by the types.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let bytes = read(request, app, "application/json").await?;
        parse(&bytes).map(Self)
    }
}

/// Reads a body of this content type.
///
/// # Errors
/// 415 when it has another one, 413 when it is too long.
pub async fn read(request: Request, app: &App, content_type: &str) -> Result<Bytes, Problem> {
    let given = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = given.map(|value| value.split(';').next().unwrap_or("").trim());
    if !essence.is_some_and(|essence| essence.eq_ignore_ascii_case(content_type)) {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "content-type",
            format!("send `Content-Type: {content_type}`"),
        )
        .field("Content-Type"));
    }
    Bytes::from_request(request, app).await.map_err(too_long)
}

impl<T: JsonSchema> OperationInput for JsonBody<T> {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        Json::<T>::operation_input(context, operation);
    }
}

/// An object as an author writes it, described as a `T`: what it leaves out is drawn before it is read as one.
#[derive(Debug)]
pub struct Authored<T>(pub Map<String, Value>, pub PhantomData<fn() -> T>);

impl<'de, T> Deserialize<'de> for Authored<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(|map| Self(map, PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Authored<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

fn too_long(rejection: BytesRejection) -> Problem {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            format!(
                "the body has more bytes than this path takes: {MAX_JSON_BYTES}, an import {MAX_IMPORT_BYTES}, what is under /auth {MAX_PUBLIC_BYTES}"
            ),
        ),
        status => Problem::new(status, "body", "the body could not be read to its end"),
    }
}

/// Reads JSON and names the field at fault.
///
/// # Errors
/// 400 when it is not JSON, 422 when it has another shape or a text with NUL in it.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // As a value first: then everything that is wrong with it has a place.
    let value = json::parse(bytes).map_err(|error| {
        if error.is_data() {
            return Problem::invalid("", error.to_string());
        }
        let detail = format!("the body is not JSON: {error}");
        Problem::new(StatusCode::BAD_REQUEST, "not-json", detail)
    })?;
    if bytes.windows(NUL.len()).any(|window| window == NUL)
        && let Some(place) = nul(&value, String::new())
    {
        return Err(Problem::invalid(place, "a text holds no NUL"));
    }
    Ok(read_value(value)?)
}

/// How JSON writes NUL.
const NUL: &[u8] = br"\u0000";

/// Where a text with NUL stands. PostgreSQL's texts hold none, and none that people write has one.
fn nul(value: &Value, place: String) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then_some(place),
        Value::Array(list) => {
            list.iter().enumerate().find_map(|(at, inner)| nul(inner, format!("{place}[{at}]")))
        }
        Value::Object(map) => map.iter().find_map(|(name, inner)| {
            let dot = if place.is_empty() { "" } else { "." };
            if name.contains('\0') {
                Some(place.clone())
            } else {
                nul(inner, format!("{place}{dot}{name}"))
            }
        }),
        _ => None,
    }
}

impl From<Wrong> for Problem {
    fn from(wrong: Wrong) -> Self {
        Self::invalid(wrong.field, wrong.detail)
    }
}
