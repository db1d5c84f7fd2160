//! Every route on one page, grouped by who calls it.

use aide::axum::ApiRouter;
use aide::axum::routing::{delete_with, get_with, post_with};
use aide::openapi::OpenApi;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, Method, StatusCode, header};
use axum::routing::{get, post};
use pennon_core::config::{Attribute, Holdout, Layer, Segment};
use pennon_core::protocol::ofrep::MAX_REQUEST_BYTES;
use serde_json::Value;
use std::time::Duration;
use tower_http::cors::{Any, CorsLayer};

use crate::app::App;
use crate::domain::document::Definition;
use crate::routes::admin::files::MAX_IMPORT_BYTES;
use crate::routes::admin::{
    audit, configurations, copies, documents, drafts, environments, evaluation, events, files,
    flag_list, flags, history, members, operations, projects, publication, sdk_keys, status,
    tokens, users, uses, webhooks,
};
use crate::routes::auth::{account, programs, setup, sign_in};
use crate::routes::body::{MAX_JSON_BYTES, MAX_PUBLIC_BYTES};
use crate::routes::openapi::{Served, file, says};
use crate::routes::problem::Problem;
use crate::routes::{
    access, dashboard, delivery, detached, docs, health, log, ofrep, openapi, rate, simple, stream,
    terms,
};

/// How long a browser may remember a preflight.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_secs(86_400);

