//! Every route on one page, grouped by who calls it.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, Method, StatusCode, header};
use axum::routing::{delete, get, post};
use pennon_core::protocol::ofrep::MAX_REQUEST_BYTES;
use std::time::Duration;
use tower_http::cors::{Any, CorsLayer};

use crate::app::App;
use crate::routes::admin::{
    attributes, audit, configurations, environments, flags, projects, sdk_keys, segments, status,
};
use crate::routes::body::MAX_JSON_BYTES;
use crate::routes::problem::Problem;
use crate::routes::{access, dashboard, delivery, detached, health, log, ofrep, stream};

/// How long a browser may remember a preflight.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_secs(86_400);

/// The whole server.
pub fn router(app: App) -> Router {
    Router::new()
        .merge(admin(app.clone()))
        .merge(delivered())
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/readyz/delivery", get(health::delivery))
        .route("/", get(dashboard::page))
        .fallback(async || {
            Problem::not_found("there is no such path: the API is under /admin, /v1 and /ofrep")
        })
        .method_not_allowed_fallback(method_not_allowed)
        .layer(axum::middleware::from_fn_with_state(app.clone(), log::log))
        .with_state(app)
}

/// What listens on the address of the metrics: for Prometheus and for probes, without a token.
pub fn operation(app: App) -> Router {
    Router::new()
        .route("/metrics", get(health::metrics))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/readyz/delivery", get(health::delivery))
        .fallback(async || Problem::not_found("here are /metrics, /healthz and /readyz alone"))
        .with_state(app)
}

/// For people and their tools. Who may use which route stands in `routes/access.rs`; what does not stand there is refused.
fn admin(app: App) -> Router<App> {
    let environment = "/admin/projects/{project}/environments/{environment}";
    let project = "/admin/projects/{project}";
    Router::new()
        .route("/admin/projects", get(projects::list).post(projects::create))
        .route(project, get(projects::get))
        .route(&format!("{project}/audit"), get(audit::list))
        .route(&format!("{project}/audit/export"), get(audit::export))
        .route(
            &format!("{project}/environments"),
            get(environments::list).post(environments::create),
        )
        .route(environment, get(environments::get))
        .route(&format!("{environment}/config"), get(environments::config))
        .route(&format!("{environment}/snapshots"), get(status::snapshots))
        .route(&format!("{environment}/sdk-keys"), get(sdk_keys::list).post(sdk_keys::create))
        .route(&format!("{environment}/sdk-keys/{{id}}"), delete(sdk_keys::revoke))
        .route(&format!("{environment}/flags"), get(configurations::list))
        .route(
            &format!("{environment}/flags/{{flag}}"),
            get(configurations::get).put(configurations::put),
        )
        .route(&format!("{environment}/flags/{{flag}}/on"), post(configurations::on))
        .route(&format!("{environment}/flags/{{flag}}/off"), post(configurations::off))
        .route(&format!("{project}/flags"), get(flags::list).post(flags::create))
        .route(
            &format!("{project}/flags/{{flag}}"),
            get(flags::get).put(flags::put).delete(flags::delete),
        )
        .route(&format!("{project}/segments"), get(segments::list))
        .route(
            &format!("{project}/segments/{{segment}}"),
            get(segments::get).put(segments::put).delete(segments::delete),
        )
        .route(&format!("{project}/attributes"), get(attributes::list))
        .route(
            &format!("{project}/attributes/{{attribute}}"),
            get(attributes::get).put(attributes::put).delete(attributes::delete),
        )
        .route("/admin/edges", get(status::edges))
        .route_layer(axum::middleware::from_fn_with_state(app, access::guard))
        .layer(DefaultBodyLimit::max(MAX_JSON_BYTES))
        .layer(axum::middleware::from_fn(detached::detached))
}

/// For SDKs, edges and browsers, behind SDK keys.
fn delivered() -> Router<App> {
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD, Method::POST])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_NONE_MATCH,
            HeaderName::from_static("x-api-key"),
        ])
        .expose_headers([header::ETAG, header::RETRY_AFTER])
        .max_age(PREFLIGHT_MAX_AGE)
        // The answer is the same for every origin.
        .vary([]);
    Router::new()
        .route("/v1/head/{environment}/{kind}", get(delivery::head))
        .route("/v1/body/{sha256}", get(delivery::body))
        .route("/v1/keyset/{number}", get(delivery::keyset))
        .route("/v1/stream/{environment}/{kind}", get(stream::stream))
        .route("/ofrep/v1/evaluate/flags", post(ofrep::bulk).fallback(ofrep::wrong_method))
        .route("/ofrep/v1/evaluate/flags/{key}", post(ofrep::single).fallback(ofrep::wrong_method))
        // Before the layers, which would otherwise not be around it: a preflight is answered there.
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
        .layer(cors)
}

async fn method_not_allowed() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", "this path does not take this method")
}
