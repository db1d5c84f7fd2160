//! The OpenAPI document of the admin API: read by `aide` out of the handlers' own types when the router is built, and completed
//! here with what holds for every operation.

use aide::generate;
use aide::openapi::{Info, MediaType, OpenApi, ReferenceOr, Response as Documented, StatusCode};
use aide::transform::TransformOperation;
use axum::body::Bytes;
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::access::permission;
use super::problem::Problem;
use crate::auth::session;
use crate::domain::permission::Permission;

/// Where components lie in the document.
const COMPONENTS: &str = "#/components/schemas/";
/// Statuses that any operation may answer with a problem document.
const ALWAYS: [u16; 7] = [400, 401, 403, 404, 422, 429, 503];
/// Those that only operations which change something answer.
const CHANGING: [u16; 2] = [409, 412];
/// Those that only operations with a body answer.
const WITH_BODY: [u16; 2] = [413, 415];
/// What stands in a path's braces.
const PARAMETERS: &[(&str, &str)] = &[
    ("project", "The project's key."),
    ("environment", "The environment's key."),
    ("flag", "The flag's key."),
    ("segment", "The segment's key."),
    ("attribute", "The attribute's name."),
    ("layer", "The layer's key."),
    ("holdout", "The holdout's key."),
    ("delivery", "The delivery's id, as lists tell it."),
    ("user", "The person's id."),
    ("version", "The number of a change in the project."),
    ("id", "The id, as lists tell it."),
];

/// Begins a document on this thread: routes that are made afterwards are described by JSON Schema 2020-12, as OpenAPI 3.1 wants it.
pub fn begin() {
    generate::in_context(|context| {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.meta_schema = None;
            settings.definitions_path = COMPONENTS.into();
        });
        context.schema = SchemaGenerator::new(settings);
        // Every document has it, whatever the routes are.
        let _ = context.schema.subschema_for::<Problem>();
    });
}

/// Names an operation: its id, which clients call it by, and one sentence.
pub fn says(
    id: &'static str,
    summary: &'static str,
) -> impl FnOnce(TransformOperation<'_>) -> TransformOperation<'_> {
    move |operation| operation.id(id).summary(summary)
}

/// The same for an operation that answers a file of one of these types.
pub fn file(
    id: &'static str,
    summary: &'static str,
    types: &'static [&'static str],
) -> impl FnOnce(TransformOperation<'_>) -> TransformOperation<'_> {
    move |operation| {
        let mut operation = says(id, summary)(operation);
        let content = types.iter().map(|name| ((*name).to_owned(), MediaType::default())).collect();
        let response =
            Documented { description: "The file.".to_owned(), content, ..Documented::default() };
        let responses = operation.inner_mut().responses.get_or_insert_default();
        responses.responses.insert(StatusCode::Code(200), ReferenceOr::Item(response));
        operation
    }
}

/// The whole document, from the paths of the router.
pub fn complete(api: &mut OpenApi) -> Value {
    api.info = Info {
        title: "Pennon".to_owned(),
        description: Some("The admin API of Pennon's control plane.".to_owned()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..Info::default()
    };
    let mut document = json!(api);
    document["openapi"] = json!("3.1.0");
    document["components"]["securitySchemes"] = json!({
        "token": { "type": "http", "scheme": "bearer", "description": "An API token, `pna_...`, or an access token of `POST /auth/token`." },
        "session": { "type": "apiKey", "in": "cookie", "name": session::cookie_name(true), "description": "A browser's session, begun by `POST /auth/sign-in`; over plain http the cookie is called `pennon`." },
    });
    document["security"] = json!([{ "token": [] }, { "session": [] }]);
    let mut paths = Map::new();
    if let Some(Value::Object(all)) = document.get_mut("paths").map(Value::take) {
        // By path, so that moving a route in the router changes no snapshot.
        let mut all: Vec<_> = all.into_iter().collect();
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (path, mut item) in all {
            if let Some(operations) = item.as_object_mut() {
                for (method, operation) in operations {
                    describe(&path, method, operation);
                }
            }
            paths.insert(path, item);
        }
    }
    document["paths"] = Value::Object(paths);
    document
}

/// What a path, a method and a body say by themselves.
fn describe(path: &str, method: &str, operation: &mut Value) {
    operation["tags"] = json!([tag(path)]);
    let public = Method::from_bytes(method.to_ascii_uppercase().as_bytes())
        .is_ok_and(|method| permission(&method, path) == Some(Permission::Public));
    if public {
        operation["security"] = json!([]);
    }
    let mut parameters: Vec<Value> = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            let told = PARAMETERS.iter().find(|(known, _)| *known == name);
            let description = told.map_or("", |(_, description)| description);
            let schema = match name {
                "version" => json!({ "type": "integer", "format": "int64" }),
                _ => json!({ "type": "string" }),
            };
            json!({ "in": "path", "name": name, "required": true, "description": description, "schema": schema })
        })
        .collect();
    if let Some(Value::Array(others)) = operation.get_mut("parameters").map(Value::take) {
        parameters.extend(others);
    }
    operation["parameters"] = Value::Array(parameters);
    let mut statuses = ALWAYS.to_vec();
    if method != "get" {
        statuses.extend(CHANGING);
    }
    if operation.get("requestBody").is_some() {
        statuses.extend(WITH_BODY);
    }
    // Said by those who take If-Match.
    if operation["responses"].get("428").is_some() {
        statuses.push(428);
    }
    let schema = json!({ "$ref": format!("{COMPONENTS}Problem") });
    for status in statuses {
        let description = axum::http::StatusCode::from_u16(status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or_default();
        operation["responses"][status.to_string()] = json!({
            "description": description,
            "content": { "application/problem+json": { "schema": schema } },
        });
    }
}

/// The last collection that the path names within what it belongs to.
fn tag(path: &str) -> &str {
    if path.starts_with("/auth/") {
        return "auth";
    }
    let mut parts = path.trim_start_matches("/admin/").split('/');
    let mut tag = parts.next().unwrap_or_default();
    while let Some(part) = parts.next() {
        let inner = part == "{project}" || part == "{environment}";
        match parts.next() {
            Some(collection) if inner => tag = collection,
            _ => break,
        }
    }
    tag
}

/// A document that is served.
#[derive(Clone, Debug)]
pub struct Served(Bytes);

impl Served {
    /// Of this document.
    pub fn new(document: &Value) -> Self {
        Self(document.to_string().into())
    }

    /// `GET /admin/openapi.json`: public, as the program's source is.
    pub async fn get(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")], self.0)
            .into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_grouped_by_what_they_are_about() {
        for (path, expected) in [
            ("/admin/projects", "projects"),
            ("/admin/projects/{project}", "projects"),
            ("/admin/projects/{project}/flags/{flag}", "flags"),
            ("/admin/projects/{project}/environments/{environment}", "environments"),
            ("/admin/projects/{project}/environments/{environment}/sdk-keys/{id}", "sdk-keys"),
            ("/admin/projects/{project}/environments/{environment}/flags/{flag}/on", "flags"),
            ("/admin/edges", "edges"),
            ("/auth/token/refresh", "auth"),
        ] {
            assert_eq!(tag(path), expected, "{path}");
        }
    }
}