/// The whole server.
pub fn router(app: App) -> Router {
    let (admin, document) = documented();
    let probe = get(health::healthz).fallback(method_not_allowed);
    let admin = admin
        .route_layer(axum::middleware::from_fn_with_state(app.clone(), access::guard))
        .layer(DefaultBodyLimit::max(MAX_JSON_BYTES))
        .layer(axum::middleware::from_fn(detached::detached));
    let document = Served::new(&document);
    let limited = axum::middleware::from_fn_with_state(app.clone(), rate::limit);
    let logged = axum::middleware::from_fn_with_state(app.clone(), log::log);
    let kept = axum::middleware::from_fn_with_state(app.clone(), terms::keep);
    // One layer of several costs a request less than several of one.
    Router::new()
        .merge(admin)
        .route("/admin/openapi.json", get(async || document.get().await))
        .route("/admin/docs", get(docs::page))
        .route("/admin/docs/{file}", get(docs::file))
        .route("/readyz", get(health::readyz))
        .route("/readyz/delivery", get(health::delivery))
        .fallback(dashboard::fallback)
        .method_not_allowed_fallback(method_not_allowed)
        .layer((logged.clone(), limited.clone()))
        .merge(delivered().layer((logged.clone(), kept, cors(), limited)))
        .merge(Router::new().route("/healthz", probe).layer(logged))
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

/// The OpenAPI document.
pub fn openapi() -> Value {
    documented().1
}

fn documented() -> (Router<App>, Value) {
    openapi::begin();
    let mut api = OpenApi::default();
    let router = admin().merge(history()).finish_api(&mut api);
    let document = openapi::complete(&mut api);
    (router, document)
}

/// For people and their tools. Every route is described: there is no other way in here. Who may use which route stands in
/// `routes/access.rs`; what does not stand there is refused.
fn admin() -> ApiRouter<App> {
    let project = "/admin/projects/{project}";
    let environment = "/admin/projects/{project}/environments/{environment}";
    let p = |path: &str| format!("{project}{path}");
    let e = |path: &str| format!("{environment}{path}");
    ways_in()
        .layer(DefaultBodyLimit::max(MAX_PUBLIC_BYTES))
        .merge(people())
        .api_route(
            "/admin/projects",
            get_with(projects::list, says("listProjects", "All projects"))
                .post_with(projects::create, says("createProject", "A new project")),
        )
        .api_route(project, get_with(projects::get, says("getProject", "A project")))
        .api_route(
            &p("/members"),
            get_with(members::list, says("listMembers", "Who belongs to the project"))
                .post_with(members::create, says("addMember", "Takes somebody into the project")),
        )
        .api_route(
            &p("/members/{user}"),
            get_with(members::get, says("getMember", "A member"))
                .put_with(members::put, says("putMember", "Says what a member is"))
                .delete_with(
                    members::delete,
                    says("removeMember", "Takes somebody out of the project"),
                ),
        )
        .api_route(
            &p("/tokens"),
            get_with(
                tokens::list,
                says("listTokens", "The project's API tokens: an admin sees all, others their own"),
            )
            .post_with(tokens::create, says("createToken", "A new API token, shown this once")),
        )
        .api_route(
            &p("/tokens/{id}"),
            delete_with(tokens::revoke, says("revokeToken", "Revokes an API token")),
        )
        .api_route(
            &p("/audit"),
            get_with(audit::list, says("listAudit", "What was changed, newest first")),
        )
        .api_route(
            &p("/audit/export"),
            get_with(
                audit::export,
                file("exportAudit", "The whole log as a file", &["application/jsonl", "text/csv"]),
            ),
        )
        .api_route(
            &p("/events"),
            get_with(
                events::stream,
                file(
                    "streamEvents",
                    "What is changed in the project, as it is committed",
                    &["text/event-stream"],
                ),
            ),
        )
        .api_route(
            &p("/environments"),
            get_with(environments::list, says("listEnvironments", "The project's environments"))
                .post_with(
                    environments::create,
                    says("createEnvironment", "A new environment, in which every flag is off"),
                ),
        )
        .api_route(
            environment,
            get_with(environments::get, says("getEnvironment", "An environment"))
                .put_with(
                    environments::put,
                    says("putEnvironment", "Says what an environment is called, where it stands, and who may change it"),
                )
                .patch_with(
                    environments::patch,
                    says("patchEnvironment", "Changes some of what is said about an environment"),
                )
                .delete_with(
                    environments::delete,
                    says(
                        "deleteEnvironment",
                        "Deletes an environment: its SDK keys, streams and snapshots end",
                    ),
                ),
        )
        .api_route(
            &e("/config"),
            get_with(environments::config, says("getConfig", "The environment as CONFIG.json")),
        )
        .api_route(
            &e("/draft"),
            post_with(
                drafts::compiled,
                says("compileDraft", "The environment as it would be with some flags changed"),
            ),
        )
        .api_route(
            &e("/snapshots"),
            get_with(status::snapshots, says("listSnapshots", "What is published, newest first")),
        )
        .api_route(
            &e("/evaluate"),
            post_with(
                evaluation::evaluate,
                says("evaluateAt", "What a context gets, or got at any version or time, and why"),
            ),
        )
        .api_route(
            &e("/delivery"),
            get_with(
                publication::get,
                says("getDelivery", "What is published here, what waits, and what keeps it"),
            ),
        )
        .api_route(
            &e("/delivery/confirm"),
            post_with(
                publication::confirm,
                says("confirmPublication", "Publishes what is held back"),
            ),
        )
        .api_route(
            &e("/sdk-keys"),
            get_with(sdk_keys::list, says("listSdkKeys", "The environment's SDK keys")).post_with(
                sdk_keys::create,
                says("createSdkKey", "A new SDK key, shown this once"),
            ),
        )
        .api_route(
            &e("/sdk-keys/{id}"),
            get_with(sdk_keys::get, says("getSdkKey", "An SDK key; never the key itself"))
                .patch_with(sdk_keys::patch, says("patchSdkKey", "Calls an SDK key something else"))
                .delete_with(sdk_keys::revoke, says("revokeSdkKey", "Revokes an SDK key")),
        )
        .api_route(
            &e("/flags"),
            get_with(configurations::list, says("listConfigurations", "What each flag does here")),
        )
        .api_route(
            &e("/flags/{flag}"),
            get_with(configurations::get, says("getConfiguration", "What a flag does here"))
                .put_with(
                    configurations::put,
                    says("putConfiguration", "Says what a flag does here"),
                )
                .patch_with(
                    configurations::patch,
                    says("patchConfiguration", "Changes some of what a flag does here"),
                ),
        )
        .api_route(
            &e("/flags/{flag}/on"),
            post_with(configurations::on, says("turnOn", "Turns a flag on")),
        )
        .api_route(
            &e("/flags/{flag}/off"),
            post_with(configurations::off, says("turnOff", "Turns a flag off")),
        )
        .api_route(
            &p("/flags"),
            get_with(
                flag_list::list,
                says("listFlags", "The project's flags, and how they stand in each environment"),
            )
            .post_with(flags::create, says("createFlag", "A new flag")),
        )
        .api_route(
            &p("/flags/{flag}"),
            get_with(flags::get, says("getFlag", "What a flag is"))
                .put_with(flags::put, says("putFlag", "Says what a flag is"))
                .patch_with(flags::patch, says("patchFlag", "Changes some of what a flag is"))
                .delete_with(flags::delete, says("deleteFlag", "Deletes a flag for good")),
        )
        .api_route(
            &p("/flags/{flag}/archive"),
            post_with(flags::archive, says("archiveFlag", "Takes a flag out of every snapshot")),
        )
        .api_route(
            &p("/flags/{flag}/restore"),
            post_with(flags::restore, says("restoreFlag", "Brings an archived flag back")),
        )
        .api_route(
            &p("/segments"),
            get_with(documents::list::<Segment>, says("listSegments", "The project's segments")),
        )
        .api_route(
            &p("/segments/{segment}"),
            get_with(documents::get::<Segment>, says("getSegment", "A segment"))
                .put_with(documents::put::<Segment>, says("putSegment", "Writes a segment"))
                .patch_with(
                    documents::patch::<Segment>,
                    says("patchSegment", "Changes some of a segment"),
                )
                .delete_with(
                    documents::delete::<Segment>,
                    says("deleteSegment", "Deletes a segment"),
                ),
        )
        .api_route(
            &p("/segments/{segment}/archive"),
            post_with(
                documents::archive::<Segment>,
                says("archiveSegment", "Puts a segment that nothing uses away"),
            ),
        )
        .api_route(
            &p("/segments/{segment}/restore"),
            post_with(
                documents::restore::<Segment>,
                says("restoreSegment", "Brings an archived segment back"),
            ),
        )
        .api_route(
            &p("/attributes"),
            get_with(
                documents::list::<Attribute>,
                says("listAttributes", "The declared attributes"),
            ),
        )
        .api_route(
            &p("/attributes/{attribute}"),
            get_with(documents::get::<Attribute>, says("getAttribute", "A declared attribute"))
                .put_with(
                    documents::put::<Attribute>,
                    says("putAttribute", "Declares an attribute"),
                )
                .patch_with(
                    documents::patch::<Attribute>,
                    says("patchAttribute", "Changes some of an attribute's declaration"),
                )
                .delete_with(
                    documents::delete::<Attribute>,
                    says("deleteAttribute", "Takes an attribute's declaration back"),
                ),
        )
        .api_route(
            &p("/layers"),
            get_with(documents::list::<Layer>, says("listLayers", "The project's layers")),
        )
        .api_route(
            &p("/layers/{layer}"),
            get_with(documents::get::<Layer>, says("getLayer", "A layer"))
                .put_with(documents::put::<Layer>, says("putLayer", "Writes a layer"))
                .patch_with(
                    documents::patch::<Layer>,
                    says("patchLayer", "Changes some of a layer"),
                )
                .delete_with(documents::delete::<Layer>, says("deleteLayer", "Deletes a layer")),
        )
        .api_route(
            &p("/layers/{layer}/uses"),
            get_with(
                uses::layer,
                says("listLayerUses", "The rules that take slots of a layer, in every environment"),
            ),
        )
        .api_route(
            &p("/holdouts"),
            get_with(documents::list::<Holdout>, says("listHoldouts", "The project's holdouts")),
        )
        .api_route(
            &p("/holdouts/{holdout}"),
            get_with(documents::get::<Holdout>, says("getHoldout", "A holdout"))
                .put_with(documents::put::<Holdout>, says("putHoldout", "Writes a holdout"))
                .patch_with(
                    documents::patch::<Holdout>,
                    says("patchHoldout", "Changes some of a holdout"),
                )
                .delete_with(
                    documents::delete::<Holdout>,
                    says("deleteHoldout", "Deletes a holdout"),
                ),
        )
        .api_route(
            &p("/holdouts/{holdout}/uses"),
            get_with(
                uses::holdout,
                says("listHoldoutUses", "The flags with a holdout, in every environment"),
            ),
        )
        .api_route(
            &p("/webhooks"),
            get_with(webhooks::list, says("listWebhooks", "Where the project's changes are told"))
                .post_with(
                    webhooks::create,
                    says("createWebhook", "A new webhook, with its secret, shown this once"),
                ),
        )
        .api_route(
            &p("/webhooks/{id}"),
            get_with(webhooks::get, says("getWebhook", "A webhook"))
                .put_with(webhooks::put, says("putWebhook", "Says what a webhook is told"))
                .delete_with(
                    webhooks::delete,
                    says("deleteWebhook", "Deletes a webhook and its deliveries"),
                ),
        )
        .api_route(
            &p("/webhooks/{id}/secret"),
            post_with(
                webhooks::rotate,
                says("rotateWebhookSecret", "A new secret; the old one signs as well for a day"),
            ),
        )
        .api_route(
            &p("/webhooks/{id}/deliveries"),
            get_with(
                webhooks::deliveries,
                says("listWebhookDeliveries", "What the webhook was told, newest first"),
            ),
        )
        .api_route(
            &p("/webhooks/{id}/deliveries/{delivery}/redeliver"),
            post_with(webhooks::redeliver, says("redeliver", "Tells the webhook once more")),
        )
        .api_route(
            "/admin/edges",
            get_with(
                status::edges,
                says("listEdges", "Every edge with the version it runs, its age and its errors"),
            ),
        )
}

/// For people to come in, and for what they change of themselves.
fn ways_in() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/auth/setup",
            get_with(setup::get, says("getSetup", "Whether this installation waits for its owner"))
                .post_with(setup::post, says("setUp", "Makes the first owner")),
        )
        .api_route("/auth/sign-in", post_with(sign_in::sign_in, says("signIn", "Begins a session")))
        .api_route(
            "/auth/sign-out",
            post_with(sign_in::sign_out, says("signOut", "Ends the session")),
        )
        .api_route(
            "/auth/invitation",
            post_with(
                sign_in::accept,
                says("acceptInvitation", "Sets a password, and begins a session"),
            ),
        )
        .api_route("/auth/me", get_with(account::get, says("getMe", "Who asks, and what they may")))
        .api_route(
            "/auth/sessions",
            get_with(account::sessions, says("listSessions", "One's own sessions")),
        )
        .api_route(
            "/auth/sessions/{id}",
            delete_with(account::end_session, says("endSession", "Ends one of one's own sessions")),
        )
        .api_route(
            "/auth/password",
            post_with(account::password, says("changePassword", "Changes one's own password")),
        )
        .api_route(
            "/auth/token",
            post_with(programs::issue, says("issueToken", "Signs a program in")),
        )
        .api_route(
            "/auth/token/refresh",
            post_with(programs::refresh, says("refreshToken", "New tokens for a refresh token")),
        )
        .api_route(
            "/auth/token/revoke",
            post_with(programs::revoke, says("revokeSignIn", "Ends a program's sign-in")),
        )
}

