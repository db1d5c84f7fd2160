//! What every error looks like outside: an RFC 9457 problem document. What happened inside goes to the log, never out.

use std::borrow::Cow;

use aide::OperationOutput;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use pennon_core::protocol::access::Denied;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::Value;

use crate::ambient::NoRandomness;
use crate::auth::seal::SealError;
use crate::domain::flag::MAX_TOLD_CHARACTERS;
use crate::domain::words;
use crate::store::StoreError;

/// An answer that is an error. `code` is stable and for programs, `detail` says what to do next.
#[derive(Clone, Debug)]
pub struct Problem(Box<Document>);

/// What is wrong, and what to do (RFC 9457).
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Document {
    /// A URN that ends with `code`.
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    #[serde(serialize_with = "as_number")]
    #[schemars(with = "u16")]
    status: StatusCode,
    /// What to do next.
    detail: String,
    /// Stable, for programs.
    code: &'static str,
    /// The field of the request that is wrong, as a path such as `rules[0].when`.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// What is there now, when the request was made from something older.
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<Value>,
    #[serde(skip)]
    retry_after_s: Option<u32>,
}

fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    /// A problem with this status, code and advice.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Document {
            kind: format!("urn:pennon:problem:{code}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status,
            detail: words::cut(&detail.into(), MAX_TOLD_CHARACTERS),
            code,
            field: None,
            current: None,
            retry_after_s: None,
        }))
    }

    /// Names the field that is wrong.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.0.field = Some(words::cut(&field.into(), MAX_TOLD_CHARACTERS));
        self
    }

    /// Shows what is there now.
    #[must_use]
    pub fn current(mut self, current: Value) -> Self {
        self.0.current = Some(current);
        self
    }

    /// Says when to try again, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// The request has a value that is not allowed.
    pub fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail).field(field)
    }

    /// There is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// The caller is known, and has not the role for it.
    pub fn role(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "role", detail)
    }

    /// It is there already, or something refers to it.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", detail)
    }

    /// What is archived is not changed.
    pub fn archived() -> Self {
        Self::conflict("it is archived: restore it first")
    }

    /// The request was made from an older version than `current`.
    pub fn precondition_failed(current: Value) -> Self {
        let detail =
            "it was changed since you read it: look at `current`, and send its ETag in If-Match";
        Self::new(StatusCode::PRECONDITION_FAILED, "changed-since", detail).current(current)
    }

    /// The request does not say which version it was made from.
    pub fn version_needed() -> Self {
        let detail = "say in If-Match which version you have seen: the ETag of the answer that you read it from, or `*` to write over whatever is there";
        Self::new(StatusCode::PRECONDITION_REQUIRED, "version-needed", detail).field("If-Match")
    }

    /// The same about a part of the request: its field is told within this one.
    #[must_use]
    pub fn within(mut self, part: &str) -> Self {
        if let Some(field) = &mut self.0.field {
            let dot = if field.is_empty() || field.starts_with('[') { "" } else { "." };
            *field = format!("{part}{dot}{field}");
        }
        self
    }

    /// Whether its field is one of the object's, or within one of them.
    pub fn names_one_of(&self, object: &serde_json::Map<String, Value>) -> bool {
        let first = self.0.field.as_deref().unwrap_or_default().split(['.', '[']).next();
        first.is_some_and(|name| object.contains_key(name))
    }

    /// A conflict for this reason, with the same place and detail.
    #[must_use]
    pub fn because(mut self, reason: &str) -> Self {
        if self.0.status == StatusCode::UNPROCESSABLE_ENTITY {
            self.0.status = StatusCode::CONFLICT;
            self.0.code = "conflict";
            self.0.kind = "urn:pennon:problem:conflict".to_owned();
            self.0.title = "Conflict";
            let place = self.0.field.take().unwrap_or_default();
            self.0.detail = format!("{reason}: {place}: {}", self.0.detail);
        }
        self
    }

    /// Something failed in here; `error` goes to the log alone.
    pub fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "internal error");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "something failed here; the server's log has the reason under this answer's X-Request-Id",
        )
    }

    /// What it tells to do next.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The status it will be sent with.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self.0).unwrap_or_default();
        let mut response = (self.0.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.0.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.0.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

// The document gives every operation the same problems: routes/openapi.rs.
impl OperationOutput for Problem {
    type Inner = Self;
}

impl JsonSchema for Problem {
    fn schema_name() -> Cow<'static, str> {
        "Problem".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Document::json_schema(generator)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Away(error) => {
                // The publisher logs once that it is away.
                tracing::debug!(%error, "database away");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "database-away",
                    "the database does not answer; flags are still delivered and evaluated; try again",
                )
                .retry_after(2)
            }
            StoreError::Duplicate(error) => {
                tracing::debug!(%error, "duplicate");
                Self::conflict(
                    "there is one with this key already: take another key, or change that one",
                )
            }
            StoreError::Reference(error) => {
                tracing::debug!(%error, "reference");
                Self::conflict(
                    "something still refers to it, or it refers to something that is gone",
                )
            }
            StoreError::MayNotChange(environment) => Self::role(format!(
                "your role does not let you change the environment {environment:?}, which would show this: unprotected ones need an editor, protected ones a publisher"
            )),
            StoreError::Sql(_) | StoreError::Unusable(_) => Self::internal(&error),
        }
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        let status = StatusCode::from_u16(denied.status()).unwrap_or(StatusCode::FORBIDDEN);
        Self::new(status, denied.code(), denied.detail())
    }
}

impl From<NoRandomness> for Problem {
    fn from(error: NoRandomness) -> Self {
        Self::internal(&error)
    }
}

impl From<SealError> for Problem {
    fn from(error: SealError) -> Self {
        Self::internal(&error)
    }
}
