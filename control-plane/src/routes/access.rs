//! Who may use which route. The guard stands before every route of the admin API: one that the table does not know is refused, so that no
//! handler can be reached because somebody forgot to ask.

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{MatchedPath, RawPathParams, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::admin::find;
use super::problem::Problem;
use crate::app::App;
use crate::auth::actor::{Actor, authenticate};
use crate::domain::permission::{Permission, Refusal, Target, decide};
use crate::domain::role::Role;

use Permission::{Account, Change, Define, Instance, Manage, Public, Read};

/// Every route of the admin API: method, path, what it takes.
pub const TABLE: &[(&str, &str, Permission)] = &[
    ("GET", "/auth/setup", Public),
    ("POST", "/auth/setup", Public),
    ("POST", "/auth/sign-in", Public),
    ("POST", "/auth/invitation", Public),
    ("POST", "/auth/token", Public),
    ("POST", "/auth/token/refresh", Public),
    ("POST", "/auth/token/revoke", Public),
    ("POST", "/auth/sign-out", Account),
    ("GET", "/auth/me", Account),
    ("GET", "/auth/sessions", Account),
    ("DELETE", "/auth/sessions/{id}", Account),
    ("POST", "/auth/password", Account),
    ("GET", "/admin/users", Instance),
    ("POST", "/admin/users", Instance),
    ("GET", "/admin/users/{user}", Instance),
    ("PATCH", "/admin/users/{user}", Instance),
    ("POST", "/admin/users/{user}/invitation", Instance),
    ("GET", "/admin/projects", Account),
    ("POST", "/admin/projects", Instance),
    ("GET", "/admin/projects/{project}", Read),
    ("GET", "/admin/projects/{project}/members", Read),
    ("POST", "/admin/projects/{project}/members", Manage),
    ("GET", "/admin/projects/{project}/members/{user}", Read),
    ("PUT", "/admin/projects/{project}/members/{user}", Manage),
    ("DELETE", "/admin/projects/{project}/members/{user}", Manage),
    ("GET", "/admin/projects/{project}/tokens", Read),
    ("POST", "/admin/projects/{project}/tokens", Read),
    ("DELETE", "/admin/projects/{project}/tokens/{id}", Read),
    ("GET", "/admin/projects/{project}/audit", Read),
    ("GET", "/admin/projects/{project}/audit/export", Read),
    ("GET", "/admin/projects/{project}/events", Read),
    ("GET", "/admin/projects/{project}/environments", Read),
    ("POST", "/admin/projects/{project}/environments", Manage),
    ("GET", "/admin/projects/{project}/environments/{environment}", Read),
    ("PUT", "/admin/projects/{project}/environments/{environment}", Manage),
    ("PATCH", "/admin/projects/{project}/environments/{environment}", Manage),
    ("DELETE", "/admin/projects/{project}/environments/{environment}", Manage),
    ("GET", "/admin/projects/{project}/environments/{environment}/config", Read),
    ("POST", "/admin/projects/{project}/environments/{environment}/draft", Read),
    ("GET", "/admin/projects/{project}/environments/{environment}/snapshots", Read),
    ("GET", "/admin/projects/{project}/environments/{environment}/delivery", Read),
    ("POST", "/admin/projects/{project}/environments/{environment}/delivery/confirm", Change),
    ("GET", "/admin/projects/{project}/environments/{environment}/sdk-keys", Read),
    ("POST", "/admin/projects/{project}/environments/{environment}/sdk-keys", Change),
    ("GET", "/admin/projects/{project}/environments/{environment}/sdk-keys/{id}", Read),
    ("PATCH", "/admin/projects/{project}/environments/{environment}/sdk-keys/{id}", Change),
    ("DELETE", "/admin/projects/{project}/environments/{environment}/sdk-keys/{id}", Change),
    ("GET", "/admin/projects/{project}/environments/{environment}/flags", Read),
    ("GET", "/admin/projects/{project}/environments/{environment}/flags/{flag}", Read),
    ("PUT", "/admin/projects/{project}/environments/{environment}/flags/{flag}", Change),
    ("PATCH", "/admin/projects/{project}/environments/{environment}/flags/{flag}", Change),
    ("POST", "/admin/projects/{project}/environments/{environment}/flags/{flag}/on", Change),
    ("POST", "/admin/projects/{project}/environments/{environment}/flags/{flag}/off", Change),
    ("GET", "/admin/projects/{project}/flags", Read),
    ("POST", "/admin/projects/{project}/flags", Define),
    ("GET", "/admin/projects/{project}/flags/{flag}", Read),
    ("PUT", "/admin/projects/{project}/flags/{flag}", Define),
    ("PATCH", "/admin/projects/{project}/flags/{flag}", Define),
    ("POST", "/admin/projects/{project}/flags/{flag}/archive", Define),
    ("POST", "/admin/projects/{project}/flags/{flag}/restore", Define),
    ("DELETE", "/admin/projects/{project}/flags/{flag}", Define),
    ("GET", "/admin/projects/{project}/segments", Read),
    ("GET", "/admin/projects/{project}/segments/{segment}", Read),
    ("PUT", "/admin/projects/{project}/segments/{segment}", Define),
    ("PATCH", "/admin/projects/{project}/segments/{segment}", Define),
    ("POST", "/admin/projects/{project}/segments/{segment}/archive", Define),
    ("POST", "/admin/projects/{project}/segments/{segment}/restore", Define),
    ("DELETE", "/admin/projects/{project}/segments/{segment}", Define),
    ("GET", "/admin/projects/{project}/attributes", Read),
    ("GET", "/admin/projects/{project}/attributes/{attribute}", Read),
    ("PUT", "/admin/projects/{project}/attributes/{attribute}", Define),
    ("PATCH", "/admin/projects/{project}/attributes/{attribute}", Define),
    ("DELETE", "/admin/projects/{project}/attributes/{attribute}", Define),
    ("GET", "/admin/projects/{project}/layers", Read),
    ("GET", "/admin/projects/{project}/layers/{layer}", Read),
    ("PUT", "/admin/projects/{project}/layers/{layer}", Define),
    ("PATCH", "/admin/projects/{project}/layers/{layer}", Define),
    ("DELETE", "/admin/projects/{project}/layers/{layer}", Define),
    ("GET", "/admin/projects/{project}/holdouts", Read),
    ("GET", "/admin/projects/{project}/holdouts/{holdout}", Read),
    ("PUT", "/admin/projects/{project}/holdouts/{holdout}", Define),
    ("PATCH", "/admin/projects/{project}/holdouts/{holdout}", Define),
    ("DELETE", "/admin/projects/{project}/holdouts/{holdout}", Define),
    ("GET", "/admin/projects/{project}/webhooks", Manage),
    ("POST", "/admin/projects/{project}/webhooks", Manage),
    ("GET", "/admin/projects/{project}/webhooks/{id}", Manage),
    ("PUT", "/admin/projects/{project}/webhooks/{id}", Manage),
    ("DELETE", "/admin/projects/{project}/webhooks/{id}", Manage),
    ("POST", "/admin/projects/{project}/webhooks/{id}/secret", Manage),
    ("GET", "/admin/projects/{project}/webhooks/{id}/deliveries", Manage),
    ("POST", "/admin/projects/{project}/webhooks/{id}/deliveries/{delivery}/redeliver", Manage),
    (
        "POST",
        "/admin/projects/{project}/environments/{environment}/flags/{flag}/operations",
        Change,
    ),
    ("GET", "/admin/projects/{project}/environments/{environment}/flags/{flag}/versions", Read),
    (
        "GET",
        "/admin/projects/{project}/environments/{environment}/flags/{flag}/versions/{version}",
        Read,
    ),
    (
        "POST",
        "/admin/projects/{project}/environments/{environment}/flags/{flag}/versions/{version}/rollback",
        Change,
    ),
    ("GET", "/admin/projects/{project}/changes/{version}", Read),
    ("GET", "/admin/projects/{project}/flags/{flag}/versions", Read),
    ("GET", "/admin/projects/{project}/flags/{flag}/versions/{version}", Read),
    ("POST", "/admin/projects/{project}/flags/{flag}/versions/{version}/rollback", Define),
    ("POST", "/admin/projects/{project}/segments/{segment}/operations", Define),
    ("GET", "/admin/projects/{project}/segments/{segment}/versions", Read),
    ("GET", "/admin/projects/{project}/segments/{segment}/versions/{version}", Read),
    ("POST", "/admin/projects/{project}/segments/{segment}/versions/{version}/rollback", Define),
    ("GET", "/admin/projects/{project}/attributes/{attribute}/versions", Read),
    ("GET", "/admin/projects/{project}/attributes/{attribute}/versions/{version}", Read),
    (
        "POST",
        "/admin/projects/{project}/attributes/{attribute}/versions/{version}/rollback",
        Define,
    ),
    ("GET", "/admin/projects/{project}/layers/{layer}/uses", Read),
    ("GET", "/admin/projects/{project}/holdouts/{holdout}/uses", Read),
    ("GET", "/admin/projects/{project}/layers/{layer}/versions", Read),
    ("GET", "/admin/projects/{project}/layers/{layer}/versions/{version}", Read),
    ("POST", "/admin/projects/{project}/layers/{layer}/versions/{version}/rollback", Define),
    ("GET", "/admin/projects/{project}/holdouts/{holdout}/versions", Read),
    ("GET", "/admin/projects/{project}/holdouts/{holdout}/versions/{version}", Read),
    ("POST", "/admin/projects/{project}/holdouts/{holdout}/versions/{version}/rollback", Define),
    ("POST", "/admin/projects/{project}/environments/{environment}/copy", Change),
    ("GET", "/admin/projects/{project}/environments/{environment}/compare", Read),
    ("POST", "/admin/projects/{project}/environments/{environment}/clone", Manage),
    ("GET", "/admin/projects/{project}/export", Read),
    ("POST", "/admin/projects/{project}/import", Manage),
    ("POST", "/admin/projects/{project}/environments/{environment}/evaluate", Read),
    ("GET", "/admin/edges", Instance),
];

/// What a route takes; HEAD is as GET.
pub fn permission(method: &Method, path: &str) -> Option<Permission> {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    let mut known = TABLE.iter();
    known.find(|(verb, route, _)| *route == path && *verb == method.as_str()).map(|row| row.2)
}

/// Middleware around the admin API: finds out who calls and whether they may, then hands the [`Actor`] on to the handler.
pub async fn guard(
    State(app): State<App>,
    path: MatchedPath,
    params: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let Some(permission) = permission(request.method(), path.as_str()) else {
        return unknown(path.as_str());
    };
    let (mut parts, body) = request.into_parts();
    if permission != Public {
        let actor = authenticate(&app, &parts).await?;
        let params = params.map_err(|rejection| {
            Problem::new(StatusCode::BAD_REQUEST, "path", rejection.body_text())
        })?;
        check(&app, &actor, permission, &params).await?;
        parts.extensions.insert(actor);
    }
    Ok(next.run(Request::from_parts(parts, body)).await)
}

/// A method that this path does not take; or a path that nobody has written into the table.
fn unknown(path: &str) -> Result<Response, Problem> {
    let taken: Vec<&str> =
        TABLE.iter().filter(|(_, route, _)| *route == path).map(|(method, _, _)| *method).collect();
    if taken.is_empty() {
        return Err(Problem::internal(&format!(
            "routes/access.rs does not say who may use {path}"
        )));
    }
    let problem = Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method",
        "this path does not take this method",
    );
    let mut response = problem.into_response();
    if let Ok(value) = HeaderValue::from_str(&taken.join(", ")) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    Ok(response)
}