/// The people, for owners of the instance.
fn people() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/admin/users",
            get_with(users::list, says("listUsers", "The people of this installation"))
                .post_with(users::create, says("createUser", "Makes and invites a person")),
        )
        .api_route(
            "/admin/users/{user}",
            get_with(users::get, says("getUser", "A person"))
                .patch_with(users::patch, says("patchUser", "Changes a person")),
        )
        .api_route(
            "/admin/users/{user}/invitation",
            post_with(users::invitation, says("inviteUser", "Lets a person choose a password")),
        )
}

/// Changes by name, and what became of everything.
fn history() -> ApiRouter<App> {
    let project = "/admin/projects/{project}";
    let environment = "/admin/projects/{project}/environments/{environment}";
    let p = |path: &str| format!("{project}{path}");
    let e = |path: &str| format!("{environment}{path}");
    let configured = e("/flags/{flag}/versions");
    let flag = p("/flags/{flag}/versions");
    ApiRouter::new()
        .api_route(
            &e("/flags/{flag}/operations"),
            post_with(
                operations::on_flag,
                says("operateOnFlag", "Changes what a flag does here, part by part"),
            ),
        )
        .api_route(
            &p("/segments/{segment}/operations"),
            post_with(
                operations::on_segment,
                says("operateOnSegment", "Changes a segment, key by key"),
            ),
        )
        .api_route(
            &e("/copy"),
            post_with(copies::copy, says("copyFlags", "Copies what flags do to here")),
        )
        .api_route(
            &e("/compare"),
            get_with(
                copies::compare,
                says("compareEnvironments", "Flags that do something else in another environment"),
            ),
        )
        .api_route(
            &e("/clone"),
            post_with(copies::clone, says("cloneEnvironment", "A new environment like this one")),
        )
        .api_route(
            &p("/export"),
            get_with(files::export, says("exportProject", "The whole project as one document")),
        )
        .api_route(
            &p("/import"),
            post_with(
                files::import,
                says("importProject", "Takes a document in, or tells what that would do"),
            )
            .layer(DefaultBodyLimit::max(MAX_IMPORT_BYTES)),
        )
        .api_route(
            &p("/changes/{version}"),
            get_with(history::change, says("getChange", "What a change did to each object")),
        )
        .api_route(
            &configured,
            get_with(
                history::list_configuration,
                says("listConfigurationVersions", "What a flag did here, newest first"),
            ),
        )
        .api_route(
            &format!("{configured}/{{version}}"),
            get_with(
                history::get_configuration,
                says("getConfigurationVersion", "What a flag did here, and what changed"),
            ),
        )
        .api_route(
            &format!("{configured}/{{version}}/rollback"),
            post_with(
                history::roll_back_configuration,
                says("rollBackConfiguration", "Makes a flag do here what it did"),
            ),
        )
        .api_route(
            &flag,
            get_with(history::list_flag, says("listFlagVersions", "What a flag was, newest first")),
        )
        .api_route(
            &format!("{flag}/{{version}}"),
            get_with(
                history::get_flag,
                says("getFlagVersion", "What a flag was, and what changed"),
            ),
        )
        .api_route(
            &format!("{flag}/{{version}}/rollback"),
            post_with(
                history::roll_back_flag,
                says("rollBackFlag", "Makes a flag what it was, also a deleted one"),
            ),
        )
        .merge(versions::<Segment>(
            &p("/segments/{segment}"),
            ["listSegmentVersions", "getSegmentVersion", "rollBackSegment"],
        ))
        .merge(versions::<Attribute>(
            &p("/attributes/{attribute}"),
            ["listAttributeVersions", "getAttributeVersion", "rollBackAttribute"],
        ))
        .merge(versions::<Layer>(
            &p("/layers/{layer}"),
            ["listLayerVersions", "getLayerVersion", "rollBackLayer"],
        ))
        .merge(versions::<Holdout>(
            &p("/holdouts/{holdout}"),
            ["listHoldoutVersions", "getHoldoutVersion", "rollBackHoldout"],
        ))
}

