//! Every operation of the OpenAPI document x every kind of caller x an open and a protected environment, compared with `matrix.txt`.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::Request;
use pennon_control_plane::router;
use serde_json::{Value, json};

use crate::callers::*;
use crate::support::*;

on_both_databases!(everybody_may_what_is_written);

const WRITTEN: &str = include_str!("matrix.txt");
/// From the least to the most.
const LADDER: [&str; 8] =
    ["public", "account", "viewer", "editor", "publisher", "admin", "owner", "instance"];
/// Operations that are for people and not for tokens.
const PERSONAL: [&str; 4] = ["signOut", "listSessions", "endSession", "changePassword"];
/// Names in paths that lead to something; all others lead nowhere, so that a request that gets through changes nothing.
const PROJECT: &str = "default";
const ENVIRONMENTS: [&str; 2] = ["development", "production"];

fn rank(word: &str) -> usize {
    LADDER.iter().position(|known| *known == word).unwrap_or_else(|| panic!("{word:?} is no role"))
}

/// What is written of each operation: the rank for an open environment, and for a protected one.
fn written() -> BTreeMap<&'static str, [usize; 2]> {
    let lines = WRITTEN.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut table = BTreeMap::new();
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [operation, open, protected] = words[..] else { panic!("matrix.txt: {line:?}") };
        let before = table.insert(operation, [rank(open), rank(protected)]);
        assert_eq!(before, None, "matrix.txt has {operation} twice");
    }
    table
}

struct Operation {
    id: String,
    method: String,
    path: String,
    least: [usize; 2],
}

impl Operation {
    fn path(&self, project: &str, environment: &str) -> String {
        let path = self.path.replace("{project}", project).replace("{environment}", environment);
        let nowhere = "00000000000000000000000000000000";
        let parts: Vec<&str> = path
            .split('/')
            .map(|part| if part.starts_with('{') { nowhere } else { part })
            .collect();
        parts.join("/")
    }
}

fn operations(document: &Value) -> Vec<Operation> {
    let table = written();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            let least = table.get(id).unwrap_or_else(|| {
                panic!("tests/api/matrix.txt does not say who may do {id} ({method} {path})")
            });
            let (id, method) = (id.to_owned(), method.to_uppercase());
            operations.push(Operation { id, method, path: path.clone(), least: *least });
        }
    }
    assert_eq!(operations.len(), table.len(), "matrix.txt has operations that are gone");
    operations
}

/// What became of a request: let through to its handler, or why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Through,
    /// 401: nobody knows who this is.
    Unknown,
    /// 403: somebody who may not.
    Role,
    /// 404: to them the project does not exist.
    Hidden,
}

async fn verdict(server: &Server, with: With<'_>, method: &str, path: &str) -> Verdict {
    // No version is 0 and no body comes along, so what is let through changes nothing.
    let mut request = Request::builder().method(method).uri(path).header("if-match", "\"0\"");
    match with {
        With::Nothing => {}
        With::Cookie(cookie) => {
            request = request.header("cookie", cookie).header("sec-fetch-site", "same-origin");
        }
        With::Bearer(token) => request = request.header("authorization", format!("Bearer {token}")),
    }
    let answer = server.send(request.body(Body::empty()).unwrap()).await;
    assert!(answer.status.as_u16() < 500, "{method} {path}: {answer:?}");
    if answer.status.is_success() {
        return Verdict::Through;
    }
    let (status, code) = answer.problem();
    match (status, code.as_str()) {
        (401, "token") => Verdict::Unknown,
        (403, "role") => Verdict::Role,
        (404, _) if answer.json()["detail"].as_str().unwrap().contains("no project") => {
            Verdict::Hidden
        }
        _ => Verdict::Through,
    }
}

async fn jwt(server: &Server, email: &str) -> String {
    let credentials = json!({ "email": email, "password": PASSWORD });
    let answer =
        ask(server, With::Nothing, axum::http::Method::POST, "/auth/token", Some(credentials));
    answer.await.ok().json()["accessToken"].as_str().unwrap().to_owned()
}

async fn token(server: &Server, role: &str, ends: Option<i64>) -> (String, String) {
    let number = server.app.random.id().unwrap();
    let new = json!({ "name": number, "role": role, "expiresAt": ends });
    let made = server.post(TOKENS, new).await.ok().json();
    (made["token"].as_str().unwrap().to_owned(), made["id"].as_str().unwrap().to_owned())
}