/// Whether the caller may do this to what the path names.
async fn check(
    app: &App,
    actor: &Actor,
    permission: Permission,
    params: &RawPathParams,
) -> Result<(), Problem> {
    let named = |name| params.iter().find(|(key, _)| *key == name).map(|(_, value)| value);
    let Some(project_key) = named("project") else {
        return refuse(decide(permission, &actor.author.rights, None), "");
    };
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, project_key).await?;
    let mut target = Target { project_id: &project.id, environment: None };
    // Before the environment is looked for: to others the whole project does not exist.
    if actor.author.rights.grant(&project.id).is_none() {
        return refuse(Err(Refusal::Hidden), project_key);
    }
    let environment = match named("environment") {
        Some(key) => Some(find::environment(&mut tx, &project, key).await?),
        None => None,
    };
    target.environment =
        environment.as_ref().map(|environment| (environment.id.as_str(), environment.protected));
    refuse(decide(permission, &actor.author.rights, Some(target)), project_key)
}

fn refuse(decision: Result<(), Refusal>, project_key: &str) -> Result<(), Problem> {
    decision.map_err(|refusal| match refusal {
        Refusal::Hidden => find::missing("project", project_key),
        Refusal::Role(Role::Publisher) => {
            Problem::role("this environment is protected: it takes the role publisher")
        }
        Refusal::Role(role) => Problem::role(format!("this takes the role {}", role.as_str())),
        Refusal::Instance => Problem::role("this takes an owner of the instance"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_route_stands_in_the_table_once() {
        let mut rows: Vec<_> = TABLE.iter().map(|(method, path, _)| (path, method)).collect();
        rows.sort_unstable();
        for pair in rows.windows(2) {
            assert_ne!(pair[0], pair[1]);
        }
        // A permission on an environment needs one in the path, one on a project a project.
        for (method, path, permission) in TABLE {
            match permission {
                Change => assert!(path.contains("{environment}"), "{method} {path}"),
                Read | Define | Manage | Permission::Own => {
                    assert!(path.contains("{project}"), "{method} {path}");
                }
                Account | Instance | Public => {
                    assert!(!path.contains("{project}"), "{method} {path}");
                }
            }
        }
        assert_eq!(permission(&Method::HEAD, "/admin/edges"), Some(Instance));
        assert_eq!(permission(&Method::PATCH, "/admin/edges"), None);
    }
}