/// The versions of one kind of document.
fn versions<T: Definition>(
    document: &str,
    [list, get, roll_back]: [&'static str; 3],
) -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            &format!("{document}/versions"),
            get_with(history::list_document::<T>, says(list, "What it was, newest first")),
        )
        .api_route(
            &format!("{document}/versions/{{version}}"),
            get_with(history::get_document::<T>, says(get, "What it was, and what changed")),
        )
        .api_route(
            &format!("{document}/versions/{{version}}/rollback"),
            post_with(
                history::roll_back_document::<T>,
                says(roll_back, "Makes it what it was, also when it was deleted"),
            ),
        )
}

/// For SDKs, edges and browsers, behind SDK keys.
fn delivered() -> Router<App> {
    let asking = Router::new()
        .route("/ofrep/v1/evaluate/flags", post(ofrep::bulk).fallback(ofrep::wrong_method))
        .route("/ofrep/v1/evaluate/flags/{key}", post(ofrep::single).fallback(ofrep::wrong_method))
        .route("/api/v1/flags/batch", post(simple::batch))
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES));
    Router::new()
        .merge(asking)
        .route("/v1/head/{environment}/{kind}", get(delivery::head))
        .route("/v1/body/{sha256}", get(delivery::body))
        .route("/v1/delta/{from}/{to}", get(delivery::delta))
        .route("/v1/keyset/{number}", get(delivery::keyset))
        .route("/v1/stream/{environment}/{kind}", get(stream::stream))
        .route("/api/v1/flags/{key}", get(simple::single))
        // Before the layers, which would otherwise not be around it: a preflight is answered there.
        .method_not_allowed_fallback(method_not_allowed)
}

/// Pages of every origin may ask: what decides is the key.
fn cors() -> CorsLayer {
    CorsLayer::new()
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
        .vary([])
}

async fn method_not_allowed() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", "this path does not take this method")
}