async fn everybody_may_what_is_written(place: Place) {
    let server = start(&place).await;
    let operations = operations(&router::openapi());
    let ada = set_up(&server).await;

    // Those whose credentials are no good (any more).
    let (expired, _) = token(&server, "owner", Some(NOW + 1)).await;
    let (revoked, id) = token(&server, "owner", None).await;
    server.delete(&format!("{TOKENS}/{id}")).await;
    let ended = cookie(&sign_in(&server, "ada@example.com", PASSWORD).await.ok());
    ask(&server, With::Cookie(&ended), axum::http::Method::POST, "/auth/sign-out", None).await.ok();
    let old = jwt(&server, "ada@example.com").await;
    server.app.clock.advance(900_000);
    let unsigned = format!("{}.", old.rsplit_once('.').unwrap().0);
    let sdk_key = server.key(0, pennon_core::snapshot::Kind::Server);
    let strangers = [
        ("nobody", With::Nothing),
        ("an expired token", With::Bearer(&expired)),
        ("a revoked token", With::Bearer(&revoked)),
        ("an ended session", With::Cookie(&ended)),
        ("an expired JWT", With::Bearer(&old)),
        ("an unsigned JWT", With::Bearer(&unsigned)),
        ("an SDK key", With::Bearer(&sdk_key)),
    ];

    // Members by each kind of credential, with the rank that they have in development and in production.
    let mut callers: Vec<(String, Credential, [usize; 2])> =
        vec![("the owner of the instance".to_owned(), Credential::Cookie(ada.clone()), [7, 7])];
    for role in &LADDER[2..7] {
        let email = format!("{role}@example.com");
        let (_, session) = somebody(&server, &ada, &email, role).await;
        let rank = [rank(role); 2];
        callers.push((format!("{role}, session"), Credential::Cookie(session), rank));
        callers.push((
            format!("{role}, JWT"),
            Credential::Bearer(jwt(&server, &email).await),
            rank,
        ));
        let (token, _) = token(&server, role, None).await;
        callers.push((format!("{role}, token"), Credential::Bearer(token), rank));
    }
    let (narrowed, session) = somebody(&server, &ada, "narrowed@example.com", "viewer").await;
    let role = json!({ "role": "publisher", "environments": { "production": "viewer" } });
    server.put(&format!("{MEMBERS}/{narrowed}"), role).await.ok();
    let narrow = [rank("publisher"), rank("viewer")];
    callers.push((
        "publisher, viewer in production".to_owned(),
        Credential::Cookie(session),
        narrow,
    ));
    // One who belongs to another project alone.
    server.post("/admin/projects", json!({ "key": "other" })).await.ok();
    let new = json!({ "email": "outsider@example.com" });
    let made = server.post("/admin/users", new).await.ok().json();
    let accepted = json!({ "invitation": made["invitation"], "password": PASSWORD });
    let accepted =
        ask(&server, With::Nothing, axum::http::Method::POST, "/auth/invitation", Some(accepted));
    let outsider = cookie(&accepted.await.ok());
    let member = json!({ "email": "outsider@example.com", "role": "owner" });
    server.post("/admin/projects/other/members", member).await.ok();
    let before = server.get("/admin/projects/default/audit?limit=1").await.ok().json();

    let mut asked = 0;
    for operation in &operations {
        let (id, method) = (operation.id.as_str(), operation.method.as_str());
        let public = operation.least == [rank("public"); 2];
        let in_project = operation.path.contains("{project}");
        let in_environment = operation.path.contains("{environment}");
        for (position, environment) in ENVIRONMENTS.into_iter().enumerate() {
            let path = operation.path(PROJECT, environment);
            for (name, with) in &strangers {
                let expected = if public { Verdict::Through } else { Verdict::Unknown };
                let found = verdict(&server, *with, method, &path).await;
                assert_eq!(found, expected, "{id} in {environment} by {name}");
                asked += 1;
            }
            for (name, credential, ranks) in &callers {
                if PERSONAL.contains(&id) && (name.ends_with("token") || id == "signOut") {
                    continue;
                }
                // A narrowing counts where something is changed in that environment, and nowhere else.
                let changes = in_environment && operation.least != [rank("viewer"); 2];
                let rank = ranks[if changes { position } else { 0 }];
                let allowed = rank >= operation.least[position];
                let expected = if allowed { Verdict::Through } else { Verdict::Role };
                let found = verdict(&server, credential.with(), method, &path).await;
                assert_eq!(found, expected, "{id} in {environment} by {name}");
                asked += 1;
            }
        }
        if id == "signOut" {
            continue;
        }
        // To an outsider a project of others is as one that does not exist.
        let with = With::Cookie(&outsider);
        let found = verdict(&server, with, method, &operation.path(PROJECT, "production")).await;
        let nowhere =
            verdict(&server, with, method, &operation.path("nowhere", "production")).await;
        assert_eq!(found, nowhere, "{id}");
        if in_project {
            assert_eq!(found, Verdict::Hidden, "{id} by an outsider");
        }
    }
    assert!(asked > 2_000, "{asked}");
    let after = server.get("/admin/projects/default/audit?limit=1").await.ok().json();
    assert_eq!(before, after, "the walk has changed something");
}

enum Credential {
    Cookie(String),
    Bearer(String),
}

impl Credential {
    fn with(&self) -> With<'_> {
        match self {
            Self::Cookie(cookie) => With::Cookie(cookie),
            Self::Bearer(token) => With::Bearer(token),
        }
    }
}
